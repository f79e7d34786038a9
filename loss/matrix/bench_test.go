package matrix

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkMul takes the products of the losses: similarities (a·bᵀ) and covariances (aᵀ·b).
func BenchmarkMul(b *testing.B) {
	b.Run("float32", benchmarkMul[float32])
	b.Run("float64", benchmarkMul[float64])
}

func benchmarkMul[T Float](b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range [][3]int{{128, 128, 128}, {512, 512, 1024}, {2048, 256, 512}} {
		rows, cols, depth := size[0], size[1], size[2]
		x, y := normal[T](r, rows*depth), normal[T](r, cols*depth)
		dst := Of(make([]T, rows*cols), rows, cols)
		var packed Packed[T]
		bench := func(name string, left, right Matrix[T], pack bool) {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", name, rows, cols, depth), func(b *testing.B) {
				packed.Pack(right)
				for b.Loop() {
					if pack {
						packed.Pack(right)
					}
					Mul(dst, left, &packed)
				}
				b.ReportMetric(2*float64(rows*cols*depth)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		bench("packed", Of(x, rows, depth), Of(y, cols, depth).T(), false)
		bench("abT", Of(x, rows, depth), Of(y, cols, depth).T(), true)
		bench("aTb", Of(x, depth, rows).T(), Of(y, depth, cols), true)
	}
}

func BenchmarkVectors(b *testing.B) {
	const n = 1024
	r := rand.New(rand.NewPCG(1, 1))
	x, y, z := normal[float32](r, n), normal[float32](r, n), make([]float64, n)
	bench := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gvalues/s")
		})
	}
	bench("Dot", func() { Dot(x, y) })
	bench("Sum", func() { Sum(x) })
	bench("AddScaled", func() { AddScaled(x, 1e-9, y) })
	bench("Exp", func() { Exp(z, y, 10, 1) })
	bench("MulSum", func() { MulSum(x, z, z, 1) })
}
