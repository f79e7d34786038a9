package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// drawNames are what a plan with crop, flip, jitter and blur draws.
var drawNames = []string{"random_resized_crop.crop_y", "random_resized_crop.crop_x", "random_resized_crop.crop_h",
	"random_resized_crop.crop_w", "horizontal_flip.applied", "color_jitter.brightness", "color_jitter.contrast",
	"color_jitter.saturation", "color_jitter.hue", "gaussian_blur.sigma", "a.scale"}

// fullViews has all that any term can ask for: base views, a plain view, an ordered family and a nominal one.
func fullViews(seed uint64, images, base int) Views {
	r := rand.New(rand.NewPCG(seed, 7))
	v := orderedViews(seed, images, base, 3, 2)
	v.Names[1], v.Classes, v.Period = "quarter_turn", []int{0, 4}, []float64{2, 0}
	for i, f := range v.Family {
		if f == 1 {
			for n := range images {
				v.Scale[i*images+n] = float64(r.IntN(4)) / 3
			}
		}
	}
	v.Family, v.Scale = append(v.Family, PlainView), append(v.Scale, make([]float64, images)...)
	v.Shared, v.DrawNames = 3, drawNames
	for range len(v.Scale) {
		for p := range drawNames {
			x := r.Float64()
			if p == 4 {
				x = float64(r.IntN(2))
			}
			v.Draws = append(v.Draws, float32(x))
		}
	}
	return v
}

// fullOutputs returns random outputs for what a loss needs.
func fullOutputs(t testing.TB, l *Loss, v Views, dim int, seed uint64) []Output {
	t.Helper()
	needs, err := l.Needs(v)
	if err != nil {
		t.Fatal(err)
	}
	var outs []Output
	for i, n := range needs {
		d := dim
		if n.Dim > 0 {
			d = n.Dim
		}
		rows := n.Kind.rows(v)
		o := Output{Name: n.Output, Dim: d, Data: convert[float32](normal(seed+uint64(i), rows*d))}
		if n.Kind != NeedTarget {
			o.Grad = make([]float32, len(o.Data))
		}
		outs = append(outs, o)
	}
	return outs
}

// alone returns options with one term.
func alone(term TermOptions) Options {
	none := Options{Invariance: InvarianceOptions{Kind: KindNone}, Order: OrderOptions{Kind: KindNone}}
	none.Terms = []TermOptions{term}
	return none
}

// only returns options with one term of a kind.
func only(t testing.TB, kind string) Options {
	t.Helper()
	term, err := DefaultTerm(kind)
	if err != nil {
		t.Fatal(err)
	}
	if term.Baseline != nil {
		term.Baseline.Weight = 1
	}
	return alone(term)
}

// TestGradientsThroughCompute holds the gradient of every kind by every output against differences of the total.
// Outputs are float32, so the step is large and the bound loose: the kernels' own tests are sharp, this one is about
// what goes where.
func TestGradientsThroughCompute(t *testing.T) {
	for _, kind := range TermKinds() {
		t.Run(kind, func(t *testing.T) {
			v := fullViews(3, 4, 3)
			o := only(t, kind)
			switch term := o.Terms[0]; {
			case term.Baseline != nil && kind == KindAugSelf:
				term.Baseline.Groups = AugSelfGroups{Crop: 1, Color: 2, Flip: 3, Blur: 4}
			case term.Invariance != nil && kind != KindMoCo:
				term.Invariance.Schedule, v.Progress = ScheduleLinear, 0.05
			}
			l := mustNew(t, o)
			outs := fullOutputs(t, l, v, 3, 1)
			compute := func() Values {
				if kind == KindMoCo { // the same queue every time
					l = mustNew(t, o)
					if _, err := l.Compute(v, fullOutputs(t, l, v, 3, 77)); err != nil {
						t.Fatal(err)
					}
				}
				got, err := l.Compute(v, outs)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			compute()
			var grads [][]float32
			for _, out := range outs {
				grads = append(grads, slices.Clone(out.Grad))
			}
			stopped := func(out Output) bool {
				return out.Name == outputTarget || kind == KindSimSiam && out.Name == OutputEmbedding
			}
			const step = 1.0 / 1024
			for i, out := range outs {
				for j, x := range out.Data {
					if stopped(out) {
						if out.Grad != nil && grads[i][j] != 0 {
							t.Fatalf("%s must take no gradient, got %g", out.Name, grads[i][j])
						}
						continue
					}
					out.Data[j] = x + step
					up := compute().Total
					out.Data[j] = x - step
					down := compute().Total
					out.Data[j] = x
					want := (up - down) / (2 * step)
					if got := float64(grads[i][j]); math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
						t.Fatalf("%s: gradient[%d] is %g, by differences %g", out.Name, j, got, want)
					}
				}
			}
		})
	}
}

