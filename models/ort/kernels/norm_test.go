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

func checkError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", says)
		return
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q lacks %q", err, s)
		}
	}
}

// normCase is a batch norm and what is fused with it.
type normCase struct {
	batch, channels, height, width int
	relu, residual                 bool
	mean                           float64 // of the input
}

func (c normCase) String() string {
	return fmt.Sprintf(
		"%dx%dx%dx%d_relu=%v_residual=%v_mean=%g",
		c.batch,
		c.channels,
		c.height,
		c.width,
		c.relu,
		c.residual,
		c.mean,
	)
}

const epsilon, momentum = 1e-5, 0.1

// norm computes batch norm and its gradient in float64, in the order N, C, H, W.
func (c normCase) exact(x, scale, bias, residual, dy []float32, y32 []float32) map[string][]float64 {
	pixels, n := c.height*c.width, c.batch*c.height*c.width
	out := map[string][]float64{}
	for _, name := range []string{"y", "dx", "dr"} {
		out[name] = make([]float64, len(x))
	}
	for _, name := range []string{"mean", "inverse", "running_mean", "running_var", "dscale", "dbias"} {
		out[name] = make([]float64, c.channels)
	}
	for k := range c.channels {
		each := func(f func(i int)) {
			for b := range c.batch {
				for p := range pixels {
					f((b*c.channels+k)*pixels + p)
				}
			}
		}
		var mean, variance, sum, product float64
		each(func(i int) { mean += float64(x[i]) / float64(n) })
		each(func(i int) { variance += (float64(x[i]) - mean) * (float64(x[i]) - mean) / float64(n) })
		inverse := 1 / math.Sqrt(variance+epsilon)
		normalised := func(i int) float64 { return (float64(x[i]) - mean) * inverse }
		each(func(i int) {
			out["y"][i] = normalised(i)*float64(scale[k]) + float64(bias[k])
			if c.residual {
				out["y"][i] += float64(residual[i])
			}
			if c.relu {
				out["y"][i] = max(0, out["y"][i])
			}
			// The gate is that of the float32 result, so that a rounding at zero makes no difference.
			if d := float64(dy[i]); !c.relu || y32[i] > 0 {
				out["dr"][i] = d
				sum += d
				product += d * normalised(i)
			}
		})
		each(func(i int) {
			out["dx"][i] = float64(scale[k]) * inverse * (out["dr"][i] - sum/float64(n) - normalised(i)*product/float64(n))
		})
		out["mean"][k], out["inverse"][k], out["dscale"][k], out["dbias"][k] = mean, inverse, product, sum
		out["running_mean"][k] = (1-momentum)*0.5 + momentum*mean
		out["running_var"][k] = (1-momentum)*2 + momentum*variance
	}
	return out
}

func boolAttr(name string, v bool) *onnxgraph.Attribute {
	if v {
		return onnxgraph.IntAttr(name, 1)
	}
	return onnxgraph.IntAttr(name, 0)
}

func constant(n int, v float32) []float32 { return slices.Repeat([]float32{v}, n) }

