package loss

import (
	"fmt"
	"testing"
)

func BenchmarkOrder(b *testing.B) {
	for _, name := range distanceKinds() {
		sizes := []int{1024}
		if name == KindRankNContrast {
			sizes = []int{200, 1024} // the time is quadratic in the images
		}
		for _, distance := range []string{DistanceCosine, DistanceEuclidean} {
			for _, anchors := range []string{AnchorsOrigin, AnchorsAll} {
				for _, images := range sizes {
					b.Run(fmt.Sprintf("%s/%s/%s/%dx5x128", name, distance, anchors, images), func(b *testing.B) {
						benchmarkOrder(b, OrderOptions{Kind: name, Distance: distance, Anchors: anchors, Weight: 1}, images)
					})
				}
			}
		}
	}
}

func benchmarkOrder(b *testing.B, o OrderOptions, images int) {
	v := orderedViews(1, images, 2, 3)
	out := randomOutput("embedding", v, 128, 1)
	clear(out.Grad)
	t := TermOptions{Order: &o}.resolved().build().term
	outs := []Output{out}
	if _, err := t.needs(nil, v); err != nil {
		b.Fatal(err)
	}
	_, d := t.compute(v, outs, 1, nil) // now the buffers are there
	b.ReportAllocs()
	for b.Loop() {
		_, d = t.compute(v, outs, 1, d[:0])
	}
	b.ReportMetric(float64(len(v.Scale)*b.N)/b.Elapsed().Seconds(), "rows/s")
}
