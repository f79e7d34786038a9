package augment

import (
	"ordo/augment/kernel"
)

// Sharpness sharpens, or smooths with a factor below 1 (torchvision RandomAdjustSharpness).
type Sharpness struct {
	// SharpnessFactor is 0 smooths, 1 is the identity; in [0, 16], default 2; torchvision has none.
	SharpnessFactor float64 `yaml:"sharpness_factor"`
	P               float64 `yaml:"p"` // probability, default 0.5
}

func (*Sharpness) byDefault() Transformation {
	return Transformation{Sharpness: &Sharpness{SharpnessFactor: 2, P: 0.5}}
}

func (t *Sharpness) check(path string) []error {
	return append(checkRange(path+".sharpness_factor", t.SharpnessFactor, 0, 16), checkRange(path+".p", t.P, 0, 1)...)
}

func (t *Sharpness) compile(int) operation {
	factor := t.SharpnessFactor
	return chosen(t.P).paint(func(c *canvas) { c.sharpness(factor) })
}

func (t *Sharpness) hides(family string) string {
	return hiding(t.P, family, "a random sharpness; remove sharpness", "sharpness", "blur")
}

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
