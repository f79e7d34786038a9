package loss

import (
	"fmt"
)

// TermOptions is one entry of `loss.terms`: one of its fields is set, the one that knows the entry's kind. In YAML the
// entry holds the settings of that field.
type TermOptions struct {
	Invariance *InvarianceOptions
	Order      *OrderOptions
	Baseline   *BaselineOptions
}

// TermKinds returns the kinds that an entry of `loss.terms` can have.
func TermKinds() []string {
	var names []string
	for _, k := range invarianceKinds {
		names = append(names, k.name)
	}
	for _, k := range orderKinds {
		names = append(names, k.name)
	}
	for _, k := range baselineKinds {
		names = append(names, k.name)
	}
	return names
}

// DefaultTerm returns the resolved defaults of an entry of a kind, or an error for a name that is not in TermKinds.
func DefaultTerm(kind string) (TermOptions, error) {
	if _, ok := findInvariance(kind); ok {
		o := DefaultInvarianceOptions()
		o.Kind = kind
		return TermOptions{Invariance: &o}.resolved(), nil
	}
	if _, ok := findOrder(kind); ok {
		o := DefaultOrderOptions()
		o.Kind = kind
		return TermOptions{Order: &o}.resolved(), nil
	}
	if k, ok := findBaseline(kind); ok {
		o := k.defaults
		o.Kind = kind
		return TermOptions{Baseline: &o}.resolved(), nil
	}
	return TermOptions{}, fmt.Errorf("loss: %w", oneOf("kind", kind, TermKinds()...))
}

// Settings returns a pointer to the field that is set, or nil.
func (t TermOptions) Settings() any {
	switch {
	case t.Invariance != nil:
		return t.Invariance
	case t.Order != nil:
		return t.Order
	case t.Baseline != nil:
		return t.Baseline
	}
	return nil
}

// MarshalYAML gives the settings.
func (t TermOptions) MarshalYAML() (any, error) { return t.Settings(), nil }

// resolved returns a copy, as it doesn't share its settings with t.
func (t TermOptions) resolved() TermOptions {
	switch {
	case t.Invariance != nil:
		o := t.Invariance.resolved()
		t.Invariance = &o
	case t.Order != nil:
		o := t.Order.resolved()
		t.Order = &o
	case t.Baseline != nil:
		o := t.Baseline.resolved()
		t.Baseline = &o
	}
	return t
}

func (t TermOptions) validate(add func(error), prefix string) {
	set := 0
	for _, is := range []bool{t.Invariance != nil, t.Order != nil, t.Baseline != nil} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		add(fmt.Errorf("%skind: must be set for every entry, with the settings of that kind alone", prefix))
	case t.Invariance != nil && t.Invariance.Kind == KindNone, t.Order != nil && t.Order.Kind == KindNone:
		add(fmt.Errorf("%skind: must not be none in a list; leave the entry out", prefix))
	case t.Invariance != nil:
		t.Invariance.validate(add, prefix)
	case t.Order != nil:
		t.Order.validate(add, prefix)
	case t.Baseline != nil:
		t.Baseline.validate(add, prefix)
	}
}

// role is what a term wants, for the diagnostics that compare terms.
type role int

const (
	roleInvariance role = iota
	roleOrder
	roleBaseline
)

// member is a term of a Loss.
type member struct {
	term
	name     string
	role     role
	weight   float64
	schedule string
	warmup   float64
	needs    []Need   // of the views at hand
	outs     []Output // those of needs, with a gradient of the term's own
}

// build makes the term that resolved and valid options describe.
func (t TermOptions) build() member {
	switch {
	case t.Invariance != nil:
		o := *t.Invariance
		k, _ := findInvariance(o.Kind)
		return member{term: k.build(o), name: o.Kind, role: roleInvariance, weight: o.Weight, schedule: o.Schedule, warmup: o.Warmup}
	case t.Order != nil:
		o := *t.Order
		k, _ := findOrder(o.Kind)
		return member{term: k.build(o), name: o.Kind, role: roleOrder, weight: o.Weight, schedule: o.Schedule, warmup: o.Warmup}
	default:
		o := *t.Baseline
		k, _ := findBaseline(o.Kind)
		return member{term: k.build(o), name: o.Kind, role: roleBaseline, weight: o.Weight, schedule: o.Schedule, warmup: o.Warmup}
	}
}
