package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// activationCase is an activation with its value and slope in float64.
type activationCase struct {
	kind         string
	value, slope func(x float64) float64
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
func normalBelow(x float64) float64 {
	return math.Erfc(-x/math.Sqrt2) / 2
}

const alpha, beta = 0.3, 0.4 // of the hard sigmoid

func activations() []activationCase {
	ramp := func(x float64) float64 { return min(1, max(0, x/6+0.5)) }
	inner := func(x float64) float64 { return 2 * math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x) }
	return []activationCase{
		{"hard_sigmoid", func(x float64) float64 { return min(1, max(0, alpha*x+beta)) }, func(x float64) float64 {
			if y := alpha*x + beta; y > 0 && y < 1 {
				return alpha
			}
			return 0
		}},
		{"hard_swish", func(x float64) float64 { return x * ramp(x) }, func(x float64) float64 {
			if math.Abs(x) >= 3 {
				return ramp(x)
			}
			return x/3 + 0.5
		}},
		{"sigmoid", logistic, func(x float64) float64 { return logistic(x) * logistic(-x) }},
		{
			"silu",
			func(x float64) float64 { return x * logistic(x) },
			func(x float64) float64 { return logistic(x) * (1 + x*logistic(-x)) },
		},
		{"gelu", func(x float64) float64 { return x * normalBelow(x) }, func(x float64) float64 {
			return normalBelow(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
		}},
		{"gelu_tanh", func(x float64) float64 { return x * logistic(inner(x)) }, func(x float64) float64 {
			v := inner(x)
			return logistic(v) * (1 + x*logistic(-v)*2*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x))
		}},
	}
}

func (c activationCase) attributes() []*onnxgraph.Attribute {
	return []*onnxgraph.Attribute{
		onnxgraph.StringAttr("kind", c.kind),
		onnxgraph.FloatAttr("alpha", alpha),
		onnxgraph.FloatAttr("beta", beta),
	}
}

// run gives an activation of x and the gradient for dy.
func (c activationCase) run(t testing.TB, rt *ort.Runtime, threads int, x, dy []float32) (y, dx []float32) {
	g := newGraph(t, rt)
	g.input("x", x, len(x))
	g.input("dy", dy, len(x))
	g.op("Activation", []string{"x"}, []string{"y"}, c.attributes()...)
	g.op("ActivationGrad", []string{"dy", "x"}, []string{"dx"}, c.attributes()...)
	got := g.run(g.session(threads, "y", "dx"))
	return got[0], got[1]
}

func checkActivations(t *testing.T, rt *ort.Runtime) {
	var x, dy []float32
	for i := -30000; i <= 30000; i++ { // [−15, 15], and with what comes behind a number of elements that no vector divides
		x, dy = append(x, float32(i)/2000), append(dy, 1)
	}
	for _, v := range []float32{0, 1e-30, -1e-30, 88, -88, 104, -104, 1e4, -1e4, 3e18, -3e18} {
		x, dy = append(x, v), append(dy, 1)
	}
	for _, c := range activations() {
		y, dx := c.run(t, rt, 1, x, dy)
		for i, v := range x {
			// An error of the factor of x, which is at most 1, counts for as much as x is large.
			want, slope := c.value(float64(v)), c.slope(float64(v))
			if d := math.Abs(
				float64(y[i]) - want,
			); !(d <= 2e-7*max(math.Abs(float64(v)), math.Abs(want))) && c.kind != "sigmoid" &&
				c.kind != "hard_sigmoid" {
				t.Fatalf("%s(%g) is %g, want %g, %.2g more", c.kind, v, y[i], want, d)
			}
			if d := math.Abs(
				float64(y[i]) - want,
			); c.kind == "sigmoid" && !(d <= 3e-7*want+1e-37) ||
				c.kind == "hard_sigmoid" && !(d <= 1e-7) {
				t.Fatalf("%s(%g) is %g, want %g", c.kind, v, y[i], want)
			}
			if d := math.Abs(float64(dx[i]) - slope); !(d <= 5e-7) && !c.kink(v) {
				t.Fatalf("slope of %s at %g is %g, want %g", c.kind, v, dx[i], slope)
			}
		}
	}
}

