package loss

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(o *Options)
	}{
		{`invariance.kind: must be ntxent, moco, vicreg, barlow_twins, simsiam, byol, lejepa or none, got "simclr"`,
			func(o *Options) { o.Invariance.Kind = "simclr" }},
		{"invariance.temperature: must be in [0.005, 100], got -1", func(o *Options) { o.Invariance.Temperature = -1 }},
		{"invariance.temperature: must be in [0.005, 100], got NaN",
			func(o *Options) { o.Invariance.Temperature = math.NaN() }},
		{"invariance.weight: must be in [0, 1e+06], got -1", func(o *Options) { o.Invariance.Weight = -1 }},
		{`invariance.output: must be embedding, features or own, got "logits"`,
			func(o *Options) { o.Invariance.Output = "logits" }},
		{`invariance.views: must be base or all, got "queries"`,
			func(o *Options) { o.Invariance.Kind, o.Invariance.Views = KindVICReg, ViewsQueries }},
		{"order.kind: must be ranknet, triplet, listmle, soft_spearman, chain, rank_n_contrast, relative_scale or none, " +
			`got "hinge"`,
			func(o *Options) { o.Order.Kind = "hinge" }},
		{`order.distance: must be cosine, euclidean or sqeuclidean, got "manhattan"`,
			func(o *Options) { o.Order.Distance = "manhattan" }},
		{"order.temperature: must be in [0.001, 100], got 101", func(o *Options) { o.Order.Temperature = 101 }},
		{"order.weight: must be in [0, 1e+06], got +Inf", func(o *Options) { o.Order.Weight = math.Inf(1) }},
		{`order.anchors: must be origin or all, got "base"`, func(o *Options) { o.Order.Anchors = "base" }},
		{`order.output: must be embedding, features or own, got "logits"`, func(o *Options) { o.Order.Output = "logits" }},
		{"must not both be none", func(o *Options) { o.Invariance.Kind, o.Order.Kind = KindNone, KindNone }},
	} {
		o := DefaultOptions()
		c.spoil(&o)
		err := o.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q", err, c.want)
		}
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New: %v", err)
		}
	}
	// All faults at once, but none of a term that is left out.
	err := Options{Invariance: InvarianceOptions{Kind: KindNTXent, Temperature: -1, Weight: -1},
		Order: OrderOptions{Kind: KindNone}}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 1 || strings.Contains(err.Error(), "order") {
		t.Errorf("got %v, want two faults of invariance", err)
	}
}

func TestResolved(t *testing.T) {
	o := DefaultOptions().Resolved()
	if o.Invariance.Temperature != 0.5 || o.Order.Temperature != 0.1 || o.Order.Distance != DistanceCosine ||
		o.Invariance.Queue != 0 {
		t.Errorf("defaults resolve to %+v", o)
	}
	o.Invariance = InvarianceOptions{Kind: KindMoCo, Weight: 1, Schedule: ScheduleLinear, Temperature: 0.3}
	term := &BaselineOptions{Kind: KindAugSelf, Weight: 1, Schedule: ScheduleCosine, Warmup: 0.5}
	o.Terms = []TermOptions{{Baseline: term}, {Baseline: &BaselineOptions{Kind: KindEquiMod}}}
	o = o.Resolved()
	want := InvarianceOptions{Kind: KindMoCo, Weight: 1, Schedule: ScheduleLinear, Warmup: 0.1, Temperature: 0.3,
		Views: ViewsBase, Output: OutputEmbedding,
		Queue: 4096, Momentum: 0.999, MomentumSchedule: ScheduleConstant}
	if o.Invariance != want {
		t.Errorf("got %+v, want %+v", o.Invariance, want)
	}
	if got := *o.Terms[0].Baseline; got.Groups != (AugSelfGroups{Crop: 1, Color: 1}) || got.Warmup != 0.5 ||
		term.Groups != (AugSelfGroups{}) {
		t.Errorf("got %+v from %+v", got, *term)
	}
	if got := *o.Terms[1].Baseline; got.Temperature != 0.2 || got.Weight != 0 || got.Schedule != ScheduleConstant {
		t.Errorf("got %+v", got)
	}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
	again := o.Resolved()
	if !reflect.DeepEqual(again, o) {
		t.Errorf("resolving twice gives %+v, want %+v", again, o)
	}
}

