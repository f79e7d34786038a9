package autodiff_test

import (
	"slices"

	"ordo/models/onnxgraph"
)

// numbers stores a float tensor that is a constant, not a parameter: a Constant node.
func (g *opGraph) numbers(name string, dims []int64, values ...float32) string {
	return g.Op("Constant", name, nil, onnxgraph.TensorAttr("value", onnxgraph.NewFloats("", dims, values)))
}

// positive makes every element of a value positive.
func (g *opGraph) positive(x string) string { return g.Op("Exp", "positive", []string{x}) }

// of is an operator on a function of the images.
func of(prepare func(*opGraph, string) string, op string, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string { return g.Op(op, "y", []string{prepare(g, x)}, a...) }
}

// withParameter is an operator of the images and a parameter of the given shape, which is put before or behind them.
func withParameter(op string, before bool, dims ...int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		inputs := []string{x, g.positive(g.parameter("p", dims...))}
		if before {
			slices.Reverse(inputs)
		}
		return g.Op(op, "y", inputs)
	}
}

// several is an operator of any number of operands, broadcast to each other.
func several(op string) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		return g.Op(op, "y", []string{x, g.parameter("p", 4, 1, 1), g.Op("Tanh", "n", []string{x}),
			g.parameter("q", size)})
	}
}

