package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// BenchmarkConvolution times layers of a resnet18 for small images, ours and the stock operators: forward, and both
// gradients.
func BenchmarkConvolution(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	for _, c := range []kernels.Convolution{
		convolution(32, 16, 16, 32, 3, 1, 1, 1, 1), convolution(32, 64, 64, 32, 3, 1, 1, 1, 1),
		convolution(32, 128, 256, 16, 3, 2, 1, 1, 1),
		convolution(32, 72, 72, 16, 5, 1, 2, 1, 72),
	} {
		e := newExample(c, 1)
		flops := 2 * float64(len(e.dy)*c.Channels/c.Groups*c.Kernel[0]*c.Kernel[1])
		for _, side := range []struct{ name, domain, gradients string }{{"ours", "ordo", "ordo"},
			{"stock", "", "com.microsoft"}} {
			run := func(what string, flops float64, add func(g *graph) []string) {
				b.Run(name(c)+"/"+what+"/"+side.name, func(b *testing.B) {
					g := newGraph(b, rt)
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

// BenchmarkWinograd times the 3×3 convolutions of a resnet18 of width 16 and 64 on images of 32 pixels (those of
// resnets on 64 pixels are the same), forward and the gradient by the input, by both algorithms in turn. It reports the
// GFLOP/s of a direct convolution, from the best time of each algorithm, and their ratio.
func BenchmarkWinograd(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	bench := func(threads int, precision string, channels, pixels, images int) {
		c := convolution(images, channels, channels, pixels, 3, 1, 1, 1, 1)
		c.Precision = precision
		e := newExample(c, 1)
		flops := 2 * float64(len(e.dy)*c.Channels*9)
		run := func(what string, add func(g *graph, algorithm *onnxgraph.Attribute)) {
			b.Run(
				fmt.Sprintf("%d_threads/%s/%d_channels/%d_pixels/%s", threads, precision, channels, pixels, what),
				func(b *testing.B) {
					algorithms := []string{"direct", "winograd"}
					var graphs [2]*graph
					var sessions [2]*ort.Session
					best := [2]float64{math.Inf(1), math.Inf(1)}
					for i := range algorithms {
						graphs[i] = newGraph(b, rt)
						e.inputs(graphs[i])
						add(graphs[i], onnxgraph.StringAttr("algorithm", algorithms[i]))
						sessions[i] = graphs[i].session(threads, "out")
						graphs[i].run(sessions[i]) // primitives are made
					}
					for b.Loop() {
						for i, s := range sessions {
							start := time.Now()
							results, err := s.Run(graphs[i].inputs)
							if err != nil {
								b.Fatal(err)
							}
							best[i] = min(best[i], time.Since(start).Seconds())
							ort.Release(results)
						}
					}
					for i, algorithm := range algorithms {
						b.ReportMetric(flops/best[i]/1e9, algorithm+"-GFLOP/s")
					}
					b.ReportMetric(best[0]/best[1], "times")
				},
			)
		}
		run("forward", func(g *graph, algorithm *onnxgraph.Attribute) {
			g.op("Conv", []string{"x", "w"}, []string{"out"}, append(attributes(c, true), algorithm)...)
		})
		run("gradient", func(g *graph, algorithm *onnxgraph.Attribute) {
			g.op("ConvGrad", []string{"dy", "x", "w"}, []string{"out"}, append(attributes(c, true), algorithm)...)
		})
	}
	for _, threads := range []int{1, 2} {
		for _, precision := range []string{kernels.F32, kernels.BF16} {
			if precision == kernels.BF16 && !rt.Kernels().BF16() {
				continue
			}
			for _, layer := range [][3]int{ // channels, pixels, images
				{16, 32, 64}, {32, 16, 64}, {64, 8, 64}, {128, 4, 64}, {64, 32, 32}, {128, 16, 32}, {256, 8, 32}, {512, 4, 64},
				{64, 16, 64}, {128, 8, 64}, {256, 4, 64}, {512, 2, 64}, {64, 4, 64}, {64, 5, 64}, {64, 6, 64}, {64, 3, 64},
				{64, 2, 64},
			} {
				bench(threads, precision, layer[0], layer[1], layer[2])
			}
		}
	}
}

// BenchmarkBatchNorm times batch norms with ReLU, their gradient with and without a residual, and beside them copies by
// as many threads, which are as fast as memory lets anything be. The rate counts every tensor that is read or written
// by one of both passes, in the fastest run.
func BenchmarkBatchNorm(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	for _, shape := range [][4]int{{64, 16, 32, 32}, {64, 64, 16, 16}, {64, 256, 8, 8}, {32, 256, 16, 16}} {
		n, c := shape[0]*shape[1]*shape[2]*shape[3], shape[1]
		run := func(name string, tensors int, op string, inputs, outputs []string) {
			b.Run(fmt.Sprintf("%v/%s", shape, name), func(b *testing.B) {
				g := newGraph(b, rt)
				for _, in := range inputs {
					if in == "" ||
						slices.ContainsFunc(
							g.b.Model().GetGraph().GetInput(),
							func(v *onnxgraph.ValueInfo) bool { return v.GetName() == in },
						) {
						continue
					}
					switch in {
					case "x", "y", "dy", "dy2", "residual":
						g.input(in, constant(n, 1), shape[:]...)
					default:
						g.input(in, constant(c, 1), c)
					}
				}
				g.op(op, inputs, outputs, onnxgraph.IntAttr("relu", 1))
				fastest := benchmark(b, g, outputs)
				b.ReportMetric(float64(tensors*4*n)/fastest.Seconds()/1e9, "GB/s")
			})
		}
		forward := []string{"x", "scale", "bias", "mean", "var"}
		run("forward", 3, "BatchNorm", forward, []string{"out", "saved", "inverse"})
		run("forward, residual", 4, "BatchNorm", append(forward, "residual"), []string{"out", "saved", "inverse"})
		run(
			"gradient",
			5,
			"BatchNormGrad",
			[]string{"dy", "x", "x", "scale", "mean", "var", "", "bias"},
			[]string{"dx", "ds", "db"},
		)
		run(
			"gradient, by Y",
			7,
			"BatchNormGrad",
			[]string{"dy", "x", "y", "scale", "mean", "var"},
			[]string{"dx", "ds", "db"},
		)
		residual := []string{"dy", "x", "y", "scale", "mean", "var"}
		run("gradient, residual", 7, "BatchNormGrad", residual, []string{"dx", "ds", "db", "dr"})
		run("gradient, residual, of two parts", 8, "BatchNormGrad", append(residual, "dy2"), []string{"dx", "ds", "db", "dr"})
		b.Run(fmt.Sprintf("%v/copy", shape), func(b *testing.B) {
			from, to := constant(n, 1), constant(n, 1)
			fastest := time.Duration(math.MaxInt64)
			for b.Loop() {
				start := time.Now()
				var both sync.WaitGroup
				both.Go(func() { copy(to[:n/2], from[:n/2]) })
				copy(to[n/2:], from[n/2:])
				both.Wait()
				fastest = min(fastest, time.Since(start))
			}
			b.ReportMetric(float64(2*4*n)/fastest.Seconds()/1e9, "GB/s")
		})
	}
}

// BenchmarkMaxPoolGrad times the gradient of a network's first pool.
func BenchmarkMaxPoolGrad(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	g := newGraph(b, rt)
	const images, channels, size = 32, 16, 64
	ints := onnxgraph.IntsAttr
	window := []*onnxgraph.Attribute{ints("kernel_shape", 3, 3), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1)}
	x := g.input("x", normal(rand.New(rand.NewPCG(1, 1)), images*channels*size*size), images, channels, size, size)
	dy := g.input("dy", constant(images*channels*size*size/4, 1), images, channels, size/2, size/2)
	g.op("MaxPool", []string{x}, []string{"y", "index"}, window...)
	g.op("MaxPoolGrad", []string{dy, "index"}, []string{"dx"}, append(window, ints("image_shape", size, size))...)
	fastest := benchmark(b, g, []string{"dx"})
	b.ReportMetric(
		float64(images*channels*size*size*4)*1.3125/fastest.Seconds()/1e9,
		"GB/s",
	) // dx, a quarter of it, and a byte for four of that
}

// benchmark runs a graph, and returns how long the fastest run took.
func benchmark(b *testing.B, g *graph, outputs []string) time.Duration {
	s := g.session(2, outputs...)
	g.run(s) // primitives are made
	fastest := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		results, err := s.Run(g.inputs)
		fastest = min(fastest, time.Since(start))
		if err != nil {
			b.Fatal(err)
		}
		ort.Release(results)
	}
	return fastest
}

// BenchmarkLinear times the layers of a small vision transformer for 16 images, ours and the stock operators: forward,
// and the gradients.
func BenchmarkLinear(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	for _, l := range []layer{
		newLayer(1040, 192, 576, true), newLayer(1040, 192, 192, true), newLayer(1040, 192, 768, true),
		newLayer(1040, 768, 192, true),
		newLayer(1040, 192, 768, false), newLayer(128, 192, 128, true),
	} {
		flops := 2 * float64(l.rows*l.in*l.out)
		for _, side := range []struct {
			name string
			add  func(*graph) []string
		}{
			{"ours", func(g *graph) []string { return l.ours(g) }}, {"bf16", func(g *graph) []string {
				return l.ours(g, onnxgraph.StringAttr("precision", "bf16"))
			}}, {"stock", l.stock},
		} {
			if side.name == "bf16" && !rt.Kernels().AMX() {
				continue
			}
			run := func(what string, flops float64, first, last int) {
				b.Run(l.String()+"/"+what+"/"+side.name, func(b *testing.B) {
					g := newGraph(b, rt)
					l.inputs(g)
					benchmark(b, g, side.add(g)[first:last])
					b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
			run("forward", flops, 0, 1)
			run("gradients", 2*flops, 1, 4)
		}
	}
}

// BenchmarkMatMul times the products of an attention over 65 tokens with 3 heads of 64, ours and Transposes and
// products of ONNX Runtime's.
func BenchmarkMatMul(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	byHead, turned := []int64{0, 2, 1, 3}, []int64{0, 2, 3, 1}
	for _, c := range []batch{
		newBatch([]int{16, 3}, 65, 65, 64, byHead, turned, nil), newBatch([]int{16, 3}, 65, 64, 65, nil, byHead, byHead),
		newBatch([]int{16, 3}, 65, 64, 65, []int64{0, 1, 3, 2}, byHead, byHead),
	} {
		for _, side := range []struct {
			name string
			add  func(g *graph, output string)
		}{
			{"ours", func(g *graph, y string) { c.ours(g, y) }}, {"bf16", func(g *graph, y string) {
				c.ours(g, y, onnxgraph.StringAttr("precision", "bf16"))
			}}, {"stock", c.stock},
		} {
			if side.name == "bf16" && !rt.Kernels().AMX() {
				continue
			}
			b.Run(c.String()+"/"+side.name, func(b *testing.B) {
				g := newGraph(b, rt)
				c.inputs(g)
				side.add(g, "y")
				benchmark(b, g, []string{"y"})
				b.ReportMetric(2*float64(48*c.m*c.n*c.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkPointwise times activations, layer norm and softmax with their gradients, ours and the stock operators. The
// rate counts what must be read and written.
func BenchmarkPointwise(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
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
		{"gelu gradient/ours", 3, []string{"o"},
			func(g *graph) { g.op("ActivationGrad", []string{"dy", "x"}, []string{"o"}, gelu) }},
		{"gelu gradient/stock", 3, []string{"o"},
			func(g *graph) { g.node("com.microsoft", "GeluGrad", []string{"dy", "x"}, []string{"o"}) }},
		{"silu/ours", 2, []string{"o"},
			func(g *graph) { g.op("Activation", []string{"x"}, []string{"o"}, onnxgraph.StringAttr("kind", "silu")) }},
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
		{"layer norm/ours", 2, []string{"o"},
			func(g *graph) { g.op("LayerNorm", []string{"x", "s", "b"}, []string{"o", "m", "i"}) }},
		{"layer norm/stock", 2, []string{"o"},
			func(g *graph) { g.node("", "LayerNormalization", []string{"x", "s", "b"}, []string{"o", "m", "i"}) }},
		{"layer norm gradient/ours", 3, []string{"dx", "ds", "db"}, func(g *graph) {
			g.op("LayerNormGrad", []string{"dy", "x", "s", "mean", "inverse"}, []string{"dx", "ds", "db"})
		}},
		{"layer norm gradient/stock", 3, []string{"dx", "ds", "db"}, func(g *graph) {
			g.node("com.microsoft", "LayerNormalizationGrad", []string{"dy", "x", "s", "mean", "inverse"},
				[]string{"dx", "ds", "db"})
		}},
		{"softmax gradient/ours", 3, []string{"o"},
			func(g *graph) { g.op("SoftmaxGrad", []string{"dy", "x"}, []string{"o"}) }},
		{"softmax gradient/stock", 3, []string{"o"}, func(g *graph) {
			g.node("com.microsoft", "SoftmaxGrad_13", []string{"dy", "x"}, []string{"o"}, onnxgraph.IntAttr("axis", -1))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := newGraph(b, rt)
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
