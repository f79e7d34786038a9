package augment

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

func mustPlan(t testing.TB, o Options, size int) *Plan {
	t.Helper()
	p, err := NewPlan(o, size)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ordered is a plan's options with nothing but the given family, at its default unless max is given.
func ordered(t testing.TB, name string, top float64) Options {
	t.Helper()
	f, err := DefaultFamily(name)
	if err != nil {
		t.Fatal(err)
	}
	if top != 0 {
		f.Max = top
	}
	o := DefaultOptions()
	o.Ordered = []Family{f}
	return o
}

func (p *Plan) render(img Image, k Key, view int) []float32 {
	dst := make([]float32, 3*p.size*p.size)
	p.Render(dst, new(Scratch), img, k, view)
	return dst
}

func (p *Plan) renderEval(img Image, family int, scale float64) []float32 {
	dst := make([]float32, 3*p.size*p.size)
	p.RenderEval(dst, new(Scratch), img, family, scale)
	return dst
}

func TestViewPlan(t *testing.T) {
	o := simclr("rotate", "hue", "blur")
	o.BaseViews = 3
	o.Ordered[1].Levels = 1
	o.Roles = map[string]string{"blur": "invariant", "hue": "ordered"}
	p := mustPlan(t, o, 32)
	want := []View{{-1, 0}, {-1, 1}, {-1, 2}, {0, 0}, {0, 1}, {0, 2}, {1, 0}}
	if got := p.Views(); !slices.Equal(got, want) {
		t.Errorf("views %v, want %v", got, want)
	}
	if len(p.operations) != 6 {
		t.Errorf("%d invariant steps, want the five and blur", len(p.operations))
	}
	if got := p.Families(); len(got) != 2 || got[0].Family != "rotate" || got[1].Family != "hue" {
		t.Errorf("ordered families %v", got)
	}
	if p.ImageSize() != 32 || p.Framing() != FramingCircle {
		t.Errorf("size %d, framing %s", p.ImageSize(), p.Framing())
	}

	o.Roles = map[string]string{"rotate": "absent", "hue": "absent", "blur": "absent"}
	p = mustPlan(t, o, 32)
	if len(p.Views()) != 3 || len(p.Families()) != 0 || p.Framing() != FramingCircle {
		t.Errorf("with every family absent: %v, %v, framing %s; roles must be framed alike", p.Views(), p.Families(),
			p.Framing())
	}
	o.Roles = map[string]string{"rotate": "invariant", "hue": "absent", "blur": "absent"}
	if p = mustPlan(t, o, 32); p.Framing() != FramingCircle {
		t.Error("an invariant rotation is not framed")
	}
	o.Framing = FramingNone
	if p = mustPlan(t, o, 32); p.Framing() != FramingNone {
		t.Error("framing: none is not obeyed")
	}
}

func TestValidate(t *testing.T) {
	nan := math.NaN()
	change := func(f func(o *Options)) Options {
		o := simclr("rotate", "zoom")
		f(&o)
		return o
	}
	cases := []struct {
		name string
		o    Options
		want []string // one start of a sentence a fault, in order
	}{
		{"defaults", DefaultOptions(), nil},
		{"simclr", simclr(FamilyNames()...), nil},
		{"zero", Options{}, []string{"framing:", "base_views:", "std[0]:", "std[1]:", "std[2]:"}},
		{"mean", change(func(o *Options) { o.Mean[1], o.Std[2] = nan, math.Inf(1) }), []string{"mean[1]:", "std[2]:"}},
		{"empty step",
			change(func(o *Options) { o.Invariant[2] = Transformation{} }), []string{"invariant[2]: must name exactly one"}},
		{"two in a step",
			change(func(o *Options) { o.Invariant[2].Grayscale = &Grayscale{} }),
			[]string{"invariant[2]: must name exactly one"}},
		{"two crops",
			change(func(o *Options) { o.Invariant = append(o.Invariant, o.Invariant[0]) }),
			[]string{"invariant: holds random_resized_crop more"}},
		{"crop", change(func(o *Options) {
			o.Invariant[0].RandomResizedCrop.Scale = [2]float64{0.5, 1.1}
			o.Invariant[0].RandomResizedCrop.Ratio = [2]float64{nan, 1}
		}), []string{"invariant[0].random_resized_crop.scale:", "invariant[0].random_resized_crop.ratio:"}},
		{"flip",
			change(func(o *Options) { o.Invariant[1].HorizontalFlip.P = nan }), []string{"invariant[1].horizontal_flip.p:"}},
		{"jitter", change(func(o *Options) {
			*o.Invariant[2].ColorJitter = ColorJitter{Brightness: -1, Contrast: nan, Saturation: 9, Hue: 0.6, P: 2}
		}), []string{"invariant[2].color_jitter.brightness:", "invariant[2].color_jitter.contrast:",
			"invariant[2].color_jitter.saturation:", "invariant[2].color_jitter.hue:", "invariant[2].color_jitter.p:"}},
		{"grayscale", change(func(o *Options) { o.Invariant[3].Grayscale.P = -0.1 }), []string{"invariant[3].grayscale.p:"}},
		{"blur", change(func(o *Options) {
			*o.Invariant[4].GaussianBlur = GaussianBlur{KernelSize: 4, Sigma: [2]float64{0, 1}, P: nan}
		}), []string{"invariant[4].gaussian_blur.sigma:", "invariant[4].gaussian_blur.p:",
			"invariant[4].gaussian_blur.kernel_size:"}},
		{"invariant family",
			change(func(o *Options) { o.Invariant[4] = Transformation{Family: &Family{Family: "hue", Max: 0.7}} }),
			[]string{"invariant[4].max: must be in (0, 0.5] turns, got 0.7"}},
		{"no such family",
			change(func(o *Options) { o.Ordered[0].Family = "spin" }), []string{"ordered[0].family: must be one of rotate,"}},
		{"max",
			change(func(o *Options) { o.Ordered[0].Max, o.Ordered[1].Max = nan, 1 }),
			[]string{"ordered[0].max: must be in (0, 180]", "ordered[1].max:"}},
		{"levels",
			change(func(o *Options) { o.Ordered[1].Levels = 0 }), []string{"ordered[1].levels: must be in [1, 64], got 0"}},
		{"twice",
			change(func(o *Options) { o.Ordered[1] = o.Ordered[0] }), []string{"ordered[1].family: rotate is listed twice"}},
		{"roles", change(func(o *Options) { o.Roles = map[string]string{"zoom": "off", "hue": "absent"} }),
			[]string{"roles.hue: no entry of `ordered`", `roles.zoom: must be one of ordered, invariant, absent, got "off"`}},
		{"settings", change(func(o *Options) {
			o.Invariant = []Transformation{
				{Resize: &Resize{Size: 4, Interpolation: "nearest"}}, {CenterCrop: &CenterCrop{Size: -1}},
				{VerticalFlip: &VerticalFlip{P: 2}},
				{RandomRotation: &RandomRotation{Degrees: [2]float64{5, -5}}},
				{RandomAffine: &RandomAffine{Degrees: [2]float64{-400, 0}, Translate: [2]float64{0, 2},
					Shear: [4]float64{0, 0, 0, 90}}},
				{RandomPerspective: &RandomPerspective{DistortionScale: 1, P: nan}},
				{Solarize: &Solarize{Threshold: 128}}, {Posterize: &Posterize{}}, {Equalize: &Equalize{P: -1}},
				{Autocontrast: &Autocontrast{P: nan}},
				{Sharpness: &Sharpness{SharpnessFactor: -1}}, {RandomErasing: &RandomErasing{P: 1}},
			}
		}), []string{
			"invariant[0].resize.size: must be in [8, 2048], or 0",
			"invariant[0].resize.interpolation: must be one of bilinear, bicubic",
			"invariant[1].center_crop.size:", "invariant[2].vertical_flip.p:", "invariant[3].random_rotation.degrees:",
			"invariant[4].random_affine.degrees:", "invariant[4].random_affine.translate[1]:",
			"invariant[4].random_affine.scale:", "invariant[4].random_affine.shear[2:4]:",
			"invariant[5].random_perspective.distortion_scale:", "invariant[5].random_perspective.p:",
			"invariant[6].solarize.threshold:",
			"invariant[7].posterize.bits:", "invariant[8].equalize.p:", "invariant[9].autocontrast.p:",
			"invariant[10].sharpness.sharpness_factor:",
			"invariant[11].random_erasing.scale:", "invariant[11].random_erasing.ratio:",
		}},
		{"views", change(func(o *Options) { o.Invariant[0].Views, o.Invariant[1].Views = []int{0, 2, -1}, []int{1, 1} }),
			[]string{"invariant[0].views[1]: must be a base view in [0, 1], got 2", "invariant[0].views[2]:",
				"invariant[1].views[1]: 1 is listed twice"}},
		{"preset", change(func(o *Options) { o.Preset = "dino" }), []string{"preset: must be one of simclr, byol"}},
		{"preset and steps",
			change(func(o *Options) { o.Preset = "weak" }),
			[]string{"preset: weak stands in the place of invariant, which has 5"}},
		{"preset of two views", Options{Preset: "byol", Framing: FramingAuto, BaseViews: 3, Std: [3]float64{1, 1, 1}},
			[]string{"base_views: must be 2 for preset byol"}},
		{"local views", change(func(o *Options) {
			o.Invariant = o.Invariant[1:]
			o.LocalViews = LocalViews{Count: 17, Scale: [2]float64{0, 1}}
		}), []string{"local_views.count: must be in [0, 16]", "local_views.scale:",
			"local_views.count: local views need random_resized_crop"}},
		{"shared", change(func(o *Options) { o.Shared = -1 }), []string{"shared: must be in [0, 4096], got -1"}},
		{"sampling", change(func(o *Options) { o.Ordered[0].Sampling, o.Ordered[1].Signed = "even", true }),
			[]string{"ordered[0].sampling: must be one of uniform, stratified, grid",
				"ordered[1].signed: zoom is one-sided and has no sign"}},
		{"invariant sampling", change(func(o *Options) {
			o.Invariant[4] = Transformation{Family: &Family{Family: "hue", Max: 0.5, Sampling: SamplingGrid, Signed: true}}
		}), []string{"invariant[4].sampling: an invariant family draws uniformly", "invariant[4].signed:"}},
		{"two elastics", change(func(o *Options) {
			e := Transformation{Family: &Family{Family: "elastic", Max: 0.1}}
			o.Invariant = append(o.Invariant, e, e)
		}), []string{"invariant: holds elastic more than once"}},
		{"framing",
			change(func(o *Options) { o.Framing = "square" }), []string{"framing: must be one of auto, circle, none"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.o.Validate()
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(got), len(c.want), err)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("fault %q, want %q…", got[i], c.want[i])
				}
			}
			if _, err := NewPlan(c.o, 32); (err != nil) != (len(c.want) > 0) {
				t.Errorf("NewPlan: %v", err)
			}
		})
	}
	for _, size := range []int{-1, 7, 4096} {
		if _, err := NewPlan(DefaultOptions(), size); err == nil {
			t.Errorf("NewPlan took the image size %d", size)
		}
	}
	wide := simclr()
	wide.Invariant[4].GaussianBlur.KernelSize = 65
	if _, err := NewPlan(wide, 32); err == nil || !strings.Contains(err.Error(),
		"invariant[4].gaussian_blur.kernel_size:") {
		t.Errorf("a blur wider than the image: %v", err)
	}
	if _, err := DefaultTransformation("sharpen"); err == nil || !strings.Contains(err.Error(), "color_jitter") {
		t.Errorf("DefaultTransformation of an unknown name: %v", err)
	}
	if _, err := DefaultFamily("spin"); err == nil || !strings.Contains(err.Error(), "rotate, quarter_turn") {
		t.Errorf("DefaultFamily of an unknown name: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	step := func(name string) Transformation {
		s, err := DefaultTransformation(name)
		if err != nil {
			f, err := DefaultFamily(name)
			if err != nil {
				t.Fatal(err)
			}
			return Transformation{Family: &f}
		}
		return s
	}
	for _, c := range []struct {
		family, step string
		want         string
	}{
		{"hue", "grayscale", "hue is ordered, but invariant[0] gives every view grey"},
		{"hue", "color_jitter", "hue is ordered, but invariant[0] gives every view a random hue"},
		{"brightness", "color_jitter", "brightness is ordered, but invariant[0] gives every view a random brightness"},
		{"blur", "gaussian_blur", "blur is ordered, but"},
		{"zoom", "random_resized_crop", "zoom is ordered, but"},
		{"translate", "random_resized_crop", "translate is ordered, but"},
		{"rotate", "rotate", "rotate is ordered, but"},
		{"rotate", "random_resized_crop", ""},
		{"rotate", "horizontal_flip", ""},
		{"blur", "grayscale", ""},
		{"hue", "rotate", ""},
		{"crop", "random_resized_crop", "crop is ordered, but"},
		{"translate_y", "random_resized_crop", "translate_y is ordered, but"},
		{"contrast", "color_jitter", "contrast is ordered, but invariant[0] gives every view a random contrast"},
		{"saturation", "grayscale", "saturation is ordered, but"},
		{"grayscale", "color_jitter", "grayscale is ordered, but"},
		{"grayscale", "grayscale", "grayscale is ordered, but"},
		{"gamma", "color_jitter", "gamma is ordered, but"},
		{"downscale", "gaussian_blur", "downscale is ordered, but"},
		{"rotate", "random_rotation", "rotate is ordered, but"},
		{"rotate", "random_affine", "rotate is ordered, but"},
		{"zoom", "random_affine", ""},
		{"quarter_turn", "vertical_flip", "quarter_turn is ordered, but"},
		{"perspective", "random_perspective", "perspective is ordered, but"},
		{"solarize", "solarize", "solarize is ordered, but"},
		{"posterize", "posterize", "posterize is ordered, but"},
		{"sharpness", "sharpness", "sharpness is ordered, but"},
		{"contrast", "autocontrast", "contrast is ordered, but"},
		{"erase", "random_erasing", "erase is ordered, but"},
		{"erase", "equalize", ""},
	} {
		o := ordered(t, c.family, 0)
		o.Invariant = []Transformation{step(c.step)}
		got := mustPlan(t, o, 32).Warnings()
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s with %s: unexpected %q", c.family, c.step, got)
		case c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)):
			t.Errorf("%s with %s: got %q, want %q…", c.family, c.step, got, c.want)
		}
	}
	quiet := ordered(t, "hue", 0)
	jitter := step("color_jitter")
	jitter.ColorJitter.Hue = 0
	quiet.Invariant = []Transformation{jitter}
	if got := mustPlan(t, quiet, 32).Warnings(); len(got) != 0 {
		t.Errorf("hue with color_jitter.hue 0: %q", got)
	}
}

