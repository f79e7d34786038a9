package augment

import (
	"math"
	"slices"
)

// RandomRotation turns the frame about its centre, bilinear (torchvision RandomRotation).
type RandomRotation struct {
	// Degrees is the angle, counter-clockwise, uniform; in [-360, 360], default [-15, 15]; torchvision has none.
	Degrees [2]float64 `yaml:"degrees"`
}

func (*RandomRotation) byDefault() Transformation {
	return Transformation{RandomRotation: &RandomRotation{Degrees: [2]float64{-15, 15}}}
}

func (t *RandomRotation) check(path string) []error {
	return checkInterval(path+".degrees", t.Degrees[0], t.Degrees[1], 360)
}

func (t *RandomRotation) compile(int) operation {
	degrees := t.Degrees
	return operation{
		named: unit("angle"), draws: 1,
		draw:     func(d []float64, r *rng, _ frame) { d[0] = r.uniform(degrees[0], degrees[1]) / 180 },
		geometry: func(g *geometry, d []float64) { g.rotate(180 * d[0]) },
	}
}

func (*RandomRotation) hides(family string) string {
	return hiding(1, family, "a random rotation; remove random_rotation", "rotate", "quarter_turn")
}

// RandomAffine shears, scales, turns and moves the frame, bilinear (torchvision RandomAffine).
type RandomAffine struct {
	// Degrees is the angle, clockwise, uniform; in [-360, 360], default [-15, 15]; torchvision has none.
	Degrees [2]float64 `yaml:"degrees"`
	// Translate is the most in x and in y, as shares of the sides, uniform to whole pixels; in [0, 1], default [0, 0].
	Translate [2]float64 `yaml:"translate"`
	Scale     [2]float64 `yaml:"scale"` // magnification, uniform; in (0, 8], default [1, 1]
	// Shear is in degrees, low and high in x, low and high in y, uniform; in [-80, 80], default 0.
	Shear [4]float64 `yaml:"shear"`
}

func (*RandomAffine) byDefault() Transformation {
	return Transformation{RandomAffine: &RandomAffine{Degrees: [2]float64{-15, 15}, Scale: [2]float64{1, 1}}}
}

func (t *RandomAffine) check(path string) []error {
	return slices.Concat(
		checkInterval(path+".degrees", t.Degrees[0], t.Degrees[1], 360),
		checkRange(path+".translate[0]", t.Translate[0], 0, 1), checkRange(path+".translate[1]", t.Translate[1], 0, 1),
		checkPair(path+".scale", t.Scale, 8),
		checkInterval(path+".shear[0:2]", t.Shear[0], t.Shear[1], 80),
		checkInterval(path+".shear[2:4]", t.Shear[2], t.Shear[3], 80))
}

func (t *RandomAffine) compile(int) operation {
	a := *t
	return operation{
		named: unit("angle", "translate_x", "translate_y", "scale", "shear_x", "shear_y"), draws: 6,
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

func (t *RandomAffine) hides(family string) string {
	const turn = "a random rotation; set random_affine.degrees to [0, 0]"
	const size = "a random size; set random_affine.scale to [1, 1]"
	const shear = "a random shear; set random_affine.shear to 0"
	const place = "a random place; set random_affine.translate to [0, 0]"
	what, hidden := "", false
	switch family {
	case "rotate", "quarter_turn":
		what, hidden = turn, t.Degrees[0] < t.Degrees[1]
	case "zoom", "crop":
		what, hidden = size, t.Scale[0] < t.Scale[1]
	case "shear_x":
		what, hidden = shear, t.Shear[0] < t.Shear[1]
	case "shear_y":
		what, hidden = shear, t.Shear[2] < t.Shear[3]
	case "translate":
		what, hidden = place, t.Translate[0] > 0 || t.Translate[1] > 0
	case "translate_x":
		what, hidden = place, t.Translate[0] > 0
	case "translate_y":
		what, hidden = place, t.Translate[1] > 0
	}
	if !hidden {
		return ""
	}
	return what
}
