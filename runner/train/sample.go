package train

import (
	"slices"

	"ordo/loss"
	"ordo/models"
)

// Sample is an output of the network as a training step saw it.
type Sample struct {
	Name string    // features or embedding
	Dim  int       // columns
	Rows []float32 // [images, Dim]
}

// sampler copies rows of a step's outputs, which are gone when the step is done.
type sampler struct {
	images  int // 0: none
	samples []Sample
}

// Sample lets the next Take keep what its forward pass, which is before its update, gives as features and embedding of
// the first base view of the batch's first images: of so many, or of all if it has fewer.
func (s *Stepper) Sample(images int) {
	s.sampler = sampler{images: min(images, s.setup.Experiment.Train.BatchSize)}
}

// Sampled hands over what the step kept, an entry for each of the two that the training graph has; nothing where it was
// not asked to, or failed.
func (s *Stepper) Sampled() []Sample {
	taken := s.sampler.samples
	s.sampler = sampler{}
	return taken
}

// keep copies its rows of outputs: those of a batch, or of a micro-batch of count images from the first on. They are
// view-major, so a view's rows stand together.
func (k *sampler) keep(outputs []models.Output, v loss.Views, first, count int) {
	view, n := slices.Index(v.Family, loss.BaseView), min(count, k.images-first)
	if n <= 0 || view < 0 {
		return
	}
	for _, o := range outputs {
		if o.Name != models.Features && o.Name != models.Embedding {
			continue
		}
		at := slices.IndexFunc(k.samples, func(s Sample) bool { return s.Name == o.Name })
		if at < 0 {
			at = len(k.samples)
			k.samples = append(k.samples, Sample{o.Name, o.Columns, make([]float32, k.images*o.Columns)})
		}
		copy(k.samples[at].Rows[first*o.Columns:], o.Data[view*count*o.Columns:][:n*o.Columns])
	}
}