// The draws of a view depend on its key and number only: not on order, worker, scratch or what was rendered before.
func TestRenderIsPure(t *testing.T) {
	p := mustPlan(t, simclr(FamilyNames()...), 24)
	images := []Image{texture(40, 28), texture(24, 24), texture(9, 31)}
	views := len(p.Views())
	type job struct{ sample, view int }
	want := map[job][]float32{}
	for sample := range 2 * len(images) {
		for view := range views {
			want[job{sample, view}] = p.render(images[sample%3], Key{Seed: 1, Epoch: 2, Sample: uint64(sample)}, view)
		}
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var s Scratch
			dst := make([]float32, 3*24*24)
			for i := range len(want) {
				i = (i*(2*worker+1) + worker) % len(want) // another order for each worker
				j := job{i / views, i % views}
				p.Render(dst, &s, images[j.sample%3], Key{Seed: 1, Epoch: 2, Sample: uint64(j.sample)}, j.view)
				if !slices.Equal(dst, want[j]) {
					t.Errorf("worker %d rendered another view of %v", worker, j)
				}
				p.RenderEval(dst, &s, images[0], i%6, 0.5)
			}
		}()
	}
	wait.Wait()
	for i, k := range []Key{{Seed: 2, Epoch: 2}, {Seed: 1, Epoch: 3}, {Seed: 1, Epoch: 2, Sample: 3}} {
		if slices.Equal(p.render(images[0], k, 0), want[job{0, 0}]) {
			t.Errorf("key %d differs, the view does not", i)
		}
	}
	if slices.Equal(want[job{0, 0}], want[job{0, 1}]) {
		t.Error("both base views are the same")
	}
}

