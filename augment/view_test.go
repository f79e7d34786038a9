package augment

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func mustStep(t testing.TB, name string) Transformation {
	t.Helper()
	s, err := DefaultTransformation(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// certain is the named step with all its probabilities 1 and something to do.
func certain(t testing.TB, name string) Transformation {
	t.Helper()
	s := mustStep(t, name)
	switch {
	case s.HorizontalFlip != nil:
		s.HorizontalFlip.P = 1
	case s.VerticalFlip != nil:
		s.VerticalFlip.P = 1
	case s.RandomAffine != nil:
		*s.RandomAffine = RandomAffine{[2]float64{-30, 30}, [2]float64{0.2, 0.1}, [2]float64{0.8, 1.3},
			[4]float64{-10, 10, -5, 5}}
	case s.RandomPerspective != nil:
		s.RandomPerspective.P = 1
	case s.ColorJitter != nil:
		s.ColorJitter.P = 1
	case s.Grayscale != nil:
		s.Grayscale.P = 1
	case s.GaussianBlur != nil:
		s.GaussianBlur.P = 1
	case s.Solarize != nil:
		s.Solarize.P = 1
	case s.Posterize != nil:
		s.Posterize.P = 1
	case s.Equalize != nil:
		s.Equalize.P = 1
	case s.Autocontrast != nil:
		s.Autocontrast.P = 1
	case s.Sharpness != nil:
		s.Sharpness.P = 1
	case s.RandomErasing != nil:
		s.RandomErasing.P = 1
	}
	return s
}

// everything is a plan's options with all steps, certain ones, and all families.
func everything(t testing.TB) Options {
	t.Helper()
	o := DefaultOptions()
	for _, name := range TransformationNames() {
		if name == "resize" || name == "center_crop" {
			continue // random_resized_crop leaves them nothing to do
		}
		o.Invariant = append(o.Invariant, certain(t, name))
	}
	for _, name := range FamilyNames() {
		f, err := DefaultFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Levels = 1
		o.Ordered = append(o.Ordered, f)
		invariant := f
		invariant.Levels = 0
		o.Invariant = append(o.Invariant, Transformation{Family: &invariant})
	}
	o.PlainView, o.LocalViews.Count = true, 1
	return o
}

// Every step and every family, by itself, renders deterministically, without allocation, and changes the view.
func TestEveryTransformation(t *testing.T) {
	img := texture(50, 40)
	origin := mustPlan(t, DefaultOptions(), 32).render(img, Key{}, 0)
	check := func(t *testing.T, p *Plan, view int) {
		var s Scratch
		dst := make([]float32, 3*32*32)
		p.Render(dst, &s, img, Key{Sample: 3}, view)
		if slices.Equal(dst, origin) {
			t.Error("changes nothing")
		}
		want := slices.Clone(dst)
		for n := range uint64(30) { // other draws, and buffers that grow
			p.Render(dst, &s, img, Key{Sample: n}, view)
			for i, v := range dst {
				if !(v >= -1.0001 && v <= 1.0001) {
					t.Fatalf("value %d is %v", i, v)
				}
			}
		}
		if n := testing.AllocsPerRun(20, func() { p.Render(dst, &s, img, Key{Sample: 3}, view) }); n != 0 {
			t.Errorf("%v allocations a view", n)
		}
		if !slices.Equal(dst, want) {
			t.Error("the same key gives other bytes")
		}
	}
	for _, name := range TransformationNames() {
		t.Run(name, func(t *testing.T) {
			s := certain(t, name)
			if s.CenterCrop != nil {
				s.CenterCrop.Size = 32 // of an image of 50x40 that no resize has made smaller
			}
			if s.Resize != nil {
				s.Resize.Interpolation = InterpolationBicubic
			}
			o := DefaultOptions()
			o.Invariant = []Transformation{s}
			check(t, mustPlan(t, o, 32), 0)
		})
	}
	for _, name := range FamilyNames() {
		t.Run("family "+name, func(t *testing.T) {
			o := ordered(t, name, 0)
			o.Ordered[0].Sampling = SamplingGrid
			o.Framing = FramingNone
			check(t, mustPlan(t, o, 32), 3)
			o.Roles = map[string]string{name: RoleInvariant}
			check(t, mustPlan(t, o, 32), 0)
		})
	}
	t.Run("all together", func(t *testing.T) {
		p := mustPlan(t, everything(t), 32)
		for view, v := range p.Views() {
			if v.Family != PlainView {
				check(t, p, view)
			}
		}
	})
}

// The mean distance from the origin over several images does not fall, in all of a family's range. Where a picture has
// moved further than it resembles itself, the distance of its pixels says no more, and varies a little.
func TestStrengthIsMonotoneOnPictures(t *testing.T) {
	const size, steps = 32, 16
	r := readReference(t)
	images := []Image{r.image(t, "chelsea"), r.image(t, "coffee"), object(64), texture(40, 50)}
	type setting struct {
		family string
		max    float64
	}
	settings := []setting{
		{"zoom", 0.25}, {"zoom", 8}, {"crop", 0.99}, {"translate", 0.6}, {"shear_x", 60}, {"perspective", 0.66},
		{"elastic", 0.1},
		{"blur", 8}, {"sharpness", 16}, {"noise", 1}, {"jpeg", 99}, {"posterize", 7}, {"downscale", 16}, {"brightness", 16},
		{"contrast", 16}, {"saturation", 16}, {"gamma", 16}, {"erase", 0.9},
	}
	for _, name := range FamilyNames() {
		if findFamily(name).kind != KindNominal {
			settings = append(settings, setting{name, 0})
		}
	}
	for _, c := range settings {
		t.Run(fmt.Sprintf("%s_%v", c.family, c.max), func(t *testing.T) {
			o := ordered(t, c.family, c.max)
			o.Ordered[0].Levels, o.Ordered[0].Sampling = steps, SamplingGrid
			p := mustPlan(t, o, size)
			var s Scratch
			view, origin := make([]float32, 3*size*size), make([]float32, 3*size*size)
			var mean [steps + 1]float64
			for n, img := range images {
				for sample := range uint64(6) { // both signs, several places and directions
					k := Key{Sample: sample + 10*uint64(n)}
					p.Render(origin, &s, img, k, 0)
					for level := range steps {
						p.Render(view, &s, img, k, 2+level)
						mean[level+1] += distance(view, origin)
					}
				}
			}
			slack := 1e-3
			if findFamily(c.family).geometry != nil {
				slack = 0.03
			}
			for i := 1; i <= steps; i++ {
				if mean[i] < mean[i-1]*(1-slack) {
					t.Errorf("at scale %v the distance is %.4g, before %.4g", float64(i)/steps, mean[i], mean[i-1])
				}
			}
			if mean[1] == 0 && c.family != "blur" && c.family != "downscale" && c.family != "solarize" {
				t.Error("nothing changes at the first scale")
			}
		})
	}
}

// A family within another is that one on a part of its scale.
func TestWithin(t *testing.T) {
	const size, s = 32, 0.25
	img := texture(40, 50)
	for _, name := range FamilyNames() {
		if findFamily(name).kind == KindNominal {
			continue
		}
		o := ordered(t, name, 0)
		if name == "blur" {
			o.Ordered[0].With = []Member{{Family: "brightness", Max: 4}}
		}
		wide := mustPlan(t, o, size)
		o.Ordered[0] = o.Ordered[0].Within(s)
		narrow := mustPlan(t, o, size)
		var scratch Scratch
		a, b := make([]float32, 3*size*size), make([]float32, 3*size*size)
		wide.RenderEval(a, &scratch, img, 0, s)
		narrow.RenderEval(b, &scratch, img, 0, 1)
		for i := range a {
			if math.Abs(float64(a[i]-b[i])) > 1e-5 {
				t.Errorf("%s: value %d is %g at scale %g and %g at scale 1 within it", name, i, a[i], s, b[i])
				break
			}
		}
	}
}

func TestSamplings(t *testing.T) {
	const levels, images = 4, 3000
	for _, c := range []struct{ family, sampling string }{
		{"zoom", ""}, {"zoom", SamplingUniform}, {"zoom", SamplingStratified}, {"zoom", SamplingGrid},
		{"quarter_turn", ""}, {"quarter_turn", SamplingStratified}, {"quarter_turn", SamplingGrid},
	} {
		t.Run(c.family+"_"+c.sampling, func(t *testing.T) {
			o := ordered(t, c.family, 0)
			o.Ordered[0].Levels, o.Ordered[0].Sampling = levels, c.sampling
			p := mustPlan(t, o, 16)
			var first [levels]int // of the first level
			for n := range uint64(images) {
				var count [levels]int
				for level := range levels {
					s := p.Scale(Key{Sample: n}, 2+level)
					class := min(int(s*levels), levels-1)
					switch {
					case s < 0 || s > 1:
						t.Fatalf("scale %v", s)
					case c.family == "quarter_turn" && math.Abs(s*3-math.Round(s*3)) > 1e-12:
						t.Fatalf("%v is no class", s)
					case c.family == "quarter_turn" && c.sampling == SamplingGrid && s != float64(level)/3:
						t.Fatalf("level %d has scale %v", level, s)
					case c.family == "zoom" && c.sampling == SamplingGrid && s != float64(level+1)/levels:
						t.Fatalf("level %d has scale %v", level, s)
					case c.family == "zoom" && c.sampling == SamplingStratified && class != level:
						t.Fatalf("level %d has scale %v", level, s)
					}
					count[class]++
					if level == 0 {
						first[class]++
					}
				}
				if c.family == "quarter_turn" && c.sampling == SamplingStratified && count != [levels]int{1, 1, 1, 1} {
					t.Fatalf("classes %v", count)
				}
			}
			uniform := c.sampling == "" || c.sampling == SamplingUniform ||
				c.family == "quarter_turn" && c.sampling == SamplingStratified
			if uniform && chiSquare(first[:]) > 5 {
				t.Errorf("scales of the first level %v", first)
			}
		})
	}
}

func TestSigns(t *testing.T) {
	o := ordered(t, "rotate", 90)
	once := mustPlan(t, o, 16)
	o.Ordered[0].Signed = true
	each := mustPlan(t, o, 16)
	positive, mixed := 0, 0
	const n = 2000
	for sample := range uint64(n) {
		k := Key{Sample: sample}
		seen := map[bool]bool{}
		for view := 2; view < 5; view++ {
			if once.Scale(k, view) != math.Abs(each.Scale(k, view)) {
				t.Fatal("a sign of its own changes the scale")
			}
			seen[each.Scale(k, view) > 0] = true
		}
		if each.Scale(k, 2) > 0 {
			positive++
		}
		if len(seen) == 2 {
			mixed++
		}
	}
	if positive < n*45/100 || positive > n*55/100 || mixed < n*70/100 || mixed > n*80/100 {
		t.Errorf("of %d images %d have a positive first sign, %d both signs", n, positive, mixed)
	}
	img := texture(32, 32)
	k := Key{Sample: 1}
	for k.Sample = 1; each.Scale(k, 2) > 0; k.Sample++ {
	}
	view := each.render(img, k, 2)
	dst := make([]float32, len(view))
	each.RenderEval(dst, new(Scratch), img, 0, each.Scale(k, 2))
	if !slices.Equal(view, dst) {
		t.Error("a view of a negative scale is not the evaluation's of that scale")
	}
	for _, c := range []struct {
		family string
		want   FamilyInfo
	}{
		{"rotate", FamilyInfo{Kind: KindCyclic, Period: 2, Unit: "degrees"}},
		{"hue", FamilyInfo{Kind: KindCyclic, Period: 2, Unit: "turns"}},
		{"gamma", FamilyInfo{Kind: KindTwoSided}},
		{"quarter_turn", FamilyInfo{Kind: KindNominal, Classes: 4, Unit: "degrees"}},
		{"blur", FamilyInfo{Kind: KindOneSided, Unit: "pixels"}},
	} {
		if got := mustPlan(t, ordered(t, c.family, 0), 16).FamilyInfo(0); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.family, got, c.want)
		}
	}
	if got := once.FamilyInfo(0).Period; got != 4 {
		t.Errorf("rotate by 90 has the period %v", got)
	}
}

