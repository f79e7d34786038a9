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

// sequence is a network whose images' channels are split into a sequence of two parts, of which one is taken.
func sequence(at int64) *onnxgraph.Model {
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(3, 4, 4)))
	b.Initializer(onnxgraph.NewFloats("c.weight", []int64{3, 3, 1, 1}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 10}))
	b.Op("Conv", "c", []string{"x", "c.weight"})
	b.Op("SplitToSequence", "parts", []string{"c", b.Initializer(onnxgraph.NewInts("sizes", 1, 2))},
		onnxgraph.IntAttr("axis", 1), onnxgraph.IntAttr("keepdims", 1))
	index := onnxgraph.NewInts("at", at)
	index.Dims = nil
	b.Op("SequenceAt", "part", []string{"parts", b.Initializer(index)})
	b.Op("Flatten", "z", []string{b.Op("GlobalAveragePool", "p", []string{"part"})})
	b.Output("z", onnxgraph.FloatType(onnxgraph.Batch(2)))
	return b.Model()
}

// TestSequences: a sequence whose elements are taken one by one becomes a split, and its gradients are right.
func TestSequences(t *testing.T) {
	lib := orttest.Open(t)
	for _, at := range []int64{1, -1} {
		m := sequence(at)
		f, err := artifacts.Build(m, artifacts.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		r, err := verify.Run(t.Context(), lib, f.Artifacts, verify.DefaultOptions(), nil)
		if err != nil || !r.OK {
			t.Errorf("element %d: %v, %+v", at, err, r)
		}
		if !slices.ContainsFunc(m.GetGraph().GetNode(), func(n *onnxgraph.Node) bool { return n.OpType == "SequenceAt" }) {
			t.Error("the given graph was changed")
		}
	}
	if _, err := artifacts.Build(sequence(2), artifacts.DefaultOptions()); err == nil ||
		!strings.Contains(err.Error(), "SplitToSequence") {
		t.Errorf("an element that isn't there: %v", err)
	}
}
