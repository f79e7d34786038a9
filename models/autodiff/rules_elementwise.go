package autodiff

import (
	"math"

	"ordo/models/onnxgraph"
)

func identityGradient(_ *training, _ *onnxgraph.Node, dy []string) ([]string, error) { return dy, nil }

// reluGradient: dy where y > 0, else 0.
func reluGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.microsoftOp("ReluGrad", []string{dy[0], n.Out(0)}, []value{t.gradientOf(n.In(0))}), nil
}

// kernelOfY is the gradient of an operator for which ONNX Runtime has a kernel that takes dy and y; it's given the
// axis, where the operator has one.
func kernelOfY(kernel string) func(*training, *onnxgraph.Node, []string) ([]string, error) {
	return func(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
		var attributes []*onnxgraph.Attribute
		if n.GetOpType() == "Softmax" || n.GetOpType() == "LogSoftmax" {
			attributes = append(attributes, onnxgraph.IntAttr("axis", n.Int("axis", -1)))
		}
		return t.microsoftOp(kernel, []string{dy[0], n.Out(0)}, []value{t.gradientOf(n.In(0))}, attributes...), nil
	}
}

// geluGradient: ONNX Runtime has a kernel for each of both forms.
func geluGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	kernel := "GeluGrad"
	if n.Str("approximate", "none") == "tanh" {
		kernel = "FastGeluGrad"
	}
	return t.microsoftOp(kernel, []string{dy[0], n.In(0)}, []value{t.gradientOf(n.In(0))}), nil
}

// unaryGradient is the gradient of an operator on each element x, from x, y and dy.
func unaryGradient(slope func(e elements, n *onnxgraph.Node, x, y, dy string) string) func(*training, *onnxgraph.Node,
	[]string) ([]string, error) {
	return func(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
		x := n.In(0)
		return []string{slope(t.elementsOf(x, x), n, x, n.Out(0), dy[0])}, nil
	}
}

func negSlope(e elements, _ *onnxgraph.Node, _, _, dy string) string { return e.op("Neg", dy) }

func expSlope(e elements, _ *onnxgraph.Node, _, y, dy string) string { return e.op("Mul", dy, y) }

func logSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string { return e.op("Div", dy, x) }

// sqrtSlope: dy/(2y)
func sqrtSlope(e elements, _ *onnxgraph.Node, _, y, dy string) string {
	return e.scale(e.op("Div", dy, y), 0.5)
}

// reciprocalSlope: −dy·y²
func reciprocalSlope(e elements, _ *onnxgraph.Node, _, y, dy string) string {
	return e.op("Neg", e.op("Mul", dy, e.op("Mul", y, y)))
}

// absSlope: dy·sign(x), 0 at 0
func absSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	return e.op("Mul", dy, e.op("Sign", x))
}

// erfSlope: dy·2/√π·exp(−x²)
func erfSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	return e.op("Mul", dy, e.scale(e.op("Exp", e.op("Neg", e.op("Mul", x, x))), 2/math.Sqrt(math.Pi)))
}

func sinSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	return e.op("Mul", dy, e.op("Cos", x))
}

func cosSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	return e.op("Neg", e.op("Mul", dy, e.op("Sin", x)))
}

// tanSlope: dy·(1 + y²)
func tanSlope(e elements, _ *onnxgraph.Node, _, y, dy string) string {
	return e.op("Mul", dy, e.op("Add", e.op("Mul", y, y), e.number(1)))
}

// atanSlope: dy/(1 + x²)
func atanSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	return e.op("Div", dy, e.op("Add", e.op("Mul", x, x), e.number(1)))
}

// softplusSlope: y = ln(1 + eˣ), dx = dy·σ(x)
func softplusSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	return e.op("Mul", dy, e.op("Sigmoid", x))
}

// softsignSlope: y = x/(1 + |x|), dx = dy/(1 + |x|)²
func softsignSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	d := e.op("Add", e.op("Abs", x), e.number(1))
	return e.op("Div", dy, e.op("Mul", d, d))
}

