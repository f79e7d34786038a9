package augment

import (
	"errors"
	"fmt"
	"math"

	"ordo/augment/kernel"
)

// View says what one view of an image is.
type View struct {
	Family int // index in Plan.Families; -1: a base view, every ordered family at its origin
	Level  int // which of the family's levels, or which base view
}

// Key names a draw: views of the same key, plan and image are the same bytes.
type Key struct{ Seed, Epoch, Sample uint64 }

// Plan is a validated, compiled Options for views of one size. It is read-only and safe for concurrent use.
type Plan struct {
	size     int
	framing  string // circle or none
	options  Options
	steps    []step
	crops    bool // whether a step crops to the view's size
	ordered  []Family
	specs    []*familySpec
	streams  []uint64 // by ordered family
	views    []View
	mask     []float32 // framing, one plane; nil without
	gain     [3]float32
	offset   [3]float32
	warnings []string
}

// step is a compiled entry of the invariant list. Its geometry is composed before any pixel is read.
type step struct {
	stream   uint64
	geometry func(g *geometry, r *rng)
	pixels   func(c *canvas, r *rng)
}

const (
	minImageSize = 8
	maxImageSize = 2048
)

// NewPlan validates o and compiles it for square views of imageSize pixels, in [8, 2048].
func NewPlan(o Options, imageSize int) (*Plan, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("augment: %w", err)
	}
	if imageSize < minImageSize || imageSize > maxImageSize {
		return nil, fmt.Errorf("augment: the image size must be in [%d, %d], got %d", minImageSize, maxImageSize, imageSize)
	}
	invariant, ordered := o.resolve()
	p := &Plan{size: imageSize, options: o, ordered: ordered, framing: FramingNone}
	seen := map[string]int{}
	rotates := false
	var faults []error
	for i, s := range invariant {
		if b := s.GaussianBlur; b != nil && b.kernelSize(imageSize)/2 >= imageSize {
			faults = append(faults, fmt.Errorf("invariant[%d].gaussian_blur.kernel_size: half of %d does not fit the image size %d",
				i, b.KernelSize, imageSize))
		}
		name := s.Name()
		compiled := s.compile(imageSize)
		compiled.stream = fold(foldString(0, "invariant "+name), uint64(seen[name]))
		seen[name]++
		p.steps = append(p.steps, compiled)
		p.crops = p.crops || s.RandomResizedCrop != nil
		rotates = rotates || name == "rotate"
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("augment: %w", err)
	}
	for level := range o.BaseViews {
		p.views = append(p.views, View{Family: -1, Level: level})
	}
	for i, f := range ordered {
		p.specs = append(p.specs, findFamily(f.Family))
		p.streams = append(p.streams, foldString(0, "ordered "+f.Family))
		for level := range f.Levels {
			p.views = append(p.views, View{Family: i, Level: level})
		}
	}
	// An absent rotation counts too: evaluation rotates all the same, and the roles of one file must be framed alike.
	for _, f := range o.Ordered {
		rotates = rotates || f.Family == "rotate"
	}
	if o.Framing == FramingCircle || o.Framing == FramingAuto && rotates {
		p.framing = FramingCircle
		p.mask = disc(imageSize)
	}
	for c := range 3 {
		p.gain[c] = float32(1 / o.Std[c])
		p.offset[c] = float32(o.Mean[c])
	}
	p.warnings = contradictions(invariant, ordered)
	return p, nil
}

// Evaluation returns the plan that renders evaluation views (RenderEval) of the given families, whatever their role
// in p: same size, framing and normalisation, no invariant step.
func (p *Plan) Evaluation(families []Family) (*Plan, error) {
	o := p.options
	o.Invariant, o.Roles = nil, nil
	o.Ordered, o.Framing = families, p.framing
	return NewPlan(o, p.size)
}

// Views returns what the views of every image are: the base views, then each ordered family's levels.
func (p *Plan) Views() []View { return append([]View(nil), p.views...) }

// Families returns the ordered families, after Options.Roles.
func (p *Plan) Families() []Family { return append([]Family(nil), p.ordered...) }

// ImageSize returns the side of a view in pixels.
func (p *Plan) ImageSize() int { return p.size }

// Framing returns FramingCircle or FramingNone: what the options' framing came to.
func (p *Plan) Framing() string { return p.framing }

// Warnings returns a sentence for each way in which the plan contradicts itself: it asks the network to order what
// every view randomises.
func (p *Plan) Warnings() []string { return append([]string(nil), p.warnings...) }

func (k Key) hash() uint64 { return fold(fold(fold(0, k.Seed), k.Epoch), k.Sample) }

// Scale returns the scale of a view's family, uniform in [0, 1) for every image and level; 0 for base views.
func (p *Plan) Scale(k Key, view int) float64 {
	v := p.views[view]
	if v.Family < 0 {
		return 0
	}
	r := rng{key: fold(fold(k.hash(), p.streams[v.Family]), uint64(v.Level)+1)}
	return r.float()
}

// direction is drawn once an image and family, so that all levels lie on the same side of the origin.
func (p *Plan) direction(k Key, family int) float64 {
	r := rng{key: fold(fold(k.hash(), p.streams[family]), 0)}
	return r.float()
}

