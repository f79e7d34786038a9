package augment

import (
	"fmt"
	"slices"

	"ordo/augment/kernel"
)

// ColorJitter applies brightness, contrast, saturation and hue in random order (torchvision ColorJitter inside
// RandomApply(p)). The first three draw their factor uniformly from [max(0, 1-v), 1+v], v in [0, 8]; the hue shift,
// in turns, is uniform in [-v, v], v in [0, 0.5]. A zero switches that one off. The bare name has SimCLR's values at
// half strength; where settings are given, those that aren't named have torchvision's defaults: 0, and always applied.
type ColorJitter struct {
	Brightness float64 `yaml:"brightness"` // most change of the brightness, in [0, 8]; default 0, by the bare name 0.4
	Contrast   float64 `yaml:"contrast"`   // most change of the contrast, in [0, 8]; default 0, by the bare name 0.4
	Saturation float64 `yaml:"saturation"` // most change of the saturation, in [0, 8]; default 0, by the bare name 0.4
	Hue        float64 `yaml:"hue"`        // most shift of the hue in turns, in [0, 0.5]; default 0, by the bare name 0.1
	P          float64 `yaml:"p"`          // probability, default 1, by the bare name 0.8
}

func (*ColorJitter) byDefault() Transformation {
	return Transformation{ColorJitter: &ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, P: 0.8}}
}

func (j *ColorJitter) check(path string) []error {
	return slices.Concat(
		checkRange(path+".brightness", j.Brightness, 0, 8),
		checkRange(path+".contrast", j.Contrast, 0, 8),
		checkRange(path+".saturation", j.Saturation, 0, 8),
		checkRange(path+".hue", j.Hue, 0, 0.5),
		checkRange(path+".p", j.P, 0, 1))
}

func (j *ColorJitter) compile(int) operation {
	jitter := *j
	return operation{
		named: []namedDraw{
			{"brightness", factors(j.Brightness)}, {"contrast", factors(j.Contrast)}, {"saturation", factors(j.Saturation)},
			{"hue", 2 * j.Hue},
		},
		draws:  8,
		draw:   func(d []float64, r *rng, _ frame) { jitter.draw(d, r) },
		pixels: jitterColors,
	}
}

// factors is how far apart two factors of a strength can be.
func factors(strength float64) float64 { return 1 + strength - max(0, 1-strength) }

// draw is torchvision's ColorJitter: the order is drawn first, then the four strengths. The order follows the strengths
// in the draws.
func (j ColorJitter) draw(d []float64, r *rng) {
	if !r.chance(j.P) {
		return
	}
	order := d[4:8]
	for i := range order {
		order[i] = float64(i)
	}
	for i := len(order) - 1; i > 0; i-- {
		k := r.intn(i + 1)
		order[i], order[k] = order[k], order[i]
	}
	d[0] = r.uniform(max(0, 1-j.Brightness), 1+j.Brightness) - 1
	d[1] = r.uniform(max(0, 1-j.Contrast), 1+j.Contrast) - 1
	d[2] = r.uniform(max(0, 1-j.Saturation), 1+j.Saturation) - 1
	d[3] = r.uniform(-j.Hue, j.Hue)
}

func jitterColors(c *canvas, d []float64) {
	for _, which := range d[4:8] {
		strength := d[int(which)]
		switch {
		case strength == 0:
		case which == 0:
			c.brightness(1 + strength)
		case which == 1:
			c.contrast(1 + strength)
		case which == 2:
			c.saturation(1 + strength)
		default:
			c.hue(strength)
		}
	}
}

func (j *ColorJitter) hides(family string) string {
	if j.P == 0 {
		return ""
	}
	for _, of := range []struct {
		strength float64
		setting  string
		families []string
	}{
		{j.Brightness, "brightness", []string{"brightness", "gamma"}},
		{j.Contrast, "contrast", []string{"contrast"}},
		{j.Saturation, "saturation", []string{"saturation", "grayscale"}},
		{j.Hue, "hue", []string{"hue"}},
	} {
		if of.strength > 0 && slices.Contains(of.families, family) {
			return fmt.Sprintf("a random %s; set color_jitter.%s to 0", of.setting, of.setting)
		}
	}
	return ""
}

// Grayscale replaces the three channels by their luminance (torchvision RandomGrayscale).
type Grayscale struct {
	P float64 `yaml:"p"` // probability, default 0.1
}

func (*Grayscale) byDefault() Transformation {
	return Transformation{Grayscale: &Grayscale{P: 0.1}}
}

func (t *Grayscale) check(path string) []error { return checkRange(path+".p", t.P, 0, 1) }

func (t *Grayscale) compile(int) operation { return chosen(t.P).paint((*canvas).grayscale) }

func (t *Grayscale) hides(family string) string {
	switch {
	case t.P == 0:
	case family == "hue" || family == "saturation":
		return "grey, which has no " + family + ", to a share of them; remove grayscale"
	case family == "grayscale":
		return "grey to a share of them; remove grayscale"
	}
	return ""
}

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
