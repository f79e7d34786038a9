package train

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ordo/loss"
	"ordo/models"
	"ordo/runner/loader"
)

// cache is what gradient caching (Gao et al. 2021) has of a batch that goes through the network in micro-batches: the
// outputs that the loss looks at, and the loss's gradients by them. The gradient of the weights is a sum over the rows,
// so the batch's is the sum of the micro-batches', each with its rows of these gradients.
type cache struct {
	pass    *models.ForwardPass
	rows    [][]float32
	batch   int // images
	micro   int // images
	outputs []loss.Output
	current *loader.Batch // whose gradients the training graph asks for
}

func (s *Stepper) openCache(a models.Artifacts, o models.SessionOptions) error {
	var names []string
	for _, n := range s.setup.Needs {
		if n.Kind != loss.NeedTarget {
			names = append(names, n.Output)
		}
	}
	trained, err := s.trainer.Trained()
	if err != nil {
		return err
	}
	if s.cache.pass, err = models.NewForwardPass(s.rt, a, names, o); err != nil {
		return fmt.Errorf("train.micro_batch: %w", err)
	}
	return s.trainer.Bind(s.cache.pass, trained)
}

// inParts takes the batch in micro-batches: all forward, then the loss, then all forward and backward.
func (s *Stepper) inParts(progress float64, rate float32) (norm float32, err error) {
	c := s.cache
	parts := c.batch / c.micro
	defer func() {
		if err != nil {
			err = errors.Join(err, s.trainer.Discard())
		}
		if NonFinite(err) {
			err = errors.Join(err, s.skip(2*parts))
		}
	}()
	for range parts {
		if err := s.collect(); err != nil {
			return 0, err
		}
	}
	s.views.Progress = progress
	s.outputs = append(s.outputs[:0], c.outputs...)
	if err := s.computeLoss(); err != nil {
		return 0, err
	}
	for range parts {
		b, err := s.next()
		if err != nil {
			return 0, err
		}
		c.current = b
		begin := time.Now()
		err = s.trainer.Accumulate(s.inputs(b))
		s.now.ORT += time.Since(begin)
		s.loader.Release(b)
		if err != nil {
			return 0, err
		}
	}
	return s.update(progress, rate)
}

// skip passes over what is left of a step's batches.
func (s *Stepper) skip(batches int) error {
	for s.taken < batches {
		b, err := s.next()
		if err != nil {
			return err
		}
		s.loader.Release(b)
	}
	return nil
}

// collect runs a micro-batch forward and puts its outputs where they belong in the batch.
func (s *Stepper) collect() error {
	b, err := s.next()
	if err != nil {
		return err
	}
	defer s.loader.Release(b)
	s.views = b.Views
	if err := s.runTarget(b); err != nil {
		return err
	}
	c := s.cache
	begin := time.Now()
	c.rows, err = c.pass.Run(c.rows, b.Inputs)
	s.now.ORT += time.Since(begin)
	if err != nil {
		return err
	}
	if c.outputs == nil {
		c.makeOutputs(b, s.target)
	}
	for i, rows := range c.rows {
		c.put(b, c.outputs[i], rows)
	}
	if s.target != nil {
		c.put(b, c.outputs[len(c.outputs)-1], s.target.rows[0])
	}
	return nil
}

// makeOutputs makes room for the batch's outputs, as large as those of a micro-batch say.
func (c *cache) makeOutputs(b *loader.Batch, t *target) {
	for i, name := range c.pass.Outputs() {
		size := len(c.rows[i]) / b.Count * c.batch
		c.outputs = append(c.outputs, loss.Output{
			Name: name, Dim: c.pass.Columns()[i], Data: make([]float32, size), Grad: make([]float32, size),
		})
	}
	if t != nil {
		c.outputs = append(c.outputs, t.output(make([]float32, len(t.rows[0])/b.Count*c.batch)))
	}
}

// put copies a micro-batch's rows of an output into the batch's.
func (c *cache) put(b *loader.Batch, out loss.Output, rows []float32) {
	c.eachBlock(b, out.Dim, len(rows), func(part, whole span) {
		copy(out.Data[whole.start:whole.end], rows[part.start:part.end])
	})
}

type span struct{ start, end int }

// eachBlock goes through the values of a micro-batch's output: a block of rows for every view, or whatever the output
// has for every image, and where the same rows are in the batch's.
func (c *cache) eachBlock(b *loader.Batch, dim, values int, do func(part, whole span)) {
	size := b.Count * dim
	for k := range values / size {
		at := (k*c.batch + b.First) * dim
		do(span{k * size, (k + 1) * size}, span{at, at + size})
	}
}

// handIn is called from inside the training graph, with a micro-batch: it gives the gradients that the batch's loss
// had.
func (s *Stepper) handIn(outputs []models.Output) error {
	c := s.cache
	s.sampler.keep(outputs, s.views, c.current.First, c.current.Count)
	for _, o := range outputs {
		i := slices.IndexFunc(c.outputs, func(out loss.Output) bool { return out.Name == o.Name })
		if i < 0 {
			clear(o.Grad)
			continue
		}
		c.eachBlock(c.current, o.Columns, len(o.Grad), func(part, whole span) {
			copy(o.Grad[part.start:part.end], c.outputs[i].Grad[whole.start:whole.end])
		})
	}
	return nil
}
