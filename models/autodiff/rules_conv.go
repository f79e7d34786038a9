package autodiff

import "ordo/models/onnxgraph"

// convGradient: ONNX Runtime's ConvGrad computes all three gradients and leaves out those whose name is empty, so the one of
// the image costs nothing. It knows no automatic padding, hence the resolved numbers.
func convGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, weights, bias := n.In(0), n.In(1), n.In(2)
	kernel, _ := t.typeOf(weights).Shape[2:].Sizes()
	w, err := onnxgraph.WindowOf(n, kernel, t.typeOf(x).Shape)
	if err != nil {
		return nil, err
	}
	outputs := []value{t.gradientOf(x), t.gradientOf(weights), t.gradientOf(bias)}
	return t.microsoftOp("ConvGrad", []string{dy[0], x, weights}, outputs,
		onnxgraph.IntsAttr("kernel_shape", w.Kernel...),
		onnxgraph.IntsAttr("strides", w.Strides...),
		onnxgraph.IntsAttr("pads", w.Pads...),
		onnxgraph.IntsAttr("dilations", w.Dilations...),
		onnxgraph.IntAttr("group", n.Int("group", 1))), nil
}
