package augment

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Family names a family and how strong it is at scale 1.
type Family struct {
	Family string `yaml:"family"` // name of the family
	// Max is the strength at scale 1; its meaning, range and default are the family's, see package augment.
	Max float64 `yaml:"max"`
	// Levels is the number of views an image that an ordered family adds, each at a scale of its own, drawn
	// as sampling says; in [1, 64], default 3. It means nothing in the invariant list.
	Levels int `yaml:"levels,omitempty"`
	// Sampling says how the scale of level l of L is drawn: "uniform" (the default, written or empty) in [0, 1);
	// "stratified" uniformly in [l/L, (l+1)/L); "grid" takes (l+1)/L for every image. A nominal family draws its
	// class: independently; each class once before any repeats, in random order; or class l, then from the first
	// again. Only uniform in the invariant list.
	Sampling string `yaml:"sampling,omitempty"`
	// Signed draws the sign of a two-sided or cyclic family for every view, and not once an image: its scale is
	// then in [-1, 1] and has the sign. Not in the invariant list, where every view has a sign of its own anyway.
	Signed bool `yaml:"signed,omitempty"`
	// With lists further families that the same views have at the same scale, each up to a strength of its own; none by
	// default. Geometry is composed in the list's order, this family first, and so are the others. The entry is then one
	// family, a joint one, called as in rotate+blur, and it is one-sided: all its two-sided members draw their sign once
	// an image, independently.
	With []Member `yaml:"with,omitempty"`
}

// Sampling values.
const (
	SamplingUniform    = "uniform"
	SamplingStratified = "stratified"
	SamplingGrid       = "grid"
)

// Kinds of families.
const (
	KindOneSided = "one-sided" // a scale is a distance from the origin in one direction
	KindTwoSided = "two-sided" // a scale is the distance from the origin in one of two directions, the sign
	KindCyclic   = "cyclic"    // two-sided, and after Period both meet
	KindNominal  = "nominal"   // scales are names of classes and have no order
)

// FamilyInfo is what a loss has to know of a family.
type FamilyInfo struct {
	Kind    string  // one of the kinds
	Period  float64 // of a cyclic family, in units of scale; 0 for others: rotate with max 180 has 2
	Classes int     // of a nominal family: class k has the scale k/(Classes-1); 0 for others
	Unit    string  // of its strength, or its first member's; "": none
}

// familySpec says what a family is. A family acts either on the geometry or on the pixels of a view, at a scale s that
// is not 0: in (0, 1], or for two-sided and cyclic families in [-1, 1].
type familySpec struct {
	name     string
	kind     string
	period   float64            // of a cyclic family, in units of its strength
	classes  int                // of a nominal family
	max      float64            // default
	check    func(float64) bool // whether a max is allowed
	limits   string             // check in words
	unit     string             // of its strength; "": none
	factor   bool               // its strength is a factor, max to the power s
	geometry func(g *geometry, max, s float64, a aspect)
	pixels   func(c *canvas, max, s float64, a aspect)
}

