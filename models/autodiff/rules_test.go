package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// opCase is a small graph around one operator.
type opCase struct {
	name  string
	opset int64 // 0: 17
	// gain is by how much the weights before the operator are larger than usual, 0: 1. Where the operator has kinks,
	// such as a max pool where two pixels are alike, that makes a step of the differences less likely to cross one.
	gain float32
	// batch is the number of images, 0: three, and then one.
	batch int
	fixed int64 // the batch for which the graph is exported; 0: it's free
	// build adds the operator behind x, float [batch, 4, size, size], and returns its result.
	build func(g *opGraph, x string) string
}

// size is the height and width of the test graphs' images, odd so that strides and windows don't divide it.
const size = 7

// opGraph builds a test graph: images → convolution → the operator → linear layer → z. So the gradient goes through the
// operator to the convolution's weights, and whatever parameters the operator has.
type opGraph struct {
	*onnxgraph.Builder
	random *rand.Rand
}

func (g *opGraph) parameter(name string, dims ...int64) string { return g.loud(1, name, dims...) }

// loud is a parameter whose values are larger by a gain.
func (g *opGraph) loud(gain float32, name string, dims ...int64) string {
	n, _ := onnxgraph.Static(dims...).Elements()
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(g.random.NormFloat64()) / 2 * max(gain, 1)
	}
	return g.Initializer(onnxgraph.NewFloats(name, dims, values))
}

func (g *opGraph) ints(name string, values ...int64) string {
	return g.Initializer(onnxgraph.NewInts(name, values...))
}

// out adds an operator on the images and makes its result the graph's output y.
func (g *opGraph) out(op string, inputs ...string) string {
	g.Append(&onnxgraph.Node{OpType: op, Input: inputs, Output: []string{"y"}})
	g.Output("y", onnxgraph.FloatType(onnxgraph.Batch(4, size, size)))
	return "y"
}

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func (c opCase) model(t testing.TB) *onnxgraph.Model {
	t.Helper()
	opset := c.opset
	if opset == 0 {
		opset = 17
	}
	g := &opGraph{onnxgraph.NewBuilder("test", opset), newRandom()}
	rows := onnxgraph.Batch()
	if c.fixed > 0 {
		rows = onnxgraph.Static(c.fixed)
	}
	g.Input("images", onnxgraph.FloatType(append(rows, onnxgraph.Static(3, size, size)...)))
	x := g.Op("Conv", "first", []string{"images", g.loud(c.gain, "first.weight", 4, 3, 1, 1),
		g.parameter("first.bias", 4)})
	y := c.build(g, x)
	g.Append(&onnxgraph.Node{OpType: "Flatten", Input: []string{y}, Output: []string{"flat"}})
	m := g.Model()
	m.Graph.Output = []*onnxgraph.ValueInfo{onnxgraph.NewValueInfo("flat",
		onnxgraph.FloatType(onnxgraph.Shape{onnxgraph.Unknown, onnxgraph.Unknown}))}
	types, err := onnxgraph.InferFree(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	features := types.Of["flat"].Shape[1].Size
	g.Append(&onnxgraph.Node{
		OpType: "Gemm", Input: []string{"flat", g.parameter("last.weight", features, 2)}, Output: []string{"z"},
	})
	m.Graph.Output = []*onnxgraph.ValueInfo{onnxgraph.NewValueInfo("z",
		onnxgraph.FloatType(append(rows, onnxgraph.Dim{Size: 2})))}
	return m
}

// unary is an operator of one input.
func unary(op string, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string { return g.Op(op, "y", []string{x}, a...) }
}

// conv is a convolution of the four channels.
func conv(weight []int64, bias bool, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		inputs := []string{x, g.parameter("w", weight...)}
		if bias {
			inputs = append(inputs, g.parameter("b", weight[0]))
		}
		return g.Op("Conv", "y", inputs, a...)
	}
}

