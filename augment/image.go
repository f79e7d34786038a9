package augment

import (
	"fmt"

	"ordo/augment/kernel"
)

// Image is an RGB picture of 8 bits a channel: pixel (x, y) is Pix[3*(y*Width+x):][:3]. Rendering only reads it.
type Image struct {
	Width, Height int
	Pix           []uint8
}

// check panics on an image that is none: whoever read it had to find out.
func (m Image) check() {
	if m.Width < 1 || m.Height < 1 || len(m.Pix) != 3*m.Width*m.Height {
		panic(fmt.Sprintf("augment: image of %dx%d with %d bytes, want 3 a pixel", m.Width, m.Height, len(m.Pix)))
	}
}

// canvas is a view in the making: three planes of width*height values in [0, 1], row-major.
type canvas struct {
	width, height int
	planes        [3][]float32
	ops           []kernel.Op   // that the planes' pixels still have to meet
	spare         []float32     // one plane
	line          []float32     // one padded row of a blur
	kernel        []float32     // half of a blur's kernel
	above, below  []int         // places of a blur's inputs
	columns, rows kernel.Filter // of downscale
	small         []float32     // its three planes
	bytes         []uint8       // one plane, of equalize
	mean          [3]float32    // what erased pixels become
	data          []float32     // what the planes lie in
}

// start makes the canvas one of width x height pixels whose planes lie in data, one after the other. A view is made
// where it is wanted, so that it is in the cache but once.
func (c *canvas) start(data []float32, width, height int) {
	n := width * height
	c.width, c.height, c.data = width, height, data[:3*n]
	for i := range c.planes {
		c.planes[i] = data[i*n : (i+1)*n : (i+1)*n]
	}
	c.spare = grow(c.spare, n)
	c.ops = c.ops[:0]
}

// row returns row y of the three planes.
func (c *canvas) row(y int) (red, green, blue []float32) {
	from, to := y*c.width, (y+1)*c.width
	return c.planes[0][from:to], c.planes[1][from:to], c.planes[2][from:to]
}

// channels returns the planes, up to date, as three slices of one length that the compiler knows to be equal.
func (c *canvas) channels() (r, g, b []float32) {
	c.settle()
	r = c.planes[0]
	return r, c.planes[1][:len(r)], c.planes[2][:len(r)]
}

// settle runs the point operations that wait. Whatever reads or writes the planes calls it first.
func (c *canvas) settle() {
	if len(c.ops) > 0 {
		kernel.Apply(c.planes[0], c.planes[1], c.planes[2], c.ops)
		c.ops = c.ops[:0]
	}
}

// Scratch holds the buffers of one worker. The zero value is ready; it must not be used by two goroutines at once.
// Rendering allocates only while the buffers still grow.
type Scratch struct {
	canvas   canvas
	geometry geometry
	rng      rng
	draws    [maxDraws]float64
	sampler  sampler
}

// grow returns a slice of length n on buf's memory, or on new memory with room to spare. Its content is arbitrary.
func grow[T any](buf []T, n int) []T {
	if cap(buf) < n {
		return make([]T, n, n+n/2)
	}
	return buf[:n]
}
