package augment

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Options is the `augment:` section of an experiment: which transformations an image meets, and in which role.
type Options struct {
	// Invariant lists the transformations that are drawn anew for every view. Geometry is composed in this order
	// and comes first; the others follow in this order.
	Invariant []Transformation `yaml:"invariant"`
	// Preset fills the place of invariant by a published recipe. Empty, the default: invariant says it. Not both. See
	// package augment for what each holds, and PresetTransformations.
	Preset string `yaml:"preset"`
	// Ordered lists the families whose scale the embedding shall keep; each adds its levels as views of an
	// image.
	Ordered []Family `yaml:"ordered"`
	// Roles overrides the role of an entry of ordered, by its name: "ordered" leaves it, "invariant" moves it to the end
	// of invariant, "absent" drops it. One experiment file thus holds all three of a comparison.
	Roles map[string]string `yaml:"roles,omitempty"`
	// Framing says what becomes of the square's corners: "circle" fills every view, origin and evaluation views
	// included, with the mean outside of the inscribed disc; "none" leaves the square; "auto" (the default) is
	// circle where rotate is listed, in whatever role, else none.
	Framing string `yaml:"framing"`
	// BaseViews is the number of views with every ordered family at its origin, in [1, 16]; default 2.
	BaseViews int `yaml:"base_views"`
	// LocalViews adds base views of smaller crops.
	LocalViews LocalViews `yaml:"local_views"`
	// PlainView adds a view without any random transformation, as methods want that predict what a transformation does to
	// an embedding.
	PlainView bool `yaml:"plain_view"`
	// Shared is the number of images, consecutive in a batch, that share the draws of their base views; 0, the default,
	// and 1: every image has its own. In [0, 4096].
	Shared int `yaml:"shared"`
	// Mean is taken from each of the channels R, G, B, whose values are 0 to 1; default 0.5 each.
	Mean [3]float64 `yaml:"mean"`
	// Std divides each channel after that; default 0.5 each.
	Std [3]float64 `yaml:"std"`
}

// LocalViews are further base views, whose random_resized_crop takes its box from a smaller range of areas (multi-crop,
// Caron et al. 2020). They are rendered at the size of all views, since these are one tensor; SwAV's are smaller, 96
// pixels beside 224, to save time.
type LocalViews struct {
	Count int        `yaml:"count"` // how many, in [0, 16]; default 0; above 0 there must be a random_resized_crop
	Scale [2]float64 `yaml:"scale"` // area of the box as a share of the image's; in (0, 1], default [0.05, 0.14]
}

// Framing values.
const (
	FramingAuto   = "auto"
	FramingCircle = "circle"
	FramingNone   = "none"
)

// Roles of a family.
const (
	RoleOrdered   = "ordered"
	RoleInvariant = "invariant"
	RoleAbsent    = "absent"
)

const (
	maxBaseViews  = 16
	maxLocalViews = 16
	maxLevels     = 64
	maxShared     = 4096
)

// DefaultOptions returns two base views, automatic framing and normalisation to [-1, 1], without transformations.
func DefaultOptions() Options {
	return Options{
		Framing:    FramingAuto,
		BaseViews:  2,
		LocalViews: LocalViews{Scale: [2]float64{0.05, 0.14}},
		Mean:       [3]float64{0.5, 0.5, 0.5},
		Std:        [3]float64{0.5, 0.5, 0.5},
	}
}

// Role is the role of an entry of Ordered.
func (o Options) Role(f Family) string {
	if role, ok := o.Roles[f.Name()]; ok {
		return role
	}
	return RoleOrdered
}

