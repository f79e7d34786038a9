package onnxgraph_test

import (
	"testing"

	"ordo/models/onnxgraph"
)

func TestExtend(t *testing.T) {
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(2)))
	b.Initializer(onnxgraph.NewFloats("w", []int64{2}, []float32{1, 2}))
	b.Op("Add", "y", []string{"x", "w"})
	b.Output("y", onnxgraph.FloatType(onnxgraph.Batch(2)))
	m := b.Model()

	more := onnxgraph.Extend(m)
	for name, want := range map[string]bool{"x": true, "w": true, "y": true, "z": false} {
		if got := more.Has(name); got != want {
			t.Errorf("%s: taken is %v, want %v", name, got, want)
		}
	}
	if got := more.Op("Relu", "y", []string{"y"}); got != "y_1" || !more.Has("y_1") {
		t.Errorf("a second y is called %s", got)
	}
	if err := onnxgraph.Check(m); err != nil || len(m.GetGraph().GetNode()) != 2 {
		t.Errorf("the model has %d nodes, want 2: %v", len(m.GetGraph().GetNode()), err)
	}
}

// A damaged file can have an attribute that should hold a tensor and holds none.
func TestCheckOfAMissingTensor(t *testing.T) {
	b := onnxgraph.NewBuilder("net", 17)
	b.Append(&onnxgraph.Node{OpType: "Constant", Output: []string{"x"}, Attribute: []*onnxgraph.Attribute{onnxgraph.TensorAttr("value", nil)}})
	b.Output("x", onnxgraph.FloatType(onnxgraph.Static(1)))
	if err := onnxgraph.Check(b.Model()); err == nil {
		t.Error("a constant without a value passed")
	}
}
