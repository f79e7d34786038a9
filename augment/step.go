package augment

import "math"

// compile turns the entry into what Render runs on views of size pixels. Each function takes its draws from a
// stream of its own, always the same ones in the same order.
func (s Step) compile(size int) step {
	switch {
	case s.RandomResizedCrop != nil:
		c := *s.RandomResizedCrop
		return step{geometry: func(g *geometry, r *rng) {
			x, y, w, h := c.draw(r, int(g.width), int(g.height))
			g.crop(float64(x), float64(y), float64(w), float64(h), size)
		}}
	case s.HorizontalFlip != nil:
		p := s.HorizontalFlip.P
		return step{geometry: func(g *geometry, r *rng) {
			if r.chance(p) {
				g.flip()
			}
		}}
	case s.ColorJitter != nil:
		j := *s.ColorJitter
		return step{pixels: func(c *canvas, r *rng) { j.apply(c, r) }}
	case s.Grayscale != nil:
		p := s.Grayscale.P
		return step{pixels: func(c *canvas, r *rng) {
			if r.chance(p) {
				c.grayscale()
			}
		}}
	case s.GaussianBlur != nil:
		b, radius := *s.GaussianBlur, s.GaussianBlur.kernelSize(size)/2
		return step{pixels: func(c *canvas, r *rng) {
			if r.chance(b.P) {
				c.gaussianBlur(radius, r.uniform(b.Sigma[0], b.Sigma[1]))
			}
		}}
	}
	f := *s.Family
	spec := findFamily(f.Family)
	if spec.geometry != nil {
		return step{geometry: func(g *geometry, r *rng) { spec.place(g, f.Max, r.float(), r.float()) }}
	}
	return step{pixels: func(c *canvas, r *rng) { spec.paint(c, f.Max, r.float(), r.float()) }}
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

// apply is torchvision's ColorJitter: the order is drawn first, then the four strengths.
func (j ColorJitter) apply(c *canvas, r *rng) {
	if !r.chance(j.P) {
		return
	}
	order := [4]int{0, 1, 2, 3}
	for i := len(order) - 1; i > 0; i-- {
		k := r.intn(i + 1)
		order[i], order[k] = order[k], order[i]
	}
	brightness := r.uniform(max(0, 1-j.Brightness), 1+j.Brightness)
	contrast := r.uniform(max(0, 1-j.Contrast), 1+j.Contrast)
	saturation := r.uniform(max(0, 1-j.Saturation), 1+j.Saturation)
	hue := r.uniform(-j.Hue, j.Hue)
	for _, which := range order {
		switch {
		case which == 0 && j.Brightness > 0:
			c.brightness(brightness)
		case which == 1 && j.Contrast > 0:
			c.contrast(contrast)
		case which == 2 && j.Saturation > 0:
			c.saturation(saturation)
		case which == 3 && j.Hue > 0:
			c.hue(hue)
		}
	}
}

// kernelSize is the blur's kernel on views of size pixels: KernelSize, or for 0 the odd number next to a tenth.
func (b GaussianBlur) kernelSize(size int) int {
	if b.KernelSize != 0 {
		return b.KernelSize
	}
	return max(3, size/20*2+1)
}
