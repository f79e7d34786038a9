package nonfinite_test

import (
	"math"
	"slices"
	"testing"

	"ordo/models"
	"ordo/models/nonfinite"
	"ordo/models/optimizer"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

const side = 16

// made are the artifacts of a small network, its weights scaled.
func made(t *testing.T, rt *models.Runtime, fast bool) models.Artifacts {
	t.Helper()
	o := models.DefaultOptions()
	o.Backbone, o.Width, o.Projector = "convnet", 4, []int{8}
	b := models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1}
	if fast {
		kernels, note, err := models.OpenKernels(rt, rt.Kernels().Path(), o)
		if err != nil || note != "" {
			t.Fatal(note, err)
		}
		b.Kernels = kernels
	}
	m, err := models.Open(o, side)
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := m.Build(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// gives is a loss whose every gradient is g.
func gives(g float32) ort.LossFunc {
	return func(outputs []ort.Output) error {
		for _, o := range outputs {
			for i := range o.Grad {
				o.Grad[i] = g
			}
		}
		return nil
	}
}

func TestFind(t *testing.T) {
	t.Run("stock", func(t *testing.T) { testFind(t, orttest.Open(t), false) })
	t.Run("fast", func(t *testing.T) {
		rt := orttest.OpenWithKernels(t)
		testFind(t, rt, rt.Kernels() != nil)
	})
}

func testFind(t *testing.T, rt *models.Runtime, fast bool) {
	a := made(t, rt, fast)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		pixel  float32 // of all
		odd    float32 // of one
		loss   float32
		part   string
		tensor string
	}{
		{"sound", 0.5, 1, 1e-3, "", ""},
		{"a pixel", 0.5, nan, 1e-3, nonfinite.Input, "the images"},
		{"overflow in the first layer", 3e38, 3e38, 1e-3, nonfinite.Forward, ""},
		{"gradient", 0.5, 1, inf, nonfinite.Loss, ""},
		{"overflow on the way back", 0.5, 1, 3e38, nonfinite.Backward, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			images, err := rt.NewTensor(4, 3, side, side)
			if err != nil {
				t.Fatal(err)
			}
			defer images.Close()
			for i := range images.Data() {
				images.Data()[i] = c.pixel * (float32(i%7) / 7)
			}
			images.Data()[5] = c.odd
			var all []*nonfinite.Found
			for _, n := range []int{0, 7} {
				found, err := nonfinite.Find(rt, a, ort.Inputs{Images: images}, nonfinite.Options{Loss: gives(c.loss), Tensors: n})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, found)
			}
			found := all[0]
			if c.part == "" {
				if found != nil {
					t.Errorf("found %+v", found)
				}
				return
			}
			if found == nil || all[1] == nil || found.Tensor != all[1].Tensor {
				t.Fatalf("found %+v, or with fewer tensors a run %+v", found, all[1])
			}
			if found.Part != c.part || found.Count == 0 || c.tensor != "" && found.Tensor != c.tensor {
				t.Errorf("found %+v", found)
			}
			inGraph := c.part == nonfinite.Forward || c.part == nonfinite.Backward
			if inGraph && (found.Operator == "" || found.Node == "") {
				t.Errorf("no operator: %+v", found)
			}
			if finite := !slices.ContainsFunc(found.Takes, func(r nonfinite.Range) bool {
				return math.IsNaN(r.Low) || math.IsInf(r.High, 0) || r.Least > max(-r.Low, r.High)
			}); !finite {
				t.Errorf("it takes %+v", found.Takes)
			}
			t.Logf("%s: %s %q gives %s of %v, %d times %s; it takes %+v", found.Part, found.Operator, found.Node, found.Tensor,
				found.Shape, found.Count, found.Value, found.Takes)
		})
	}
}

// TestFindReleases: what the runs took is given back.
func TestFindReleases(t *testing.T) {
	rt := orttest.Open(t)
	a := made(t, rt, false)
	images, err := rt.NewTensor(4, 3, side, side)
	if err != nil {
		t.Fatal(err)
	}
	defer images.Close()
	orttest.NoLeak(t, func() {
		if _, err := nonfinite.Find(rt, a, ort.Inputs{Images: images}, nonfinite.Options{Loss: gives(3e38)}); err != nil {
			t.Fatal(err)
		}
	})
}
