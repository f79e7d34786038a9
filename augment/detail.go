package augment

// sharpness blends with a smoothed view, each pixel the mean of its 3x3 with a centre of weight 5: factor 0 is that, 1
// the identity, more sharpens. The outermost pixels stay (torchvision adjust_sharpness).
func (c *canvas) sharpness(factor float64) {
	w, h := c.width, c.height
	if w <= 2 || h <= 2 {
		return
	}
	const side, centre = float32(1. / 13), float32(5. / 13)
	rest := float32(1 - factor)
	r, g, b := c.channels()
	for _, plane := range [3][]float32{r, g, b} {
		copy(c.spare, plane)
		for y := 1; y < h-1; y++ {
			above, line, below := c.spare[(y-1)*w:][:w], c.spare[y*w:][:w], c.spare[(y+1)*w:][:w]
			out := plane[y*w:][:w]
			for x := 1; x < w-1; x++ {
				ring := above[x-1] + above[x] + above[x+1] + line[x-1] + line[x+1] + below[x-1] + below[x] + below[x+1]
				smooth := side*ring + centre*line[x]
				out[x] = clamp01(line[x] + rest*(smooth-line[x]))
			}
		}
	}
}

// downscale reduces the view to size x size pixels, antialiased, and enlarges it again, bilinearly (torchvision resize,
// twice).
func (c *canvas) downscale(size int) {
	r, g, b := c.channels()
	size = max(1, size)
	for _, plane := range [3][]float32{r, g, b} {
		c.shrink.build(size, 0, float64(c.width)/float64(size), true, 0, c.width)
		resampleRows(c.spare, plane, c.width, c.height, &c.shrink)
		c.shrink.build(size, 0, float64(c.height)/float64(size), true, 0, c.height)
		resampleColumns(plane, c.spare, size, &c.shrink)
		c.shrink.build(c.width, 0, float64(size)/float64(c.width), true, 0, size)
		resampleRows(c.spare, plane, size, size, &c.shrink)
		c.shrink.build(c.height, 0, float64(size)/float64(c.height), true, 0, size)
		resampleColumns(plane, c.spare, c.width, &c.shrink)
	}
}

// resampleRows filters each row of src, which is width x height.
func resampleRows(dst, src []float32, width, height int, f *filter) {
	for y := range height {
		line, out := src[y*width:][:width], dst[y*len(f.taps):][:len(f.taps)]
		for x, t := range f.taps {
			var sum float32
			in := line[t.first:]
			for k, w := range f.weights[t.from:t.to] {
				sum += w * in[k]
			}
			out[x] = sum
		}
	}
}

// resampleColumns filters each column of src, whose rows have width values.
func resampleColumns(dst, src []float32, width int, f *filter) {
	for y, t := range f.taps {
		out := dst[y*width:][:width]
		clear(out)
		for k, w := range f.weights[t.from:t.to] {
			for x, v := range src[(t.first+k)*width:][:width] {
				out[x] += w * v
			}
		}
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