// kink says whether the slope jumps near x.
func (c activationCase) kink(x float32) bool {
	y := alpha*float64(x) + beta
	return c.kind == "hard_sigmoid" && (math.Abs(y) < 1e-6 || math.Abs(y-1) < 1e-6)
}

func TestActivations(t *testing.T) { checkActivations(t, orttest.OpenWithKernels(t)) }

// TestActivationsOfThreads: the number of threads makes no difference.
func TestActivationsOfThreads(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	rng := rand.New(rand.NewPCG(4, 4))
	x, dy := normal(rng, 100_003), normal(rng, 100_003)
	for _, c := range activations() {
		y, dx := c.run(t, rt, 1, x, dy)
		for _, threads := range []int{2, 5} {
			if y2, dx2 := c.run(t, rt, threads, x, dy); !slices.Equal(y, y2) || !slices.Equal(dx, dx2) {
				t.Errorf("%s: %d threads give something else", c.kind, threads)
			}
		}
	}
}

// TestActivationsLikeStock holds values, also of what is no number, against ONNX Runtime's operators.
func TestActivationsLikeStock(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := append(normal(rand.New(rand.NewPCG(4, 5)), 1000), nan, inf, -inf, 0, 100, -100)
	g := newGraph(t, rt)
	g.input("x", x, len(x))
	var outputs []string
	for _, c := range activations() {
		g.op("Activation", []string{"x"}, []string{c.kind}, c.attributes()...)
		outputs = append(outputs, c.kind)
	}
	g.node("", "HardSigmoid", []string{"x"}, []string{"hard_sigmoid0"}, c0attributes()...)
	g.node("", "HardSwish", []string{"x"}, []string{"hard_swish0"})
	g.node("", "Sigmoid", []string{"x"}, []string{"sigmoid0"})
	g.node("", "Mul", []string{"x", "sigmoid0"}, []string{"silu0"})
	g.node("com.microsoft", "Gelu", []string{"x"}, []string{"gelu0"})
	g.node("com.microsoft", "FastGelu", []string{"x"}, []string{"gelu_tanh0"})
	for _, c := range activations() {
		outputs = append(outputs, c.kind+"0")
	}
	got := g.run(g.session(1, outputs...))
	for k, c := range activations() {
		ours, stock := got[k], got[k+len(activations())]
		for i, v := range x {
			a, b := float64(ours[i]), float64(stock[i])
			if math.IsInf(float64(v), -1) && c.kind == "gelu_tanh" {
				b = math.NaN() // as the others: -∞ · 0, whatever ONNX Runtime's approximation of tanh makes of it
			}
			if math.IsNaN(a) != math.IsNaN(b) || math.IsInf(a, 0) != math.IsInf(b, 0) ||
				math.Abs(a-b) > 1e-6*max(1, math.Abs(b)) {
				t.Errorf("%s(%g) is %g, stock %g", c.kind, v, a, b)
			}
		}
	}
}

func c0attributes() []*onnxgraph.Attribute {
	return []*onnxgraph.Attribute{onnxgraph.FloatAttr("alpha", alpha), onnxgraph.FloatAttr("beta", beta)}
}

// TestActivationGradientsKeepNaN: of x and of dy.
func TestActivationGradientsKeepNaN(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	nan := float32(math.NaN())
	for _, c := range activations() {
		_, dx := c.run(t, rt, 1, []float32{nan, 0.5, 0.5}, []float32{1, nan, 1})
		ofX := dx[0] != dx[0] || c.kind == "hard_sigmoid" // whose stock gradient is 0 there
		if !ofX || dx[1] == dx[1] || dx[2] != dx[2] {
			t.Errorf("%s: gradients %v", c.kind, dx)
		}
	}
}

