package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// rounding is about the relative distance of numbers from themselves in bfloat16, which has 8 significant bits: half a
// unit of the last place at most, that is 2⁻⁹ of numbers just above a power of 2, and a third of it in the mean.
const rounding = 3e-3

func needBF16(t testing.TB, rt *ort.Runtime) {
	t.Helper()
	if !rt.Kernels().BF16() {
		t.Skip("the processor has no instructions for bfloat16")
	}
}

// rounded gives numbers that bfloat16 has.
func rounded(x []float32) []float32 {
	for i, v := range x {
		bits := math.Float32bits(v)
		x[i] = math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
	}
	return x
}

// half and float put a value into bfloat16 and back.
func (g *graph) half(name string) string  { return g.convert("Round", name, "_half") }
func (g *graph) float(name string) string { return g.convert("Widen", name, "_float") }

func (g *graph) convert(op, name, suffix string) string {
	out := g.b.Unique(name + suffix)
	g.op(op, []string{name}, []string{out})
	return out
}

// TestRound: to nearest, ties to even, for every kind of number.
func TestRound(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	inf := float32(math.Inf(1))
	x := []float32{0, 1, -1, 1 + 1.0/256, 1 + 3.0/256, 1 + 1.0/256 + 1e-6, 3e38, math.MaxFloat32, inf, -inf, 1e-40,
		math.Float32frombits(0x80000000)}
	want := []float32{0, 1, -1, 1, 1 + 4.0/256, 1 + 2.0/256, 3.0040553e38, inf, inf, -inf, 9.1835e-41,
		math.Float32frombits(0x80000000)}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 { // more than a vector
		v := math.Float32frombits(rng.Uint32() &^ 0x40000000)
		x, want = append(x, v), append(want, rounded([]float32{v})...)
	}
	x = append(x, float32(math.NaN()), math.Float32frombits(0x7f800001), math.Float32frombits(0xffffffff))
	t.Cleanup(func() { kernels.LimitVectors(512) })
	for _, bits := range []int{128, 256, 512} {
		kernels.LimitVectors(bits)
		g := newGraph(t, rt)
		g.input("x", x, len(x))
		got := g.run(g.session(2, g.float(g.half("x"))))[0]
		for i, v := range want {
			if math.Float32bits(got[i]) != math.Float32bits(v) && math.Abs(float64(got[i]/v-1)) > 1e-4 {
				t.Errorf("%d bits: %g (%x) becomes %g, want %g", bits, x[i], math.Float32bits(x[i]), got[i], v)
			}
		}
		for i, v := range got[len(want):] {
			if v == v {
				t.Errorf("%d bits: NaN %d becomes %g", bits, i, v)
			}
		}
	}
}

func TestConvolutionOfHalves(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	needBF16(t, rt)
	cases := append(convolutionCases(),
		convolution(9, 40, 24, 4, 3, 1, 1, 1, 1),  // of more than one tile, and not full ones
		convolution(70, 33, 17, 2, 3, 1, 1, 1, 1), // many small images
		convolution(2, 16, 32, 13, 3, 3, 1, 1, 1), // three phases
		convolution(3, 64, 64, 32, 3, 1, 1, 1, 1), // large
		convolution(2, 16, 16, 9, 5, 2, 2, 2, 1),  // dilated, with strides
		convolution(3, 48, 16, 10, 3, 1, 0, 1, 1), // no padding: the image is larger than the output
		convolution(3, 48, 16, 11, 2, 2, 0, 1, 1), // columns that no output sees
		convolution(64, 64, 80, 2, 3, 2, 1, 1, 1), // to one pixel
		convolution(64, 64, 80, 2, 1, 2, 0, 1, 1),
		convolution(40, 32, 48, 1, 3, 2, 1, 1, 1),  // smaller than the strides
		convolution(65, 512, 48, 4, 3, 1, 1, 1, 1), // more than a group
	)
	for _, c := range cases {
		c.Precision, c.Stored = kernels.BF16, true
		if _, err := rt.Kernels().Supports(c); err != nil {
			if c.Groups != c.Channels && rt.Kernels().AMX() { // of depthwise ones oneDNN has but some
				t.Error(err)
			}
			continue
		}
		t.Run(name(c), func(t *testing.T) { checkConvolutionOfHalves(t, rt, c, 1, 2, 5) })
	}
}

