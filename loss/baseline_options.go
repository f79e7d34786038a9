package loss

import (
	"errors"
	"fmt"
	"slices"
)

// Kinds of terms of other methods.
const (
	KindESSL    = "essl"    // class of a nominal family, or quarter of a scale
	KindAugSelf = "augself" // differences of draws
	KindCARE    = "care"    // cosines of two images that share their draws
	KindEquiMod = "equimod" // embedding predicted from the plain view's and the draws
)

// BaselineOptions sets a term of another method, as its authors define it. Where a default depends on the kind, 0 (or
// an empty text) stands for it, but for the weight; a setting that a kind doesn't have must be left out.
type BaselineOptions struct {
	Kind string `yaml:"kind"` // the method: essl, augself, care or equimod
	// Weight is the factor of the term; essl 0.4, augself 1, care 0.6, equimod 1; range [0, 1e6].
	Weight float64 `yaml:"weight"`
	// Schedule is the course of the weight: constant (default), linear or cosine, from 0 up.
	Schedule string `yaml:"schedule"`
	// Warmup is the share of the training in which it rises; 0.1 where it is left out; range (0, 1].
	Warmup float64 `yaml:"warmup,omitempty"`
	// Temperature divides the similarities of equimod; default 0.2, range [0.005, 100].
	Temperature float64 `yaml:"temperature,omitempty"`
	Output      string  `yaml:"output,omitempty"` // what care looks at: embedding (default) or features
	// Family is the family of essl; default: the only nominal one. Of another family the quarter of its scale is told.
	Family string `yaml:"family,omitempty"`
	// Groups are the weights of what augself predicts; default crop and color 1.
	Groups AugSelfGroups `yaml:"groups,omitempty"`
}

// AugSelfGroups are the weights, in [0, 1e6], of the groups of draws whose differences are predicted; 0 leaves a
// group out. All 0 stands for the default, crop and color 1.
type AugSelfGroups struct {
	Crop  float64 `yaml:"crop"`  // weight of random_resized_crop: centre, height and width
	Color float64 `yaml:"color"` // weight of color_jitter: brightness, contrast, saturation, hue
	Flip  float64 `yaml:"flip"`  // weight of horizontal_flip: whether both views have it or none
	Blur  float64 `yaml:"blur"`  // weight of gaussian_blur: sigma
	// Scale is the weight of the scales of the families among the invariant transformations; ordo's own addition.
	Scale float64 `yaml:"scale"`
}

func (o BaselineOptions) head() head {
	return head{roleBaseline, o.Kind, o.Weight, o.Schedule, o.Warmup}
}

// resolved fills in what was left at zero.
func (o BaselineOptions) resolved() BaselineOptions {
	k, ok := findKind(roleBaseline, o.Kind)
	if !ok {
		return o
	}
	d := k.defaults.Baseline
	fill(&o.Temperature, d.Temperature)
	fill(&o.Output, d.Output)
	fill(&o.Groups, d.Groups)
	resolveSchedule(&o.Schedule, &o.Warmup)
	return o
}

func (o BaselineOptions) resolvedTerm() TermOptions {
	o = o.resolved()
	return TermOptions{Baseline: &o}
}

func (o BaselineOptions) validate(add func(error), prefix string, k kind) {
	d := k.defaults.Baseline
	add(ofKind(prefix+"temperature", o.Kind, o.Temperature, d.Temperature, minInvarianceTemperature, maxTemperature))
	switch {
	case d.Output != "":
		add(oneOf(prefix+"output", o.Output, OutputEmbedding, OutputFeatures))
	case o.Output != "":
		add(foreign(prefix+"output", o.Kind, o.Output))
	}
	if o.Family != "" && !slices.Contains(k.also, "family") {
		add(foreign(prefix+"family", o.Kind, o.Family))
	}
	var none AugSelfGroups
	switch {
	case d.Groups != none:
		o.Groups.validate(add, prefix+"groups.")
	case o.Groups != none:
		add(foreign(prefix+"groups", o.Kind, fmt.Sprintf("%+v", o.Groups)))
	}
}

func (g AugSelfGroups) validate(add func(error), prefix string) {
	add(within(prefix+"crop", g.Crop, 0, maxWeight))
	add(within(prefix+"color", g.Color, 0, maxWeight))
	add(within(prefix+"flip", g.Flip, 0, maxWeight))
	add(within(prefix+"blur", g.Blur, 0, maxWeight))
	add(within(prefix+"scale", g.Scale, 0, maxWeight))
}

// baseAtLeast is for terms that need count base views.
func baseAtLeast(kind string, v Views, count int) error {
	if v.base() < count {
		return fmt.Errorf("%s needs at least %d base views: set augment.base_views", kind, count)
	}
	return nil
}

// needsOther is for terms that compare an image with others.
func needsOther(kind string, v Views) error {
	if v.Images < 2 {
		return errors.New(kind + " compares images and needs a batch of at least two: raise train.batch_size")
	}
	return nil
}
