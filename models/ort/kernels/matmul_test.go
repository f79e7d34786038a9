package kernels_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// layer is a linear layer with its inputs.
type layer struct {
	rows, in, out int
	transposed    bool
	x, w, b, dy   []float32
}

func (l layer) String() string {
	return fmt.Sprintf("%d rows of %d to %d, transposed %v", l.rows, l.in, l.out, l.transposed)
}

func newLayer(rows, in, out int, transposed bool) layer {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(in*out)))
	return layer{
		rows,
		in,
		out,
		transposed,
		normal(rng, rows*in),
		normal(rng, in*out),
		normal(rng, out),
		normal(rng, rows*out),
	}
}

func (l layer) shape() []int {
	if l.transposed {
		return []int{l.out, l.in}
	}
	return []int{l.in, l.out}
}

func (l layer) weight(i, j int) (at int) {
	if l.transposed {
		return j*l.in + i
	}
	return i*l.out + j
}

func (l layer) attribute() *onnxgraph.Attribute {
	if l.transposed {
		return onnxgraph.IntAttr("trans_w", 1)
	}
	return onnxgraph.IntAttr("trans_w", 0)
}

// inputs adds the layer to a graph, its rows in the leading dimensions lead.
func (l layer) inputs(g *graph, lead ...int) {
	if lead == nil {
		lead = []int{l.rows}
	}
	g.input("x", l.x, append(slices.Clone(lead), l.in)...)
	g.input("w", l.w, l.shape()...)
	g.input("b", l.b, l.out)
	g.input("dy", l.dy, append(slices.Clone(lead), l.out)...)
}

func (l layer) ours(g *graph, more ...*onnxgraph.Attribute) []string {
	more = append(more, l.attribute())
	g.op("Linear", []string{"x", "w", "b"}, []string{"y_own"}, more...)
	g.op("LinearGrad", []string{"dy", "x", "w"}, []string{"dx_own", "dw_own", "db_own"}, more...)
	return []string{"y_own", "dx_own", "dw_own", "db_own"}
}

// stock adds ONNX Runtime's operators for a matrix of rows.
func (l layer) stock(g *graph) []string {
	trans := func(name string, is bool) *onnxgraph.Attribute {
		if is {
			return onnxgraph.IntAttr(name, 1)
		}
		return onnxgraph.IntAttr(name, 0)
	}
	g.node("", "Gemm", []string{"x", "w", "b"}, []string{"y"}, trans("transB", l.transposed))
	g.node("", "Gemm", []string{"dy", "w"}, []string{"dx"}, trans("transB", !l.transposed))
	if l.transposed {
		g.node("", "Gemm", []string{"dy", "x"}, []string{"dw"}, trans("transA", true))
	} else {
		g.node("", "Gemm", []string{"x", "dy"}, []string{"dw"}, trans("transA", true))
	}
	g.node(
		"",
		"ReduceSum",
		[]string{"dy", g.b.Initializer(onnxgraph.NewInts("rows", 0))},
		[]string{"db"},
		onnxgraph.IntAttr("keepdims", 0),
	)
	return []string{"y", "dx", "dw", "db"}
}

func (l layer) exact() [4][]float64 {
	y, dx := make([]float64, len(l.dy)), make([]float64, len(l.x))
	dw, db := make([]float64, len(l.w)), make([]float64, l.out)
	for r := range l.rows {
		for j := range l.out {
			d := float64(l.dy[r*l.out+j])
			db[j] += d
			y[r*l.out+j] = float64(l.b[j])
			for i := range l.in {
				x, w := float64(l.x[r*l.in+i]), float64(l.w[l.weight(i, j)])
				y[r*l.out+j] += x * w
				dx[r*l.in+i] += d * w
				dw[l.weight(i, j)] += d * x
			}
		}
	}
	return [4][]float64{y, dx, dw, db}
}