// Validate reports every fault, each a sentence that starts with the key's path inside this struct.
func (o Options) Validate() error {
	var faults []error
	faults = append(faults, o.validateInvariant()...)
	names := map[string]bool{}
	for i, f := range o.Ordered {
		path := fmt.Sprintf("ordered[%d]", i)
		faults = append(faults, f.validate(path)...)
		if f.Levels < 1 || f.Levels > maxLevels {
			faults = append(faults, fmt.Errorf("%s.levels: must be in [1, %d], got %d", path, maxLevels, f.Levels))
		}
		if names[f.Name()] {
			faults = append(faults, fmt.Errorf("%s.family: %s is listed twice, keep one entry", path, f.Name()))
		}
		names[f.Name()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(o.Roles)) {
		if !names[name] {
			faults = append(faults,
				fmt.Errorf("roles.%s: no entry of `ordered` has this family, so it has no role to change", name))
		}
		switch o.Roles[name] {
		case RoleOrdered, RoleInvariant, RoleAbsent:
		default:
			faults = append(faults,
				fmt.Errorf("roles.%s: must be one of ordered, invariant, absent, got %q", name, o.Roles[name]))
		}
	}
	switch o.Framing {
	case FramingAuto, FramingCircle, FramingNone:
	default:
		faults = append(faults, fmt.Errorf("framing: must be one of auto, circle, none, got %q", o.Framing))
	}
	if o.BaseViews < 1 || o.BaseViews > maxBaseViews {
		faults = append(faults, fmt.Errorf("base_views: must be in [1, %d], got %d", maxBaseViews, o.BaseViews))
	}
	if o.Shared < 0 || o.Shared > maxShared {
		faults = append(faults, fmt.Errorf("shared: must be in [0, %d], got %d", maxShared, o.Shared))
	}
	for c := range 3 {
		faults = append(faults, checkRange(fmt.Sprintf("mean[%d]", c), o.Mean[c], 0, 1)...)
		if !(o.Std[c] > 0) || math.IsInf(o.Std[c], 0) {
			faults = append(faults, fmt.Errorf("std[%d]: must be positive and finite, got %v", c, o.Std[c]))
		}
	}
	return errors.Join(faults...)
}

// validateInvariant reports the faults of Invariant and of what stands in its place or needs it.
func (o Options) validateInvariant() []error {
	var faults []error
	crops, elastics := 0, 0
	for i, s := range o.Invariant {
		faults = append(faults, s.validate(fmt.Sprintf("invariant[%d]", i), o.BaseViews)...)
	}
	if o.Preset != "" {
		switch recipe, err := PresetTransformations(o.Preset); {
		case err != nil:
			faults = append(faults, fmt.Errorf("preset: must be one of %s, got %q", strings.Join(PresetNames(), ", "), o.Preset))
		case len(o.Invariant) > 0:
			faults = append(faults,
				fmt.Errorf("preset: %s stands in the place of invariant, which has %d entries of its own; keep one of the two",
					o.Preset, len(o.Invariant)))
		case o.BaseViews != 2 && slices.ContainsFunc(recipe, func(s Transformation) bool { return len(s.Views) > 0 }):
			faults = append(faults, fmt.Errorf("base_views: must be 2 for preset %s, which treats the two differently, got %d",
				o.Preset, o.BaseViews))
		}
	}
	for _, s := range o.invariant() {
		if s.RandomResizedCrop != nil {
			crops++
		}
		if s.Family != nil && s.Family.has("elastic") {
			elastics++
		}
	}
	if crops > 1 {
		faults = append(faults, errors.New("invariant: holds random_resized_crop more than once, keep one"))
	}
	if elastics > 1 {
		faults = append(faults, errors.New("invariant: holds elastic more than once, keep one"))
	} else if n := o.bends(); n > maxBends {
		faults = append(faults,
			fmt.Errorf("ordered: with these roles a view has elastic %d times, at most %d can be composed", n, maxBends))
	}
	if l := o.LocalViews; l.Count != 0 {
		if l.Count < 0 || l.Count > maxLocalViews {
			faults = append(faults, fmt.Errorf("local_views.count: must be in [0, %d], got %d", maxLocalViews, l.Count))
		}
		faults = append(faults, checkPair("local_views.scale", l.Scale, 1)...)
		if crops == 0 {
			faults = append(faults, errors.New("local_views.count: local views need random_resized_crop in invariant"))
		}
	}
	return faults
}

// bends is how many elastic displacements a view can have, by the roles.
func (o Options) bends() int {
	n := 0
	invariant, ordered := o.resolve()
	for _, s := range invariant {
		if s.Family != nil && s.Family.has("elastic") {
			n++
		}
	}
	if slices.ContainsFunc(ordered, func(f Family) bool { return f.has("elastic") }) {
		n++
	}
	return n
}

// invariant returns the invariant list, or the preset's where there is one.
func (o Options) invariant() []Transformation {
	if o.Preset == "" {
		return o.Invariant
	}
	list, err := PresetTransformations(o.Preset)
	if err != nil {
		return nil // Validate says so
	}
	return list
}

// resolve applies Preset and Roles: the transformations and the ordered families that the plan really has.
func (o Options) resolve() (invariant []Transformation, ordered []Family) {
	invariant = slices.Clone(o.invariant())
	for _, f := range o.Ordered {
		switch o.Roles[f.Name()] {
		case RoleInvariant:
			f.Levels, f.Sampling, f.Signed = 0, "", false
			invariant = append(invariant, Transformation{Family: &f})
		case RoleAbsent:
		default:
			ordered = append(ordered, f)
		}
	}
	return invariant, ordered
}
