package models_test

import (
	"testing"

	"ordo/models"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
	"ordo/models/zoo"
)

// TestStepOperations: of the default network's first convolutions, by hand. A convolution without a gradient for its
// input, the first, is done twice, all others three times.
func TestStepOperations(t *testing.T) {
	o := models.DefaultOptions()
	o.Options = zoo.Options{Backbone: "resnet18", Stem: "small", Width: 16}
	var counts []float64
	for _, k := range []*models.Kernels{nil, {}} {
		a, _, err := build(t, o, 32, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1, Kernels: k})
		if err != nil {
			t.Fatal(err)
		}
		n, err := models.StepOperations(a, 10)
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	// Multiplications of an image's forward pass: stem, four convolutions of 16 channels, then three stages with half
	// the pixels and twice the channels, each with one convolution of half the work and a short cut.
	const stem, layer = 1024 * 16 * 27, 1024 * 16 * 144
	const forward = 4*layer + 3*(layer/2+3*layer+layer/18)
	want := 10 * 2.0 * (2*stem + 3*forward)
	if counts[0] != want || counts[1] != want {
		t.Errorf("%v operations, want %v", counts, want)
	}
}

// TestStepOperationsOfTransformers: the gradient by a weight is a product over all tokens of a batch, which are rows of
// a reshaped matrix.
func TestStepOperationsOfTransformers(t *testing.T) {
	o := models.DefaultOptions()
	o.Options = zoo.Options{Backbone: "vit_tiny", Stem: "small"}
	a, _, err := build(t, o, 32, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := models.StepOperations(a, 10)
	if err != nil {
		t.Fatal(err)
	}
	const tokens, dim, depth = 65, 192, 12
	const block = 12*dim*dim*tokens + 2*tokens*tokens*dim // multiplications, forward
	const patches = 64 * dim * 48
	if want := 10 * 2.0 * (3*depth*block + 2*patches); got != want {
		t.Errorf("%v operations, want %v", got, want)
	}
}

func TestMeasureLimits(t *testing.T) {
	l, err := models.MeasureLimits(orttest.Open(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, rate := range map[string]float64{"multiply-adds": l.MultiplyAdd, "matrix product": l.MatrixProduct,
		"memory": l.Memory} {
		if rate < 1e6 || rate > 1e15 { // a busy computer has a hundredth of its speed for us
			t.Errorf("%s: %v a second", name, rate)
		}
	}
}

func BenchmarkMeasureLimits(b *testing.B) {
	rt := orttest.Open(b)
	for b.Loop() {
		l, err := models.MeasureLimits(rt, 2)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(l.MultiplyAdd/1e9, "GFLOP/s")
		b.ReportMetric(l.MatrixProduct/1e9, "product-GFLOP/s")
		b.ReportMetric(l.Memory/1e9, "GB/s")
	}
}
