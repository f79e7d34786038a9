package onnxgraph_test

import (
	"slices"
	"testing"

	"ordo/models/onnxgraph"
)

// TestKeep: what only other outputs need goes, with the operator sets of it.
func TestKeep(t *testing.T) {
	row := onnxgraph.FloatType(onnxgraph.Batch(2))
	build := func() *onnxgraph.Model {
		b := onnxgraph.NewBuilder("net", 17)
		b.Import("ordo", 1)
		b.Import("unused", 1)
		b.Input("x", row)
		for _, name := range []string{"w", "v"} {
			b.Initializer(onnxgraph.NewFloats(name, []int64{2}, []float32{1, 2}))
		}
		b.Op("Add", "features", []string{"x", "w"})
		b.ValueInfo("hidden", row)
		b.Op("Mul", "hidden", []string{"features", "v"})
		b.Append(&onnxgraph.Node{OpType: "Own", Domain: "ordo", Input: []string{"hidden"}, Output: []string{"embedding"}})
		b.Output("features", row)
		b.Output("embedding", row)
		return b.Model()
	}
	for _, c := range []struct {
		keep, missing       []string
		nodes, weights, ops int
	}{
		{[]string{"features"}, nil, 1, 1, 1},
		{[]string{"embedding", "features"}, nil, 3, 2, 2},
		{[]string{"embedding", "logits"}, []string{"logits"}, 3, 2, 2},
	} {
		m := build()
		missing := onnxgraph.Keep(m, c.keep)
		g := m.GetGraph()
		if len(g.GetNode()) != c.nodes || len(g.GetInitializer()) != c.weights || len(m.GetOpsetImport()) != c.ops ||
			!slices.Equal(missing, c.missing) {
			t.Errorf("%v: %d nodes, %d weights, %d operator sets, %v missing", c.keep, len(g.GetNode()),
				len(g.GetInitializer()), len(m.GetOpsetImport()), missing)
		}
		if err := onnxgraph.Check(m); err != nil {
			t.Errorf("%v: %v", c.keep, err)
		}
		if known := len(g.GetValueInfo()) > 0; known != (c.nodes == 3) {
			t.Errorf("%v: the type of what is inside is said: %v", c.keep, known)
		}
	}
}
