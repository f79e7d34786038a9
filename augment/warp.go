package augment

import (
	"math"

	"ordo/augment/kernel"
)

// sample reads img through the map g into c's planes.
//
// A map along the axes is one antialiased resize. Another is sampled bilinearly, between pixel centres; where it
// minifies, the image is first reduced, antialiased, to the view's resolution. The reduced grid is laid so that
// without rotation its pixels would be the view's.
func (s *sampler) sample(c *canvas, img Image, g *geometry) {
	if g.upright() {
		shape := kernel.Bilinear
		if g.cubic {
			shape = kernel.Bicubic
		}
		s.columns.Build(shape, c.width, g.x0, g.xx, g.whole, g.left, g.right)
		s.rows.Build(shape, c.height, g.y0, g.yy, g.whole, g.top, g.bottom)
		s.resize(c, img, g.border)
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

	r := &s.grid
	r.Resize(right-left, bottom-top)
	s.columns.Build(kernel.Bilinear, r.Width, gx.start+float64(left)*gx.step, gx.step, false, 0, 0)
	s.rows.Build(kernel.Bilinear, r.Height, gy.start+float64(top)*gy.step, gy.step, false, 0, 0)
	s.resize(r, img, g.border)

	// The map from the view's pixels to the grid's, both counted from the centre of the first.
	toGrid := *g
	toGrid.xx, toGrid.xy, toGrid.x0 = g.xx/gx.step, g.xy/gx.step, gx.place(g.x0+(g.xx+g.xy)/2)-float64(left)
	toGrid.yx, toGrid.yy, toGrid.y0 = g.yx/gy.step, g.yy/gy.step, gy.place(g.y0+(g.yx+g.yy)/2)-float64(top)
	c.warp(r, &toGrid)
}

// warp samples the grid bilinearly at m(x, y) for every pixel; m counts from pixel centres and stays inside the grid.
func (c *canvas) warp(r *grid, m *geometry) {
	for y := range c.height {
		red, green, blue := c.row(y)
		r.Line(red, green, blue, m.xy*float64(y)+m.x0, m.yy*float64(y)+m.y0, m.xx, m.yx)
	}
}

// axis is a grid's place along one side of the image: pixel i covers start + [i, i+1)*step.
type axis struct{ start, step float64 }

// place returns where a coordinate lies among the grid's pixel centres.
func (a axis) place(x float64) float64 { return (x-a.start)/a.step - 0.5 }

// cover returns the grid's pixels that bilinear sampling of [low, high] needs, and one more on each side.
func (a axis) cover(low, high float64) (first, last int) {
	return int(math.Floor(a.place(low))) - 1, int(math.Floor(a.place(high))) + 3
}
