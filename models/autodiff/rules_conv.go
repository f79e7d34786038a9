package autodiff

import (
	"fmt"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// convGradient: ONNX Runtime's ConvGrad computes all three gradients and leaves out those whose name is empty, so the
// one of the image costs nothing. It knows no automatic padding, hence the resolved numbers.
func convGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, weights, bias := n.In(0), n.In(1), n.In(2)
	kernel, _ := t.typeOf(weights).Shape[2:].Sizes()
	w, err := onnxgraph.WindowOf(n, kernel, t.typeOf(x).Shape)
	if err != nil {
		return nil, err
	}
	outputs := []value{t.gradientOf(x), t.gradientOf(weights), t.gradientOf(bias)}
	return t.microsoftOp("ConvGrad", []string{dy[0], x, weights}, outputs, convAttributes(&w, n)...), nil
}

// convAttributes are those of a convolution in the geometry of a window and the groups of a node.
func convAttributes(w *onnxgraph.Window, n *onnxgraph.Node) []*onnxgraph.Attribute {
	return []*onnxgraph.Attribute{
		onnxgraph.IntsAttr("kernel_shape", w.Kernel...),
		onnxgraph.IntsAttr("strides", w.Strides...),
		onnxgraph.IntsAttr("pads", w.Pads...),
		onnxgraph.IntsAttr("dilations", w.Dilations...),
		onnxgraph.IntAttr("group", n.Int("group", 1)),
	}
}

// convTransposeGradient: y = Cᵀx + b, where C is the convolution with the same weights, so with <,> for the sum over
// all products,
//
//	<dy, y> = <C dy, x> + <dy, b>
//
// and dx = C dy; dw is the weights' gradient of the convolution C whose input is dy and whose output's gradient is x;
// db sums dy over all but the channels. ONNX Runtime has no kernel for ConvTransposeGrad.
func convTransposeGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, weights, bias := n.In(0), n.In(1), n.In(2)
	kernel, _ := t.typeOf(weights).Shape[2:].Sizes()
	w, out, err := onnxgraph.TransposedWindowOf(n, kernel, t.typeOf(x).Shape)
	if err != nil {
		return nil, err
	}
	dx := make([]string, 3)
	if bias != "" && t.wanted[bias] {
		shape := t.typeOf(dy[0]).Shape
		axes := []int64{0}
		for i := range shape[2:] {
			axes = append(axes, int64(i+2))
		}
		dx[2] = t.op("ReduceSum", bias+graph.Gradient, t.typeOf(bias), []string{dy[0], t.ints(axes...)},
			onnxgraph.IntAttr("keepdims", 0))
	}
	seen, err := t.cropUnseen(x, dy[0], &w, out)
	if err != nil {
		return nil, err
	}
	attributes := convAttributes(&w, n)
	if t.wanted[x] {
		dx[0] = t.op("Conv", x+graph.Gradient, t.typeOf(x), []string{seen, weights}, attributes...)
	}
	if t.wanted[weights] {
		dx[1] = t.microsoftOp("ConvGrad", []string{x, seen, weights}, []value{{}, t.gradientOf(weights), {}},
			attributes...)[1]
	}
	return dx, nil
}

// cropUnseen cuts off the end of dy the pixels that no input pixel reaches, which the window tells by negative padding;
// it makes that 0.
func (t *training) cropUnseen(x, dy string, w *onnxgraph.Window, out onnxgraph.Shape) (string, error) {
	rank := len(w.Kernel)
	shape := append(onnxgraph.Shape{}, t.typeOf(dy).Shape...)
	var axes, starts, ends []int64
	for i := range rank {
		over := -w.Pads[rank+i]
		if over <= 0 {
			continue
		}
		if !out[i].Static() {
			return "", fmt.Errorf("output_padding of the free size %v", t.typeOf(x).Shape[i+2])
		}
		axes, starts, ends = append(axes, int64(i+2)), append(starts, 0), append(ends, out[i].Size-over)
		shape[i+2].Size -= over
		w.Pads[rank+i] = 0
	}
	if axes == nil {
		return dy, nil
	}
	return t.op("Slice", x+"/seen"+graph.Gradient, onnxgraph.FloatType(shape),
		[]string{dy, t.ints(starts...), t.ints(ends...), t.ints(axes...)}), nil
}
