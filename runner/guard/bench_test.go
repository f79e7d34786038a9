package guard

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"ordo/runner/eval"
)

// BenchmarkMeasure: what an epoch pays for each of its two outputs.
func BenchmarkMeasure(b *testing.B) {
	for _, c := range []struct{ images, dim int }{{100, 256}, {256, 256}, {512, 512}, {512, 2048}} {
		b.Run(fmt.Sprintf("%dx%d", c.images, c.dim), func(b *testing.B) {
			rows := eval.Rows{Data: make([]float32, c.images*c.dim), Dim: c.dim}
			draw := rand.New(rand.NewPCG(1, 2))
			for i := range rows.Data {
				rows.Data[i] = max(0, float32(draw.NormFloat64()))
			}
			for b.Loop() {
				if _, err := Measure(rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
