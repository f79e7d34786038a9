package augment

import "math"

// operation is a compiled transformation of the invariant list. What it draws for a view are numbers, its draws, and
// the rest follows from them: what Plan.Draws reports is what Render applies. Draws of 0 change nothing.
type operation struct {
	stream   uint64
	views    uint32      // a bit for each base view that has it
	frames   bool        // it says which part of the image a view shows
	named    []namedDraw // the first draws
	draws    int         // number of draws, at most maxDraws
	draw     func(d []float64, r *rng, f frame)
	neutral  func(d []float64, f frame) // the draws of a view without the operation, where they are not 0
	geometry func(g *geometry, d []float64)
	pixels   func(c *canvas, d []float64)
}

const maxDraws = 8

// namedDraw is a draw that Plan.Draws reports.
type namedDraw struct {
	name  string
	width float64 // how far apart two values can be at most, "not applied" among them; 1 for shares, angles and scales
}

// unit are draws of width 1.
func unit(names ...string) []namedDraw {
	draws := make([]namedDraw, len(names))
	for i, name := range names {
		draws[i] = namedDraw{name, 1}
	}
	return draws
}

// frame is what a draw may depend on: the size of the picture so far, and whether the view is a local one.
type frame struct {
	width, height float64
	local         bool
	localScale    [2]float64
}

// chosen makes an operation with the one draw "applied", 1 with probability p.
func chosen(p float64) operation {
	return operation{named: unit("applied"), draws: 1, draw: func(d []float64, r *rng, _ frame) {
		if r.chance(p) {
			d[0] = 1
		}
	}}
}

// paint makes the operation do f to the pixels of the views that have it.
func (o operation) paint(f func(c *canvas)) operation {
	o.pixels = func(c *canvas, d []float64) {
		if d[0] != 0 {
			f(c)
		}
	}
	return o
}

// place makes the operation do f to the geometry of the views that have it.
func (o operation) place(f func(g *geometry)) operation {
	o.geometry = func(g *geometry, d []float64) {
		if d[0] != 0 {
			f(g)
		}
	}
	return o
}

// setBox writes a box of pixels as draws: the centre's y and x, the height and the width, as shares of the sides.
func setBox(d []float64, x, y, w, h int, f frame) {
	d[0], d[1] = (float64(y)+float64(h)/2)/f.height, (float64(x)+float64(w)/2)/f.width
	d[2], d[3] = float64(h)/f.height, float64(w)/f.width
}

// box turns the draws of setBox into whole pixels again.
func box(d []float64, width, height float64) (x, y, w, h float64) {
	w, h = math.Round(d[3]*width), math.Round(d[2]*height)
	return math.Round(d[1]*width - w/2), math.Round(d[0]*height - h/2), w, h
}