func checkNorm(t *testing.T, rt *ort.Runtime, c normCase, threads int) {
	rng := rand.New(rand.NewPCG(5, 5))
	size := c.batch * c.channels * c.height * c.width
	x, residual, dy := normal(rng, size), normal(rng, size), normal(rng, size)
	scale, bias := normal(rng, c.channels), normal(rng, c.channels)
	for i := range x {
		x[i] += float32(c.mean)
	}
	g := newGraph(t, rt)
	images := func(name string, v []float32) string {
		return g.nhwc(g.input(name, v, c.batch, c.channels, c.height, c.width))
	}
	xs, ds := images("x", x), images("dy", dy)
	in := []string{
		xs,
		g.input("scale", scale, c.channels),
		g.input("bias", bias, c.channels),
		g.input(
			"running_mean",
			constant(c.channels, 0.5),
			c.channels,
		),
		g.input("running_var", constant(c.channels, 2), c.channels),
	}
	statistics := g.inputs[len(g.inputs)-2:]
	if c.residual {
		in = append(in, images("residual", residual))
	}
	g.op(
		"BatchNorm",
		in,
		[]string{"y", "mean", "inverse"},
		onnxgraph.FloatAttr("epsilon", epsilon),
		onnxgraph.FloatAttr("momentum", momentum),
		boolAttr("relu", c.relu),
	)
	gate := "y"
	if !c.relu {
		gate = xs
	}
	takes := []string{ds, xs, gate, "scale", "mean", "inverse"}
	g.op("BatchNormGrad", takes, []string{"dx", "dscale", "dbias", "dr"}, boolAttr("relu", c.relu))
	// The same without the residual's gradient, which takes another way.
	g.op("BatchNormGrad", takes, []string{"dx2", "dscale2", "dbias2"}, boolAttr("relu", c.relu))
	// A gradient of two parts, with that of the residual and without, where the sum has to be kept elsewhere.
	dy2 := normal(rng, size)
	both := slices.Clone(dy)
	for i, v := range dy2 {
		both[i] += v
	}
	second := images("dy2", dy2)
	takes = append(takes, second)
	g.op("BatchNormGrad", takes, []string{"dx3", "dscale3", "dbias3", "dr3"}, boolAttr("relu", c.relu))
	g.op("BatchNormGrad", takes, []string{"dx4", "dscale4", "dbias4"}, boolAttr("relu", c.relu))
	names := []string{
		g.nchw("y"),
		"mean",
		"inverse",
		g.nchw("dx"),
		"dscale",
		"dbias",
		g.nchw("dr"),
		g.nchw("dx2"),
		"dscale2",
		"dbias2",
		g.nchw("dx3"),
		"dscale3",
		"dbias3",
		g.nchw("dr3"),
		g.nchw("dx4"),
		"dscale4",
		"dbias4",
	}
	// Without a residual, X is enough to know where the ReLU let through.
	if !c.residual {
		alone := []string{ds, xs, xs, "scale", "mean", "inverse", "", "bias"}
		takes = slices.Clone(alone)
		takes[6] = second
		g.op("BatchNormGrad", alone, []string{"dx5", "dscale5", "dbias5", "dr5"}, boolAttr("relu", c.relu))
		g.op("BatchNormGrad", alone, []string{"dx6", "dscale6", "dbias6"}, boolAttr("relu", c.relu))
		g.op("BatchNormGrad", takes, []string{"dx7", "dscale7", "dbias7", "dr7"}, boolAttr("relu", c.relu))
		g.op("BatchNormGrad", takes, []string{"dx8", "dscale8", "dbias8"}, boolAttr("relu", c.relu))
		names = append(names, g.nchw("dx5"), "dscale5", "dbias5", g.nchw("dr5"), g.nchw("dx6"), "dscale6", "dbias6",
			g.nchw("dx7"), "dscale7", "dbias7", g.nchw("dr7"), g.nchw("dx8"), "dscale8", "dbias8")
	}
	s := g.session(threads, names...)
	got := g.run(s)
	running := [2][]float32{slices.Clone(statistics[0].Data()), slices.Clone(statistics[1].Data())}
	for i, again := range g.run(s) {
		if !slices.Equal(got[i], again) {
			t.Errorf("%s: not the same the second time", names[i])
		}
	}
	want := c.exact(x, scale, bias, residual, dy, got[0])
	for k, v := range c.exact(x, scale, bias, residual, both, got[0]) {
		want[k+"+"] = v
	}
	// What float32 can hold of x − mean bounds everything.
	loss := 5e-6 + 1e-7*math.Abs(c.mean)
	for k := range want["mean"] { // a mean near zero is as good as its deviation, 1 here, allows
		want["mean"][k]++
		got[1][k]++
	}
	values := strings.Fields(
		"y mean inverse dx dscale dbias dr dx dscale dbias dx+ dscale+ dbias+ dr+ dx+ dscale+ dbias+ " +
			"dx dscale dbias dr dx dscale dbias dx+ dscale+ dbias+ dr+ dx+ dscale+ dbias+",
	)
	for i, name := range values[:len(got)] {
		limit := loss
		if strings.HasPrefix(name, "dr") {
			limit = 0
		}
		near(t, name, got[i], want[name], limit)
	}
	near(t, "running mean", running[0], want["running_mean"], loss)
	near(t, "running variance", running[1], want["running_var"], loss)
}