// Quarter turns move pixels and change none, whatever comes before.
func TestQuarterTurnFamily(t *testing.T) {
	const size = 32
	o := ordered(t, "quarter_turn", 0)
	o.Ordered[0].Levels, o.Ordered[0].Sampling = 4, SamplingGrid
	p := mustPlan(t, o, size)
	if p.Framing() != FramingNone {
		t.Error("quarter turns need no frame")
	}
	img := texture(70, 45)
	origin := p.renderEval(img, 0, 0)
	for k := range 4 {
		view := p.renderEval(img, 0, float64(k)/3)
		if !slices.Equal(view, p.render(img, Key{}, 2+k)) {
			t.Errorf("the evaluation's class %d is not level %d", k, k)
		}
		for i, v := range origin {
			c, x, y := i/(size*size), i%size, i/size%size
			for range k { // counter-clockwise
				x, y = y, size-1-x
			}
			if view[c*size*size+y*size+x] != v {
				t.Fatalf("class %d: pixel %d moved elsewhere or changed", k, i)
			}
		}
	}
}

func TestPlainView(t *testing.T) {
	o := everything(t)
	p := mustPlan(t, o, 32)
	views := p.Views()
	if last := views[len(views)-1]; last != (View{Family: PlainView}) {
		t.Fatalf("last view %v", last)
	}
	img := texture(50, 40)
	if !slices.Equal(p.render(img, Key{Sample: 5}, len(views)-1), p.renderEval(img, -1, 0)) {
		t.Error("the plain view is not the evaluation's origin")
	}
	if p.Scale(Key{}, len(views)-1) != 0 {
		t.Error("the plain view has a scale")
	}
}

