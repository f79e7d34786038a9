package augment

// The point operations work on values in [0, 1] and follow torchvision's functional operations on float tensors.
// Luminance has the weights that torchvision takes, ITU-R BT.601 to four digits.
const (
	lumaR = float32(0.2989)
	lumaG = float32(0.587)
	lumaB = float32(0.114)
)

func luma(r, g, b float32) float32 { return lumaR*r + lumaG*g + lumaB*b }

// clamp01 limits a value to [0, 1].
func clamp01(v float32) float32 { return max(0, min(1, v)) }

// channels returns the planes as three slices of one length that the compiler knows to be equal.
func (c *canvas) channels() (r, g, b []float32) {
	r = c.planes[0]
	return r, c.planes[1][:len(r)], c.planes[2][:len(r)]
}

// brightness multiplies by factor >= 0 and clips at 1 (torchvision adjust_brightness).
func (c *canvas) brightness(factor float64) {
	k := float32(factor)
	for _, plane := range c.planes {
		for i, v := range plane {
			plane[i] = min(1, k*v)
		}
	}
}

// contrast blends with the mean luminance of the whole view: factor 0 is that grey, 1 the identity (torchvision
// adjust_contrast).
func (c *canvas) contrast(factor float64) {
	r, g, b := c.channels()
	sum := 0.0
	for start := 0; start < len(r); start += c.width {
		var row float32 // a row in float32 loses nothing that a pixel would show, the rows' sum could
		for i := start; i < start+c.width; i++ {
			row += luma(r[i], g[i], b[i])
		}
		sum += float64(row)
	}
	mean := float32(sum / float64(len(r)) * (1 - factor))
	k := float32(factor)
	for _, plane := range c.planes {
		for i, v := range plane {
			plane[i] = clamp01(k*v + mean)
		}
	}
}

// saturation blends with each pixel's luminance: factor 0 is grey, 1 the identity (torchvision adjust_saturation).
func (c *canvas) saturation(factor float64) {
	r, g, b := c.channels()
	k := float32(factor)
	rest := float32(1 - factor)
	for i, rv := range r {
		gv, bv := g[i], b[i]
		grey := rest * luma(rv, gv, bv)
		r[i], g[i], b[i] = clamp01(k*rv+grey), clamp01(k*gv+grey), clamp01(k*bv+grey)
	}
}

// grayscale replaces the channels by the luminance (torchvision rgb_to_grayscale with 3 channels).
func (c *canvas) grayscale() {
	r, g, b := c.channels()
	for i, rv := range r {
		grey := luma(rv, g[i], b[i])
		r[i], g[i], b[i] = grey, grey, grey
	}
}

// hue turns the colour wheel by shift turns, in [-1/2, 1/2] (torchvision adjust_hue): HSV's H moves, S and V stay.
//
// With the hue h in sixths of a turn, V = max and C = max-min, the way back from HSV is min + C*w, where w is
// clamp(|h-3|-1), clamp(2-|h-2|) and clamp(2-|h-4|) for R, G and B: three trapezes along the wheel. As S and V
// stay, min and C do, and only h is ever computed.
func (c *canvas) hue(shift float64) {
	r, g, b := c.channels()
	turn := float32(6 * shift)
	for i, rv := range r {
		gv, bv := g[i], b[i]
		high, low := max(rv, gv, bv), min(rv, gv, bv)
		chroma := high - low
		if chroma == 0 {
			continue
		}
		var h float32
		switch high {
		case rv:
			h = (gv - bv) / chroma
		case gv:
			h = 2 + (bv-rv)/chroma
		default:
			h = 4 + (rv-gv)/chroma
		}
		h += turn // in [-4, 8)
		if h < 0 {
			h += 6
		} else if h >= 6 {
			h -= 6
		}
		r[i] = low + chroma*clamp01(abs(h-3)-1)
		g[i] = low + chroma*clamp01(2-abs(h-2))
		b[i] = low + chroma*clamp01(2-abs(h-4))
	}
}

func abs(v float32) float32 { return max(v, -v) }
