package models_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
)

// folder writes the artifacts of a residual network with its first convolution frozen.
func folder(t *testing.T) models.Options {
	t.Helper()
	forward, _, err := open(t, options("resnet18"), 16).ForwardGraph(1)
	if err != nil {
		t.Fatal(err)
	}
	o := artifacts.DefaultOptions()
	o.Features, o.Embedding, o.Freeze = models.Features, models.Embedding, []string{"conv1.*"}
	f, err := artifacts.Build(forward, o)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "folder")
	if err := artifacts.Write(dir, f, artifacts.Source{}, "test"); err != nil {
		t.Fatal(err)
	}
	m := models.DefaultOptions()
	m.Artifacts, m.Threads = dir, 1
	return m
}

// TestFolderKernels: a folder trains with either kernels to the same losses, and each goes on from the other's
// checkpoint.
func TestFolderKernels(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	o := folder(t)
	images := tensor(t, rt, rand.New(rand.NewPCG(1, 2)), 8, 3, 16, 16)
	const half = 3
	// train does 2·half steps, in two sessions, with fast kernels or not in each.
	train := func(inGo bool, fast ...bool) (losses []float64) {
		var checkpoint []byte
		var kept map[string][]byte
		for _, fast := range fast {
			var k *models.Kernels
			if fast {
				k = fastKernels(t, rt, o)
			}
			a, notes, err := build(t, o, 16, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), InGo: inGo,
				Seed: 1, Kernels: k})
			if err != nil || len(notes) > 0 {
				t.Fatal(notes, err)
			}
			if c, err := a.Contract(); err != nil || c.Kernels != fast {
				t.Fatalf("fast is %v: not so in the graph (%v)", fast, err)
			}
			if checkpoint != nil {
				a.Checkpoint, a.Kept = checkpoint, kept
			}
			trainer, err := rt.NewTrainer(a, func(outputs []models.Output) error {
				loss := 0.0 // the square of what the embedding is away from one
				for _, out := range outputs {
					for i, v := range out.Data {
						if out.Grad[i] = 0; out.Name == models.Embedding {
							loss += float64((v - 1) * (v - 1))
							out.Grad[i] = 2 * (v - 1)
						}
					}
				}
				losses = append(losses, loss)
				return nil
			}, models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1},
				Optimizer: optimizer.DefaultOptions()})
			if err != nil {
				t.Fatal(err)
			}
			for range half {
				if _, err := trainer.Step(images, 1e-3); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(t.TempDir(), "checkpoint")
			if err := trainer.Save(file); err != nil {
				t.Fatal(err)
			}
			trainer.Close()
			if checkpoint, kept, err = models.ReadCheckpoint(file); err != nil {
				t.Fatal(err)
			}
		}
		return losses
	}
	for _, inGo := range []bool{false, true} {
		want := train(inGo, false, false)
		if !(want[len(want)-1] < 0.9*want[0]) {
			t.Errorf("the loss doesn't fall: %v", want)
		}
		for _, sessions := range [][]bool{{true, true}, {true, false}, {false, true}} {
			got := train(inGo, sessions...)
			for i := range want {
				if !(math.Abs(got[i]-want[i]) < 2e-3*want[i]) {
					t.Errorf("optimizer in Go: %v, fast %v: loss %d is %v, stock gives %v", inGo, sessions, i, got[i],
						want[i])
				}
			}
		}
	}
	fingerprint := open(t, o, 16).Fingerprint()
	o.Kernels = models.FastKernels
	if open(t, o, 16).Fingerprint() != fingerprint {
		t.Error("with fast kernels it is another model")
	}
}

// TestForeignFolderKernels: a folder of another program trains with stock kernels, and it is said why.
func TestForeignFolderKernels(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	oneDNN := rt.Kernels().Path()
	o := models.DefaultOptions()
	o.Artifacts = filepath.Join("artifacts", "testdata", "official", "resnet_tiny")
	k, note, err := models.OpenKernels(rt, oneDNN, o)
	if k != nil || err != nil || !strings.Contains(note, "another program") {
		t.Errorf("auto: %v, %q, %v", k, note, err)
	}
	o.Kernels = models.FastKernels
	if _, _, err := models.OpenKernels(rt, oneDNN, o); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "model.kernels") {
		t.Errorf("fast: %v", err)
	}
	o.Kernels, o.Precision = models.AutoKernels, models.BFloat16
	if _, _, err := models.OpenKernels(rt, oneDNN, o); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "model.precision") {
		t.Errorf("bf16: %v", err)
	}
}