var familySpecs = [...]familySpec{
	{
		name: "rotate", kind: KindCyclic, period: 360, max: 180, check: upTo(180),
		limits: "must be in (0, 180] degrees", unit: "degrees",
		geometry: func(g *geometry, max, s float64, _ aspect) { g.rotate(max * s) },
	},
	{
		name: "quarter_turn", kind: KindNominal, classes: 4, max: 270,
		limits: "must be 270, three quarter turns", unit: "degrees",
		check: func(m float64) bool { return m == 270 },
		geometry: func(g *geometry, _, s float64, _ aspect) {
			for range int(math.Round(3 * s)) {
				g.quarterTurn()
			}
		},
	},
	{
		name: "zoom", kind: KindOneSided, factor: true, max: 2, limits: "must be in [0.125, 8] and not 1",
		check:    func(m float64) bool { return m >= 0.125 && m <= 8 && m != 1 },
		geometry: func(g *geometry, max, s float64, _ aspect) { g.zoom(math.Pow(max, s)) },
	},
	{
		name: "crop", kind: KindOneSided, max: 0.75, check: upTo(0.99), limits: "must be in (0, 0.99]",
		geometry: func(g *geometry, max, s float64, a aspect) {
			x, y := a.point()
			g.zoomAt(1/math.Sqrt(1-max*s), x, y)
		},
	},
	{
		name: "translate", kind: KindOneSided, max: 0.25, check: below1, limits: "must be in (0, 1)",
		geometry: func(g *geometry, max, s float64, a aspect) {
			sin, cos := math.Sincos(2 * math.Pi * a.turn())
			g.translate(cos*max*s, sin*max*s)
		},
	},
	{
		name: "translate_x", kind: KindTwoSided, max: 0.25, check: below1, limits: "must be in (0, 1)",
		geometry: func(g *geometry, max, s float64, _ aspect) { g.translate(max*s, 0) },
	},
	{
		name: "translate_y", kind: KindTwoSided, max: 0.25, check: below1, limits: "must be in (0, 1)",
		geometry: func(g *geometry, max, s float64, _ aspect) { g.translate(0, max*s) },
	},
	{
		name: "shear_x", kind: KindTwoSided, max: 30, check: upTo(60), limits: "must be in (0, 60] degrees", unit: "degrees",
		geometry: func(g *geometry, max, s float64, _ aspect) { g.warp(0, 0, 0, 1, max*s, 0) },
	},
	{
		name: "shear_y", kind: KindTwoSided, max: 30, check: upTo(60), limits: "must be in (0, 60] degrees", unit: "degrees",
		geometry: func(g *geometry, max, s float64, _ aspect) { g.warp(0, 0, 0, 1, 0, max*s) },
	},
	{
		name: "perspective", kind: KindOneSided, max: 0.5, check: upTo(maxPerspective), limits: "must be in (0, 2/3]",
		geometry: func(g *geometry, max, s float64, a aspect) {
			to := a.corners()
			for i := range to {
				x, y := float64((i+1)/2%2), float64(i/2) // of the frame's corner
				to[i][0] = (x + (1-2*x)*to[i][0]*max*s/2) * g.width
				to[i][1] = (y + (1-2*y)*to[i][1]*max*s/2) * g.height
			}
			g.perspective(g.width, g.height, to)
		},
	},
	{
		name: "elastic", kind: KindOneSided, max: 0.03, check: upTo(0.1), limits: "must be in (0, 0.1]",
		geometry: func(g *geometry, max, s float64, a aspect) { g.elastic(a.key, max*s) },
	},
	{
		name: "blur", kind: KindOneSided, max: 2, check: upTo(64), limits: "must be in (0, 64] pixels", unit: "pixels",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.gaussianBlur(int(math.Ceil(3*max*s)), max*s) },
	},
	{
		name: "sharpness", kind: KindOneSided, max: 4, check: upTo(16), limits: "must be in (0, 16]",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.sharpness(1 + max*s) },
	},
	{
		name: "noise", kind: KindOneSided, max: 0.2, check: upTo(1), limits: "must be in (0, 1]",
		pixels: func(c *canvas, max, s float64, a aspect) { c.noise(a.key, max*s) },
	},
	{
		name: "jpeg", kind: KindOneSided, max: 90, check: upTo(99), limits: "must be in (0, 99]",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.jpeg(100 - int(math.Round(max*s))) },
	},
	{
		name: "posterize", kind: KindOneSided, max: 6, check: upTo(7), limits: "must be in (0, 7] bits", unit: "bits",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.posterize(math.Exp2(max * s)) },
	},
	{
		name: "solarize", kind: KindOneSided, max: 1, check: upTo(1), limits: "must be in (0, 1]",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.solarize(1 - max*s) },
	},
	{
		name: "downscale", kind: KindOneSided, factor: true, max: 4, limits: "must be in (1, 16]",
		check: func(m float64) bool { return m > 1 && m <= 16 },
		pixels: func(c *canvas, max, s float64, _ aspect) {
			c.downscale(int(math.Round(float64(c.width) / math.Pow(max, s))))
		},
	},
	{
		name: "brightness", kind: KindTwoSided, factor: true, max: 2.5, check: factor, limits: factorLimits,
		pixels: func(c *canvas, max, s float64, _ aspect) { c.brightness(math.Pow(max, s)) },
	},
	{
		name: "contrast", kind: KindTwoSided, factor: true, max: 2.5, check: factor, limits: factorLimits,
		pixels: func(c *canvas, max, s float64, _ aspect) { c.contrast(math.Pow(max, s)) },
	},
	{
		name: "saturation", kind: KindTwoSided, factor: true, max: 4, check: factor, limits: factorLimits,
		pixels: func(c *canvas, max, s float64, _ aspect) { c.saturation(math.Pow(max, s)) },
	},
	{
		name: "gamma", kind: KindTwoSided, factor: true, max: 2.5, check: factor, limits: factorLimits,
		pixels: func(c *canvas, max, s float64, _ aspect) { c.gamma(math.Pow(max, s)) },
	},
	{
		name: "hue", kind: KindCyclic, period: 1, max: 0.5, check: upTo(0.5),
		limits: "must be in (0, 0.5] turns", unit: "turns",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.hue(max * s) },
	},
	{
		name: "grayscale", kind: KindOneSided, max: 1, check: upTo(1), limits: "must be in (0, 1]",
		pixels: func(c *canvas, max, s float64, _ aspect) { c.saturation(1 - max*s) },
	},
	{
		name: "erase", kind: KindOneSided, max: 0.25, check: upTo(0.9), limits: "must be in (0, 0.9]",
		pixels: func(c *canvas, max, s float64, a aspect) {
			share := math.Sqrt(max * s)
			w, h := float64(c.width), float64(c.height)
			x, y := a.point()
			c.erase(x*(1-share)*w, y*(1-share)*h, share*w, share*h)
		},
	},
}