// TestReluFromX: BatchNormGrad must compute Y from X to the bit, or a ReLU would be open one way and shut the other.
// The bias is such that many Y are what rounding leaves of 0.
func TestReluFromX(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	defer kernels.LimitVectors(512)
	rng := rand.New(rand.NewPCG(8, 8))
	widest := kernels.VectorBits()
	for bits := 128; bits <= widest; bits *= 2 {
		kernels.LimitVectors(bits)
		for _, channels := range []int{1, 4, 8, 13, 16, 29, 32, 64, 100} {
			const rows = 600
			x, scale := make([]float32, rows*channels), normal(rng, channels)
			for i := range x {
				x[i] = float32(rng.IntN(9)-4)/7 + float32(rng.IntN(3)-1)*1e-7
			}
			bias := make([]float32, channels)
			run := func(what ...string) [][]float32 {
				g := newGraph(t, rt)
				in := []string{g.input("x", x, rows, channels), g.input("scale", scale, channels), g.input("bias", bias, channels),
					g.input("running_mean", constant(channels, 0), channels), g.input("running_var", constant(channels, 1), channels)}
				ones := g.input("ones", constant(len(x), 1), rows, channels)
				g.op("BatchNorm", in, []string{"y", "mean", "inverse"}, boolAttr("relu", true))
				g.op("BatchNorm", in, []string{"z", "mean2", "inverse2"})
				g.op(
					"BatchNormGrad",
					[]string{ones, "x", "x", "scale", "mean", "inverse", "", "bias"},
					[]string{"dx", "ds", "db", "mask"},
					boolAttr("relu", true),
				)
				return g.run(g.session(2, what...))
			}
			got := run("mean", "inverse")
			for k := range bias {
				bias[k] = -(x[k] - got[0][k]) * (scale[k] * got[1][k])
			}
			got = run("y", "mask", "z")
			close, faults := 0, 0
			for i, y := range got[0] {
				if z := got[2][i]; z != 0 && math.Abs(float64(z)) < 1e-6 {
					close++
				}
				if open := y > 0; open != (got[1][i] == 1) {
					faults++
				}
			}
			if faults > 0 || channels > 4 && close < 100 {
				t.Errorf(
					"%d channels, vectors of %d bits: %d of %d masks wrong, %d values near 0",
					channels,
					bits,
					faults,
					len(x),
					close,
				)
			}
		}
	}
}

func TestBatchNorm(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	cases := []normCase{
		{
			4,
			16,
			8,
			8,
			true,
			true,
			0,
		},
		{4, 16, 8, 8, true, false, 0},
		{4, 16, 8, 8, false, true, 0},
		{4, 16, 8, 8, false, false, 0},
		{
			7,
			3,
			5,
			9,
			true,
			true,
			0,
		},
		{2, 40, 3, 3, true, false, 0},
		{5, 1, 11, 13, true, true, 0},
		{3, 513, 2, 2, true, true, 0},
		{
			64,
			8,
			12,
			12,
			true,
			true,
			3,
		},
		{1, 16, 1, 3, false, false, 0},
		{16, 20, 16, 16, true, false, 1000},
		{16, 12, 16, 16, false, true, -5e4},
	}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			for _, threads := range []int{1, 2, 5} {
				checkNorm(t, rt, c, threads)
			}
		})
	}
}

func TestLoopsForOtherProcessors(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	defer kernels.LimitVectors(512)
	widest := kernels.VectorBits()
	for bits := 128; bits <= widest; bits *= 2 {
		kernels.LimitVectors(bits)
		if kernels.VectorBits() != bits {
			t.Fatalf("loops of %d bits, want %d", kernels.VectorBits(), bits)
		}
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			checkNorm(t, rt, normCase{5, 29, 7, 9, true, true, 2}, 2)
			checkNorm(t, rt, normCase{5, 29, 7, 9, false, false, 2}, 2)
			checkConvolution(t, rt, convolution(3, 29, 29, 8, 5, 2, 2, 1, 29), false)
			checkActivations(t, rt)
			checkLayerNorm(t, rt, rowsCase{300, 61, 2, true}, 2)
			checkSoftmaxGradient(t, rt, rowsCase{rows: 300, width: 61}, 2)
			checkChannelScale(t, rt, [4]int{3, 29, 7, 9}, 2)
			checkPools(t, rt, pool{3, 29, 7, 9, [2]int{3, 2}, [2]int{2, 1}, [4]int{1, 0, 1, 1}, [2]int{1, 2}, true, true})
			if rt.Kernels().BF16() {
				c := convolution(3, 29, 7, 8, 5, 2, 2, 1, 1)
				c.Precision = kernels.BF16
				e := newExample(c, 1)
				g := newGraph(t, rt)
				e.inputs(g)
				near(t, "Y in bf16", g.run(g.session(2, e.ours(g)...))[0], e.exact()[0], 4e-3)
			}
		})
	}
}

