package artifacts_test

import (
	"slices"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
	"ordo/models/roles"
	"ordo/models/verify"
)

// merged is network with two fresh norms that an exporter has merged.
func merged(m *onnxgraph.Model) {
	oneOutput(m)
	m.Graph.Initializer = append(m.Graph.Initializer,
		onnxgraph.NewFloats("n.weight", []int64{6}, slices.Repeat([]float32{1}, 6)),
		onnxgraph.NewFloats("n.bias", []int64{6}, make([]float32, 6)))
	m.Graph.Node[0].Output[0], m.Graph.Node[1].Input[0] = "c", "y"
	inputs := func(x string) []string { return []string{x, "n.weight", "n.bias"} }
	m.Graph.Node = slices.Insert(m.Graph.Node, 1,
		&onnxgraph.Node{OpType: "LayerNormalization", Input: inputs("c"), Output: []string{"y"}})
	m.Graph.Node = slices.Insert(m.Graph.Node, 3,
		&onnxgraph.Node{OpType: "Add", Input: []string{"features", "c"}, Output: []string{"sum"}},
		&onnxgraph.Node{OpType: "LayerNormalization", Input: inputs("sum"), Output: []string{"last"}},
		&onnxgraph.Node{OpType: "Relu", Input: []string{"last"}, Output: []string{"bent"}}) // or z is a constant
	m.Graph.Node[6].Input[0] = "bent"
}

// TestUntied: the merged norms become parameters of their own, unless they are to stay tied, and train as such.
func TestUntied(t *testing.T) {
	lib := orttest.Open(t)
	for _, c := range []struct{ yaml, parameters, untied string }{
		{"", "stem.weight stem.bias n.weight n.bias last.scale last.bias", "n.weight: n.weight, last.scale; " +
			"n.bias: n.bias, last.bias"},
		{"keep_tied: ['*']", "stem.weight stem.bias n.weight n.bias", ""},
		{"keep_tied: [n.weight]", "stem.weight stem.bias n.weight n.bias last.bias", "n.bias: n.bias, last.bias"},
	} {
		f, err := artifacts.Build(network(t, merged), parse(t, c.yaml))
		if err != nil {
			t.Fatal(err)
		}
		var parameters, untied []string
		for _, p := range f.Parameters {
			parameters = append(parameters, p.Name)
		}
		for _, u := range f.Manifest.Untied {
			untied = append(untied, u.Name+": "+strings.Join(u.Names, ", "))
		}
		if got := strings.Join(parameters, " "); got != c.parameters {
			t.Errorf("%q: parameters %s, want %s", c.yaml, got, c.parameters)
		}
		if got := strings.Join(untied, "; "); got != c.untied {
			t.Errorf("%q: untied %s, want %s", c.yaml, got, c.untied)
		}
		if f.Manifest.Lost != (roles.Lost{}) {
			t.Errorf("%q: %+v is missing", c.yaml, f.Manifest.Lost)
		}
		r, err := verify.Run(t.Context(), lib, f.Artifacts, verify.DefaultOptions(), nil)
		if err != nil || !r.OK {
			t.Errorf("%q: %v, %+v", c.yaml, err, r)
		}
	}
}

// TestLost: what the exporter took out is told by the names that it gave, which building changes.
func TestLost(t *testing.T) {
	f, err := artifacts.Build(network(t, func(m *onnxgraph.Model) {
		oneOutput(m)
		for i, name := range []string{"onnx::Conv_7", "onnx::Conv_8"} {
			m.Graph.Node[0].Input[1+i], m.Graph.Initializer[i].Name = name, name
		}
	}), artifacts.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if f.Manifest.Lost != (roles.Lost{BatchNorms: 1}) {
		t.Errorf("%+v", f.Manifest.Lost)
	}
}

// TestWeightsInNodes: a network whose weights are Constant nodes is trained as one with initializers, from the same
// values to the same outputs.
func TestWeightsInNodes(t *testing.T) {
	lib := orttest.Open(t)
	inNodes := func(m *onnxgraph.Model) {
		oneOutput(m)
		var constants []*onnxgraph.Node
		for _, s := range m.Graph.Initializer {
			constants = append(constants, &onnxgraph.Node{Name: s.GetName(), OpType: "Constant",
				Output: []string{s.GetName()}, Attribute: []*onnxgraph.Attribute{onnxgraph.TensorAttr("value", s)}})
		}
		m.Graph.Initializer = nil
		m.Graph.Node = append(constants, m.Graph.Node...)
	}
	var outputs [2][]float32
	for i, change := range []func(*onnxgraph.Model){oneOutput, inNodes} {
		f, err := artifacts.Build(network(t, change), parse(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Parameters) != 2 || !f.Parameters[0].Trainable || !f.Parameters[1].Trainable {
			t.Fatalf("parameters %+v", f.Parameters)
		}
		tr, err := lib.NewTrainer(f.Artifacts, func([]ort.Output) error { return nil },
			ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		in, err := lib.NewTensor(1, 3, 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		for k := range in.Data() {
			in.Data()[k] = float32(k%13) / 13
		}
		out, err := tr.Eval(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		outputs[i] = slices.Clone(out[0])
	}
	if !slices.Equal(outputs[0], outputs[1]) {
		t.Errorf("outputs %v and %v", outputs[0], outputs[1])
	}
}
