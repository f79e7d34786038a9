package pack

import (
	"math"

	"ordo/augment"
)

// weightBits is the precision of the weights: with 8 bits of pixels and a bit to spare for the sum's rounding, it fills
// 32.
const weightBits = 32 - 8 - 2

// window is the share that inputs first, first+1, … have in an output, in units of 2^-weightBits.
type window struct {
	first   int
	weights []int32
}

// windows resizes one axis from old to size inputs by a triangle filter as wide as a new pixel: Pillow's algorithm,
// which torchvision calls antialias. size is at most old.
func windows(old, size int) []window {
	step := float64(old) / float64(size)
	out := make([]window, size)
	share := make([]float64, 0, 2*int(step)+4)
	for i := range out {
		centre := float64(float64(i)+0.5) * step
		from := max(0, int(float64(centre-step)+0.5))
		to := min(old, int(float64(centre+step)+0.5))
		share = share[:0]
		sum := 0.0
		for k := from; k < to; k++ {
			w := max(0, 1-math.Abs(float64((float64(k)-centre+0.5)*(1/step))))
			share = append(share, w)
			sum += w
		}
		weights := make([]int32, len(share))
		for k, w := range share {
			weights[k] = int32(0.5 + float64(w*(1/sum)*(1<<weightBits)))
		}
		out[i] = window{from, weights}
	}
	return out
}

// reduce shrinks an image to width x height, neither larger than before: first its rows, rounded to 8 bits, then its
// columns. It computes in integers, so that the pixels are the same on every machine.
func reduce(m augment.Image, width, height int) augment.Image {
	const half = 1 << (weightBits - 1)
	across := make([]uint8, 3*width*m.Height)
	columns := windows(m.Width, width)
	for y := range m.Height {
		row, to := m.Pix[3*y*m.Width:3*(y+1)*m.Width], across[3*y*width:3*(y+1)*width]
		for x, c := range columns {
			r, g, b := int32(half), int32(half), int32(half)
			in := row[3*c.first:]
			for k, w := range c.weights {
				p := in[3*k : 3*k+3]
				r += w * int32(p[0])
				g += w * int32(p[1])
				b += w * int32(p[2])
			}
			to[3*x], to[3*x+1], to[3*x+2] = clip(r), clip(g), clip(b)
		}
	}
	out := augment.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	sums := make([]int32, 3*width)
	for y, c := range windows(m.Height, height) {
		for i := range sums {
			sums[i] = half
		}
		for k, w := range c.weights {
			for i, v := range across[3*(c.first+k)*width : 3*(c.first+k+1)*width] {
				sums[i] += w * int32(v)
			}
		}
		to := out.Pix[3*y*width : 3*(y+1)*width]
		for i, v := range sums {
			to[i] = clip(v)
		}
	}
	return out
}

// clip rounds a weighted sum to a pixel's value; rounded weights may add up to a little more than one.
func clip(v int32) uint8 { return uint8(min(max(v>>weightBits, 0), 255)) }
