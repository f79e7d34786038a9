package loader

import (
	"context"
	"fmt"
	"math/rand/v2"

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
	// Parameters are wanted: what was drawn for each view, in numbers.
	Parameters bool
}

// Batch is the views of a step, or of some of its images: Count of them from First on. Row v·Count + n of the inputs is view v of
// image First+n.
type Batch struct {
	models.Inputs
	First, Count int
	// Views are of the whole step. With micro-batches they are complete once the last one has come.
	Views loss.Views
}

// Loader renders batches ahead of the training loop: the next while the current one is trained on. With micro-batches, every
// step has all of them twice, the second time rendered anew: gradient caching sees them before and after the loss.
type Loader struct {
	o       Options
	set     data.Dataset
	plan    *augment.Plan
	views   loss.Views // without images
	scratch []*augment.Scratch

	ready chan result
	free  chan *Batch
	stop  context.CancelFunc
	done  chan struct{}
	all   []*Batch
}

type result struct {
	batch *Batch
	err   error
}

// batchesAhead is how many batches there is memory for: one is trained on while the other is filled.
const batchesAhead = 2

// New starts at the given step. Steps count on through the epochs, each of set.Len()/Batch whole batches; what is left
// over of an epoch is not seen in it (the order is another in the next).
func New(ctx context.Context, rt *models.Runtime, set data.Dataset, plan *augment.Plan, o Options) (*Loader, error) {
	l := &Loader{o: o, set: set, plan: plan, views: Views(plan, o.Shared), scratch: Scratch(o.Workers),
		ready: make(chan result), free: make(chan *Batch, batchesAhead), done: make(chan struct{})}
	if !o.Parameters {
		l.views.ParameterNames, l.views.ParameterWidth = nil, nil
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
	ctx, l.stop = context.WithCancel(ctx)
	go l.produce(ctx, o.Step)
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
	if n := len(l.views.ParameterNames); n > 0 {
		b.Parameters, err = rt.NewTensor(rows, n)
	}
	return b, err
}

// Views returns what a plan, and the number of images that share their draws, say about the rows of any batch.
func Views(plan *augment.Plan, shared int) loss.Views {
	v := loss.Views{ParameterNames: plan.ParameterNames(), ParameterWidth: plan.ParameterWidths(), Shared: shared}
	for _, view := range plan.Views() {
		v.Family = append(v.Family, view.Family)
	}
	for i, f := range plan.Families() {
		info := plan.FamilyInfo(i)
		v.Names = append(v.Names, f.Family)
		v.Period = append(v.Period, info.Period)
		v.Classes = append(v.Classes, info.Classes)
	}
	return v
}

// StepsPerEpoch is the number of whole batches of an epoch.
func (l *Loader) StepsPerEpoch() int { return l.set.Len() / l.o.Batch }

// Next waits for the next batch. It is valid until Release.
func (l *Loader) Next() (*Batch, error) {
	r, ok := <-l.ready
	if !ok {
		return nil, context.Canceled
	}
	return r.batch, r.err
}

// Release gives a batch back to be filled again.
func (l *Loader) Release(b *Batch) { l.free <- b }

// Close stops the workers and frees the batches.
func (l *Loader) Close() {
	l.stop()
	<-l.done
	l.freeBatches()
}

func (l *Loader) freeBatches() {
	for _, b := range l.all {
		if b.Images != nil {
			b.Images.Close()
		}
		if b.Parameters != nil {
			b.Parameters.Close()
		}
	}
}

func (l *Loader) produce(ctx context.Context, step int) {
	defer close(l.done)
	defer close(l.ready)
	perEpoch := l.StepsPerEpoch()
	var order []int
	for ; ; step++ {
		epoch := step / perEpoch
		if order == nil || step%perEpoch == 0 {
			order = epochOrder(l.o.Seed, uint64(epoch), l.set.Len())
		}
		at := step % perEpoch * l.o.Batch
		if !l.step(ctx, order[at:at+l.o.Batch], uint64(epoch)) {
			return
		}
	}
}

// step makes the batches of a step out of its images. It says false when that was the last one.
func (l *Loader) step(ctx context.Context, images []int, epoch uint64) bool {
	views := l.views
	rows := len(views.Family) * len(images)
	views.Images = len(images)
	views.Scale = make([]float64, rows)
	views.Parameters = make([]float32, rows*len(views.ParameterNames))
	passes := 1
	if l.o.Micro > 0 {
		passes = 2
	}
	for pass := range passes {
		for first := 0; first < len(images); {
			var b *Batch
			select {
			case b = <-l.free:
			case <-ctx.Done():
				return false
			}
			b.First, b.Views = first, views
			// The second pass draws what the first one did: it must not write into what is read already.
			err := l.fill(b, images, epoch, pass == 0)
			select {
			case l.ready <- result{b, err}:
			case <-ctx.Done():
				return false
			}
			if err != nil {
				return false
			}
			first += b.Count
		}
	}
	return true
}

// epochOrder is the order in which an epoch sees the images.
func epochOrder(seed, epoch uint64, n int) []int {
	return rand.New(rand.NewPCG(seed, epoch)).Perm(n)
}

// fill renders all views of the batch's images, and notes their scales and parameters if they are new. What is written where does
// not depend on which worker does it.
func (l *Loader) fill(b *Batch, images []int, epoch uint64, note bool) error {
	side := l.plan.ImageSize()
	pixels := 3 * side * side
	out := b.Images.Data()
	columns := len(b.Views.ParameterNames)
	return parallel(b.Count, l.scratch, func(n int, s *augment.Scratch) error {
		at := b.First + n
		img, err := l.set.Image(images[at])
		if err != nil {
			return err
		}
		key := augment.Key{Seed: l.o.Seed, Epoch: epoch, Sample: uint64(images[at])}
		if shared := l.o.Shared; shared > 1 {
			key.Group = uint64(images[at/shared*shared])
		}
		for v := range b.Views.Family {
			row, whole := v*b.Count+n, v*len(images)+at
			if note {
				b.Views.Scale[whole] = l.plan.Scale(key, v)
			}
			l.plan.Render(out[row*pixels:(row+1)*pixels], s, img, key, v)
			if columns == 0 {
				continue
			}
			drawn := b.Views.Parameters[whole*columns : (whole+1)*columns]
			if note {
				l.plan.Parameters(drawn, key, v, img.Width, img.Height)
			}
			copy(b.Parameters.Data()[row*columns:], drawn)
		}
		return nil
	})
}
