package augment

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ordo/augment/kernel"
)

// View says what one view of an image is.
type View struct {
	Family int // index in Plan.Families, or BaseView or PlainView
	Level  int // which of the family's levels, or which base view
}

// Views that belong to no family.
const (
	// BaseView has every ordered family at its origin, and the invariant transformations drawn. Local views have a Level
	// of Options.BaseViews or more.
	BaseView = -1
	// PlainView has no random transformation at all: it is the origin of the evaluation, see Plan.RenderEval.
	PlainView = -2
)

// Key names a draw: views of the same key, plan and image are the same bytes.
type Key struct {
	Seed, Epoch, Sample uint64
	// Group takes the place of Sample for the base views of a plan whose Options.Shared is above 1: images of one
	// group share the draws of their base views. Other plans don't look at it.
	Group uint64
}

// Plan is a validated, compiled Options for views of one size. It is read-only and safe for concurrent use.
type Plan struct {
	size       int
	framing    string // circle or none
	options    Options
	operations []operation // the invariant list
	frames     bool        // whether one of them says which part of the image a view shows
	ordered    []Family
	families   []family // compiled, by ordered family
	streams    []uint64 // by ordered family
	views      []View
	draws      []namedDraw // that Draws reports, by full name
	mask       []float32   // framing, one plane; nil without
	gain       [3]float32
	offset     [3]float32
	warnings   []string
}

const (
	minImageSize = 8
	maxImageSize = 2048
)