func TestBaselineGradients(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for i := range 10 {
		images, views, dim := 2+r.IntN(6), 2+r.IntN(3), 1+r.IntN(5)
		base := r.Perm(views + 1)[:views]
		v := Views{Images: images, Family: []int{0, -1, 0}, Names: []string{"a"}, Classes: []int{2 + r.IntN(4)}}
		for range 3 * images {
			v.Scale = append(v.Scale, float64(r.IntN(v.Classes[0]))/float64(v.Classes[0]-1))
		}
		target := make([]float64, 3*images*v.Classes[0])
		for j := range target {
			target[j] = float64(r.IntN(2))
		}
		for _, c := range []struct {
			kind string
			size int
			run  func(grad, z []float64) float64
		}{
			{KindESSL, len(target), func(grad, z []float64) float64 {
				return runESSL(new(softmax), batchOf(grad, z, v.Images, v.Classes[0], nil, 3), v, 0)
			}},
			{KindAugSelf, len(target), func(grad, z []float64) float64 {
				a, _ := runAugSelf(batchOf(grad, z, 0, v.Classes[0], nil, 3), target, augSelfColumns{0, 1, false})
				b, _ := runAugSelf(batchOf(grad, z, 0, v.Classes[0], nil, 3), target, augSelfColumns{1, v.Classes[0] - 1, true})
				return a + b
			}},
			{KindCARE, (views + 1) * images * dim, func(grad, z []float64) float64 {
				return runCARE(new(care), batchOf(grad, z, images, dim, base, 3), 2+i%4)
			}},
		} {
			t.Run(fmt.Sprintf("%s %d", c.kind, i), func(t *testing.T) {
				z := normal(uint64(i), c.size)
				grad := make([]float64, c.size)
				c.run(grad, z)
				want := gradientByDifferences(z, func(z []float64) float64 { return 3 * c.run(make([]float64, c.size), z) })
				for i := range want {
					if math.Abs(grad[i]-want[i]) > 1e-7*(1+math.Abs(want[i])) {
						t.Fatalf("gradient[%d] = %g, by differences %g", i, grad[i], want[i])
					}
				}
			})
		}
	}
}

// TestCAREOfManyImages holds groups large enough for products of matrices, the last one not, to the formula.
func TestCAREOfManyImages(t *testing.T) {
	const images, dim, shared = 2*fewRows + 5, 9, fewRows + 3
	z := normal(1, 3*images*dim)
	run := func(grad, z []float64) float64 {
		return runCARE(new(care), batchOf(grad, z, images, dim, []int{0, 1, 2}, 1), shared)
	}
	var want, count float64
	for v := range 3 {
		for w := range v {
			for n := range images {
				for m := range images {
					if n == m || n/shared != m/shared {
						continue
					}
					cos := func(v int) float64 {
						a, b := z[(v*images+n)*dim:][:dim], z[(v*images+m)*dim:][:dim]
						return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b))
					}
					apart := cos(v) - cos(w)
					want += apart * apart
					count++
				}
			}
		}
	}
	want /= count
	grad := make([]float64, len(z))
	if got := run(grad, z); math.Abs(got-want) > 1e-12 {
		t.Errorf("value %g, by the formula %g", got, want)
	}
	compareDirection(t, z, grad, func(z []float64) float64 { return run(make([]float64, len(z)), z) })
}

// TestCARELeavesTransformationsFree: what turns all images alike costs nothing, what turns them apart does.
func TestCARELeavesTransformationsFree(t *testing.T) {
	z := []float64{1, 0, 0, 1, 0.6, 0.8, 0, 1, -1, 0, -0.8, 0.6} // the second view is the first, turned by 90 degrees
	if got := runCARE(new(care), batchOf(make([]float64, 12), z, 3, 2, []int{0, 1}, 1), 3); math.Abs(got) > 1e-15 {
		t.Errorf("%g for turned images, want 0", got)
	}
	// Only the first image turns: its cosines with the others were 0 and 0.6 and become 1 and 0.8.
	copy(z[6:], []float64{0, 1, 0, 1, 0.6, 0.8})
	if got, want := runCARE(new(care), batchOf(make([]float64, 12), z, 3, 2, []int{0, 1}, 1), 3),
		(1+0.04)/3; math.Abs(got-want) > 1e-12 {
		t.Errorf("%g, want %g", got, want)
	}
}