func TestSharedDraws(t *testing.T) {
	o := simclr("rotate")
	img := texture(50, 40)
	o.Shared = 4
	p := mustPlan(t, o, 32)
	a, b := Key{Sample: 1, Group: 1}, Key{Sample: 2, Group: 1}
	if !slices.Equal(p.render(img, a, 0), p.render(img, b, 0)) || slices.Equal(p.render(img, a, 0), p.render(img, a, 1)) {
		t.Error("base views of a group share their draws, base views of an image don't")
	}
	if slices.Equal(p.render(img, a, 2), p.render(img, b, 2)) {
		t.Error("ordered views of a group have draws of their own")
	}
	if slices.Equal(p.render(img, a, 0), p.render(img, Key{Sample: 1, Group: 5}, 0)) {
		t.Error("another group has the same draws")
	}
	o.Shared = 1
	q := mustPlan(t, o, 32)
	if !slices.Equal(q.render(img, a, 0), q.render(img, Key{Sample: 1}, 0)) {
		t.Error("without sharing the group counts")
	}
}

func TestStepsOfSomeViews(t *testing.T) {
	o := DefaultOptions()
	o.Preset = "byol"
	o.LocalViews.Count = 3
	blur, err := DefaultFamily("zoom")
	if err != nil {
		t.Fatal(err)
	}
	o.Ordered = []Family{blur}
	p := mustPlan(t, o, 32)
	// The draws say which views are blurred by which step, and which are solarized.
	names := p.DrawNames()
	first, second, solarized := slices.Index(names, "gaussian_blur.sigma"), slices.Index(names, "gaussian_blur_2.sigma"),
		slices.Index(names, "solarize.applied")
	if first < 0 || second < 0 || solarized < 0 {
		t.Fatalf("draws %v", names)
	}
	const n = 1000
	for view, v := range p.Views() {
		var count [3]int
		values := make([]float32, len(names))
		for sample := range uint64(n) {
			p.Draws(values, Key{Sample: sample}, view, 60, 50)
			for i, at := range []int{first, second, solarized} {
				if values[at] > 0 {
					count[i]++
				}
			}
		}
		want := [3]int{n, 0, 0}
		if v.Family == BaseView && v.Level%2 == 1 {
			want = [3]int{0, n / 10, n / 5}
		}
		for i := range count {
			if math.Abs(float64(count[i]-want[i])) > 50 {
				t.Errorf("view %v: %v of %d are blurred, seldom blurred, solarized; want about %v", v, count, n, want)
			}
		}
	}
}

