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

// Batch is the views of a step. Images has shape [V·N, 3, S, S], row v·N + n.
type Batch struct {
	Images *models.Tensor
	Views  loss.Views
}

// Loader renders batches ahead of the training loop: the next while the current one is trained on.
type Loader struct {
	set     data.Dataset
	plan    *augment.Plan
	seed    uint64
	size    int // images a batch
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

// New starts at the given step. Steps count on through the epochs, each of set.Len()/size whole batches; what is left
// over of an epoch is not seen in it (the order is another in the next).
func New(ctx context.Context, rt *models.Runtime, set data.Dataset, plan *augment.Plan, seed uint64, size, workers, step int) (*Loader, error) {
	l := &Loader{set: set, plan: plan, seed: seed, size: size, scratch: Scratch(workers),
		ready: make(chan result), free: make(chan *Batch, batchesAhead), done: make(chan struct{})}
	views := plan.Views()
	side := plan.ImageSize()
	for range batchesAhead {
		images, err := rt.NewTensor(len(views)*size, 3, side, side)
		if err != nil {
			l.freeBatches()
			return nil, fmt.Errorf("loader: make batch: %w", err)
		}
		b := &Batch{Images: images, Views: Views(plan)}
		b.Views.Images, b.Views.Scale = size, make([]float64, len(views)*size)
		l.all = append(l.all, b)
		l.free <- b
	}
	ctx, l.stop = context.WithCancel(ctx)
	go l.produce(ctx, step)
	return l, nil
}

// Views returns what the plan alone says about the rows of a batch.
func Views(plan *augment.Plan) loss.Views {
	var v loss.Views
	for _, view := range plan.Views() {
		v.Family = append(v.Family, view.Family)
	}
	for _, f := range plan.Families() {
		v.Names = append(v.Names, f.Family)
	}
	return v
}

// StepsPerEpoch is the number of whole batches of an epoch.
func (l *Loader) StepsPerEpoch() int { return l.set.Len() / l.size }

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
		b.Images.Close()
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
			order = epochOrder(l.seed, uint64(epoch), l.set.Len())
		}
		var b *Batch
		select {
		case b = <-l.free:
		case <-ctx.Done():
			return
		}
		at := step % perEpoch * l.size
		err := l.fill(b, order[at:at+l.size], uint64(epoch))
		select {
		case l.ready <- result{b, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// epochOrder is the order in which an epoch sees the images.
func epochOrder(seed, epoch uint64, n int) []int {
	return rand.New(rand.NewPCG(seed, epoch)).Perm(n)
}

// fill renders all views of the images. What is written where does not depend on which worker does it.
func (l *Loader) fill(b *Batch, images []int, epoch uint64) error {
	side := l.plan.ImageSize()
	pixels := 3 * side * side
	out := b.Images.Data()
	return parallel(len(images), l.scratch, func(n int, s *augment.Scratch) error {
		sample := images[n]
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
	})
}
