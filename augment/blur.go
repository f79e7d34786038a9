package augment

import (
	"math"

	"ordo/augment/kernel"
)

// gaussianBlur convolves with a Gaussian of standard deviation sigma pixels, sampled at the integers in
// [-radius, radius] and normalised to sum 1; at the border the view is mirrored without repeating the edge
// (torchvision gaussian_blur with kernel size 2*radius+1). A radius that does not fit the view is cut, and so is
// what lies beyond 6 sigma: weights under 2e-8, less than a float32 in [0, 1] resolves.
func (c *canvas) gaussianBlur(radius int, sigma float64) {
	radius = min(radius, int(math.Ceil(6*sigma)), c.width-1, c.height-1)
	if radius < 1 || !(sigma*sigma > 0) {
		return
	}
	c.kernel = grow(c.kernel, radius+1)
	sum := 0.0
	for pass := range 2 { // first the sum, then the weights
		for k := range c.kernel {
			w := math.Exp(-0.5 * float64(k*k) / (sigma * sigma))
			switch {
			case pass == 1:
				c.kernel[k] = float32(w / sum)
			case k == 0:
				sum = w
			default:
				sum += 2 * w
			}
		}
	}
	c.settle()
	for i := range c.planes {
		c.blurRows(c.spare, c.planes[i])
		c.blurColumns(c.planes[i], c.spare)
	}
}

// mirrored returns the pixel of n that stands at place k, at most n-1 outside: 1 for -1, n-2 for n.
func mirrored(k, n int) int {
	if k < 0 {
		return -k
	}
	if k >= n {
		return 2*(n-1) - k
	}
	return k
}

func (c *canvas) blurRows(dst, src []float32) {
	radius, width := len(c.kernel)-1, c.width
	c.line = grow(c.line, width+2*radius)
	c.above, c.below = grow(c.above, radius), grow(c.below, radius)
	for k := range radius {
		c.above[k], c.below[k] = radius-1-k, radius+1+k
	}
	for y := range c.height {
		row := src[y*width : (y+1)*width]
		copy(c.line[radius:], row)
		for k := 1; k <= radius; k++ {
			c.line[radius-k] = row[k]
			c.line[radius+width-1+k] = row[width-1-k]
		}
		kernel.Symmetric(dst[y*width:(y+1)*width], c.line, c.kernel, radius, c.above, c.below)
	}
}

func (c *canvas) blurColumns(dst, src []float32) {
	width, height := c.width, c.height
	for y := range height {
		for k := range c.above {
			c.above[k] = width * mirrored(y-1-k, height)
			c.below[k] = width * mirrored(y+1+k, height)
		}
		kernel.Symmetric(dst[y*width:(y+1)*width], src, c.kernel, y*width, c.above, c.below)
	}
}
