package augment

import "math"

// step is a compiled entry of the invariant list. What it draws for a view are numbers, its draws, and the rest
// follows from them; so the parameters that Plan.Draws reports are what Render applies. Draws of 0 change nothing.
type step struct {
	stream     uint64
	views      uint32   // a bit for each base view that has it
	parameters []string // names of the first draws
	draws      int      // number of draws, at most maxDraws
	draw       func(d []float64, r *rng, f frame)
	neutral    func(d []float64, f frame) // the draws of a view without the step, where they are not 0
	geometry   func(g *geometry, d []float64)
	pixels     func(c *canvas, d []float64)
}

const maxDraws = 8

// frame is what a draw may depend on: the size of the picture so far, and whether the view is a local one.
type frame struct {
	width, height float64
	local         bool
	localScale    [2]float64
}

// chosen makes a step with the one parameter "applied", 1 with probability p.
func chosen(p float64) step {
	return step{parameters: []string{"applied"}, draws: 1, draw: func(d []float64, r *rng, _ frame) {
		if r.chance(p) {
			d[0] = 1
		}
	}}
}

// paint makes the step do f to the pixels of the views that have it.
func (s step) paint(f func(c *canvas)) step {
	s.pixels = func(c *canvas, d []float64) {
		if d[0] != 0 {
			f(c)
		}
	}
	return s
}

// place makes the step do f to the geometry of the views that have it.
func (s step) place(f func(g *geometry)) step {
	s.geometry = func(g *geometry, d []float64) {
		if d[0] != 0 {
			f(g)
		}
	}
	return s
}

func (f *HorizontalFlip) compile(int) step { return chosen(f.P).place((*geometry).mirror) }
func (f *VerticalFlip) compile(int) step   { return chosen(f.P).place((*geometry).upend) }
func (t *Grayscale) compile(int) step      { return chosen(t.P).paint((*canvas).grayscale) }
func (t *Equalize) compile(int) step       { return chosen(t.P).paint((*canvas).equalize) }
func (t *Autocontrast) compile(int) step   { return chosen(t.P).paint((*canvas).autocontrast) }

func (t *Solarize) compile(int) step {
	threshold := t.Threshold
	return chosen(t.P).paint(func(c *canvas) { c.solarize(threshold) })
}

func (t *Posterize) compile(int) step {
	if t.Bits == 8 {
		return chosen(t.P)
	}
	width := math.Exp2(float64(8 - t.Bits))
	return chosen(t.P).paint(func(c *canvas) { c.posterize(width) })
}

func (t *Sharpness) compile(int) step {
	factor := t.SharpnessFactor
	return chosen(t.P).paint(func(c *canvas) { c.sharpness(factor) })
}

func (c *RandomResizedCrop) compile(size int) step {
	crop := *c
	cubic := c.Interpolation == InterpolationBicubic
	return step{
		parameters: []string{"crop_y", "crop_x", "crop_h", "crop_w"}, draws: 4,
		draw: func(d []float64, r *rng, f frame) {
			drawn := crop
			if f.local {
				drawn.Scale = f.localScale
			}
			x, y, w, h := drawn.draw(r, int(f.width), int(f.height))
			setBox(d, x, y, w, h, f)
		},
		neutral: func(d []float64, f frame) {
			side := min(f.width, f.height)
			d[0], d[1], d[2], d[3] = 0.5, 0.5, side/f.height, side/f.width
		},
		geometry: func(g *geometry, d []float64) {
			x, y, w, h := box(d, g.width, g.height)
			g.crop(x, y, w, h, size)
			g.cubic = cubic
		},
	}
}

// setBox writes a box of pixels as draws: the centre's y and x, the height and the width, as shares of the sides.
func setBox(d []float64, x, y, w, h int, f frame) {
	d[0], d[1] = (float64(y)+float64(h)/2)/f.height, (float64(x)+float64(w)/2)/f.width
	d[2], d[3] = float64(h)/f.height, float64(w)/f.width
}