func TestStepsDoNotShiftEachOther(t *testing.T) {
	img := texture(48, 48)
	with := simclr()
	without := simclr()
	without.Invariant = without.Invariant[:3]
	with.Invariant[3].Grayscale.P = 0
	with.Invariant[4].GaussianBlur.P = 0
	a, b := mustPlan(t, with, 32), mustPlan(t, without, 32)
	for view := range 2 {
		if !slices.Equal(a.render(img, Key{}, view), b.render(img, Key{}, view)) {
			t.Errorf("view %d: two more steps that do nothing changed the draws", view)
		}
	}
}

func TestOriginIsTheBaseView(t *testing.T) {
	img := texture(50, 37)
	for _, name := range FamilyNames() {
		o := ordered(t, name, 0)
		o.Framing = FramingCircle
		p := mustPlan(t, o, 32)
		origin := p.renderEval(img, -1, 0)
		if !slices.Equal(p.renderEval(img, 0, 0), origin) {
			t.Errorf("%s at scale 0 is not the origin", name)
		}
		if !slices.Equal(p.render(img, Key{}, 0), origin) {
			t.Errorf("%s: the base view without random steps is not the origin", name)
		}
		if slices.Equal(p.render(img, Key{}, 2), origin) {
			t.Errorf("%s: an ordered view is the origin", name)
		}
	}
}

