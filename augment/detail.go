package augment

import "ordo/augment/kernel"

// sharpness blends with a smoothed view, each pixel the mean of its 3x3 with a centre of weight 5: factor 0 is that, 1
// the identity, more sharpens. The outermost pixels stay (torchvision adjust_sharpness).
func (c *canvas) sharpness(factor float64) {
	w, h := c.width, c.height
	if w <= 2 || h <= 2 {
		return
	}
	rest := float32(1 - factor)
	r, g, b := c.channels()
	for _, plane := range [3][]float32{r, g, b} {
		copy(c.spare, plane)
		for y := 1; y < h-1; y++ {
			above, row, below := c.spare[(y-1)*w:][:w], c.spare[y*w:][:w], c.spare[(y+1)*w:][:w]
			kernel.Sharpen(plane[y*w:][:w], above, row, below, rest)
		}
	}
}

// downscale reduces the view to size x size pixels, antialiased, and enlarges it again, bilinearly (torchvision resize,
// twice).
func (c *canvas) downscale(size int) {
	c.settle()
	size = max(1, size)
	c.small = grow(c.small, 3*size*size)
	small := [3][]float32{c.small[:size*size], c.small[size*size:][:size*size], c.small[2*size*size:]}
	c.resample(small, size, size, c.planes, c.width, c.height)
	c.resample(c.planes, c.width, c.height, small, size, size)
}

// resample resizes planes of w x h to planes of width x height, antialiased.
func (c *canvas) resample(dst [3][]float32, width, height int, src [3][]float32, w, h int) {
	c.columns.Build(kernel.Bilinear, width, 0, float64(w)/float64(width), true, 0, w)
	c.rows.Build(kernel.Bilinear, height, 0, float64(h)/float64(height), true, 0, h)
	c.line = grow(c.line, w+3*w+1)
	row, pixels := c.line[:w], c.line[w:]
	for y := range height {
		first, weights := c.rows.Taps(y)
		c.above = c.above[:0]
		for k := range weights {
			c.above = append(c.above, (first+k)*w)
		}
		for channel, plane := range src {
			kernel.Combine(row, plane, c.above, weights)
			for x, v := range row {
				pixels[3*x+channel] = v
			}
		}
		from, to := y*width, (y+1)*width
		kernel.Columns(dst[0][from:to], dst[1][from:to], dst[2][from:to], pixels, &c.columns)
	}
}

// erase fills a box of the view, given in pixels, with the mean. Pixels that the box covers in part are blended.
func (c *canvas) erase(left, top, width, height float64) {
	r, g, b := c.channels()
	for y := max(0, int(top)); y < min(c.height, int(top+height)+1); y++ {
		cy := covered(float64(y), top, top+height)
		for x := max(0, int(left)); x < min(c.width, int(left+width)+1); x++ {
			share := float32(cy * covered(float64(x), left, left+width))
			at := y*c.width + x
			r[at] = between(r[at], c.mean[0], share)
			g[at] = between(g[at], c.mean[1], share)
			b[at] = between(b[at], c.mean[2], share)
		}
	}
}

// covered returns how much of pixel [at, at+1) lies in [from, to).
func covered(at, from, to float64) float64 { return max(0, min(at+1, to)-max(at, from)) }
