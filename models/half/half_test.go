package half_test

import (
	"math"
	"testing"

	"ordo/models/half"
)

// TestEveryNumber: all 65,536 come back, and what lies between two neighbours goes to the nearer one, or the even one.
func TestEveryNumber(t *testing.T) {
	for i := range 1 << 16 {
		bits := uint16(i)
		f := half.Float32(bits)
		if math.IsNaN(float64(f)) {
			if got := half.Bits(f); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
				t.Fatalf("%#04x, not a number, comes back as %#04x", bits, got)
			}
			continue
		}
		if got := half.Bits(f); got != bits {
			t.Fatalf("%#04x is %g and comes back as %#04x", bits, f, got)
		}
		if bits&0x7fff >= 0x7bff { // the largest has no neighbour
			continue
		}
		next := half.Float32(bits + 1)
		middle := (f + next) / 2
		if got, want := half.Bits(middle), bits+bits&1; got != want {
			t.Fatalf("%g, between %#04x and the next, becomes %#04x, want %#04x", middle, bits, got, want)
		}
		if got := half.Bits(math.Nextafter32(middle, f)); got != bits {
			t.Fatalf("what is nearer to %#04x becomes %#04x", bits, got)
		}
	}
}

func TestKnownNumbers(t *testing.T) {
	for f, want := range map[float32]uint16{
		1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65519: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00, -1e9: 0xfc00,
		0x1p-24: 0x0001, 0x1p-25: 0x0000, 0x1p-14: 0x0400, 1. / 3: 0x3555,
	} {
		if got := half.Bits(f); got != want {
			t.Errorf("%g is %#04x, want %#04x", f, got, want)
		}
	}
}
