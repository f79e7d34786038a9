package autodiff_test

import (
	"slices"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/zoo"
)

// expandProduct replaces an operator of matrix products; false if n is another.
func (e *expansion) expandProduct(n *onnxgraph.Node) bool {
	switch n.GetOpType() {
	case graph.Linear:
		y := e.product(n.In(0), e.turned(n.In(1), n.Int("trans_w", 0) != 0), e.types[n.Out(0)])
		if n.In(2) != "" {
			y = e.op("", "Add", []string{y, n.In(2)}, []onnxgraph.TensorType{e.types[n.Out(0)]})[0]
		}
		e.give(y, n.Out(0), false)
	case graph.LinearGrad:
		transposed := n.Int("trans_w", 0) != 0
		dy, x, w := n.In(0), n.In(1), n.In(2)
		if n.Out(0) != "" {
			e.give(e.product(dy, e.turned(w, !transposed), e.types[n.Out(0)]), n.Out(0), false)
		}
		rows := func(name string) string {
			s := e.types[name].Shape
			columns := s[len(s)-1]
			return e.op("", "Reshape", []string{name, e.ints(-1, columns.Size)},
				[]onnxgraph.TensorType{onnxgraph.FloatType(onnxgraph.Shape{onnxgraph.Unknown, columns})})[0]
		}
		dy, x = rows(dy), rows(x)
		if n.Out(1) != "" {
			left, right := x, dy
			if transposed {
				left, right = dy, x
			}
			e.give(e.product(e.turned(left, true), right, e.types[n.Out(1)]), n.Out(1), false)
		}
		if n.Out(2) != "" {
			sum := e.op("", "ReduceSum", []string{dy, e.ints(0)}, []onnxgraph.TensorType{e.types[n.Out(2)]},
				onnxgraph.IntAttr("keepdims", 0))
			e.give(sum[0], n.Out(2), false)
		}
	case graph.MatMul:
		a, b := e.permuted(n.In(0), n.Ints("perm_a")), e.permuted(n.In(1), n.Ints("perm_b"))
		as, bs := e.types[a].Shape, e.types[b].Shape
		shape := slices.Clone(as)
		shape[len(shape)-1] = bs[len(bs)-1]
		y := e.product(a, b, onnxgraph.FloatType(shape))
		y = e.op("", "Mul", []string{y, e.b.Initializer(onnxgraph.NewFloats(e.b.Unique("expansion/alpha"), nil,
			[]float32{n.Float("alpha", 1)}))},
			[]onnxgraph.TensorType{onnxgraph.FloatType(shape)})[0]
		e.give(e.permuted(y, n.Ints("perm_y")), n.Out(0), false)
	default:
		return false
	}
	return true
}

func (e *expansion) product(a, b string, typ onnxgraph.TensorType) string {
	return e.op("", "MatMul", []string{a, b}, []onnxgraph.TensorType{typ})[0]
}

// turned is a matrix or its transpose.
func (e *expansion) turned(name string, transposed bool) string {
	if !transposed {
		return name
	}
	return e.permuted(name, []int64{1, 0})
}

func (e *expansion) permuted(name string, perm []int64) string {
	s := e.types[name].Shape
	shape := make(onnxgraph.Shape, len(s))
	for i, p := range perm {
		shape[i] = s[p]
	}
	return e.op("", "Transpose", []string{name}, []onnxgraph.TensorType{onnxgraph.FloatType(shape)},
		onnxgraph.IntsAttr("perm", perm...))[0]
}