// box is the way back, to whole pixels.
func box(d []float64, width, height float64) (x, y, w, h float64) {
	w, h = math.Round(d[3]*width), math.Round(d[2]*height)
	return math.Round(d[1]*width - w/2), math.Round(d[0]*height - h/2), w, h
}

// draw is torchvision's RandomResizedCrop.get_params: up to ten boxes of random area and ratio, the first that fits
// is placed uniformly; else the largest centred box whose ratio is within the bounds.
func (c RandomResizedCrop) draw(r *rng, width, height int) (x, y, w, h int) {
	lo, hi := math.Log(c.Ratio[0]), math.Log(c.Ratio[1])
	for range 10 {
		area := float64(width*height) * r.uniform(c.Scale[0], c.Scale[1])
		ratio := math.Exp(r.uniform(lo, hi))
		w = int(math.RoundToEven(math.Sqrt(area * ratio)))
		h = int(math.RoundToEven(math.Sqrt(area / ratio)))
		if w > 0 && w <= width && h > 0 && h <= height {
			y = r.intn(height - h + 1)
			return r.intn(width - w + 1), y, w, h
		}
	}
	w, h = width, height
	if ratio := float64(width) / float64(height); ratio < c.Ratio[0] {
		h = max(1, int(math.RoundToEven(float64(w)/c.Ratio[0])))
	} else if ratio > c.Ratio[1] {
		w = max(1, int(math.RoundToEven(float64(h)*c.Ratio[1])))
	}
	return (width - w) / 2, (height - h) / 2, w, h
}

func (z *Resize) compile(size int) step {
	if z.Size != 0 {
		size = z.Size
	}
	cubic := z.Interpolation == InterpolationBicubic
	return step{geometry: func(g *geometry, _ []float64) {
		g.resize(size)
		g.cubic = cubic
	}}
}

func (c *CenterCrop) compile(size int) step {
	if c.Size != 0 {
		size = c.Size
	}
	return step{geometry: func(g *geometry, _ []float64) { g.cutCentre(size) }}
}

func (t *RandomRotation) compile(int) step {
	degrees := t.Degrees
	return step{
		parameters: []string{"angle"}, draws: 1,
		draw:     func(d []float64, r *rng, _ frame) { d[0] = r.uniform(degrees[0], degrees[1]) / 180 },
		geometry: func(g *geometry, d []float64) { g.rotate(180 * d[0]) },
	}
}

func (t *RandomAffine) compile(int) step {
	a := *t
	return step{
		parameters: []string{"angle", "translate_x", "translate_y", "scale", "shear_x", "shear_y"}, draws: 6,
		draw: func(d []float64, r *rng, f frame) {
			d[0] = r.uniform(a.Degrees[0], a.Degrees[1]) / 180
			d[1] = math.RoundToEven(r.uniform(-1, 1)*a.Translate[0]*f.width) / f.width
			d[2] = math.RoundToEven(r.uniform(-1, 1)*a.Translate[1]*f.height) / f.height
			d[3] = r.uniform(a.Scale[0], a.Scale[1]) - 1
			d[4] = r.uniform(a.Shear[0], a.Shear[1]) / 180
			d[5] = r.uniform(a.Shear[2], a.Shear[3]) / 180
		},
		geometry: func(g *geometry, d []float64) {
			g.warp(180*d[0], math.Round(d[1]*g.width), math.Round(d[2]*g.height), 1+d[3], 180*d[4], 180*d[5])
		},
	}
}

