package models_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
)

// TestEncoderByOrdo: ordo's operators give the rows that ONNX Runtime's give, however the graph takes its images; where
// they don't fit, that is said.
func TestEncoderByOrdo(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	imagenet := models.Normalisation{Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}, Range: 1}
	sized := models.InputOptions{Size: side}
	for name, c := range map[string]struct {
		wish
		given models.InputOptions
		why   string
	}{
		"plain":       {wish: wish{elem: onnxgraph.Float32, size: side, norm: shown}},
		"fixed batch": {wish: wish{elem: onnxgraph.Float32, batch: 3, size: side, norm: shown}},
		"free size":   {wish: wish{elem: onnxgraph.Float32, norm: shown}, given: sized},
		"ImageNet": {wish: wish{elem: onnxgraph.Float32, size: side, norm: imagenet},
			given: models.InputOptions{Normalisation: &imagenet}},
		"channels last": {wish: wish{elem: onnxgraph.Float32, nhwc: true, size: side, norm: shown}, why: "channels first"},
		"bytes": {wish: wish{elem: onnxgraph.Tensor_UINT8, size: side,
			norm: models.Normalisation{Std: [3]float64{1, 1, 1}, Range: 255}}, why: "not float32"},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.graph(t)
			_, want := features(t, file, models.EncoderOptions{Given: c.given})
			e, got := features(t, file, models.EncoderOptions{Given: c.given, OneDNN: rt.Kernels().Path()})
			fast, why := e.Fast()
			if fast != (c.why == "") || !strings.Contains(why, c.why) {
				t.Errorf("fast is %v, as %q", fast, why)
			}
			if d := apart(got, want); !(d < 1e-6) || len(got) != len(want) {
				t.Errorf("%d values, apart by %.2g of their length", len(got), d)
			}
		})
	}
}

// TestEncoderOfRunByOrdo: a network's two outputs, in both precisions.
func TestEncoderOfRunByOrdo(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	o := options("resnet18")
	o.Width = 16
	a, _, err := build(t, o, 32, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := rt.NewTrainer(a, func([]models.Output) error { return nil },
		models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	file := filepath.Join(t.TempDir(), "encoder.onnx")
	if err := trainer.Export(file, models.Features, models.Embedding); err != nil {
		t.Fatal(err)
	}
	images := make([]float32, many*3*32*32)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	encode := func(o models.EncoderOptions, wantFast bool) [][]float32 {
		o.Threads, o.Images = 2, shown
		e, err := models.OpenEncoder(rt.Path(), file, o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}()
		if fast, why := e.Fast(); fast != wantFast {
			t.Errorf("%+v: fast is %v, as %q", o, fast, why)
		}
		rows, err := e.Run(nil, images, many)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	want := encode(models.EncoderOptions{}, false)
	got := encode(models.EncoderOptions{OneDNN: rt.Kernels().Path()}, true)
	for i := range want {
		if d := apart(got[i], want[i]); !(d < 1e-5) {
			t.Errorf("output %d: apart by %.2g of its length", i, d)
		}
	}
	if !rt.Kernels().BF16() {
		return
	}
	half := encode(models.EncoderOptions{OneDNN: rt.Kernels().Path(), Precision: models.BFloat16}, true)
	for i := range want {
		if d := apart(half[i], want[i]); !(d < 0.03) || slices.Equal(half[i], got[i]) {
			t.Errorf("output %d in bfloat16: apart by %.2g of its length", i, d)
		}
	}
}

// apart is the distance of two lists, relative to the second's length.
func apart(got, want []float32) float64 {
	difference, length := 0.0, 0.0
	for i, w := range want {
		d := float64(got[i] - w)
		difference, length = difference+d*d, length+float64(w)*float64(w)
	}
	return math.Sqrt(difference / length)
}
