package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// by adds the forward pass with bias and the gradient by the input, by an algorithm; the results are y and dx.
func (e example) by(g *graph, algorithm string) []string {
	a := append(attributes(e.c, true), onnxgraph.StringAttr("algorithm", algorithm))
	x, dy := g.nhwc("x"), g.nhwc("dy")
	y, dx := g.b.Unique("y"), g.b.Unique("dx")
	g.op("Conv", []string{x, "w", "b"}, []string{y}, a...)
	g.op("ConvGrad", []string{dy, x, "w"}, []string{dx}, a...)
	return []string{g.nchw(y), g.nchw(dx)}
}

func winogradCases() []kernels.Convolution {
	wide := convolution(3, 32, 16, 1, 3, 1, 1, 1, 1)
	wide.Height, wide.Width, wide.Pads = 6, 13, [4]int{0, 2, 1, 0}
	high := convolution(2, 16, 48, 1, 3, 1, 1, 1, 1)
	high.Height, high.Width, high.Pads = 11, 3, [4]int{2, 0, 0, 1}
	cases := []kernels.Convolution{
		wide, high,
		convolution(5, 48, 80, 8, 3, 1, 1, 1, 1),   // panels of two vectors and one
		convolution(1, 16, 16, 16, 3, 1, 1, 1, 1),  // one image for several threads
		convolution(7, 16, 32, 4, 3, 1, 1, 1, 1),   // one tile an image
		convolution(3, 192, 176, 4, 3, 1, 1, 1, 1), // filter by filter
		convolution(40, 16, 16, 10, 3, 1, 1, 1, 1), // several blocks
		convolution(2, 16, 16, 3, 3, 1, 0, 1, 1),   // one pixel of output
		convolution(130, 64, 64, 1, 3, 1, 1, 1, 1), // one pixel of input
	}
	for pad := range 3 {
		for _, size := range []int{3, 5, 7, 9} {
			cases = append(cases, convolution(2, 16, 32, size, 3, 1, pad, 1, 1))
		}
	}
	return cases
}

// TestWinograd holds both passes against the definition, for all widths of vectors that have the algorithm.
func TestWinograd(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	defer kernels.LimitVectors(512)
	for _, c := range winogradCases() {
		t.Run(name(c), func(t *testing.T) {
			e := newExample(c, 1)
			want := e.exact()
			for _, bits := range []int{512, 256} {
				kernels.LimitVectors(bits)
				if kernels.VectorBits() != bits {
					continue
				}
				g := newGraph(t, rt)
				e.inputs(g)
				outputs := e.by(g, "winograd")
				var first [][]float32
				for _, threads := range []int{1, 2, 5} {
					got := g.run(g.session(threads, outputs...))
					if first == nil {
						first = got
					}
					for i := range got {
						near(t, fmt.Sprintf("%d bits, %d threads: %s", bits, threads, resultNames[i]), got[i], want[i], 2e-6)
						if !slices.Equal(got[i], first[i]) {
							t.Errorf("%d bits: %s has other bits with %d threads than with 1", bits, resultNames[i], threads)
						}
					}
				}
			}
		})
	}
}

// TestWinogradErrors measures the relative errors of both algorithms on what a network has: inputs normalised and
// through a ReLU, weights as they are drawn, gradients of both signs. go test -v shows them.
func TestWinogradErrors(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if kernels.VectorBits() < 256 {
		t.Skip("no vectors for it")
	}
	for _, layer := range [][3]int{{16, 32, 1}, {32, 16, 1}, {64, 8, 2}, {128, 4, 4}, {64, 32, 1}, {128, 16, 1},
		{256, 8, 1}, {512, 4, 1}} {
		if testing.Short() && layer[0] > 128 {
			continue
		}
		e := newExample(convolution(layer[2], layer[0], layer[0], layer[1], 3, 1, 1, 1, 1), 1)
		for i, x := range e.x {
			e.x[i] = max(0, x)
		}
		for i := range e.w {
			e.w[i] *= float32(math.Sqrt(2 / float64(9*layer[0])))
		}
		clear(e.b)
		want := e.exact()
		g := newGraph(t, rt)
		e.inputs(g)
		outputs := append(e.by(g, "direct"), e.by(g, "winograd")...)
		got := g.run(g.session(2, outputs...))
		var d [4]float64
		for i := range d {
			d[i] = distance(got[i], want[i%2])
		}
		t.Logf(
			"%3d channels, %2d pixels: forward direct %.2g, winograd %.2g; gradient by the input direct %.2g, winograd %.2g",
			layer[0],
			layer[1],
			d[0],
			d[2],
			d[1],
			d[3],
		)
		if limit := 3e-6; !(d[2] < limit && d[3] < limit) {
			t.Errorf("%d channels: errors of %.3g and %.3g, at most %.3g", layer[0], d[2], d[3], limit)
		}
	}
}

