package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// trainBatchNorm replaces the node by ONNX Runtime's BatchNormInternal, which normalises by the batch and keeps what
// the gradient needs: the batch's mean and 1/√(variance + epsilon). Its outputs 1 and 2 share memory with the running
// statistics and so update them in place, as long as they are not graph outputs:
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
		Name: n.GetName(), OpType: graph.StockBatchNorm, Domain: graph.Microsoft, Input: n.GetInput(), Output: out,
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

// batchNormGradient: the kernel takes 1/√(variance + epsilon) where its documentation says variance, and writes all
// three gradients.
func batchNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, scale, bias := n.In(0), n.In(1), n.In(2)
	outputs := make([]value, 3)
	for i, name := range []string{x, scale, bias} {
		outputs[i] = value{name + graph.Gradient, t.typeOf(name)}
	}
	return t.microsoftOp("BatchNormalizationGrad", []string{dy[0], x, scale, n.Out(3), n.Out(4)}, outputs,
		onnxgraph.FloatAttr("epsilon", n.Float("epsilon", 1e-5))), nil
}

// trainLayerNorm adds the outputs that the gradient needs: the mean and 1/√(variance + epsilon).
func trainLayerNorm(t *training, n *onnxgraph.Node) *onnxgraph.Node {
	shape := t.typeOf(n.In(0)).Shape
	axis, err := onnxgraph.NormAxis(n, len(shape))
	if err != nil {
		return n // Infer has refused it
	}
	statistics := onnxgraph.FloatType(reduced(shape, from(axis, len(shape))))
	out := []string{n.Out(0), n.Out(1), n.Out(2)}
	for i, suffix := range []string{"/mean", "/inv_std"} {
		if out[i+1] == "" {
			out[i+1] = t.b.Unique(n.Out(0) + suffix)
			t.declare(out[i+1], statistics)
		}
	}
	return &onnxgraph.Node{Name: n.GetName(), OpType: n.GetOpType(), Input: n.GetInput(), Output: out,
		Attribute: n.GetAttribute()}
}

// layerNormGradient is composed of element-wise operators and means, which run on all threads; ONNX Runtime's kernel
// for it runs on one, where it takes as long, and knows no parameters that are broadcast.
func layerNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	typ := t.typeOf(x)
	axis, err := onnxgraph.NormAxis(n, len(typ.Shape))
	if err != nil {
		return nil, err
	}
	centered := t.op("Sub", x+"/centered", typ, []string{x, n.Out(1)})
	normalised := t.op("Mul", x+"/normalised", typ, []string{centered, n.Out(2)})
	return t.normGradient(norm{x, normalised, n.Out(2), from(axis, len(typ.Shape)), true}, n.In(1), n.In(2), dy[0]), nil
}

// rmsNormGradient: as a layer norm's without the mean.
func rmsNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	typ := t.typeOf(x)
	axis, err := onnxgraph.NormAxis(n, len(typ.Shape))
	if err != nil {
		return nil, err
	}
	axes := from(axis, len(typ.Shape))
	inverse := t.inverseRoot(x, x, axes, n.Float("epsilon", 1e-5))
	normalised := t.op("Mul", x+"/normalised", typ, []string{x, inverse})
	return t.normGradient(norm{x, normalised, inverse, axes, false}, n.In(1), "", dy[0]), nil
}

// instanceNormGradient: the norm of each channel over its pixels.
func instanceNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.groupedNormGradient(n, dy[0], t.typeOf(n.In(1)).Shape[0].Size), nil
}

// groupNormGradient: the norm of each group of channels over these and their pixels.
func groupNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.groupedNormGradient(n, dy[0], n.Int("num_groups", 1)), nil
}

// norm is a normalised value and what its gradient needs.
type norm struct {
	of, value string
	inverse   string // 1/√(variance + epsilon)
	axes      []int  // over which dimensions
	centered  bool   // the mean was taken off
}

// normalise adds (x − mean)/√(variance + epsilon) over some dimensions.
func (t *training) normalise(x string, axes []int, epsilon float32) norm {
	typ := t.typeOf(x)
	c := t.op("Sub", x+"/centered", typ, []string{x, t.mean(x+"/mean", x, axes)})
	inverse := t.inverseRoot(x, c, axes, epsilon)
	return norm{x, t.op("Mul", x+"/normalised", typ, []string{c, inverse}), inverse, axes, true}
}

// inverseRoot adds 1/√(mean of squares + epsilon).
func (t *training) inverseRoot(name, of string, axes []int, epsilon float32) string {
	squares := t.op("Mul", name+"/squares", t.typeOf(of), []string{of, of})
	mean := t.mean(name+"/mean_square", squares, axes)
	sum := t.op("Add", name+"/variance", t.typeOf(mean), []string{mean, t.floats(nil, []float32{epsilon})})
	root := t.op("Sqrt", name+"/std", t.typeOf(mean), []string{sum})
	return t.op("Reciprocal", name+"/inv_std", t.typeOf(mean), []string{root})
}

