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

// BenchmarkBatchNorm times batch norms with ReLU, their gradient with and without a residual, and beside them copies by as many threads,
// which are as fast as memory lets anything be. The rate counts every tensor that is read or written by one of both passes, in the fastest run.
func BenchmarkBatchNorm(b *testing.B) {
	lib := orttest.OpenWithKernels(b)
	for _, shape := range [][4]int{{64, 16, 32, 32}, {64, 64, 16, 16}, {64, 256, 8, 8}, {32, 256, 16, 16}} {
		n, c := shape[0]*shape[1]*shape[2]*shape[3], shape[1]
		run := func(name string, tensors int, op string, inputs, outputs []string) {
			b.Run(fmt.Sprintf("%v/%s", shape, name), func(b *testing.B) {
				g := newGraph(b, lib)
				for _, in := range inputs {
					if in == "" || slices.ContainsFunc(g.b.Model().GetGraph().GetInput(), func(v *onnxgraph.ValueInfo) bool { return v.GetName() == in }) {
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
		run("gradient", 5, "BatchNormGrad", []string{"dy", "x", "x", "scale", "mean", "var", "", "bias"}, []string{"dx", "ds", "db"})
		run("gradient, by Y", 7, "BatchNormGrad", []string{"dy", "x", "y", "scale", "mean", "var"}, []string{"dx", "ds", "db"})
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
	lib := orttest.OpenWithKernels(b)
	g := newGraph(b, lib)
	const images, channels, size = 32, 16, 64
	ints := onnxgraph.IntsAttr
	window := []*onnxgraph.Attribute{ints("kernel_shape", 3, 3), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1)}
	x := g.input("x", normal(rand.New(rand.NewPCG(1, 1)), images*channels*size*size), images, channels, size, size)
	dy := g.input("dy", constant(images*channels*size*size/4, 1), images, channels, size/2, size/2)
	g.op("MaxPool", []string{x}, []string{"y", "index"}, window...)
	g.op("MaxPoolGrad", []string{dy, "index"}, []string{"dx"}, append(window, ints("image_shape", size, size))...)
	fastest := benchmark(b, g, []string{"dx"})
	b.ReportMetric(float64(images*channels*size*size*4)*1.3125/fastest.Seconds()/1e9, "GB/s") // dx, a quarter of it, and a byte for four of that
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
