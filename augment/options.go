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
	// and comes first; the other steps follow in this order.
	Invariant []Step `yaml:"invariant"`
	// Ordered lists the families whose scale the embedding shall keep; each adds Levels views an image.
	Ordered []Family `yaml:"ordered"`
	// Roles overrides the role of an Ordered entry, by family name: "ordered" leaves it, "invariant" moves it to
	// the end of Invariant, "absent" drops it. One experiment file thus holds all three of a comparison.
	Roles map[string]string `yaml:"roles,omitempty"`
	// Framing says what becomes of the square's corners: "circle" fills every view, origin and evaluation views
	// included, with the mean outside of the inscribed disc; "none" leaves the square; "auto" (the default) is
	// circle where rotate is listed, in whatever role, else none.
	Framing string `yaml:"framing"`
	// BaseViews is the number of views with every ordered family at its origin, in [1, 16]; default 2.
	BaseViews int `yaml:"base_views"`
	// PlainView adds a view without any random step (View.Family PlainView), as methods want that predict what a
	// transformation does to an embedding.
	PlainView bool `yaml:"plain_view"`
	// Shared is the number of images, consecutive in a batch, that share the draws of their base views (Key.Group);
	// 0 and 1: every image has its own. In [0, 4096].
	Shared int `yaml:"shared"`
	// Mean and Std normalise each of the channels R, G, B: (x-mean)/std for x in [0, 1]; default 0.5 each.
	Mean [3]float64 `yaml:"mean"`
	Std  [3]float64 `yaml:"std"`
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
	maxBaseViews = 16
	maxLevels    = 64
	maxShared    = 4096
)

// DefaultOptions returns two base views, automatic framing and normalisation to [-1, 1], without transformations.
func DefaultOptions() Options {
	return Options{
		Framing:   FramingAuto,
		BaseViews: 2,
		Mean:      [3]float64{0.5, 0.5, 0.5},
		Std:       [3]float64{0.5, 0.5, 0.5},
	}
}

