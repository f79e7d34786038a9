package pack

import (
	"context"
	"sync"
)

// aheadBytes is how many bytes of images may be ready before it is their turn, beside one image a worker.
const aheadBytes = 256 << 20

// ahead bounds the bytes of images that workers have ready before it is their turn: with large images, workers wait for
// the one that is next. That one never waits, so there is no standstill.
type ahead struct {
	mu      sync.Mutex
	changed *sync.Cond
	most    int64
	ready   int64 // bytes
	next    int   // image whose turn it is
}

func newAhead(most int64, next int) *ahead {
	a := &ahead{most: most, next: next}
	a.changed = sync.NewCond(&a.mu)
	return a
}

// may says whether a worker may begin with image i. The lock is held.
func (a *ahead) may(i int) bool { return i <= a.next || a.ready < a.most }

// wait waits until a worker may begin with image i, or ctx is done, of which wake must be told.
func (a *ahead) wait(ctx context.Context, i int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.may(i) && ctx.Err() == nil {
		a.changed.Wait()
	}
}

// made notes that an image of so many bytes is ready, and took that it was taken, so that the next one's turn is come.
func (a *ahead) made(bytes int) {
	a.mu.Lock()
	a.ready += int64(bytes)
	a.mu.Unlock()
}

func (a *ahead) took(bytes int) {
	a.mu.Lock()
	a.ready -= int64(bytes)
	a.next++
	a.mu.Unlock()
	a.wake()
}

func (a *ahead) wake() {
	a.mu.Lock() // none may be between its look and its wait
	defer a.mu.Unlock()
	a.changed.Broadcast()
}