func TestFlipTwice(t *testing.T) {
	img := texture(33, 40)
	flip := Transformation{HorizontalFlip: &HorizontalFlip{P: 1}}
	once, twice, none := DefaultOptions(), DefaultOptions(), DefaultOptions()
	once.Invariant = []Transformation{flip}
	twice.Invariant = []Transformation{flip, flip}
	a, b := mustPlan(t, twice, 32).render(img, Key{}, 0), mustPlan(t, none, 32).render(img, Key{}, 0)
	if d := distance(a, b); d > 1e-6 {
		t.Errorf("two flips change the view by %g", d)
	}
	c := mustPlan(t, once, 32).render(img, Key{}, 0)
	for y := range 3 * 32 {
		slices.Reverse(c[32*y:][:32])
	}
	if d := distance(c, b); d > 1e-6 {
		t.Errorf("a mirrored flip differs from the view by %g", d)
	}
}

// distance is the root mean square difference.
func distance(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		d := float64(a[i] - b[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}

// object is one smooth red bump off the centre, for which every transformation's strength shows as a distance.
func object(size int) Image {
	img := Image{size, size, make([]uint8, 3*size*size)}
	for i := range img.Pix {
		x, y := (float64(i/3%size)+0.5)/float64(size), (float64(i/3/size)+0.5)/float64(size)
		v := math.Exp(-(math.Pow((x-0.5)/0.35, 2) + math.Pow((y-0.32)/0.2, 2)))
		img.Pix[i] = uint8(0.5 + 255*v*[3]float64{0.4, 0.1, 0.1}[i%3])
	}
	return img
}

func TestStrengthIsMonotone(t *testing.T) {
	img := object(64)
	for _, c := range []struct {
		family string
		max    float64
	}{{"rotate", 180}, {"rotate", 20}, {"zoom", 2}, {"zoom", 0.5}, {"translate", 0.25}, {"blur", 2}, {"blur", 9},
		{"brightness", 2.5}, {"hue", 0.5}, {"hue", 0.1}} {
		p := mustPlan(t, ordered(t, c.family, c.max), 32)
		origin := p.renderEval(img, -1, 0)
		last := 0.0
		for i := 1; i <= 20; i++ {
			d := distance(p.renderEval(img, 0, float64(i)/20), origin)
			unseen := d == 0 && c.family == "blur" // a Gaussian of a tenth of a pixel has no neighbours
			if d <= last && !unseen {
				t.Errorf("%s max %v: at scale %v the view is %.4g from the origin, before it was %.4g", c.family, c.max,
					float64(i)/20, d, last)
			}
			last = d
		}
	}
}

func TestEvaluationDirections(t *testing.T) {
	centre := func(v []float32, size int) (x, y, mass float64) {
		for i, value := range v[:size*size] {
			w := float64(value) + 1
			x, y, mass = x+w*(float64(i%size)+0.5), y+w*(float64(i/size)+0.5), mass+w
		}
		return x / mass, y / mass, mass
	}
	// A small spot above the middle, so that it stays inside whatever happens.
	img := Image{64, 64, make([]uint8, 3*64*64)}
	for y := 18; y < 22; y++ {
		for x := 30; x < 34; x++ {
			copy(img.Pix[3*(64*y+x):], []uint8{200, 200, 200})
		}
	}
	at := func(family string, top, scale float64) (x, y, mass float64) {
		o := ordered(t, family, top)
		o.Framing = FramingNone
		return centre(mustPlan(t, o, 32).renderEval(img, 0, scale), 32)
	}
	for _, c := range []struct {
		what       string
		family     string
		max, scale float64
		x, y, mass float64 // of the spot, mass times the origin's
	}{
		{"rotate is counter-clockwise", "rotate", 180, 0.5, 10, 16, 1},
		{"half a turn", "rotate", 180, 1, 16, 22, 1},
		{"zoom magnifies about the centre", "zoom", 2, 1, 16, 4, 4},
		{"translate goes right", "translate", 0.25, 1, 24, 10, 1},
		{"translate_x goes right", "translate_x", 0.25, 1, 24, 10, 1},
		{"translate_x goes left, too", "translate_x", 0.25, -1, 8, 10, 1},
		{"translate_y goes down", "translate_y", 0.25, 0.5, 16, 14, 1},
		{"shear_x moves the top to the right", "shear_x", 20, 1, 18.184, 10, 1},
		{"shear_y stays in the middle column", "shear_y", 20, 1, 16, 10, 1},
		{"crop is in the middle", "crop", 0.75, 1, 16, 4, 4},
		{"a quarter turn is counter-clockwise", "quarter_turn", 270, 1. / 3, 10, 16, 1},
		{"downscale stays in place", "downscale", 2, 1, 16, 10, 1},
		{"blur stays in place", "blur", 2, 1, 16, 10, 1},
		{"brightness multiplies", "brightness", 1.2, 1, 16, 10, 1.2},
	} {
		_, _, unit := at(c.family, c.max, 0)
		x, y, mass := at(c.family, c.max, c.scale)
		if math.Abs(x-c.x) > 0.02 || math.Abs(y-c.y) > 0.02 || math.Abs(mass/unit-c.mass) > 0.02*c.mass {
			t.Errorf("%s: spot at (%.3f, %.3f) of mass %.3f, want (%v, %v), %v", c.what, x, y, mass/unit, c.x, c.y, c.mass)
		}
	}
}

// Outside the inscribed disc every view is constant, and a picture that looks the same from all sides does so in
// every rotated view: nothing but the object tells the angle.
func TestNoCornerShortcut(t *testing.T) {
	const size = 32
	o := simclr("rotate", "zoom")
	p := mustPlan(t, o, size)
	img := texture(70, 50)
	outside := func(view []float32, what string) {
		t.Helper()
		for i, v := range view {
			x, y := float64(i%size)+0.5-size/2, float64(i/size%size)+0.5-size/2
			if x*x+y*y >= size*size/4 && v != 0 {
				t.Fatalf("%s: pixel (%d, %d) outside of the disc is %v", what, i%size, i/size%size, v)
			}
		}
	}
	for sample := range uint64(20) {
		for view := range p.Views() {
			outside(p.render(img, Key{Sample: sample}, view), "training view")
		}
	}
	for _, family := range []int{-1, 0, 1} {
		outside(p.renderEval(img, family, 0.3), "evaluation view")
	}

	round := Image{96, 96, make([]uint8, 3*96*96)}
	for i := range round.Pix {
		r := math.Hypot(float64(i/3%96)-47.5, float64(i/3/96)-47.5) / 48
		round.Pix[i] = uint8(255*min(1, r*r) + 0.5)
	}
	origin := p.renderEval(round, -1, 0)
	for i := range 20 {
		view := p.renderEval(round, 0, float64(i)/20)
		for k := range view {
			if d := math.Abs(float64(view[k] - origin[k])); d > 0.02 {
				t.Fatalf("at scale %v pixel (%d, %d) of a round image differs by %.3f from the origin", float64(i)/20, k%size,
					k/size%size, d)
			}
		}
	}

	plain := mustPlan(t, DefaultOptions(), size)
	if v := plain.renderEval(img, -1, 0); v[0] == 0 {
		t.Error("without framing the corner is the mean")
	}
}

// Quarter turns of an image that needs no resizing move pixels and change none.
func TestQuarterTurnsAreExact(t *testing.T) {
	const size = 32
	img := texture(size, size)
	o := ordered(t, "rotate", 180)
	o.Framing = FramingNone
	p := mustPlan(t, o, size)
	origin := p.renderEval(img, -1, 0)
	quarter, half := p.renderEval(img, 0, 0.5), p.renderEval(img, 0, 1)
	for i := range origin {
		c, x, y := i/(size*size), i%size, i/size%size
		turned := c*size*size + (size-1-x)*size + y // counter-clockwise: (x, y) moves to (y, size-1-x)
		if d := math.Abs(float64(quarter[turned] - origin[i])); d > 1e-6 {
			t.Fatalf("90 degrees: pixel (%d, %d) differs by %g", x, y, d)
		}
		turned = c*size*size + (size-1-y)*size + size - 1 - x
		if d := math.Abs(float64(half[turned] - origin[i])); d > 1e-6 {
			t.Fatalf("180 degrees: pixel (%d, %d) differs by %g", x, y, d)
		}
	}
}

// However a view is turned, moved and shrunk, a constant image stays constant: no border shows.
func TestBordersDoNotShow(t *testing.T) {
	img := Image{21, 13, make([]uint8, 3*21*13)}
	for i := range img.Pix {
		img.Pix[i] = 200
	}
	o := DefaultOptions()
	for _, name := range []string{"rotate", "zoom", "translate"} {
		f, err := DefaultFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "zoom" {
			f.Max = 0.125
		}
		if name == "translate" {
			f.Max = 0.99
		}
		o.Invariant = append(o.Invariant, Transformation{Family: &f})
	}
	crop, err := DefaultTransformation("random_resized_crop")
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range [][]Transformation{o.Invariant, append([]Transformation{crop}, o.Invariant...),
		append(slices.Clone(o.Invariant), crop)} {
		o.Invariant, o.Framing = steps, FramingNone
		p := mustPlan(t, o, 16)
		for sample := range uint64(50) {
			for i, v := range p.render(img, Key{Sample: sample}, 0) {
				if math.Abs(float64(v)-(200./255*2-1)) > 1e-5 {
					t.Fatalf("sample %d: value %d is %v", sample, i, v)
				}
			}
		}
	}
}

func TestRandomResizedCropBoxes(t *testing.T) {
	c := RandomResizedCrop{Scale: [2]float64{0.2, 0.8}, Ratio: [2]float64{0.75, 4. / 3}}
	touches := [4]int{}
	for k := range uint64(4000) {
		x, y, w, h := c.draw(&rng{key: mix(k)}, 60, 40)
		if x < 0 || y < 0 || w < 1 || h < 1 || x+w > 60 || y+h > 40 {
			t.Fatalf("box %d,%d %dx%d leaves the image", x, y, w, h)
		}
		if area := float64(w*h) / 2400; area < 0.17 || area > 0.83 {
			t.Fatalf("box %dx%d has %.2f of the area", w, h, area)
		}
		if ratio := float64(w) / float64(h); ratio < 0.68 || ratio > 1.47 {
			t.Fatalf("box %dx%d has ratio %.2f", w, h, ratio)
		}
		for i, at := range []bool{x == 0, y == 0, x+w == 60, y+h == 40} {
			if at {
				touches[i]++
			}
		}
	}
	for i, n := range touches {
		if n == 0 {
			t.Errorf("no box ever touches side %d", i)
		}
	}
	// No box of this shape fits: the largest centred one is taken.
	narrow := RandomResizedCrop{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}}
	if x, y, w, h := narrow.draw(&rng{}, 100, 20); x != 40 || y != 0 || w != 20 || h != 20 {
		t.Errorf("fallback of a wide image: %d,%d %dx%d", x, y, w, h)
	}
	if x, y, w, h := narrow.draw(&rng{}, 20, 101); x != 0 || y != 40 || w != 20 || h != 20 {
		t.Errorf("fallback of a high image: %d,%d %dx%d", x, y, w, h)
	}
}

func TestKernelSizeDefault(t *testing.T) {
	for size, want := range map[int]int{8: 3, 32: 3, 64: 7, 96: 9, 224: 23} {
		if got := (GaussianBlur{}).kernelSize(size); got != want {
			t.Errorf("at %d pixels the kernel has %d, want %d", size, got, want)
		}
	}
}

// A blur of a single point is the kernel, mirrored back at the borders, for sides of any remainder.
func TestBlurOfAPoint(t *testing.T) {
	for _, size := range [][2]int{{9, 14}, {12, 11}, {3, 7}, {1, 5}} {
		w, h := size[0], size[1]
		for _, at := range [][2]int{{w / 2, h / 2}, {0, h - 1}, {min(1, w-1), 1}} {
			c := new(canvas)
			c.allocate(w, h)
			c.planes[1][at[1]*w+at[0]] = 1
			const sigma = 0.8
			c.gaussianBlur(2, sigma)
			radius := min(2, w-1, h-1)
			weight := func(n, from, to int) float64 { // of the point at from in the output at to, along a side of n
				sum, norm := 0.0, 0.0
				for k := -radius; k <= radius; k++ {
					g := math.Exp(-float64(k*k) / (2 * sigma * sigma))
					norm += g
					i := to + k
					if i < 0 {
						i = -i
					}
					if i >= n {
						i = 2*(n-1) - i
					}
					if i == from {
						sum += g
					}
				}
				return sum / norm
			}
			for i, got := range c.planes[1] {
				want := weight(w, at[0], i%w) * weight(h, at[1], i/w)
				if math.Abs(float64(got)-want) > 1e-6 {
					t.Fatalf("%dx%d, point at %v: pixel (%d, %d) is %v, want %v", w, h, at, i%w, i/w, got, want)
				}
			}
			if slices.Max(c.planes[0]) != 0 || slices.Max(c.planes[2]) != 0 {
				t.Fatal("the blur crosses channels")
			}
		}
	}
	c := new(canvas)
	c.allocate(3, 3)
	c.planes[1][4] = 1
	if c.gaussianBlur(1, 1e-200); c.planes[1][4] != 1 || c.planes[1][1] != 0 {
		t.Errorf("a sigma whose square is 0 makes %v", c.planes[1])
	}
}

func TestRenderAllocatesNothing(t *testing.T) {
	p := mustPlan(t, simclr(FamilyNames()...), 32)
	var s Scratch
	dst := make([]float32, 3*32*32)
	img := texture(90, 60)
	n := uint64(0)
	views, families := p.Views(), p.Families()
	round := func() {
		for view := range views {
			p.Render(dst, &s, img, Key{Sample: n}, view)
		}
		for family := range families {
			p.RenderEval(dst, &s, img, family, 0.7)
		}
		n++
	}
	for range 100 {
		round()
	}
	if a := testing.AllocsPerRun(100, round); a != 0 {
		t.Errorf("%v allocations a round after warm-up", a)
	}
}

func TestEvaluationPlan(t *testing.T) {
	o := simclr("rotate", "hue")
	o.Roles = map[string]string{"rotate": "invariant"}
	p := mustPlan(t, o, 32)
	rotate, err := DefaultFamily("rotate")
	if err != nil {
		t.Fatal(err)
	}
	hue := p.Families()[0]
	q, err := p.Evaluation([]Family{rotate, hue})
	if err != nil {
		t.Fatal(err)
	}
	img := texture(40, 40)
	if q.Framing() != p.Framing() || !slices.Equal(q.renderEval(img, 1, 0.4), p.renderEval(img, 0, 0.4)) {
		t.Error("the evaluation plan renders hue otherwise than the training plan")
	}
	if _, err := p.Evaluation([]Family{{Family: "spin"}}); err == nil {
		t.Error("an unknown family is taken")
	}
}

func TestMisusePanics(t *testing.T) {
	p := mustPlan(t, DefaultOptions(), 8)
	img := texture(8, 8)
	for name, f := range map[string]func(){
		"short dst":     func() { p.Render(make([]float32, 3), new(Scratch), img, Key{}, 0) },
		"short image":   func() { p.Render(make([]float32, 192), new(Scratch), Image{8, 8, img.Pix[:5]}, Key{}, 0) },
		"empty image":   func() { p.RenderEval(make([]float32, 192), new(Scratch), Image{}, -1, 0) },
		"scale above 1": func() { p.RenderEval(make([]float32, 192), new(Scratch), img, -1, 1.5) },
		"scale NaN":     func() { p.RenderEval(make([]float32, 192), new(Scratch), img, -1, math.NaN()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

// Whatever the image and the draws are, a view is finite and within the normalised range.
func FuzzRender(f *testing.F) {
	f.Add(uint64(1), uint16(20), uint16(30), []byte{0, 255, 7})
	f.Add(uint64(2), uint16(1), uint16(1), []byte{200})
	f.Add(uint64(3), uint16(1), uint16(300), []byte{1, 2, 3, 4})
	o := simclr(FamilyNames()...)
	extra, err := DefaultFamily("translate")
	if err != nil {
		f.Fatal(err)
	}
	o.Invariant = append(o.Invariant, Transformation{Family: &extra})
	p := mustPlan(f, o, 8)
	var s Scratch
	dst := make([]float32, 3*8*8)
	f.Fuzz(func(t *testing.T, sample uint64, width, height uint16, bytes []byte) {
		w, h := int(width%400)+1, int(height%400)+1
		img := Image{w, h, make([]uint8, 3*w*h)}
		for i := range img.Pix {
			if len(bytes) > 0 {
				img.Pix[i] = bytes[i%len(bytes)]
			}
		}
		for view := range p.Views() {
			p.Render(dst, &s, img, Key{Sample: sample}, view)
			for i, v := range dst {
				if !(v >= -1.001 && v <= 1.001) {
					t.Fatalf("view %d value %d is %v", view, i, v)
				}
			}
		}
	})
}
