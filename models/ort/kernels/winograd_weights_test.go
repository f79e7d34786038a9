package kernels_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// weightsGradient adds a ConvGrad without dX.
func (e example) weightsGradient(g *graph, algorithm, dw, db string) {
	g.op("ConvGrad", []string{g.nhwc("dy"), g.nhwc("x"), "w"}, []string{"", dw, db},
		append(attributes(e.c, true), onnxgraph.StringAttr("algorithm", algorithm))...)
}

// activated is a convolution's input as it is behind a batch norm and ReLU.
func (e example) activated() example {
	for i, v := range e.x {
		e.x[i] = max(v, 0)
	}
	return e
}

// exactWeights are the gradients of weights and bias of a 3×3 convolution with strides of 1 in float64, faster than
// exact.
func (e example) exactWeights() (dw, db []float64) {
	c := e.c
	dw, db = make([]float64, len(e.w)), make([]float64, len(e.b))
	in, out := c.Height*c.Width, e.height*e.width
	for n := range c.Batch {
		for f := range c.Filters {
			dy := e.dy[(n*c.Filters+f)*out:][:out]
			for _, v := range dy {
				db[f] += float64(v)
			}
			for k := range c.Channels {
				x := e.x[(n*c.Channels+k)*in:][:in]
				for tap := range 9 {
					a, b := tap/3-c.Pads[0], tap%3-c.Pads[1]
					first, last := max(0, -b), min(e.width, c.Width-b)
					var sum float64
					for i := max(0, -a); i < min(e.height, c.Height-a) && first < last; i++ {
						row := x[(i+a)*c.Width+b+first:]
						for j, v := range dy[i*e.width+first : i*e.width+last] {
							sum += float64(v) * float64(row[j])
						}
					}
					dw[(f*c.Channels+k)*9+tap] += sum
				}
			}
		}
	}
	return dw, db
}

func winogradWeightsCases() []kernels.Convolution {
	var all []kernels.Convolution
	for _, size := range []int{1, 2, 3, 4, 5, 7, 8, 9, 13} {
		all = append(all, convolution(5, 32, 48, size, 3, 1, 1, 1, 1))
	}
	pads := [][4]int{{0, 0, 0, 0}, {2, 2, 2, 2}, {1, 0, 2, 1}, {0, 2, 1, 0}, {2, 1, 0, 2}, {0, 0, 1, 1}}
	for i, p := range pads {
		c := convolution(3, 16, 16, 6, 3, 1, 0, 1, 1)
		c.Pads, c.Width = p, 5+i
		all = append(all, c)
	}
	return append(
		all,
		convolution(1, 16, 16, 4, 3, 1, 1, 1, 1),
		convolution(130, 16, 32, 2, 3, 1, 1, 1, 1),
		convolution(
			3,
			8,
			24,
			9,
			3,
			1,
			1,
			1,
			1,
		),
		convolution(7, 64, 16, 16, 3, 1, 1, 1, 1),
		convolution(2, 16, 80, 20, 3, 1, 1, 1, 1),
	)
}

// TestWinogradWeights holds dW and dB in Winograd's form against the definition, for vectors of several sizes.
func TestWinogradWeights(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	t.Cleanup(func() { kernels.LimitVectors(512) })
	for _, c := range winogradWeightsCases() {
		e := newExample(c, 1).activated()
		dw, db := e.exactWeights()
		for _, bits := range []int{512, 256} {
			kernels.LimitVectors(bits)
			if kernels.VectorBits() != bits || c.Channels%(bits/32) != 0 {
				continue
			}
			for _, threads := range []int{1, 3} {
				what := fmt.Sprintf("%s, vectors of %d bits, %d threads", name(c), bits, threads)
				g := newGraph(t, rt)
				e.inputs(g)
				e.weightsGradient(g, "winograd", "dw", "db")
				got := g.run(g.session(threads, "dw", "db"))
				near(t, what+": dW", got[0], dw, 2e-6)
				near(t, what+": dB", got[1], db, 2e-6)
			}
		}
	}
}

// FuzzWinogradWeights holds dW and dB of any 3×3 convolution that the form fits against the definition.
func FuzzWinogradWeights(f *testing.F) {
	rt := orttest.OpenWithKernels(f)
	f.Add([]byte{4, 0, 1, 7, 7, 1, 1, 1, 1, 2})
	f.Add([]byte{8, 3, 2, 12, 3, 0, 2, 1, 0, 3})
	f.Add([]byte{0, 1, 0, 0, 0, 1, 1, 1, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 10 {
			return
		}
		in := func(i, least, most int) int { return least + int(data[i])%(most-least+1) }
		c := convolution(in(0, 1, 9), 16*in(1, 1, 4), 16*in(2, 1, 4), 0, 3, 1, 0, 1, 1)
		c.Pads = [4]int{in(5, 0, 2), in(6, 0, 2), in(7, 0, 2), in(8, 0, 2)}
		c.Height, c.Width = max(in(3, 1, 14), 3-c.Pads[0]-c.Pads[2]), max(in(4, 1, 14), 3-c.Pads[1]-c.Pads[3])
		e := newExample(c, 1)
		dw, db := e.exactWeights()
		g := newGraph(t, rt)
		e.inputs(g)
		e.weightsGradient(g, "winograd", "dw", "db")
		got := g.run(g.session(in(9, 1, 4), "dw", "db"))
		near(t, name(c)+": dW", got[0], dw, 3e-6)
		near(t, name(c)+": dB", got[1], db, 1e-5)
	})
}

