package pack

import (
	"os"
	"testing"
)

// BenchmarkPack packs images that take no time to decode.
func BenchmarkPack(b *testing.B) {
	for _, format := range []string{FormatRaw, FormatJPEG} {
		b.Run(format, func(b *testing.B) {
			d := &drawn{n: 2000}
			j := job(b, d)
			j.Format, j.Quality, j.Workers = format, 90, 0
			for b.Loop() {
				f := mustPack(b, j)
				if err := os.Remove(f.Path()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*d.n)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// BenchmarkRead reads records that were read before.
func BenchmarkRead(b *testing.B) {
	d := &drawn{n: 2000}
	f := mustPack(b, job(b, d))
	bytes, i, sum := 0, 0, uint8(0)
	for b.Loop() {
		m, err := f.Image(i % f.Len())
		if err != nil {
			b.Fatal(err)
		}
		for at := 0; at < len(m.Pix); at += 64 { // every cache line
			sum += m.Pix[at]
		}
		bytes += len(m.Pix)
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(float64(bytes)/1e9/b.Elapsed().Seconds(), "GB/s")
	_ = sum
}
