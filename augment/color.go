package augment

import "ordo/augment/kernel"

// The point operations work on values in [0, 1] and follow torchvision's functional operations on float tensors.
// They wait in canvas.ops until something needs the pixels, so that consecutive ones make one pass over memory, and
// the last ones make it together with the normalisation.

func (c *canvas) point(op kernel.Op) { c.ops = append(c.ops, op) }

// brightness multiplies by factor >= 0 and clips at 1 (torchvision adjust_brightness).
func (c *canvas) brightness(factor float64) {
	c.point(kernel.Op{Kind: kernel.Scale, A: float32(factor)})
}

// contrast blends with the mean luminance of the whole view: factor 0 is that grey, 1 the identity (torchvision
// adjust_contrast).
func (c *canvas) contrast(factor float64) {
	sum := kernel.Luminance(c.planes[0], c.planes[1], c.planes[2], c.ops)
	c.ops = c.ops[:0]
	mean := float32(sum / float64(c.width*c.height) * (1 - factor))
	c.point(kernel.Op{Kind: kernel.Blend, A: float32(factor), B: mean})
}

// saturation blends with each pixel's luminance: factor 0 is grey, 1 the identity (torchvision adjust_saturation).
func (c *canvas) saturation(factor float64) {
	c.point(kernel.Op{Kind: kernel.Saturate, A: float32(factor), B: float32(1 - factor)})
}

// grayscale replaces the channels by the luminance (torchvision rgb_to_grayscale with 3 channels).
func (c *canvas) grayscale() { c.point(kernel.Op{Kind: kernel.Gray}) }

// hue turns the colour wheel by shift turns, in [-1/2, 1/2] (torchvision adjust_hue): HSV's H moves, S and V stay.
func (c *canvas) hue(shift float64) { c.point(kernel.Op{Kind: kernel.Hue, A: float32(6 * shift)}) }

// solarize inverts what is at least as bright as threshold (torchvision solarize).
func (c *canvas) solarize(threshold float64) {
	c.point(kernel.Op{Kind: kernel.Solarize, A: float32(threshold)})
}