// checkConvolutionOfHalves holds results against the definition on numbers that bfloat16 has.
func checkConvolutionOfHalves(t *testing.T, rt *ort.Runtime, c kernels.Convolution, threads ...int) {
	e := newExample(c, 1)
	e.x, e.w, e.dy = rounded(e.x), rounded(e.w), rounded(e.dy)
	want := e.exact()
	for _, n := range threads {
		g := newGraph(t, rt)
		e.inputs(g)
		x, dy := g.half(g.nhwc("x")), g.half(g.nhwc("dy"))
		g.op("ConvBF16", []string{x, "w", "b"}, []string{"y_own"}, attributes(c, true)...)
		g.op("ConvGradBF16", []string{dy, x, "w"}, []string{"dx_own", "dw_own", "db_own"}, attributes(c, true)...)
		s := g.session(n, g.nchw(g.float("y_own")), g.nchw(g.float("dx_own")), "dw_own", "db_own")
		got := g.run(s)
		for i, what := range resultNames {
			limit := rounding
			if i >= 2 {
				limit = 1e-5 // sums in float32 of what is exact
			}
			if len(want[i]) < 20 {
				limit = max(limit, 1e-2) // of few sums all may be near zero by chance
			}
			near(t, fmt.Sprintf("%d threads: %s", n, what), got[i], want[i], limit)
		}
		for i, again := range g.run(s) {
			if !slices.Equal(got[i], again) {
				t.Errorf("%d threads: %s: not the same the second time", n, resultNames[i])
			}
		}
	}
}

// TestNormsAndPoolsOfHalves holds the operators on bfloat16 to those on float32.
func TestNormsAndPoolsOfHalves(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	t.Cleanup(func() { kernels.LimitVectors(512) })
	for _, bits := range []int{128, 256, 512} {
		kernels.LimitVectors(bits)
		for _, channels := range []int{3, 16, 32, 64, 100} {
			for _, relu := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d_bits_%d_channels_relu=%v", bits, channels, relu), func(t *testing.T) {
					checkHalves(t, rt, channels, relu)
				})
			}
		}
	}
}

