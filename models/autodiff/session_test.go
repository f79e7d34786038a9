package autodiff_test

import (
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// session trains artifacts with ONNX Runtime, its loss a plug: outputs are recorded, gradients are given.
type session struct {
	t       *testing.T
	trainer *ort.Trainer
	images  *ort.Tensor
	outputs map[string][]float32 // of the last step, in training mode
	dz      func(name string, i int) float32
}

func newSession(t *testing.T, a *autodiff.Graphs, images []float32, shape ...int) *session {
	t.Helper()
	return newSessionWith(t, a, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}}, images, shape...)
}

func newSessionWith(t *testing.T, a *autodiff.Graphs, o ort.TrainerOptions, images []float32, shape ...int) *session {
	t.Helper()
	lib := orttest.Open(t)
	s := &session{t: t, outputs: map[string][]float32{}, dz: func(string, int) float32 { return 1 }}
	var err error
	s.trainer, err = lib.NewTrainer(graph.Artifacts{
		Training: encode(t, a.Training), Eval: encode(t, a.Eval), Optimizer: encode(t, a.Optimizer),
		Checkpoint: a.Checkpoint,
	}, s.loss, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.trainer.Close)
	if s.images, err = lib.NewTensor(shape...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.images.Close)
	copy(s.images.Data(), images)
	return s
}

func encode(t *testing.T, m *onnxgraph.Model) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (s *session) loss(outputs []ort.Output) error {
	for _, o := range outputs {
		s.outputs[o.Name] = append(s.outputs[o.Name][:0], o.Data...)
		for i := range o.Grad {
			o.Grad[i] = s.dz(o.Name, i)
		}
	}
	return nil
}

// step runs one training step and returns the norm of the gradients.
func (s *session) step(rate float32) float32 {
	s.t.Helper()
	norm, err := s.trainer.Step(s.images, rate)
	if err != nil {
		s.t.Fatal(err)
	}
	return norm
}

func (s *session) parameter(name string) []float32 {
	s.t.Helper()
	values, err := s.trainer.Parameter(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return values
}

func (s *session) set(name string, values []float32) {
	s.t.Helper()
	if err := s.trainer.SetParameter(name, values); err != nil {
		s.t.Fatal(err)
	}
}

// parameters are those of a training graph.
func parameters(t testing.TB, g *autodiff.Graphs) []graph.Parameter {
	t.Helper()
	c, err := graph.Read(g.Training)
	if err != nil {
		t.Fatal(err)
	}
	return c.Parameters
}

// gradientReader is an AdamW whose first step shows the gradients: with Epsilon so large that it drowns √v, it changes
// a parameter by rate/Epsilon times the gradient, and readRate makes that so large that the parameter's value drowns in
// it.
func gradientReader() autodiff.OptimizerOptions {
	return autodiff.OptimizerOptions{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e14}
}

const (
	readScale = 1e6
	readRate  = readScale * 1e14
)

// gradients runs one step and returns every trainable parameter's gradient and their norm; the parameters are put back.
// The artifacts' optimizer must be gradientReader, and it must be the session's first step with a rate above 0.
func (s *session) gradients(parameters []graph.Parameter) (map[string][]float64, float32) {
	s.t.Helper()
	before := map[string][]float32{}
	for _, p := range parameters {
		before[p.Name] = s.parameter(p.Name)
	}
	norm := s.step(readRate)
	gradients := map[string][]float64{}
	for _, p := range parameters {
		if !p.Trainable {
			continue
		}
		after := s.parameter(p.Name)
		g := make([]float64, len(after))
		for i, w := range after {
			g[i] = (float64(before[p.Name][i]) - float64(w)) / readScale
		}
		gradients[p.Name] = g
		s.set(p.Name, before[p.Name])
	}
	return gradients, norm
}
