package artifacts_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// softened is network with a number of the exporter's, a table and a scale of the network's own behind the convolution.
func softened(m *onnxgraph.Model) {
	oneOutput(m)
	m.Graph.Initializer = append(m.Graph.Initializer,
		onnxgraph.NewFloats("val_7", []int64{1}, []float32{0.5}),
		onnxgraph.NewFloats("rope.cos", []int64{6, 6}, slices.Repeat([]float32{1, 0.5, 2}, 12)),
		onnxgraph.NewFloats("block.scale", []int64{1}, []float32{2}))
	m.Graph.Node[1].Output[0] = "relu"
	m.Graph.Node[2].Input[0] = "scaled"
	m.Graph.Node = slices.Insert(m.Graph.Node, 2,
		&onnxgraph.Node{OpType: "Mul", Input: []string{"relu", "val_7"}, Output: []string{"halved"}},
		&onnxgraph.Node{OpType: "Mul", Input: []string{"halved", "rope.cos"}, Output: []string{"turned"}},
		&onnxgraph.Node{OpType: "Mul", Input: []string{"turned", "block.scale"}, Output: []string{"scaled"}})
}

// states tells what becomes of the stored tensors, in the graph's order.
func states(f *artifacts.Folder) string {
	var list []string
	for _, t := range f.Manifest.Tensors {
		list = append(list, fmt.Sprintf("%s=%s", t.Name, t.State))
	}
	return strings.Join(list, " ")
}

func TestRoles(t *testing.T) {
	const head = "heads: [{name: projector, layers: [2], bias: false}]"
	for _, c := range []struct{ name, yaml, want string }{
		{"as they are found", "", "stem.weight=trained stem.bias=trained val_7=constant rope.cos=constant " +
			"block.scale=trained"},
		{"trained by a pattern", "train: [val_*]", "stem.weight=trained stem.bias=trained val_7=trained " +
			"rope.cos=constant block.scale=trained"},
		{"frozen by a pattern", "freeze: ['stem.*', rope.cos]", "stem.weight=frozen stem.bias=frozen val_7=constant " +
			"rope.cos=constant block.scale=trained"},
		{"the head alone", "{freeze: ['*'], train: [projector.*], " + head + "}", "stem.weight=frozen " +
			"stem.bias=frozen val_7=constant rope.cos=constant block.scale=frozen projector.0.weight=trained"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := artifacts.Build(network(t, softened), parse(t, c.yaml))
			if err != nil {
				t.Fatal(err)
			}
			if got := states(f); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for _, p := range f.Parameters {
				i := slices.IndexFunc(f.Manifest.Tensors, func(s artifacts.Tensor) bool { return s.Name == p.Name })
				if i < 0 || (f.Manifest.Tensors[i].State == artifacts.Trained) != p.Trainable {
					t.Errorf("parameter %+v is not what the manifest says", p)
				}
			}
		})
	}
}

func TestPatternsRefuse(t *testing.T) {
	for _, c := range []struct {
		yaml string
		says []string
	}{
		{"train: [val_8]", []string{`train[0]: "val_8" matches no parameter`, "did you mean val_7?"}},
		{"freeze: [stem.bias, 'stme.*']", []string{`freeze[1]: "stme.*"`, "stem.weight, stem.bias"}},
		{"keep_tied: [block.scal]", []string{"keep_tied[0]", "block.scale"}},
		{"freeze: [nothing.like.it]", []string{"they are called as stem.weight, "}},
		{"{train: [projector.1.running_mean], heads: [{name: projector, layers: [4, 2]}]}",
			[]string{"train", "projector.1.running_mean", "running statistic"}},
	} {
		_, err := artifacts.Build(network(t, softened), parse(t, c.yaml))
		if !errors.Is(err, fault.Config) {
			t.Errorf("%s: error %v, want one of kind Config", c.yaml, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: error %v, want one that says %q", c.yaml, err, s)
			}
		}
	}
	for _, yaml := range []string{"train: ['']", "freeze: [a, '']", "keep_tied: ['']"} {
		if _, err := artifacts.ParseOptions([]byte(yaml)); err == nil || !strings.Contains(err.Error(), "a pattern") {
			t.Errorf("%s: error %v", yaml, err)
		}
	}
}

// TestConstantsStay: a step of training changes the parameters and nothing else.
func TestConstantsStay(t *testing.T) {
	lib := orttest.Open(t)
	f, err := artifacts.Build(network(t, softened), parse(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	ones := func(outputs []ort.Output) error {
		for _, o := range outputs {
			for i := range o.Grad {
				o.Grad[i] = 1
			}
		}
		return nil
	}
	tr, err := lib.NewTrainer(f.Artifacts, ones, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for _, name := range []string{"val_7", "rope.cos"} {
		if _, err := tr.Parameter(name); err == nil {
			t.Errorf("%s is a parameter", name)
		}
	}
	if v, err := tr.Parameter("block.scale"); err != nil || len(v) != 1 || v[0] != 2 {
		t.Errorf("block.scale is %v (%v)", v, err)
	}
}
