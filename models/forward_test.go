package models_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/zoo"
)

func options(backbone string) models.Options {
	o := models.DefaultOptions()
	o.Backbone, o.Width = backbone, 4
	return o
}

func encode(t testing.TB, m *onnxgraph.Model) string {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestForwardTakesWeights: with the weights of a model of another seed, a model is that one.
func TestForwardTakesWeights(t *testing.T) {
	o := options("resnet18")
	other, err := zoo.Build(o.Options, 32, 2)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "other.onnx")
	if err := other.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	o.Weights = file
	m, report, err := open(t, o, 32).ForwardGraph(1)
	if err != nil {
		t.Fatal(err)
	}
	if encode(t, m) != encode(t, other) {
		t.Errorf("the models differ after: %s", report)
	}

	o.Projector = []int{8}
	if _, _, err := open(t, o, 32).ForwardGraph(1); !errors.Is(err, fault.Data) ||
		!strings.Contains(err.Error(), "projector.0.weight is [256 32] in the file, [8 32] in the model") {
		t.Errorf("for another projector: %v", err)
	}
	o.WeightsStrict = false
	a, notes, err := build(t, o, 32, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1})
	if err != nil || len(a.Checkpoint) == 0 || len(notes) != 1 || !strings.Contains(notes[0], "of another shape") {
		t.Errorf("for another projector, not strict: %q, %v", notes, err)
	}
	o = options("convnet")
	o.Weights = file
	if _, _, err := build(t, o, 32, models.BuildOptions{Optimizer: optimizer.DefaultOptions(),
		Seed: 1}); !errors.Is(err, fault.Data) {
		t.Errorf("for another backbone: %v", err)
	}
	o.Weights = "resnet18.pth"
	if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(),
		"weights: must end in .safetensors or .onnx") {
		t.Errorf("for a file of torch's own: %v", err)
	}
}

// BenchmarkBuild makes the artifacts of the largest usual networks: weights, gradients, checkpoint, serialized.
func BenchmarkBuild(b *testing.B) {
	for _, name := range []string{"resnet18", "resnet50", "convnext_tiny", "vit_tiny"} {
		b.Run(name, func(b *testing.B) {
			o := models.DefaultOptions()
			o.Backbone = name
			for b.Loop() {
				if _, _, err := build(b, o, 32, models.BuildOptions{Optimizer: optimizer.DefaultOptions(),
					Seed: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
