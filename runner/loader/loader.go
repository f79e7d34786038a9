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

// Options say which batches to make.
type Options struct {
	Seed    uint64
	Batch   int // images a batch
	Micro   int // images a micro-batch, which divides Batch; 0: there are none
	Workers int // goroutines that render
	Step    int // to begin with
	// Shared is the number of images, neighbours in a batch, whose base views share their draws; 0 or 1: none do.
	Shared int
	// Draws are wanted: what was drawn for each view, in numbers.
	Draws bool
}

// Batch is the views of a step, or of some of its images: Count of them from First on. Row v·Count + n of the inputs
// is view v of image First+n.
type Batch struct {
	models.Inputs
	First, Count int
	// Views are of the whole step. With micro-batches they are complete once the last one has come.
	Views loss.Views
}

// Loader renders batches ahead of the training loop: the next while the current one is trained on. A fixed number of
// workers takes images in the order of the steps; the batches are a ring, which bounds how far they get. With
// micro-batches, every step has all of them twice, the second time rendered anew: gradient caching sees them before
// and after the loss.
type Loader struct {
	o       Options
	set     data.Dataset
	plan    *augment.Plan
	views   loss.Views // without images
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
	to *filling
	n  int // in the batch
}

// filling is a batch on its way through the workers.
type filling struct {
	batch  *Batch
	images []int // of the whole step, in the set
	epoch  uint64
	notes  bool          // its scales and parameters are new: a second pass must not write into what is read already
	left   atomic.Int64  // images that are not rendered
	ready  chan struct{} // closed when none is

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

// New starts at the given step. Steps count on through the epochs, each of set.Len()/Batch whole batches; what is left
// over of an epoch is not seen in it (the order is another in the next).
func New(ctx context.Context, rt *models.Runtime, set data.Dataset, plan *augment.Plan, o Options) (*Loader, error) {
	l := &Loader{o: o, set: set, plan: plan, views: Views(plan, o.Shared), scratch: Scratch(o.Workers),
		tasks: make(chan task), queue: make(chan *filling, batchesAhead), free: make(chan *Batch, batchesAhead)}
	if !o.Draws {
		l.views.DrawNames, l.views.DrawWidths = nil, nil
	}
	for range batchesAhead {
		b, err := l.newBatch(rt)
		l.all = append(l.all, b)
		if err != nil {
			l.freeBatches()
			return nil, fmt.Errorf("loader: make batch: %w", err)
		}
		l.free <- b
	}
	l.ctx, l.stop = context.WithCancel(ctx)
	l.done.Go(func() { l.produce(o.Step) })
	for _, s := range l.scratch {
		l.done.Go(func() { l.work(s) })
	}
	return l, nil
}

func (l *Loader) newBatch(rt *models.Runtime) (b *Batch, err error) {
	b = &Batch{Count: l.o.Batch}
	if l.o.Micro > 0 {
		b.Count = l.o.Micro
	}
	rows, side := len(l.views.Family)*b.Count, l.plan.ImageSize()
	if b.Images, err = rt.NewTensor(rows, 3, side, side); err != nil {
		return b, err
	}
	if n := len(l.views.DrawNames); n > 0 {
		b.Draws, err = rt.NewTensor(rows, n)
	}
	return b, err
}

// Views returns what a plan, and the number of images that share their draws, say about the rows of any batch.
func Views(plan *augment.Plan, shared int) loss.Views {
	v := loss.Views{DrawNames: plan.DrawNames(), DrawWidths: plan.DrawWidths(), Shared: shared}
	for _, view := range plan.Views() {
		v.Family = append(v.Family, view.Family)
	}
	for i, f := range plan.Families() {
		info := plan.FamilyInfo(i)
		v.Names = append(v.Names, f.Name())
		v.Period = append(v.Period, info.Period)
		v.Classes = append(v.Classes, info.Classes)
	}
	return v
}

// StepsPerEpoch is the number of whole batches of an epoch.
func (l *Loader) StepsPerEpoch() int { return l.set.Len() / l.o.Batch }

// Next waits for the next batch. It is valid until Release. With an error, it is that of the first image that could
// not be read.
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
		if b.Images != nil {
			b.Images.Close()
		}
		if b.Draws != nil {
			b.Draws.Close()
		}
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
			order = epochOrder(l.o.Seed, uint64(epoch), l.set.Len())
		}
		at := step % perEpoch * l.o.Batch
		if !l.step(order[at:at+l.o.Batch], uint64(epoch)) {
			return
		}
	}
}

// step hands out the images of a step, batch by batch. It says false when the loader is closed.
func (l *Loader) step(images []int, epoch uint64) bool {
	views := l.views
	rows := len(views.Family) * len(images)
	views.Images = len(images)
	views.Scale = make([]float64, rows)
	views.Draws = make([]float32, rows*len(views.DrawNames))
	passes := 1
	if l.o.Micro > 0 {
		passes = 2
	}
	for pass := range passes {
		for first := 0; first < len(images); {
			f := &filling{images: images, epoch: epoch, notes: pass == 0, ready: make(chan struct{})}
			select {
			case f.batch = <-l.free:
			case <-l.ctx.Done():
				return false
			}
			f.batch.First, f.batch.Views = first, views
			f.left.Store(int64(f.batch.Count))
			l.queue <- f // has room for every batch that there is
			for n := range f.batch.Count {
				select {
				case l.tasks <- task{f, n}:
				case <-l.ctx.Done():
					return false
				}
			}
			first += f.batch.Count
		}
	}
	return true
}

func (l *Loader) work(s *augment.Scratch) {
	for t := range l.tasks {
		t.to.finish(t.n, l.render(t.to, t.n, s))
	}
}

// StepImages are the images of a step, counted from 0, in their order in the batch, of a set of n.
func StepImages(seed uint64, step, batch, n int) []int {
	perEpoch := n / batch
	order := epochOrder(seed, uint64(step/perEpoch), n)
	at := step % perEpoch * batch
	return order[at : at+batch]
}

// epochOrder is the order in which an epoch sees the images.
func epochOrder(seed, epoch uint64, n int) []int {
	return rand.New(rand.NewPCG(seed, epoch)).Perm(n)
}

// render writes all views of an image, and notes their scales and parameters if they are new. What is written where
// does not depend on which worker does it.
func (l *Loader) render(f *filling, n int, s *augment.Scratch) error {
	b := f.batch
	side := l.plan.ImageSize()
	pixels := 3 * side * side
	out := b.Images.Data()
	columns := len(b.Views.DrawNames)
	at := b.First + n
	img, err := l.set.Image(f.images[at])
	if err != nil {
		return err
	}
	key := augment.Key{Seed: l.o.Seed, Epoch: f.epoch, Sample: uint64(f.images[at])}
	if shared := l.o.Shared; shared > 1 {
		key.Group = uint64(f.images[at/shared*shared])
	}
	for v := range b.Views.Family {
		row, whole := v*b.Count+n, v*len(f.images)+at
		if f.notes {
			b.Views.Scale[whole] = l.plan.Scale(key, v)
		}
		l.plan.Render(out[row*pixels:(row+1)*pixels], s, img, key, v)
		if columns == 0 {
			continue
		}
		drawn := b.Draws.Data()[row*columns:][:columns]
		l.plan.Draws(drawn, key, v, img.Width, img.Height)
		if f.notes {
			copy(b.Views.Draws[whole*columns:], drawn)
		}
	}
	return nil
}