// NewPlan validates o and compiles it for square views of imageSize pixels, in [8, 2048].
func NewPlan(o Options, imageSize int) (*Plan, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if imageSize < minImageSize || imageSize > maxImageSize {
		return nil, fmt.Errorf("the image size must be in [%d, %d], got %d", minImageSize, maxImageSize, imageSize)
	}
	invariant, ordered := o.resolve()
	p := &Plan{size: imageSize, options: o, ordered: ordered, framing: FramingNone}
	rotates := false
	seen := map[string]int{}
	var faults []error
	for i, s := range invariant {
		name := s.Name()
		if sized, ok := s.one().(fitter); ok {
			faults = append(faults, sized.fit(fmt.Sprintf("augment.invariant[%d].%s", i, name), imageSize))
		}
		if s.Family != nil && slices.Contains(TransformationNames(), name) {
			name = "family " + name // grayscale is both
		}
		compiled := s.one().compile(imageSize)
		compiled.stream = fold(foldString(0, "invariant "+name), uint64(seen[name]))
		compiled.views = s.viewMask()
		seen[name]++
		p.operations = append(p.operations, compiled)
		p.nameDraws(s.Name(), compiled.named)
		p.frames = p.frames || compiled.frames
		rotates = rotates || s.Family != nil && s.Family.has("rotate")
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for level := range o.BaseViews + o.LocalViews.Count {
		p.views = append(p.views, View{Family: BaseView, Level: level})
	}
	for i, f := range ordered {
		p.families = append(p.families, f.compile())
		p.streams = append(p.streams, foldString(0, "ordered "+f.Name()))
		p.nameDraws(f.Name(), unit("scale"))
		for level := range f.Levels {
			p.views = append(p.views, View{Family: i, Level: level})
		}
	}
	if o.PlainView {
		p.views = append(p.views, View{Family: PlainView})
	}
	// An absent rotation counts too: evaluation rotates all the same, and the roles of one file must be framed alike.
	for _, f := range o.Ordered {
		rotates = rotates || f.has("rotate")
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

// nameDraws adds the draws of a transformation or an ordered family. A name that is taken gets a number.
func (p *Plan) nameDraws(of string, draws []namedDraw) {
	for _, d := range draws {
		name := of + "." + d.name
		for n := 2; slices.ContainsFunc(p.draws, func(o namedDraw) bool { return o.name == name }); n++ {
			name = fmt.Sprintf("%s_%d.%s", of, n, d.name)
		}
		p.draws = append(p.draws, namedDraw{name, d.width})
	}
}

// Evaluation returns the plan that renders evaluation views (RenderEval) of the given families, whatever their role
// in p: same size, framing and normalisation, no invariant transformation.
func (p *Plan) Evaluation(families []Family) (*Plan, error) {
	o := p.options
	o.Invariant, o.Preset, o.Roles = nil, "", nil
	o.LocalViews.Count, o.PlainView = 0, false
	o.Ordered, o.Framing = families, p.framing
	return NewPlan(o, p.size)
}

// Views returns what the views of every image are: the base views, the local ones after the others; each ordered
// family's levels; the plain view.
func (p *Plan) Views() []View { return append([]View(nil), p.views...) }

// Families returns the ordered families, after Options.Roles.
func (p *Plan) Families() []Family { return append([]Family(nil), p.ordered...) }

// FamilyInfo returns what a loss has to know of ordered family i of Families.
func (p *Plan) FamilyInfo(i int) FamilyInfo { return p.families[i].FamilyInfo }

// ImageSize returns the side of a view in pixels.
func (p *Plan) ImageSize() int { return p.size }

// Framing returns FramingCircle or FramingNone: what the options' framing came to.
func (p *Plan) Framing() string { return p.framing }

// Mask returns what the pixels of every view are multiplied with after normalisation, [ImageSize, ImageSize]: 1 inside
// of the frame, 0 outside; nil for FramingNone.
func (p *Plan) Mask() []float32 { return slices.Clone(p.mask) }

// Warnings returns a sentence for each way in which the plan contradicts itself: it asks the network to order what
// every view randomises.
func (p *Plan) Warnings() []string { return append([]string(nil), p.warnings...) }

func (k Key) hash() uint64 { return fold(fold(fold(0, k.Seed), k.Epoch), k.Sample) }

// viewKey is what the invariant transformations of a view draw from.
func (p *Plan) viewKey(k Key, view int) uint64 {
	if p.options.Shared > 1 && p.views[view].Family == BaseView {
		k.Sample = k.Group
	}
	return fold(k.hash(), uint64(view))
}

// has says whether a view has an invariant transformation.
func (p *Plan) has(v View, op *operation) bool {
	number := 0
	switch {
	case v.Family == PlainView:
		return false
	case v.Family == BaseView:
		number = v.Level % p.options.BaseViews
	}
	return op.views>>number&1 != 0
}

// frame is what the draws of a view depend on when g is what it has of geometry.
func (p *Plan) frame(v View, g *geometry) frame {
	return frame{g.width, g.height, v.Family == BaseView && v.Level >= p.options.BaseViews, p.options.LocalViews.Scale}
}

// Scale returns the scale of a view's family, drawn for every image and level as the family's Sampling says; 0 for
// views without a family. It is in [0, 1], or for a Signed family in [-1, 1].
func (p *Plan) Scale(k Key, view int) float64 {
	v := p.views[view]
	if v.Family < 0 {
		return 0
	}
	s := p.scale(k, v)
	if !p.ordered[v.Family].Signed {
		return math.Abs(s)
	}
	return s
}

// scale is Scale with a sign in any case.
func (p *Plan) scale(k Key, v View) float64 {
	f, info := &p.ordered[v.Family], &p.families[v.Family]
	stream := fold(k.hash(), p.streams[v.Family])
	r := rng{key: fold(stream, uint64(v.Level)+1)}
	u := r.float()
	if n := info.Classes; n > 0 {
		class := 0
		switch f.Sampling {
		case SamplingGrid:
			class = v.Level % n
		case SamplingStratified:
			class = shuffled(rng{key: fold(stream, ^uint64(v.Level/n))}, n, v.Level%n)
		default:
			class = int(u * float64(n))
		}
		return float64(class) / float64(n-1)
	}
	s, levels := u, float64(f.Levels)
	switch f.Sampling {
	case SamplingGrid:
		s = float64(v.Level+1) / levels
	case SamplingStratified:
		s = (float64(v.Level) + u) / levels
	}
	switch {
	case !twoSided(info.Kind):
		return s
	case f.Signed:
		return s * aspect{key: r.uint64()}.sign()
	}
	return s * p.aspect(k, v.Family).sign()
}

// shuffled returns entry i of a random order of 0 to n-1.
func shuffled(r rng, n, i int) int {
	var order [8]int
	for k := range n {
		j := r.intn(k + 1)
		order[k], order[j] = order[j], k
	}
	return order[i]
}

// aspect is drawn once an image and family, so that all levels lie on one line from the origin.
func (p *Plan) aspect(k Key, family int) aspect {
	return aspect{key: fold(fold(k.hash(), p.streams[family]), 0)}
}

// DrawNames names the values that Draws writes, in the order of the invariant transformations and then the
// ordered families:
//
//	random_resized_crop.crop_y, .crop_x, .crop_h, .crop_w  the box: its centre and sides, as shares of the picture's
//	TRANSFORMATION.applied                                 1 or 0: flips, grayscale, solarize, posterize, equalize,
//	                                                       autocontrast, sharpness
//	random_rotation.angle                                  in half turns, counter-clockwise
//	random_affine.angle, .translate_x, .translate_y,       half turns clockwise, shares of the sides, factor-1, half
//	    .scale, .shear_x, .shear_y                         turns
//	random_perspective.top_left_x, …, .bottom_left_y       how the corners move, as shares of the sides, to the right
//	                                                       and down
//	color_jitter.brightness, .contrast, .saturation, .hue  factor-1 for three, turns of the colour wheel for hue
//	gaussian_blur.sigma                                    pixels of the view
//	random_erasing.erased_y, .erased_x, .erased_h,         as of the crop, shares of the view's sides
//	    .erased_w
//	FAMILY.scale                                           in [-1, 1], of an invariant or an ordered family, with its
//	                                                       sign; of a joint one in [0, 1]
//
// A transformation that a view lacks, or that chance left out, has 0; a view without the crop has the square in the
// middle. A name that comes twice gets a number: gaussian_blur.sigma, gaussian_blur_2.sigma.
func (p *Plan) DrawNames() []string {
	names := make([]string, len(p.draws))
	for i, d := range p.draws {
		names[i] = d.name
	}
	return names
}

// DrawWidths says of each of DrawNames how far apart two draws can be at most, "not applied" among them, for
// color_jitter and gaussian_blur; of the others, which are shares, angles and scales already, it is 1.
func (p *Plan) DrawWidths() []float64 {
	widths := make([]float64, len(p.draws))
	for i, d := range p.draws {
		widths[i] = d.width
	}
	return widths
}

// Draws writes what Render draws for a view of an image of width x height pixels as numbers, without rendering:
// one for each of DrawNames.
func (p *Plan) Draws(dst []float32, k Key, view, width, height int) {
	if len(dst) != len(p.draws) {
		panic(fmt.Sprintf("augment: a view has %d draws, got room for %d", len(p.draws), len(dst)))
	}
	clear(dst)
	v, key := p.views[view], p.viewKey(k, view)
	var g geometry
	var draws [maxDraws]float64
	g.start(Image{Width: width, Height: height})
	if !p.frames && v.Family != PlainView {
		g.centreCrop(p.size)
	}
	at := 0
	for i := range p.operations {
		op := &p.operations[i]
		d := draws[:op.draws]
		p.draw(d, op, v, key, &g, new(rng))
		if op.geometry != nil && p.has(v, op) {
			op.geometry(&g, d)
		}
		for n := range op.named {
			dst[at+n] = float32(d[n])
		}
		at += len(op.named)
	}
	if v.Family >= 0 {
		dst[at+v.Family] = float32(p.scale(k, v))
	}
}

// draw makes the draws of a transformation for a view.
func (p *Plan) draw(d []float64, op *operation, v View, key uint64, g *geometry, r *rng) {
	clear(d)
	switch {
	case !p.has(v, op):
		if op.neutral != nil {
			op.neutral(d, p.frame(v, g))
		}
	case op.draw != nil:
		*r = rng{key: fold(key, op.stream)}
		op.draw(d, r, p.frame(v, g))
	}
}

// Render writes view number view of img into dst, which holds 3*ImageSize² values: normalised planes R, G, B,
// row-major. It is a pure function of (plan, img, k, view). It panics on a dst or an image of the wrong length.
func (p *Plan) Render(dst []float32, s *Scratch, img Image, k Key, view int) {
	v := p.views[view]
	if v.Family == PlainView {
		p.RenderEval(dst, s, img, -1, 0)
		return
	}
	p.check(dst, img)
	key := p.viewKey(k, view)
	g := &s.geometry
	g.start(img)
	if !p.frames {
		g.centreCrop(p.size)
	}
	for i := range p.operations {
		if op := &p.operations[i]; op.geometry != nil && p.has(v, op) {
			d := s.draws[:op.draws]
			p.draw(d, op, v, key, g, &s.rng)
			op.geometry(g, d)
		}
	}
	if size := float64(p.size); g.width != size || g.height != size {
		g.centreCrop(p.size)
	}
	var f *family
	var scale float64
	var a aspect
	if v.Family >= 0 {
		f, scale, a = &p.families[v.Family], p.scale(k, v), p.aspect(k, v.Family)
		f.place(g, scale, a)
	}
	c := p.read(dst, s, img, g)
	for i := range p.operations {
		if op := &p.operations[i]; op.pixels != nil && p.has(v, op) {
			d := s.draws[:op.draws]
			p.draw(d, op, v, key, g, &s.rng)
			op.pixels(c, d)
		}
	}
	if f != nil {
		f.paint(c, scale, a)
	}
	p.finish(c)
}

// RenderEval writes an evaluation view into dst, as Render does but without random transformations: the image is
// resized so that its short side is ImageSize, cut to the square in its middle, and the family, an index in Families,
// is applied at the given scale in [0, 1], or down to -1 if it has two sides, with all else fixed: positive is to the
// right, and boxes are in the middle. Family -1 is the origin.
func (p *Plan) RenderEval(dst []float32, s *Scratch, img Image, family int, scale float64) {
	p.check(dst, img)
	low := 0.0
	if family >= 0 && twoSided(p.families[family].Kind) {
		low = -1
	}
	if !(scale >= low && scale <= 1) {
		panic(fmt.Sprintf("augment: scale %v is outside [%v, 1]", scale, low))
	}
	g := &s.geometry
	g.start(img)
	g.centreCrop(p.size)
	if family >= 0 {
		p.families[family].place(g, scale, evaluationAspect)
	}
	c := p.read(dst, s, img, g)
	if family >= 0 {
		p.families[family].paint(c, scale, evaluationAspect)
	}
	p.finish(c)
}

// read samples img into the canvas, on dst.
func (p *Plan) read(dst []float32, s *Scratch, img Image, g *geometry) *canvas {
	c := &s.canvas
	c.start(dst, p.size, p.size)
	c.mean = p.offset
	s.sampler.read(c, img, g)
	return c
}

func (p *Plan) check(dst []float32, img Image) {
	if len(dst) != 3*p.size*p.size {
		panic(fmt.Sprintf("augment: a view has %d values, got room for %d", 3*p.size*p.size, len(dst)))
	}
	img.check()
}

// finish runs the point operations that still wait, normalises and frames: outside the disc the view is the mean, 0
// after normalisation.
func (p *Plan) finish(c *canvas) {
	kernel.Normalize(c.data, c.planes[0], c.planes[1], c.planes[2], c.ops, p.offset, p.gain, p.mask)
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
