package augment

import "math"

// gaussianBlur convolves with a Gaussian of standard deviation sigma pixels, sampled at the integers in
// [-radius, radius] and normalised to sum 1; at the border the view is mirrored without repeating the edge
// (torchvision gaussian_blur with kernel size 2*radius+1). A radius that does not fit the view is cut, and so is
// what lies beyond 6 sigma: weights under 2e-8, less than a float32 in [0, 1] resolves.
func (c *canvas) gaussianBlur(radius int, sigma float64) {
	radius = min(radius, int(math.Ceil(6*sigma)), c.width-1, c.height-1)
	if radius < 1 || !(sigma > 0) {
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
	c.line = grow(c.line, max(c.width, c.height)+2*radius)
	for i := range c.planes {
		blurTransposed(c.spare, c.planes[i], c.width, c.height, c.kernel, c.line)
		blurTransposed(c.planes[i], c.spare, c.height, c.width, c.kernel, c.line)
	}
}

// blurTransposed convolves the rows of src, a width x height plane, with the symmetric kernel whose right half is
// given, and writes them as columns of dst, a height x width plane: two calls blur both ways and both run along
// memory.
func blurTransposed(dst, src []float32, width, height int, kernel, line []float32) {
	radius := len(kernel) - 1
	line = line[:width+2*radius]
	for y := range height {
		copy(line[radius:], src[y*width:(y+1)*width])
		for k := 1; k <= radius; k++ {
			line[radius-k] = line[radius+k]
			line[radius+width-1+k] = line[radius+width-1-k]
		}
		x := 0
		for ; x+4 <= width; x += 4 { // four sums at once hide the latency of an addition
			mid := (*[4]float32)(line[x+radius:])
			w := kernel[0]
			s0, s1, s2, s3 := w*mid[0], w*mid[1], w*mid[2], w*mid[3]
			for k := 1; k < len(kernel); k++ {
				w := kernel[k]
				a, b := (*[4]float32)(line[x+radius-k:]), (*[4]float32)(line[x+radius+k:])
				s0 += w * (a[0] + b[0])
				s1 += w * (a[1] + b[1])
				s2 += w * (a[2] + b[2])
				s3 += w * (a[3] + b[3])
			}
			at := x*height + y
			dst[at], dst[at+height], dst[at+2*height], dst[at+3*height] = s0, s1, s2, s3
		}
		for ; x < width; x++ {
			s := kernel[0] * line[x+radius]
			for k := 1; k < len(kernel); k++ {
				s += kernel[k] * (line[x+radius-k] + line[x+radius+k])
			}
			dst[x*height+y] = s
		}
	}
}
