package augment

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// joined is a plan's options with one joint family of the named ones, at their defaults.
func joined(t testing.TB, names ...string) Options {
	t.Helper()
	o := ordered(t, names[0], 0)
	for _, name := range names[1:] {
		f, err := DefaultFamily(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Ordered[0].With = append(o.Ordered[0].With, Member{f.Family, f.Max})
	}
	return o
}

func TestFamilyNamesOfEntries(t *testing.T) {
	for name, want := range map[string]bool{
		"rotate": true, "rotate+blur": true, "blur+rotate+hue": true, "quarter_turn": true,
		"": false, "+": false, "rotate+": false, "rotate+rotate": false, "rotate+quarter_turn": false,
		"quarter_turn+hue": false, "rotate+spin": false,
	} {
		if got := IsFamilyName(name); got != want {
			t.Errorf("IsFamilyName(%q) = %v", name, got)
		}
	}
	if got := joined(t, "rotate", "blur", "hue").Ordered[0].Name(); got != "rotate+blur+hue" {
		t.Errorf("the name is %q", got)
	}
}

// A joint family is one family to whoever reads views.
func TestJointFamilyIsOne(t *testing.T) {
	o := joined(t, "hue", "rotate", "blur")
	o.Ordered = append(o.Ordered, ordered(t, "zoom", 0).Ordered...)
	p := mustPlan(t, o, 16)
	if got, want := p.Views(), []View{{-1, 0}, {-1, 1}, {0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}}; !slices.Equal(got,
		want) {
		t.Errorf("views %v, want %v", got, want)
	}
	if got := p.FamilyInfo(0); got != (FamilyInfo{Kind: KindOneSided, Unit: "turns"}) {
		t.Errorf("info %+v", got)
	}
	if got, want := p.DrawNames(), []string{"hue+rotate+blur.scale", "zoom.scale"}; !slices.Equal(got, want) {
		t.Errorf("draws %v, want %v", got, want)
	}
	if p.Framing() != FramingCircle {
		t.Error("a rotation that others are joined with is not framed")
	}
	var values [2]float32
	for sample := range uint64(50) {
		k := Key{Sample: sample}
		p.Draws(values[:], k, 3, 20, 20)
		if s := p.Scale(k, 3); s < 0 || values != [2]float32{float32(s), 0} {
			t.Fatalf("scale %v, draws %v", s, values)
		}
	}

	o.Roles = map[string]string{"hue+rotate+blur": RoleInvariant}
	p = mustPlan(t, o, 16)
	if got := p.operations; len(got) != 1 || len(p.Families()) != 1 || p.DrawNames()[0] != "hue+rotate+blur.scale" {
		t.Errorf("as invariant: %d steps, families %v, draws %v", len(got), p.Families(), p.DrawNames())
	}
	for sample := range uint64(50) {
		if p.Draws(values[:], Key{Sample: sample}, 0, 20, 20); !(values[0] > 0 && values[0] < 1) {
			t.Fatalf("the invariant scale is %v", values[0])
		}
	}
	o.Roles = map[string]string{"hue+rotate+blur": RoleAbsent}
	if p = mustPlan(t, o, 16); len(p.operations) != 0 || len(p.Families()) != 1 || p.Framing() != FramingCircle {
		t.Errorf("as absent: %d steps, families %v, framing %s", len(p.operations), p.Families(), p.Framing())
	}
}

// rendered is the image turned, then blurred, then with another hue, by the signed scales of a rotation and a hue.
func rendered(p *Plan, img Image, rotate, blur, hue float64) []float32 {
	dst := make([]float32, 3*p.size*p.size)
	var s Scratch
	s.geometry.start(img)
	s.geometry.centreCrop(p.size)
	s.geometry.rotate(90 * rotate)
	c := p.read(dst, &s, img, &s.geometry)
	c.gaussianBlur(int(math.Ceil(6*blur)), 2*blur)
	c.hue(0.2 * hue)
	p.finish(c)
	return dst
}

// All members act at the view's scale, in one resampling, in their order, and each with a sign of its own that all
// levels of an image share.
func TestJointFamilyIsItsMembers(t *testing.T) {
	o := joined(t, "rotate", "blur", "hue")
	o.Ordered[0].Max, o.Ordered[0].With[1].Max = 90, 0.2
	p := mustPlan(t, o, 24)
	img := texture(40, 50)
	if !slices.Equal(p.renderEval(img, 0, 0), p.renderEval(img, -1, 0)) {
		t.Error("scale 0 is not the origin")
	}
	for _, s := range []float64{0.1, 0.5, 1} {
		if !slices.Equal(p.renderEval(img, 0, s), rendered(p, img, s, s, s)) {
			t.Errorf("an evaluation at scale %v is not what its members make", s)
		}
	}
	const n = 400
	seen := map[[2]float64]int{}
	for sample := range uint64(n) {
		k := Key{Sample: sample}
		found := [3][2]float64{}
		for level := range found {
			view := p.render(img, k, 2+level)
			s := p.Scale(k, 2+level)
			for _, signs := range [][2]float64{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
				if slices.Equal(view, rendered(p, img, s*signs[0], s, s*signs[1])) {
					found[level] = signs
				}
			}
		}
		if found[0] == [2]float64{} || found[1] != found[0] || found[2] != found[0] {
			t.Fatalf("sample %d: the levels have the signs %v", sample, found)
		}
		seen[found[0]]++
	}
	for signs, count := range seen {
		if count < n/4-40 || count > n/4+40 {
			t.Errorf("%d of %d images have the signs %v", count, n, signs)
		}
	}
	if len(seen) != 4 {
		t.Errorf("signs %v", seen)
	}

	sized := func(names ...string) []float32 { return mustPlan(t, joined(t, names...), 24).renderEval(img, 0, 0.8) }
	if slices.Equal(sized("posterize", "blur"), sized("blur", "posterize")) {
		t.Error("the order of the members is not obeyed")
	}
}

func TestJointStrengthIsMonotone(t *testing.T) {
	const size, steps = 32, 16
	r := readReference(t)
	images := []Image{r.image(t, "chelsea"), r.image(t, "coffee"), object(64), texture(40, 50)}
	for _, names := range [][]string{
		{"rotate", "blur", "hue"}, {"blur", "noise"}, {"zoom", "saturation"}, {"translate", "grayscale"},
		{"elastic", "shear_x", "jpeg"},
		{"crop", "perspective", "erase"}, {"hue", "contrast"},
	} {
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			o := joined(t, names...)
			o.Ordered[0].Levels, o.Ordered[0].Sampling = steps, SamplingGrid
			p := mustPlan(t, o, size)
			var mean [steps + 1]float64
			for n, img := range images {
				for sample := range uint64(6) {
					k := Key{Sample: sample + 10*uint64(n)}
					origin := p.render(img, k, 0)
					for level := range steps {
						mean[level+1] += distance(p.render(img, k, 2+level), origin)
					}
				}
			}
			for i := 1; i <= steps; i++ {
				if mean[i] < mean[i-1]*0.97 || mean[1] == 0 {
					t.Errorf("at scale %v the distance is %.4g, before %.4g", float64(i)/steps, mean[i], mean[i-1])
				}
			}
		})
	}
}