// Local views are crops of smaller areas.
func TestLocalViews(t *testing.T) {
	o := DefaultOptions()
	o.Preset, o.LocalViews = "swav", LocalViews{Count: 2, Scale: [2]float64{0.05, 0.14}}
	p := mustPlan(t, o, 32)
	if want := []View{{BaseView, 0}, {BaseView, 1}, {BaseView, 2}, {BaseView, 3}}; !slices.Equal(p.Views(), want) {
		t.Fatalf("views %v", p.Views())
	}
	values := make([]float32, len(p.DrawNames()))
	for sample := range uint64(500) {
		for view := range 4 {
			p.Draws(values, Key{Sample: sample}, view, 100, 100)
			area := values[2] * values[3]
			if local := view >= 2; local != (area < 0.145) && math.Abs(float64(area)-0.14) > 0.01 {
				t.Errorf("view %d shows %.3f of the image", view, area)
			}
		}
	}
}

// Draws are what Render applies: the same crop, cut out by hand, is the view.
func TestDrawsAreRendered(t *testing.T) {
	o := DefaultOptions()
	o.PlainView = true
	o.Invariant = []Transformation{mustStep(t, "random_resized_crop"), mustStep(t, "horizontal_flip"),
		certain(t, "color_jitter"), certain(t, "random_erasing")}
	p := mustPlan(t, o, 32)
	want := []string{
		"random_resized_crop.crop_y", "random_resized_crop.crop_x", "random_resized_crop.crop_h",
		"random_resized_crop.crop_w", "horizontal_flip.applied", "color_jitter.brightness", "color_jitter.contrast",
		"color_jitter.saturation", "color_jitter.hue",
		"random_erasing.erased_y", "random_erasing.erased_x", "random_erasing.erased_h", "random_erasing.erased_w"}
	if got := p.DrawNames(); !slices.Equal(got, want) {
		t.Fatalf("names %v", got)
	}
	img := texture(90, 70)
	bare := o
	bare.Invariant = o.Invariant[:2]
	q := mustPlan(t, bare, 32)
	values := make([]float32, len(want))
	flips := 0
	for sample := range uint64(20) {
		k := Key{Sample: sample}
		p.Draws(values, k, 1, img.Width, img.Height)
		w, h := math.Round(float64(values[3])*90), math.Round(float64(values[2])*70)
		x, y := math.Round(float64(values[1])*90-w/2), math.Round(float64(values[0])*70-h/2)
		var s Scratch
		s.geometry.start(img)
		s.geometry.crop(x, y, w, h, 32)
		if values[4] == 1 {
			s.geometry.mirror()
			flips++
		}
		dst := make([]float32, 3*32*32)
		q.finish(q.read(dst, &s, img, &s.geometry))
		if !slices.Equal(dst, q.render(img, k, 1)) {
			t.Fatalf("sample %d: the crop %v,%v %vx%v is not the view's", sample, x, y, w, h)
		}
		for i, limit := range []float32{0.4, 0.4, 0.4, 0.1} {
			if v := values[5+i]; v == 0 || v < -limit || v > limit {
				t.Errorf("%s is %v", want[5+i], v)
			}
		}
		gray := 0
		for _, v := range p.render(img, k, 1)[:32*32] {
			if v == 0 {
				gray++
			}
		}
		if box := int(math.Round(float64(values[11]*32)) * math.Round(float64(values[12]*32))); gray < box || box == 0 {
			t.Errorf("sample %d: %d pixels are the mean, the erased box has %d", sample, gray, box)
		}
	}
	if flips < 3 || flips > 17 {
		t.Errorf("%d of 20 are flipped", flips)
	}
	p.Draws(values, Key{}, 2, 90, 60)
	if want := []float32{0.5, 0.5, 1, 2. / 3}; !slices.Equal(values[:4], want) || slices.Max(values[4:]) != 0 ||
		slices.Min(values[4:]) != 0 {
		t.Errorf("the plain view has the draws %v", values)
	}
	everyone := mustPlan(t, everything(t), 32)
	names := everyone.DrawNames()
	all := make([]float32, len(names))
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	if len(sorted) != len(names) {
		t.Error("a name comes twice")
	}
	for view, v := range everyone.Views() {
		k := Key{Sample: 4}
		everyone.Draws(all, k, view, 50, 40)
		for i, f := range everyone.Families() {
			got, want := all[len(all)-len(everyone.Families())+i], float32(0)
			if i == v.Family {
				want = float32(everyone.Scale(k, view))
			}
			if float32(math.Abs(float64(got))) != want {
				t.Errorf("view %d: the scale of %s is %v, want %v", view, f.Family, got, want)
			}
		}
	}
}

