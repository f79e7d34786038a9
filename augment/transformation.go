package augment

import (
	"fmt"
	"slices"
	"strings"
)

// Transformation is one entry of the invariant list: exactly one transformation, and the views that it is for. Names, parameters
// and defaults are those of torchvision's transforms v2; p is the probability with which a view has the step.
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
	// Views restricts the step to some of the base views, by number from 0; empty: all. Views of ordered families
	// count as view 0, and local views take turns: local view i is as view i mod base_views.
	Views []int `yaml:"views,omitempty"`
}

// transformation is what a field of Transformation points to.
type transformation interface {
	check(path string) []error // reports settings out of their range
	compile(size int) step     // makes it ready for views of size pixels
}

// entry is a field of Transformation.
type entry struct {
	name string
	is   bool // whether it is set
	transformation
}

// entries lists the transformations of Transformation, in the order of its fields.
func (s Transformation) entries() []entry {
	return []entry{
		{"random_resized_crop", s.RandomResizedCrop != nil, s.RandomResizedCrop},
		{"resize", s.Resize != nil, s.Resize},
		{"center_crop", s.CenterCrop != nil, s.CenterCrop},
		{"horizontal_flip", s.HorizontalFlip != nil, s.HorizontalFlip},
		{"vertical_flip", s.VerticalFlip != nil, s.VerticalFlip},
		{"random_rotation", s.RandomRotation != nil, s.RandomRotation},
		{"random_affine", s.RandomAffine != nil, s.RandomAffine},
		{"random_perspective", s.RandomPerspective != nil, s.RandomPerspective},
		{"color_jitter", s.ColorJitter != nil, s.ColorJitter},
		{"grayscale", s.Grayscale != nil, s.Grayscale},
		{"gaussian_blur", s.GaussianBlur != nil, s.GaussianBlur},
		{"solarize", s.Solarize != nil, s.Solarize},
		{"posterize", s.Posterize != nil, s.Posterize},
		{"equalize", s.Equalize != nil, s.Equalize},
		{"autocontrast", s.Autocontrast != nil, s.Autocontrast},
		{"sharpness", s.Sharpness != nil, s.Sharpness},
		{"random_erasing", s.RandomErasing != nil, s.RandomErasing},
	}
}

// Name returns the key of the step's one transformation, a family's name, or "" for an empty step.
func (s Transformation) Name() string {
	for _, e := range s.entries() {
		if e.is {
			return e.name
		}
	}
	if s.Family != nil {
		return s.Family.Name()
	}
	return ""
}

// TransformationNames returns the keys of the random transformations that Transformation has.
func TransformationNames() []string {
	var names []string
	for _, e := range (Transformation{}).entries() {
		names = append(names, e.name)
	}
	return names
}

// DefaultTransformation returns the named random transformation with its defaults filled in.
func DefaultTransformation(name string) (Transformation, error) {
	switch name {
	case "random_resized_crop":
		return Transformation{RandomResizedCrop: &RandomResizedCrop{Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}}}, nil
	case "resize":
		return Transformation{Resize: &Resize{}}, nil
	case "center_crop":
		return Transformation{CenterCrop: &CenterCrop{}}, nil
	case "horizontal_flip":
		return Transformation{HorizontalFlip: &HorizontalFlip{P: 0.5}}, nil
	case "vertical_flip":
		return Transformation{VerticalFlip: &VerticalFlip{P: 0.5}}, nil
	case "random_rotation":
		return Transformation{RandomRotation: &RandomRotation{Degrees: [2]float64{-15, 15}}}, nil
	case "random_affine":
		return Transformation{RandomAffine: &RandomAffine{Degrees: [2]float64{-15, 15}, Scale: [2]float64{1, 1}}}, nil
	case "random_perspective":
		return Transformation{RandomPerspective: &RandomPerspective{DistortionScale: 0.5, P: 0.5}}, nil
	case "color_jitter":
		return Transformation{ColorJitter: &ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, P: 0.8}}, nil
	case "grayscale":
		return Transformation{Grayscale: &Grayscale{P: 0.1}}, nil
	case "gaussian_blur":
		return Transformation{GaussianBlur: &GaussianBlur{Sigma: [2]float64{0.1, 2}, P: 0.5}}, nil
	case "solarize":
		return Transformation{Solarize: &Solarize{Threshold: 0.5, P: 0.5}}, nil
	case "posterize":
		return Transformation{Posterize: &Posterize{Bits: 4, P: 0.5}}, nil
	case "equalize":
		return Transformation{Equalize: &Equalize{P: 0.5}}, nil
	case "autocontrast":
		return Transformation{Autocontrast: &Autocontrast{P: 0.5}}, nil
	case "sharpness":
		return Transformation{Sharpness: &Sharpness{SharpnessFactor: 2, P: 0.5}}, nil
	case "random_erasing":
		return Transformation{RandomErasing: &RandomErasing{Scale: [2]float64{0.02, 0.33}, Ratio: [2]float64{0.3, 3.3}, P: 0.5}}, nil
	}
	return Transformation{}, fmt.Errorf("augment: no transformation is called %q, there are %s and the families %s",
		name, strings.Join(TransformationNames(), ", "), strings.Join(FamilyNames(), ", "))
}