func TestDefaultTerm(t *testing.T) {
	for _, kind := range TermKinds() {
		term, err := DefaultTerm(kind)
		if err != nil || !reflect.DeepEqual(term, term.resolved()) {
			t.Errorf("%s: %+v, %v, want what is resolved", kind, term, err)
		}
		o := alone(term)
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := DefaultTerm("simclr"); err == nil || !strings.Contains(err.Error(), "must be ntxent, moco") {
		t.Errorf("got %v", err)
	}
}

func TestValidateTerms(t *testing.T) {
	term := func(kind string) TermOptions { return only(t, kind).Terms[0] }
	for _, c := range []struct {
		want  string
		spoil func(o *Options)
	}{
		{"invariance.queue: ntxent has no such setting; leave it out, got 5", func(o *Options) { o.Invariance.Queue = 5 }},
		{"invariance.queue: must be in [1, 1.048576e+06], got -1",
			func(o *Options) { o.Invariance.Kind, o.Invariance.Queue = KindMoCo, -1 }},
		{"invariance.momentum: must be in [0, 1], got 2",
			func(o *Options) { o.Invariance.Kind, o.Invariance.Momentum = KindBYOL, 2 }},
		{"invariance.momentum_schedule: must be constant or cosine, got \"linear\"",
			func(o *Options) { o.Invariance.Kind, o.Invariance.MomentumSchedule = KindBYOL, ScheduleLinear }},
		{"invariance.momentum_schedule: ntxent has no such setting",
			func(o *Options) { o.Invariance.MomentumSchedule = ScheduleCosine }},
		{"invariance.standardise: lejepa has no such setting; leave it out, got true",
			func(o *Options) { o.Invariance = InvarianceOptions{Kind: KindLeJEPA, Standardise: true} }},
		{"invariance.temperature: vicreg has no such setting",
			func(o *Options) { o.Invariance.Kind, o.Invariance.Temperature = KindVICReg, 0.1 }},
		{"invariance.covariance: must be in [0, 1e+06], got -1",
			func(o *Options) { o.Invariance.Kind, o.Invariance.Covariance = KindVICReg, -1 }},
		{"invariance.lambda: must be in [0, 1e+06], got +Inf",
			func(o *Options) { o.Invariance.Kind, o.Invariance.Lambda = KindBarlowTwins, math.Inf(1) }},
		{"invariance.output: must be embedding, got \"features\"",
			func(o *Options) { o.Invariance.Kind, o.Invariance.Output = KindSimSiam, OutputFeatures }},
		{"invariance.warmup: has no meaning for schedule constant, got 0.1", func(o *Options) { o.Invariance.Warmup = 0.1 }},
		{"invariance.schedule: must be constant, linear or cosine, got \"step\"",
			func(o *Options) { o.Invariance.Schedule = "step"; o.Invariance.Warmup = 1 }},
		{"order.warmup: must be in (0, 1], got 1.5",
			func(o *Options) { o.Order.Schedule, o.Order.Warmup = ScheduleLinear, 1.5 }},
		{"terms[0].weight: must be in [0, 1e+06], got -1",
			func(o *Options) { o.Terms = []TermOptions{term(KindCARE)}; o.Terms[0].Baseline.Weight = -1 }},
		{"terms[0].output: must be embedding or features, got \"own\"",
			func(o *Options) { o.Terms = []TermOptions{term(KindCARE)}; o.Terms[0].Baseline.Output = OutputOwn }},
		{"terms[0].output: essl has no such setting; leave it out, got features",
			func(o *Options) { o.Terms = []TermOptions{term(KindESSL)}; o.Terms[0].Baseline.Output = OutputFeatures }},
		{"terms[0].family: care has no such setting",
			func(o *Options) { o.Terms = []TermOptions{term(KindCARE)}; o.Terms[0].Baseline.Family = "a" }},
		{"terms[0].groups: care has no such setting",
			func(o *Options) { o.Terms = []TermOptions{term(KindCARE)}; o.Terms[0].Baseline.Groups.Flip = 1 }},
		{"terms[0].groups.blur: must be in [0, 1e+06], got NaN",
			func(o *Options) {
				o.Terms = []TermOptions{term(KindAugSelf)}
				o.Terms[0].Baseline.Groups.Blur = math.NaN()
			}},
		{"terms[1].temperature: must be in [0.005, 100], got 0.001",
			func(o *Options) {
				o.Terms = []TermOptions{term(KindCARE), term(KindEquiMod)}
				o.Terms[1].Baseline.Temperature = 0.001
			}},
		{"terms[0].kind: must be essl, augself, care or equimod, got \"duet\"",
			func(o *Options) { o.Terms = []TermOptions{{Baseline: &BaselineOptions{Kind: "duet"}}} }},
		{"terms[0].kind: must be set for every entry", func(o *Options) { o.Terms = make([]TermOptions, 1) }},
		{"terms[0].kind: must not be none in a list",
			func(o *Options) { o.Terms = []TermOptions{{Order: &OrderOptions{Kind: KindNone}}} }},
		{"terms[0].momentum: must be that of the other term, 0.99 (cosine), as there is one averaged network for all, " +
			"got 0.999 (constant)",
			func(o *Options) { o.Invariance.Kind = KindBYOL; o.Terms = []TermOptions{term(KindMoCo)} }},
	} {
		o := DefaultOptions()
		c.spoil(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