// mean adds the mean over some dimensions, which are kept with size 1.
func (t *training) mean(name, of string, axes []int) string {
	numbers := make([]int64, len(axes))
	for i, a := range axes {
		numbers[i] = int64(a)
	}
	typ := onnxgraph.FloatType(reduced(t.typeOf(of).Shape, axes))
	keep := onnxgraph.IntAttr("keepdims", 1)
	if t.model.Opset("") < 18 {
		return t.op("ReduceMean", name, typ, []string{of}, onnxgraph.IntsAttr("axes", numbers...), keep)
	}
	return t.op("ReduceMean", name, typ, []string{of, t.ints(numbers...)}, keep)
}

// normGradient adds the gradients of input, scale and bias of y = scale·v + bias, v the normalised value, with g =
// scale·dy:
//
//	dx = (g − mean(g) − v·mean(g·v)) / √(variance + epsilon)
//	dscale = dy·v, dbias = dy, each summed over what it was broadcast along
//
// where the norm isn't centered, mean(g) is left out.
func (t *training) normGradient(v norm, scale, bias, dy string) []string {
	typ := t.typeOf(dy)
	dx := make([]string, 3)
	if t.wanted[v.of] {
		g := t.op("Mul", v.of+"/scaled"+graph.Gradient, typ, []string{dy, scale})
		dx[0] = t.normInputGradient(v, g)
	}
	if t.wanted[scale] {
		dx[1] = t.reduceTo(scale, t.op("Mul", scale+"/full"+graph.Gradient, typ, []string{dy, v.value}))
	}
	if bias != "" && t.wanted[bias] {
		dx[2] = t.reduceTo(bias, dy)
	}
	return dx
}

// normInputGradient adds the gradient of a normalised value's input from its own.
func (t *training) normInputGradient(v norm, g string) string {
	typ := t.typeOf(g)
	product := t.op("Mul", v.of+"/product"+graph.Gradient, typ, []string{g, v.value})
	part := t.op("Mul", v.of+"/part"+graph.Gradient, typ, []string{v.value,
		t.mean(v.of+"/product_mean"+graph.Gradient, product, v.axes)})
	rest := t.op("Sub", v.of+"/rest"+graph.Gradient, typ, []string{g, part})
	if v.centered {
		rest = t.op("Sub", v.of+"/rest"+graph.Gradient, typ, []string{rest,
			t.mean(v.of+"/mean"+graph.Gradient, g, v.axes)})
	}
	return t.op("Mul", v.of+graph.Gradient, typ, []string{rest, v.inverse})
}

// groupedNormGradient adds the gradients of a node that normalises each of a number of groups of channels, and whose
// scale and bias are one a channel or one a group. All is done in the shape [batch, groups or parameters, everything
// else].
func (t *training) groupedNormGradient(n *onnxgraph.Node, dy string, groups int64) []string {
	x, scale, bias := n.In(0), n.In(1), n.In(2)
	count := t.typeOf(scale).Shape[0].Size
	v := t.normalise(t.rows(x+"/groups", x, groups), []int{2}, n.Float("epsilon", 1e-5))
	dy = t.rows(n.Out(0)+"/rows"+graph.Gradient, dy, count)
	dx := make([]string, 3)
	sum := func(of, full string) string {
		return t.op("ReduceSum", of+graph.Gradient, t.typeOf(of), []string{full, t.ints(0, 2)},
			onnxgraph.IntAttr("keepdims", 0))
	}
	if t.wanted[x] {
		column := t.op("Reshape", scale+"/column", onnxgraph.FloatType(onnxgraph.Static(count, 1)),
			[]string{scale, t.ints(count, 1)})
		g := t.op("Mul", x+"/scaled"+graph.Gradient, t.typeOf(dy), []string{dy, column})
		g = t.rows(x+"/groups"+graph.Gradient, g, groups)
		dx[0] = t.reshapeAs(x, t.normInputGradient(v, g))
	}
	if t.wanted[scale] {
		values := t.rows(v.value+"/rows", v.value, count)
		dx[1] = sum(scale, t.op("Mul", scale+"/full"+graph.Gradient, t.typeOf(dy), []string{dy, values}))
	}
	if t.wanted[bias] {
		dx[2] = sum(bias, dy)
	}
	return dx
}

// rows reshapes a value to [batch, count, everything else], unless it is that.
func (t *training) rows(name, of string, count int64) string {
	shape := t.typeOf(of).Shape
	rest := onnxgraph.Unknown
	if n, ok := shape[1:].Elements(); ok {
		rest.Size = n / count
	}
	target := onnxgraph.Shape{shape[0], {Size: count}, rest}
	if slices.Equal(shape, target) {
		return of
	}
	return t.op("Reshape", name, onnxgraph.FloatType(target), []string{of, t.ints(0, count, -1)})
}

// reduced is a shape with size 1 in some dimensions.
func reduced(s onnxgraph.Shape, axes []int) onnxgraph.Shape {
	s = slices.Clone(s)
	for _, a := range axes {
		s[a] = onnxgraph.Dim{Size: 1}
	}
	return s
}

// from lists the dimensions from one on.
func from(axis, rank int) []int {
	var axes []int
	for a := axis; a < rank; a++ {
		axes = append(axes, a)
	}
	return axes
}