// resize and center_crop with the view's size are what a plan without any step does.
func TestResizeAndCenterCrop(t *testing.T) {
	img := texture(90, 70)
	plain := mustPlan(t, DefaultOptions(), 32)
	o := DefaultOptions()
	o.Invariant = []Transformation{mustStep(t, "resize"), mustStep(t, "center_crop")}
	if !slices.Equal(mustPlan(t, o, 32).render(img, Key{}, 0), plain.render(img, Key{}, 0)) {
		t.Error("resize and center_crop are not the default framing")
	}
	o.Invariant[0].Resize.Size = 40 // then the middle 32 of 40 pixels
	p := mustPlan(t, o, 32)
	var s Scratch
	s.geometry.start(img)
	s.geometry.centreCrop(40)
	var want canvas
	want.allocate(40, 40)
	s.sampler.read(&want, img, &s.geometry)
	got := p.render(img, Key{}, 0)
	for y := range 32 {
		for x := range 32 {
			if d := math.Abs(float64(got[32*y+x]) - (2*float64(want.planes[0][40*(y+4)+x+4]) - 1)); d > 1e-6 {
				t.Fatalf("pixel (%d, %d) differs by %g", x, y, d)
			}
		}
	}
	if len(p.DrawNames()) != 0 {
		t.Error("resize and center_crop draw something")
	}
}

