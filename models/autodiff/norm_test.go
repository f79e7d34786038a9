package autodiff_test

import (
	"math"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// TestNormOfLargeGradients: the norm over millions of elements has float32's digits.
func TestNormOfLargeGradients(t *testing.T) {
	for _, opset := range []int64{17, 18} {
		g := &opGraph{onnxgraph.NewBuilder("wide", opset), newRandom()}
		g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
		const columns = 22000
		flat := g.Op("Flatten", "flat", []string{"images"})
		g.Append(&onnxgraph.Node{Name: "z", OpType: "MatMul", Input: []string{flat, g.parameter("weight", 192, columns)},
			Output: []string{"z"}})
		g.Output("z", onnxgraph.FloatType(onnxgraph.Batch(columns)))
		o := autodiff.DefaultOptions()
		o.Outputs, o.Optimizer = []string{"z"}, gradientReader()
		a, err := autodiff.Build(g.Model(), o)
		if err != nil {
			t.Fatal(err)
		}
		images := make([]float32, 2*192)
		for i := range images {
			images[i] = 1 + float32(i%7)/8
		}
		s := newSession(t, a, images, 2, 3, 8, 8)
		gradients, norm := s.gradients(parameters(t, a))
		square := 0.0
		for _, x := range gradients["weight"] {
			square += x * x
		}
		if want := math.Sqrt(square); !(math.Abs(float64(norm)-want) < 1e-5*want) {
			t.Errorf("opset %d: the norm is %v, of the gradients %v", opset, norm, want)
		}
	}
}