// check holds results against the definition.
func (l layer) check(t *testing.T, results [][]float32) {
	t.Helper()
	for i, want := range l.exact() {
		near(t, resultNames[i], results[i], want, few(len(want), 2e-6))
	}
}

// few widens a tolerance for few sums, which may all be near zero by chance.
func few(results int, tolerance float64) float64 {
	if results < 20 {
		return 1e-3
	}
	return tolerance
}

func layers() []layer {
	return []layer{
		newLayer(1, 1, 1, false), newLayer(1, 1, 1, true), newLayer(3, 1, 7, true), newLayer(5, 17, 1, false),
		newLayer(28, 32, 64, true), newLayer(28, 32, 64, false), newLayer(65, 33, 47, true), newLayer(65, 33, 47, false),
		newLayer(700, 20, 36, true), newLayer(700, 36, 20, false), newLayer(2, 400, 300, true), newLayer(29, 350, 97, false),
	}
}

func TestLinear(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, bits := range []int{512, 256, 128} {
		kernels.LimitVectors(bits)
		t.Cleanup(func() { kernels.LimitVectors(512) })
		for i, l := range layers() {
			t.Run(fmt.Sprint(kernels.VectorBits(), " bits, ", l), func(t *testing.T) {
				g := newGraph(t, rt)
				l.inputs(g)
				got := g.run(g.session(1+i%4, append(l.ours(g), l.stock(g)...)...))
				l.check(t, got[:4])
				for k := range 4 {
					near(t, "stock "+resultNames[k], got[k], got[4+k], few(len(got[k]), 4e-6))
				}
			})
		}
	}
}

// TestLinearRows: rows in several dimensions, outputs left out, no bias.
func TestLinearRows(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	l := newLayer(30, 40, 24, true)
	g := newGraph(t, rt)
	l.inputs(g, 2, 3, 5)
	g.op("Linear", []string{"x", "w"}, []string{"y"}, l.attribute())
	g.op("LinearGrad", []string{"dy", "x", "w"}, []string{"", "", "db"}, l.attribute())
	g.op("LinearGrad", []string{"dy", "x", "w"}, []string{"dx"}, l.attribute())
	g.op("LinearGrad", []string{"dy", "x", "w"}, []string{"", "dw"}, l.attribute())
	got := g.run(g.session(2, "y", "dx", "dw", "db"))
	clear(l.b)
	l.check(t, got)
}

// batch is a batch of products whose operands and result are stored in other orders.
type batch struct {
	sizes               []int // of the batch
	m, n, k             int
	permA, permB, permY []int64
	alpha               float32
	a, b                []float32 // as stored
}

func (c batch) String() string {
	return fmt.Sprintf("%v of %dx%dx%d, orders %v %v %v", c.sizes, c.m, c.n, c.k, c.permA, c.permB, c.permY)
}

func newBatch(sizes []int, m, n, k int, permA, permB, permY []int64) batch {
	count := 1
	for _, s := range sizes {
		count *= s
	}
	rng := rand.New(rand.NewPCG(uint64(m*n), uint64(k)))
	return batch{sizes, m, n, k, permA, permB, permY, 0.5, normal(rng, count*m*k), normal(rng, count*k*n)}
}

// stored is the shape of an operand of rows and columns before its Transpose.
func (c batch) stored(perm []int64, rows, columns int) []int {
	shape := append(slices.Clone(c.sizes), rows, columns)
	if perm == nil {
		return shape
	}
	was := make([]int, len(shape))
	for i, p := range perm {
		was[p] = shape[i]
	}
	return was
}

func (c batch) inputs(g *graph) {
	g.input("a", c.a, c.stored(c.permA, c.m, c.k)...)
	g.input("b", c.b, c.stored(c.permB, c.k, c.n)...)
}

