package artifacts_test

import (
	"slices"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
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
		r, err := verify.Run(t.Context(), lib, f.Artifacts, verify.DefaultOptions(), nil)
		if err != nil || !r.OK {
			t.Errorf("%q: %v, %+v", c.yaml, err, r)
		}
	}
}
