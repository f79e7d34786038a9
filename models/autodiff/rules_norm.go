package autodiff

import (
	"ordo/models/onnxgraph"
)

// trainBatchNorm replaces the node by ONNX Runtime's BatchNormInternal, which normalises by the batch and keeps what the
// gradient needs: the batch's mean and 1/√(variance + epsilon). Its outputs 1 and 2 share memory with the running statistics
// and so update them in place, as long as they are not graph outputs:
//
//	running ← momentum · running + (1 − momentum) · batch's, with the biased variance
func trainBatchNorm(t *training, n *onnxgraph.Node) *onnxgraph.Node {
	y := n.Out(0)
	channels := t.typeOf(n.In(1))
	out := []string{y}
	for _, suffix := range []string{"/running_mean", "/running_var", "/saved_mean", "/saved_inv_std"} {
		name := t.b.Unique(y + suffix)
		t.declare(name, channels)
		out = append(out, name)
	}
	return &onnxgraph.Node{
		Name: n.GetName(), OpType: "BatchNormInternal", Domain: microsoft, Input: n.GetInput(), Output: out,
		Attribute: []*onnxgraph.Attribute{
			onnxgraph.FloatAttr("epsilon", n.Float("epsilon", 1e-5)),
			onnxgraph.FloatAttr("momentum", n.Float("momentum", 0.9)),
			onnxgraph.IntAttr("training_mode", 1),
		},
	}
}

// evaluateBatchNorm makes the node normalise by the running statistics. In that mode it has one output, or ONNX Runtime
// refuses the graph.
func evaluateBatchNorm(n *onnxgraph.Node) *onnxgraph.Node {
	return &onnxgraph.Node{
		Name: n.GetName(), OpType: n.GetOpType(), Input: n.GetInput(), Output: n.GetOutput()[:1],
		Attribute: []*onnxgraph.Attribute{onnxgraph.FloatAttr("epsilon", n.Float("epsilon", 1e-5))},
	}
}

// batchNormGradient: the kernel takes 1/√(variance + epsilon) where its documentation says variance, and writes all three
// gradients.
func batchNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, scale, bias := n.In(0), n.In(1), n.In(2)
	outputs := make([]value, 3)
	for i, name := range []string{x, scale, bias} {
		outputs[i] = value{name + gradSuffix, t.typeOf(name)}
	}
	return t.microsoftOp("BatchNormalizationGrad", []string{dy[0], x, scale, n.Out(3), n.Out(4)}, outputs,
		onnxgraph.FloatAttr("epsilon", n.Float("epsilon", 1e-5))), nil
}
