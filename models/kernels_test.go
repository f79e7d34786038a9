package models_test

import (
	"errors"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
)

func TestOpenKernelsWithoutOneDNN(t *testing.T) {
	rt := orttest.Open(t)
	o := models.DefaultOptions()
	k, note, err := models.OpenKernels(rt, "", o)
	if k != nil || err != nil || !strings.Contains(note, "oneDNN is not installed") {
		t.Errorf("auto: %v, %q, %v", k, note, err)
	}
	o.Kernels = models.StockKernels
	if k, note, err := models.OpenKernels(rt, "", o); k != nil || note != "" || err != nil {
		t.Errorf("stock: %v, %q, %v", k, note, err)
	}
	o.Kernels = models.FastKernels
	if _, _, err := models.OpenKernels(rt, "", o); !errors.Is(err, fault.Library) {
		t.Errorf("fast: %v", err)
	}
	o.Kernels, o.Precision = models.AutoKernels, models.BFloat16
	if _, _, err := models.OpenKernels(rt, "", o); !errors.Is(err, fault.Library) ||
		!strings.Contains(err.Error(), "precision") {
		t.Errorf("bf16: %v", err)
	}
}

func TestKernelOptions(t *testing.T) {
	for want, change := range map[string]func(o *models.Options){
		"": func(o *models.Options) {
			o.Kernels, o.Precision = models.FastKernels,
				models.BFloat16
		},
		"kernels: must be auto":               func(o *models.Options) { o.Kernels = "quick" },
		"precision: must be float32, bf16 or": func(o *models.Options) { o.Precision = "fp16" },
		"precision: bf16 needs": func(o *models.Options) {
			o.Kernels, o.Precision = models.StockKernels,
				models.BFloat16
		},
		"kernels: fast: is for execution.": func(o *models.Options) {
			o.Kernels,
				o.Execution.Provider = models.FastKernels, "cuda"
		},
	} {
		o := models.DefaultOptions()
		change(&o)
		err := o.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestAutoPrecision: it is bf16 where there are matrix units, and then it is said.
func TestAutoPrecision(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	o := models.DefaultOptions()
	o.Precision = models.AutoPrecision
	k, note, err := models.OpenKernels(rt, rt.Kernels().Path(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := "f32"
	if rt.Kernels().AMX() {
		want = models.BFloat16
	}
	if k.Precision != want || (k.Products == models.BFloat16) != rt.Kernels().AMX() ||
		strings.Contains(note, "matrix units") != rt.Kernels().AMX() {
		t.Errorf("precision %s, of products %q, and %q; want %s", k.Precision, k.Products, note, want)
	}
	if k, note, err := models.OpenKernels(rt, "", o); k != nil || err != nil || !strings.Contains(note, "oneDNN") {
		t.Errorf("without oneDNN: %v, %q, %v", k, note, err)
	}
}

// TestPrecision: bfloat16 convolutions give outputs near those of float32, and not the same.
func TestPrecision(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if !rt.Kernels().BF16() {
		t.Skip("the processor has no bfloat16")
	}
	outputs := map[string][]float32{}
	for _, precision := range []string{models.Float32, models.BFloat16} {
		o := options("resnet18")
		o.Precision = precision
		a, _, err := build(t, o, 16, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1,
			Kernels: fastKernels(t, rt, o)})
		if err != nil {
			t.Fatal(err)
		}
		trainer, err := rt.NewTrainer(a, func(list []models.Output) error {
			outputs[precision] = append([]float32(nil), list[0].Data...)
			for _, out := range list {
				clear(out.Grad)
			}
			return nil
		}, models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer trainer.Close()
		images, err := rt.NewTensor(8, 3, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		defer images.Close()
		for i := range images.Data() {
			images.Data()[i] = float32(i%13)/6 - 1
		}
		if err := trainer.Accumulate(models.Inputs{Images: images}); err != nil {
			t.Fatal(err)
		}
	}
	difference, length := 0.0, 0.0
	for i, v := range outputs[models.Float32] {
		d := float64(outputs[models.BFloat16][i] - v)
		difference, length = difference+d*d, length+float64(v)*float64(v)
	}
	if !(difference > 0 && difference < 0.01*length) {
		t.Errorf("a square difference of %v of %v", difference, length)
	}
}