func TestWinogradWeightsAreRepeatable(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	e := newExample(convolution(13, 32, 48, 9, 3, 1, 1, 1, 1), 1)
	g := newGraph(t, rt)
	e.inputs(g)
	e.weightsGradient(g, "winograd", "dw", "db")
	s := g.session(3, "dw", "db")
	first := g.run(s)
	for range 3 {
		for i, got := range g.run(s) {
			if !slices.Equal(got, first[i]) {
				t.Errorf("output %d has other bits than before", i)
			}
		}
	}
}

// TestWinogradWeightsAreNearTheDefinition: for layers of a resnet18 with inputs as they are there, the error is at most
// five times that of the direct sum, and 1e-6.
func TestWinogradWeightsAreNearTheDefinition(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, c := range []kernels.Convolution{
		convolution(64, 16, 16, 32, 3, 1, 1, 1, 1), convolution(32, 64, 64, 8, 3, 1, 1, 1, 1),
		convolution(16, 128, 128, 4, 3, 1, 1, 1, 1),
		convolution(64, 64, 64, 2, 3, 1, 1, 1, 1),
	} {
		e := newExample(c, 1).activated()
		want, _ := e.exactWeights()
		g := newGraph(t, rt)
		e.inputs(g)
		e.weightsGradient(g, "direct", "direct", "")
		e.weightsGradient(g, "winograd", "winograd", "")
		got := g.run(g.session(2, "direct", "winograd"))
		direct, winograd := distance(got[0], want), distance(got[1], want)
		t.Logf("%s: relative distance %.2g, direct %.2g", name(c), winograd, direct)
		if winograd > 5*direct || winograd > 1e-6 {
			t.Errorf("%s: relative distance %.3g, that of the direct sum is %.3g", name(c), winograd, direct)
		}
	}
}

// BenchmarkConvolutionWeights times the gradient of the weights, direct and in Winograd's form by turns, on one thread.
// The images are those of the layers of resnet18 and resnet50; a GFLOP is counted as the definition has it. `auto` is
// the time of the one that the cost model takes over the time of the faster one.
func BenchmarkConvolutionWeights(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	for _, precision := range []string{kernels.F32, kernels.BF16} {
		if precision == kernels.BF16 && !rt.Kernels().BF16() {
			continue
		}
		for _, shape := range [][3]int{
			{64, 16, 32}, {64, 32, 16}, {64, 64, 8}, {64, 128, 4}, {16, 64, 32}, {16, 64, 16}, {16, 128, 16}, {32, 128, 8},
			{32, 256, 8},
			{64, 256, 4}, {64, 512, 4}, {64, 512, 2}, {4, 512, 4}, {1, 64, 8}, {16, 16, 2}, {16, 16, 5}, {16, 64, 5},
			{16, 64, 7}, {32, 64, 1},
		} {
			c := convolution(shape[0], shape[1], shape[1], shape[2], 3, 1, 1, 1, 1)
			c.Precision = precision
			b.Run(name(c), func(b *testing.B) { benchmarkWeights(b, rt, newExample(c, 1)) })
		}
	}
}

func benchmarkWeights(b *testing.B, rt *ort.Runtime, e example) {
	algorithms := []string{"direct", "winograd", "auto"}
	sessions := make([]*ort.Session, len(algorithms))
	graphs := make([]*graph, len(algorithms))
	for i, algorithm := range algorithms {
		// The inputs stand as if they were channels-last: their values don't matter here.
		g := newGraph(b, rt)
		e.inputs(g)
		g.op("ConvGrad", []string{"dy", "x", "w"}, []string{"", "dw"},
			append(attributes(e.c, true), onnxgraph.StringAttr("algorithm", algorithm))...)
		graphs[i], sessions[i] = g, g.session(1, "dw")
		graphs[i].run(sessions[i])
	}
	least := []time.Duration{time.Hour, time.Hour, time.Hour}
	for b.Loop() {
		for i, s := range sessions {
			start := time.Now()
			results, err := s.Run(graphs[i].inputs)
			least[i] = min(least[i], time.Since(start))
			if err != nil {
				b.Fatal(err)
			}
			ort.Release(results)
		}
	}
	flops := 2 * 9 * float64(len(e.dy)*e.c.Channels)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(flops/least[0].Seconds()/1e9, "direct-GFLOP/s")
	b.ReportMetric(flops/least[1].Seconds()/1e9, "winograd-GFLOP/s")
	b.ReportMetric(least[0].Seconds()/least[1].Seconds(), "speedup")
	b.ReportMetric(least[2].Seconds()/min(least[0], least[1]).Seconds(), "auto")
}
