package loader

import "testing"

// BenchmarkEpochOrder shuffles ImageNet's training images: what an epoch does that grows with the set.
func BenchmarkEpochOrder(b *testing.B) {
	const images = 1_281_167
	epoch := uint64(0)
	for b.Loop() {
		if order := epochOrder(1, epoch, images); len(order) != images {
			b.Fatal(len(order))
		}
		epoch++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/images, "ns/image")
}