// TestWinogradOfChance: shapes that nobody would think of.
func TestWinogradOfChance(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	lanes := kernels.VectorBits() / 32
	if lanes < 8 {
		t.Skip("no vectors for it")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		c := convolution(1+rng.IntN(9), lanes*(1+rng.IntN(5)), lanes*(1+rng.IntN(5)), 1, 3, 1, 0, 1, 1)
		c.Height, c.Width = 3+rng.IntN(15), 3+rng.IntN(15)
		for i := range c.Pads {
			c.Pads[i] = rng.IntN(3)
		}
		t.Run(name(c), func(t *testing.T) {
			e := newExample(c, rng.Uint64())
			want := e.exact()
			g := newGraph(t, rt)
			e.inputs(g)
			for i, got := range g.run(g.session(1+rng.IntN(4), e.by(g, "winograd")...)) {
				near(t, resultNames[i], got, want[i], 3e-6)
			}
		})
	}
}

func TestWinogradRefuses(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for what, c := range map[string]kernels.Convolution{
		"algorithm winograd is for": convolution(2, 16, 16, 8, 3, 2, 1, 1, 1),
		"numbers of channels":       convolution(2, 17, 16, 8, 3, 1, 1, 1, 1),
	} {
		e := newExample(c, 1)
		g := newGraph(t, rt)
		e.inputs(g)
		_, err := g.session(2, e.by(g, "winograd")...).Run(g.inputs)
		checkError(t, err, "ordo::Conv", what)
	}
	e := newExample(convolution(2, 16, 16, 8, 3, 1, 1, 1, 1), 1)
	g := newGraph(t, rt)
	e.inputs(g)
	_, err := g.open(2, e.by(g, "fft")...)
	checkError(t, err, "algorithm must be auto, direct or winograd", "")
}

// TestWinogradWherePays: oneDNN keeps what it does better.
func TestWinogradWherePays(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if kernels.VectorBits() < 512 {
		t.Skip("what pays is known for vectors of 512 bits")
	}
	bf16 := func(c kernels.Convolution) kernels.Convolution {
		c.Precision = kernels.BF16
		return c
	}
	for _, c := range []struct {
		kernels.Convolution
		uses int
	}{
		{convolution(64, 16, 16, 32, 3, 1, 1, 1, 1), 3},
		{convolution(64, 512, 512, 4, 3, 1, 1, 1, 1), 3},
		{convolution(64, 512, 512, 2, 3, 1, 1, 1, 1), 1}, // the gradient by the weights only
		{convolution(64, 64, 64, 5, 3, 1, 1, 1, 1), 1},
		{convolution(64, 64, 64, 1, 3, 1, 1, 1, 1), 0},
		{convolution(64, 64, 64, 8, 3, 2, 1, 1, 1), 0},
		{convolution(64, 3, 64, 32, 3, 1, 1, 1, 1), 0},
		{convolution(64, 64, 64, 32, 5, 1, 2, 1, 1), 0},
		{bf16(convolution(64, 128, 128, 16, 3, 1, 1, 1, 1)), 3},
		{bf16(convolution(64, 16, 16, 32, 3, 1, 1, 1, 1)), 1},
	} {
		if c.Precision == kernels.BF16 && !rt.Kernels().BF16() {
			continue
		}
		says, err := rt.Kernels().Supports(c.Convolution)
		if err != nil {
			t.Fatal(err)
		}
		if uses := strings.Count(says, "winograd"); uses != c.uses {
			t.Errorf("%s: %s, want it %d times", name(c.Convolution), says, c.uses)
		}
	}
}

// TestWinogradKeepsNothing of one shape when it sees another.
func TestWinogradKeepsNothing(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if kernels.VectorBits() < 256 {
		t.Skip("no vectors for it")
	}
	g := newGraph(t, rt)
	shape := func(channels int64) onnxgraph.TensorType {
		return onnxgraph.FloatType(onnxgraph.Shape{{Param: "n"}, {Size: channels}, {Param: "h"}, {Param: "w"}})
	}
	g.b.Input("x", shape(16))
	g.b.Input("dy", shape(32))
	rng := rand.New(rand.NewPCG(3, 3))
	w, b := normal(rng, 32*16*9), normal(rng, 32)
	g.input("w", w, 32, 16, 3, 3)
	g.input("b", b, 32)
	c := convolution(1, 16, 32, 1, 3, 1, 1, 1, 1)
	s := g.session(3, example{c: c}.by(g, "winograd")...)
	parameters := g.inputs
	for i := range 30 {
		c.Batch, c.Height, c.Width = 1+i%7, 1+i%11, 1+i%5
		e := newExample(c, uint64(i))
		e.w, e.b = w, b
		want := e.exact()
		in := newGraph(t, rt)
		in.input("x", e.x, c.Batch, 16, c.Height, c.Width)
		in.input("dy", e.dy, c.Batch, 32, c.Height, c.Width)
		in.inputs = append(in.inputs, parameters...)
		results, err := s.Run(in.inputs)
		if err != nil {
			t.Fatal(err)
		}
		for k, r := range results {
			near(t, fmt.Sprintf("%s: %s", name(c), resultNames[k]), r.Data, want[k], 2e-6)
		}
		ort.Release(results)
	}
}