// transformation returns the step's one transformation.
func (s Transformation) transformation() transformation {
	for _, e := range s.entries() {
		if e.is {
			return e.transformation
		}
	}
	return invariantFamily{*s.Family}
}

func (s Transformation) validate(path string, baseViews int) []error {
	set := 0
	for _, e := range s.entries() {
		if e.is {
			set++
		}
	}
	if s.Family != nil {
		set++
	}
	if set != 1 {
		return []error{fmt.Errorf("%s: must name exactly one transformation, got %d", path, set)}
	}
	var faults []error
	for i, v := range s.Views {
		switch {
		case v < 0 || v >= baseViews:
			faults = append(faults, fmt.Errorf("%s.views[%d]: must be a base view in [0, %d], got %d", path, i, baseViews-1, v))
		case slices.Contains(s.Views[:i], v):
			faults = append(faults, fmt.Errorf("%s.views[%d]: %d is listed twice", path, i, v))
		}
	}
	if s.Family == nil {
		path += "." + s.Name()
	}
	return append(s.transformation().check(path), faults...)
}

// viewMask has a bit for every base view that the step is for.
func (s Transformation) viewMask() uint32 {
	if len(s.Views) == 0 {
		return ^uint32(0)
	}
	mask := uint32(0)
	for _, v := range s.Views {
		mask |= 1 << v
	}
	return mask
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

// checkInterval wants -bound <= low <= high <= bound; NaN is refused.
func checkInterval(path string, low, high, bound float64) []error {
	if low >= -bound && low <= high && high <= bound {
		return nil
	}
	return []error{fmt.Errorf("%s: must be low, high with -%v <= low <= high <= %v, got %v, %v", path, bound, bound, low, high)}
}

// checkSize wants a size that the pixels of a view can have, or 0 for the view's own.
func checkSize(path string, size int) []error {
	if size == 0 || size >= minImageSize && size <= maxImageSize {
		return nil
	}
	return []error{fmt.Errorf("%s: must be in [%d, %d], or 0 for the view's size, got %d", path, minImageSize, maxImageSize, size)}
}

// Interpolation values: the filter of a resize, Pillow's in both cases. A map that turns or bends is bilinear.
const (
	InterpolationBilinear = "bilinear"
	InterpolationBicubic  = "bicubic"
)

func checkInterpolation(path, name string) []error {
	switch name {
	case "", InterpolationBilinear, InterpolationBicubic:
		return nil
	}
	return []error{fmt.Errorf("%s.interpolation: must be one of bilinear, bicubic, got %q", path, name)}
}

// RandomResizedCrop cuts a random box out of the image and resizes it, antialiased, to the view (torchvision
// RandomResizedCrop). The filter sees nothing outside the box.
type RandomResizedCrop struct {
	Scale         [2]float64 `yaml:"scale"`                   // area of the box as a share of the image's, uniform; in (0, 1], default [0.08, 1]
	Ratio         [2]float64 `yaml:"ratio"`                   // width / height of the box, log-uniform; in (0, 16], default [3/4, 4/3]
	Interpolation string     `yaml:"interpolation,omitempty"` // bilinear, the default, or bicubic
}

func (c *RandomResizedCrop) check(path string) []error {
	return slices.Concat(checkPair(path+".scale", c.Scale, 1), checkPair(path+".ratio", c.Ratio, 16), checkInterpolation(path, c.Interpolation))
}

// Resize scales the image so that its short side has Size pixels (torchvision Resize with one number); center_crop
// follows it. Resampling is done once, with all other geometry.
type Resize struct {
	Size          int    `yaml:"size"`                    // pixels, in [8, 2048]; 0, the default: the view's size
	Interpolation string `yaml:"interpolation,omitempty"` // bilinear, the default, or bicubic
}

func (z *Resize) check(path string) []error {
	return append(checkSize(path+".size", z.Size), checkInterpolation(path, z.Interpolation)...)
}

// CenterCrop cuts the square of Size pixels in the middle out (torchvision CenterCrop). What it needs beyond the image
// is mirrored, in torchvision 0.
type CenterCrop struct {
	Size int `yaml:"size"` // pixels, in [8, 2048]; 0, the default: the view's size
}

func (c *CenterCrop) check(path string) []error { return checkSize(path+".size", c.Size) }

// HorizontalFlip mirrors left and right (torchvision RandomHorizontalFlip).
type HorizontalFlip struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (f *HorizontalFlip) check(path string) []error { return checkRange(path+".p", f.P, 0, 1) }

// VerticalFlip mirrors top and bottom (torchvision RandomVerticalFlip).
type VerticalFlip struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (f *VerticalFlip) check(path string) []error { return checkRange(path+".p", f.P, 0, 1) }

// RandomRotation turns the frame about its centre, bilinear (torchvision RandomRotation).
type RandomRotation struct {
	Degrees [2]float64 `yaml:"degrees"` // counter-clockwise, uniform; in [-360, 360], default [-15, 15], torchvision has none
}

func (t *RandomRotation) check(path string) []error {
	return checkInterval(path+".degrees", t.Degrees[0], t.Degrees[1], 360)
}

// RandomAffine shears, scales, turns and moves the frame, bilinear (torchvision RandomAffine).
type RandomAffine struct {
	Degrees   [2]float64 `yaml:"degrees"`   // clockwise, uniform; in [-360, 360], default [-15, 15], torchvision has none
	Translate [2]float64 `yaml:"translate"` // most in x and in y, as shares of the sides, uniform to whole pixels; in [0, 1], default [0, 0]
	Scale     [2]float64 `yaml:"scale"`     // magnification, uniform; in (0, 8], default [1, 1]
	Shear     [4]float64 `yaml:"shear"`     // degrees, low and high in x, low and high in y, uniform; in [-80, 80], default 0
}

func (t *RandomAffine) check(path string) []error {
	return slices.Concat(
		checkInterval(path+".degrees", t.Degrees[0], t.Degrees[1], 360),
		checkRange(path+".translate[0]", t.Translate[0], 0, 1), checkRange(path+".translate[1]", t.Translate[1], 0, 1),
		checkPair(path+".scale", t.Scale, 8),
		checkInterval(path+".shear[0:2]", t.Shear[0], t.Shear[1], 80), checkInterval(path+".shear[2:4]", t.Shear[2], t.Shear[3], 80))
}

// RandomPerspective moves the frame's corners inwards, bilinear (torchvision RandomPerspective).
type RandomPerspective struct {
	DistortionScale float64 `yaml:"distortion_scale"` // the most that a corner moves, as a share of half the side; in [0, 0.95], default 0.5
	P               float64 `yaml:"p"`                // probability, default 0.5
}

func (t *RandomPerspective) check(path string) []error {
	return append(checkRange(path+".distortion_scale", t.DistortionScale, 0, 0.95), checkRange(path+".p", t.P, 0, 1)...)
}

// ColorJitter applies brightness, contrast, saturation and hue in random order (torchvision ColorJitter inside
// RandomApply(p)). The first three draw their factor uniformly from [max(0, 1-v), 1+v], v in [0, 8]; the hue shift,
// in turns, is uniform in [-v, v], v in [0, 0.5]. A zero switches that one off. torchvision has no defaults; these are
// SimCLR's at half strength.
type ColorJitter struct {
	Brightness float64 `yaml:"brightness"` // default 0.4
	Contrast   float64 `yaml:"contrast"`   // default 0.4
	Saturation float64 `yaml:"saturation"` // default 0.4
	Hue        float64 `yaml:"hue"`        // default 0.1
	P          float64 `yaml:"p"`          // probability, default 0.8
}

func (j *ColorJitter) check(path string) []error {
	return slices.Concat(
		checkRange(path+".brightness", j.Brightness, 0, 8),
		checkRange(path+".contrast", j.Contrast, 0, 8),
		checkRange(path+".saturation", j.Saturation, 0, 8),
		checkRange(path+".hue", j.Hue, 0, 0.5),
		checkRange(path+".p", j.P, 0, 1))
}

// Grayscale replaces the three channels by their luminance (torchvision RandomGrayscale).
type Grayscale struct {
	P float64 `yaml:"p"` // probability, default 0.1
}

func (t *Grayscale) check(path string) []error { return checkRange(path+".p", t.P, 0, 1) }

// GaussianBlur blurs the view (torchvision GaussianBlur inside RandomApply(p)). The kernel is a sampled Gaussian;
// Pillow's ImageFilter.GaussianBlur, which several published recipes use, is made of box filters and differs.
type GaussianBlur struct {
	KernelSize int        `yaml:"kernel_size"` // odd, in pixels of the view; 0, the default: a tenth of its side, at least 3
	Sigma      [2]float64 `yaml:"sigma"`       // standard deviation in pixels of the view, uniform; default [0.1, 2]
	P          float64    `yaml:"p"`           // probability, default 0.5
}

func (b *GaussianBlur) check(path string) []error {
	faults := slices.Concat(checkPair(path+".sigma", b.Sigma, 64), checkRange(path+".p", b.P, 0, 1))
	if b.KernelSize != 0 && (b.KernelSize < 1 || b.KernelSize%2 == 0) {
		faults = append(faults, fmt.Errorf("%s.kernel_size: must be odd and positive, or 0 for a tenth of the image, got %d", path, b.KernelSize))
	}
	return faults
}

// Solarize inverts the bright values of each channel (torchvision RandomSolarize).
type Solarize struct {
	Threshold float64 `yaml:"threshold"` // what is inverted, from this value on; in [0, 1], default 0.5: bytes from 128 on
	P         float64 `yaml:"p"`         // probability, default 0.5
}

func (t *Solarize) check(path string) []error {
	return append(checkRange(path+".threshold", t.Threshold, 0, 1), checkRange(path+".p", t.P, 0, 1)...)
}

// Posterize keeps the upper bits of each byte (torchvision RandomPosterize, on bytes).
type Posterize struct {
	Bits int     `yaml:"bits"` // in [1, 8], default 4; torchvision has no default
	P    float64 `yaml:"p"`    // probability, default 0.5
}

func (t *Posterize) check(path string) []error {
	faults := checkRange(path+".p", t.P, 0, 1)
	if t.Bits < 1 || t.Bits > 8 {
		faults = append(faults, fmt.Errorf("%s.bits: must be in [1, 8], got %d", path, t.Bits))
	}
	return faults
}

// Equalize makes the histogram of each channel flat (torchvision RandomEqualize).
type Equalize struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (t *Equalize) check(path string) []error { return checkRange(path+".p", t.P, 0, 1) }

// Autocontrast stretches each channel to the full range (torchvision RandomAutocontrast).
type Autocontrast struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (t *Autocontrast) check(path string) []error { return checkRange(path+".p", t.P, 0, 1) }

// Sharpness sharpens, or smooths with a factor below 1 (torchvision RandomAdjustSharpness).
type Sharpness struct {
	SharpnessFactor float64 `yaml:"sharpness_factor"` // 0 smooths, 1 is the identity; in [0, 16], default 2, torchvision has none
	P               float64 `yaml:"p"`                // probability, default 0.5
}

func (t *Sharpness) check(path string) []error {
	return append(checkRange(path+".sharpness_factor", t.SharpnessFactor, 0, 16), checkRange(path+".p", t.P, 0, 1)...)
}

// RandomErasing fills a random box of the view with the mean, 0 after normalisation (torchvision RandomErasing after
// Normalize, with its default value of 0).
type RandomErasing struct {
	Scale [2]float64 `yaml:"scale"` // area of the box as a share of the view's, uniform; in (0, 1], default [0.02, 0.33]
	Ratio [2]float64 `yaml:"ratio"` // height / width of the box, log-uniform; in (0, 16], default [0.3, 3.3]
	P     float64    `yaml:"p"`     // probability, default 0.5
}

func (e *RandomErasing) check(path string) []error {
	return slices.Concat(checkPair(path+".scale", e.Scale, 1), checkPair(path+".ratio", e.Ratio, 16), checkRange(path+".p", e.P, 0, 1))
}

// invariantFamily is a family as an entry of the invariant list.
type invariantFamily struct{ Family }

func (f invariantFamily) check(path string) []error { return f.validateInvariant(path) }
