package augment

import (
	"fmt"
	"math"

	"ordo/augment/kernel"
)

// Solarize inverts the bright values of each channel (torchvision RandomSolarize).
type Solarize struct {
	// Threshold is the value from which on it is inverted, 0.5 for bytes from 128 on; in [0, 1], default 0.5.
	Threshold float64 `yaml:"threshold"`
	P         float64 `yaml:"p"` // probability, default 0.5
}

func (*Solarize) byDefault() Transformation {
	return Transformation{Solarize: &Solarize{Threshold: 0.5, P: 0.5}}
}

func (t *Solarize) check(path string) []error {
	return append(checkRange(path+".threshold", t.Threshold, 0, 1), checkRange(path+".p", t.P, 0, 1)...)
}

func (t *Solarize) compile(int) operation {
	threshold := t.Threshold
	return chosen(t.P).paint(func(c *canvas) { c.solarize(threshold) })
}

func (t *Solarize) hides(family string) string {
	return hiding(t.P, family, "a random solarization; remove solarize", "solarize")
}

// Posterize keeps the upper bits of each byte (torchvision RandomPosterize, on bytes).
type Posterize struct {
	Bits int     `yaml:"bits"` // bits that are kept; in [1, 8], default 4; torchvision has no default
	P    float64 `yaml:"p"`    // probability, default 0.5
}

func (*Posterize) byDefault() Transformation {
	return Transformation{Posterize: &Posterize{Bits: 4, P: 0.5}}
}

func (t *Posterize) check(path string) []error {
	faults := checkRange(path+".p", t.P, 0, 1)
	if t.Bits < 1 || t.Bits > 8 {
		faults = append(faults, fmt.Errorf("%s.bits: must be in [1, 8], got %d", path, t.Bits))
	}
	return faults
}

func (t *Posterize) compile(int) operation {
	if t.Bits == 8 {
		return chosen(t.P)
	}
	width := math.Exp2(float64(8 - t.Bits))
	return chosen(t.P).paint(func(c *canvas) { c.posterize(width) })
}

func (t *Posterize) hides(family string) string {
	return hiding(t.P, family, "a random posterization; remove posterize", "posterize")
}

// Equalize makes the histogram of each channel flat (torchvision RandomEqualize).
type Equalize struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (*Equalize) byDefault() Transformation {
	return Transformation{Equalize: &Equalize{P: 0.5}}
}

func (t *Equalize) check(path string) []error { return checkRange(path+".p", t.P, 0, 1) }

func (t *Equalize) compile(int) operation { return chosen(t.P).paint((*canvas).equalize) }

func (t *Equalize) hides(family string) string {
	return hiding(t.P, family, "a contrast that hides it at random; remove equalize",
		"brightness", "contrast", "gamma")
}

// Autocontrast stretches each channel to the full range (torchvision RandomAutocontrast).
type Autocontrast struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (*Autocontrast) byDefault() Transformation {
	return Transformation{Autocontrast: &Autocontrast{P: 0.5}}
}

func (t *Autocontrast) check(path string) []error { return checkRange(path+".p", t.P, 0, 1) }

func (t *Autocontrast) compile(int) operation { return chosen(t.P).paint((*canvas).autocontrast) }

func (t *Autocontrast) hides(family string) string {
	return hiding(t.P, family, "a contrast that hides it at random; remove autocontrast",
		"brightness", "contrast", "gamma")
}

// solarize inverts what is at least as bright as threshold (torchvision solarize).
func (c *canvas) solarize(threshold float64) {
	c.point(kernel.Op{Kind: kernel.Solarize, A: float32(threshold)})
}

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
