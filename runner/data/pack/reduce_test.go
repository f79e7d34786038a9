package pack

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"ordo/augment"
)

// texture is a gradient with noise on it, the same on every machine.
func texture(width, height int) augment.Image {
	m := augment.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	for i := range m.Pix {
		x, y := i/3%width, i/3/width
		m.Pix[i] = uint8(i*2654435761>>7%256/4 + (5*y+3*x)%192)
	}
	return m
}

// TestReduceIsPillows compares with Pillow 13's resize(…, BILINEAR) of the rows and then of the columns, bit for bit.
func TestReduceIsPillows(t *testing.T) {
	for _, c := range []struct {
		width, height, newWidth, newHeight int
		sum                                string // the first half of the SHA-256 of Pillow's pixels
	}{
		{50, 37, 32, 24, "c2aa55d8c511e358"},
		{9, 200, 4, 89, "644e4b8a176121f8"},
		{64, 64, 16, 16, "ab371dc4e302b75f"},
		{33, 20, 20, 12, "da5f5900c22049de"},
		{7, 7, 7, 3, "bf97b0a0e7360688"},
	} {
		m := reduce(texture(c.width, c.height), c.newWidth, c.newHeight)
		if m.Width != c.newWidth || m.Height != c.newHeight {
			t.Errorf("%d x %d became %d x %d", c.width, c.height, m.Width, m.Height)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(m.Pix))[:16]; got != c.sum {
			t.Errorf("%d x %d to %d x %d: pixels %s, Pillow's %s", c.width, c.height, c.newWidth, c.newHeight, got, c.sum)
		}
	}
}

func BenchmarkReduce(b *testing.B) {
	m := texture(500, 375)
	b.SetBytes(int64(len(m.Pix)))
	for b.Loop() {
		reduce(m, 341, 256)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