func checkHalves(t *testing.T, rt *ort.Runtime, channels int, relu bool) {
	const batch, height, width = 3, 9, 8
	rng := rand.New(rand.NewPCG(uint64(channels), 5))
	g := newGraph(t, rt)
	plain, half := map[string]string{}, map[string]string{}
	for _, name := range []string{"x", "residual", "dy", "dy2"} {
		v := g.input(name, rounded(normal(rng, batch*channels*height*width)), batch, channels, height, width)
		plain[name] = g.nhwc(v)
		half[name] = g.half(plain[name])
	}
	pooled := g.nhwc(g.input("dp", rounded(normal(rng, batch*channels*5*4)), batch, channels, 5, 4))
	plain["dp"], half["dp"] = pooled, g.half(pooled)
	g.input("scale", normal(rng, channels), channels)
	g.input("bias", normal(rng, channels), channels)
	for _, s := range []string{"", "_half"} {
		g.input("mean"+s, constant(channels, 0.5), channels)
		g.input("var"+s, constant(channels, 2), channels)
	}
	window := []*onnxgraph.Attribute{onnxgraph.IntsAttr("kernel_shape", 3, 3), onnxgraph.IntsAttr("strides", 2, 2),
		onnxgraph.IntsAttr("pads", 1, 1, 1, 1)}
	image := onnxgraph.IntsAttr("image_shape", height, width)
	var images, numbers []string
	for _, form := range []struct {
		values map[string]string
		op, at string
	}{{plain, "", ""}, {half, "BF16", "_half"}} {
		op := func(name string, in, out []string, attributes ...*onnxgraph.Attribute) {
			for i, v := range in {
				if form.values[v] != "" {
					in[i] = form.values[v]
				}
			}
			for i, v := range out {
				out[i] = v + form.at
				form.values[v] = out[i]
			}
			g.op(name+form.op, in, out, attributes...)
		}
		gate := boolAttr("relu", relu)
		op("BatchNorm", []string{"x", "scale", "bias", "mean" + form.at, "var" + form.at, "residual"},
			[]string{"y", "m", "i"}, gate)
		op("BatchNorm", []string{"x", "scale", "bias", "mean" + form.at, "var" + form.at}, []string{"z", "m2", "i2"}, gate)
		op("BatchNormGrad", []string{"dy", "x", "y", "scale", "m", "i", "dy2"}, []string{"dx", "ds", "db", "dr"}, gate)
		op("BatchNormGrad", []string{"dy", "x", "x", "scale", "m2", "i2", "", "bias"}, []string{"dx2", "ds2", "db2"}, gate)
		op("MaxPool", []string{"x"}, []string{"p", "index"}, window...)
		op("MaxPoolGrad", []string{"dp", "index"}, []string{"dmax"}, append(window, image)...)
		op("AveragePool", []string{"x"}, []string{"a"}, window...)
		op("AveragePoolGrad", []string{"dp"}, []string{"dmean"}, append(window, image)...)
		for _, v := range []string{"y", "z", "dx", "dr", "dx2", "p", "dmax", "a", "dmean"} {
			v = form.values[v]
			if form.op != "" {
				v = g.float(v)
			}
			images = append(images, g.nchw(v))
		}
		for _, v := range []string{"m", "i", "ds", "db", "ds2", "db2", "m2"} {
			numbers = append(numbers, v+form.at)
		}
	}
	got := g.run(g.session(2, append(images, numbers...)...))
	n := len(images) / 2
	for i := range n {
		limit := rounding
		if i == 2 { // the sum of two gradients is kept in bfloat16 on the way
			limit *= 1.5
		}
		near(t, images[i], got[n+i], got[i], limit)
	}
	m := len(numbers) / 2
	for i := range m {
		near(t, numbers[i], got[2*n+m+i], got[2*n+i], 5e-3)
	}
}

// TestProductsOfHalves holds products on matrix units to the definition, on numbers that bfloat16 has.
func TestProductsOfHalves(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if !rt.Kernels().AMX() {
		t.Skip("the processor has no matrix units")
	}
	bf16 := onnxgraph.StringAttr("precision", "bf16")
	more := []layer{newLayer(1300, 70, 40, true), newLayer(40, 1100, 1300, false), newLayer(33, 32, 1025, true)}
	for _, l := range append(layers(), more...) {
		l.x, l.w, l.dy = rounded(l.x), rounded(l.w), rounded(l.dy)
		var first [][]float32
		for threads := 1; threads <= 4; threads++ {
			g := newGraph(t, rt)
			l.inputs(g)
			s := g.session(threads, l.ours(g, bf16)...)
			got := g.run(s)
			for i, want := range l.exact() {
				near(t, fmt.Sprintf("%v: %s", l, resultNames[i]), got[i], want, few(len(want), 3e-6))
			}
			if first == nil {
				first = got
			}
			for i := range got {
				if !slices.Equal(got[i], first[i]) {
					t.Errorf("%v: %d threads: %s has other bits than with one", l, threads, resultNames[i])
				}
			}
		}
	}
	for i, c := range append(batches(), newBatch([]int{3, 2}, 65, 65, 64, []int64{0, 2, 1, 3}, []int64{0, 2, 3, 1}, nil)) {
		c.a, c.b = rounded(c.a), rounded(c.b)
		g := newGraph(t, rt)
		c.inputs(g)
		c.ours(g, "y", bf16)
		c.stock(g, "y_stock")
		got := g.run(g.session(1+i%4, "y", "y_stock"))
		near(t, c.String(), got[0], got[1], few(len(got[0]), 3e-6))
	}
}
