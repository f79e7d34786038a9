package pipeline

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ordo/runner/bench"
	"ordo/runner/machine"
)

// Speed is how much is done in a second, by one worker and by all of them.
type Speed struct {
	One float64 `json:"one_worker"`
	All float64 `json:"all_workers"`
}

// calls lets workers call do, each with its own number and 0, 1, 2 …, until the time is over or ctx is done. It returns
// the calls in a second of all workers together, or the first error.
func calls(ctx context.Context, workers int, limit time.Duration, do func(worker, i int) error) (float64, error) {
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, workers)
	start := time.Now()
	for w := range workers {
		wg.Go(func() {
			for i := 0; i == 0 || time.Since(start) < limit; i++ {
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				if errs[w] = do(w, i); errs[w] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return bench.Rate(int(done.Load()), took), nil
}

// watchMemory returns a function that ends watching and tells the most anonymous memory that was seen.
func watchMemory() func() int64 {
	const interval = 20 * time.Millisecond
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		most := machine.AnonymousMemory()
		for {
			select {
			case <-time.After(interval):
				most = max(most, machine.AnonymousMemory())
			case <-stop:
				done <- max(most, machine.AnonymousMemory())
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-done }
}

// cores is how many workers there are where all work.
func cores() int { return runtime.GOMAXPROCS(0) }
