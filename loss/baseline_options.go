package loss

import (
	"errors"
	"fmt"
)

// Kinds of terms of other methods.
const (
	KindESSL    = "essl"    // class of a nominal family
	KindAugSelf = "augself" // differences of drawn parameters
	KindCARE    = "care"    // cosines of two images that share their draws
	KindEquiMod = "equimod" // embedding predicted from the plain view's and the drawn parameters
)

// BaselineOptions sets a term of another method, as its authors define it. Where a default depends on the kind, 0 (or an
// empty text) stands for it, but for the weight; a setting that a kind doesn't have must be left out.
type BaselineOptions struct {
	Kind        string        `yaml:"kind"`                  // essl, augself, care or equimod
	Weight      float64       `yaml:"weight"`                // essl 0.4, augself 1, care 0.6, equimod 1; range [0, 1e6]
	Schedule    string        `yaml:"schedule"`              // of the weight: constant (default), linear or cosine, from 0 up
	Warmup      float64       `yaml:"warmup,omitempty"`      // share of the training in which it rises; default 0.1, range (0, 1]
	Temperature float64       `yaml:"temperature,omitempty"` // equimod: of the similarities; default 0.2, range [0.005, 100]
	Output      string        `yaml:"output,omitempty"`      // care: embedding (default) or features
	Family      string        `yaml:"family,omitempty"`      // essl: the nominal family; default the only one that there is
	Groups      AugSelfGroups `yaml:"groups,omitempty"`      // augself: weights of what is predicted; default crop and color 1
}

// AugSelfGroups are the weights, in [0, 1e6], of the groups of parameters whose differences are predicted; 0 leaves a group
// out. All 0 stands for the default, crop and color 1.
type AugSelfGroups struct {
	Crop  float64 `yaml:"crop"`  // random_resized_crop: centre, height and width
	Color float64 `yaml:"color"` // color_jitter: brightness, contrast, saturation, hue
	Flip  float64 `yaml:"flip"`  // horizontal_flip: whether both views have it or none
	Blur  float64 `yaml:"blur"`  // gaussian_blur: sigma
	Scale float64 `yaml:"scale"` // the families among the invariant transformations: their scales; ordo's own addition
}

// baselineKind is a kind of term of another method.
type baselineKind struct {
	name     string
	defaults BaselineOptions // of weight and of the settings that the kind has
	build    func(BaselineOptions) term
}

var baselineKinds = []baselineKind{
	{KindESSL, BaselineOptions{Weight: 0.4}, func(o BaselineOptions) term { return &esslTerm{options: o} }},
	{KindAugSelf, BaselineOptions{Weight: 1, Groups: AugSelfGroups{Crop: 1, Color: 1}}, newAugSelf},
	{KindCARE, BaselineOptions{Weight: 0.6, Output: OutputEmbedding}, func(o BaselineOptions) term { return &careTerm{options: o} }},
	{KindEquiMod, BaselineOptions{Weight: 1, Temperature: 0.2}, func(o BaselineOptions) term { return &equiModTerm{options: o} }},
}

func findBaseline(kind string) (baselineKind, bool) {
	for _, k := range baselineKinds {
		if k.name == kind {
			return k, true
		}
	}
	return baselineKind{}, false
}

// resolved fills in what was left at zero.
func (o BaselineOptions) resolved() BaselineOptions {
	k, ok := findBaseline(o.Kind)
	if !ok {
		return o
	}
	fill(&o.Temperature, k.defaults.Temperature)
	fill(&o.Output, k.defaults.Output)
	fill(&o.Groups, k.defaults.Groups)
	resolveSchedule(&o.Schedule, &o.Warmup)
	return o
}

// validate adds the faults of resolved options.
func (o BaselineOptions) validate(add func(error), prefix string) {
	k, ok := findBaseline(o.Kind)
	if !ok {
		var names []string
		for _, k := range baselineKinds {
			names = append(names, k.name)
		}
		add(oneOf(prefix+"kind", o.Kind, names...))
		return
	}
	foreign := func(key, got string) {
		add(fmt.Errorf("%s: %s has no such setting; leave it out, got %s", prefix+key, o.Kind, got))
	}
	add(within(prefix+"weight", o.Weight, 0, maxWeight))
	validateSchedule(add, prefix, o.Schedule, o.Warmup)
	add(ofKind(prefix+"temperature", o.Kind, o.Temperature, k.defaults.Temperature, minInvarianceTemperature, maxTemperature))
	switch {
	case k.defaults.Output != "":
		add(oneOf(prefix+"output", o.Output, anyOutput...))
	case o.Output != "":
		foreign("output", o.Output)
	}
	if o.Family != "" && o.Kind != KindESSL {
		foreign("family", o.Family)
	}
	if o.Kind != KindAugSelf {
		if o.Groups != (AugSelfGroups{}) {
			foreign("groups", fmt.Sprintf("%+v", o.Groups))
		}
		return
	}
	for _, g := range []struct {
		name   string
		weight float64
	}{{"crop", o.Groups.Crop}, {"color", o.Groups.Color}, {"flip", o.Groups.Flip}, {"blur", o.Groups.Blur}, {"scale", o.Groups.Scale}} {
		add(within(prefix+"groups."+g.name, g.weight, 0, maxWeight))
	}
}

// baseAtLeast is for terms that need so many base views.
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