// gemm multiplies the global averages by a matrix; the transposed form of its first operand is made by a Transpose.
func gemm(transA, transB bool, c []int64, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		a := slices.Clone(a)
		x = g.Op("ReduceMean", "mean", []string{x}, onnxgraph.IntsAttr("axes", 2, 3), onnxgraph.IntAttr("keepdims", 0))
		if transA {
			x = g.Op("Transpose", "turned", []string{x})
			a = append(a, onnxgraph.IntAttr("transA", 1))
		}
		dims := []int64{4, 5}
		if transB {
			dims = []int64{5, 4}
			a = append(a, onnxgraph.IntAttr("transB", 1))
		}
		inputs := []string{x, g.parameter("w", dims...)}
		if c != nil {
			inputs = append(inputs, g.parameter("c", c...))
		}
		return g.Op("Gemm", "y", inputs, a...)
	}
}

func add(dims ...int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string { return g.Op("Add", "y", []string{g.parameter("p", dims...), x}) }
}

func opCases() []opCase {
	ints, integer, str := onnxgraph.IntsAttr, onnxgraph.IntAttr, onnxgraph.StringAttr
	k3 := ints("kernel_shape", 3, 3)
	return []opCase{
		{name: "conv", build: conv([]int64{5, 4, 3, 3}, true, k3, ints("pads", 1, 1, 1, 1))},
		{name: "conv, kernel from weights, asymmetric pads", build: conv([]int64{2, 4, 3, 2}, false,
			ints("pads", 0, 1, 2, 0), ints("strides", 2, 1))},
		{name: "conv, dilated", build: conv([]int64{2, 4, 3, 3}, false, ints("dilations", 2, 1))},
		{name: "conv, groups", build: conv([]int64{6, 2, 3, 3}, true, integer("group", 2), ints("strides", 2, 2))},
		{name: "conv, depthwise", build: conv([]int64{4, 1, 3, 3}, false, integer("group", 4),
			ints("pads", 1, 1, 1, 1))},
		{name: "conv, same upper", build: conv([]int64{2, 4, 4, 4}, false, str("auto_pad", "SAME_UPPER"),
			ints("strides", 2, 2))},
		{name: "conv, same lower", build: conv([]int64{2, 4, 2, 2}, false, str("auto_pad", "SAME_LOWER"))},
		{name: "conv, valid", build: conv([]int64{2, 4, 2, 2}, false, str("auto_pad", "VALID"))},
		{name: "batch norm", build: func(g *opGraph, x string) string {
			inputs := []string{x, g.parameter("scale", 4), g.parameter("bias", 4)}
			inputs = append(inputs, g.parameter("mean", 4), g.Initializer(onnxgraph.NewFloats("var", []int64{4},
				[]float32{1, 1, 1, 1})))
			return g.Op("BatchNormalization", "y", inputs)
		}},
		{name: "relu", build: unary("Relu")},
		{name: "identity", build: unary("Identity")},
		{name: "max pool", build: unary("MaxPool", k3, ints("strides", 2, 2), ints("pads", 1, 1, 1, 1))},
		{name: "max pool, ceil", build: unary("MaxPool", ints("kernel_shape", 2, 2), ints("strides", 2, 2),
			integer("ceil_mode", 1))},
		{name: "average pool", build: unary("AveragePool", ints("kernel_shape", 4, 3), ints("strides", 3, 2))},
		{name: "average pool, pads left out", build: unary("AveragePool", k3, ints("strides", 2, 2),
			ints("pads", 1, 0, 1, 1))},
		{name: "average pool, pads counted", build: unary("AveragePool", k3, ints("strides", 2, 2),
			ints("pads", 1, 1, 1, 1), integer("count_include_pad", 1))},
		{name: "global average pool", build: unary("GlobalAveragePool")},
		{name: "mean over pixels", build: unary("ReduceMean", ints("axes", -2, -1), integer("keepdims", 0))},
		{name: "mean over channels", build: unary("ReduceMean", ints("axes", 1))},
		{name: "mean, axes as input", opset: 18, build: func(g *opGraph, x string) string {
			return g.Op("ReduceMean", "y", []string{x, g.ints("axes", 2)}, integer("keepdims", 0))
		}},
		{name: "add, same shape", build: func(g *opGraph, x string) string {
			return g.Op("Add", "y", []string{x, g.Op("Relu", "r", []string{x})})
		}},
		{name: "add, per channel", build: add(4, 1, 1)},
		{name: "add, per column", build: add(size)},
		{name: "add, scalar", build: add()},
		{name: "add, to the images", build: add(1, 4, size, size)},
		{name: "gemm", build: gemm(false, false, []int64{5})},
		{name: "gemm, b turned", build: gemm(false, true, []int64{1, 5}, onnxgraph.FloatAttr("alpha", 0.5),
			onnxgraph.FloatAttr("beta", 2))},
		{name: "gemm, a turned", build: gemm(true, false, []int64{1})},
		{name: "gemm, both turned", build: gemm(true, true, nil)},
		{name: "matrix product", build: func(g *opGraph, x string) string {
			x = g.Op("Flatten", "rows", []string{x})
			return g.Op("MatMul", "y", []string{x, g.parameter("w", 4*size*size, 3)})
		}},
		{name: "matrix product, one for all", build: func(g *opGraph, x string) string {
			return g.Op("MatMul", "y", []string{x, g.parameter("w", size, 3)})
		}},
		{name: "matrix product, one for all at the left", build: func(g *opGraph, x string) string {
			return g.Op("MatMul", "y", []string{g.parameter("w", 3, size), x})
		}},
		{name: "matrix product, one a channel", build: func(g *opGraph, x string) string {
			return g.Op("MatMul", "y", []string{x, g.parameter("w", 4, size, 3)})
		}},
		{name: "matrix product of two activations", build: func(g *opGraph, x string) string {
			return g.Op("MatMul", "y", []string{x, g.Op("Transpose", "turned", []string{x}, ints("perm", 0, 1, 3, 2))})
		}},
		{name: "transpose", build: unary("Transpose", ints("perm", 0, 2, 3, 1))},
		{name: "flatten", build: unary("Flatten", integer("axis", 2))},
		{name: "reshape", build: func(g *opGraph, x string) string {
			return g.Op("Reshape", "y", []string{x, g.ints("shape", 0, -1, 2, size)})
		}},
		{name: "reshape by shape arithmetic", build: func(g *opGraph, x string) string {
			shape := g.Op("Shape", "shape", []string{x})
			index := g.Op("Constant", "index", nil, integer("value_int", 0))
			batch := g.Op("Unsqueeze", "batch", []string{g.Op("Gather", "first_size", []string{shape, index}),
				g.ints("axes", 0)})
			target := g.Op("Concat", "target", []string{batch, g.Op("Constant", "rest", nil, ints("value_ints", -1))},
				integer("axis", 0))
			return g.Op("Reshape", "y", []string{x, target})
		}},
		{name: "elements at coordinates", build: func(g *opGraph, x string) string {
			places := g.Op("Reshape", "places", []string{g.ints("list", 0, 1, 0, 3, 0, 1), g.ints("pairs", 3, 2)})
			turned := g.Op("Transpose", "turned", []string{x}, ints("perm", 1, 2, 3, 0))
			y := g.Op("GatherND", "taken", []string{turned, places})
			return g.Op("Transpose", "y", []string{y}, ints("perm", 2, 0, 1))
		}},
		{name: "squeeze and unsqueeze", build: func(g *opGraph, x string) string {
			x = g.Op("GlobalAveragePool", "pool", []string{x})
			x = g.Op("Squeeze", "squeezed", []string{x, g.ints("axes", 2, -1)})
			return g.Op("Unsqueeze", "y", []string{x, g.ints("back", 1)})
		}},
	}
}