// rowsCase is the shape [rows, width] of operators on rows, whose values lie around a mean.
type rowsCase struct {
	rows, width int
	mean        float64
	bias        bool
}

// exact computes layer norm and its gradient in float64.
func (c rowsCase) exact(x, scale, bias, dy []float32) map[string][]float64 {
	out := map[string][]float64{
		"y": make(
			[]float64,
			len(x),
		),
		"dx":      make([]float64, len(x)),
		"mean":    make([]float64, c.rows),
		"inverse": make([]float64, c.rows),
		"dscale":  make([]float64, c.width),
		"dbias":   make([]float64, c.width),
	}
	n := float64(c.width)
	for r := range c.rows {
		row := x[r*c.width : (r+1)*c.width]
		var mean, variance, sum, product float64
		for _, v := range row {
			mean += float64(v) / n
		}
		for _, v := range row {
			variance += (float64(v) - mean) * (float64(v) - mean) / n
		}
		inverse := 1 / math.Sqrt(variance+epsilon)
		out["mean"][r], out["inverse"][r] = mean, inverse
		for i, v := range row {
			o := r*c.width + i
			normalised, d := (float64(v)-mean)*inverse, float64(dy[o])
			out["y"][o] = normalised * float64(scale[i])
			if c.bias {
				out["y"][o] += float64(bias[i])
			}
			out["dscale"][i] += d * normalised
			out["dbias"][i] += d
			sum += d * float64(scale[i]) / n
			product += d * float64(scale[i]) * normalised / n
		}
		for i, v := range row {
			o := r*c.width + i
			out["dx"][o] = (float64(dy[o])*float64(scale[i]) - sum - (float64(v)-mean)*inverse*product) * inverse
		}
	}
	return out
}

func checkLayerNorm(t testing.TB, rt *ort.Runtime, c rowsCase, threads int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(6, 6))
	x, dy := normal(rng, c.rows*c.width), normal(rng, c.rows*c.width)
	scale, bias := normal(rng, c.width), normal(rng, c.width)
	for i := range x {
		x[i] += float32(c.mean)
	}
	g := newGraph(t, rt)
	in := []string{g.input("x", x, c.rows, c.width), g.input("scale", scale, c.width)}
	if c.bias {
		in = append(in, g.input("bias", bias, c.width))
	}
	g.input("dy", dy, c.rows, c.width)
	g.op("LayerNorm", in, []string{"y", "mean", "inverse"}, onnxgraph.FloatAttr("epsilon", epsilon))
	g.op("LayerNormGrad", []string{"dy", "x", "scale", "mean", "inverse"}, []string{"dx", "dscale", "dbias"})
	// Without the gradient of the input, and from a dy that is used again.
	g.op("LayerNormGrad", []string{"dy", "x", "scale", "mean", "inverse"}, []string{"", "dscale2", "dbias2"})
	names := []string{"y", "mean", "inverse", "dx", "dscale", "dbias", "dscale2", "dbias2"}
	got := g.run(g.session(threads, names...))
	want := c.exact(x, scale, bias, dy)
	loss := 3e-6 + 2e-7*math.Abs(c.mean)
	for r := range want["mean"] {
		want["mean"][r]++
		got[1][r]++
	}
	for i, name := range names[:6] {
		near(t, name, got[i], want[name], loss)
	}
	if !slices.Equal(got[4], got[6]) || !slices.Equal(got[5], got[7]) {
		t.Error("without the gradient of the input, those of the parameters are others")
	}
}

func TestLayerNorm(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range []rowsCase{
		{7, 192, 0, true}, {1000, 64, 0, true}, {300, 768, 3, true}, {5, 13, 0, false}, {4, 5000, 100, true},
		{1200, 29, -1000, true}, {1, 8, 0, true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			for _, threads := range []int{1, 2, 5} {
				checkLayerNorm(t, rt, c, threads)
			}
		})
	}
}

