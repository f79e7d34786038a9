package autodiff

import (
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// elements adds element-wise nodes, all results of one shape.
type elements struct {
	t    *training
	name string // what the results are called
	typ  onnxgraph.TensorType
}

// elementsOf adds nodes on tensors of the shape of a value, for the gradient of another.
func (t *training) elementsOf(shape, gradientOf string) elements {
	return elements{t, gradientOf + "/part" + graph.Gradient, t.typeOf(shape)}
}

func (e elements) op(op string, inputs ...string) string { return e.t.op(op, e.name, e.typ, inputs) }

// scale multiplies by a number.
func (e elements) scale(x string, by float64) string { return e.op("Mul", x, e.number(by)) }

func (e elements) number(v float64) string { return e.t.floats(nil, []float32{float32(v)}) }

// where is a's elements where a condition holds, b's elsewhere.
func (e elements) where(condition, a, b string) string { return e.op("Where", condition, a, b) }

// compare gives truth values.
func (e elements) compare(op string, inputs ...string) string {
	return e.t.op(op, e.name+"/mask", onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: e.typ.Shape}, inputs)
}

// ones are 1 where a condition holds, else 0.
func (e elements) ones(condition string) string {
	return e.t.op("Cast", e.name, e.typ, []string{condition}, onnxgraph.IntAttr("to", int64(onnxgraph.Float32)))
}

// broadcastGradient is the gradient of an operator on operands that are broadcast: part gives that of operand i in the
// shape of the result, and what belongs to one element of the operand is summed.
func broadcastGradient(part func(e elements, n *onnxgraph.Node, i int, dy string) string) func(*training,
	*onnxgraph.Node, []string) ([]string, error) {
	return func(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
		dx := make([]string, len(n.GetInput()))
		for i, in := range n.GetInput() {
			if t.wanted[in] {
				dx[i] = t.reduceTo(in, part(t.elementsOf(n.Out(0), in), n, i, dy[0]))
			}
		}
		return dx, nil
	}
}

// addPart: y = a + b + …
func addPart(_ elements, _ *onnxgraph.Node, _ int, dy string) string { return dy }

// subtractPart: y = a − b
func subtractPart(e elements, _ *onnxgraph.Node, i int, dy string) string {
	if i == 0 {
		return dy
	}
	return e.op("Neg", dy)
}

// multiplyPart: da = dy·b
func multiplyPart(e elements, n *onnxgraph.Node, i int, dy string) string {
	return e.op("Mul", dy, n.In(1-i))
}

// dividePart: da = dy/b, db = −dy·y/b
func dividePart(e elements, n *onnxgraph.Node, i int, dy string) string {
	part := e.op("Div", dy, n.In(1))
	if i == 1 {
		part = e.op("Neg", e.op("Mul", part, n.Out(0)))
	}
	return part
}

// meanPart: y = (a + b + …)/n
func meanPart(e elements, n *onnxgraph.Node, _ int, dy string) string {
	return e.scale(dy, 1/float64(len(n.GetInput())))
}

// powerPart: with y = aᵇ, da = dy·b·aᵇ⁻¹ and db = dy·y·ln a, 0 where a ≤ 0: there the logarithm has no value, or y is
// 0.
func powerPart(e elements, n *onnxgraph.Node, i int, dy string) string {
	a, b, y := n.In(0), n.In(1), n.Out(0)
	if i == 1 {
		part := e.op("Mul", e.op("Mul", dy, y), e.op("Log", a))
		return e.where(e.compare("Greater", a, e.number(0)), part, e.number(0))
	}
	exponent, known := e.t.constant(b)
	switch {
	case known && exponent == 2:
		return e.scale(e.op("Mul", dy, a), 2)
	case known && exponent == 3:
		return e.scale(e.op("Mul", dy, e.op("Mul", a, a)), 3)
	case known && exponent == 0.5:
		return e.scale(e.op("Div", dy, y), 0.5)
	case known:
		return e.scale(e.op("Mul", dy, e.op("Pow", a, e.number(exponent-1))), exponent)
	}
	less := e.t.op("Sub", e.name, e.t.typeOf(b), []string{b, e.number(1)})
	return e.op("Mul", e.op("Mul", dy, b), e.op("Pow", a, less))
}

// constant returns a stored number: a tensor of one element that is no parameter.
func (t *training) constant(name string) (float64, bool) {
	stored := t.constants[name]
	if values, err := stored.Floats(); err == nil && len(values) == 1 {
		return float64(values[0]), true
	}
	if values, err := stored.Integers(); err == nil && len(values) == 1 {
		return float64(values[0]), true
	}
	return 0, false
}

// extremePart: the operands that are the minimum or maximum share its gradient evenly, as in torch.minimum and
// torch.maximum.
func extremePart(e elements, n *onnxgraph.Node, i int, dy string) string {
	if len(n.GetInput()) == 1 {
		return dy
	}
	var ones []string
	for _, in := range n.GetInput() {
		ones = append(ones, e.ones(e.compare("Equal", in, n.Out(0))))
	}
	return e.op("Div", e.op("Mul", dy, ones[i]), e.op("Sum", ones...))
}

// wherePart: each element's gradient goes to the operand that it was taken from.
func wherePart(e elements, n *onnxgraph.Node, i int, dy string) string {
	if i == 1 {
		return e.where(n.In(0), dy, e.number(0))
	}
	return e.where(n.In(0), e.number(0), dy)
}

// preluPart: with y = x where x > 0, slope·x elsewhere, dslope = dy·x there.
func preluPart(e elements, n *onnxgraph.Node, i int, dy string) string {
	positive := e.compare("Greater", n.In(0), e.number(0))
	if i == 0 {
		return e.where(positive, dy, e.op("Mul", dy, n.In(1)))
	}
	return e.where(positive, e.number(0), e.op("Mul", dy, n.In(0)))
}