func allCases() []opCase {
	return slices.Concat(opCases(), windowCases(), normCases(), elementCases(), layoutCases(), fixedCases(),
		productCases())
}

// TestRulesAgainstFiniteDifferences holds every gradient of every rule against central differences of L = Σ z·dz.
func TestRulesAgainstFiniteDifferences(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range allCases() {
		for _, n := range c.model(t).GetGraph().GetNode() {
			covered[n.GetOpType()] = true
		}
		for _, batch := range []int{3, 1} {
			if c.batch == 0 || c.batch == batch {
				t.Run(fmt.Sprintf("%s/batch %d", c.name, batch), func(t *testing.T) { c.check(t, batch) })
			}
		}
	}
	for _, op := range autodiff.Operators() {
		if !covered[op] {
			t.Errorf("no test graph has the operator %s", op)
		}
	}
}

func (c opCase) check(t *testing.T, batch int) {
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"z"}
	o.Optimizer = gradientReader()
	a, err := autodiff.Build(c.model(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxgraph.Check(a.Training); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	images := make([]float32, batch*3*size*size)
	for i := range images {
		images[i] = float32(random.NormFloat64())
	}
	dz := make([]float64, batch*64) // more than z has
	for i := range dz {
		dz[i] = math.Round(random.NormFloat64()*8) / 8
	}
	s := newSession(t, a, images, batch, 3, size, size)
	s.dz = func(_ string, i int) float32 { return float32(dz[i]) }
	value := func() float64 {
		s.step(0)
		var l float64
		for i, v := range s.outputs["z"] {
			l += float64(v) * dz[i]
		}
		return l
	}
	gradients, _ := s.gradients(parameters(t, a))
	if outputs, err := s.trainer.Eval(nil, s.images); err != nil {
		t.Error(err)
	} else if !slices.ContainsFunc(a.Eval.GetGraph().GetNode(), differsInTraining) {
		near(t, "z in evaluation mode", outputs[0], s.outputs["z"], 1e-5)
	}
	if len(gradients) < 3 {
		t.Fatalf("%d parameters have gradients", len(gradients))
	}
	var overall float64
	for _, g := range gradients {
		overall = max(overall, largest(g))
	}
	for name, g := range gradients {
		w := s.parameter(name)
		if largest(g) == 0 {
			t.Errorf("%s: no gradient", name)
		}
		// A bias before a batch norm has a gradient of 0 but for rounding, so the least tolerance is by the others'.
		tolerance := 2e-3 * max(largest(g), overall/100)
		for i := range w {
			if i%max(1, len(w)/12) != 0 {
				continue
			}
			if err := difference(s, name, i, g[i], tolerance, value); err != nil {
				t.Error(err)
			}
		}
	}
}

// differsInTraining says whether an operator computes something else in training than in evaluation.
func differsInTraining(n *onnxgraph.Node) bool {
	return n.GetOpType() == "BatchNormalization" || n.GetOpType() == "Dropout"
}

func largest(values []float64) float64 {
	var l float64
	for _, v := range values {
		l = max(l, math.Abs(v))
	}
	return l
}

// difference compares a gradient with central differences. Their step is tried in several sizes: a large one crosses a
// kink of a ReLU or max pool, a small one drowns in the rounding of float32.
func difference(s *session, name string, i int, gradient, tolerance float64, value func() float64) error {
	w := s.parameter(name)
	defer s.set(name, w)
	var found []float64
	for _, h := range []float32{0.05, 0.01, 0.002, 0.0004} {
		var l [2]float64
		for k, sign := range []float32{1, -1} {
			moved := append([]float32(nil), w...)
			moved[i] += sign * h
			s.set(name, moved)
			l[k] = value()
		}
		slope := (l[0] - l[1]) / (2 * float64(h))
		if math.Abs(slope-gradient) <= tolerance {
			return nil
		}
		found = append(found, slope)
	}
	return fmt.Errorf("%s[%d]: gradient %v, differences %v, tolerance %.2g", name, i, gradient, found, tolerance)
}