func (c batch) ours(g *graph, output string, attributes ...*onnxgraph.Attribute) {
	attributes = append(attributes, onnxgraph.FloatAttr("alpha", c.alpha))
	for name, perm := range map[string][]int64{"perm_a": c.permA, "perm_b": c.permB, "perm_y": c.permY} {
		if perm != nil {
			attributes = append(attributes, onnxgraph.IntsAttr(name, perm...))
		}
	}
	g.op("MatMul", []string{"a", "b"}, []string{output}, attributes...)
}

func (c batch) stock(g *graph, output string) {
	transpose := func(x string, perm []int64, out string) string {
		if perm == nil {
			g.node("", "Identity", []string{x}, []string{out})
		} else {
			g.node("", "Transpose", []string{x}, []string{out}, onnxgraph.IntsAttr("perm", perm...))
		}
		return out
	}
	a, b := transpose("a", c.permA, "a_turned"), transpose("b", c.permB, "b_turned")
	g.node("com.microsoft", "FusedMatMul", []string{a, b}, []string{"product"}, onnxgraph.FloatAttr("alpha", c.alpha))
	transpose("product", c.permY, output)
}

func batches() []batch {
	head, turn := []int64{0, 2, 1, 3}, []int64{0, 2, 3, 1}
	return []batch{
		newBatch([]int{2, 3}, 17, 17, 16, head, turn, nil),
		newBatch([]int{2, 3}, 17, 16, 17, nil, head, head),
		newBatch([]int{2, 3}, 17, 16, 17, []int64{0, 1, 3, 2}, head, head),
		newBatch([]int{5}, 3, 40, 70, nil, nil, nil),
		newBatch(
			[]int{2},
			130,
			70,
			90,
			[]int64{0, 2, 1},
			[]int64{0, 2, 1},
			[]int64{0, 2, 1},
		),
		newBatch(nil, 33, 65, 9, nil, []int64{1, 0}, []int64{1, 0}),
		newBatch(
			[]int{2, 2, 3},
			1,
			1,
			5,
			nil,
			nil,
			[]int64{2, 0, 1, 4, 3},
		),
		newBatch([]int{3}, 4, 5, 6, []int64{2, 1, 0}, []int64{1, 2, 0}, []int64{1, 0, 2}),
		newBatch(nil, 1, 1, 1, nil, nil, nil),
		newBatch([]int{1}, 300, 2, 500, nil, nil, nil),
	}
}

func TestMatMul(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, bits := range []int{512, 256, 128} {
		kernels.LimitVectors(bits)
		t.Cleanup(func() { kernels.LimitVectors(512) })
		for i, c := range batches() {
			t.Run(fmt.Sprint(kernels.VectorBits(), " bits, ", c), func(t *testing.T) { compareBatch(t, rt, c, 1+i%4) })
		}
	}
}

func compareBatch(t *testing.T, rt *ort.Runtime, c batch, threads int) {
	t.Helper()
	g := newGraph(t, rt)
	c.inputs(g)
	c.ours(g, "y")
	c.stock(g, "y_stock")
	got := g.run(g.session(threads, "y", "y_stock"))
	near(t, "Y", got[0], got[1], few(len(got[0]), 2e-6))
}

// TestProductsForAnyThreads: no sum depends on the number of threads.
func TestProductsForAnyThreads(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	l := newLayer(1500, 90, 150, true)
	c := newBatch([]int{2}, 130, 170, 190, []int64{0, 2, 1}, nil, nil)
	var first [][]float32
	for threads := 1; threads <= 4; threads++ {
		g := newGraph(t, rt)
		l.inputs(g)
		c.a, c.b = l.x[:len(c.a)], l.dy[:len(c.b)]
		g.input("a", c.a, c.stored(c.permA, c.m, c.k)...)
		g.input("c", c.b, c.stored(nil, c.k, c.n)...)
		g.op("MatMul", []string{"a", "c"}, []string{"p"}, onnxgraph.IntsAttr("perm_a", c.permA...))
		got := g.run(g.session(threads, append(l.ours(g), "p")...))
		if first == nil {
			first = got
		}
		for i := range got {
			if !slices.Equal(got[i], first[i]) {
				t.Errorf("%d threads: result %d has other bits than with one", threads, i)
			}
		}
	}
}

