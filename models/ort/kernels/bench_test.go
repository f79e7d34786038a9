package kernels_test

import (
	"math/rand/v2"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// BenchmarkConvolution times layers of a resnet18 for small images, ours and the stock operators: forward, and both gradients.
func BenchmarkConvolution(b *testing.B) {
	lib := orttest.OpenWithKernels(b)
	for _, c := range []kernels.Convolution{
		convolution(32, 16, 16, 32, 3, 1, 1, 1, 1), convolution(32, 64, 64, 32, 3, 1, 1, 1, 1), convolution(32, 128, 256, 16, 3, 2, 1, 1, 1),
		convolution(32, 72, 72, 16, 5, 1, 2, 1, 72),
	} {
		e := newExample(c, 1)
		flops := 2 * float64(len(e.dy)*c.Channels/c.Groups*c.Kernel[0]*c.Kernel[1])
		for _, side := range []struct{ name, domain, gradients string }{{"ours", "ordo", "ordo"}, {"stock", "", "com.microsoft"}} {
			run := func(what string, flops float64, add func(g *graph) []string) {
				b.Run(name(c)+"/"+what+"/"+side.name, func(b *testing.B) {
					g := newGraph(b, lib)
					e.inputs(g)
					benchmark(b, g, add(g))
					b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
			run("forward", flops, func(g *graph) []string {
				g.node(side.domain, "Conv", []string{"x", "w"}, []string{"y"}, attributes(c, false)...)
				return []string{"y"}
			})
			run("gradients", 2*flops, func(g *graph) []string {
				g.node(side.gradients, "ConvGrad", []string{"dy", "x", "w"}, []string{"dx", "dw"}, attributes(c, false)...)
				return []string{"dx", "dw"}
			})
		}
	}
}

// BenchmarkBatchNorm times batch norm with residual and ReLU, and its gradient.
func BenchmarkBatchNorm(b *testing.B) {
	lib := orttest.OpenWithKernels(b)
	for _, shape := range [][4]int{{64, 16, 32, 32}, {64, 256, 8, 8}} {
		n, c := shape[0]*shape[1]*shape[2]*shape[3], shape[1]
		inputs := func(b *testing.B) (*graph, []string) {
			g := newGraph(b, lib)
			for _, image := range []string{"x", "y", "dy"} {
				g.input(image, constant(n, 1), shape[:]...)
			}
			for _, vector := range []string{"scale", "bias", "mean", "var"} {
				g.input(vector, constant(c, 1), c)
			}
			return g, []string{"scale", "bias", "mean", "var"}
		}
		relu := onnxgraph.IntAttr("relu", 1)
		rate := func(b *testing.B, tensors int) {
			b.ReportMetric(float64(tensors*4*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		}
		b.Run(normCase{shape[0], c, shape[2], shape[3], true, true, 0}.String()+"/forward", func(b *testing.B) {
			g, vectors := inputs(b)
			g.op("BatchNorm", append(append([]string{"x"}, vectors...), "dy"), []string{"out", "saved", "inverse"}, relu)
			benchmark(b, g, []string{"out", "saved", "inverse"})
			rate(b, 4)
		})
		b.Run(normCase{shape[0], c, shape[2], shape[3], true, true, 0}.String()+"/gradient", func(b *testing.B) {
			g, _ := inputs(b)
			g.op("BatchNormGrad", []string{"dy", "x", "y", "scale", "mean", "var"}, []string{"dx", "ds", "db", "dr"}, relu)
			benchmark(b, g, []string{"dx", "ds", "db", "dr"})
			rate(b, 7)
		})
	}
}

func benchmark(b *testing.B, g *graph, outputs []string) {
	s := g.session(2, outputs...)
	g.run(s) // primitives are made
	for b.Loop() {
		results, err := s.Run(g.inputs)
		if err != nil {
			b.Fatal(err)
		}
		ort.Release(results)
	}
}

// BenchmarkPointwise times activations, layer norm and softmax with their gradients, ours and the stock operators. The rate counts what
// must be read and written.
func BenchmarkPointwise(b *testing.B) {
	lib := orttest.OpenWithKernels(b)
	const rows, width = 8192, 192
	gelu := onnxgraph.StringAttr("kind", "gelu")
	for _, c := range []struct {
		name    string
		tensors int
		outputs []string
		add     func(g *graph)
	}{
		{"gelu/ours", 2, []string{"o"}, func(g *graph) { g.op("Activation", []string{"x"}, []string{"o"}, gelu) }},
		{"gelu/stock", 2, []string{"o"}, func(g *graph) { g.node("com.microsoft", "Gelu", []string{"x"}, []string{"o"}) }},
		{"gelu gradient/ours", 3, []string{"o"}, func(g *graph) { g.op("ActivationGrad", []string{"dy", "x"}, []string{"o"}, gelu) }},
		{"gelu gradient/stock", 3, []string{"o"}, func(g *graph) { g.node("com.microsoft", "GeluGrad", []string{"dy", "x"}, []string{"o"}) }},
		{"silu/ours", 2, []string{"o"}, func(g *graph) { g.op("Activation", []string{"x"}, []string{"o"}, onnxgraph.StringAttr("kind", "silu")) }},
		{"silu/stock", 2, []string{"o"}, func(g *graph) {
			g.node("", "Sigmoid", []string{"x"}, []string{"gate"})
			g.node("", "Mul", []string{"x", "gate"}, []string{"o"})
		}},
		{"hard swish/ours", 2, []string{"o"}, func(g *graph) {
			g.op("Activation", []string{"x"}, []string{"o"}, onnxgraph.StringAttr("kind", "hard_swish"))
		}},
		{"hard swish/stock", 2, []string{"o"}, func(g *graph) { g.node("", "HardSwish", []string{"x"}, []string{"o"}) }},
		{"hard swish gradient/ours", 3, []string{"o"}, func(g *graph) {
			g.op("ActivationGrad", []string{"dy", "x"}, []string{"o"}, onnxgraph.StringAttr("kind", "hard_swish"))
		}},
		{"layer norm/ours", 2, []string{"o"}, func(g *graph) { g.op("LayerNorm", []string{"x", "s", "b"}, []string{"o", "m", "i"}) }},
		{"layer norm/stock", 2, []string{"o"}, func(g *graph) { g.node("", "LayerNormalization", []string{"x", "s", "b"}, []string{"o", "m", "i"}) }},
		{"layer norm gradient/ours", 3, []string{"dx", "ds", "db"}, func(g *graph) {
			g.op("LayerNormGrad", []string{"dy", "x", "s", "mean", "inverse"}, []string{"dx", "ds", "db"})
		}},
		{"layer norm gradient/stock", 3, []string{"dx", "ds", "db"}, func(g *graph) {
			g.node("com.microsoft", "LayerNormalizationGrad", []string{"dy", "x", "s", "mean", "inverse"}, []string{"dx", "ds", "db"})
		}},
		{"softmax gradient/ours", 3, []string{"o"}, func(g *graph) { g.op("SoftmaxGrad", []string{"dy", "x"}, []string{"o"}) }},
		{"softmax gradient/stock", 3, []string{"o"}, func(g *graph) {
			g.node("com.microsoft", "SoftmaxGrad_13", []string{"dy", "x"}, []string{"o"}, onnxgraph.IntAttr("axis", -1))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := newGraph(b, lib)
			rng := rand.New(rand.NewPCG(1, 1))
			g.input("x", normal(rng, rows*width), rows, width)
			g.input("dy", normal(rng, rows*width), rows, width)
			g.input("s", normal(rng, width), width)
			g.input("b", normal(rng, width), width)
			g.input("mean", constant(rows, 0), rows, 1)
			g.input("inverse", constant(rows, 1), rows, 1)
			c.add(g)
			benchmark(b, g, c.outputs)
			b.ReportMetric(float64(c.tensors*4*rows*width)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}
