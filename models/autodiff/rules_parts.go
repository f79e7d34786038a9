package autodiff

import (
	"fmt"
	"math"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// concatGradient: dy taken apart again.
func concatGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	y := t.typeOf(n.Out(0)).Shape
	axis := n.Int("axis", 0)
	at := int(axis)
	if axis < 0 {
		at += len(y)
	}
	outputs := make([]string, len(n.GetInput()))
	sizes := make([]int64, len(outputs))
	for i, in := range n.GetInput() {
		d := t.typeOf(in).Shape[at]
		if !d.Static() {
			return nil, fmt.Errorf("input %d has the shape %v: its size along dimension %d must be fixed", i,
				t.typeOf(in).Shape, at)
		}
		sizes[i] = d.Size
		outputs[i] = t.b.Unique(in + graph.Gradient)
		t.declare(outputs[i], t.typeOf(in))
	}
	t.b.Append(&onnxgraph.Node{
		Name: "Split/" + outputs[0], OpType: "Split", Input: []string{dy[0], t.ints(sizes...)}, Output: outputs,
		Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("axis", axis)},
	})
	return outputs, nil
}

// splitGradient: the parts' gradients joined; a part that isn't used gives zeros.
func splitGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	parts := slices.Clone(dy)
	for i, part := range parts {
		if part == "" {
			parts[i] = t.op("ConstantOfShape", n.Out(i)+"/zeros", t.typeOf(n.Out(i)), []string{t.shapeOf(n.Out(i))})
		}
	}
	x := n.In(0)
	return []string{t.op("Concat", x+graph.Gradient, t.typeOf(x), parts, onnxgraph.IntAttr("axis", n.Int("axis", 0)))},
		nil
}

// sliceGradient: dy at the places that were taken, zeros elsewhere. The kernel refuses very large numbers and negative
// steps, so it gets the same places counted forwards, and dy turned around.
func sliceGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, gradient := n.In(0), dy[0]
	shape := t.typeOf(x).Shape
	parts, err := t.types.SliceParts(n, shape)
	if err != nil {
		return nil, err
	}
	var starts, ends, axes, steps, turned []int64
	for _, p := range parts {
		if !shape[p.Axis].Static() {
			continue // it's whole
		}
		if p.Step < 0 {
			turned = append(turned, int64(p.Axis))
			p.First, p.Step = p.First+(p.Count-1)*p.Step, -p.Step
		}
		starts, ends = append(starts, p.First), append(ends, p.First+(p.Count-1)*p.Step+1)
		axes, steps = append(axes, int64(p.Axis)), append(steps, p.Step)
	}
	if len(axes) == 0 {
		return []string{gradient}, nil
	}
	if len(turned) > 0 {
		all := func(v int64) string { return t.ints(slices.Repeat([]int64{v}, len(turned))...) }
		inputs := []string{gradient, all(-1), all(math.MinInt32), t.ints(turned...), all(-1)}
		gradient = t.op("Slice", n.Out(0)+"/turned"+graph.Gradient, t.typeOf(n.Out(0)), inputs)
	}
	inputs := []string{gradient, t.shapeOf(x), t.ints(starts...), t.ints(ends...), t.ints(axes...), t.ints(steps...)}
	return t.microsoftOp("SliceGrad", inputs, []value{t.gradientOf(x)}), nil
}

// numbersOf returns known elements as numbers, false where one is a free size.
func numbersOf(values []onnxgraph.Dim) ([]int64, bool) {
	numbers := make([]int64, len(values))
	for i, d := range values {
		if numbers[i] = d.Size; d.Param != "" {
			return nil, false
		}
	}
	return numbers, true
}

// gatherGradient: each row of x gets the sum over the places where it was put. The kernel knows no negative indices.
func gatherGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	axis := int(n.Int("axis", 0))
	if axis < 0 {
		axis += len(t.typeOf(x).Shape)
	}
	indices, err := t.positive(n.In(1), x, int64(axis))
	if err != nil {
		return nil, err
	}
	return t.microsoftOp("GatherGrad", []string{t.shapeOf(x), indices, dy[0]}, []value{t.gradientOf(x)},
		onnxgraph.IntAttr("axis", int64(axis))), nil
}

// gatherElementsGradient is gatherGradient for one index an element.
func gatherElementsGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	axis := int(n.Int("axis", 0))
	if axis < 0 {
		axis += len(t.typeOf(x).Shape)
	}
	indices, err := t.positive(n.In(1), x, int64(axis))
	if err != nil {
		return nil, err
	}
	return t.microsoftOp("GatherElementsGrad", []string{dy[0], t.shapeOf(x), indices}, []value{t.gradientOf(x)},
		onnxgraph.IntAttr("axis", int64(axis))), nil
}

// gatherNDGradient is gatherGradient for indices of several dimensions at once.
func gatherNDGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	at := t.typeOf(n.In(1)).Shape
	batch := n.Int("batch_dims", 0)
	var axes []int64
	for i := range at[len(at)-1].Size {
		axes = append(axes, batch+i)
	}
	indices, err := t.positive(n.In(1), x, axes...)
	if err != nil {
		return nil, err
	}
	return t.microsoftOp("GatherNDGrad", []string{t.shapeOf(x), indices, dy[0]}, []value{t.gradientOf(x)},
		onnxgraph.IntAttr("batch_dims", batch)), nil
}

