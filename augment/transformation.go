package augment

import (
	"fmt"
	"slices"
	"strings"
)

// Transformation is one entry of the invariant list: exactly one transformation, and the views that it is for. Names,
// parameters and defaults are those of torchvision's transforms v2; p is the probability with which a view has it.
type Transformation struct {
	RandomResizedCrop *RandomResizedCrop `yaml:"random_resized_crop,omitempty"`
	Resize            *Resize            `yaml:"resize,omitempty"`
	CenterCrop        *CenterCrop        `yaml:"center_crop,omitempty"`
	HorizontalFlip    *HorizontalFlip    `yaml:"horizontal_flip,omitempty"`
	VerticalFlip      *VerticalFlip      `yaml:"vertical_flip,omitempty"`
	RandomRotation    *RandomRotation    `yaml:"random_rotation,omitempty"`
	RandomAffine      *RandomAffine      `yaml:"random_affine,omitempty"`
	RandomPerspective *RandomPerspective `yaml:"random_perspective,omitempty"`
	ColorJitter       *ColorJitter       `yaml:"color_jitter,omitempty"`
	Grayscale         *Grayscale         `yaml:"grayscale,omitempty"`
	GaussianBlur      *GaussianBlur      `yaml:"gaussian_blur,omitempty"`
	Solarize          *Solarize          `yaml:"solarize,omitempty"`
	Posterize         *Posterize         `yaml:"posterize,omitempty"`
	Equalize          *Equalize          `yaml:"equalize,omitempty"`
	Autocontrast      *Autocontrast      `yaml:"autocontrast,omitempty"`
	Sharpness         *Sharpness         `yaml:"sharpness,omitempty"`
	RandomErasing     *RandomErasing     `yaml:"random_erasing,omitempty"`
	// Family is a family whose scale, and direction where it has one, is drawn anew for every view. Its Levels mean
	// nothing here.
	Family *Family `yaml:",inline"`
	// Views restricts the entry to some of the base views, by number from 0; empty: all. Views of ordered families
	// count as view 0, and local views take turns: local view i is as view i mod base_views.
	Views []int `yaml:"views,omitempty"`
}

// entries lists the transformations of Transformation, in the order of its fields, but for the family.
func (t Transformation) entries() []entry {
	return []entry{
		field("random_resized_crop", t.RandomResizedCrop),
		field("resize", t.Resize),
		field("center_crop", t.CenterCrop),
		field("horizontal_flip", t.HorizontalFlip),
		field("vertical_flip", t.VerticalFlip),
		field("random_rotation", t.RandomRotation),
		field("random_affine", t.RandomAffine),
		field("random_perspective", t.RandomPerspective),
		field("color_jitter", t.ColorJitter),
		field("grayscale", t.Grayscale),
		field("gaussian_blur", t.GaussianBlur),
		field("solarize", t.Solarize),
		field("posterize", t.Posterize),
		field("equalize", t.Equalize),
		field("autocontrast", t.Autocontrast),
		field("sharpness", t.Sharpness),
		field("random_erasing", t.RandomErasing),
	}
}

// transformation is what the invariant list can hold. The package documentation tells how to add one.
type transformation interface {
	// check reports settings out of their range; their keys begin with path.
	check(path string) []error
	// compile makes a valid transformation ready for views of size pixels.
	compile(size int) operation
	// hides says what of an ordered family it changes at random, and what to do about it: "a random hue; set
	// color_jitter.hue to 0" ends the sentence "… gives every view …". "" if nothing.
	hides(family string) string
}

// listed is a transformation that has a key of its own.
type listed interface {
	transformation
	// byDefault returns an entry with the defaults. It is called on nil.
	byDefault() Transformation
}

// fitter is a transformation that not every size of a view allows.
type fitter interface {
	// fit says why views of size pixels can't have it.
	fit(path string, size int) error
}

// entry is a field of Transformation.
type entry struct {
	name string
	is   bool // it is set
	listed
}

// field makes an entry of a field, which is a pointer.
func field[P interface {
	comparable
	listed
}](name string, p P) entry {
	var none P
	return entry{name, p != none, p}
}

// Name returns the key of the entry's one transformation, a family's name, or "" for an empty entry.
func (t Transformation) Name() string {
	for _, e := range t.entries() {
		if e.is {
			return e.name
		}
	}
	if t.Family != nil {
		return t.Family.Name()
	}
	return ""
}

// TransformationNames returns the keys of the random transformations, without the families.
func TransformationNames() []string {
	var names []string
	for _, e := range (Transformation{}).entries() {
		names = append(names, e.name)
	}
	return names
}

// DefaultTransformation returns the named random transformation with its defaults filled in. A name that is not one of
// TransformationNames is an error.
func DefaultTransformation(name string) (Transformation, error) {
	for _, e := range (Transformation{}).entries() {
		if e.name == name {
			return e.byDefault(), nil
		}
	}
	return Transformation{}, fmt.Errorf("no transformation is called %q, there are %s and the families %s",
		name, strings.Join(TransformationNames(), ", "), strings.Join(FamilyNames(), ", "))
}

// GivenTransformation returns the named random transformation as it is before settings by name are laid over it. It is
// DefaultTransformation's, but for color_jitter: what its settings don't name is off and its probability is 1, as for
// torchvision, where a recipe is written with all of its numbers.
func GivenTransformation(name string) (Transformation, error) {
	t, err := DefaultTransformation(name)
	if t.ColorJitter != nil {
		t.ColorJitter = &ColorJitter{P: 1}
	}
	return t, err
}

// one returns the entry's one transformation.
func (t Transformation) one() transformation {
	for _, e := range t.entries() {
		if e.is {
			return e.listed
		}
	}
	return invariantFamily{*t.Family}
}

func (t Transformation) validate(path string, baseViews int) []error {
	set := 0
	for _, e := range t.entries() {
		if e.is {
			set++
		}
	}
	if t.Family != nil {
		set++
	}
	if set != 1 {
		return []error{fmt.Errorf("%s: must name exactly one transformation, got %d", path, set)}
	}
	var faults []error
	for i, v := range t.Views {
		switch {
		case v < 0 || v >= baseViews:
			faults = append(faults, fmt.Errorf("%s.views[%d]: must be a base view in [0, %d], got %d", path, i, baseViews-1, v))
		case slices.Contains(t.Views[:i], v):
			faults = append(faults, fmt.Errorf("%s.views[%d]: %d is listed twice", path, i, v))
		}
	}
	if t.Family == nil {
		path += "." + t.Name()
	}
	return append(t.one().check(path), faults...)
}

// viewMask has a bit for every base view that the entry is for.
func (t Transformation) viewMask() uint32 {
	if len(t.Views) == 0 {
		return ^uint32(0)
	}
	mask := uint32(0)
	for _, v := range t.Views {
		mask |= 1 << v
	}
	return mask
}

// contradictions says which ordered families the invariant transformations hide.
func contradictions(invariant []Transformation, ordered []Family) []string {
	var out []string
	for _, f := range ordered {
		for i, t := range invariant {
			for _, m := range f.members() {
				why := t.one().hides(m.Family)
				text := fmt.Sprintf("%s is ordered, but invariant[%d] gives every view %s.", f.Name(), i, why)
				if why != "" && !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

// hiding is what a transformation that views have with probability p hides of the families.
func hiding(p float64, family, what string, families ...string) string {
	if p > 0 && slices.Contains(families, family) {
		return what
	}
	return ""
}
