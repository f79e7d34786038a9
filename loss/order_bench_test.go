package loss

import (
	"fmt"
	"testing"
)

func BenchmarkOrder(b *testing.B) {
	for _, k := range orderKinds {
		for _, distance := range []string{DistanceCosine, DistanceEuclidean} {
			for _, anchors := range []string{AnchorsOrigin, AnchorsAll} {
				images := 1024
				if k.name == KindRankNContrast {
					images = 200 // the time is quadratic in the images
				}
				b.Run(fmt.Sprintf("%s/%s/%s/%dx5x128", k.name, distance, anchors, images), func(b *testing.B) {
					v := orderedViews(1, images, 2, 3)
					out := randomOutput("embedding", v, 128, 1)
					clear(out.Grad)
					o := DefaultOptions()
					o.Invariance.Kind = KindNone
					o.Order = OrderOptions{Kind: k.name, Distance: distance, Anchors: anchors, Weight: 1}
					t := newOrderTerm(o.Order.resolved())
					outs := []Output{out}
					if _, err := t.needs(nil, v); err != nil {
						b.Fatal(err)
					}
					var d []Diagnostic
					_, d = t.compute(v, outs, 1, d[:0]) // now the buffers are there
					b.ReportAllocs()
					for b.Loop() {
						_, d = t.compute(v, outs, 1, d[:0])
					}
					b.ReportMetric(float64(len(v.Scale))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				})
			}
		}
	}
}
