package evaluation

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/target"
	"ordo/runner/train"
)

// The names of the references that are measured beside the encoder.
const (
	Untrained = "untrained"
	Pixels    = "pixels"
	Against   = "against"
)

// encoder is a subject's: it makes rows of images.
type encoder interface {
	Outputs() []string
	Columns() []int // of each output
	// Rows appends the rows of the views to dst, those of each output.
	Rows(dst [][]float32, v views) ([][]float32, error)
	Close() error
}

// views are images of a split as they are shown.
type views struct {
	set    data.Dataset
	images []int     // their numbers
	pixels []float32 // normalised, [images, 3, S, S]; nil where there are none to show
}

// network is an encoder in ONNX.
type network struct{ *models.Encoder }

func (n network) Rows(dst [][]float32, v views) ([][]float32, error) {
	dst, err := n.Run(dst, v.pixels, len(v.images))
	return dst, fault.Wrap(fault.Data, err)
}

// subject is what is measured.
type subject struct {
	encoder
	name  string // one of the references, or "" for the encoder that the evaluation is of
	index []int  // of the encoder's outputs, for each output that is measured
}

// choose finds the outputs that are measured among the encoder's.
func (s *subject) choose(outputs []string) error {
	s.index = nil
	for _, name := range outputs {
		i := slices.Index(s.Outputs(), name)
		if i < 0 && s.name == Pixels {
			i = 0
		}
		if i < 0 {
			return fault.New(fault.Data, "the encoder to compare with has no output %s", name)
		}
		s.index = append(s.index, i)
	}
	return nil
}

// pixels is the encoder that sees nothing but pixels: areas of the view, averaged.
type pixels struct {
	size, side int       // of the view and of the reduced one
	weights    []float64 // [side, size] shares of each row or column of the view; they add up to 1
}

// newPixels reduces views of size pixels a side to the largest square with at most columns values, at least one pixel.
func newPixels(size, columns int) *pixels {
	side := min(max(int(math.Sqrt(float64(columns)/3)), 1), size)
	p := &pixels{size: size, side: side, weights: make([]float64, side*size)}
	width := float64(size) / float64(side)
	for a := range side {
		from, to := float64(a)*width, float64(a+1)*width
		for i := range size {
			shared := min(to, float64(i+1)) - max(from, float64(i))
			p.weights[a*size+i] = max(shared, 0) / width
		}
	}
	return p
}

func (p *pixels) Columns() []int { return []int{3 * p.side * p.side} }

func (p *pixels) Outputs() []string { return []string{Pixels} }

func (p *pixels) Close() error { return nil }

func (p *pixels) Rows(dst [][]float32, v views) ([][]float32, error) {
	if len(dst) == 0 {
		dst = make([][]float32, 1)
	}
	narrow := make([]float64, p.size*p.side)
	for plane := range 3 * len(v.images) {
		view := v.pixels[plane*p.size*p.size:][:p.size*p.size]
		for y := range p.size {
			for a := range p.side {
				var sum float64
				for x, w := range p.weights[a*p.size:][:p.size] {
					sum += w * float64(view[y*p.size+x])
				}
				narrow[y*p.side+a] = sum
			}
		}
		for b := range p.side {
			for a := range p.side {
				var sum float64
				for y, w := range p.weights[b*p.size:][:p.size] {
					sum += w * narrow[y*p.side+a]
				}
				dst[0] = append(dst[0], float32(sum))
			}
		}
	}
	return dst, nil
}

// openUntrained makes the network as it is before the first training step of an experiment.
func openUntrained(e config.Experiment, o Options) (enc *models.Encoder, err error) {
	e.Model.Execution = config.Default().Model.Execution // the graph is run here and now
	e.Train.MicroBatch = 0
	setup, err := train.Prepare(e)
	if err != nil {
		return nil, err
	}
	built, _, err := setup.Build(nil)
	if err != nil {
		return nil, err
	}
	rt, err := models.OpenTraining(o.Library)
	if err != nil {
		return nil, err
	}
	defer rt.Close()
	noLoss := func([]models.Output) error { return errors.New("evaluation: nothing is trained here") }
	trainer, err := rt.NewTrainer(built, noLoss, models.TrainerOptions{
		SessionOptions: models.SessionOptions{Threads: max(o.Threads, 1)}, Optimizer: e.Train.Options,
	})
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	dir, err := os.MkdirTemp("", "ordo-untrained-")
	if err != nil {
		return nil, fault.Writing(os.TempDir(), err)
	}
	defer os.RemoveAll(dir) // the session has read it
	file := filepath.Join(dir, "encoder.onnx")
	if err := trainer.Export(file, models.Features, models.Embedding); err != nil {
		return nil, err
	}
	return models.OpenEncoder(o.Library, file, models.EncoderOptions{
		OneDNN: target.OneDNN(e, o.OneDNN), Threads: o.Threads, Images: target.Normalisation(e.Augment),
	})
}
