package config_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/loss"
	"ordo/runner/config"
)

const terms = `
augment: {ordered: [{family: rotate}, {family: hue}]}
loss:
  invariance: {kind: moco, queue: 512}
  order: {families: {rotate: {weight: 2}, hue: {output: own, schedule: linear}}}
  terms:
    - {kind: augself, weight: 0.5, groups: {crop: 1, blur: 2}}
    - {kind: ranknet, weight: 3, families: {hue: {weight: 0}}}
    - kind: vicreg
`

func TestTerms(t *testing.T) {
	e := parse(
		t,
		terms,
		"loss.terms.0.groups.crop=4",
		"loss.terms.2.covariance=3",
		"loss.terms.1.families.rotate.schedule=cosine",
		"loss.order.families.rotate.output=features",
	)
	if o := e.Loss.Invariance; o.Temperature != 0.2 || o.Queue != 512 || o.Momentum != 0.999 {
		t.Errorf("moco resolves to %+v", o)
	}
	want := map[string]loss.FamilyOptions{
		"rotate": {Weight: 2, Output: loss.OutputFeatures},
		"hue":    {Weight: 1, Output: loss.OutputOwn, Schedule: loss.ScheduleLinear, Warmup: 0.1},
	}
	if !reflect.DeepEqual(e.Loss.Order.Families, want) {
		t.Errorf("families %+v, want %+v", e.Loss.Order.Families, want)
	}
	if len(e.Loss.Terms) != 3 {
		t.Fatalf("%d terms", len(e.Loss.Terms))
	}
	a, b, c := e.Loss.Terms[0].Baseline, e.Loss.Terms[1].Order, e.Loss.Terms[2].Invariance
	if a.Weight != 0.5 || a.Groups != (loss.AugSelfGroups{Crop: 4, Color: 1, Blur: 2}) {
		t.Errorf("augself: %+v", a)
	}
	want = map[string]loss.FamilyOptions{
		"hue":    {Weight: 0},
		"rotate": {Weight: 1, Schedule: loss.ScheduleCosine, Warmup: 0.1},
	}
	if b.Weight != 3 || b.Temperature != 0.1 || !reflect.DeepEqual(b.Families, want) {
		t.Errorf("ranknet: %+v", b)
	}
	if c.Weight != 1 || c.Similarity != 25 || c.Covariance != 3 {
		t.Errorf("vicreg: %+v", c)
	}
	text, err := e.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := config.Parse("other.yaml", text, nil, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(e, again) || e.Hash() != again.Hash() {
		t.Errorf("loading what YAML wrote gave\n%+v, want\n%+v", again, e)
	}
	for _, path := range []string{"loss.terms.INDEX.kind", "loss.terms.INDEX.groups.crop",
		"loss.terms.INDEX.families.FAMILY.weight",
		"loss.order.families.FAMILY.weight"} {
		if n := len(slices.DeleteFunc(config.Keys(), func(k config.Key) bool { return k.Path != path })); n != 1 {
			t.Errorf("Keys lists %s %d times", path, n)
		}
	}
}

func TestTermChangesHash(t *testing.T) {
	if parse(t, design, "loss.terms=[{kind: care}]").Hash() == parse(t, design).Hash() {
		t.Error("a term doesn't change the hash")
	}
}

func TestFaultsOfTerms(t *testing.T) {
	for _, c := range []struct {
		name, text string
		overrides  []string
		want       string
	}{
		{"no kind", "loss:\n  terms:\n    - {weight: 1}", nil,
			"x.yaml:3: loss.terms[0]: must name the kind of the term, like {kind: care, weight: 0.5}, found a map with weight"},
		{"no map", "loss: {terms: [care]}", nil,
			`x.yaml:1: loss.terms[0]: must be a term, like {kind: care, weight: 0.5}, found the text "care"`},
		{"unknown kind", "loss: {terms: [{kind: equimodd}]}", nil,
			"x.yaml:1: loss.terms[0].kind: must be one of ntxent, moco, "},
		{"unknown key", "loss: {terms: [{kind: care, wieght: 1}]}", nil,
			"x.yaml:1: loss.terms[0].wieght: unknown key; did you mean weight?"},
		{"key of another kind", "loss:\n  terms:\n    - kind: care\n      temperature: 1", nil,
			"x.yaml:4: loss.terms[0].temperature: care has no such setting"},
		{"group", "loss: {terms: [{kind: augself, groups: {corp: 1}}]}", nil,
			"x.yaml:1: loss.terms[0].groups.corp: unknown key; did you mean crop?"},
		{"type", "loss: {terms: [{kind: moco, queue: 1.5}]}", nil,
			"x.yaml:1: loss.terms[0].queue: must be a whole number, found the number 1.5"},
		{"family of a term", "loss: {terms: [{kind: ranknet, families: {rotat: {weight: 1}}}]}", nil,
			`x.yaml:1: loss.terms[0].families.rotat: no family is called "rotat"; did you mean rotate?`},
		{"families of a term", "loss: {terms: [{kind: ranknet, families: [rotate]}]}", nil,
			"x.yaml:1: loss.terms[0].families: must be a map of family names, found a list of 1"},
		{"family", "loss:\n  order:\n    families: {rotat: {weight: 1}}", nil,
			"x.yaml:3: loss.order.families.rotat: unknown key; did you mean loss.order.families.rotate?"},
		{"setting of a family", "loss:\n  order:\n    families: {rotate: {weight: -1}}", nil,
			"x.yaml:3: loss.order.families.rotate.weight: must be in [0, 1e+06], got -1"},
		{"override", "loss: {terms: [{kind: care}]}", []string{"loss.terms.0.wieght=1"},
			"override loss.terms.0.wieght=1: loss.terms.0.wieght: unknown key; did you mean loss.terms.0.weight?"},
		{"override of a value", "loss: {terms: [{kind: care}]}", []string{"loss.terms.0.weight=-1"},
			"override loss.terms.0.weight=-1: loss.terms[0].weight: must be in [0, 1e+06], got -1"},
		{"one base view", "augment: {base_views: 1}\nloss: {invariance: {kind: vicreg}}", nil,
			"x.yaml:1: augment.base_views: must be at least 2 for loss.invariance.kind vicreg, got 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Parse("x.yaml", []byte(c.text), c.overrides, nil)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}
