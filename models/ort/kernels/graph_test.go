package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// graph is a graph of operators under test with the values of its inputs.
type graph struct {
	t      testing.TB
	rt     *ort.Runtime
	b      *onnxgraph.Builder
	inputs []*ort.Tensor
	n      int
}

func newGraph(t testing.TB, rt *ort.Runtime) *graph {
	b := onnxgraph.NewBuilder("operators", 17)
	b.Import("ordo", 1)
	b.Import("com.microsoft", 1)
	return &graph{t: t, rt: rt, b: b}
}

// input adds an input with these values.
func (g *graph) input(name string, values []float32, shape ...int) string {
	g.t.Helper()
	x, err := g.rt.NewTensor(shape...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(x.Close)
	if copy(x.Data(), values) != len(x.Data()) {
		g.t.Fatalf("input %s: %d values for %v", name, len(values), shape)
	}
	g.inputs = append(g.inputs, x)
	sizes := make([]int64, len(shape))
	for i, d := range shape {
		sizes[i] = int64(d)
	}
	g.b.Input(name, onnxgraph.FloatType(onnxgraph.Static(sizes...)))
	return name
}

// op adds a node of ours; an output that begins with an underscore is left out.
func (g *graph) op(op string, inputs, outputs []string, attributes ...*onnxgraph.Attribute) {
	g.node("ordo", op, inputs, outputs, attributes...)
}

func (g *graph) node(domain, op string, inputs, outputs []string, attributes ...*onnxgraph.Attribute) {
	g.n++
	g.b.Append(
		&onnxgraph.Node{
			Name:      fmt.Sprint("node", g.n),
			Domain:    domain,
			OpType:    op,
			Input:     inputs,
			Output:    outputs,
			Attribute: attributes,
		},
	)
}

// nhwc and nchw reorder a value.
func (g *graph) nhwc(name string) string { return g.reorder(name, "nhwc") }
func (g *graph) nchw(name string) string { return g.reorder(name, "nchw") }

func (g *graph) reorder(name, to string) string {
	out := g.b.Unique(name + "_" + to)
	g.op("Reorder", []string{name}, []string{out}, onnxgraph.StringAttr("to", to))
	return out
}

// session opens the graph with these outputs, of any shape.
func (g *graph) session(threads int, outputs ...string) *ort.Session {
	g.t.Helper()
	s, err := g.open(threads, outputs...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(s.Close)
	return s
}

func (g *graph) open(threads int, outputs ...string) (*ort.Session, error) {
	m := g.b.Model()
	m.Graph.Output = nil
	for _, o := range outputs {
		m.Graph.Output = append(m.Graph.Output, onnxgraph.NewValueInfo(o, onnxgraph.TensorType{Elem: onnxgraph.Float32}))
	}
	data, err := m.Encode()
	if err != nil {
		g.t.Fatal(err)
	}
	return g.rt.NewSession(data, ort.SessionOptions{Threads: threads})
}

// run gives copies of the outputs' values.
func (g *graph) run(s *ort.Session) [][]float32 {
	g.t.Helper()
	results, err := s.Run(g.inputs)
	if err != nil {
		g.t.Fatal(err)
	}
	defer ort.Release(results)
	values := make([][]float32, len(results))
	for i, r := range results {
		values[i] = append([]float32(nil), r.Data...)
	}
	return values
}

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// distance is the relative L2 distance of two results.
func distance[A, B float32 | float64](got []A, want []B) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, n float64
	for i := range got {
		e := float64(got[i]) - float64(want[i])
		d += e * e
		n += float64(want[i]) * float64(want[i])
	}
	if n == 0 {
		return math.Sqrt(d)
	}
	return math.Sqrt(d / n)
}

func near[A, B float32 | float64](t testing.TB, what string, got []A, want []B, tolerance float64) {
	t.Helper()
	if d := distance(got, want); !(d <= tolerance) {
		t.Errorf("%s: relative distance %.3g, at most %.3g", what, d, tolerance)
	}
}