func (t *RandomPerspective) compile(int) step {
	p := *t
	return step{
		parameters: []string{"top_left_x", "top_left_y", "top_right_x", "top_right_y",
			"bottom_right_x", "bottom_right_y", "bottom_left_x", "bottom_left_y"}, draws: 8,
		draw: func(d []float64, r *rng, f frame) {
			if !r.chance(p.P) {
				return
			}
			// A corner moves by whole pixels, towards the middle; to the right and down is positive.
			boundX, boundY := int(p.DistortionScale*math.Floor(f.width/2))+1, int(p.DistortionScale*math.Floor(f.height/2))+1
			for i := range 4 {
				x, y := float64((i+1)/2%2), float64(i/2)
				d[2*i] = (1 - 2*x) * float64(r.intn(boundX)) / f.width
				d[2*i+1] = (1 - 2*y) * float64(r.intn(boundY)) / f.height
			}
		},
		geometry: func(g *geometry, d []float64) {
			moved := false
			var to quad
			for i := range to {
				x, y := float64((i+1)/2%2), float64(i/2)
				to[i] = [2]float64{x*(g.width-1) + math.Round(d[2*i]*g.width), y*(g.height-1) + math.Round(d[2*i+1]*g.height)}
				moved = moved || d[2*i] != 0 || d[2*i+1] != 0
			}
			if moved {
				g.perspective(g.width-1, g.height-1, to)
			}
		},
	}
}

func (j *ColorJitter) compile(int) step {
	jitter := *j
	return step{
		parameters: []string{"brightness", "contrast", "saturation", "hue"}, draws: 8,
		draw:   func(d []float64, r *rng, _ frame) { jitter.draw(d, r) },
		pixels: jitterColors,
	}
}

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

func (b *GaussianBlur) compile(size int) step {
	blur, radius := *b, b.kernelSize(size)/2
	return step{
		parameters: []string{"sigma"}, draws: 1,
		draw: func(d []float64, r *rng, _ frame) {
			if r.chance(blur.P) {
				d[0] = r.uniform(blur.Sigma[0], blur.Sigma[1])
			}
		},
		pixels: func(c *canvas, d []float64) {
			if d[0] > 0 {
				c.gaussianBlur(radius, d[0])
			}
		},
	}
}

// kernelSize is the blur's kernel on views of size pixels: KernelSize, or for 0 the odd number next to a tenth.
func (b GaussianBlur) kernelSize(size int) int {
	if b.KernelSize != 0 {
		return b.KernelSize
	}
	return max(3, size/20*2+1)
}

func (e *RandomErasing) compile(size int) step {
	erasing, view := *e, frame{width: float64(size), height: float64(size)}
	return step{
		parameters: []string{"erased_y", "erased_x", "erased_h", "erased_w"}, draws: 4,
		draw: func(d []float64, r *rng, _ frame) {
			if !r.chance(erasing.P) {
				return
			}
			if x, y, w, h, ok := erasing.draw(r, size); ok {
				setBox(d, x, y, w, h, view)
			}
		},
		pixels: func(c *canvas, d []float64) {
			if d[2] > 0 {
				c.erase(box(d, view.width, view.height))
			}
		},
	}
}

// draw is torchvision's RandomErasing: up to ten boxes of random area and ratio, the first that is smaller than the
// view both ways is placed uniformly; else there is none.
func (e RandomErasing) draw(r *rng, size int) (x, y, w, h int, ok bool) {
	lo, hi := math.Log(e.Ratio[0]), math.Log(e.Ratio[1])
	for range 10 {
		area := float64(size*size) * r.uniform(e.Scale[0], e.Scale[1])
		ratio := math.Exp(r.uniform(lo, hi))
		h = int(math.RoundToEven(math.Sqrt(area * ratio)))
		w = int(math.RoundToEven(math.Sqrt(area / ratio)))
		if h < size && w < size {
			y = r.intn(size - h + 1)
			return r.intn(size - w + 1), y, w, h, true
		}
	}
	return 0, 0, 0, 0, false
}

func (f invariantFamily) compile(int) step {
	c := f.Family.compile()
	s := step{parameters: []string{"scale"}, draws: 2, draw: func(d []float64, r *rng, _ frame) {
		d[0], d[1] = c.uniform(r), r.float()
		if twoSided(c.Kind) {
			d[0] *= drawnAspect(d).sign()
		}
	}}
	s.geometry = func(g *geometry, d []float64) { c.place(g, d[0], drawnAspect(d)) }
	s.pixels = func(canvas *canvas, d []float64) { c.paint(canvas, d[0], drawnAspect(d)) }
	return s
}

// drawnAspect is that of an invariant family, from its second draw.
func drawnAspect(d []float64) aspect { return aspect{key: math.Float64bits(d[1])} }
