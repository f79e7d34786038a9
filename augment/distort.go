package augment

import (
	"math"

	"ordo/augment/kernel"
)

// read samples img through the map g into c, a square: along the axes, turned, or through any map.
func (s *sampler) read(c *canvas, img Image, g *geometry) {
	switch {
	case g.free():
		s.remap(c, img, g)
	case g.transposed():
		flat := *g
		flat.xx, flat.xy, flat.yx, flat.yy = g.xy, 0, 0, g.yx
		s.sample(c, img, &flat)
		for _, plane := range c.planes {
			transpose(plane, c.width)
		}
	default:
		s.sample(c, img, g)
	}
}

// transpose swaps rows and columns of a square.
func transpose(plane []float32, size int) {
	for y := range size {
		for x := range y {
			plane[y*size+x], plane[x*size+y] = plane[x*size+y], plane[y*size+x]
		}
	}
}

// remap samples img bilinearly through any map. Where the map minifies, the image is first reduced, antialiased, by
// what the map minifies in the view's middle, elastic displacements not counted. What the map takes from further
// outside than half the image's side is taken from there.
func (s *sampler) remap(c *canvas, img Image, g *geometry) {
	fx, fy := g.middleFootprint(float64(c.width)/2, float64(c.height)/2)
	const least = 1 + 1e-9 // what rounding makes of a map that minifies nothing
	if fx < least {
		fx = 1
	}
	if fy < least {
		fy = 1
	}
	s.remapAt(c, img, g, fx, fy)
}

// remapAt is remap on a grid whose pixels are stepX x stepY pixels of the image.
func (s *sampler) remapAt(c *canvas, img Image, g *geometry, stepX, stepY float64) {
	for i := range g.bent {
		s.lattices[i].draw(g.bends[i].key)
	}
	n := c.width * c.height
	s.places = grow(s.places, 2*n)
	xs, ys := s.places[:n], s.places[n:]
	iw, ih := float64(img.Width), float64(img.Height)
	for y := range c.height {
		for x := range c.width {
			px, py := s.follow(g, float64(x)+0.5, float64(y)+0.5)
			px, py = limit(px, -iw/2, 1.5*iw), limit(py, -ih/2, 1.5*ih)
			xs[y*c.width+x], ys[y*c.width+x] = px, py
		}
	}
	gx, gy := axis{step: stepX}, axis{step: stepY}
	left, right := gx.cover(span(xs))
	top, bottom := gy.cover(span(ys))
	r := &s.grid
	r.Resize(right-left, bottom-top)
	s.columns.Build(kernel.Bilinear, r.Width, float64(left)*gx.step, gx.step, false, 0, 0)
	s.rows.Build(kernel.Bilinear, r.Height, float64(top)*gy.step, gy.step, false, 0, 0)
	s.resize(r, img, g.border)
	perX, perY := 1/gx.step, 1/gy.step
	fromX, fromY := 0.5+float64(left), 0.5+float64(top)
	for i := range xs {
		xs[i], ys[i] = xs[i]*perX-fromX, ys[i]*perY-fromY
	}
	red, green, blue := c.channels()
	r.Remap(red, green, blue, xs, ys)
}

// limit and span are written with comparisons: the built-in min and max take several times as long.
func limit(v, low, high float64) float64 {
	if v < low {
		return low
	}
	if v > high {
		return high
	}
	return v
}

