package orchard

import "math"

func sqrt(x float64) float64 { return math.Sqrt(x) }

var bark = rgb{0.36, 0.24, 0.14}

// paint draws the scene as size x size pixels of RGB, row-major and interleaved, into dst.
func (s *scene) paint(dst []uint8, size int) {
	pixels := make([]rgb, size*size)
	c := newCanvas(s, size)
	for row := range size {
		for col := range size {
			pixels[row*size+col] = c.at(mul(float64(col)+0.5, c.side), 1-mul(float64(row)+0.5, c.side))
		}
	}
	blur(pixels, size, mul(s.blur, float64(size)))
	for i, p := range pixels {
		dst[3*i] = quantise(p.r, s.brightness)
		dst[3*i+1] = quantise(p.g, s.brightness)
		dst[3*i+2] = quantise(p.b, s.brightness)
	}
}

func quantise(v, brightness float64) uint8 {
	return uint8(mul(clamp01(mul(v, brightness)), 255) + 0.5)
}

// canvas is a scene prepared for sampling at one resolution.
type canvas struct {
	*scene
	shape    *shape
	cos, sin float64
	flip     float64
	side     float64 // a pixel's side
	pixel    float64 // the same in the shape's units
	bound    float64 // beyond this distance of the middle there is only background
	light    [3]float64
	half     [3]float64
	leafCos  float64
	leafSin  float64
	sx, sy   float64 // how far the shadow lies from the fruit, in the shape's units
}

func newCanvas(s *scene, size int) *canvas {
	c := &canvas{scene: s, shape: s.class.shape, flip: 1}
	if s.mirrored {
		c.flip = -1
	}
	c.sin, c.cos = sincos(s.turn)
	c.side = 1 / float64(size)
	c.pixel = c.side / s.radius
	c.bound = 2.3
	c.leafSin, c.leafCos = sincos(s.leafTurn)
	c.light[0], c.light[1] = c.toShape(s.light[0], s.light[1])
	c.half[0], c.half[1] = c.toShape(s.half[0], s.half[1])
	c.light[2], c.half[2] = s.light[2], s.half[2]
	c.sx, c.sy = mul(-0.42, c.light[0]), mul(-0.42, c.light[1])
	return c
}

// toShape turns a direction in the image into one in the shape's frame.
func (c *canvas) toShape(x, y float64) (float64, float64) {
	x = mul(x, c.flip)
	return mul(x, c.cos) + mul(y, c.sin), mul(y, c.cos) - mul(x, c.sin)
}

// at is the colour of the point (x, y) of the image.
func (c *canvas) at(x, y float64) rgb {
	colour := c.background.at(x, y, c.side)
	px, py := c.toShape((x-c.x)/c.radius, (y-c.y)/c.radius)
	if sq(px)+sq(py) > sq(c.bound) {
		return colour
	}
	colour = colour.scaled(1 - mul(0.62, c.shadow(px-c.sx, py-c.sy)))
	colour = c.body(colour, px, py)
	if c.shape.stemLength > 0 {
		colour = c.stemAndLeaf(colour, px, py)
	}
	return colour
}

// shadow is 1 under the fruit and fades out around it.
func (c *canvas) shadow(x, y float64) float64 {
	dark := smoothstep(0.8, -0.55, c.shape.field(x, y)/c.shape.softness)
	if c.shape.stemLength > 0 && c.leaf {
		dark = max(dark, mul(0.6, smoothstep(0.25, -0.15, c.leafField(x, y))))
	}
	return dark
}

func (c *canvas) body(under rgb, x, y float64) rgb {
	const step = 1.0 / 256
	f := c.shape.field(x, y)
	gx := mul(c.shape.field(x+step, y)-f, 256)
	gy := mul(c.shape.field(x, y+step)-f, 256)
	slope := sqrt(sq(gx) + sq(gy))
	cover := clamp01(0.5 - f/mul(slope+1e-9, c.pixel))
	if cover == 0 {
		return under
	}
	nz := mul(2, sqrt(max(0, -f)))
	n := sqrt(sq(slope)+sq(nz)) + 1e-9
	gx, gy, nz = gx/n, gy/n, nz/n

	shade, barkiness := c.shape.markings(x, y)
	mottle := mul(0.05, noise(c.texture, mul(2.6, x), mul(2.6, y))) + mul(0.04, noise(c.texture+1, mul(9, x), mul(9, y)))
	skin := mix(c.skin.scaled(mul(shade, 1+mottle)), bark, barkiness)

	diffuse := max(0, mul(gx, c.light[0])+mul(gy, c.light[1])+mul(nz, c.light[2])+0.2) / 1.2
	rim := lerp(0.78, 1, smoothstep(0, 0.55, nz))
	skin = skin.scaled(mul(rim, 0.40+mul(0.68, diffuse)))

	gleam := max(0, mul(gx, c.half[0])+mul(gy, c.half[1])+mul(nz, c.half[2]))
	for range 5 {
		gleam = sq(gleam) // to the power of 32
	}
	skin = mix(skin, rgb{1, 1, 1}, mul(gleam, c.gloss))
	return mix(under, skin, cover)
}