// maxPerspective keeps the quad of the four corners convex, wherever they go: one that moves in by m of the side, both
// ways, stays outside of the line between its neighbours, which move by m along the edges, as long as 2m < 1-m. There
// is no perspective beyond.
const maxPerspective = 2. / 3

func upTo(high float64) func(float64) bool {
	return func(m float64) bool { return m > 0 && m <= high }
}

func below1(m float64) bool { return m > 0 && m < 1 }

func factor(m float64) bool { return m > 1 && m <= 16 }

const factorLimits = "must be in (1, 16]"

// aspect is what a family draws beside its scale: a direction, a place, a pattern. An ordered family draws it once an
// image, so that all its levels are on one line from the origin; an invariant one for every view. In an evaluation it
// is the same for all images.
type aspect struct {
	key   uint64
	fixed bool
}

// evaluationAspect is the aspect of all evaluation views: positive, to the right, in the middle.
var evaluationAspect = aspect{fixed: true}

// sign is the sign of a two-sided family's scale.
func (a aspect) sign() float64 {
	if a.turn() < 0.5 {
		return 1
	}
	return -1
}

// turn is a direction in the plane in [0, 1) turns: 0 is to the right, a quarter down.
func (a aspect) turn() float64 {
	if a.fixed {
		return 0
	}
	r := rng{key: a.key}
	return r.float()
}

// point is a place, in shares of the sides.
func (a aspect) point() (x, y float64) {
	if a.fixed {
		return 0.5, 0.5
	}
	r := rng{key: a.key}
	return r.float(), r.float()
}

// corners is how far each corner of the frame moves inwards, as shares of the most that it may; fixed, the upper ones
// move towards each other, as when one looks up at a house.
func (a aspect) corners() quad {
	if a.fixed {
		return quad{{1, 0}, {1, 0}, {0, 0}, {0, 0}}
	}
	r := rng{key: a.key}
	var q quad
	for i := range q {
		q[i] = [2]float64{r.float(), r.float()}
	}
	return q
}

