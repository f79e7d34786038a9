package autodiff_test

import (
	"testing"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// TestForwardPassOfConstantScale: a batch norm whose scale is a constant, as one without affine parameters is exported.
func TestForwardPassOfConstantScale(t *testing.T) {
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3)))
	b.Initializer(onnxgraph.NewFloats("w", []int64{3, 2}, make([]float32, 6)))
	inputs := []string{b.Op("MatMul", "y", []string{"images", "w"})}
	for _, name := range []string{"scale", "bias"} {
		value := onnxgraph.TensorAttr("value", onnxgraph.NewFloats(name, []int64{2}, []float32{1, 1}))
		inputs = append(inputs, b.Op("Constant", name, nil, value))
	}
	for _, name := range []string{"mean", "var"} {
		inputs = append(inputs, b.Initializer(onnxgraph.NewFloats(name, []int64{2}, make([]float32, 2))))
	}
	b.Op("BatchNormalization", "embedding", inputs)
	b.Output("embedding", onnxgraph.FloatType(onnxgraph.Batch(2)))
	built, err := autodiff.Build(b.Model(), autodiff.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	m, err := autodiff.ForwardPass(built.Training, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxgraph.Check(m); err != nil {
		t.Error(err)
	}
	for _, v := range m.GetGraph().GetInput() {
		if v.GetName() == "mean" || v.GetName() == "var" {
			t.Errorf("the forward pass takes the running statistic %s", v.GetName())
		}
	}
}