func TestAugSelfDifferences(t *testing.T) {
	v := Views{Images: 2, Family: []int{BaseView, PlainView, BaseView}, Names: []string{"zoom"},
		// The scale of random_affine is a magnification, that of zoom is ordered.
		DrawNames:  slices.Concat(drawNames[:10], []string{"rotate.scale", "random_affine.scale", "zoom.scale"}),
		DrawWidths: []float64{0.5, 0.5, 0.5, 0.5, 1, 0.8, 0.8, 0, 0.2, 2, 0, 0, 0},
		Draws: slices.Concat(
			[]float32{0.5, 0.75, 1, 0.5, 0, 0.25, 0, 3, 0.125, 2, 1, 1, 0}, // base view 0 of image 0
			[]float32{0.5, 0.25, 1, 1, 1, 0, 0, 0, 0, 0, 0, 2, 0},          // and of image 1, flipped
			make([]float32, 26), // the plain view
			[]float32{0.25, 0.75, 0.5, 0.5, 1, -0.25, 0, 1, -0.0625, 1, 0.75, 3, 0}, // base view 1 of image 0, flipped
			[]float32{0.5, 0.25, 1, 1, 1, 0, 0, 0, 0, 0, 0, 4, 0},                   // and of image 1
		)}
	term := newAugSelf(BaselineOptions{Groups: AugSelfGroups{1, 1, 1, 1, 1}}).(*augSelfTerm)
	needs, err := term.needs(nil, v)
	if err != nil || !slices.Equal(needs, []Need{{"augself", 11, NeedPair}}) {
		t.Fatalf("%v, %v", needs, err)
	}
	term.differences(v, 11)
	want := [][]float64{
		// crop, its centre mirrored where flipped and not divided; colour by its width; one of the two is flipped; blur;
		// scale
		{0.25, 0.5, 0.5, 0, 0.5 / 0.8, 0, 2, 0.1875 / 0.2, 0, 0.5, 0.25},
		{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
		{-0.25, -0.5, -0.5, 0, -0.5 / 0.8, 0, -2, -0.1875 / 0.2, 0, -0.5, -0.25},
		{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
	}
	for i, x := range slices.Concat(want...) {
		if math.Abs(term.target[i]-x) > 1e-12 {
			t.Errorf("row %d, column %d: %g, want %g", i/11, i%11, term.target[i], x)
		}
	}
}

func TestEquiModGain(t *testing.T) {
	// The view's embedding is at a right angle to the plain view's, and predicted exactly.
	v := Views{Images: 1, Family: []int{PlainView, BaseView}, Scale: []float64{0, 0}, DrawNames: []string{"a.b"},
		Draws: []float32{0, 1}}
	outs := []Output{
		{Name: "embedding", Dim: 2, Data: []float32{3, 0, 0, 2}, Grad: make([]float32, 4)},
		{Name: "equimod", Dim: 2, Data: []float32{0, 5}, Grad: make([]float32, 2)},
	}
	got, err := mustNew(t, only(t, KindEquiMod)).Compute(v, outs)
	if err != nil || diagnostic(t, got.Terms[0], "gain") != 1 {
		t.Errorf("%+v, %v, want a gain of 1", got, err)
	}
}

// TestESSLOfScale: of a family with a scale the quarters of its size are the classes. The cross entropy is that of a
// nominal family whose classes are these.
func TestESSLOfScale(t *testing.T) {
	o := only(t, KindESSL)
	o.Terms[0].Baseline.Family = "a"
	scales := []float64{-1, -0.6, 0, 0.24, 0.25, 0.5, 0.74, 0.75, 1}
	classes := []float64{3, 2, 0, 0, 1, 2, 2, 3, 3}
	v := Views{Images: len(scales), Family: []int{0}, Names: []string{"a"}, Scale: scales}
	l := mustNew(t, o)
	outs := fullOutputs(t, l, v, 0, 5)
	got, err := l.Compute(v, outs)
	if err != nil || outs[0].Dim != 4 {
		t.Fatalf("%v, %d logits", err, outs[0].Dim)
	}
	nominal := v
	nominal.Classes, nominal.Scale = []int{4}, nil
	for _, c := range classes {
		nominal.Scale = append(nominal.Scale, c/3)
	}
	total, grad := got.Total, slices.Clone(outs[0].Grad)
	want, err := l.Compute(nominal, outs)
	if err != nil || total != want.Total || !slices.Equal(grad, outs[0].Grad) {
		t.Errorf("%v: value %g and gradient %v, want %g and %v", err, total, grad, want.Total, outs[0].Grad)
	}
}

func TestNeeds(t *testing.T) {
	full := fullViews(1, 0, 2)
	full.Scale, full.Draws = nil, nil
	embedding := Need{"embedding", 0, NeedEmbedding}
	for _, c := range []struct {
		kind string
		want []Need
		// each takes away what the term cannot do without, and says what is then said
		without map[string]func(v *Views)
	}{
		{KindNTXent, []Need{embedding}, map[string]func(v *Views){"set augment.base_views to 2": oneBase}},
		{KindMoCo, []Need{embedding, {"target", 0, NeedTarget}},
			map[string]func(v *Views){"set augment.base_views to 2": oneBase}},
		{KindVICReg, []Need{embedding}, map[string]func(v *Views){"set augment.base_views to 2": oneBase}},
		{KindBarlowTwins, []Need{embedding}, map[string]func(v *Views){"set augment.base_views to 2": oneBase}},
		{KindSimSiam, []Need{{"prediction", 0, NeedPredictor}, embedding},
			map[string]func(v *Views){"set augment.base_views to 2": oneBase}},
		{KindBYOL, []Need{{"prediction", 0, NeedPredictor}, {"target", 0, NeedTarget}},
			map[string]func(v *Views){"set augment.base_views to 2": oneBase}},
		{KindESSL, []Need{{"essl", 4, NeedClassifier}}, map[string]func(v *Views){
			"add {family: quarter_turn} to augment.ordered": func(v *Views) { v.Classes = nil },
			"no view is of that family":                     func(v *Views) { v.Family = []int{-1, -1, 0} },
			"set family to one of them":                     func(v *Views) { v.Classes = []int{2, 4} },
		}},
		{KindAugSelf, []Need{{"augself", 8, NeedPair}}, map[string]func(v *Views){
			"set augment.base_views":                           oneBase,
			"add it to augment.invariant or leave crop out of": func(v *Views) { v.DrawNames = v.DrawNames[4:] },
		}},
		{KindCARE, []Need{embedding}, map[string]func(v *Views){
			"set augment.base_views":          oneBase,
			"set augment.shared to 2 or more": func(v *Views) { v.Shared = 1 },
		}},
		{KindEquiMod, []Need{embedding, {"equimod", 0, NeedConditioned}}, map[string]func(v *Views){
			"set augment.base_views":         func(v *Views) { v.Family = []int{-2, 0, 1} },
			"set augment.plain_view to true": func(v *Views) { v.Family = []int{-1, -1, 0, 1} },
			"add a transformation":           func(v *Views) { v.DrawNames = nil },
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			l := mustNew(t, only(t, c.kind))
			if got, err := l.Needs(full); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
			for want, spoil := range c.without {
				v := full
				spoil(&v)
				if _, err := l.Needs(v); err == nil || !strings.Contains(err.Error(), want) ||
					!strings.HasPrefix(err.Error(), c.kind) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
	t.Run("together", func(t *testing.T) {
		o := DefaultOptions()
		o.Invariance.Kind = KindBYOL
		o.Terms = []TermOptions{only(t, KindESSL).Terms[0], only(t, KindESSL).Terms[0], only(t, KindNTXent).Terms[0]}
		want := []Need{{"prediction", 0, NeedPredictor}, {"target", 0, NeedTarget}, embedding, {"essl", 4, NeedClassifier}}
		l := mustNew(t, o)
		if got, err := l.Needs(full); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		// Two classifiers with different classes don't fit one output.
		o.Terms[0].Baseline.Family, o.Terms[1].Baseline.Family = "a", "quarter_turn"
		v := full
		v.Classes = []int{3, 4}
		if _, err := mustNew(t, o).Needs(v); err == nil || !strings.Contains(err.Error(),
			`output "essl", one with 3 values in a row and one with 4`) {
			t.Errorf("got %v", err)
		}
		v = fullViews(1, 3, 2)
		got, err := l.Compute(v, fullOutputs(t, l, v, 3, 1))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, term := range got.Terms {
			names = append(names, term.Name)
		}
		if want := []string{"byol", "ranknet", "essl", "essl_2", "ntxent"}; !slices.Equal(names, want) {
			t.Errorf("terms %v, want %v", names, want)
		}
	})
}

func oneBase(v *Views) {
	v.Family = append([]int{BaseView}, v.Family[2:]...)
}

// TestViewsErrors: what contradicts itself in views with all that they can have.
func TestViewsErrors(t *testing.T) {
	for _, c := range []struct {
		want  string
		spoil func(v *Views, outs []Output)
	}{
		{"2 families need 2 periods, got 1", func(v *Views, _ []Output) { v.Period = v.Period[:1] }},
		{"family a has period -1", func(v *Views, _ []Output) { v.Period[0] = -1 }},
		{"2 families need 2 numbers of classes, got 3", func(v *Views, _ []Output) { v.Classes = []int{0, 4, 0} }},
		{"family a has 1 classes", func(v *Views, _ []Output) { v.Classes[0] = 1 }},
		{"11 draws need 11 widths, got 1", func(v *Views, _ []Output) { v.DrawWidths = []float64{1} }},
		{"draw horizontal_flip.applied has width NaN", func(v *Views, _ []Output) {
			v.DrawWidths = make([]float64, 11)
			v.DrawWidths[4] = math.NaN()
		}},
		{"8 views of 3 images with 11 draws need 264 values, got 263", func(v *Views, _ []Output) { v.Draws = v.Draws[1:] }},
		{"draw random_resized_crop.crop_x of row 2 is +Inf",
			func(v *Views, _ []Output) { v.Draws[23] = float32(math.Inf(1)) }},
		{"-1 images share their draws", func(v *Views, _ []Output) { v.Shared = -1 }},
		{"the progress must be in [0, 1], got 1.5", func(v *Views, _ []Output) { v.Progress = 1.5 }},
		{"the progress must be in [0, 1], got NaN", func(v *Views, _ []Output) { v.Progress = math.NaN() }},
		{"view 7 of image 2 is a plain view, but has scale 1 instead of 0", func(v *Views, _ []Output) { v.Scale[23] = 1 }},
		{"view 5 of image 0 has scale -0.5, which is no class of quarter_turn",
			func(v *Views, _ []Output) { v.Scale[15] = -0.5 }},
		{`output "embedding": 24 rows of 5 values are 120, got 115`,
			func(_ *Views, o []Output) { o[0].Data = o[0].Data[5:] }},
		{`output "essl": its rows have 6 values instead of 4`, func(_ *Views, o []Output) { o[1].Dim = 6 }},
		{`output "equimod": 6 rows of 5 values are 30, got 35`,
			func(_ *Views, o []Output) { o[2].Data = make([]float32, 35) }},
		{`output "equimod": row 5 holds NaN`, func(_ *Views, o []Output) { o[2].Data[29] = float32(math.NaN()) }},
		{`compares output "embedding" with output "equimod", but their rows have 5 and 6 values`,
			func(_ *Views, o []Output) {
				o[2] = Output{Name: "equimod", Dim: 6, Data: make([]float32, 36), Grad: make([]float32, 36)}
			}},
		{`output "other": 7 values are no rows of 2`, func(_ *Views, o []Output) { o[3].Data = make([]float32, 7) }},
	} {
		o := only(t, KindCARE)
		o.Terms = append(o.Terms, only(t, KindESSL).Terms[0], only(t, KindEquiMod).Terms[0])
		l := mustNew(t, o)
		v := fullViews(1, 3, 2)
		outs := append(fullOutputs(t, l, v, 5, 1), Output{Name: "other", Dim: 2})
		c.spoil(&v, outs)
		if _, err := l.Compute(v, outs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	for _, kind := range []string{KindVICReg, KindBarlowTwins, KindCARE} {
		l, v := mustNew(t, only(t, kind)), fullViews(1, 1, 2)
		if _, err := l.Compute(v, fullOutputs(t, l, v, 5, 1)); err == nil ||
			!strings.Contains(err.Error(), "raise train.batch_size") {
			t.Errorf("%s with one image: %v", kind, err)
		}
	}
}