// leakyReluSlope: dy where x > 0, alpha·dy elsewhere
func leakyReluSlope(e elements, n *onnxgraph.Node, x, _, dy string) string {
	return e.positive(x, dy, e.scale(dy, float64(n.Float("alpha", 0.01))))
}

// positive is a's elements where x > 0, b's elsewhere.
func (e elements) positive(x, a, b string) string {
	return e.where(e.compare("Greater", x, e.number(0)), a, b)
}

// eluSlope: y = alpha·(eˣ − 1) for x ≤ 0, so dx = dy·(y + alpha)
func eluSlope(e elements, n *onnxgraph.Node, x, y, dy string) string {
	alpha := float64(n.Float("alpha", 1))
	return e.positive(x, dy, e.op("Mul", dy, e.op("Add", y, e.number(alpha))))
}

// seluSlope: y = gamma·x for x > 0, gamma·alpha·(eˣ − 1) elsewhere
func seluSlope(e elements, n *onnxgraph.Node, x, y, dy string) string {
	alpha, gamma := float64(n.Float("alpha", 1.67326319217681884765625)),
		float64(n.Float("gamma", 1.05070102214813232421875))
	return e.positive(x, e.scale(dy, gamma), e.op("Mul", dy, e.op("Add", y, e.number(alpha*gamma))))
}

// celuSlope: y = alpha·(exp(x/alpha) − 1) for x ≤ 0, so dx = dy·(y/alpha + 1)
func celuSlope(e elements, n *onnxgraph.Node, x, y, dy string) string {
	alpha := float64(n.Float("alpha", 1))
	return e.positive(x, dy, e.op("Mul", dy, e.op("Add", e.scale(y, 1/alpha), e.number(1))))
}

// clipSlope: dy where x is within the bounds or on them, as torch.clamp, 0 where it was cut.
func clipSlope(e elements, _ *onnxgraph.Node, x, y, dy string) string {
	return e.where(e.compare("Equal", x, y), dy, e.number(0))
}

// hardSigmoidSlope: y = alpha·x + beta, cut to [0, 1]; alpha·dy inside.
func hardSigmoidSlope(e elements, n *onnxgraph.Node, _, y, dy string) string {
	inside := e.compare("And", e.compare("Greater", y, e.number(0)), e.compare("Less", y, e.number(1)))
	return e.where(inside, e.scale(dy, float64(n.Float("alpha", 0.2))), e.number(0))
}

// hardSwishSlope: y = x·h with h = x/6 + 1/2, cut to [0, 1]; dx = dy·(x/3 + 1/2) where |x| < 3, else dy·h
func hardSwishSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	ramp := e.op("Add", e.scale(x, 1.0/3), e.number(0.5))
	outside := e.ones(e.compare("Greater", x, e.number(0)))
	inside := e.compare("Less", e.op("Abs", x), e.number(3))
	return e.op("Mul", dy, e.where(inside, ramp, outside))
}

// mishSlope: y = x·t with t = tanh(ln(1 + eˣ)); dx = dy·(t + x·σ(x)·(1 − t²))
func mishSlope(e elements, _ *onnxgraph.Node, x, _, dy string) string {
	t := e.op("Tanh", e.op("Softplus", x))
	rest := e.op("Sub", e.number(1), e.op("Mul", t, t))
	return e.op("Mul", dy, e.op("Add", t, e.op("Mul", e.op("Mul", x, e.op("Sigmoid", x)), rest)))
}

// lowerCastLike names the type that the node has from its second input, which gets no gradient.
func lowerCastLike(f *network, n *onnxgraph.Node) error {
	f.result(n, "Cast", n.GetInput()[:1], onnxgraph.IntAttr("to", int64(f.types.Of[n.In(1)].Elem)))
	return nil
}

// castGradient: between float types the gradient is passed on. Integers have none, see findTrainable.
func castGradient(_ *training, _ *onnxgraph.Node, dy []string) ([]string, error) { return dy, nil }