// stemAndLeaf paints both over the body.
func (c *canvas) stemAndLeaf(under rgb, x, y float64) rgb {
	if c.leaf {
		if f := c.leafField(x, y); f < mul(2, c.pixel) {
			u, v := c.leafFrame(x, y)
			vein := smoothstep(0.05, 0.01, math.Abs(v))
			tone := 0.80 + mul(0.35, u) + mul(0.20, vein)
			if v > 0 {
				tone -= 0.16
			}
			under = mix(under, c.leafColour.scaled(tone), clamp01(0.5-f/c.pixel))
		}
	}
	if c.stem {
		t := (y - c.shape.stemY) / c.shape.stemLength
		if t > -0.2 && t < 1.2 {
			middle := mul(mul(c.bend, c.shape.stemLength), sq(t))
			width := 0.055 + mul(0.03, sq(t))
			d := max(math.Abs(x-middle)-width, mul(c.shape.stemLength, math.Abs(t-0.5)-0.5))
			tone := 0.9 + mul(3, x-middle)
			under = mix(under, bark.scaled(tone), clamp01(0.5-d/c.pixel))
		}
	}
	return under
}

// leafFrame gives the position along the leaf, 0 to 1, and across it.
func (c *canvas) leafFrame(x, y float64) (u, v float64) {
	const length = 0.95
	y -= c.shape.stemY + mul(0.35, c.shape.stemLength)
	u = (mul(x, c.leafCos) + mul(y, c.leafSin)) / length
	v = mul(y, c.leafCos) - mul(x, c.leafSin)
	return u, v + mul(0.25, sq(u)) - 0.08
}

// leafField is about the distance to the leaf's edge.
func (c *canvas) leafField(x, y float64) float64 {
	u, v := c.leafFrame(x, y)
	return math.Abs(v) - mul(mul(1.04, u), 1-u)
}

// at is the colour of the point (x, y) of an image whose pixels have the given side.
func (b *background) at(x, y, pixel float64) rgb {
	t := clamp01(0.5 + mul(x-0.5, b.dx) + mul(y-0.5, b.dy))
	colour := mix(b.from, b.to, t)
	for i := range b.spots {
		p := &b.spots[i]
		dx, dy := x-p.x, y-p.y
		u := (mul(dx, p.cos) + mul(dy, p.sin)) / p.rx
		v := (mul(dy, p.cos) - mul(dx, p.sin)) / p.ry
		if d := sq(u) + sq(v); d < 1 {
			colour = mix(colour, p.colour, mul(p.opacity, sq(1-d)))
		}
	}
	if b.boards > 0 {
		along, across := mul(x, b.dx)+mul(y, b.dy), mul(y, b.dx)-mul(x, b.dy)
		board := mul(across, b.boards) + b.phase + 8
		number := math.Floor(board)
		gap := min(board-number, number+1-board)
		tone := 1 + mul(0.08, lattice(b.grain, int64(number), 0))
		tone += mul(0.05, noise(b.grain, mul(along, 3), mul(across, 28)))
		width := max(0.06, mul(b.boards, pixel)) // of a gap; one that is thinner than a pixel is wider and fainter instead
		tone -= mul(0.021/width, smoothstep(width, 0, gap))
		colour = colour.scaled(tone)
	}
	return colour
}

// blur smooths the image with a separable kernel (1 - (d/radius)^2)^2, which is close to a Gaussian of a
// standard deviation of 0.38 radius; beyond the border the image is continued by its edge. Radii below one
// pixel change nothing.
func blur(pixels []rgb, size int, radius float64) {
	reach := int(radius)
	if reach < 1 {
		return
	}
	weights := make([]float64, reach+1)
	sum := 0.0
	for i := range weights {
		weights[i] = sq(1 - sq(float64(i)/radius))
		sum += weights[i]
		if i > 0 {
			sum += weights[i]
		}
	}
	for i := range weights {
		weights[i] /= sum
	}
	line := make([]rgb, size)
	pass := func(start, stride int) {
		for i := range line {
			line[i] = pixels[start+i*stride]
		}
		for i := range line {
			out := line[i].scaled(weights[0])
			for j := 1; j <= reach; j++ {
				a, b, w := line[max(0, i-j)], line[min(size-1, i+j)], weights[j]
				out.r += mul(a.r+b.r, w)
				out.g += mul(a.g+b.g, w)
				out.b += mul(a.b+b.b, w)
			}
			pixels[start+i*stride] = out
		}
	}
	for i := range size {
		pass(i*size, 1)
	}
	for i := range size {
		pass(i, size)
	}
}