func TestProductsRefuse(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range []struct {
		op      string
		a, b, c []int
		perm    *onnxgraph.Attribute
		want    string
	}{
		{"Linear", []int{2, 3}, []int{4, 5}, nil, nil, "W must be of inputs and outputs"},
		{"Linear", []int{2, 3}, []int{3, 5}, []int{4}, nil, "B must have shape [5]"},
		{"Linear", []int{2, 3}, []int{3, 5, 1}, nil, nil, "W has shape"},
		{"LinearGrad", []int{2, 3}, []int{2, 3}, []int{3, 5}, nil, "dY has shape"},
		{"MatMul", []int{2, 3}, []int{4, 5}, nil, nil, "they don't make products"},
		{"MatMul", []int{2, 3, 4}, []int{4, 5}, nil, nil, "they don't make products"},
		{"MatMul", []int{2, 3, 4}, []int{3, 4, 5}, nil, nil, "they don't make products"},
		{"MatMul", []int{2, 3}, []int{3, 5}, nil, onnxgraph.IntsAttr("perm_y", 0, 0), "must name each dimension once"},
		{"MatMul", []int{2, 3}, []int{3, 5}, nil, onnxgraph.IntsAttr("perm_a", 0, 2, 1),
			"perm_a is [0, 2, 1] for 2 dimensions"},
		{"MatMul", []int{4, 2, 3}, []int{4, 3, 5}, nil, onnxgraph.IntsAttr("perm_y", 1, 2, 0), "perm_y must leave"},
	} {
		g := newGraph(t, rt)
		var names []string
		for i, shape := range [][]int{c.a, c.b, c.c} {
			if shape == nil {
				continue
			}
			n := 1
			for _, d := range shape {
				n *= d
			}
			names = append(names, g.input(fmt.Sprint("in", i), make([]float32, n), shape...))
		}
		var attributes []*onnxgraph.Attribute
		if c.perm != nil {
			attributes = append(attributes, c.perm)
		}
		g.op(c.op, names, []string{"y"}, attributes...)
		s, err := g.open(2, "y")
		if err == nil {
			defer s.Close()
			_, err = s.Run(g.inputs)
		}
		checkError(t, err, "ordo::"+c.op, c.want)
	}
}

// FuzzProducts holds linear layers against the definition, and products in any order against ONNX Runtime.
func FuzzProducts(f *testing.F) {
	rt := orttest.OpenWithKernels(f)
	f.Add([]byte{4, 16, 16, 0, 2, 3, 1, 5, 6})
	f.Add([]byte{65, 64, 65, 1, 1, 2, 2, 1, 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 9 {
			return
		}
		in := func(i, least, most int) int { return least + int(data[i])%(most-least+1) }
		m, n, k, threads := in(0, 1, 100), in(1, 1, 100), in(2, 1, 100), in(4, 1, 4)
		l := newLayer(m, k, n, data[3]%2 == 1)
		g := newGraph(t, rt)
		l.inputs(g)
		l.check(t, g.run(g.session(threads, l.ours(g)...)))

		rng := rand.New(rand.NewPCG(uint64(data[7]), uint64(data[8])))
		perm := func() []int64 { // that keeps rows or columns last in memory
			p := []int64{0, 1, 2, 3}
			rng.Shuffle(4, func(i, j int) { p[i], p[j] = p[j], p[i] })
			return p
		}
		y := perm()
		for y[3] < 2 {
			y = perm()
		}
		compareBatch(t, rt, newBatch([]int{in(5, 1, 4), in(6, 1, 4)}, m, n, k, perm(), perm(), y), threads)
	})
}