// Joint families of all that can be joined, in both roles, render the same bytes again, without allocation.
func TestJointFamiliesRender(t *testing.T) {
	var names []string
	for _, name := range FamilyNames() {
		if findFamily(name).kind != KindNominal {
			names = append(names, name)
		}
	}
	o := joined(t, names...)
	invariant := joined(t, "rotate", "blur", "erase", "elastic", "noise").Ordered[0]
	invariant.Levels = 0
	o.Invariant = []Transformation{certain(t, "random_resized_crop"), {Family: &invariant, Views: []int{1}}}
	o.Ordered = append(o.Ordered, joined(t, "hue", "translate").Ordered...)
	p := mustPlan(t, o, 24)
	img := texture(60, 40)
	var s Scratch
	dst := make([]float32, 3*24*24)
	for view := range p.Views() {
		t.Run(fmt.Sprint(view), func(t *testing.T) {
			want := p.render(img, Key{Sample: 3}, view)
			for sample := range uint64(30) { // buffers grow
				p.Render(dst, &s, img, Key{Sample: sample}, view)
			}
			if n := testing.AllocsPerRun(20, func() { p.Render(dst, &s, img, Key{Sample: 3}, view) }); n != 0 {
				t.Errorf("%v allocations a view", n)
			}
			if !slices.Equal(dst, want) {
				t.Error("the same key gives other bytes")
			}
		})
	}
}

func TestJointFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *Options)
		want   []string // the beginnings of the faults
	}{
		{"fine", func(*Options) {}, nil},
		{"a member beside it, and another order", func(o *Options) {
			o.Ordered = append(o.Ordered, ordered(t, "blur", 0).Ordered[0], joined(t, "blur", "rotate").Ordered[0])
		}, nil},
		{"unknown",
			func(o *Options) { o.Ordered[0].With[0].Family = "spin" },
			[]string{"ordered[0].with[0].family: must be one of rotate,"}},
		{"max", func(o *Options) { o.Ordered[0].Max, o.Ordered[0].With[0].Max = 181, math.NaN() },
			[]string{"ordered[0].max: must be in (0, 180]", "ordered[0].with[0].max: must be in (0, 64]"}},
		{"nominal member", func(o *Options) { o.Ordered[0].With[0] = Member{"quarter_turn", 270} },
			[]string{"ordered[0].with[0].family: quarter_turn is nominal"}},
		{"nominal head", func(o *Options) { o.Ordered[0].Family, o.Ordered[0].Max = "quarter_turn", 270 },
			[]string{"ordered[0].family: quarter_turn is nominal"}},
		{"with itself", func(o *Options) { o.Ordered[0].With = append(o.Ordered[0].With, Member{"rotate", 5}) },
			[]string{"ordered[0].with[1].family: rotate is joined with itself"}},
		{"twice",
			func(o *Options) { o.Ordered = append(o.Ordered, o.Ordered[0]) },
			[]string{"ordered[1].family: rotate+blur is listed twice"}},
		{"signed",
			func(o *Options) { o.Ordered[0].Signed = true },
			[]string{"ordered[0].signed: rotate+blur is one-sided and has no sign"}},
		{"role of a member",
			func(o *Options) { o.Roles = map[string]string{"rotate": "absent"} },
			[]string{"roles.rotate: no entry of `ordered`"}},
		{"invariant", func(o *Options) {
			o.Invariant = []Transformation{{Family: &Family{Family: "hue", Max: 0.1, With: []Member{{"blur", 0}}}}}
		}, []string{"invariant[0].with[0].max:"}},
		{"elastic too often", func(o *Options) {
			o.Ordered = slices.Concat(ordered(t, "elastic", 0).Ordered, joined(t, "blur", "elastic").Ordered,
				joined(t, "hue", "elastic").Ordered)
			o.Roles = map[string]string{"elastic": RoleInvariant, "blur+elastic": RoleInvariant}
		}, []string{"ordered: with these roles a view has elastic 3 times"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := joined(t, "rotate", "blur")
			c.change(&o)
			var got []string
			if err := o.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if _, err := NewPlan(o, 16); (err != nil) != (len(c.want) > 0) {
				t.Errorf("NewPlan: %v", err)
			}
		})
	}
}

func TestJointWarnings(t *testing.T) {
	o := joined(t, "rotate", "translate_x", "translate_y", "hue")
	o.Invariant = []Transformation{mustStep(t, "random_resized_crop"),
		{Family: &Family{Family: "blur", Max: 1, With: []Member{{"hue", 0.1}}}}}
	want := []string{
		"rotate+translate_x+translate_y+hue is ordered, but invariant[0] gives every view a random place; " +
			"remove random_resized_crop.",
		"rotate+translate_x+translate_y+hue is ordered, but invariant[1] gives every view hue with a scale of its own.",
	}
	if got := mustPlan(t, o, 16).Warnings(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
