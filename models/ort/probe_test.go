package ort_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// TestProbe: a probe gives gradients and what the statistics become, and leaves everything as it was.
func TestProbe(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	a := build(t, func(o *autodiff.Options) { o.ExposeGradients = true })
	tr := must[*ort.Trainer](
		t,
	)(
		rt.NewTrainer(a, towardsOne(&loss), ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}}),
	)
	defer tr.Close()
	x := images(t, rt, 6)
	before := must[[]float32](t)(tr.CopyParameters(false))
	p := must[ort.Probe](t)(tr.Probe(ort.Inputs{Images: x}))
	if !slices.Equal(before, must[[]float32](t)(tr.CopyParameters(false))) {
		t.Error("the probe changed parameters or statistics")
	}
	names := tr.StepOutputs()
	var square float64
	for i, name := range names {
		if strings.HasPrefix(name, graph.GradOutput) {
			for _, g := range p.Outputs[i] {
				square += float64(g) * float64(g)
			}
		}
	}
	norm := float64(p.Outputs[slices.Index(names, graph.GradNorm)][0])
	if !(norm > 0) || math.Abs(math.Sqrt(square)-norm) > 1e-5*norm {
		t.Errorf("the gradients' norm is %v, %s says %v", math.Sqrt(square), graph.GradNorm, norm)
	}
	if mean := p.Statistics["bn1.running_mean"]; len(mean) != 4 || mean[0] == 0 {
		t.Errorf("bn1.running_mean after the pass is %v", mean)
	}
	if _, err := tr.Step(x, 0); err != nil {
		t.Fatal(err)
	}
	if got := must[[]float32](t)(tr.Parameter("bn1.running_mean")); !slices.Equal(got, p.Statistics["bn1.running_mean"]) {
		t.Errorf("a step gives the running mean %v, the probe said %v", got, p.Statistics["bn1.running_mean"])
	}
	if shape := tr.ImageShape(); !slices.Equal(shape, []int64{0, 3, size, size}) {
		t.Errorf("image shape %v", shape)
	}
}

func TestProbeFails(t *testing.T) {
	rt := orttest.Open(t)
	broken := errors.New("broken")
	tr := trainer(t, rt, func([]ort.Output) error { return broken })
	before := must[[]float32](t)(tr.CopyParameters(false))
	if _, err := tr.Probe(ort.Inputs{Images: images(t, rt, 3)}); !errors.Is(err, broken) {
		t.Errorf("error %v, want the loss's", err)
	}
	if !slices.Equal(before, must[[]float32](t)(tr.CopyParameters(false))) {
		t.Error("a failed probe changed parameters or statistics")
	}
	small := must[*ort.Tensor](t)(rt.NewTensor(1, 3, 4, 4))
	defer small.Close()
	if _, err := tr.Probe(ort.Inputs{Images: small}); err == nil || !strings.Contains(err.Error(), "the model takes") {
		t.Errorf("images of another size: %v", err)
	}
}
