package models_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
)

// TestForwardPassIsThatOfTheStep: the outputs are those of the training step, from the parameters as they are then;
// running statistics stay.
func TestForwardPassIsThatOfTheStep(t *testing.T) {
	t.Run("stock", func(t *testing.T) { testForwardPass(t, orttest.Open(t)) })
	t.Run("fast", func(t *testing.T) { testForwardPass(t, orttest.OpenWithKernels(t)) })
}

// fastKernels are those of a runtime, nil where it has none.
func fastKernels(t *testing.T, rt *models.Runtime, o models.Options) *models.Kernels {
	t.Helper()
	if rt.Kernels() == nil {
		return nil
	}
	k, note, err := models.OpenKernels(rt, rt.Kernels().Path(), o)
	if err != nil || note != "" {
		t.Fatal(note, err)
	}
	return k
}

func testForwardPass(t *testing.T, rt *models.Runtime) {
	batch, list := across(t)
	for _, backbone := range []string{"convnet", "resnet18", "vit_tiny", "mobilenet_v3_small", "convnext_tiny"} {
		t.Run(backbone, func(t *testing.T) {
			o := options(backbone)
			size := 16
			if backbone != "convnet" && backbone != "resnet18" {
				o.Width, size = 0, 32
			}
			if backbone == "vit_tiny" {
				o.PatchSize = 16
			}
			o = o.With(list, batch)
			o.Projector = []int{8}
			a, _, err := build(t, o, size, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), InGo: true,
				Seed: 1, Kernels: fastKernels(t, rt, o)})
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string][]float32{}
			trainer, err := rt.NewTrainer(a, func(outputs []models.Output) error {
				for _, out := range outputs {
					for i := range out.Grad {
						out.Grad[i] = 1 / float32(1+i%7)
					}
					seen[out.Name] = slices.Clone(out.Data)
				}
				return nil
			}, models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1},
				Optimizer: optimizer.DefaultOptions()})
			if err != nil {
				t.Fatal(err)
			}
			defer trainer.Close()
			pass, err := models.NewForwardPass(rt, a, nil, models.SessionOptions{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer pass.Close()
			r := rand.New(rand.NewPCG(1, 1))
			in := models.Inputs{Images: tensor(t, rt, r, 12, 3, size, size), Draws: tensor(t, rt, r, 12, 3)}
			if _, err := pass.Run(nil, in); err == nil || !strings.Contains(err.Error(), "has no values") {
				t.Errorf("without parameters: %v", err)
			}
			trained, err := trainer.Trained()
			if err != nil {
				t.Fatal(err)
			}
			if err := trainer.Bind(pass, trained); err != nil {
				t.Fatal(err)
			}
			before := slices.Clone(trained)
			target, err := models.NewForwardPass(rt, a, []string{"embedding"}, models.SessionOptions{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer target.Close()
			if err := trainer.Bind(target, before); err != nil {
				t.Fatal(err)
			}
			var rows, first [][]float32
			for step := range 3 {
				if rows, err = pass.Run(rows, in); err != nil {
					t.Fatal(err)
				}
				if _, err := pass.Run(nil, in); err != nil { // changes nothing
					t.Fatal(err)
				}
				if err := trainer.Accumulate(in); err != nil {
					t.Fatal(err)
				}
				if _, err := trainer.Update(1e-3); err != nil {
					t.Fatal(err)
				}
				for i, name := range pass.Outputs() {
					near(t, fmt.Sprintf("%s at step %d", name, step), rows[i], seen[name])
				}
				if step == 0 {
					first = [][]float32{slices.Clone(seen["embedding"])}
				}
			}
			if slices.Equal(first[0], seen["embedding"]) {
				t.Error("nothing was trained")
			}
			old, err := target.Run(nil, in)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "the embedding by the first parameters", old[0], first[0])
		})
	}
}

