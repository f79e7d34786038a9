package orchard

import "math"

// shape is a solid seen from above, in units of its class's radius, x to the right and y up, stem up.
type shape struct {
	// field is negative inside the outline. The surface is at the height z with z*z = -field, so a ball is
	// x*x + y*y - 1 and the normal at the surface is (field's gradient, 2z). Any solid of revolution about an
	// axis in the picture can be written so.
	field func(x, y float64) float64
	// markings darken the skin by a factor and blend it with the colour of bark, by 0 to 1.
	markings func(x, y float64) (shade, bark float64)
	// stemY is where the stem grows from; stemLength 0 is a fruit without stem and leaf.
	stemY, stemLength float64
	// softness is how far the field rises from the middle of the shadow's edge to its end: about the field's
	// lowest value, negated, and more for thin fruit.
	softness float64
}

var apple = shape{
	// Two lobes whose distance grows towards the ends: an outline with a dent at the stem and a shallow one
	// opposite.
	field: func(x, y float64) float64 {
		depth, height := 0.58, 0.92
		if y < 0 {
			depth, height = 0.26, 0.96
		}
		lobe := min(0.7, mul(depth, sq(y)))
		x = mul(x, 1-mul(0.10, y)) // wider at the shoulders
		side := math.Sqrt(sq(x)+0.02) - 0.02
		return sq((side-lobe)/(1.02-lobe)) + sq(y/height) - 1
	},
	markings: func(x, y float64) (float64, float64) {
		cavity := smoothstep(0.40, 0.05, math.Sqrt(sq(x)+sq(mul(2.2, y-0.78))))
		calyx := smoothstep(0.16, 0.04, math.Sqrt(sq(x)+sq(mul(1.8, y+0.90))))
		return 1 - mul(0.45, cavity), mul(0.8, calyx)
	},
	stemY: 0.60, stemLength: 0.64, softness: 1,
}

var plum = shape{
	field: func(x, y float64) float64 { return sq(x/0.93) + sq(y) - 1 },
	markings: func(x, y float64) (float64, float64) {
		// The furrow runs from pole to pole, a little to the side.
		at := mul(0.30, math.Sqrt(max(0, 1-sq(y))))
		return 1 - mul(0.28, smoothstep(0.10, 0, math.Abs(x-at))), 0
	},
	stemY: 0.86, stemLength: 0.60, softness: 1,
}

var pear = shape{
	// A solid of revolution: half the width is that of an ellipse times a factor that falls from the belly to
	// the neck.
	field: func(x, y float64) float64 {
		t := (y + 1.12) / 2.34
		w := lerp(0.90, 0.46, smoothstep(0.30, 0.86, t))
		return sq(x) - mul(mul(4, mul(t, 1-t)), sq(w))
	},
	markings: func(x, y float64) (float64, float64) {
		calyx := smoothstep(0.17, 0.05, math.Sqrt(sq(x)+sq(mul(1.8, y+1.04))))
		return 1, mul(0.85, calyx)
	},
	stemY: 1.12, stemLength: 0.45, softness: 0.7,
}

var banana = shape{
	// A rod along x, bent to a parabola, with dark tips and an edge along it.
	field: func(x, y float64) float64 {
		return sq(bananaAcross(x, y)) - mul(0.165, 1-sq(sq(x/1.42)))
	},
	markings: func(x, y float64) (float64, float64) {
		edge := smoothstep(0.06, 0.01, math.Abs(bananaAcross(x, y)-0.12))
		return 1 - mul(0.14, edge), mul(0.9, smoothstep(1.22, 1.36, math.Abs(x)))
	},
	softness: 0.30,
}

// bananaAcross is the distance, measured along y, from the line through the middle of the banana.
func bananaAcross(x, y float64) float64 { return y + 0.42 - mul(0.54, sq(x)) }

var lemon = shape{
	// An ellipse with a nipple at each end, both of revolution.
	field: func(x, y float64) float64 {
		e := 1 - sq(y/1.04)
		belly := mul(0.32, e+math.Sqrt(sq(e)+0.004))
		return sq(x) - belly - mul(0.050, 1-sq(sq(sq(y/1.26))))
	},
	markings: func(_, y float64) (float64, float64) {
		return 1 - mul(0.16, smoothstep(0.98, 1.2, math.Abs(y))), 0
	},
	stemY: 1.16, stemLength: 0.30, softness: 0.69,
}

var starFruit = shape{
	// A slice: flat, with a bevelled edge.
	field: func(x, y float64) float64 {
		r, lobes := fiveLobes(x, y)
		return max(-0.28, sq(r/(0.86+mul(0.30, lobes)))-1)
	},
	markings: func(x, y float64) (float64, float64) {
		r, lobes := fiveLobes(x, y)
		groove := mul(smoothstep(-0.75, -1, lobes), smoothstep(0.1, 0.3, r))
		seed := mul(smoothstep(0.55, 0.85, lobes), smoothstep(0.11, 0.06, math.Abs(r-0.30)))
		rim := smoothstep(0.72, 0.84, r/(0.86+mul(0.30, lobes)))
		return 1.06 - mul(0.25, groove) - mul(0.12, rim), mul(0.75, seed)
	},
	softness: 0.50,
}

// fiveLobes returns the distance r from the middle and cos 5a of the angle a from the y axis, which is 1 in
// the middle of each of five lobes: the real part of (y + ix)^5 / r^5.
func fiveLobes(x, y float64) (r, lobes float64) {
	r = math.Sqrt(sq(x) + sq(y))
	if r < 1e-6 {
		return 0, 0
	}
	x, y = x/r, y/r
	re, im := y, x
	for range 4 {
		re, im = mul(re, y)-mul(im, x), mul(re, x)+mul(im, y)
	}
	return r, re
}
