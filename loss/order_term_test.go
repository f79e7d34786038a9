package loss

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// orderOnly returns a loss of one order term.
func orderOnly(t *testing.T, o OrderOptions) *Loss {
	t.Helper()
	return mustNew(t, Options{Invariance: InvarianceOptions{Kind: KindNone}, Order: o})
}

func computeOrder(t *testing.T, o OrderOptions, v Views, outs ...Output) Values {
	t.Helper()
	got, err := orderOnly(t, o).Compute(v, outs)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Names of outputs are words, those of joint families aren't.
func TestOwnOutputOfAJointFamily(t *testing.T) {
	v := orderedViews(1, 4, 2, 2)
	v.Names = []string{"rotate+blur+hue"}
	o := defaultOrderOptions()
	o.Families = map[string]FamilyOptions{"rotate+blur+hue": {Weight: 1, Output: OutputOwn}}
	needs, err := orderOnly(t, o).Needs(Views{Family: v.Family, Names: v.Names})
	if want := []Need{{"order_rotate_blur_hue", 0, NeedOwn}}; err != nil || !slices.Equal(needs, want) {
		t.Errorf("needs %v, %v, want %v", needs, err, want)
	}
}

func TestFamiliesReadTheirOwnOutputs(t *testing.T) {
	v := orderedViews(1, 4, 2, 2, 2, 2)
	v.Names = []string{"rotate", "blur", "hue"}
	o := defaultOrderOptions()
	o.Output = OutputFeatures
	o.Families = map[string]FamilyOptions{
		"rotate":  {Weight: 3, Output: OutputOwn},
		"hue":     {Weight: 1, Output: OutputOwn},
		"nowhere": {Weight: 1, Output: OutputOwn},
	}
	outs := []Output{randomOutput("features", v, 6, 1), randomOutput("order_hue", v, 3, 2),
		randomOutput("order_rotate", v, 4, 3)}
	needs, err := orderOnly(t, o).Needs(Views{Family: v.Family, Names: v.Names})
	want := []Need{{"order_rotate", 0, NeedOwn}, {"features", 0, NeedFeatures}, {"order_hue", 0, NeedOwn}}
	if err != nil || !slices.Equal(needs, want) {
		t.Errorf("needs %v, %v, want %v", needs, err, want)
	}
	got := computeOrder(t, o, v, outs...)

	// Each family alone, by the others' views being taken away.
	value := 0.0
	for f, at := range []int{2, 0, 1} {
		alone := v
		alone.Names, alone.Family = []string{v.Names[f]}, slices.Clone(v.Family)
		for i, family := range v.Family {
			switch {
			case family == f:
				alone.Family[i] = 0
			case family >= 0:
				alone.Family[i] = PlainView
			}
		}
		alone.Scale = slices.Clone(v.Scale)
		for row := range alone.Scale {
			if alone.Family[row/v.Images] < 0 {
				alone.Scale[row] = 0
			}
		}
		weight := []float64{3, 1, 1}[f]
		grad := make([]float32, len(outs[at].Data))
		part, _ := runFamilies(o, grad, outs[at].Data, alone, outs[at].Dim, weight/3)
		value += weight * part / 3
		compare(t, v.Names[f], diagnostic(t, got.Terms[0], "value/"+v.Names[f]), part,
			convert[float64](outs[at].Grad), convert[float64](grad), 1e-6)
	}
	if math.Abs(got.Total-value) > 1e-12 {
		t.Errorf("total %g, want %g", got.Total, value)
	}
}

func TestFamilyWeights(t *testing.T) {
	v := orderedViews(1, 4, 2, 2, 3)
	o := defaultOrderOptions()
	out := randomOutput("embedding", v, 5, 1)
	plain := computeOrder(t, o, v, out).Terms[0]
	first, second := diagnostic(t, plain, "value/a"), diagnostic(t, plain, "value/b")
	o.Families = map[string]FamilyOptions{"a": {Weight: 4, Schedule: ScheduleLinear, Warmup: 0.5}, "b": {Weight: 0}}
	for _, c := range []struct{ progress, want float64 }{{0, 0}, {0.25, first}, {0.5, 2 * first}, {1, 2 * first}} {
		v.Progress = c.progress
		got := computeOrder(t, o, v, out)
		if math.Abs(got.Total-c.want) > 1e-12 {
			t.Errorf("at %g: total %g, want %g", c.progress, got.Total, c.want)
		}
		// What is not trained is looked at all the same.
		if d := diagnostic(t, got.Terms[0], "value/b"); d != second {
			t.Errorf("at %g: value of b %g, want %g", c.progress, d, second)
		}
		if still := !slices.ContainsFunc(out.Grad, func(g float32) bool { return g != 0 }); still != (c.progress == 0) {
			t.Errorf("at %g: gradient %v", c.progress, out.Grad)
		}
	}
}

func TestNominalFamiliesAreLeftOut(t *testing.T) {
	v := orderedViews(1, 4, 2, 3, 4)
	v.Family = append(v.Family, PlainView)
	v.Scale = append(v.Scale, make([]float64, v.Images)...)
	out := randomOutput("embedding", v, 5, 1)
	both := computeOrder(t, defaultOrderOptions(), v, out)
	v.Classes = []int{0, 4}
	got := computeOrder(t, defaultOrderOptions(), v, out)
	if a := diagnostic(t, both.Terms[0], "value/a"); got.Total != a {
		t.Errorf("total %g, want that of the other family alone, %g", got.Total, a)
	}
	for _, d := range got.Terms[0].Diagnostics {
		if strings.HasSuffix(d.Name, "/b") {
			t.Errorf("there is %+v", d)
		}
	}
	for view, f := range v.Family {
		rows := out.Grad[view*v.Images*out.Dim:][:v.Images*out.Dim]
		if some := slices.ContainsFunc(rows, func(g float32) bool { return g != 0 }); some != (f == BaseView || f == 0) {
			t.Errorf("view %d of family %d has gradient %v", view, f, rows)
		}
	}
	v.Classes = []int{4, 4}
	needs, err := orderOnly(t, defaultOrderOptions()).Needs(v)
	if got = computeOrder(t, defaultOrderOptions(), v, out); err != nil || len(needs) != 0 || got.Total != 0 {
		t.Errorf("no family has an order: total %g, needs %v, %v", got.Total, needs, err)
	}
}

func TestCyclicScalesInCompute(t *testing.T) {
	// From the base view at 0 around a circle of period 2, scale 1.9 is nearer than 0.5.
	v := Views{Images: 1, Family: []int{BaseView, 0, 0}, Scale: []float64{0, 0.5, 1.9}, Names: []string{"rotate"}}
	out := newOutput("embedding", v, 2, []float32{1, 0, 0, 1, 0.9, 0.1})
	if got := computeOrder(t, defaultOrderOptions(), v, out); diagnostic(t, got.Terms[0], "accuracy") != 0 {
		t.Errorf("not cyclic: %+v", got.Terms)
	}
	v.Period = []float64{2}
	if got := computeOrder(t, defaultOrderOptions(), v, out); diagnostic(t, got.Terms[0], "accuracy") != 1 {
		t.Errorf("cyclic: %+v", got.Terms)
	}
}

func TestOrderDiagnostics(t *testing.T) {
	// From the base view the squared distances are 1, 1, 2.25 and 4, for scales 0.25, 0.5, 0.75 and 1.
	v := Views{Images: 1, Family: []int{BaseView, 0, 0, 0, 0}, Scale: []float64{0, 0.25, 0.5, 0.75, 1},
		Names: []string{"blur"}}
	out := newOutput("embedding", v, 1, []float32{0, 1, -1, 1.5, 2})
	o := OrderOptions{Kind: KindTriplet, Distance: DistanceSqEuclidean, Margin: 1.5, Weight: 1}
	for _, c := range []struct {
		kind, name string
		margin     float64
		want       float64
	}{
		{KindTriplet, "active", 1.5, 3. / 6}, // 1-1, 1-2.25 (twice) … but for 1-4 (twice) and 2.25-4
		{KindTriplet, "active/blur", 0.5, 1. / 6},
		{KindTriplet, "accuracy", 1.5, 5.5 / 6},
		{KindTriplet, "violated", 1.5, 1. / 6},
		{KindChain, "violated/blur", 1.5, 1. / 6},
		{KindListMLE, "accuracy/blur", 0, 5.5 / 6},
		{KindSoftSpearman, "accuracy", 0, 5.5 / 6},
		{KindRankNContrast, "accuracy", 0, 5.5 / 6},
		{KindRankNContrast, "triplets/blur", 0, 6},
	} {
		o.Kind, o.Margin = c.kind, c.margin
		o.Anchors = AnchorsOrigin
		got := computeOrder(t, o, v, out).Terms[0]
		if d := diagnostic(t, got, c.name); math.Abs(d-c.want) > 1e-12 {
			t.Errorf("%s: %s %g, want %g", c.kind, c.name, d, c.want)
		}
	}
}

func TestOrderComputeAllocatesNothing(t *testing.T) {
	v := mixedViews(1, 10, 2, 3, 2)
	eachOrder(func(o OrderOptions) {
		o.Families = map[string]FamilyOptions{"b": {Weight: 2, Output: OutputOwn, Schedule: ScheduleCosine, Warmup: 0.5}}
		l := orderOnly(t, o)
		outs := []Output{randomOutput("embedding", v, 8, 1), randomOutput("order_b", v, 16, 2)}
		if n := testing.AllocsPerRun(5, func() {
			if _, err := l.Compute(v, outs); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %g allocations", orderName(o), n)
		}
	})
}

// TestOrderBuffersKeepNothing checks that what was computed before leaves no trace.
func TestOrderBuffersKeepNothing(t *testing.T) {
	small, large := mixedViews(1, 5, 2, 2), mixedViews(2, 30, 3, 1, 4)
	eachOrder(func(o OrderOptions) {
		l := orderOnly(t, o)
		run := func(l *Loss, v Views, dim int) (float64, []float32) {
			out := randomOutput("embedding", v, dim, 9)
			got, err := l.Compute(v, []Output{out})
			if err != nil {
				t.Fatal(err)
			}
			return got.Total, out.Grad
		}
		wantTotal, wantGrad := run(orderOnly(t, o), small, 3)
		run(l, large, 7)
		if total, grad := run(l, small, 3); total != wantTotal || !slices.Equal(grad, wantGrad) {
			t.Errorf("%s: total %v, want %v", orderName(o), total, wantTotal)
		}
	})
}

func TestOrderOptions(t *testing.T) {
	for _, c := range []struct {
		want string // "" if it is fine
		set  func(o *OrderOptions)
	}{
		{"", func(o *OrderOptions) { o.Kind, o.ScaledMargin = KindTriplet, true }},
		{"", func(o *OrderOptions) { o.Kind, o.Margin = KindChain, 0.3 }},
		{"", func(o *OrderOptions) { o.Kind, o.Margin, o.Distance = KindTriplet, 50, DistanceSqEuclidean }},
		{"", func(o *OrderOptions) {
			o.Families = map[string]FamilyOptions{"a": {Weight: 2, Schedule: ScheduleLinear}}
		}},
		{"order.temperature: triplet has no such setting; leave it out, got 0.1",
			func(o *OrderOptions) { o.Kind, o.Temperature = KindTriplet, 0.1 }},
		{"order.margin: must be in [0, 2], got 3", func(o *OrderOptions) { o.Kind, o.Margin = KindTriplet, 3 }},
		{"order.margin: must be in [0, 100], got -1",
			func(o *OrderOptions) { o.Kind, o.Margin, o.Distance = KindChain, -1, DistanceEuclidean }},
		{"order.margin: listmle has no such setting; leave it out, got 1",
			func(o *OrderOptions) { o.Kind, o.Margin = KindListMLE, 1 }},
		{"order.scaled_margin: chain has no such setting; leave it out",
			func(o *OrderOptions) { o.Kind, o.ScaledMargin = KindChain, true }},
		{"order.temperature: must be in [0.001, 100], got NaN", func(o *OrderOptions) { o.Temperature = math.NaN() }},
		{"order.output: must be embedding, features or own, got \"order_a\"", func(o *OrderOptions) { o.Output = "order_a" }},
		{"order.families.a.weight: must be in [0, 1e+06], got -1",
			func(o *OrderOptions) { o.Families = map[string]FamilyOptions{"a": {Weight: -1}} }},
		{"order.families.a.output: must be embedding, features or own, got \"x\"",
			func(o *OrderOptions) { o.Families = map[string]FamilyOptions{"a": {Weight: 1, Output: "x"}} }},
		{"order.families.a.warmup: has no meaning without a schedule, got 0.5",
			func(o *OrderOptions) { o.Families = map[string]FamilyOptions{"a": {Weight: 1, Warmup: 0.5}} }},
		{"order.families.a.schedule: must be constant, linear or cosine, got \"step\"",
			func(o *OrderOptions) { o.Families = map[string]FamilyOptions{"a": {Weight: 1, Schedule: "step"}} }},
	} {
		o := DefaultOptions()
		c.set(&o.Order)
		switch err := o.Validate(); {
		case c.want == "" && err != nil:
			t.Errorf("%+v: %v", o.Order, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("got %v, want %q", err, c.want)
		}
	}

	// Resolving sets what depends on the kind, and leaves the caller's options alone.
	families := map[string]FamilyOptions{"a": {Weight: 1, Schedule: ScheduleLinear}}
	o := OrderOptions{Kind: KindRankNContrast, Families: families}.resolved()
	if o.Distance != DistanceEuclidean || o.Temperature != 2 || o.Anchors != AnchorsAll || o.Margin != 0 ||
		o.Families["a"].Warmup != defaultWarmup || families["a"].Warmup != 0 {
		t.Errorf("resolved %+v", o)
	}
	if o := (OrderOptions{Kind: KindTriplet}).resolved(); o.Margin != 0.2 || o.Temperature != 0 ||
		o.Anchors != AnchorsOrigin {
		t.Errorf("resolved %+v", o)
	}
}
