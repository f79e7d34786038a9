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

// convolution makes one with square images, kernels and strides, and the same padding on all sides.
func convolution(batch, channels, filters, size, kernel, stride, pad, dilation, groups int) kernels.Convolution {
	return kernels.Convolution{
		Batch:    batch,
		Channels: channels,
		Filters:  filters,
		Height:   size,
		Width:    size,
		Kernel:   [2]int{kernel, kernel},
		Strides: [2]int{
			stride,
			stride,
		},
		Pads:      [4]int{pad, pad, pad, pad},
		Dilations: [2]int{dilation, dilation},
		Groups:    groups,
	}
}

func outSize(c kernels.Convolution) (h, w int) {
	size := func(n, axis int) int {
		return (n+c.Pads[axis]+c.Pads[axis+2]-(c.Kernel[axis]-1)*c.Dilations[axis]-1)/c.Strides[axis] + 1
	}
	return size(c.Height, 0), size(c.Width, 1)
}

func attributes(c kernels.Convolution, ours bool) []*onnxgraph.Attribute {
	ints := func(name string, v []int) *onnxgraph.Attribute {
		var out []int64
		for _, x := range v {
			out = append(out, int64(x))
		}
		return onnxgraph.IntsAttr(name, out...)
	}
	a := []*onnxgraph.Attribute{
		ints(
			"kernel_shape",
			c.Kernel[:],
		),
		ints("strides", c.Strides[:]),
		ints("pads", c.Pads[:]),
		ints("dilations", c.Dilations[:]),
		onnxgraph.IntAttr("group", int64(c.Groups)),
	}
	if ours && c.Precision != "" {
		a = append(a, onnxgraph.StringAttr("precision", c.Precision))
	}
	return a
}

// example holds the inputs of a convolution and its gradients.
type example struct {
	c             kernels.Convolution
	x, w, b, dy   []float32
	height, width int // of the output
}

func newExample(c kernels.Convolution, seed uint64) example {
	rng := rand.New(rand.NewPCG(seed, 7))
	e := example{c: c}
	e.height, e.width = outSize(c)
	e.x = normal(rng, c.Batch*c.Channels*c.Height*c.Width)
	e.w = normal(rng, c.Filters*c.Channels/c.Groups*c.Kernel[0]*c.Kernel[1])
	e.b = normal(rng, c.Filters)
	e.dy = normal(rng, c.Batch*c.Filters*e.height*e.width)
	return e
}

// inputs adds the example to a graph.
func (e example) inputs(g *graph) {
	c := e.c
	g.input("x", e.x, c.Batch, c.Channels, c.Height, c.Width)
	g.input("w", e.w, c.Filters, c.Channels/c.Groups, c.Kernel[0], c.Kernel[1])
	g.input("b", e.b, c.Filters)
	g.input("dy", e.dy, c.Batch, c.Filters, e.height, e.width)
}

// ours adds our operators; the results are y, dx, dw and db.
func (e example) ours(g *graph) []string {
	x, dy := g.nhwc("x"), g.nhwc("dy")
	g.op("Conv", []string{x, "w", "b"}, []string{"y_own"}, attributes(e.c, true)...)
	g.op("ConvGrad", []string{dy, x, "w"}, []string{"dx_own", "dw_own", "db_own"}, attributes(e.c, true)...)
	return []string{g.nchw("y_own"), g.nchw("dx_own"), "dw_own", "db_own"}
}

func (e example) stock(g *graph) []string {
	g.node("", "Conv", []string{"x", "w", "b"}, []string{"y"}, attributes(e.c, false)...)
	g.node("com.microsoft", "ConvGrad", []string{"dy", "x", "w"}, []string{"dx", "dw", "db"}, attributes(e.c, false)...)
	return []string{"y", "dx", "dw", "db"}
}

// exact computes the results in float64 by their definition. With convolutions y = Σ x·w, the gradients are the same
// sums over the other pairs.
func (e example) exact() [4][]float64 {
	c := e.c
	y, dx := make([]float64, len(e.dy)), make([]float64, len(e.x))
	dw, db := make([]float64, len(e.w)), make([]float64, len(e.b))
	in, out := c.Channels/c.Groups, c.Filters/c.Groups
	for n := range c.Batch {
		for f := range c.Filters {
			for i := range e.height {
				for j := range e.width {
					at := ((n*c.Filters+f)*e.height+i)*e.width + j
					y[at] = float64(e.b[f])
					d := float64(e.dy[at])
					db[f] += d
					for k := range in {
						for a := range c.Kernel[0] {
							for b := range c.Kernel[1] {
								row, column := i*c.Strides[0]-c.Pads[0]+a*c.Dilations[0], j*c.Strides[1]-c.Pads[1]+b*c.Dilations[1]
								if row < 0 || row >= c.Height || column < 0 || column >= c.Width {
									continue
								}
								xi := ((n*c.Channels+f/out*in+k)*c.Height+row)*c.Width + column
								wi := ((f*in+k)*c.Kernel[0]+a)*c.Kernel[1] + b
								y[at] += float64(e.x[xi]) * float64(e.w[wi])
								dx[xi] += d * float64(e.w[wi])
								dw[wi] += d * float64(e.x[xi])
							}
						}
					}
				}
			}
		}
	}
	return [4][]float64{y, dx, dw, db}
}

