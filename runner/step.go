package runner

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ordo/loss"
	"ordo/models"
	"ordo/models/optimizer"
	"ordo/runner/config"
	"ordo/runner/loader"
)

// stepper does training steps: it brings trainer and loss together, with the averaged network and the micro-batches where an
// experiment has them.
type stepper struct {
	loss    *loss.Loss
	trainer *models.Trainer
	loader  *loader.Loader // that of the steps at hand
	target  *target        // nil where the loss needs none
	cache   *cache         // nil without micro-batches
	guarded bool           // a step that fails is to leave the loss as it was

	views   loss.Views // of the batch that is trained on
	outputs []loss.Output
	values  loss.Values
	now     spent // the current step
	taken   int   // batches of the loader in the current step
}

// target is the network of averaged weights: the trained one follows its embedding, and it follows the trained weights.
type target struct {
	name    string // under which the loss gets its embedding
	average *optimizer.Average
	options loss.TargetOptions
	pass    *models.ForwardPass
	rows    [][]float32
	workers int
}

// cache is what gradient caching (Gao et al. 2021) has of a batch that goes through the network in micro-batches: the outputs that
// the loss looks at, and the loss's gradients by them. The gradient of the parameters is a sum over the rows, so that of the
// batch is the sum of those of the micro-batches, each with its rows of these gradients.
type cache struct {
	pass    *models.ForwardPass
	rows    [][]float32
	batch   int // images
	micro   int // images
	outputs []loss.Output
	current *loader.Batch // whose gradients the training graph asks for
}

// lossState is what a loss keeps in the checkpoint.
type lossState struct{ *loss.Loss }

// MarshalBinary gives the loss's state.
func (s lossState) MarshalBinary() ([]byte, error) { return s.State(), nil }

// UnmarshalBinary sets it.
func (s lossState) UnmarshalBinary(data []byte) error { return s.SetState(data) }

// Names under which the checkpoint keeps what is not the trainer's own.
const (
	keptTarget = "target"
	keptLoss   = "loss"
)

// inGo says whether the optimizer must be Go's: a target follows parameters that Go has, and only there do gradients add up over
// micro-batches.
func inGo(l *loss.Loss, t config.Train) bool {
	_, follows := l.Target()
	return follows || t.MicroBatch > 0
}

// newStepper opens the training session and what goes with it, in the state of the artifacts' checkpoint.
func newStepper(rt *models.Runtime, a models.Artifacts, l *loss.Loss, needs []loss.Need, t config.Train, o models.TrainerOptions) (s *stepper, err error) {
	// A step that stands may follow on one that is skipped, or a checkpoint on one that was interrupted between micro-batches.
	s = &stepper{loss: l, guarded: t.SkipNonFinite > 0 || t.MicroBatch > 0}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	lossFunc := s.compute
	if t.MicroBatch > 0 {
		s.cache = &cache{batch: t.BatchSize, micro: t.MicroBatch}
		lossFunc = s.cache.handIn
	}
	if s.trainer, err = rt.NewTrainer(a, lossFunc, o); err != nil {
		return s, err
	}
	if l.State() != nil {
		if err := s.trainer.Keep(keptLoss, lossState{l}); err != nil {
			return s, err
		}
	}
	o.Profile = ""
	if s.cache != nil {
		if err := s.openCache(rt, a, needs, o); err != nil {
			return s, err
		}
	}
	if follows, ok := l.Target(); ok {
		return s, s.openTarget(rt, a, follows, needs, o)
	}
	return s, nil
}

func (s *stepper) openCache(rt *models.Runtime, a models.Artifacts, needs []loss.Need, o models.TrainerOptions) error {
	var names []string
	for _, n := range needs {
		if n.Kind != loss.NeedTarget {
			names = append(names, n.Output)
		}
	}
	trained, err := s.trainer.Trained()
	if err != nil {
		return err
	}
	if s.cache.pass, err = models.NewForwardPass(rt, a, names, o); err != nil {
		return fmt.Errorf("train.micro_batch: %w", err)
	}
	return s.trainer.Bind(s.cache.pass, trained)
}