// TestBatchNormKeepsNaN: a NaN must be seen at the end, or a run would go on with it.
func TestBatchNormKeepsNaN(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	g := newGraph(t, rt)
	x := normal(rand.New(rand.NewPCG(1, 1)), 4*8*3*3)
	x[17] = float32(math.NaN())
	g.op(
		"BatchNorm",
		[]string{
			g.nhwc(g.input("x", x, 4, 8, 3, 3)),
			g.input("scale", constant(8, 1), 8),
			g.input("bias", constant(8, 0), 8),
			g.input(
				"mean",
				constant(8, 0),
				8,
			),
			g.input("var", constant(8, 1), 8),
		},
		[]string{"y", "saved_mean", "inverse"},
		boolAttr("relu", true),
	)
	y := g.run(g.session(2, g.nchw("y")))[0]
	for i, v := range y {
		if isNaN := v != v; isNaN != (i/9%8 == 1) {
			t.Fatalf("Y[%d] is %v", i, v)
		}
	}
}

func TestOperatorsRefuse(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	vector := func(g *graph, name string, n int) string { return g.input(name, constant(n, 1), n) }
	image := func(g *graph, name string, shape ...int) string {
		return g.input(name, constant(shape[0]*shape[1]*shape[2]*shape[3], 1), shape...)
	}
	for _, c := range []struct {
		what string
		add  func(g *graph)
	}{
		{"to must be nhwc or nchw", func(g *graph) { g.op("Reorder", []string{image(g, "x", 1, 2, 3, 4)}, []string{"y"}) }},
		{"X must have rows and channels, it has shape [3]", func(g *graph) {
			g.op("Reorder", []string{vector(g, "x", 3)}, []string{"y"}, onnxgraph.StringAttr("to", "nhwc"))
		}},
		{"scale must have shape [2], it has [3]", func(g *graph) {
			g.op("BatchNorm",
				[]string{image(g, "x", 1, 2, 3, 4), vector(g, "s", 3), vector(g, "b", 2), vector(g, "m", 2), vector(g, "v", 2)},
				[]string{"y", "mean", "inverse"})
		}},
		{"the residual has shape [1, 2, 4, 3], X has [1, 2, 3, 4]", func(g *graph) {
			g.op("BatchNorm",
				[]string{image(g, "x", 1, 2, 3, 4), vector(g, "s", 2), vector(g, "b", 2), vector(g, "m", 2), vector(g, "v", 2),
					image(g, "r", 1, 2, 4, 3)}, []string{"y", "mean", "inverse"})
		}},
		{"dY, dY2, X and Y must have one shape", func(g *graph) {
			x := image(g, "x", 1, 2, 3, 4)
			g.op("BatchNormGrad",
				[]string{x, x, x, vector(g, "s", 2), vector(g, "m", 2), vector(g, "i", 2), image(g, "dy2", 1, 2, 4, 3)},
				[]string{"y", "ds", "db"})
		}},
		{"bias must have shape [2], it has [3]", func(g *graph) {
			x := image(g, "x", 1, 2, 3, 4)
			g.op("BatchNormGrad",
				[]string{x, x, x, vector(g, "s", 2), vector(g, "m", 2), vector(g, "i", 2), "", vector(g, "b", 3)},
				[]string{"y", "ds", "db"}, boolAttr("relu", true))
		}},
		{"more than 255 places", func(g *graph) {
			g.op("MaxPool", []string{image(g, "x", 1, 2, 30, 40)}, []string{"y"}, onnxgraph.IntsAttr("kernel_shape", 16, 16))
		}},
		{"kernel_shape must have 2 values", func(g *graph) {
			g.op("MaxPool", []string{image(g, "x", 1, 2, 30, 40)}, []string{"y"}, onnxgraph.IntsAttr("kernel_shape", 3))
		}},
		{"dY has shape [1, 2, 3, 4], which does not fit image_shape [9, 9]", func(g *graph) {
			g.op("AveragePoolGrad", []string{image(g, "x", 1, 2, 3, 4)}, []string{"y"}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
				onnxgraph.IntsAttr("image_shape", 9, 9))
		}},
		{"layout must be nhwc", func(g *graph) {
			g.op("AveragePool", []string{image(g, "x", 1, 2, 3, 4)}, []string{"y"}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
				onnxgraph.StringAttr("layout", "nchw"))
		}},
	} {
		g := newGraph(t, rt)
		c.add(g)
		s, err := g.open(2, "y")
		if err == nil {
			_, err = s.Run(g.inputs)
			s.Close()
		}
		checkError(t, err, "ordo::", c.what)
	}
	if _, err := kernels.Open("/nowhere/libdnnl.so.3"); err == nil {
		t.Error("opens a second oneDNN beside an open one")
	}
}
