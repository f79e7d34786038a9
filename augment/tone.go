package augment

import "ordo/augment/kernel"

// The operations that torchvision defines on bytes, posterize and equalize, take a value v in [0, 1] for the byte
// 255*v, rounded down. A byte that became a float32 must not fall below itself for rounding: byteSlack is added.
const byteSlack = 1. / 1024

// posterize rounds down to multiples of step/255. A step of 2^(8-bits) keeps the upper bits of a byte (torchvision
// posterize on bytes).
func (c *canvas) posterize(step float64) {
	c.point(kernel.Op{Kind: kernel.Steps, A: float32(255 / step), B: float32(step / 255)})
}

// gamma raises to a power (torchvision adjust_gamma).
func (c *canvas) gamma(power float64) { c.point(kernel.Op{Kind: kernel.Power, A: float32(power)}) }

// autocontrast stretches each channel to [0, 1]; a flat one stays (torchvision autocontrast).
func (c *canvas) autocontrast() {
	r, g, b := c.channels()
	for _, plane := range [3][]float32{r, g, b} {
		if low, high := kernel.Range(plane); high > low {
			kernel.Shift(plane, low, 1/(high-low))
		}
	}
}

// equalize makes the histogram of each channel's bytes flat (torchvision equalize, which is Pillow's). A channel with
// fewer than 255 pixels under its brightest value stays.
func (c *canvas) equalize() {
	r, g, b := c.channels()
	c.bytes = grow(c.bytes, len(r))
	for _, plane := range [3][]float32{r, g, b} {
		kernel.Bytes(c.bytes, plane, byteSlack)
		var counts [256]int
		for _, v := range c.bytes {
			counts[v]++
		}
		top := 255
		for counts[top] == 0 {
			top--
		}
		step := (len(plane) - counts[top]) / 255
		if step == 0 {
			continue
		}
		var table [256]float32
		below := step / 2
		for i, n := range counts {
			table[i] = float32(min(255, below/step)) / 255
			below += n
		}
		for i, v := range c.bytes {
			plane[i] = table[v]
		}
	}
}