// productCases are graphs around matrix products that ordo's operators may take the place of.
func productCases() []opCase {
	ints := onnxgraph.IntsAttr
	transpose := func(g *opGraph, name, x string, perm ...int64) string {
		return g.Op("Transpose", name, []string{x}, ints("perm", perm...))
	}
	return []opCase{
		{name: "linear layers of many forms", build: func(g *opGraph, x string) string {
			y := g.Op("Reshape", "rows", []string{x, g.ints("rows_shape", 0, 4, 49)})
			y = g.Op("MatMul", "m1", []string{y, transpose(g, "w1_t", g.loud(0.2, "w1", 24, 49), 1, 0)})
			y = g.Op("Tanh", "t1", []string{g.Op("Add", "a1", []string{g.parameter("b1", 24), y})})
			y = g.Op("Add", "a2", []string{g.Op("MatMul", "m2", []string{y, g.parameter("w2", 24, 44)}),
				g.parameter("b2", 44)})
			y = g.Op("Tanh", "t2", []string{y})
			twice := g.Op("MatMul", "m3", []string{y, g.parameter("w3", 44, 24)}) // its bias stays
			y = g.Op("Tanh", "t3", []string{g.Op("Mul", "both", []string{twice,
				g.Op("Add", "a3", []string{twice, g.parameter("b3", 24)})})})
			// no bias
			y = g.Op("Add", "a4", []string{g.Op("MatMul", "m4", []string{y, g.parameter("w4", 24, 44)}),
				g.parameter("b4", 4, 44)})
			y = g.Op("Flatten", "joined", []string{g.Op("Tanh", "t4", []string{y})})
			y = g.Op("Tanh", "t5", []string{g.Op("Gemm", "g1", []string{y, g.parameter("w5", 176, 190),
				g.parameter("b5", 190)})})
			return g.Op("Gemm", "g2", []string{y, g.parameter("w6", 180, 190)}, onnxgraph.IntAttr("transB", 1))
		}},
		{name: "attention, from one product", build: func(g *opGraph, x string) string {
			y := g.Op("Reshape", "tokens", []string{x, g.ints("tokens_shape", 0, 14, 14)})
			y = g.Op("MatMul", "qkv", []string{y, g.parameter("w", 14, 90)})
			y = transpose(g, "by_head", g.Op("Reshape", "split_heads",
				[]string{y, g.ints("heads_shape", 0, 14, 3, 6, 5)}), 2, 0, 3, 1, 4)
			g.Append(&onnxgraph.Node{Name: "split", OpType: "Split", Input: []string{y, g.ints("parts", 1, 1, 1)},
				Output:    []string{"q3", "k3", "v3"},
				Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("axis", 0)}})
			axis := g.ints("axis", 0)
			part := func(name string) string { return g.Op("Squeeze", name+"_squeezed", []string{name, axis}) }
			scale := g.Op("Constant", "scale", nil, onnxgraph.FloatAttr("value_float", 0.4))
			q, k := g.Op("Mul", "scaled", []string{part("q3"), scale}), transpose(g, "k_t", part("k3"), 0, 1, 3, 2)
			s := g.Op("Mul", "half", []string{scale, g.Op("MatMul", "qk", []string{q, k})})
			y = g.Op("MatMul", "sv", []string{g.Op("Softmax", "p", []string{s}), part("v3")})
			return g.Op("Reshape", "merged", []string{transpose(g, "by_token", y, 0, 2, 1, 3),
				g.ints("merged_shape", 0, 14, 30)})
		}},
		{name: "products whose Transposes stay", build: func(g *opGraph, x string) string {
			y := g.Op("Mul", "weighted", []string{x, g.parameter("w", 4, size, size)})
			// [batch, 7, 4, 4]
			p := g.Op("MatMul", "p", []string{transpose(g, "a", y, 0, 3, 1, 2), transpose(g, "b", y, 0, 3, 2, 1)})
			turned := transpose(g, "turned", p, 0, 2, 3, 1)
			return g.Op("Add", "y", []string{turned, transpose(g, "again", g.Op("MatMul", "q", []string{p, p}), 0, 2, 3,
				1)})
		}},
		{name: "products that stay", build: func(g *opGraph, x string) string {
			y := g.Op("MatMul", "m", []string{x, g.parameter("v", 1, 4, size, 3)})
			return g.Op("Add", "y", []string{y, g.Op("MatMul", "few", []string{x, g.parameter("w", size, 3)})})
		}},
	}
}

// TestProductsTakeIn: of a vision transformer's step no product is left to ONNX Runtime, and no Transpose of an
// attention.
func TestProductsTakeIn(t *testing.T) {
	m, err := zoo.Build(zoo.Options{Backbone: "vit_tiny", Stem: "small", PatchSize: 4}, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{graph.Features}
	o.Kernels = &autodiff.Kernels{}
	a, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, n := range a.Training.GetGraph().GetNode() {
		count[n.GetDomain()+"::"+n.GetOpType()]++
	}
	const blocks = 12
	for op, want := range map[string]int{
		"::MatMul": 0, "::Gemm": 0, "com.microsoft::FusedMatMul": 0,
		"ordo::Linear": 4 * blocks, "ordo::LinearGrad": 4 * blocks, "ordo::MatMul": 6 * blocks, "::Transpose": 2,
	} {
		if count[op] != want {
			t.Errorf("%d of %s, want %d", count[op], op, want)
		}
	}
}