func (s *stepper) openTarget(rt *models.Runtime, a models.Artifacts, follows loss.TargetOptions, needs []loss.Need, o models.TrainerOptions) error {
	trained, err := s.trainer.Trained()
	if err != nil {
		return err
	}
	s.target = &target{average: optimizer.NewAverage(trained), options: follows, workers: o.Threads}
	for _, n := range needs {
		if n.Kind == loss.NeedTarget {
			s.target.name = n.Output
		}
	}
	if err := s.trainer.Keep(keptTarget, s.target.average); err != nil {
		return err
	}
	if s.target.pass, err = models.NewForwardPass(rt, a, []string{models.Embedding}, o); err != nil {
		return fmt.Errorf("the target network: %w", err)
	}
	return s.trainer.Bind(s.target.pass, s.target.average.Values())
}

func (s *stepper) close() {
	if s.target != nil && s.target.pass != nil {
		s.target.pass.Close()
	}
	if s.cache != nil && s.cache.pass != nil {
		s.cache.pass.Close()
	}
	if s.trainer != nil {
		s.trainer.Close()
	}
}

// step is one batch: views, forward, loss, backward, update, when a share of the training is done. It gives the norm of the
// gradients and what the time went into. After an error, trainer and loss are as they were before; if numbers ran away, the loader
// stands at the next batch.
func (s *stepper) step(progress float64, rate float32) (norm float32, now spent, err error) {
	start := time.Now()
	s.now, s.taken = spent{}, 0
	var before []byte
	if s.guarded {
		before = s.loss.State()
	}
	if s.cache == nil {
		norm, err = s.whole(progress, rate)
	} else {
		norm, err = s.inParts(progress, rate)
	}
	if err != nil && before != nil {
		err = errors.Join(err, s.loss.SetState(before))
	}
	s.now.total = time.Since(start)
	return norm, s.now, err
}

// next waits for the loader.
func (s *stepper) next() (*loader.Batch, error) {
	start := time.Now()
	b, err := s.loader.Next()
	s.now.wait += time.Since(start)
	s.taken++
	return b, err
}

// whole takes the batch in one go.
func (s *stepper) whole(progress float64, rate float32) (float32, error) {
	b, err := s.next()
	if err != nil {
		return 0, err
	}
	defer s.loader.Release(b)
	s.views = b.Views
	s.views.Progress = progress
	if err := s.runTarget(b); err != nil {
		return 0, err
	}
	begin, before := time.Now(), s.now.loss
	err = s.trainer.Accumulate(s.inputs(b))
	s.now.ort += time.Since(begin) - (s.now.loss - before)
	if err != nil {
		return 0, err
	}
	return s.update(progress, rate)
}

// inputs are what the training graph takes of a batch: a loss may look at parameters that no head takes.
func (s *stepper) inputs(b *loader.Batch) models.Inputs {
	in := b.Inputs
	if s.trainer.InputColumns() == 0 {
		in.Draws = nil
	}
	return in
}

func (s *stepper) update(progress float64, rate float32) (float32, error) {
	begin := time.Now()
	norm, err := s.trainer.Update(rate)
	s.now.ort += time.Since(begin)
	if err != nil || s.target == nil {
		return norm, err
	}
	begin = time.Now()
	trained, err := s.trainer.Trained()
	if err == nil {
		s.target.average.Update(trained, s.target.options.At(progress), s.target.workers)
	}
	s.now.target += time.Since(begin)
	return norm, err
}

// runTarget computes the target's embedding of a batch.
func (s *stepper) runTarget(b *loader.Batch) (err error) {
	if s.target == nil {
		return nil
	}
	begin := time.Now()
	s.target.rows, err = s.target.pass.Run(s.target.rows, b.Inputs)
	s.now.target += time.Since(begin)
	return err
}

