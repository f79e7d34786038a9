package heads

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// The constants of batch norm are torch's; its momentum of 0.1 is ONNX's 0.9.
const (
	epsilon  = 1e-5
	momentum = 0.9
)

// Add adds the head, which must be valid, to a graph that has its input, a value [batch, in]. Its output is the head's
// Output: [batch, last layer], for kind pair [2·N, last layer], for kind conditioned [B·N, last layer]. A conditioned
// head adds the graph input `parameters` too, if it isn't there.
func (h Head) Add(b *onnxgraph.Builder, in int, seed uint64) {
	h = h.Resolved()
	a := adder{b, seed, h.Name}
	switch h.Kind {
	case Pair:
		b.Meta(graph.MetaViews, strconv.Itoa(h.Views))
		x := a.byView("by_view", h.Input, h.Views, in)
		own, other := a.pick("own", x, 0, 1), a.pick("other", x, 1, 0)
		x = b.Op("Concat", h.Name+".pairs", []string{own, other}, onnxgraph.IntAttr("axis", 2))
		a.perceptron(h, a.rows("rows", x, 2*in), 2*in)
	case Conditioned:
		b.Meta(graph.MetaViews, strconv.Itoa(h.Views))
		b.Meta(graph.MetaBaseViews, strconv.Itoa(h.BaseViews))
		b.Meta(graph.MetaPlainView, strconv.Itoa(h.PlainView))
		if !b.Has(graph.Draws) {
			b.Input(graph.Draws, onnxgraph.FloatType(onnxgraph.Batch(int64(h.Draws))))
		}
		plain, base := make([]int64, h.BaseViews), make([]int64, h.BaseViews)
		for i := range base {
			plain[i], base[i] = int64(h.PlainView), int64(i)
		}
		x := a.rows("plain", a.pick("plain_view", a.byView("by_view", h.Input, h.Views, in), plain...), in)
		p := a.pick("base_views", a.byView("parameters_by_view", graph.Draws, h.Views, h.Draws), base...)
		p = a.rows("parameters", p, h.Draws)
		p = a.linear(h.Name+".encoding.0", h.Name+".encoding.0", p, h.Draws, h.Encoding, false)
		p = a.norm(h.Name+".encoding.1", p, h.Encoding)
		x = b.Op("Concat", h.Name+".conditioned", []string{x, p}, onnxgraph.IntAttr("axis", 1))
		a.perceptron(h, x, in+h.Encoding)
	default:
		a.perceptron(h, h.Input, in)
	}
}

// perceptron adds the layers on x, [rows, in].
func (a adder) perceptron(h Head, x string, in int) {
	place := 0
	name := func() string { place++; return fmt.Sprintf("%s.%d", h.Name, place-1) }
	for i, out := range h.Layers {
		last := i == len(h.Layers)-1
		layer := name()
		if last {
			a.linear(layer, h.Output, x, in, out, h.Bias)
			return
		}
		x = a.linear(layer, layer, x, in, out, h.Bias && !h.BatchNorm)
		if h.BatchNorm {
			x = a.norm(name(), x, out)
		}
		x = a.b.Op("Relu", name(), []string{x})
		in = out
	}
}

// byView makes of the rows [V·N, size] of a batch [V, N, size].
func (a adder) byView(name, x string, views, size int) string {
	return a.reshape(name, x, int64(views), -1, int64(size))
}

// pick takes views of [V, N, size].
func (a adder) pick(name, x string, views ...int64) string {
	list := a.b.Initializer(onnxgraph.NewInts(a.b.Unique(a.name+"."+name+"/views"), views...))
	return a.b.Op("Gather", a.name+"."+name, []string{x, list}, onnxgraph.IntAttr("axis", 0))
}

// rows makes rows of [views, N, size].
func (a adder) rows(name, x string, size int) string { return a.reshape(name, x, -1, int64(size)) }

func (a adder) reshape(name, x string, shape ...int64) string {
	target := a.b.Initializer(onnxgraph.NewInts(a.b.Unique(a.name+"."+name+"/shape"), shape...))
	return a.b.Op("Reshape", a.name+"."+name, []string{x, target})
}

