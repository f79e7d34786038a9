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
	b.Append(&onnxgraph.Node{OpType: "Constant", Output: []string{"x"},
		Attribute: []*onnxgraph.Attribute{onnxgraph.TensorAttr("value", nil)}})
	b.Output("x", onnxgraph.FloatType(onnxgraph.Static(1)))
	if err := onnxgraph.Check(b.Model()); err == nil {
		t.Error("a constant without a value passed")
	}
}

// TestRowsByView: a free number of rows taken apart into views, and put together again, keeps its name.
func TestRowsByView(t *testing.T) {
	for _, c := range []struct {
		from     onnxgraph.Shape
		to       []int64
		expected string
	}{
		{onnxgraph.Batch(6), []int64{5, -1, 6}, "[5,batch/5,6]"},
		{onnxgraph.Batch(6), []int64{4, -1, 4}, "[4,3*batch/8,4]"},
		{onnxgraph.Shape{{Size: 2}, {Param: "batch/5"}, {Size: 6}}, []int64{-1, 6}, "[2*batch/5,6]"},
		{onnxgraph.Shape{{Size: 2}, {Param: "batch/5"}, {Size: 6}}, []int64{-1, 12}, "[batch/5,12]"},
		{onnxgraph.Batch(6), []int64{-1, 3}, "[2*batch,3]"},
	} {
		b := onnxgraph.NewBuilder("rows", 17)
		b.Input("x", onnxgraph.FloatType(c.from))
		b.Op("Reshape", "y", []string{"x", b.Initializer(onnxgraph.NewInts("shape", c.to...))})
		types, err := onnxgraph.Infer(b.Model())
		if err != nil {
			t.Errorf("%v to %v: %v", c.from, c.to, err)
			continue
		}
		if got := types.Of["y"].Shape.String(); got != c.expected {
			t.Errorf("%v to %v is %s, want %s", c.from, c.to, got, c.expected)
		}
	}
}