// Render writes view number view of img into dst, which holds 3*ImageSize² values: normalised planes R, G, B,
// row-major. It is a pure function of (plan, img, k, view). It panics on a dst or an image of the wrong length.
func (p *Plan) Render(dst []float32, s *Scratch, img Image, k Key, view int) {
	p.check(dst, img)
	key := fold(k.hash(), uint64(view))
	g := &s.geometry
	g.start(img)
	if !p.crops {
		g.centreCrop(p.size)
	}
	for i := range p.steps {
		if st := &p.steps[i]; st.geometry != nil {
			s.rng = rng{key: fold(key, st.stream)}
			st.geometry(g, &s.rng)
		}
	}
	var spec *familySpec
	var top, scale, direction float64
	if f := p.views[view].Family; f >= 0 {
		spec, top = p.specs[f], p.ordered[f].Max
		scale, direction = p.Scale(k, view), p.direction(k, f)
		spec.place(g, top, scale, direction)
	}
	c := &s.canvas
	c.resize(p.size, p.size)
	s.sampler.sample(c, img, g)
	for i := range p.steps {
		if st := &p.steps[i]; st.pixels != nil {
			s.rng = rng{key: fold(key, st.stream)}
			st.pixels(c, &s.rng)
		}
	}
	if spec != nil {
		spec.paint(c, top, scale, direction)
	}
	p.finish(dst, c)
}

// RenderEval writes an evaluation view into dst, as Render does but without random steps: the image is resized so
// that its short side is ImageSize, cut to the square in its middle, and the family, an index in Families, is
// applied at the given scale in [0, 1] with its direction fixed: positive, to the right for translate. Family -1
// is the origin.
func (p *Plan) RenderEval(dst []float32, s *Scratch, img Image, family int, scale float64) {
	p.check(dst, img)
	if !(scale >= 0 && scale <= 1) {
		panic(fmt.Sprintf("augment: scale %v is outside [0, 1]", scale))
	}
	g, c := &s.geometry, &s.canvas
	g.start(img)
	g.centreCrop(p.size)
	if family >= 0 {
		p.specs[family].place(g, p.ordered[family].Max, scale, 0)
	}
	c.resize(p.size, p.size)
	s.sampler.sample(c, img, g)
	if family >= 0 {
		p.specs[family].paint(c, p.ordered[family].Max, scale, 0)
	}
	p.finish(dst, c)
}

func (p *Plan) check(dst []float32, img Image) {
	if len(dst) != 3*p.size*p.size {
		panic(fmt.Sprintf("augment: a view has %d values, got room for %d", 3*p.size*p.size, len(dst)))
	}
	img.check()
}

// finish runs the point operations that still wait, normalises and frames: outside the disc the view is the mean, 0
// after normalisation.
func (p *Plan) finish(dst []float32, c *canvas) {
	kernel.Normalize(dst, c.planes[0], c.planes[1], c.planes[2], c.ops, p.offset, p.gain, p.mask)
	c.ops = c.ops[:0]
}

// disc is the framing mask of a square: 1 inside, 0 from the inscribed circle on, and a linear edge one pixel wide
// between them.
func disc(size int) []float32 {
	mask := make([]float32, size*size)
	radius := float64(size) / 2
	for y := range size {
		for x := range size {
			distance := math.Hypot(float64(x)+0.5-radius, float64(y)+0.5-radius)
			mask[y*size+x] = float32(min(1, max(0, radius-distance)))
		}
	}
	return mask
}

// contradictions says which ordered families the invariant steps randomise.
func contradictions(invariant []Step, ordered []Family) []string {
	var out []string
	for _, f := range ordered {
		for i, s := range invariant {
			why := ""
			switch {
			case s.Family != nil && s.Family.Family == f.Family:
				why = f.Family + " with a scale of its own"
			case s.ColorJitter != nil && s.ColorJitter.P > 0 && f.Family == "hue" && s.ColorJitter.Hue > 0:
				why = "a random hue; set color_jitter.hue to 0"
			case s.ColorJitter != nil && s.ColorJitter.P > 0 && f.Family == "brightness" && s.ColorJitter.Brightness > 0:
				why = "a random brightness; set color_jitter.brightness to 0"
			case s.Grayscale != nil && s.Grayscale.P > 0 && f.Family == "hue":
				why = "grey, which has no hue, to a share of them; remove grayscale"
			case s.GaussianBlur != nil && s.GaussianBlur.P > 0 && f.Family == "blur":
				why = "a random blur; remove gaussian_blur"
			case s.RandomResizedCrop != nil && f.Family == "zoom" && s.RandomResizedCrop.Scale[0] < s.RandomResizedCrop.Scale[1]:
				why = "a random size; set random_resized_crop.scale to one value"
			case s.RandomResizedCrop != nil && f.Family == "translate" && s.RandomResizedCrop.Scale[0] < 1:
				why = "a random place; remove random_resized_crop"
			}
			if why != "" {
				out = append(out, fmt.Sprintf("%s is ordered, but invariant[%d] gives every view %s.", f.Family, i, why))
			}
		}
	}
	return out
}