var resultNames = [4]string{"Y", "dX", "dW", "dB"}

func convolutionCases() []kernels.Convolution {
	rectangle := convolution(3, 8, 12, 1, 1, 1, 0, 1, 1)
	rectangle.Height, rectangle.Width, rectangle.Kernel, rectangle.Strides = 7, 11, [2]int{3, 5}, [2]int{2, 1}
	rectangle.Pads, rectangle.Dilations = [4]int{0, 3, 2, 1}, [2]int{1, 2}
	big := convolution(2, 16, 16, 9, 3, 2, 1, 1, 1)
	big.Pads = [4]int{1, 0, 2, 1}
	tf := convolution(4, 3, 8, 8, 3, 2, 0, 1, 1) // padding "SAME" of an even image, all at the end
	tf.Pads = [4]int{0, 0, 1, 1}
	return []kernels.Convolution{
		convolution(6, 16, 16, 8, 3, 1, 1, 1, 1),
		convolution(5, 3, 16, 8, 3, 1, 1, 1, 1),
		convolution(3, 3, 8, 16, 7, 2, 3, 1, 1),
		convolution(4, 16, 32, 8, 1, 2, 0, 1, 1),
		convolution(4, 24, 72, 4, 1, 1, 0, 1, 1),
		convolution(4, 32, 32, 6, 3, 1, 1, 1, 4),
		convolution(4, 15, 10, 6, 3, 2, 1, 1, 5),
		convolution(3, 10, 20, 5, 3, 1, 1, 1, 10),
		convolution(4, 24, 24, 8, 3, 1, 1, 1, 24),
		convolution(4, 24, 24, 8, 3, 2, 1, 1, 24),
		convolution(3, 40, 40, 8, 5, 2, 2, 1, 40),
		convolution(3, 18, 18, 8, 7, 1, 3, 1, 18),
		convolution(3, 8, 8, 9, 3, 1, 2, 2, 8),
		convolution(3, 16, 16, 9, 3, 1, 2, 2, 1),
		convolution(1, 1, 1, 5, 3, 1, 1, 1, 1),
		convolution(1, 16, 16, 1, 1, 1, 0, 1, 1),
		convolution(2, 5, 7, 4, 4, 4, 0, 1, 1),
		convolution(40, 16, 24, 1, 3, 2, 1, 1, 1), // most of the kernel meets no pixel
		rectangle, big, tf,
	}
}

func name(c kernels.Convolution) string {
	return fmt.Sprintf(
		"%dx%dto%d_%dx%d_k%v_s%v_p%v_d%v_g%d%s",
		c.Batch,
		c.Channels,
		c.Filters,
		c.Height,
		c.Width,
		c.Kernel,
		c.Strides,
		c.Pads,
		c.Dilations,
		c.Groups,
		c.Precision,
	)
}

func TestConvolution(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range convolutionCases() {
		t.Run(name(c), func(t *testing.T) { checkConvolution(t, rt, c, true) })
	}
}

// checkConvolution holds our operators against the definition and the stock ones, with several numbers of threads, more
// than images among them.
func checkConvolution(t *testing.T, rt *ort.Runtime, c kernels.Convolution, stock bool) {
	e := newExample(c, 1)
	want := e.exact()
	for _, threads := range []int{1, 2, 5} {
		g := newGraph(t, rt)
		e.inputs(g)
		outputs := e.ours(g)
		if stock {
			outputs = append(outputs, e.stock(g)...)
		}
		got := g.run(g.session(threads, outputs...))
		for i, what := range resultNames {
			near(t, fmt.Sprintf("%d threads: %s", threads, what), got[i], want[i], 2e-6)
			if stock {
				near(t, fmt.Sprintf("%d threads: stock %s", threads, what), got[4+i], want[i], 2e-6)
			}
		}
	}
}

// compare runs our operators on an example.
func compare(t *testing.T, rt *ort.Runtime, e example, threads int, tolerance float64) {
	t.Helper()
	g := newGraph(t, rt)
	e.inputs(g)
	results, err := g.session(threads, e.ours(g)...).Run(g.inputs)
	if err != nil {
		t.Fatal(err)
	}
	defer ort.Release(results)
	check(t, results, e.exact(), tolerance)
}

// check holds Y, dX, dW and dB against the definition.
func check(t *testing.T, results []ort.Result, want [4][]float64, tolerance float64) {
	t.Helper()
	for i, what := range resultNames {
		limit := tolerance
		if len(want[i]) < 20 {
			limit = 1e-3 // of few sums all may be near zero by chance
		}
		near(t, what, results[i].Data, want[i], limit)
	}
}

