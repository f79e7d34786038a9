package augment

import (
	"fmt"
	"math"
	"strings"
)

// Family names a family and how strong it is at scale 1.
type Family struct {
	Family string `yaml:"family"` // one of FamilyNames
	// Max is the strength at scale 1; its meaning, range and default are the family's, see the package comment.
	Max float64 `yaml:"max"`
	// Levels is the number of views an image that an ordered family adds, each at a scale of its own, drawn
	// uniformly in [0, 1); in [1, 64], default 3. It means nothing in the invariant list.
	Levels int `yaml:"levels,omitempty"`
	// Sampling says how the scale of level l of L is drawn: "uniform" (the default, written or empty) in [0, 1);
	// "stratified" uniformly in [l/L, (l+1)/L); "grid" takes (l+1)/L for every image. A nominal family draws its
	// class: independently; each class once before any repeats, in random order; or class l.
	Sampling string `yaml:"sampling,omitempty"`
	// Signed draws the sign of a two-sided or cyclic family for every view, and not once an image: its scale is
	// then in (-1, 1) and has the sign.
	Signed bool `yaml:"signed,omitempty"`
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
}

// familySpec says what a family is. A family acts either on the geometry or on the pixels of a view, at a scale s
// in (0, 1] and a direction in [0, 1), which is drawn once an image.
type familySpec struct {
	name     string
	max      float64            // default
	check    func(float64) bool // whether a max is allowed
	limits   string             // check in words
	geometry func(g *geometry, max, s, direction float64)
	pixels   func(c *canvas, max, s, direction float64)
}

var familySpecs = [...]familySpec{
	{
		name: "rotate", max: 180, limits: "must be in (0, 180] degrees",
		check:    func(m float64) bool { return m > 0 && m <= 180 },
		geometry: func(g *geometry, max, s, direction float64) { g.rotate(sign(direction) * max * s) },
	},
	{
		name: "zoom", max: 2, limits: "must be in [0.125, 8] and not 1",
		check:    func(m float64) bool { return m >= 0.125 && m <= 8 && m != 1 },
		geometry: func(g *geometry, max, s, _ float64) { g.zoom(math.Pow(max, s)) },
	},
	{
		name: "translate", max: 0.25, limits: "must be in (0, 1)",
		check: func(m float64) bool { return m > 0 && m < 1 },
		geometry: func(g *geometry, max, s, direction float64) {
			sin, cos := math.Sincos(2 * math.Pi * direction)
			g.translate(cos*max*s, sin*max*s)
		},
	},
	{
		name: "blur", max: 2, limits: "must be in (0, 64] pixels",
		check: func(m float64) bool { return m > 0 && m <= 64 },
		pixels: func(c *canvas, max, s, _ float64) {
			c.gaussianBlur(int(math.Ceil(3*max*s)), max*s)
		},
	},
	{
		name: "brightness", max: 2.5, limits: "must be in (1, 16]",
		check: func(m float64) bool { return m > 1 && m <= 16 },
		pixels: func(c *canvas, max, s, direction float64) {
			c.brightness(math.Exp(sign(direction) * s * math.Log(max)))
		},
	},
	{
		name: "hue", max: 0.5, limits: "must be in (0, 0.5] turns",
		check:  func(m float64) bool { return m > 0 && m <= 0.5 },
		pixels: func(c *canvas, max, s, direction float64) { c.hue(sign(direction) * max * s) },
	},
}

func (f *familySpec) info(family Family) FamilyInfo {
	switch f.name {
	case "rotate":
		return FamilyInfo{Kind: KindCyclic, Period: 360 / family.Max}
	case "hue":
		return FamilyInfo{Kind: KindCyclic, Period: 1 / family.Max}
	case "brightness":
		return FamilyInfo{Kind: KindTwoSided}
	}
	return FamilyInfo{Kind: KindOneSided}
}

// sign halves the directions: + for [0, 1/2), so for the evaluation's 0 too.
func sign(direction float64) float64 {
	if direction < 0.5 {
		return 1
	}
	return -1
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
		return Family{}, fmt.Errorf("augment: no family is called %q, there are %s", name, strings.Join(FamilyNames(), ", "))
	}
	return Family{Family: spec.name, Max: spec.max, Levels: defaultLevels}, nil
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
	spec := findFamily(f.Family)
	if spec == nil {
		return []error{fmt.Errorf("%s.family: must be one of %s, got %q", path, strings.Join(FamilyNames(), ", "), f.Family)}
	}
	if !spec.check(f.Max) {
		return []error{fmt.Errorf("%s.max: %s, got %v", path, spec.limits, f.Max)}
	}
	return nil
}

// place composes the family into the view's geometry, if it is geometric. Scale 0 is the identity, exactly.
func (f *familySpec) place(g *geometry, max, s, direction float64) {
	if f.geometry != nil && s > 0 {
		f.geometry(g, max, s, direction)
	}
}

// paint applies the family to the view's pixels, if it is not geometric. Scale 0 is the identity, exactly.
func (f *familySpec) paint(c *canvas, max, s, direction float64) {
	if f.pixels != nil && s > 0 {
		f.pixels(c, max, s, direction)
	}
}
