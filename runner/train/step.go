package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"time"

	"ordo/loss"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/data"
	"ordo/runner/loader"
)

// Options are what a stepper is told beside its setup.
type Options struct {
	Threads int    // of ONNX Runtime; they fix the order of sums, and so the last bits
	Profile string // the beginning of the names of ONNX Runtime's profiles; "": there are none
}

// Stepper does training steps: it brings trainer and loss together, with the averaged network and the micro-batches
// where an experiment has them. It is not safe for concurrent use.
type Stepper struct {
	rt      *models.Runtime
	setup   Setup
	trainer *models.Trainer
	loader  *loader.Loader // that of the steps at hand; nil before Feed
	target  *target        // nil where the loss needs none
	cache   *cache         // nil without micro-batches
	sampler sampler
	guarded bool // a step that fails is to leave the loss as it was

	views   loss.Views // of the batch that is trained on
	outputs []loss.Output
	values  loss.Values
	now     Times // the current step
	taken   int   // batches of the loader in the current step
	bad     Batch // the last one whose numbers ran away, without its views
}

// Step is what came of a training step.
type Step struct {
	Loss     loss.Values
	GradNorm float32 // the norm of the gradients, before they are clipped
	Times    Times
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

// Open opens the training session of a setup and what goes with it, in the state of the artifacts' checkpoint. The
// stepper must be closed.
func Open(rt *models.Runtime, setup Setup, a models.Artifacts, o Options) (s *Stepper, err error) {
	t := setup.Experiment.Train
	// A step that stands may follow on one that is skipped, or a checkpoint on one that was interrupted between
	// micro-batches.
	s = &Stepper{rt: rt, setup: setup, guarded: t.SkipNonFinite > 0 || t.MicroBatch > 0}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	lossFunc := s.compute
	if t.MicroBatch > 0 {
		s.cache = &cache{batch: t.BatchSize, micro: t.MicroBatch}
		lossFunc = s.handIn
	}
	session := models.SessionOptions{Threads: o.Threads, Execution: setup.Experiment.Model.Execution}
	trainer := models.TrainerOptions{SessionOptions: session, Optimizer: t.Options, Profile: o.Profile}
	if s.trainer, err = rt.NewTrainer(a, lossFunc, trainer); err != nil {
		return s, err
	}
	if setup.Loss.State() != nil {
		if err := s.trainer.Keep(keptLoss, lossState{setup.Loss}); err != nil {
			return s, err
		}
	}
	if s.cache != nil {
		if err := s.openCache(a, session); err != nil {
			return s, err
		}
	}
	if follows, ok := setup.Loss.Target(); ok {
		return s, s.openTarget(a, follows, session)
	}
	return s, nil
}

// Trainer is what has the weights: it saves, exports and evaluates them. It is closed with the stepper.
func (s *Stepper) Trainer() *models.Trainer { return s.trainer }

// Feed begins to render batches of a set's images ahead, for the steps from the given one on; it is called once. The
// experiment's epochs go on until Close or until ctx is done.
func (s *Stepper) Feed(ctx context.Context, set data.Dataset, from int) (err error) {
	e := s.setup.Experiment
	pairs := slices.ContainsFunc(s.setup.Needs, func(n loss.Need) bool { return n.Kind == loss.NeedPair })
	s.loader, err = loader.New(ctx, s.rt, set, s.setup.Plan, loader.Options{
		Seed: e.Seed, Batch: e.Train.BatchSize, Micro: e.Train.MicroBatch, Workers: Workers(e), Step: from,
		Shared: e.Augment.Shared, Draws: s.trainer.InputColumns() > 0 || pairs,
	})
	return err
}

// Close frees everything.
func (s *Stepper) Close() {
	if s.loader != nil {
		s.loader.Close()
	}
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

// Take does a step on the next batch, views, forward, loss, backward and update, at a learning rate, when a share of
// the training is done (progress, in [0, 1]). After an error, trainer and loss are as they were before, and of the step
// only its times are told; if numbers ran away ([NonFinite]), the next Take is of the next batch.
func (s *Stepper) Take(progress float64, rate float32) (Step, error) {
	start := time.Now()
	s.now, s.taken = Times{Steps: 1}, 0
	var before []byte
	if s.guarded {
		before = s.setup.Loss.State()
	}
	take := s.whole
	if s.cache != nil {
		take = s.inParts
	}
	norm, err := take(progress, rate)
	s.now.Total = time.Since(start)
	if err != nil {
		s.sampler = sampler{}
		if before != nil {
			err = errors.Join(err, s.setup.Loss.SetState(before))
		}
		return Step{Times: s.now}, err
	}
	return Step{s.values, norm, s.now}, nil
}

// next waits for the loader.
func (s *Stepper) next() (*loader.Batch, error) {
	start := time.Now()
	b, err := s.loader.Next()
	s.now.Wait += time.Since(start)
	s.taken++
	return b, err
}

// whole takes the batch in one go.
func (s *Stepper) whole(progress float64, rate float32) (float32, error) {
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
	begin, before := time.Now(), s.now.Loss
	err = s.trainer.Accumulate(s.inputs(b))
	s.now.ORT += time.Since(begin) - (s.now.Loss - before)
	if err != nil {
		if NonFinite(err) {
			s.bad = badBatch(b)
		}
		return 0, err
	}
	return s.update(progress, rate)
}

// SumFloats gives the SHA-256 of float32 values, least byte first, in hexadecimal digits.
func SumFloats(values []float32) string {
	h := sha256.New()
	var word [4]byte
	for _, x := range values {
		binary.LittleEndian.PutUint32(word[:], math.Float32bits(x))
		h.Write(word[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// inputs are what the training graph takes of a batch: a loss may look at draws that no head takes.
func (s *Stepper) inputs(b *loader.Batch) models.Inputs {
	in := b.Inputs
	if s.trainer.InputColumns() == 0 {
		in.Draws = nil
	}
	return in
}

func (s *Stepper) update(progress float64, rate float32) (float32, error) {
	begin := time.Now()
	norm, err := s.trainer.Update(rate)
	s.now.ORT += time.Since(begin)
	if err != nil {
		return norm, err
	}
	return norm, s.followTarget(progress)
}

// compute is called from inside the training graph, with a whole batch.
func (s *Stepper) compute(outputs []models.Output) error {
	s.sampler.keep(outputs, s.views, 0, s.views.Images)
	s.outputs = s.outputs[:0]
	for _, o := range outputs {
		s.outputs = append(s.outputs, loss.Output{Name: o.Name, Dim: o.Columns, Data: o.Data, Grad: o.Grad})
	}
	if s.target != nil {
		s.outputs = append(s.outputs, s.target.output(s.target.rows[0]))
	}
	return s.computeLoss()
}

func (s *Stepper) computeLoss() (err error) {
	start := time.Now()
	s.values, err = s.setup.Loss.Compute(s.views, s.outputs)
	s.now.Loss += time.Since(start)
	return err
}

// NonFinite says whether a step's error is that numbers ran away, which a training may pass over.
func NonFinite(err error) bool {
	return errors.Is(err, models.ErrNonFinite) || errors.Is(err, loss.ErrNonFinite)
}

// Diverged makes a fault of kind Numeric, with what to do, of a step whose numbers ran away (see [NonFinite]). Every
// other error it leaves as it is. The first step has the number 1.
func Diverged(step int, err error) error {
	if !NonFinite(err) {
		return err
	}
	return fault.New(fault.Numeric, "the training diverged at step %d: %w", step, err).
		Advise("lower train.lr, raise train.warmup_epochs, or let train.skip_nonfinite such steps pass")
}