func elementCases() []opCase {
	float, str, integer := onnxgraph.FloatAttr, onnxgraph.StringAttr, onnxgraph.IntAttr
	positive := (*opGraph).positive
	power := func(exponent ...string) func(*opGraph, string) string {
		return func(g *opGraph, x string) string {
			return g.Op("Pow", "y", append([]string{g.positive(x)}, exponent...))
		}
	}
	constantPower := func(e float32) func(*opGraph, string) string {
		return func(g *opGraph, x string) string { return power(g.numbers("e", nil, e))(g, x) }
	}
	cases := []opCase{
		{name: "abs", build: unary("Abs")},
		{name: "atan", build: unary("Atan")},
		{name: "celu", build: unary("Celu", float("alpha", 0.7))},
		{name: "cos", build: unary("Cos")},
		{name: "elu", build: unary("Elu", float("alpha", 0.7))},
		{name: "erf", build: unary("Erf")},
		{name: "exp", build: unary("Exp")},
		{name: "gelu", opset: 20, build: unary("Gelu")},
		{name: "gelu, tanh", opset: 20, build: unary("Gelu", str("approximate", "tanh"))},
		{name: "hard sigmoid", build: unary("HardSigmoid", float("alpha", 0.4), float("beta", 0.6))},
		{name: "hard swish", build: func(g *opGraph, x string) string {
			return g.Op("HardSwish", "y", []string{g.Op("Mul", "more", []string{x, g.numbers("factor", nil, 1.5)})})
		}},
		{name: "leaky relu", build: unary("LeakyRelu", float("alpha", 0.3))},
		{name: "leaky relu, falling", build: unary("LeakyRelu", float("alpha", -0.3))},
		{name: "log", build: of(positive, "Log")},
		{name: "log softmax", build: unary("LogSoftmax", integer("axis", 1))},
		{name: "mish", opset: 18, build: unary("Mish")},
		{name: "neg", build: unary("Neg")},
		{name: "reciprocal", build: of(positive, "Reciprocal")},
		{name: "selu", build: unary("Selu")},
		{name: "sigmoid", build: unary("Sigmoid")},
		{name: "sin", build: unary("Sin")},
		{name: "softmax", build: unary("Softmax")},
		{name: "softmax over channels", build: unary("Softmax", integer("axis", -3))},
		{name: "softplus", build: unary("Softplus")},
		{name: "softsign", build: unary("Softsign")},
		{name: "sqrt", build: of(positive, "Sqrt")},
		{name: "tan", build: func(g *opGraph, x string) string {
			return g.Op("Tan", "y", []string{g.Op("Tanh", "small", []string{x})})
		}},
		{name: "tanh", build: unary("Tanh")},

		{name: "clip", build: func(g *opGraph, x string) string {
			return g.Op("Clip", "y", []string{x, g.numbers("low", nil, -0.2), g.numbers("high", nil, 0.6)})
		}},
		{name: "clip, bounds stored among the weights", build: func(g *opGraph, x string) string {
			return g.Op("Clip", "y", []string{x, "", g.parameter("high")})
		}},

		{name: "subtract from channels", build: withParameter("Sub", true, 4, 1, 1)},
		{name: "subtract a row", build: withParameter("Sub", false, size)},
		{name: "multiply", build: withParameter("Mul", false, 1, size, size)},
		{name: "multiply by one", build: withParameter("Mul", true)},
		{name: "square", build: func(g *opGraph, x string) string { return g.Op("Mul", "y", []string{x, x}) }},
		{name: "divide", build: withParameter("Div", false, 4, 1, size)},
		{name: "divide by the images", build: func(g *opGraph, x string) string {
			return g.Op("Div", "y", []string{g.parameter("p", 4, 1, 1), g.positive(x)})
		}},
		{name: "squared", build: func(g *opGraph, x string) string {
			return g.Op("Pow", "y",
				[]string{x, g.numbers("e", nil, 2)})
		}},
		{name: "cubed, by an integer", build: func(g *opGraph, x string) string {
			return g.Op("Pow", "y", []string{x, g.Op("Constant", "e", nil, integer("value_int", 3))})
		}},
		{name: "power of -1", build: constantPower(-1)},
		{name: "power of 1/2", build: constantPower(0.5)},
		{name: "power of 1.7", build: constantPower(1.7)},
		{name: "power of constants a channel", build: func(g *opGraph, x string) string {
			return power(g.numbers("e", []int64{4, 1, 1}, 1, -0.5, 2, 1.5))(g, x)
		}},
		{name: "power, trained exponent", build: func(g *opGraph, x string) string {
			return power(g.parameter("e", 4, 1,
				1))(g, x)
		}},
		{name: "prelu", opset: 16, build: func(g *opGraph, x string) string {
			return g.Op("PRelu", "y", []string{x, g.parameter("slope", 4, 1, 1)})
		}},
		{name: "where", build: func(g *opGraph, x string) string {
			p := g.parameter("p", 4, 1, 1)
			condition := g.Op("Less", "condition", []string{g.Op("Tanh", "t", []string{x}), g.parameter("limit", size)})
			return g.Op("Where", "y", []string{condition, x, g.Op("Add", "moved",
				[]string{p, g.parameter("limit2", size)})})
		}},
		{name: "greater of two", build: withParameter("Max", false, 4, 1, 1)},
		{name: "sum", build: several("Sum")},
		{name: "mean of several", build: several("Mean")},
		{name: "maximum", build: several("Max")},
		{name: "minimum", build: several("Min")},
		{name: "minimum of one", build: func(g *opGraph, x string) string { return g.Op("Min", "y", []string{x}) }},
		{name: "cast to the same type", build: unary("Cast", integer("to", 1))},
		{name: "cast like the images", build: func(g *opGraph, x string) string {
			return g.Op("CastLike", "y",
				[]string{x, "images"})
		}},
		{name: "gelu, spelled with erf", build: func(g *opGraph, x string) string {
			e := g.Op("Erf", "e", []string{g.Op("Div", "scaled", []string{x, g.numbers("root", nil, 1.4142135)})})
			e = g.Op("Mul", "product", []string{x, g.Op("Add", "one", []string{e, g.numbers("1", nil, 1)})})
			return g.Op("Mul", "y", []string{e, g.numbers("half", nil, 0.5)})
		}},
		{name: "gelu, spelled with tanh", build: func(g *opGraph, x string) string {
			cube := g.Op("Mul", "cube", []string{g.Op("Pow", "p", []string{x, g.numbers("3", nil, 3)}),
				g.numbers("c", nil, 0.044715)})
			inner := g.Op("Mul", "inner", []string{g.Op("Add", "s", []string{x, cube}), g.numbers("r", nil, 0.7978845)})
			outer := g.Op("Add", "outer", []string{g.Op("Tanh", "t", []string{inner}), g.numbers("1", nil, 1)})
			return g.Op("Mul", "y", []string{g.Op("Mul", "half", []string{x, g.numbers("h", nil, 0.5)}), outer})
		}},
	}
	// What stops the gradient is added to the images, so that there is some left.
	for _, op := range []string{"Ceil", "Floor", "Round", "Sign"} {
		cases = append(cases, opCase{name: op, build: func(g *opGraph, x string) string {
			step := g.Op(op, "step", []string{g.Op("Softplus", "before", []string{g.parameter("stopped", size)})})
			return g.Op("Mul", "y", []string{x, g.Op("Add", "more", []string{step, g.numbers("3", nil, 3)})})
		}})
	}
	cases = append(cases, opCase{name: "cast to integers and back", build: func(g *opGraph, x string) string {
		whole := g.Op("Cast", "whole", []string{g.parameter("stopped", 4, 1, 1)}, integer("to", 7))
		return g.Op("Add", "y", []string{x, g.Op("Cast", "back", []string{whole}, integer("to", 1))})
	}})
	return cases
}