func TestPresets(t *testing.T) {
	want := map[string]string{
		"simclr": "random_resized_crop horizontal_flip color_jitter grayscale gaussian_blur",
		"byol":   "random_resized_crop horizontal_flip color_jitter grayscale gaussian_blur gaussian_blur solarize",
		"vicreg": "random_resized_crop horizontal_flip color_jitter grayscale gaussian_blur gaussian_blur solarize",
		"swav":   "random_resized_crop horizontal_flip color_jitter grayscale gaussian_blur",
		"weak":   "horizontal_flip random_affine",
		"none":   "",
	}
	for _, name := range PresetNames() {
		steps, err := PresetTransformations(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range steps {
			got = append(got, s.Name())
		}
		if strings.Join(got, " ") != want[name] {
			t.Errorf("%s holds %v", name, got)
		}
		preset, list := DefaultOptions(), DefaultOptions()
		preset.Preset, list.Invariant = name, steps
		img := texture(60, 50)
		for view := range 2 {
			if !slices.Equal(mustPlan(t, preset, 32).render(img, Key{}, view), mustPlan(t, list, 32).render(img, Key{}, view)) {
				t.Errorf("%s is not the list of its steps", name)
			}
		}
	}
	if _, err := PresetTransformations("dino"); err == nil || !strings.Contains(err.Error(), "simclr, byol") {
		t.Errorf("an unknown preset: %v", err)
	}
}

// Draws of the boxes and angles have torchvision's distributions.
func TestDistributionsOfDraws(t *testing.T) {
	const n = 20000
	o := DefaultOptions()
	affine := RandomAffine{Degrees: [2]float64{-20, 40}, Translate: [2]float64{0.1, 0.25}, Scale: [2]float64{0.5, 2},
		Shear: [4]float64{-10, 20, 0, 0}}
	o.Invariant = []Transformation{
		{RandomAffine: &affine}, mustStep(t, "random_perspective"), mustStep(t, "random_erasing"),
		{RandomRotation: &RandomRotation{Degrees: [2]float64{0, 90}}}, mustStep(t, "solarize"),
	}
	p := mustPlan(t, o, 64)
	names := p.DrawNames()
	low, high, sum, zero := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]int{}
	values := make([]float32, len(names))
	for sample := range uint64(n) {
		p.Draws(values, Key{Sample: sample}, 0, 64, 64)
		for i, name := range names {
			v := float64(values[i])
			low[name], high[name], sum[name] = min(low[name], v), max(high[name], v), sum[name]+v
			if v == 0 {
				zero[name]++
			}
		}
		high, wide := slices.Index(names, "random_erasing.erased_h"), slices.Index(names, "random_erasing.erased_w")
		area := float64(values[high] * values[wide])
		sum["area"] += area
	}
	for _, c := range []struct {
		name            string
		low, high, mean float64
	}{
		{"random_affine.angle", -20. / 180, 40. / 180, 10. / 180},
		{"random_affine.translate_x", -6. / 64, 6. / 64, 0},
		{"random_affine.translate_y", -0.25, 0.25, 0},
		{"random_affine.scale", -0.5, 1, 0.25},
		{"random_affine.shear_x", -10. / 180, 20. / 180, 5. / 180},
		{"random_affine.shear_y", 0, 0, 0},
		{"random_rotation.angle", 0, 0.5, 0.25},
		{"random_perspective.top_left_x", 0, 0.25, 0.5 * 0.125},
		{"random_perspective.bottom_right_y", -0.25, 0, -0.5 * 0.125},
		{"solarize.applied", 0, 1, 0.5},
	} {
		if math.Abs(low[c.name]-c.low) > 0.002 || math.Abs(high[c.name]-c.high) > 0.002 ||
			math.Abs(sum[c.name]/n-c.mean) > 0.01*max(0.3, c.high-c.low) {
			t.Errorf("%s is in [%.4f, %.4f] with mean %.4f, want [%.4f, %.4f], %.4f", c.name, low[c.name], high[c.name],
				sum[c.name]/n, c.low, c.high, c.mean)
		}
	}
	if share := float64(zero["random_erasing.erased_h"]) / n; math.Abs(share-0.5) > 0.02 {
		t.Errorf("%.3f have no erased box", share)
	}
	if mean := 2 * sum["area"] / n; math.Abs(mean-(0.02+0.33)/2) > 0.01 {
		t.Errorf("an erased box has %.3f of the view", mean)
	}
}

