package train

import (
	"slices"

	"ordo/loss"
	"ordo/models"
	"ordo/models/nonfinite"
	"ordo/runner/loader"
)

// Batch is what is to be known of a step whose numbers ran away.
type Batch struct {
	Views loss.Views // of the whole step
	Sum   string     // SHA-256 of the images as the network takes them; "" where they came in micro-batches
	// Images are those, float32, of Shape; nil where they came in micro-batches or have more than MaxBatch bytes.
	Images []float32
	Shape  []int64
}

// MaxBatch is how large a batch is kept at most, in bytes.
const MaxBatch = 256 << 20

// Bad is the batch of the last step, if its numbers ran away.
func (s *Stepper) Bad() Batch {
	b := s.bad
	b.Views = s.views
	return b
}

// badBatch keeps what is in a batch before it is filled again.
func badBatch(b *loader.Batch) Batch {
	data := b.Images.Data()
	bad := Batch{Sum: SumFloats(data)}
	if 4*len(data) <= MaxBatch {
		bad.Images, bad.Shape = slices.Clone(data), slices.Clone(b.Images.Shape())
	}
	return bad
}

// Location is where the numbers of a step stop being finite.
type Location struct {
	Tensor *nonfinite.Found // nil: all of the step's tensors are finite
	Loss   string           // what the loss says of the outputs; "": nothing is wrong with them
	Sum    string           // of the batch, as in Batch
}

// Locate takes the next batch and looks for the first number of its step that isn't finite; nothing is updated. The
// artifacts are those that the stepper was opened with. A batch is taken in one go, so the setup must have no
// micro-batches.
func (s *Stepper) Locate(a models.Artifacts, o Options) (Location, error) {
	b, err := s.next()
	if err != nil {
		return Location{}, err
	}
	defer s.loader.Release(b)
	s.views = b.Views
	if err := s.runTarget(b); err != nil {
		return Location{}, err
	}
	where := Location{Sum: SumFloats(b.Images.Data())}
	said := func(outputs []models.Output) error {
		if err := s.compute(outputs); err != nil && where.Loss == "" {
			where.Loss = err.Error()
		}
		return nil // the backward pass shall run, too
	}
	where.Tensor, err = nonfinite.Find(s.rt, a, s.inputs(b), nonfinite.Options{Loss: said, Trainer: models.TrainerOptions{
		SessionOptions: models.SessionOptions{Threads: o.Threads, Execution: s.setup.Experiment.Model.Execution},
		Optimizer:      s.setup.Experiment.Train.Options,
	}})
	return where, err
}
