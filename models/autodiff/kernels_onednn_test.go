package autodiff_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
	"ordo/models/zoo"
)

// The tests of this file compute with the kernels themselves. Without oneDNN they are skipped.

// fast builds a graph with ordo's operators where oneDNN supports them.
func fast(t *testing.T, m *onnxgraph.Model, o autodiff.Options) *autodiff.Graphs {
	t.Helper()
	lib := orttest.OpenWithKernels(t).Kernels()
	o.Kernels = &autodiff.Kernels{Supports: func(c autodiff.Convolution) bool {
		ints := func(v [2]int64) [2]int { return [2]int{int(v[0]), int(v[1])} }
		_, err := lib.Supports(kernels.Convolution{
			Batch: 4, Channels: int(c.Channels), Filters: int(c.Filters), Groups: int(c.Groups), Height: int(c.Height),
			Width:  int(c.Width),
			Kernel: ints(c.Kernel), Strides: ints(c.Strides), Dilations: ints(c.Dilations), Bias: c.Bias,
			Pads: [4]int{int(c.Pads[0]), int(c.Pads[1]), int(c.Pads[2]), int(c.Pads[3])},
		})
		return err == nil
	}}
	a, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFastRules(t *testing.T) {
	orttest.OpenWithKernels(t)
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			o := autodiff.DefaultOptions()
			o.Outputs = []string{"z"}
			batch := c.batch
			if batch == 0 {
				batch = 3
			}
			compareWith(t, fast, c.model(t), o, 1e-3, batch, 3, size, size)
		})
	}
}

func TestFastBackbones(t *testing.T) {
	orttest.OpenWithKernels(t)
	for _, o := range kinds() {
		t.Run(fmt.Sprint(o.Backbone, "/", o.Stem, "/", o.Width), func(t *testing.T) { compareBackbone(t, fast, o, 7) })
	}
}

func TestFastGradientsAgreeWithTorch(t *testing.T) {
	orttest.OpenWithKernels(t)
	for _, name := range slices.Concat(graphs("forward.onnx"), graphs("forward_dynamo.onnx")) {
		t.Run(name, func(t *testing.T) {
			r := openReference(t, filepath.Dir(name), filepath.Base(name))
			a := fast(t, r.model, r.options())
			r.compare(r.open(a), a)
		})
	}
}

// TestFastTwice: two sessions compute the same bits, for batches of several sizes in turn.
func TestFastTwice(t *testing.T) {
	lib := orttest.OpenWithKernels(t)
	m, err := zoo.Build(zoo.Options{Backbone: "resnet18", Stem: "standard", Width: 4}, 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{graph.Features}
	a := fast(t, m, o)
	var first []float32
	for range 2 {
		s := newSession(t, a, make([]float32, 3*32*32), 1, 3, 32, 32)
		s.dz = func(_ string, i int) float32 { return float32(i%5) - 2 }
		random := newRandom()
		var norms []float32
		for _, batch := range []int{6, 1, 5, 6} {
			images, err := lib.NewTensor(batch, 3, 32, 32)
			if err != nil {
				t.Fatal(err)
			}
			for i := range images.Data() {
				images.Data()[i] = float32(random.NormFloat64())
			}
			norm, err := s.trainer.Step(images, 1e-3)
			if err != nil {
				t.Fatal(err)
			}
			norms = append(norms, norm)
			images.Close()
		}
		if first == nil {
			first = norms
		} else if !slices.Equal(norms, first) {
			t.Errorf("%v the second time, %v the first", norms, first)
		}
	}
}

// TestCheckpointsAreInterchangeable: what a session with one kind of operators saves, one with the other goes on with.
func TestCheckpointsAreInterchangeable(t *testing.T) {
	orttest.OpenWithKernels(t)
	m, err := zoo.Build(zoo.Options{Backbone: "resnet18", Stem: "small", Width: 4}, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{graph.Features}
	stock, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	random := newRandom()
	images := make([]float32, 6*3*16*16)
	for i := range images {
		images[i] = float32(random.NormFloat64())
	}
	// Two steps with a checkpoint between them, and evaluation: with operators of one kind before it and of one after.
	run := func(before, after *autodiff.Graphs) []float32 {
		file := filepath.Join(t.TempDir(), "checkpoint")
		s := newSession(t, before, images, 6, 3, 16, 16)
		s.step(1e-3)
		if err := s.trainer.Save(file); err != nil {
			t.Fatal(err)
		}
		s.trainer.Close()
		kept := *after
		if kept.Checkpoint, _, err = checkpoint.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		s = newSession(t, &kept, images, 6, 3, 16, 16)
		s.step(1e-3)
		outputs, err := s.trainer.Eval(nil, s.images)
		if err != nil {
			t.Fatal(err)
		}
		return outputs[slices.Index(s.trainer.EvalOutputs(), graph.Features)]
	}
	ours := fast(t, m, o)
	want := run(stock, stock)
	for name, got := range map[string][]float32{"fast, stock": run(ours, stock), "stock, fast": run(stock, ours),
		"fast, fast": run(ours, ours)} {
		near(t, name, got, want, 1e-2)
	}
}