// Extend adds heads, which ValidateList has found right, to a graph, in their order. The graph's outputs are left to
// the caller. An error is about what the graph has: a head's input is no matrix, or a name is taken.
func Extend(m *onnxgraph.Model, list []Head, seed uint64) error {
	b := onnxgraph.Extend(m)
	for _, h := range list {
		h = h.Resolved()
		types, err := onnxgraph.Infer(m)
		if err != nil {
			return err
		}
		in, err := Columns(h.Input, types)
		if err != nil {
			return fmt.Errorf("head %s: %w", h.Name, err)
		}
		for _, t := range m.GetGraph().GetInitializer() {
			if strings.HasPrefix(t.GetName(), h.Name+".") {
				return fmt.Errorf("head %s: the graph has a parameter %q already, choose another name", h.Name,
					t.GetName())
			}
		}
		if b.Has(h.Output) {
			return fmt.Errorf("head %s: the graph has a value %q already, choose another output", h.Name, h.Output)
		}
		if h.Kind == Conditioned && b.Has(graph.Draws) && !isInput(m, graph.Draws) {
			return fmt.Errorf("head %s: the graph has a value called %q, a name that ordo needs: rename it", h.Name,
				graph.Draws)
		}
		h.Add(b, in, seed)
	}
	return nil
}

func isInput(m *onnxgraph.Model, name string) bool {
	stored := slices.ContainsFunc(m.GetGraph().GetInitializer(),
		func(t *onnxgraph.Tensor) bool { return t.GetName() == name })
	return !stored &&
		slices.ContainsFunc(m.GetGraph().GetInput(), func(v *onnxgraph.ValueInfo) bool { return v.GetName() == name })
}

// Columns is the second dimension of a matrix [rows, n] of a free number of rows, as a loss and heads take it.
func Columns(name string, types *onnxgraph.Types) (int, error) {
	typ := types.Of[name]
	if s := typ.Shape; typ.Elem != onnxgraph.Float32 || len(s) != 2 || s[0].Static() || !s[1].Static() ||
		s[1].Size < 1 {
		return 0, fmt.Errorf("output %s is %v, it must be float[batch,n]", name, typ)
	}
	return int(typ.Shape[1].Size), nil
}

type adder struct {
	b    *onnxgraph.Builder
	seed uint64
	name string // of the head
}

// linear is y = x·Wᵀ + b, or without b.
func (a adder) linear(name, output, x string, in, out int, bias bool) string {
	dims := []int64{int64(out), int64(in)}
	inputs := []string{x, a.evenly(name+".weight", dims, in)}
	if bias {
		inputs = append(inputs, a.evenly(name+".bias", dims[:1], in))
	}
	return a.b.Op("Gemm", output, inputs, onnxgraph.IntAttr("transB", 1))
}

func (a adder) norm(name, x string, size int) string {
	inputs := []string{
		x, a.fill(name+".weight", size, 1), a.fill(name+".bias", size, 0),
		a.fill(name+".running_mean", size, 0), a.fill(name+".running_var", size, 1),
	}
	return a.b.Op("BatchNormalization", name, inputs, onnxgraph.FloatAttr("epsilon", epsilon),
		onnxgraph.FloatAttr("momentum", momentum))
}

func (a adder) fill(name string, size int, v float32) string {
	return a.b.Initializer(onnxgraph.NewFloats(name, []int64{int64(size)}, slices.Repeat([]float32{v}, size)))
}

// evenly stores a tensor of values from ±1/√inputs.
func (a adder) evenly(name string, dims []int64, inputs int) string {
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	return a.b.Initializer(onnxgraph.NewFloats(name, dims, Evenly(a.seed, name, int(count), inputs)))
}

// Evenly draws the initial values of a parameter of torch's Linear with that many inputs, evenly from ±1/√inputs: a
// function of seed and name.
func Evenly(seed uint64, name string, count, inputs int) []float32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	bound := 1 / math.Sqrt(float64(inputs))
	values := make([]float32, count)
	for i := range values {
		unit := 2*r.Float64() - 1 // exact, so that no machine rounds it differently
		values[i] = float32(bound * unit)
	}
	return values
}