func TestNoiseIsGaussian(t *testing.T) {
	c := new(canvas)
	c.allocate(200, 200)
	for i := range c.data {
		c.data[i] = 0.5
	}
	c.noise(7, 0.05)
	var sum, square, fourth float64
	n := 0.0
	for _, plane := range c.planes {
		for _, v := range plane {
			d := (float64(v) - 0.5) / 0.05
			sum, square, fourth, n = sum+d, square+d*d, fourth+d*d*d*d, n+1
		}
	}
	if math.Abs(sum/n) > 0.01 || math.Abs(square/n-1) > 0.01 || math.Abs(fourth/n-3) > 0.1 {
		t.Errorf("mean %.4f, variance %.4f, fourth moment %.3f; want 0, 1, 3", sum/n, square/n, fourth/n)
	}
}

// TestPerspectiveIsConvex: at its strongest, a perspective takes the corners of the picture that it shows to those of
// the frame, on this side of the horizon, in whatever way they move.
func TestPerspectiveIsConvex(t *testing.T) {
	spec := findFamily("perspective")
	if spec.check(maxPerspective*1.001) || !spec.check(maxPerspective) {
		t.Error("the limit isn't maxPerspective")
	}
	frame := quad{{0, 0}, {32, 0}, {32, 32}, {0, 32}}
	for key := range uint64(20000) {
		var g geometry
		g.start(Image{Width: 32, Height: 32})
		a := aspect{key: mix(key)}
		spec.geometry(&g, maxPerspective, 1, a)
		for i, inwards := range a.corners() {
			x := frame[i][0] + (16-frame[i][0])*inwards[0]*maxPerspective
			y := frame[i][1] + (16-frame[i][1])*inwards[1]*maxPerspective
			u, v := g.at(x, y)
			if z := g.zx*x + g.zy*y + g.zz; !(z > 0) || math.Hypot(u-frame[i][0], v-frame[i][1]) > 1e-6 {
				t.Fatalf("key %d: corner %d at (%v, %v) comes from (%v, %v), z %v", key, i, x, y, u, v, z)
			}
		}
	}
}

// The displacement field has the amplitude that it is said to have.
func TestElasticAmplitude(t *testing.T) {
	var square, n float64
	for key := range uint64(300) {
		var l lattice
		l.draw(mix(key))
		for i := range 400 {
			dx, dy := l.at(float64(i%20)/19, float64(i/20)/19)
			square, n = square+dx*dx+dy*dy, n+2
		}
	}
	if rms := math.Sqrt(square / n); math.Abs(rms-1) > 0.02 {
		t.Errorf("root mean square %.3f, want 1", rms)
	}
}

// A perspective whose corners stay, and bends of no amplitude, are the identity; a perspective moves corners to where
// it is told.
func TestFreeMaps(t *testing.T) {
	img := texture(40, 40)
	want := plainCanvas(img)
	for name, set := range map[string]func(g *geometry){
		"corners stay": func(g *geometry) { g.perspective(40, 40, quad{{0, 0}, {40, 0}, {40, 40}, {0, 40}}) },
		"no amplitude": func(g *geometry) { g.elastic(5, 0); g.elastic(6, 0) },
		"there and back": func(g *geometry) {
			q := quad{{3, 5}, {38, 1}, {33, 39}, {6, 30}}
			g.perspective(40, 40, q)
			back := g.inverse()
			g.matrix = g.times(&back)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s sampler
			var g geometry
			g.start(img)
			set(&g)
			if g.zz != 0 {
				for _, v := range []*float64{&g.xx, &g.xy, &g.x0, &g.yx, &g.yy, &g.y0, &g.zx, &g.zy} {
					*v /= g.zz
				}
				g.zz = 1
			}
			c := new(canvas)
			c.allocate(40, 40)
			s.remapAt(c, img, &g, 1, 1)
			for i, v := range c.data {
				if math.Abs(float64(v-want.data[i])) > 1e-5 {
					t.Fatalf("value %d is %v, want %v", i, v, want.data[i])
				}
			}
		})
	}
	var g geometry
	g.start(img)
	to := quad{{3, 5}, {38, 1}, {33, 39}, {6, 30}}
	g.perspective(40, 40, to)
	for i, corner := range []quad{{{0, 0}}, {{40, 0}}, {{40, 40}}, {{0, 40}}} {
		if x, y := g.at(to[i][0], to[i][1]); math.Abs(x-corner[0][0]) > 1e-9 || math.Abs(y-corner[0][1]) > 1e-9 {
			t.Errorf("corner %d comes from (%v, %v)", i, x, y)
		}
	}
}

