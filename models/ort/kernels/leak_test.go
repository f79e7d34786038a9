package kernels_test

import (
	"slices"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// TestSessionsGiveMemoryBack opens and closes sessions with convolutions, by oneDNN and by ordo's own loops, and a
// norm.
func TestSessionsGiveMemoryBack(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	e := newExample(convolution(2, 32, 64, 6, 3, 1, 1, 1, 1), 1)
	g := newGraph(t, rt)
	e.inputs(g)
	outputs := slices.Concat(e.ours(g), e.by(g, "direct"), e.by(g, "winograd"))
	rows, width := 8, 1<<12
	g.input("rows", constant(rows*width, 1), rows, width)
	g.input("scale", constant(width, 1), width)
	g.input("row", constant(rows, 1), rows)
	g.op("LayerNormGrad", []string{"rows", "rows", "scale", "row", "row"}, []string{"", "dscale"})
	openAndClose(t, g, append(outputs, "dscale"))
}

// TestSessionsOfProductsGiveMemoryBack does so with products.
func TestSessionsOfProductsGiveMemoryBack(t *testing.T) {
	g := newGraph(t, orttest.OpenWithKernels(t))
	l := newLayer(16, 200, 240, true)
	l.inputs(g)
	g.op("MatMul", []string{"x", "dy"}, []string{"products"}, onnxgraph.IntsAttr("perm_a", 1, 0))
	openAndClose(t, g, append(l.ours(g), "products"))
}

// openAndClose opens sessions of a graph, runs and closes them. Each has far more scratch than a session may leave
// behind.
func openAndClose(t *testing.T, g *graph, outputs []string) {
	t.Helper()
	scratch := 0
	orttest.NoLeak(t, func() {
		s, err := g.open(2, outputs...)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			results, err := s.Run(g.inputs)
			if err != nil {
				t.Fatal(err)
			}
			ort.Release(results)
		}
		scratch = s.Scratch()
		s.Close()
	})
	if scratch < 1<<15 {
		t.Errorf("%d bytes of scratch, too few to tell anything", scratch)
	}
}
