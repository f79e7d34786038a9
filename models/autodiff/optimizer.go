package autodiff

import "ordo/models/onnxgraph"

// The opset of the optimizer graph is that of its one operator's generator; it uses no operator of ONNX's own.
const optimizerOpset = 17

// NewOptimizer makes the optimizer graph: one AdamW node over all trainable parameters. ONNX Runtime demands these inputs
// under these names in this order; the node changes parameters and moments in place, and its one output says that it did.
func NewOptimizer(o OptimizerOptions) *onnxgraph.Model {
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
	b.Import(microsoft, 1)
	b.Output("updated", onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: one})
	b.Append(&onnxgraph.Node{
		Name: "AdamW", OpType: "AdamWOptimizer", Domain: microsoft,
		Input:  append([]string{"learning_rate", "step"}, sequences...),
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
