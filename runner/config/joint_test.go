package config_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/fault"
	"ordo/runner/config"
)

const joint = `
augment:
  invariant:
    - {family: zoom, max: 1.5, with: [{family: noise}]}
  ordered:
    - {family: rotate, max: 90, levels: 2, with: [{family: blur, max: 3}, {family: hue}]}
    - {family: rotate}
  roles: {rotate+blur+hue: invariant}
loss:
  order: {families: {rotate+blur+hue: {weight: 2}, hue+blur: {weight: 0}}}
  terms: [{kind: triplet, families: {rotate+blur+hue: {weight: 3}}}]
`

func TestJointFamilies(t *testing.T) {
	e := parse(t, joint, "augment.ordered.0.with.1.max=0.2", "augment.roles.rotate=absent",
		"loss.order.families.rotate+blur+hue.output=own", "loss.terms.0.families.rotate+blur+hue.weight=4")
	ordered := []augment.Family{
		{Family: "rotate", Max: 90, Levels: 2, With: []augment.Member{{Family: "blur", Max: 3}, {Family: "hue", Max: 0.2}}},
		{Family: "rotate", Max: 180, Levels: 3},
	}
	if !reflect.DeepEqual(e.Augment.Ordered, ordered) {
		t.Errorf("ordered %+v, want %+v", e.Augment.Ordered, ordered)
	}
	invariant := augment.Family{Family: "zoom", Max: 1.5, With: []augment.Member{{Family: "noise", Max: 0.2}}}
	if got := *e.Augment.Invariant[0].Family; !reflect.DeepEqual(got, invariant) {
		t.Errorf("invariant %+v, want %+v", got, invariant)
	}
	if want := map[string]string{
		"rotate+blur+hue": "invariant",
		"rotate":          "absent",
	}; !reflect.DeepEqual(
		e.Augment.Roles,
		want,
	) {
		t.Errorf("roles %v, want %v", e.Augment.Roles, want)
	}
	if want := map[string]loss.FamilyOptions{
		"rotate+blur+hue": {Weight: 2, Output: loss.OutputOwn},
		"hue+blur":        {},
	}; !reflect.DeepEqual(
		e.Loss.Order.Families,
		want,
	) {
		t.Errorf("families %+v, want %+v", e.Loss.Order.Families, want)
	}
	if got := e.Loss.Terms[0].Order.Families["rotate+blur+hue"].Weight; got != 4 {
		t.Errorf("weight %v in the term, want 4", got)
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
	for _, override := range []string{"augment.ordered.0.with=[{family: blur, max: 3}, {family: hue, max: 0.2}]",
		"augment.ordered.0.with.1={family: hue, max: 0.2}"} {
		if other := parse(t, string(text), override); !reflect.DeepEqual(e, other) {
			t.Errorf("%s gave %+v", override, other.Augment.Ordered)
		}
	}
	if other := parse(t, string(text), "augment.ordered.0.with.1.max=0.1"); other.Hash() == e.Hash() {
		t.Error("a member's max doesn't change the hash")
	}
	if parse(t, design).Hash() != parse(t, design, "augment.ordered.0.with=[]").Hash() {
		t.Error("an empty list changes the hash")
	}
}

func TestFaultsOfJointFamilies(t *testing.T) {
	for _, c := range []struct {
		text      string
		overrides []string
		want      []string // the lines of the error, each by its beginning
	}{
		{"augment:\n  ordered:\n    - family: rotate\n      with:\n        - {family: blr}\n        - {max: 1}\n" +
			"        - hue\n        - {family: blur, mx: 1}", nil, []string{
			"x.yaml:5: augment.ordered[0].with[0].family: must be one of rotate,",
			"x.yaml:6: augment.ordered[0].with[1]: must name a family",
			"x.yaml:7: augment.ordered[0].with[2]: must be a family",
			"x.yaml:8: augment.ordered[0].with[3].mx: unknown key; did you mean max?",
		}},
		{"augment: {ordered: [{family: rotate, with: [{family: blur, levels: 2, signed: true}]}]}", nil, []string{
			"x.yaml:1: augment.ordered[0].with[0].levels: belongs to the whole entry",
			"x.yaml:1: augment.ordered[0].with[0].signed: belongs to the whole entry",
		}},
		{"augment: {ordered: [{family: rotate, with: {family: blur}}]}", nil,
			[]string{"x.yaml:1: augment.ordered[0].with: must be a list, each entry a family, like " +
				"{family: blur, max: 2}, found a map"}},
		{joint,
			[]string{"augment.ordered.0.with.0.maxx=1", "augment.ordered.0.with.2.max=1", "augment.ordered.0.with.0.max.0=1"},
			[]string{
				"override augment.ordered.0.with.0.maxx=1: augment.ordered.0.with.0.maxx: unknown key; did you mean " +
					"augment.ordered.0.with.0.max?",
				`override augment.ordered.0.with.2.max=1: augment.ordered.0.with.2.max: "2" is no index of a list of 2 entries`,
				"override augment.ordered.0.with.0.max.0=1: augment.ordered.0.with.0.max.0: unknown key; did you mean " +
					"augment.ordered.0.with.0.max?",
			}},
		{joint, []string{"augment.ordered.0.with.1.max=9"},
			[]string{"override augment.ordered.0.with.1.max=9: augment.ordered[0].with[1].max: " +
				"must be in (0, 0.5] turns, got 9"}},
		{"augment: {roles: {rotate+spin: absent, rotate+: absent}}", nil,
			[]string{`x.yaml:1: "rotate+": keys are lower_snake_case`}},
		{"augment: {roles: {rotate+spin: absent, rotate+rotate: absent}}", nil, []string{
			"x.yaml:1: augment.roles.rotate+rotate: unknown key; did you mean augment.roles.rotate?",
			"x.yaml:1: augment.roles.rotate+spin: unknown key; did you mean augment.roles.rotate?",
		}},
		{"augment: {roles: {rotate+blur: absent}}", nil,
			[]string{"x.yaml:1: augment.roles.rotate+blur: no entry of `ordered` has this family"}},
		{"loss: {order: {families: {rotate+blur: {wight: 1}}}}", nil,
			[]string{"x.yaml:1: loss.order.families.rotate+blur.wight: unknown key; did you mean " +
				"loss.order.families.rotate+blur.weight?"}},
		{"loss: {terms: [{kind: ranknet, families: {rotate+spin: {}}}]}", nil,
			[]string{`x.yaml:1: loss.terms[0].families.rotate+spin: no family is called "rotate+spin"`}},
	} {
		_, err := config.Parse("x.yaml", []byte(c.text), c.overrides, nil)
		if !errors.Is(err, fault.Config) {
			t.Errorf("%s %v: got %v, want a fault of kind Config", c.text, c.overrides, err)
			continue
		}
		if got := strings.Split(err.Error(), "\n"); !slices.EqualFunc(got, c.want, strings.HasPrefix) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	for _, path := range []string{"augment.ordered.INDEX.with", "augment.ordered.INDEX.with.INDEX.family",
		"augment.invariant.INDEX.with.INDEX.max"} {
		if !slices.ContainsFunc(config.Keys(), func(k config.Key) bool { return k.Path == path }) {
			t.Errorf("Keys lacks %s", path)
		}
	}
}
