package autodiff

import (
	"fmt"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// The opset of the optimizer graph is that of AdamW's generator; what clipping adds is in it.
const optimizerOpset = 17

// NewOptimizer makes the optimizer graph: one AdamW node over all trainable parameters, of which there are count. ONNX
// Runtime demands these inputs under these names in this order; the node changes parameters and moments in place, and
// its one output says that it did.
func NewOptimizer(o OptimizerOptions, count int) *onnxgraph.Model {
	one := onnxgraph.Static(1)
	sequences := []string{"params", "gradients", "first_order_moments", "second_order_moments"}
	inputs := []*onnxgraph.ValueInfo{
		onnxgraph.NewValueInfo("learning_rate", onnxgraph.FloatType(one)),
		onnxgraph.NewValueInfo("step", onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: one}),
	}
	for _, name := range sequences {
		inputs = append(inputs, onnxgraph.NewSequenceInfo(name, onnxgraph.Float32))
	}
	b := onnxgraph.NewBuilder("optimizer", optimizerOpset)
	b.Import(graph.Microsoft, 1)
	b.Output("updated", onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: one})
	read := append([]string{"learning_rate", "step"}, sequences...)
	if o.ClipNorm > 0 {
		read[3] = addClip(b, read[3], count, o.ClipNorm)
	}
	b.Append(&onnxgraph.Node{
		Name: "AdamW", OpType: "AdamWOptimizer", Domain: graph.Microsoft,
		Input:  read,
		Output: []string{"updated"},
		Attribute: []*onnxgraph.Attribute{
			onnxgraph.FloatAttr("alpha", float32(o.Beta1)),
			onnxgraph.FloatAttr("beta", float32(o.Beta2)),
			onnxgraph.FloatAttr("epsilon", float32(o.Epsilon)),
			onnxgraph.FloatAttr("weight_decay", float32(o.WeightDecay)),
			onnxgraph.IntAttr("correct_bias", 1),
			onnxgraph.IntAttr("adam_mode", 0), // torch's formula
		},
	})
	m := b.Model()
	m.Graph.Input = inputs
	return m
}

// addClip scales a sequence of gradients to a norm of at most limit, and returns the new sequence. ONNX Runtime keeps
// the parameters in a hash map, so the sequence has another order in every process; the squares are sorted before they
// are added, so that their sum has not. ONNX Runtime's own InplaceClipGradNorm adds as they come.
//
// It is here and not in the training graph because here the gradients are those of all accumulated steps.
func addClip(b *onnxgraph.Builder, gradients string, count int, limit float64) string {
	ints := func(name string, v int64) string { return b.Initializer(onnxgraph.NewInts(name, v)) }
	number := func(name string, v float64) string {
		return b.Initializer(onnxgraph.NewFloats(name, []int64{1}, []float32{float32(v)}))
	}
	flat := ints("flat", -1)
	var each, squares, clipped []string
	for i := range count {
		at := onnxgraph.NewInts(fmt.Sprintf("index_%d", i), int64(i))
		at.Dims = nil // a scalar
		g := b.Op("SequenceAt", fmt.Sprintf("gradient_%d", i), []string{gradients, b.Initializer(at)})
		square := b.Op("ReduceSumSquare", g+"/square", []string{g}, onnxgraph.IntAttr("keepdims", 0))
		each = append(each, g)
		squares = append(squares, b.Op("Reshape", square+"/flat", []string{square, flat}))
	}
	all := b.Op("Concat", "squares", squares, onnxgraph.IntAttr("axis", 0))
	sorted := b.Unique("squares/sorted")
	b.Append(&onnxgraph.Node{
		Name: "sort", OpType: "TopK", Input: []string{all, ints("count", int64(count))},
		Output: []string{sorted, b.Unique("squares/order")},
	})
	norm := b.Op("Sqrt", "norm", []string{b.Op("ReduceSum", "square", []string{sorted},
		onnxgraph.IntAttr("keepdims", 1))})
	factor := b.Op("Div", "factor", []string{number("limit", limit), b.Op("Add", "norm/safe",
		[]string{norm, number("safe", 1e-6)})})
	factor = b.Op("Min", "factor/clipped", []string{factor, number("one", 1)})
	for i, g := range each {
		clipped = append(clipped, b.Op("Mul", fmt.Sprintf("clipped_%d", i), []string{g, factor}))
	}
	return b.Op("SequenceConstruct", "clipped", clipped)
}