// TestAccumulatedGradients: of a network without batch norm, the gradients of micro-batches add up to those of the
// batch.
func TestAccumulatedGradients(t *testing.T) {
	rt := orttest.Open(t)
	o := options("vit_tiny")
	o.Width, o.PatchSize, o.Projector = 0, 16, []int{8}
	with := optimizer.Options{Optimizer: optimizer.SGD, Betas: optimizer.DefaultOptions().Betas, Eps: 1e-8, Eta: 1e-3}
	a, _, err := build(t, o, 32, models.BuildOptions{Optimizer: with, InGo: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	const n, dim = 8, 8
	dz := make([]float32, n*dim)
	r := rand.New(rand.NewPCG(2, 2))
	for i := range dz {
		dz[i] = float32(r.NormFloat64())
	}
	images := tensor(t, rt, r, n, 3, 32, 32)
	train := func(micro int) ([]float32, float32, []float32) {
		at := 0
		trainer, err := rt.NewTrainer(a, func(outputs []models.Output) error {
			for _, out := range outputs {
				clear(out.Grad)
				if out.Name == models.Embedding {
					at += copy(out.Grad, dz[at:])
				}
			}
			return nil
		}, models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1}, Optimizer: with})
		if err != nil {
			t.Fatal(err)
		}
		defer trainer.Close()
		before, err := trainer.CopyParameters(true)
		if err != nil {
			t.Fatal(err)
		}
		pixels := 3 * 32 * 32
		part := tensor(t, rt, r, micro, 3, 32, 32)
		for from := 0; from < n; from += micro {
			copy(part.Data(), images.Data()[from*pixels:])
			if err := trainer.Accumulate(models.Inputs{Images: part}); err != nil {
				t.Fatal(err)
			}
		}
		norm, err := trainer.Update(1)
		if err != nil {
			t.Fatal(err)
		}
		after, err := trainer.CopyParameters(true)
		if err != nil {
			t.Fatal(err)
		}
		return after, norm, before
	}
	want, norm, before := train(n)
	var scale float64
	for i := range want {
		scale = max(scale, math.Abs(float64(want[i]-before[i])))
	}
	for _, micro := range []int{4, 1} {
		got, gotNorm, _ := train(micro)
		if math.Abs(float64(gotNorm/norm-1)) > 1e-5 {
			t.Errorf("micro-batches of %d: norm %v, want %v", micro, gotNorm, norm)
		}
		for i := range got {
			if math.Abs(float64(got[i]-want[i])) > 1e-5*scale {
				t.Fatalf("micro-batches of %d: value %d is %v, want %v of at most %v", micro, i, got[i], want[i], scale)
			}
		}
	}
}

func TestForwardPassRefuses(t *testing.T) {
	rt := orttest.Open(t)
	o := options("convnet")
	a, _, err := build(t, o, 16, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := models.NewForwardPass(rt, a, []string{"prediction"}, models.SessionOptions{}); err == nil ||
		!strings.Contains(err.Error(), "no output prediction, it has: features, embedding") {
		t.Errorf("another output: %v", err)
	}
	trainer, err := rt.NewTrainer(a, func(outputs []models.Output) error {
		for _, out := range outputs {
			clear(out.Grad)
		}
		return nil
	}, models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	if _, err := trainer.Trained(); err == nil {
		t.Error("ONNX Runtime's optimizer shows its parameters")
	}
	x := tensor(t, rt, rand.New(rand.NewPCG(1, 1)), 4, 3, 16, 16)
	if err := trainer.Accumulate(models.Inputs{Images: x}); err != nil {
		t.Fatal(err)
	}
	if err := trainer.Accumulate(models.Inputs{Images: x}); err == nil ||
		!strings.Contains(err.Error(), "the optimizer is ONNX Runtime's") {
		t.Errorf("a second batch: %v", err)
	}
	m, err := onnxgraph.Decode(a.Training)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range m.GetGraph().GetNode() {
		if n.GetOpType() == "Relu" {
			n.OpType = "Dropout"
			break
		}
	}
	if a.Training, err = m.Encode(); err != nil {
		t.Fatal(err)
	}
	if _, err := models.NewForwardPass(rt, a, nil, models.SessionOptions{}); err == nil ||
		!strings.Contains(err.Error(), "build the model without dropout") {
		t.Errorf("dropout: %v", err)
	}
}