// TestLayerNormLikeStock: along several dimensions, and with rows that are no numbers.
func TestLayerNormLikeStock(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	rng := rand.New(rand.NewPCG(7, 7))
	x, dy := normal(rng, 4*6*5*3), normal(rng, 4*6*5*3)
	x[200] = float32(math.NaN())
	x[300] = float32(math.Inf(1))
	g := newGraph(t, rt)
	g.input("x", x, 4, 6, 5, 3)
	g.input("dy", dy, 4, 6, 5, 3)
	in := []string{"x", g.input("scale", normal(rng, 15), 5, 3), g.input("bias", normal(rng, 15), 5, 3)}
	axis := onnxgraph.IntAttr("axis", 2)
	g.op("LayerNorm", in, []string{"y", "mean", "inverse"}, axis)
	g.op("LayerNormGrad", []string{"dy", "x", "scale", "mean", "inverse"}, []string{"dx"}, axis)
	g.node("", "LayerNormalization", in, []string{"y0", "mean0", "inverse0"}, axis)
	g.node(
		"com.microsoft",
		"LayerNormalizationGrad",
		[]string{"dy", "x", "scale", "mean0", "inverse0"},
		[]string{"dx0", "dscale0", "dbias0"},
		axis,
	)
	got := g.run(g.session(2, "y", "mean", "inverse", "dx", "y0", "mean0", "inverse0", "dx0"))
	for k := range 4 {
		for i, a := range got[k] {
			if b := got[k+4][i]; (a-a == 0) != (b-b == 0) || math.Abs(float64(a-b)) > 2e-6*max(1, math.Abs(float64(b))) {
				t.Fatalf("output %d at %d: %g, stock %g", k, i, a, b)
			}
		}
	}
}

func checkSoftmaxGradient(t testing.TB, rt *ort.Runtime, c rowsCase, threads int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 8))
	y, dy := make([]float32, c.rows*c.width), normal(rng, c.rows*c.width)
	want := make([]float64, len(y))
	for r := range c.rows {
		var sum, product float64
		row := y[r*c.width : (r+1)*c.width]
		for i := range row {
			row[i] = float32(rng.ExpFloat64())
			sum += float64(row[i])
		}
		for i := range row {
			row[i] /= float32(sum)
			product += float64(row[i]) * float64(dy[r*c.width+i])
		}
		for i := range row {
			want[r*c.width+i] = float64(row[i]) * (float64(dy[r*c.width+i]) - product)
		}
	}
	g := newGraph(t, rt)
	g.input("y", y, c.rows, 1, c.width)
	g.input("dy", dy, c.rows, 1, c.width)
	g.op("SoftmaxGrad", []string{"dy", "y"}, []string{"dx"})
	near(t, "gradient of the softmax", g.run(g.session(threads, "dx"))[0], want, 1e-6)
}

func TestSoftmaxGradient(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range []rowsCase{{rows: 3, width: 65}, {rows: 2000, width: 17}, {rows: 1, width: 1},
		{rows: 6, width: 9000}} {
		for _, threads := range []int{1, 2, 5} {
			checkSoftmaxGradient(t, rt, c, threads)
		}
	}
}