// output is the target's embedding as the loss takes it.
func (t *target) output(data []float32) loss.Output {
	return loss.Output{Name: t.name, Dim: t.pass.Columns()[0], Data: data}
}

// compute is called from inside the training graph, with a whole batch.
func (s *stepper) compute(outputs []models.Output) error {
	s.outputs = s.outputs[:0]
	for _, o := range outputs {
		s.outputs = append(s.outputs, loss.Output{Name: o.Name, Dim: o.Columns, Data: o.Data, Grad: o.Grad})
	}
	if s.target != nil {
		s.outputs = append(s.outputs, s.target.output(s.target.rows[0]))
	}
	return s.computeLoss()
}

func (s *stepper) computeLoss() (err error) {
	start := time.Now()
	s.values, err = s.loss.Compute(s.views, s.outputs)
	s.now.loss += time.Since(start)
	return err
}

// inParts takes the batch in micro-batches: all forward, then the loss, then all forward and backward.
func (s *stepper) inParts(progress float64, rate float32) (norm float32, err error) {
	c := s.cache
	parts := c.batch / c.micro
	defer func() {
		if err != nil {
			err = errors.Join(err, s.trainer.Discard())
		}
		if finiteFault(err) {
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
		s.now.ort += time.Since(begin)
		s.loader.Release(b)
		if err != nil {
			return 0, err
		}
	}
	return s.update(progress, rate)
}

// finiteFault says whether numbers ran away, which a training may pass over.
func finiteFault(err error) bool {
	return errors.Is(err, models.ErrNonFinite) || errors.Is(err, loss.ErrNonFinite)
}

// skip passes over what is left of a step's batches.
func (s *stepper) skip(batches int) error {
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
func (s *stepper) collect() error {
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
	s.now.ort += time.Since(begin)
	if err != nil {
		return err
	}
	if c.outputs == nil {
		for i, name := range c.pass.Outputs() {
			size := len(c.rows[i]) / b.Count * c.batch
			c.outputs = append(c.outputs, loss.Output{
				Name: name, Dim: c.pass.Columns()[i], Data: make([]float32, size), Grad: make([]float32, size),
			})
		}
		if s.target != nil {
			c.outputs = append(c.outputs, s.target.output(make([]float32, len(s.target.rows[0])/b.Count*c.batch)))
		}
	}
	for i, rows := range c.rows {
		c.eachBlock(b, c.outputs[i].Dim, len(rows), func(part, whole span) { copy(c.outputs[i].Data[whole.start:whole.end], rows[part.start:part.end]) })
	}
	if s.target != nil {
		rows, out := s.target.rows[0], c.outputs[len(c.outputs)-1]
		c.eachBlock(b, out.Dim, len(rows), func(part, whole span) { copy(out.Data[whole.start:whole.end], rows[part.start:part.end]) })
	}
	return nil
}

type span struct{ start, end int }

// eachBlock goes through the values of a micro-batch's output: a block of rows for every view, or whatever the output has for every
// image, and where the same rows are in the batch's.
func (c *cache) eachBlock(b *loader.Batch, dim, values int, do func(part, whole span)) {
	size := b.Count * dim
	for k := range values / size {
		at := (k*c.batch + b.First) * dim
		do(span{k * size, (k + 1) * size}, span{at, at + size})
	}
}

// handIn is called from inside the training graph, with a micro-batch: it gives the gradients that the loss of the batch had.
func (c *cache) handIn(outputs []models.Output) error {
	for _, o := range outputs {
		i := slices.IndexFunc(c.outputs, func(out loss.Output) bool { return out.Name == o.Name })
		if i < 0 {
			clear(o.Grad)
			continue
		}
		c.eachBlock(c.current, o.Columns, len(o.Grad), func(part, whole span) { copy(o.Grad[part.start:part.end], c.outputs[i].Grad[whole.start:whole.end]) })
	}
	return nil
}