// Validate reports every fault, each a sentence that starts with the key's path inside this struct.
func (o Options) Validate() error {
	var faults []error
	crops := 0
	for i, s := range o.Invariant {
		faults = append(faults, s.validate(fmt.Sprintf("invariant[%d]", i))...)
		if s.RandomResizedCrop != nil {
			crops++
		}
	}
	if crops > 1 {
		faults = append(faults, errors.New("invariant: holds random_resized_crop more than once, keep one"))
	}
	names := map[string]bool{}
	for i, f := range o.Ordered {
		path := fmt.Sprintf("ordered[%d]", i)
		faults = append(faults, f.validate(path)...)
		if f.Levels < 1 || f.Levels > maxLevels {
			faults = append(faults, fmt.Errorf("%s.levels: must be in [1, %d], got %d", path, maxLevels, f.Levels))
		}
		if names[f.Family] {
			faults = append(faults, fmt.Errorf("%s.family: %s is listed twice, keep one entry", path, f.Family))
		}
		names[f.Family] = true
	}
	for _, name := range slices.Sorted(maps.Keys(o.Roles)) {
		if !names[name] {
			faults = append(faults, fmt.Errorf("roles.%s: no entry of `ordered` has this family, so it has no role to change", name))
		}
		switch o.Roles[name] {
		case RoleOrdered, RoleInvariant, RoleAbsent:
		default:
			faults = append(faults, fmt.Errorf("roles.%s: must be one of ordered, invariant, absent, got %q", name, o.Roles[name]))
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

// resolve applies Roles: the steps and the ordered families that the plan really has.
func (o Options) resolve() (invariant []Step, ordered []Family) {
	invariant = slices.Clone(o.Invariant)
	for _, f := range o.Ordered {
		switch o.Roles[f.Family] {
		case RoleInvariant:
			invariant = append(invariant, Step{Family: &f})
		case RoleAbsent:
		default:
			ordered = append(ordered, f)
		}
	}
	return invariant, ordered
}

// Step is one entry of the invariant list: exactly one of its fields is set.
type Step struct {
	RandomResizedCrop *RandomResizedCrop `yaml:"random_resized_crop,omitempty"`
	HorizontalFlip    *HorizontalFlip    `yaml:"horizontal_flip,omitempty"`
	ColorJitter       *ColorJitter       `yaml:"color_jitter,omitempty"`
	Grayscale         *Grayscale         `yaml:"grayscale,omitempty"`
	GaussianBlur      *GaussianBlur      `yaml:"gaussian_blur,omitempty"`
	// Family is a family whose scale, and sign where it has one, is drawn anew for every view. Its Levels mean
	// nothing here.
	Family *Family `yaml:",inline"`
}

// Name returns the key of the step's one field, a family's name, or "" for an empty step.
func (s Step) Name() string {
	switch {
	case s.RandomResizedCrop != nil:
		return "random_resized_crop"
	case s.HorizontalFlip != nil:
		return "horizontal_flip"
	case s.ColorJitter != nil:
		return "color_jitter"
	case s.Grayscale != nil:
		return "grayscale"
	case s.GaussianBlur != nil:
		return "gaussian_blur"
	case s.Family != nil:
		return s.Family.Family
	}
	return ""
}

// StepNames returns the keys of the random transformations that Step has.
func StepNames() []string {
	return []string{"random_resized_crop", "horizontal_flip", "color_jitter", "grayscale", "gaussian_blur"}
}

// DefaultStep returns the named random transformation with its defaults filled in.
func DefaultStep(name string) (Step, error) {
	switch name {
	case "random_resized_crop":
		return Step{RandomResizedCrop: &RandomResizedCrop{Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}}, nil
	case "horizontal_flip":
		return Step{HorizontalFlip: &HorizontalFlip{P: 0.5}}, nil
	case "color_jitter":
		return Step{ColorJitter: &ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, P: 0.8}}, nil
	case "grayscale":
		return Step{Grayscale: &Grayscale{P: 0.1}}, nil
	case "gaussian_blur":
		return Step{GaussianBlur: &GaussianBlur{Sigma: [2]float64{0.1, 2}, P: 0.5}}, nil
	}
	return Step{}, fmt.Errorf("augment: no transformation is called %q, there are %s and the families %s",
		name, strings.Join(StepNames(), ", "), strings.Join(FamilyNames(), ", "))
}

func (s Step) validate(path string) []error {
	set := 0
	for _, is := range []bool{s.RandomResizedCrop != nil, s.HorizontalFlip != nil, s.ColorJitter != nil,
		s.Grayscale != nil, s.GaussianBlur != nil, s.Family != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return []error{fmt.Errorf("%s: must name exactly one transformation, got %d", path, set)}
	}
	if s.Family != nil {
		return s.Family.validate(path)
	}
	path += "." + s.Name()
	switch {
	case s.RandomResizedCrop != nil:
		c := s.RandomResizedCrop
		return slices.Concat(checkPair(path+".scale", c.Scale, 1), checkPair(path+".ratio", c.Ratio, 16))
	case s.HorizontalFlip != nil:
		return checkRange(path+".p", s.HorizontalFlip.P, 0, 1)
	case s.ColorJitter != nil:
		j := s.ColorJitter
		return slices.Concat(
			checkRange(path+".brightness", j.Brightness, 0, 8),
			checkRange(path+".contrast", j.Contrast, 0, 8),
			checkRange(path+".saturation", j.Saturation, 0, 8),
			checkRange(path+".hue", j.Hue, 0, 0.5),
			checkRange(path+".p", j.P, 0, 1))
	case s.Grayscale != nil:
		return checkRange(path+".p", s.Grayscale.P, 0, 1)
	}
	b := s.GaussianBlur
	faults := slices.Concat(checkPair(path+".sigma", b.Sigma, 64), checkRange(path+".p", b.P, 0, 1))
	if b.KernelSize != 0 && (b.KernelSize < 1 || b.KernelSize%2 == 0) {
		faults = append(faults, fmt.Errorf("%s.kernel_size: must be odd and positive, or 0 for a tenth of the image, got %d", path, b.KernelSize))
	}
	return faults
}

// checkRange wants lo <= v <= hi; NaN is refused.
func checkRange(path string, v, lo, hi float64) []error {
	if v >= lo && v <= hi {
		return nil
	}
	return []error{fmt.Errorf("%s: must be in [%v, %v], got %v", path, lo, hi, v)}
}

// checkPair wants 0 < v[0] <= v[1] <= hi; NaN is refused.
func checkPair(path string, v [2]float64, hi float64) []error {
	if v[0] > 0 && v[0] <= v[1] && v[1] <= hi {
		return nil
	}
	return []error{fmt.Errorf("%s: must be [low, high] with 0 < low <= high <= %v, got [%v, %v]", path, hi, v[0], v[1])}
}

// RandomResizedCrop cuts a random box out of the image and resizes it, antialiased, to the view (torchvision
// RandomResizedCrop). The filter sees nothing outside the box.
type RandomResizedCrop struct {
	Scale [2]float64 `yaml:"scale"` // area of the box as a share of the image's, uniform; in (0, 1], default [0.08, 1]
	Ratio [2]float64 `yaml:"ratio"` // width / height of the box, log-uniform; in (0, 16], default [3/4, 4/3]
}

// HorizontalFlip mirrors left and right (torchvision RandomHorizontalFlip).
type HorizontalFlip struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

// ColorJitter applies brightness, contrast, saturation and hue in random order (torchvision ColorJitter inside
// RandomApply(p)). The first three draw their factor uniformly from [max(0, 1-v), 1+v], v in [0, 8]; the hue shift,
// in turns, is uniform in [-v, v], v in [0, 0.5]. A zero switches that one off.
type ColorJitter struct {
	Brightness float64 `yaml:"brightness"` // default 0.4
	Contrast   float64 `yaml:"contrast"`   // default 0.4
	Saturation float64 `yaml:"saturation"` // default 0.4
	Hue        float64 `yaml:"hue"`        // default 0.1
	P          float64 `yaml:"p"`          // probability, default 0.8
}

// Grayscale replaces the three channels by their luminance (torchvision RandomGrayscale).
type Grayscale struct {
	P float64 `yaml:"p"` // probability, default 0.1
}

// GaussianBlur blurs the view (torchvision GaussianBlur inside RandomApply(p)).
type GaussianBlur struct {
	KernelSize int        `yaml:"kernel_size"` // odd, in pixels of the view; 0, the default: a tenth of its side, at least 3
	Sigma      [2]float64 `yaml:"sigma"`       // standard deviation in pixels of the view, uniform; default [0.1, 2]
	P          float64    `yaml:"p"`           // probability, default 0.5
}