func checkChannelScale(t testing.TB, rt *ort.Runtime, shape [4]int, threads int) {
	t.Helper()
	n, c, pixels := shape[0], shape[1], shape[2]*shape[3]
	rng := rand.New(rand.NewPCG(10, 10))
	x, dy, s := normal(rng, n*c*pixels), normal(rng, n*c*pixels), normal(rng, n*c)
	y, dx, ds := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(s))
	for i := range x {
		k := i / pixels
		y[i], dx[i] = float64(x[i])*float64(s[k]), float64(dy[i])*float64(s[k])
		ds[k] += float64(dy[i]) * float64(x[i])
	}
	g := newGraph(t, rt)
	xs, ys := g.nhwc(g.input("x", x, shape[:]...)), g.nhwc(g.input("dy", dy, shape[:]...))
	g.input("s", s, n, c, 1, 1)
	g.op("ChannelScale", []string{xs, "s"}, []string{"y"})
	g.op("ChannelScaleGrad", []string{ys, xs, "s"}, []string{"dx", "ds"})
	g.op("ChannelScaleGrad", []string{ys, xs, "s"}, []string{"", "ds2"})
	got := g.run(g.session(threads, g.nchw("y"), g.nchw("dx"), "ds", "ds2"))
	near(t, "Y", got[0], y, 1e-7)
	near(t, "dX", got[1], dx, 1e-7)
	near(t, "dS", got[2], ds, 1e-6)
	near(t, "dS without dX", got[3], ds, 1e-6)
}

func TestChannelScale(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, shape := range [][4]int{{4, 16, 8, 8}, {3, 29, 5, 7}, {1, 3, 40, 40}, {9, 513, 1, 2}} {
		for _, threads := range []int{1, 2, 5} {
			checkChannelScale(t, rt, shape, threads)
		}
	}
}

func TestPointwiseRefuses(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range []struct {
		what string
		add  func(g *graph)
	}{
		{"kind must be hard_sigmoid", func(g *graph) { g.op("Activation", []string{"a"}, []string{"y"}) }},
		{"dY has shape [2, 4], X has [2, 3]", func(g *graph) {
			g.op("ActivationGrad", []string{"b", "a"}, []string{"y"}, onnxgraph.StringAttr("kind", "silu"))
		}},
		{"X must have four dimensions", func(g *graph) { g.op("ChannelScale", []string{"a", "b"}, []string{"y"}) }},
		{"the factors must have shape [2, 3, 1, 1], they have [2, 3]",
			func(g *graph) { g.op("ChannelScale", []string{"image", "a"}, []string{"y"}) }},
		{"scale must have 3 values, it has shape [2, 4]",
			func(g *graph) { g.op("LayerNorm", []string{"a", "b"}, []string{"y", "m", "s"}) }},
		{"axis must be one of X", func(g *graph) {
			g.op("LayerNorm", []string{"a", "b"}, []string{"y", "m", "s"}, onnxgraph.IntAttr("axis", 2))
		}},
		{"dY has shape [2, 4], X has [2, 3]", func(g *graph) {
			g.op("LayerNormGrad", []string{"b", "a", "a", "a", "a"}, []string{"y"})
		}},
		{"dY has shape [2, 4], Y has [2, 3]", func(g *graph) { g.op("SoftmaxGrad", []string{"b", "a"}, []string{"y"}) }},
	} {
		g := newGraph(t, rt)
		g.input("a", constant(6, 1), 2, 3)
		g.input("b", constant(8, 1), 2, 4)
		g.input("image", constant(24, 1), 2, 3, 2, 2)
		c.add(g)
		s, err := g.open(2, "y")
		if err == nil {
			_, err = s.Run(g.inputs)
			s.Close()
		}
		checkError(t, err, "ordo::", c.what)
	}
}

// FuzzPointwise: any shape, any number of threads.
func FuzzPointwise(f *testing.F) {
	rt := orttest.OpenWithKernels(f)
	f.Add(uint8(3), uint8(17), uint8(5), uint8(2), true)
	f.Add(uint8(255), uint8(200), uint8(30), uint8(4), false)
	f.Fuzz(func(t *testing.T, rows, width, height, threads uint8, bias bool) {
		n := 1 + int(threads)%5
		c := rowsCase{1 + int(rows), 16 + int(width), 0, bias}
		checkLayerNorm(t, rt, c, n)
		checkSoftmaxGradient(t, rt, c, n)
		checkChannelScale(t, rt, [4]int{1 + int(rows)%7, 1 + int(width), 1 + int(height)%9, 1 + int(height)/9}, n)
	})
}