const defaultLevels = 3

// FamilyNames returns the names of all families.
func FamilyNames() []string {
	names := make([]string, len(familySpecs))
	for i := range familySpecs {
		names[i] = familySpecs[i].name
	}
	return names
}

// DefaultFamily returns the named family with its default strength and levels.
func DefaultFamily(name string) (Family, error) {
	spec := findFamily(name)
	if spec == nil {
		return Family{}, fmt.Errorf("no family is called %q, there are %s", name, strings.Join(FamilyNames(), ", "))
	}
	return Family{Family: spec.name, Max: spec.max, Levels: defaultLevels}, nil
}

// Within returns the family whose scale 1 is this one's scale s, in (0, 1]: with a smaller Max, of every member.
func (f Family) Within(s float64) Family {
	f.Max = findFamily(f.Family).within(f.Max, s)
	f.With = slices.Clone(f.With)
	for i, m := range f.With {
		f.With[i].Max = findFamily(m.Family).within(m.Max, s)
	}
	return f
}

// Ordered says whether the family's scales have an order: those of a nominal one are names of classes.
func (f Family) Ordered() bool { return f.info().Classes == 0 }

func (f *familySpec) within(max, s float64) float64 {
	if f.factor {
		return math.Pow(max, s)
	}
	return max * s
}

func findFamily(name string) *familySpec {
	for i := range familySpecs {
		if familySpecs[i].name == name {
			return &familySpecs[i]
		}
	}
	return nil
}

func (f Family) validate(path string) []error {
	faults := f.validateMembers(path)
	switch f.Sampling {
	case "", SamplingUniform, SamplingStratified, SamplingGrid:
	default:
		faults = append(faults, fmt.Errorf("%s.sampling: must be one of uniform, stratified, grid, got %q", path, f.Sampling))
	}
	if f.Signed && findFamily(f.Family) != nil && !twoSided(f.info().Kind) {
		faults = append(faults, fmt.Errorf("%s.signed: %s is %s and has no sign", path, f.Name(), f.info().Kind))
	}
	return faults
}

// validateInvariant reports the settings that have no meaning for a family of the invariant list.
func (f Family) validateInvariant(path string) []error {
	faults := f.validate(path)
	if f.Sampling != "" && f.Sampling != SamplingUniform {
		faults = append(faults, fmt.Errorf("%s.sampling: an invariant family draws uniformly, leave sampling out", path))
	}
	if f.Signed {
		faults = append(faults,
			fmt.Errorf("%s.signed: an invariant family draws its sign for every view, leave signed out", path))
	}
	return faults
}

// invariantFamily is a family as an entry of the invariant list.
type invariantFamily struct{ Family }

func (f invariantFamily) check(path string) []error { return f.validateInvariant(path) }

func (f invariantFamily) hides(family string) string {
	if f.has(family) {
		return family + " with a scale of its own"
	}
	return ""
}

func (f invariantFamily) compile(int) operation {
	c := f.Family.compile()
	o := operation{named: unit("scale"), draws: 2, draw: func(d []float64, r *rng, _ frame) {
		d[0], d[1] = c.uniform(r), r.float()
		if twoSided(c.Kind) {
			d[0] *= drawnAspect(d).sign()
		}
	}}
	o.geometry = func(g *geometry, d []float64) { c.place(g, d[0], drawnAspect(d)) }
	o.pixels = func(canvas *canvas, d []float64) { c.paint(canvas, d[0], drawnAspect(d)) }
	return o
}

// drawnAspect is the aspect of an invariant family, from its second draw.
func drawnAspect(d []float64) aspect { return aspect{key: math.Float64bits(d[1])} }

// uniform draws a scale for a family of the invariant list: of a random sign where it has two sides, a random class
// where it has classes.
func (f *family) uniform(r *rng) float64 {
	s := r.float()
	if f.Classes > 0 {
		return math.Floor(s*float64(f.Classes)) / float64(f.Classes-1)
	}
	return s
}
