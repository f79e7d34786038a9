package autodiff_test

import (
	"maps"
	"slices"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// pointwise replaces an operator on elements or rows; false if the node is another.
func (e *expansion) pointwise(n *onnxgraph.Node) bool {
	typ := func(k int) onnxgraph.TensorType { return e.types[n.Out(k)] }
	like := []onnxgraph.TensorType{typ(0)}
	switch n.GetOpType() {
	case graph.Activation:
		e.give(e.activation(n, n.In(0), like), n.Out(0), false)
	case graph.ActivationGrad:
		e.give(e.activationGradient(n, n.In(0), n.In(1), like), n.Out(0), false)
	case graph.ChannelScale:
		e.give(e.op("", "Mul", []string{e.move(n.In(0), "nchw"), n.In(1)}, like)[0], n.Out(0), true)
	case graph.ChannelScaleGrad:
		images := []onnxgraph.TensorType{e.types[n.In(0)]}
		dy, x := e.move(n.In(0), "nchw"), e.move(n.In(1), "nchw")
		if n.Out(0) != "" {
			e.give(e.op("", "Mul", []string{dy, n.In(2)}, images)[0], n.Out(0), true)
		}
		if n.Out(1) != "" {
			product := e.op("", "Mul", []string{dy, x}, images)[0]
			e.give(e.op("", "ReduceSum", []string{product, e.ints(2, 3)}, []onnxgraph.TensorType{typ(1)})[0], n.Out(1),
				false)
		}
	case graph.LayerNorm:
		made := e.op("", "LayerNormalization", n.GetInput(), []onnxgraph.TensorType{typ(0), typ(1), typ(2)},
			n.GetAttribute()...)
		for k, value := range made {
			e.give(value, n.Out(k), false)
		}
	case graph.LayerNormGrad:
		e.layerNormGradient(n)
	case graph.SoftmaxGrad:
		e.give(e.op("com.microsoft", "SoftmaxGrad_13", n.GetInput(), like, onnxgraph.IntAttr("axis", -1))[0], n.Out(0),
			false)
	default:
		return false
	}
	return true
}

// layerNormGradient composes the gradient of elementary operators: ONNX Runtime's kernel is less exact than the
// comparison allows.
func (e *expansion) layerNormGradient(n *onnxgraph.Node) {
	dy, x, scale, mean, inverse := n.In(0), n.In(1), n.In(2), n.In(3), n.In(4)
	full, row, parameter := []onnxgraph.TensorType{e.types[x]}, []onnxgraph.TensorType{e.types[mean]},
		[]onnxgraph.TensorType{e.types[scale]}
	op := func(op string, a, b string) string { return e.op("", op, []string{a, b}, full)[0] }
	var outer, axes []int64
	for k := range full[0].Shape {
		if axis := n.Int("axis", -1); int64(k) < axis {
			outer = append(outer, int64(k))
		} else {
			axes = append(axes, int64(k))
		}
	}
	average := func(v string) string {
		if e.opset < 18 {
			return e.op("", "ReduceMean", []string{v}, row, onnxgraph.IntsAttr("axes", axes...))[0]
		}
		return e.op("", "ReduceMean", []string{v, e.ints(axes...)}, row)[0]
	}
	normalised := op("Mul", op("Sub", x, mean), inverse)
	g := op("Mul", dy, scale)
	centered := op("Sub", op("Sub", g, average(g)), op("Mul", normalised, average(op("Mul", g, normalised))))
	for k, value := range []string{op("Mul", centered, inverse), op("Mul", dy, normalised), dy} {
		if n.Out(k) == "" {
			continue
		}
		if k > 0 {
			value = e.op("", "ReduceSum", []string{value, e.ints(outer...)}, parameter,
				onnxgraph.IntAttr("keepdims", 0))[0]
		}
		e.give(value, n.Out(k), false)
	}
}

func (e *expansion) activation(n *onnxgraph.Node, x string, like []onnxgraph.TensorType) string {
	op := func(domain, op string, inputs ...string) string { return e.op(domain, op, inputs, like)[0] }
	switch n.Str("kind", "") {
	case "hard_sigmoid":
		return e.op("", "HardSigmoid", []string{x}, like, without(n, "kind")...)[0]
	case "hard_swish":
		return op("", "HardSwish", x)
	case "sigmoid":
		return op("", "Sigmoid", x)
	case "silu":
		return op("", "Mul", x, op("", "Sigmoid", x))
	case "gelu":
		return op("com.microsoft", "Gelu", x)
	case "gelu_tanh":
		return op("com.microsoft", "FastGelu", x)
	}
	e.t.Errorf("node %s: no such activation", n.GetName())
	return x
}

func (e *expansion) activationGradient(n *onnxgraph.Node, dy, x string, like []onnxgraph.TensorType) string {
	op := func(op string, inputs ...string) string { return e.op("", op, inputs, like)[0] }
	number := func(v float32) string {
		return e.b.Initializer(onnxgraph.NewFloats(e.b.Unique("expansion/number"), nil, []float32{v}))
	}
	// ones are 1 where a < b
	ones := func(a, b string) string {
		less := e.op("", "Less", []string{a, b}, []onnxgraph.TensorType{{Elem: onnxgraph.Bool, Shape: like[0].Shape}})
		return e.op("", "Cast", less, like, onnxgraph.IntAttr("to", int64(onnxgraph.Float32)))[0]
	}
	switch n.Str("kind", "") {
	case "hard_sigmoid":
		y := e.activation(n, x, like)
		inside := op("Mul", ones(number(0), y), ones(y, number(1)))
		return op("Mul", op("Mul", dy, inside), number(n.Float("alpha", 0)))
	case "hard_swish": // the slope is 1/2 + x/3 for |x| < 3
		inside := op("Mul", ones(number(-3), x), ones(x, number(3)))
		line := op("Mul", inside, op("Add", op("Mul", x, number(1.0/3)), number(0.5)))
		return op("Mul", dy, op("Sum", line, op("Sub", number(1), ones(x, number(3)))))
	case "sigmoid":
		return e.op("com.microsoft", "SigmoidGrad", []string{dy, op("Sigmoid", x)}, like)[0]
	case "silu":
		return e.op("com.microsoft", "QuickGeluGrad", []string{dy, x}, like, onnxgraph.FloatAttr("alpha", 1))[0]
	case "gelu":
		return e.op("com.microsoft", "GeluGrad", []string{dy, x}, like)[0]
	case "gelu_tanh":
		return e.op("com.microsoft", "FastGeluGrad", []string{dy, x}, like)[0]
	}
	e.t.Errorf("node %s: no such activation", n.GetName())
	return dy
}

// ownOperators counts the operators of a training graph, those of domain ordo alone.
func ownOperators(a *autodiff.Graphs) map[string]int {
	n := map[string]int{}
	for _, node := range a.Training.GetGraph().GetNode() {
		if node.GetDomain() == graph.Domain {
			n[node.GetOpType()]++
		}
	}
	return n
}

// TestPointwiseKernels: what exporters write becomes the operators of domain ordo, and is the same.
func TestPointwiseKernels(t *testing.T) {
	for _, c := range []struct {
		name string
		want map[string]int
		add  func(b *opGraph, x string) string
	}{
		{"silu", map[string]int{"Activation": 1}, func(b *opGraph, x string) string {
			return b.Op("Mul", "a", []string{b.Op("Sigmoid", "s", []string{x}), x})
		}},
		{"sigmoid used twice", map[string]int{"Activation": 1}, func(b *opGraph, x string) string {
			s := b.Op("Sigmoid", "s", []string{x})
			return b.Op("Add", "b", []string{b.Op("Mul", "a", []string{x, s}), s})
		}},
		{"hard swish", map[string]int{"Activation": 1}, func(b *opGraph, x string) string {
			gate := b.Op("HardSigmoid", "s", []string{x}, onnxgraph.FloatAttr("alpha", 1.0/6))
			return b.Op("Mul", "a", []string{x, gate})
		}},
		{"product with a hard sigmoid", map[string]int{"Activation": 1}, func(b *opGraph, x string) string {
			return b.Op("Mul", "a", []string{x, b.Op("HardSigmoid", "s", []string{x})})
		}},
		{"gelu", map[string]int{"Activation": 1}, func(b *opGraph, x string) string {
			erf := b.Op("Erf", "e", []string{b.Op("Div", "d", []string{x, b.numbers("n1.4142135", nil, 1.4142135)})})
			product := b.Op("Mul", "p", []string{x, b.Op("Add", "s", []string{b.numbers("n1", nil, 1), erf})})
			return b.Op("Mul", "a", []string{product, b.numbers("n0.5", nil, 0.5)})
		}},
		{"gelu, halved first", map[string]int{"Activation": 1}, func(b *opGraph, x string) string {
			erf := b.Op("Erf", "e", []string{b.Op("Mul", "d", []string{x, b.numbers("n0.70710678", nil, 0.70710678)})})
			half := b.Op("Mul", "p", []string{b.numbers("n0.5", nil, 0.5), x})
			return b.Op("Mul", "a", []string{b.Op("Add", "s", []string{erf, b.numbers("n1", nil, 1)}), half})
		}},
		{"gelu of something else", map[string]int{}, func(b *opGraph, x string) string {
			erf := b.Op("Erf", "e", []string{b.Op("Div", "d", []string{x, b.numbers("n1.5", nil, 1.5)})})
			product := b.Op("Mul", "p", []string{x, b.Op("Add", "s", []string{b.numbers("n1", nil, 1), erf})})
			return b.Op("Mul", "a", []string{product, b.numbers("n0.5", nil, 0.5)})
		}},
		{"squeeze and excitation", map[string]int{"Activation": 1, "ChannelScale": 1},
			func(b *opGraph, x string) string {
				s := b.Op("HardSigmoid", "s", []string{b.Op("GlobalAveragePool", "g", []string{x})})
				return b.Op("Mul", "a", []string{s, x})
			}},
		{"layer norm", map[string]int{"LayerNorm": 1}, func(b *opGraph, x string) string {
			last := b.Op("Transpose", "l", []string{x}, onnxgraph.IntsAttr("perm", 0, 2, 3, 1))
			y := b.Op("LayerNormalization", "n", []string{last, b.parameter("p", 4), b.parameter("q", 4)},
				onnxgraph.FloatAttr("epsilon", 1e-3))
			return b.Op("Transpose", "a", []string{y}, onnxgraph.IntsAttr("perm", 0, 3, 1, 2))
		}},
		{"layer norm over all", map[string]int{"LayerNorm": 1}, func(b *opGraph, x string) string {
			return b.Op("LayerNormalization", "a", []string{x, b.parameter("p", 4, size, size)},
				onnxgraph.IntAttr("axis", 1))
		}},
		{"layer norm with one scale", map[string]int{}, func(b *opGraph, x string) string {
			return b.Op("LayerNormalization", "a", []string{x, b.parameter("p", 1)})
		}},
		{"softmax", map[string]int{"SoftmaxGrad": 1}, func(b *opGraph,
			x string) string {
			return b.Op("Softmax", "a", []string{x})
		}},
		{"softmax over channels", map[string]int{}, func(b *opGraph, x string) string {
			return b.Op("Softmax", "a", []string{x}, onnxgraph.IntAttr("axis", 1))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := opCase{build: c.add}.model(t)
			o := autodiff.DefaultOptions()
			o.Outputs, o.Kernels = []string{"z"}, &autodiff.Kernels{}
			a, err := autodiff.Build(m, o)
			if err != nil {
				t.Fatal(err)
			}
			got := ownOperators(a)
			for _, rest := range []string{"Loss", "Conv", "ConvGrad", "Reorder"} {
				delete(got, rest)
			}
			want := maps.Clone(c.want)
			for _, op := range slices.Collect(maps.Keys(c.want)) {
				if op != "SoftmaxGrad" {
					want[op+"Grad"] = want[op]
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("operators %v, want %v", got, want)
			}
			o.Kernels = nil
			compareKernels(t, m, o, 1e-4, 3, 3, size, size)
			t.Run("fast", func(t *testing.T) { compareWith(t, fast, m, o, 1e-4, 3, 3, size, size) })
		})
	}
}