func span(values []float64) (low, high float64) {
	low, high = values[0], values[0]
	for _, v := range values {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return low, high
}

func between(a, b, share float32) float32 { return a + share*(b-a) }

// follow applies the whole map to a point of the view.
func (s *sampler) follow(g *geometry, u, v float64) (x, y float64) {
	x, y = g.at(u, v)
	for i := g.bent - 1; i >= 0; i-- {
		b := &g.bends[i]
		dx, dy := s.lattices[i].at(x/b.width, y/b.height)
		x, y = b.before.at(x+b.amplitude*b.width*dx, y+b.amplitude*b.height*dy)
	}
	return x, y
}

// middleFootprint is footprint at a point of the view, elastic displacements not counted.
func (g *geometry) middleFootprint(u, v float64) (fx, fy float64) {
	straight := func(u, v float64) (x, y float64) {
		x, y = g.at(u, v)
		for i := g.bent - 1; i >= 0; i-- {
			x, y = g.bends[i].before.at(x, y)
		}
		return x, y
	}
	ax, ay := straight(u-0.5, v)
	bx, by := straight(u+0.5, v)
	cx, cy := straight(u, v-0.5)
	dx, dy := straight(u, v+0.5)
	return math.Hypot(bx-ax, dx-cx), math.Hypot(by-ay, dy-cy)
}

// A displacement field is a uniform cubic B-spline over latticeCells cells a side, with coefficients uniform in
// [-1, 1]: as smooth as white noise that a Gaussian of sigma 1/sqrt(3) cells has blurred, 0.115 of the side.
const (
	latticeCells = 5
	latticeSize  = latticeCells + 3
	// What makes the field's root mean square 1: coefficients have 1/3, and the spline's squared weights sum to
	// (151/315)² on average.
	latticeGain = 3.6133
)

// lattice holds the coefficients of a displacement field.
type lattice struct {
	points [latticeSize][latticeSize][2]float64

	// The field along the line where it was asked last, once it was asked there twice: views are made row by row.
	y      float64
	isLine bool
	line   [latticeSize][2]float64
}

func (l *lattice) draw(key uint64) {
	r := rng{key: key}
	for y := range l.points {
		for x := range l.points[y] {
			l.points[y][x] = [2]float64{latticeGain * r.uniform(-1, 1), latticeGain * r.uniform(-1, 1)}
		}
	}
	l.y, l.isLine = math.NaN(), false
}

// at is the displacement at the given shares of the frame's sides; the field's edge goes on outside of it.
func (l *lattice) at(x, y float64) (dx, dy float64) {
	column, wx := splineWeights(x)
	if y == l.y {
		if !l.isLine {
			l.setLine()
		}
		a := l.line[column:][:4]
		return wx[0]*a[0][0] + wx[1]*a[1][0] + wx[2]*a[2][0] + wx[3]*a[3][0],
			wx[0]*a[0][1] + wx[1]*a[1][1] + wx[2]*a[2][1] + wx[3]*a[3][1]
	}
	l.y, l.isLine = y, false
	row, wy := splineWeights(y)
	for j, w := range wy {
		a := l.points[row+j][column:][:4]
		dx += w * (wx[0]*a[0][0] + wx[1]*a[1][0] + wx[2]*a[2][0] + wx[3]*a[3][0])
		dy += w * (wx[0]*a[0][1] + wx[1]*a[1][1] + wx[2]*a[2][1] + wx[3]*a[3][1])
	}
	return dx, dy
}

func (l *lattice) setLine() {
	row, wy := splineWeights(l.y)
	for x := range l.line {
		l.line[x] = [2]float64{}
		for j, w := range wy {
			l.line[x][0] += w * l.points[row+j][x][0]
			l.line[x][1] += w * l.points[row+j][x][1]
		}
	}
	l.isLine = true
}

// splineWeights returns the cell of a coordinate in [0, 1] and the cubic B-spline's weights of the four coefficients
// around it.
func splineWeights(x float64) (cell int, w [4]float64) {
	x = limit(x*latticeCells, 0, latticeCells)
	cell = min(int(x), latticeCells-1)
	t := x - float64(cell)
	u := 1 - t
	const sixth = 1. / 6
	return cell, [4]float64{u * u * u * sixth, (t*t*(3*t-6) + 4) * sixth, (u*u*(3*u-6) + 4) * sixth, t * t * t * sixth}
}