// Whatever the options are, they are refused or they render, and a view is within the range of pixels.
func FuzzOptions(f *testing.F) {
	f.Add(uint64(1), uint8(0), 0.5, 0.5, uint8(3), uint8(20), uint8(30))
	f.Add(uint64(2), uint8(7), 1.0, 0.95, uint8(0), uint8(1), uint8(1))
	f.Add(uint64(3), uint8(200), -3.0, 170.0, uint8(9), uint8(90), uint8(4))
	f.Fuzz(func(t *testing.T, sample uint64, pick uint8, a, b float64, levels, width, height uint8) {
		r := rng{key: sample}
		low, high := min(a, b), max(a, b)
		o := DefaultOptions()
		o.BaseViews = 1 + int(pick%3)
		o.LocalViews.Count = int(levels % 3)
		o.PlainView, o.Shared = pick&1 == 0, int(pick)
		if pick%5 == 0 {
			o.Preset = PresetNames()[r.intn(len(PresetNames()))]
		}
		for range r.intn(5) {
			s := certain(t, TransformationNames()[r.intn(len(TransformationNames()))])
			switch {
			case s.RandomResizedCrop != nil:
				s.RandomResizedCrop.Scale, s.RandomResizedCrop.Ratio = [2]float64{low, high}, [2]float64{high, 2 * high}
			case s.RandomAffine != nil:
				*s.RandomAffine = RandomAffine{[2]float64{low, high}, [2]float64{a, b}, [2]float64{low, high},
					[4]float64{low, high, low, high}}
			case s.RandomPerspective != nil:
				s.RandomPerspective.DistortionScale = a
			case s.RandomRotation != nil:
				s.RandomRotation.Degrees = [2]float64{low, high}
			case s.RandomErasing != nil:
				s.RandomErasing.Scale = [2]float64{low, high}
			case s.Resize != nil:
				s.Resize.Size = int(width)
			case s.CenterCrop != nil:
				s.CenterCrop.Size = int(height)
			}
			if r.chance(0.3) {
				s.Views = []int{int(pick) % 2}
			}
			o.Invariant = append(o.Invariant, s)
		}
		for range r.intn(4) {
			family, err := DefaultFamily(FamilyNames()[r.intn(len(FamilyNames()))])
			if err != nil {
				t.Fatal(err)
			}
			if r.chance(0.5) {
				family.Max = high
			}
			family.Levels = 1 + int(levels%4)
			family.Sampling = []string{"", SamplingGrid, SamplingStratified}[r.intn(3)]
			for r.chance(0.3) {
				member, err := DefaultFamily(FamilyNames()[r.intn(len(FamilyNames()))])
				if err != nil {
					t.Fatal(err)
				}
				family.With = append(family.With, Member{member.Family, member.Max})
			}
			if r.chance(0.5) {
				o.Ordered = append(o.Ordered, family)
			} else {
				own := Family{Family: family.Family, Max: family.Max, With: family.With}
				o.Invariant = append(o.Invariant, Transformation{Family: &own})
			}
		}
		p, err := NewPlan(o, 8+int(pick%20))
		if err != nil {
			return
		}
		img := texture(1+int(width), 1+int(height))
		dst := make([]float32, 3*p.size*p.size)
		values := make([]float32, len(p.draws))
		var s Scratch
		for view := range p.Views() {
			k := Key{Sample: sample}
			p.Render(dst, &s, img, k, view)
			for i, v := range dst {
				if !(v >= -1.001 && v <= 1.001) {
					t.Fatalf("view %d value %d is %v of %+v", view, i, v, o)
				}
			}
			p.Draws(values, k, view, img.Width, img.Height)
			for i, v := range values {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					t.Fatalf("view %d: %s is %v", view, p.draws[i].name, v)
				}
			}
		}
	})
}
