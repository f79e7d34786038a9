package loss

import (
	"fmt"
	"testing"
)

// The benchmarks are also what compare/torch.py holds beside torch.

func BenchmarkNTXent(b *testing.B) {
	for _, size := range []struct{ images, views, dim int }{{128, 2, 64}, {128, 2, 128}, {200, 2, 64}, {1024, 2, 128}} {
		b.Run(fmt.Sprintf("%dx%dx%d", size.images, size.views, size.dim), func(b *testing.B) {
			m := size.images * size.views
			z := convert[float32](normal(1, m*size.dim))
			grad := make([]float32, len(z))
			base := viewsOf(size.views)
			k := new(ntxent[float32])
			for b.Loop() {
				runNTXent(k, batchOf(grad, z, size.images, size.dim, base, 1), 0.2)
			}
			// Two products over half the matrix for the cosines, two halves for the gradient.
			flops := 4 * float64(m) * float64(m) * float64(size.dim)
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(float64(m)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkCompute is the whole call for one kind, with checks and diagnostics.
func BenchmarkCompute(b *testing.B) {
	for _, size := range []struct{ images, dim int }{{200, 64}, {1024, 128}} {
		v := fullViews(1, size.images, 2)
		for _, kind := range TermKinds() {
			b.Run(fmt.Sprintf("%s/%dx%d", kind, size.images, size.dim), func(b *testing.B) {
				l := mustNew(b, only(b, kind))
				outs := fullOutputs(b, l, v, size.dim, 1)
				rows := 0
				for b.Loop() {
					if _, err := l.Compute(v, outs); err != nil {
						b.Fatal(err)
					}
					rows += len(v.Scale)
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

func BenchmarkHealth(b *testing.B) {
	for _, size := range []struct{ images, dim int }{{200, 64}, {1024, 128}, {1024, 512}} {
		b.Run(fmt.Sprintf("%dx%d", size.images, size.dim), func(b *testing.B) {
			v := orderedViews(1, size.images, 2)
			out := randomOutput("embedding", v, size.dim, 1)
			var h health
			var d []Diagnostic
			for b.Loop() {
				d = h.diagnose(d[:0], v, out)
			}
			b.ReportMetric(float64(len(v.Scale)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkVICReg(b *testing.B) {
	o := defaultInvarianceOptions()
	o.Kind = KindVICReg
	o = o.resolved()
	weights := vicregWeights{o.Similarity, o.Variance, o.Covariance}
	k := new(vicreg[float32])
	benchmarkRedundancy(b, func(grad, z []float32, images, dim int, base []int) {
		runVICReg(k, batchOf(grad, z, images, dim, base, 1), weights)
	})
}

func BenchmarkBarlowTwins(b *testing.B) {
	k := new(barlow[float32])
	benchmarkRedundancy(b, func(grad, z []float32, images, dim int, base []int) {
		runBarlow(k, batchOf(grad, z, images, dim, base, 1), 0.0051)
	})
}

// benchmarkRedundancy is for losses whose cost is that of products of rows and columns: 4*N*D² for each of two views.
func benchmarkRedundancy(b *testing.B, run func(grad, z []float32, images, dim int, base []int)) {
	for _, size := range []struct{ images, dim int }{{128, 256}, {1024, 512}} {
		b.Run(fmt.Sprintf("%dx2x%d", size.images, size.dim), func(b *testing.B) {
			rows := 2 * size.images
			z := convert[float32](normal(1, rows*size.dim))
			grad := make([]float32, len(z))
			for b.Loop() {
				run(grad, z, size.images, size.dim, viewsOf(2))
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkCARE takes groups of a few images and of many.
func BenchmarkCARE(b *testing.B) {
	const images, dim = 1024, 128
	z := convert[float32](normal(1, 2*images*dim))
	grad := make([]float32, len(z))
	for _, shared := range []int{3, 8, 12, 32, 256} {
		b.Run(fmt.Sprint(shared), func(b *testing.B) {
			k := new(care)
			for b.Loop() {
				runCARE(k, batchOf(grad, z, images, dim, viewsOf(2), 1), shared)
			}
			b.ReportMetric(2*images*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
