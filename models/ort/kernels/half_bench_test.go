package kernels_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// BenchmarkConvolutionOfHalves prints GFLOP/s of the parts of a convolution with activations in bfloat16, on one
// thread: the best of runs of oneDNN's gradient by the weights ("direct") and of ours on matrix units that alternate.
func BenchmarkConvolutionOfHalves(b *testing.B) {
	rt := orttest.OpenWithKernels(b)
	needBF16(b, rt)
	for _, c := range []kernels.Convolution{
		convolution(64, 3, 64, 32, 3, 1, 1, 1, 1),
		convolution(64, 16, 16, 32, 3, 1, 1, 1, 1),
		convolution(64, 64, 64, 32, 3, 1, 1, 1, 1),
		convolution(64, 128, 128, 16, 3, 1, 1, 1, 1),
		convolution(64, 256, 256, 8, 3, 1, 1, 1, 1),
		convolution(64, 512, 512, 4, 3, 1, 1, 1, 1),
		convolution(64, 64, 128, 32, 3, 2, 1, 1, 1),
		convolution(64, 256, 512, 8, 3, 2, 1, 1, 1),
		convolution(64, 64, 256, 16, 1, 1, 0, 1, 1),
		convolution(64, 1024, 256, 4, 1, 1, 0, 1, 1),
		convolution(64, 64, 128, 32, 1, 2, 0, 1, 1),
	} {
		c.Precision, c.Stored = kernels.BF16, true
		e := newExample(c, 1)
		flops := 2 * float64(len(e.dy)*c.Channels*c.Kernel[0]*c.Kernel[1])
		ways := []struct{ name, algorithm, output string }{
			{"forward", "auto", "y"}, {"by_input", "auto", "dx"}, {"direct", "direct", "dw"}, {"weights", "auto", "dw"},
		}
		b.Run(name(c), func(b *testing.B) {
			var graphs []*graph
			var sessions []*ort.Session
			best := []float64{math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)}
			for _, way := range ways {
				g := newGraph(b, rt)
				e.inputs(g)
				x, dy := g.half("x"), g.half("dy") // in whatever order
				all := append(attributes(c, true), onnxgraph.StringAttr("algorithm", way.algorithm))
				switch way.output {
				case "y":
					g.op("ConvBF16", []string{x, "w"}, []string{"y"}, all...)
				case "dx":
					g.op("ConvGradBF16", []string{dy, x, "w"}, []string{"dx"}, all...)
				default:
					g.op("ConvGradBF16", []string{dy, x, "w"}, []string{"", "dw"}, all...)
				}
				out := way.output
				if out != "dw" { // little of it
					g.op("AveragePoolBF16", []string{out}, []string{"few"}, onnxgraph.IntsAttr("kernel_shape", 1, 1),
						onnxgraph.IntsAttr("strides", int64(c.Height), int64(c.Width)))
					out = g.float("few")
				}
				graphs, sessions = append(graphs, g), append(sessions, g.session(1, out))
				g.run(sessions[len(sessions)-1])
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
			for i, way := range ways {
				b.ReportMetric(flops/best[i]/1e9, fmt.Sprintf("%s-GFLOP/s", way.name))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