// positive adds, to the indices into a dimension of x that count from its end, its size. Of several dimensions each has
// an index along the last dimension of the indices.
func (t *training) positive(indices, x string, axes ...int64) (string, error) {
	if stored := t.constants[indices]; stored != nil {
		values, err := stored.Integers()
		if err != nil {
			return "", err
		}
		if !slices.ContainsFunc(values, func(v int64) bool { return v < 0 }) {
			return indices, nil
		}
	}
	typ := t.typeOf(indices)
	sizes := onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: onnxgraph.Static(int64(len(axes)))}
	shape := t.shapeOf(x)
	size := t.op("Gather", shape+"/axes", sizes, []string{shape, t.ints(axes...)})
	if sizes.Elem = typ.Elem; sizes.Elem != onnxgraph.Int64 {
		size = t.op("Cast", size, sizes, []string{size}, onnxgraph.IntAttr("to", int64(sizes.Elem)))
	}
	if len(typ.Shape) == 0 {
		size = t.op("Squeeze", size, onnxgraph.TensorType{Elem: typ.Elem}, []string{size, t.ints(0)})
	}
	zero := t.keep(fmt.Sprint("zero", typ.Elem), func(name string) *onnxgraph.Tensor {
		return onnxgraph.NewIntegers(name, typ.Elem, nil, []int64{0})
	})
	negative := t.op("Less", indices+"/negative", onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: typ.Shape},
		[]string{indices, zero})
	moved := t.op("Add", indices+"/moved", typ, []string{indices, size})
	return t.op("Where", indices+"/positive", typ, []string{negative, moved, indices}), nil
}

// expandGradient: the sum over the copies.
func expandGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return []string{t.reduceTo(n.In(0), dy[0])}, nil
}

// tileGradient: the sum over the copies, for which each repeated dimension is split in two, copies and size.
func tileGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	in, out := t.typeOf(x).Shape, t.typeOf(n.Out(0)).Shape
	var apart onnxgraph.Shape
	var axes []int64
	for i, d := range in {
		switch {
		case d == out[i]:
			apart = append(apart, d)
		case d == onnxgraph.Dim{Size: 1}:
			axes = append(axes, int64(len(apart)))
			apart = append(apart, out[i])
		case d.Static() && out[i].Static() && d.Size > 0:
			axes = append(axes, int64(len(apart)))
			apart = append(apart, onnxgraph.Dim{Size: out[i].Size / d.Size}, d)
		default:
			return nil, fmt.Errorf("%v repeated to %v: the repeated sizes must be fixed", in, out)
		}
	}
	if len(axes) == 0 {
		return dy, nil
	}
	target, ok := reshapeTarget(apart)
	if !ok {
		return nil, fmt.Errorf("more than one free size in %v", apart)
	}
	copies := t.op("Reshape", x+"/copies"+graph.Gradient, onnxgraph.FloatType(apart),
		[]string{dy[0], t.ints(target...)})
	summed := slices.Clone(apart)
	for _, a := range axes {
		summed[a] = onnxgraph.Dim{Size: 1}
	}
	sum := t.op("ReduceSum", x+"/sum"+graph.Gradient, onnxgraph.FloatType(summed), []string{copies, t.ints(axes...)},
		onnxgraph.IntAttr("keepdims", 1))
	return []string{t.reshapeAs(x, sum)}, nil
}

// triluGradient: dy cut by the same triangle.
func triluGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	inputs := append([]string{dy[0]}, n.GetInput()[1:]...)
	return []string{t.op("Trilu", x+graph.Gradient, t.typeOf(x), inputs,
		onnxgraph.IntAttr("upper", n.Int("upper", 1)))}, nil
}

// trainDropout puts the node into training mode, whatever its mode is, and adds the output that says what was kept.
func trainDropout(t *training, n *onnxgraph.Node) *onnxgraph.Node {
	mask := n.Out(1)
	if mask == "" {
		mask = t.b.Unique(n.Out(0) + "/kept")
		t.declare(mask, onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: t.typeOf(n.Out(0)).Shape})
	}
	ratio := n.In(1)
	if ratio == "" {
		ratio = t.floats(nil, []float32{defaultDropout})
	}
	train := t.keep("true", func(name string) *onnxgraph.Tensor {
		return onnxgraph.NewIntegers(name, onnxgraph.Bool, nil, []int64{1})
	})
	dropout := &onnxgraph.Node{
		Name: n.GetName(), OpType: "Dropout", Input: []string{n.In(0), ratio, train}, Output: []string{n.Out(0), mask},
	}
	if t.dropoutSeed != 0 {
		t.dropouts++
		dropout.Attribute = []*onnxgraph.Attribute{onnxgraph.IntAttr("seed", t.dropoutSeed+t.dropouts)}
	}
	return dropout
}

// defaultDropout is the share of elements that a Dropout which doesn't say it sets to 0.
const defaultDropout = 0.5

// evaluateDropout leaves the node out.
func evaluateDropout(n *onnxgraph.Node) *onnxgraph.Node {
	return &onnxgraph.Node{Name: n.GetName(), OpType: "Identity", Input: n.GetInput()[:1], Output: n.GetOutput()[:1]}
}

func dropoutGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.microsoftOp("DropoutGrad", []string{dy[0], n.Out(1), n.In(1), n.In(2)}, []value{t.gradientOf(n.In(0))}),
		nil
}
