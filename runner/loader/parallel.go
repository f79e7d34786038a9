package loader

import (
	"sync"
	"sync/atomic"

	"ordo/augment"
)

// Scratch makes the buffers of so many workers.
func Scratch(workers int) []*augment.Scratch {
	out := make([]*augment.Scratch, workers)
	for i := range out {
		out[i] = new(augment.Scratch)
	}
	return out
}

// parallel calls do for 0 … n-1, on a worker for every scratch, and gives the error of the lowest index that failed.
func parallel(n int, scratch []*augment.Scratch, do func(i int, s *augment.Scratch) error) error {
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	var first error
	firstAt := n
	for _, s := range scratch {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i, s); err != nil {
					mu.Lock()
					if i < firstAt {
						first, firstAt = err, i
					}
					mu.Unlock()
					next.Store(int64(n))
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}
