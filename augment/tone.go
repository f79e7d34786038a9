package augment

import "math"

// The operations that torchvision defines on bytes, posterize and equalize, take a value v in [0, 1] for the byte
// 255*v, rounded down. A byte that became a float32 must not fall below itself for rounding: byteSlack is added.
const byteSlack = 1. / 1024

func toByte(v float32) uint8 { return uint8(max(0, min(255, 255*v+byteSlack))) }

// solarize inverts what is at least as bright as threshold (torchvision solarize).
func (c *canvas) solarize(threshold float64) {
	r, g, b := c.channels()
	t := float32(threshold)
	for _, plane := range [3][]float32{r, g, b} {
		for i, v := range plane {
			if v >= t {
				plane[i] = 1 - v
			}
		}
	}
}

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
	p := float32(power)
	for _, plane := range [3][]float32{r, g, b} {
		for i, v := range plane {
			plane[i] = raise(v, p)
		}
	}
}

// raise returns v^p to 1e-6, for v in [0, 1] and p in [1/16, 16]: 2^(p*log2(v)), the logarithm by its series in
// (m-1)/(m+1) and the power by Taylor's, each on a range of a factor of 2 around 1.
func raise(v, p float32) float32 {
	const least = 1e-30 // its 16th root is 0.013, so what is smaller still is not seen, and exponents stay in range
	if v < least {
		return 0
	}
	bits := math.Float32bits(v)
	exponent := float32(int32(bits>>23) - 127)
	m := math.Float32frombits(bits&(1<<23-1) | 127<<23)
	if m > math.Sqrt2 {
		m, exponent = m/2, exponent+1
	}
	t := (m - 1) / (m + 1)
	s := t * t
	log := exponent + t*(2.88539008+s*(0.961796694+s*(0.577078016+s*(0.412198583+s*0.320598898))))
	y := max(-126, p*log)
	whole := float32(int32(y - 0.5)) // to the nearest: y is at most 0
	f := y - whole
	fraction := 1 + f*(0.693147181+f*(0.240226507+f*(0.0555041087+f*(0.00961812911+f*(0.00133335581+f*0.000154035304)))))
	return math.Float32frombits(uint32(int32(whole)+127)<<23) * fraction
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