func TestConvolutionInBF16(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if !rt.Kernels().BF16() {
		t.Skip("the processor has no instructions for bfloat16")
	}
	for _, c := range convolutionCases() {
		c.Precision = kernels.BF16
		if _, err := rt.Kernels().Supports(c); err != nil { // it is left to ONNX Runtime
			continue
		}
		t.Run(name(c), func(t *testing.T) {
			e := newExample(c, 1)
			want := e.exact()
			g := newGraph(t, rt)
			e.inputs(g)
			got := g.run(g.session(2, e.ours(g)...))
			for i, what := range resultNames {
				// Each factor is rounded to 8 bits, by 2⁻⁹ at most and about 2⁻⁹/√3·√2 in the mean of a product.
				near(t, what, got[i], want[i], 4e-3)
			}
		})
	}
}

func TestConvolutionLeavesOutputsOut(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	e := newExample(convolution(4, 3, 8, 8, 3, 1, 1, 1, 1), 1)
	want := e.exact()
	g := newGraph(t, rt)
	e.inputs(g)
	g.op("ConvGrad", []string{g.nhwc("dy"), g.nhwc("x"), "w"}, []string{"", "dw"}, attributes(e.c, true)...)
	g.op("Conv", []string{g.nhwc("x"), "w"}, []string{"y"}, attributes(e.c, true)...)
	got := g.run(g.session(2, "dw", g.nchw("y")))
	near(t, "dW", got[0], want[2], 2e-6)
	for i := range want[0] {
		want[0][i] -= float64(e.b[i/(e.height*e.width)%e.c.Filters])
	}
	near(t, "Y", got[1], want[0], 2e-6)
}

// TestConvolutionShapesInTurn: one node sees more shapes than it keeps primitives for.
func TestConvolutionShapesInTurn(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	g := newGraph(t, rt)
	c := convolution(1, 6, 8, 6, 3, 1, 1, 1, 1)
	rng := rand.New(rand.NewPCG(3, 3))
	free := func(name string, channels int64) {
		g.b.Input(name, onnxgraph.FloatType(onnxgraph.Shape{{Param: "n"}, {Size: channels}, {Param: "h"}, {Param: "w"}}))
	}
	free("x", 6)
	free("dy", 8)
	w := normal(rng, 8*6*9)
	g.input("w", w, 8, 6, 3, 3)
	x, dy := g.nhwc("x"), g.nhwc("dy")
	g.op("Conv", []string{x, "w"}, []string{"y"}, attributes(c, true)...)
	g.op("ConvGrad", []string{dy, x, "w"}, []string{"dx", "dw"}, attributes(c, true)...)
	s := g.session(3, g.nchw("y"), g.nchw("dx"), "dw")
	weights := g.inputs[0]
	for round := range 2 {
		for i := range 24 {
			c.Batch, c.Height, c.Width = 1+i%7, 3+i%5, 3+i%3
			e := newExample(c, uint64(i))
			e.w = w
			clear(e.b)
			want := e.exact()
			in := newGraph(t, rt)
			in.input("x", e.x, c.Batch, c.Channels, c.Height, c.Width)
			in.input("dy", e.dy, c.Batch, c.Filters, e.height, e.width)
			in.inputs = append(in.inputs, weights)
			for k, got := range in.run(s) {
				near(t, fmt.Sprintf("round %d, %s: %s", round, name(c), resultNames[k]), got, want[k], 2e-6)
			}
		}
	}
}

func TestConvolutionIsRepeatable(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range []kernels.Convolution{convolution(13, 16, 24, 9, 3, 2, 1, 1, 1),
		convolution(13, 24, 24, 9, 5, 1, 2, 1, 24)} {
		e := newExample(c, 1)
		var first [][]float32
		for run := range 4 {
			g := newGraph(t, rt)
			e.inputs(g)
			got := g.run(g.session(3, e.ours(g)...))
			if first == nil {
				first = got
			}
			for i := range got {
				if !slices.Equal(got[i], first[i]) {
					t.Errorf("%s: run %d: %s has other bits than before", name(c), run, resultNames[i])
				}
			}
		}
	}
}

func TestConvolutionRefuses(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	good := convolution(2, 4, 4, 5, 3, 1, 1, 1, 1)
	for what, change := range map[string]func(c *kernels.Convolution){
		"the kernel is larger than the image":   func(c *kernels.Convolution) { c.Kernel = [2]int{3, 8} },
		"the padding is as large as the kernel": func(c *kernels.Convolution) { c.Pads = [4]int{0, 3, 0, 0} },
		"groups":                                func(c *kernels.Convolution) { c.Groups = 3 },
		"precision must be f32 or bf16":         func(c *kernels.Convolution) { c.Precision = "f64" },
	} {
		c := good
		change(&c)
		g := newGraph(t, rt)
		g.input("x", make([]float32, 200), 2, 4, 5, 5)
		g.input("w", make([]float32, 4*4*c.Kernel[0]*c.Kernel[1]), 4, 4, c.Kernel[0], c.Kernel[1])
		g.op("Conv", []string{g.nhwc("x"), "w"}, []string{"y"}, attributes(c, true)...)
		s, err := g.open(2, "y")
		if err == nil {
			defer s.Close()
			_, err = s.Run(g.inputs)
		}
		checkError(t, err, "ordo::Conv node", what)
		_, err = rt.Kernels().Supports(c)
		checkError(t, err, "no fast kernel", "")
	}
}
