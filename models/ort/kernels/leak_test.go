//go:build linux

package kernels_test

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// resident is the process's memory in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestSessionsGiveMemoryBack opens and closes sessions whose scratch alone would be hundreds of megabytes if it stayed.
func TestSessionsGiveMemoryBack(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	e := newExample(convolution(4, 256, 512, 4, 3, 1, 1, 1, 1), 1)
	g := newGraph(t, rt)
	e.inputs(g)
	outputs := slices.Concat(e.ours(g), e.by(g, "direct"), e.by(g, "winograd"))
	rows, width := 8, 1<<18
	g.input("rows", constant(rows*width, 1), rows, width)
	g.input("scale", constant(width, 1), width)
	g.input("row", constant(rows, 1), rows)
	g.op("LayerNormGrad", []string{"rows", "rows", "scale", "row", "row"}, []string{"", "dscale"})
	openAndClose(t, g, append(outputs, "dscale"))
}

// TestSessionsOfProductsGiveMemoryBack does so with products.
func TestSessionsOfProductsGiveMemoryBack(t *testing.T) {
	g := newGraph(t, orttest.OpenWithKernels(t))
	l := newLayer(64, 2000, 2400, true)
	l.inputs(g)
	g.op("MatMul", []string{"x", "dy"}, []string{"products"}, onnxgraph.IntsAttr("perm_a", 1, 0))
	openAndClose(t, g, append(l.ours(g), "products"))
}

// openAndClose opens sessions of a graph, runs and closes them.
func openAndClose(t *testing.T, g *graph, outputs []string) {
	t.Helper()
	var after [40]int
	var scratch int
	for i := range after {
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
		runtime.GC()
		after[i] = resident(t)
	}
	if scratch < 1<<20 {
		t.Fatalf("%d bytes of scratch, too few to tell anything", scratch)
	}
	if grown := after[len(after)-1] - after[9]; grown > 5*scratch {
		t.Errorf("30 sessions with %d kB of scratch left %d kB", scratch>>10, grown>>10)
	}
	t.Logf("scratch %d kB, resident %d kB after 10 sessions, %d kB after 40", scratch>>10, after[9]>>10, after[39]>>10)
}
