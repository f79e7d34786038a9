package augment

import "math"

// sample reads img through the map g into c's planes.
//
// A map along the axes is one antialiased resize. Another is sampled bilinearly, between pixel centres; where it
// minifies, the image is first reduced, antialiased, to the view's resolution. The reduced grid is laid so that
// without rotation its pixels would be the view's.
func (s *sampler) sample(c *canvas, img Image, g *geometry) {
	upright := g.upright()
	s.columns.cubic, s.rows.cubic = upright && g.cubic, upright && g.cubic
	if upright {
		s.columns.build(c.width, g.x0, g.xx, g.whole, g.left, g.right)
		s.rows.build(c.height, g.y0, g.yy, g.whole, g.top, g.bottom)
		s.resize(c.data, layout{channel: c.width * c.height, row: c.width, column: 1}, img, g.border)
		if g.cubic {
			for i, v := range c.data[:3*c.width*c.height] { // the cubic overshoots
				c.data[i] = clamp01(v)
			}
		}
		return
	}
	w, h := float64(c.width), float64(c.height)
	fx, fy := g.footprint()
	const least = 1 + 1e-9 // what rounding makes of a pure rotation reduces nothing
	gx := axis{step: 1}
	if fx > least {
		gx = axis{start: g.xx*w/2 + g.xy*h/2 + g.x0 - fx*w/2, step: fx}
	}
	gy := axis{step: 1}
	if fy > least {
		gy = axis{start: g.yx*w/2 + g.yy*h/2 + g.y0 - fy*h/2, step: fy}
	}
	// What the view's outermost pixel centres need of the grid, and a pixel more for rounding.
	ux, vx := math.Abs(g.xx)*(w-1)/2, math.Abs(g.xy)*(h-1)/2
	uy, vy := math.Abs(g.yx)*(w-1)/2, math.Abs(g.yy)*(h-1)/2
	mx, my := g.xx*w/2+g.xy*h/2+g.x0, g.yx*w/2+g.yy*h/2+g.y0
	left, right := gx.cover(mx-ux-vx, mx+ux+vx)
	top, bottom := gy.cover(my-uy-vy, my+uy+vy)

	r := &s.reduced
	r.width, r.height = right-left, bottom-top
	r.pix = grow(r.pix, 3*r.width*r.height)
	s.columns.build(r.width, gx.start+float64(left)*gx.step, gx.step, false, 0, 0)
	s.rows.build(r.height, gy.start+float64(top)*gy.step, gy.step, false, 0, 0)
	s.resize(r.pix, layout{channel: 1, row: 3 * r.width, column: 3}, img, g.border)

	// The map from the view's pixels to the grid's, both counted from the centre of the first.
	toGrid := *g
	toGrid.xx, toGrid.xy, toGrid.x0 = g.xx/gx.step, g.xy/gx.step, gx.place(g.x0+(g.xx+g.xy)/2)-float64(left)
	toGrid.yx, toGrid.yy, toGrid.y0 = g.yx/gy.step, g.yy/gy.step, gy.place(g.y0+(g.yx+g.yy)/2)-float64(top)
	r.bilinear(c, &toGrid)
}

// axis is a grid's place along one side of the image: pixel i covers start + [i, i+1)*step.
type axis struct{ start, step float64 }

// place returns where a coordinate lies among the grid's pixel centres.
func (a axis) place(x float64) float64 { return (x-a.start)/a.step - 0.5 }

// cover returns the grid's pixels that bilinear sampling of [low, high] needs, and one more on each side.
func (a axis) cover(low, high float64) (first, last int) {
	return int(math.Floor(a.place(low))) - 1, int(math.Floor(a.place(high))) + 3
}

// bilinear samples the grid at m(x, y) for every pixel of c; m counts from pixel centres and stays inside the grid.
// Places are fixed-point numbers of 32 fractional bits: floor and fraction are then a shift and a mask.
func (r *grid) bilinear(c *canvas, m *geometry) {
	const one = 1 << 32
	dx, dy := int64(math.Round(m.xx*one)), int64(math.Round(m.yx*one))
	stride := 3 * r.width
	for y := range c.height {
		px := int64(math.Round((m.xy*float64(y) + m.x0) * one))
		py := int64(math.Round((m.yy*float64(y) + m.y0) * one))
		red := c.planes[0][y*c.width:][:c.width]
		green := c.planes[1][y*c.width:][:c.width]
		blue := c.planes[2][y*c.width:][:c.width]
		for x := range red {
			at := int(py>>32)*stride + int(px>>32)*3
			a := float32(int64(uint32(px))>>8) * (1. / (1 << 24))
			b := float32(int64(uint32(py))>>8) * (1. / (1 << 24))
			p := r.pix[at:][:6]
			q := r.pix[at+stride:][:6]
			r0 := p[0] + a*(p[3]-p[0])
			g0 := p[1] + a*(p[4]-p[1])
			b0 := p[2] + a*(p[5]-p[2])
			r1 := q[0] + a*(q[3]-q[0])
			g1 := q[1] + a*(q[4]-q[1])
			b1 := q[2] + a*(q[5]-q[2])
			red[x] = r0 + b*(r1-r0)
			green[x] = g0 + b*(g1-g0)
			blue[x] = b0 + b*(b1-b0)
			px += dx
			py += dy
		}
	}
}
