package loader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"ordo/augment"
	"ordo/loss"
	"ordo/models"
	"ordo/runner/data"
)

// Batch is the views of a step. Images has shape [V·N, 3, S, S], row v·N + n.
type Batch struct {
	Images *models.Tensor
	Views  loss.Views
}

// Loader renders batches ahead of the training loop: the next while the current one is trained on. A fixed number of workers
// takes images in the order of the steps; the batches are a ring, which bounds how far they get.
type Loader struct {
	set     data.Dataset
	plan    *augment.Plan
	seed    uint64
	size    int // images a batch
	scratch []*augment.Scratch

	tasks chan task
	queue chan *filling // in the order of the steps
	free  chan *Batch
	ctx   context.Context
	stop  context.CancelFunc
	done  sync.WaitGroup
	all   []*Batch
}

// task is one image of a batch: all of its views are rendered by one worker.
type task struct {
	to    *filling
	n     int // in the batch
	image int // in the set
}

// filling is a batch on its way through the workers.
type filling struct {
	batch *Batch
	epoch uint64
	left  atomic.Int64  // images that are not rendered
	ready chan struct{} // closed when none is

	mu  sync.Mutex
	err error // of the first image in the batch's order that has one
	at  int
}

// finish notes that an image is rendered, or why it is not.
func (f *filling) finish(n int, err error) {
	if err != nil {
		f.mu.Lock()
		if f.err == nil || n < f.at {
			f.err, f.at = err, n
		}
		f.mu.Unlock()
	}
	if f.left.Add(-1) == 0 {
		close(f.ready)
	}
}

// batchesAhead is how many batches there is memory for: one is trained on while the other is filled.
const batchesAhead = 2

// New starts at the given step. Steps count on through the epochs, each of set.Len()/size whole batches; what is left
// over of an epoch is not seen in it (the order is another in the next).
func New(ctx context.Context, rt *models.Runtime, set data.Dataset, plan *augment.Plan, seed uint64, size, workers, step int) (*Loader, error) {
	l := &Loader{set: set, plan: plan, seed: seed, size: size, scratch: Scratch(workers),
		tasks: make(chan task), queue: make(chan *filling, batchesAhead), free: make(chan *Batch, batchesAhead)}
	views := plan.Views()
	side := plan.ImageSize()
	for range batchesAhead {
		images, err := rt.NewTensor(len(views)*size, 3, side, side)
		if err != nil {
			l.freeBatches()
			return nil, fmt.Errorf("loader: make batch: %w", err)
		}
		b := &Batch{Images: images, Views: loss.Views{Images: size, Scale: make([]float64, len(views)*size)}}
		for _, v := range views {
			b.Views.Family = append(b.Views.Family, v.Family)
		}
		for _, f := range plan.Families() {
			b.Views.Names = append(b.Views.Names, f.Family)
		}
		l.all = append(l.all, b)
		l.free <- b
	}
	l.ctx, l.stop = context.WithCancel(ctx)
	l.done.Go(func() { l.produce(step) })
	for _, s := range l.scratch {
		l.done.Go(func() { l.work(s) })
	}
	return l, nil
}

// StepsPerEpoch is the number of whole batches of an epoch.
func (l *Loader) StepsPerEpoch() int { return l.set.Len() / l.size }

// Next waits for the next batch. It is valid until Release. With an error, it is that of the first image that could not be read.
func (l *Loader) Next() (*Batch, error) {
	select {
	case f := <-l.queue:
		select {
		case <-f.ready:
			return f.batch, f.err
		case <-l.ctx.Done():
		}
	case <-l.ctx.Done():
	}
	return nil, context.Canceled
}

// Release gives a batch back to be filled again.
func (l *Loader) Release(b *Batch) { l.free <- b }

// Close stops the workers and frees the batches.
func (l *Loader) Close() {
	l.stop()
	l.done.Wait()
	l.freeBatches()
}

func (l *Loader) freeBatches() {
	for _, b := range l.all {
		b.Images.Close()
	}
}

// produce hands out the images of one step after the other.
func (l *Loader) produce(step int) {
	defer close(l.tasks)
	perEpoch := l.StepsPerEpoch()
	var order []int
	for ; ; step++ {
		epoch := step / perEpoch
		if order == nil || step%perEpoch == 0 {
			order = epochOrder(l.seed, uint64(epoch), l.set.Len())
		}
		f := &filling{epoch: uint64(epoch), ready: make(chan struct{})}
		f.left.Store(int64(l.size))
		select {
		case f.batch = <-l.free:
		case <-l.ctx.Done():
			return
		}
		l.queue <- f // has room for every batch that there is
		at := step % perEpoch * l.size
		for n, image := range order[at : at+l.size] {
			select {
			case l.tasks <- task{f, n, image}:
			case <-l.ctx.Done():
				return
			}
		}
	}
}

func (l *Loader) work(s *augment.Scratch) {
	for t := range l.tasks {
		t.to.finish(t.n, l.render(t.to.batch, t.n, t.image, t.to.epoch, s))
	}
}

// epochOrder is the order in which an epoch sees the images.
func epochOrder(seed, epoch uint64, n int) []int {
	return rand.New(rand.NewPCG(seed, epoch)).Perm(n)
}

// render writes all views of an image. What is written where does not depend on which worker does it.
func (l *Loader) render(b *Batch, n, sample int, epoch uint64, s *augment.Scratch) error {
	side := l.plan.ImageSize()
	pixels := 3 * side * side
	out := b.Images.Data()
	img, err := l.set.Image(sample)
	if err != nil {
		return err
	}
	key := augment.Key{Seed: l.seed, Epoch: epoch, Sample: uint64(sample)}
	for v := range b.Views.Family {
		row := v*l.size + n
		b.Views.Scale[row] = l.plan.Scale(key, v)
		l.plan.Render(out[row*pixels:(row+1)*pixels], s, img, key, v)
	}
	return nil
}
