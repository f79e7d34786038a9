package kernel

import (
	"fmt"
	"math"
)

// Grid is an image that is sampled at any place: Width x Height pixels of four float32, R, G, B and an arbitrary one.
type Grid struct {
	Width, Height int
	Pix           []float32 // [Height][Width][4]

	at    [gridBlock]int32 // of a block of samples: the pixel left above
	right [gridBlock]float32
	below [gridBlock]float32 // how far the sample lies from it, in [0, 1)
}

const gridBlock = 256 // samples whose places are computed before their values

// Resize makes the grid one of width x height pixels of arbitrary content.
func (g *Grid) Resize(width, height int) {
	g.Width, g.Height = width, height
	g.Pix = grow(g.Pix, 4*width*height)
}

// Line samples bilinearly along a line: value i at (x + i*dx, y + i*dy), counted from the centre of the first pixel.
// All places must lie in [0, Width-1) x [0, Height-1); they are rounded to 2^-32.
func (g *Grid) Line(red, green, blue []float32, x, y, dx, dy float64) {
	const one = 1 << 32
	px, py := int64(math.Round(x*one)), int64(math.Round(y*one))
	sx, sy := int64(math.Round(dx*one)), int64(math.Round(dy*one))
	n := len(red)
	if n == 0 {
		return
	}
	g.checkPlace(px, py)
	g.checkPlace(px+int64(n-1)*sx, py+int64(n-1)*sy)
	green, blue = green[:n], blue[:n]
	for i := 0; i < n; i += gridBlock {
		end := min(i+gridBlock, n)
		g.places(end-i, px, py, sx, sy)
		g.sample(red[i:end], green[i:end], blue[i:end])
		px, py = px+gridBlock*sx, py+gridBlock*sy
	}
}

func (g *Grid) checkPlace(px, py int64) {
	if px < 0 || py < 0 || px>>32 > int64(g.Width-2) || py>>32 > int64(g.Height-2) {
		panic(fmt.Sprintf("kernel: sample at (%v, %v) outside of a grid of %dx%d",
			float64(px)/(1<<32), float64(py)/(1<<32), g.Width, g.Height))
	}
}

// Remap samples bilinearly at (x[i], y[i]), counted and limited as in Line's.
func (g *Grid) Remap(red, green, blue []float32, x, y []float64) {
	n := len(red)
	green, blue, x, y = green[:n], blue[:n], x[:n], y[:n]
	right, bottom := uint(g.Width-1), uint(g.Height-1)
	for i := 0; i < n; i += gridBlock {
		end := min(i+gridBlock, n)
		ys := y[i:end]
		for k, px := range x[i:end] {
			py := ys[k]
			left, top := int(px), int(py)
			if uint(left) >= right || uint(top) >= bottom {
				panic(fmt.Sprintf("kernel: sample at (%v, %v) outside of a grid of %dx%d", px, py, g.Width, g.Height))
			}
			g.at[k] = int32(top*g.Width + left)
			g.right[k], g.below[k] = float32(px-float64(left)), float32(py-float64(top))
		}
		g.sample(red[i:end], green[i:end], blue[i:end])
	}
}

// places splits n places along a line, fixed-point numbers of 32 fractional bits, into pixel and remainder.
func (g *Grid) places(n int, px, py, dx, dy int64) {
	done := 0
	if simd {
		done = (n + 7) &^ 7 // the arrays have room for the rest of a vector
		var x, y [8]int64
		for i, k := range [8]int64{0, 1, 4, 5, 2, 3, 6, 7} { // the order that placesAVX2 needs
			x[i], y[i] = px+k*dx, py+k*dy
		}
		placesAVX2(&g.at[0], &g.right[0], &g.below[0], done, &x, &y, 8*dx, 8*dy, g.Width)
	}
	for i := done; i < n; i++ {
		x, y := px+int64(i)*dx, py+int64(i)*dy
		g.at[i] = int32(y>>32)*int32(g.Width) + int32(x>>32)
		g.right[i] = float32(int32(uint32(x)>>8)) * (1. / (1 << 24))
		g.below[i] = float32(int32(uint32(y)>>8)) * (1. / (1 << 24))
	}
}

// sample interpolates at the places of a block.
func (g *Grid) sample(red, green, blue []float32) {
	done := 0
	if simd && len(red) >= 4 {
		done = len(red) &^ 3
		sampleAVX2(&red[0], &green[0], &blue[0], done, &g.Pix[0], g.Width, &g.at[0], &g.right[0], &g.below[0])
	}
	for i := done; i < len(red); i++ {
		a, b := g.right[i], g.below[i]
		p := g.Pix[4*int(g.at[i]):][:8]
		q := g.Pix[4*(int(g.at[i])+g.Width):][:8]
		red[i] = mix(mix(p[0], p[4], a), mix(q[0], q[4], a), b)
		green[i] = mix(mix(p[1], p[5], a), mix(q[1], q[5], a), b)
		blue[i] = mix(mix(p[2], p[6], a), mix(q[2], q[6], a), b)
	}
}

func mix(a, b, share float32) float32 { return a + float32(share*(b-a)) }
