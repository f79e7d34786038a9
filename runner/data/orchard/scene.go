package orchard

// scene is one picture's parameters. Lengths are shares of the image's side, y grows upwards.
type scene struct {
	class *class

	x, y       float64 // the fruit's middle
	radius     float64 // unit length of the fruit's shape
	turn       float64 // turns, counter-clockwise
	mirrored   bool
	skin       rgb
	stem       bool
	bend       float64 // of the stem, sidewards
	leaf       bool
	leafTurn   float64 // direction in which the leaf grows
	leafColour rgb
	texture    uint64
	light      [3]float64 // unit vector towards the light
	half       [3]float64 // halfway between light and eye
	gloss      float64
	brightness float64
	blur       float64 // radius of the blur's kernel
	background background
}

// background is a blurred garden seen from above: a gradient, soft spots and sometimes the boards of a table.
type background struct {
	from, to rgb
	dx, dy   float64 // direction of the gradient
	spots    [7]spot
	boards   float64 // number of boards across the image, 0 for none
	phase    float64
	grain    uint64
}

type spot struct {
	x, y, rx, ry float64
	cos, sin     float64
	colour       rgb
	opacity      float64
}

// newScene draws the nuisances from the keys first, all of them the same way whatever the class is, and then
// applies the class.
func newScene(seed, split, index uint64, c *class) scene {
	r := newStream(seed, split, index)
	s := scene{class: c}
	s.x, s.y = r.uniform(0.41, 0.59), r.uniform(0.41, 0.59)
	s.mirrored = r.coin(0.5)
	s.stem = r.coin(0.9)
	s.bend = r.uniform(-0.4, 0.4)
	s.leaf = r.coin(0.6)
	s.leafTurn = r.uniform(-0.02, 0.16)
	s.leafColour = yiq(r.uniform(0.34, 0.50), 0.26, r.uniform(0.68, 0.76))
	s.texture = r.next()
	sin, cos := sincos(r.uniform(0, 1))
	flat := r.uniform(0.45, 0.7) // the sine of the light's angle to the eye
	s.light = [3]float64{mul(flat, cos), mul(flat, sin), sqrt(1 - sq(flat))}
	n := sqrt(sq(s.light[0]) + sq(s.light[1]) + sq(s.light[2]+1))
	s.half = [3]float64{s.light[0] / n, s.light[1] / n, (s.light[2] + 1) / n}
	s.gloss = r.uniform(0.35, 0.75)
	s.brightness = r.uniform(0.75, 1.10)
	s.blur = r.uniform(0, 0.035)
	s.background = newBackground(r)

	// Jitter within a class: small beside the differences between classes.
	sizeJitter, turnJitter, hueJitter := r.uniform(0.92, 1.08), r.uniform(-1, 1), r.uniform(-0.02, 0.02)
	s.radius = mul(c.radius, sizeJitter)
	s.turn = c.turn + mul(turnJitter, 15.0/360)
	s.skin = yiq(c.luma, c.chroma, c.hue+hueJitter)
	return s
}

func newBackground(r *stream) background {
	var b background
	luma, hue, tint, contrast := r.uniform(0.35, 0.85), r.uniform(0, 1), r.uniform(0.01, 0.08), 0.15
	boards, phase, kind := r.uniform(2.5, 5), r.uniform(0, 1), r.uniform(0, 1)
	switch {
	case kind < 0.35: // the boards of a table
		b.boards, b.phase = boards, phase
		hue, tint = lerp(0.93, 1.01, hue), tint+0.03
	case kind < 0.70: // foliage
		hue, tint, contrast = lerp(0.66, 0.82, hue), tint+0.05, 0.26
		luma -= 0.1
	}
	b.from = yiq(luma, tint, hue)
	b.to = yiq(luma+r.uniform(-0.20, 0.12), tint, hue+r.uniform(-0.08, 0.08))
	b.dy, b.dx = sincos(r.uniform(0, 1))
	for i := range b.spots {
		p := &b.spots[i]
		p.x, p.y = r.uniform(-0.1, 1.1), r.uniform(-0.1, 1.1)
		p.rx = r.uniform(0.10, 0.38)
		p.ry = mul(p.rx, r.uniform(0.45, 1))
		p.sin, p.cos = sincos(r.uniform(0, 1))
		p.colour = yiq(luma+mul(contrast, r.uniform(-1, 1)), tint, hue+r.uniform(-0.1, 0.1))
		p.opacity = r.uniform(0.25, 0.8)
	}
	b.grain = r.next()
	return b
}
