package models_test

import (
	"testing"

	"ordo/models"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
	"ordo/models/zoo"
)

// TestStepOperations: of the default network's first convolutions, by hand. A convolution without a gradient for its input, the first, is
// done twice, all others three times.
func TestStepOperations(t *testing.T) {
	o := models.DefaultOptions()
	o.Options = zoo.Options{Backbone: "resnet18", Stem: "small", Width: 16}
	var counts []float64
	for _, k := range []*models.Kernels{nil, {}} {
		a, _, err := models.Build(o, optimizer.DefaultOptions(), false, 32, 1, k)
		if err != nil {
			t.Fatal(err)
		}
		n, err := models.StepOperations(a, 10)
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	// Multiplications of an image's forward pass: stem, four convolutions of 16 channels, then three stages with half the pixels and twice
	// the channels, each with one convolution of half the work and a short cut.
	const stem, layer = 1024 * 16 * 27, 1024 * 16 * 144
	const forward = 4*layer + 3*(layer/2+3*layer+layer/18)
	want := 10 * 2.0 * (2*stem + 3*forward)
	if counts[0] != want || counts[1] != want {
		t.Errorf("%v operations, want %v", counts, want)
	}
}

func TestMatrixPeak(t *testing.T) {
	rate, err := models.MatrixPeak(orttest.Open(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	if rate < 1e8 || rate > 1e14 {
		t.Errorf("%v operations a second", rate)
	}
}
