package augment

import "math"

// The operations that torchvision defines on bytes, posterize and equalize, take a value v in [0, 1] for the byte
// 255*v, rounded down. A byte that became a float32 must not fall below itself for rounding: byteSlack is added.
const byteSlack = 1. / 1024

func toByte(v float32) uint8 { return uint8(max(0, min(255, 255*v+byteSlack))) }

// posterize rounds down to multiples of step/255. A step of 2^(8-bits) keeps the upper bits of a byte (torchvision
// posterize on bytes).
func (c *canvas) posterize(step float64) {
	r, g, b := c.channels()
	scale, back := float32(255/step), float32(step/255)
	const slack = byteSlack / 255
	for _, plane := range [3][]float32{r, g, b} {
		for i, v := range plane {
			plane[i] = back * float32(int32((v+slack)*scale))
		}
	}
}

// gamma raises to a power (torchvision adjust_gamma).
func (c *canvas) gamma(power float64) {
	r, g, b := c.channels()
	for _, plane := range [3][]float32{r, g, b} {
		for i, v := range plane {
			plane[i] = float32(math.Pow(float64(v), power))
		}
	}
}

// autocontrast stretches each channel to [0, 1]; a flat one stays (torchvision autocontrast).
func (c *canvas) autocontrast() {
	r, g, b := c.channels()
	for _, plane := range [3][]float32{r, g, b} {
		low, high := plane[0], plane[0]
		for _, v := range plane {
			low, high = min(low, v), max(high, v)
		}
		if high == low {
			continue
		}
		reach := high - low
		for i, v := range plane {
			plane[i] = (v - low) / reach
		}
	}
}

// equalize makes the histogram of each channel's bytes flat (torchvision equalize, which is Pillow's). A channel with
// fewer than 255 pixels under its brightest value stays.
func (c *canvas) equalize() {
	r, g, b := c.channels()
	for _, plane := range [3][]float32{r, g, b} {
		var counts [256]int
		for _, v := range plane {
			counts[toByte(v)]++
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
		for i, v := range plane {
			plane[i] = table[toByte(v)]
		}
	}
}
