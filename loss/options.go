package loss

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Names that the options take.
const (
	KindNone = "none" // the term is left out

	DistanceCosine      = "cosine"      // 1 - cosine similarity, in [0, 2]
	DistanceEuclidean   = "euclidean"   // |a - b|
	DistanceSqEuclidean = "sqeuclidean" // |a - b|²

	AnchorsOrigin = "origin" // order as seen from the base views, where every family is at its origin
	AnchorsAll    = "all"    // order as seen from every view of a group

	OutputEmbedding = "embedding" // what the projector gives
	OutputFeatures  = "features"  // what the backbone gives
	OutputOwn       = "own"       // what a head on the features gives that is the term's or the family's own
)

// Ranges of the options. The lower bound of NT-Xent's temperature keeps exp((cos-1)/temperature) a normal float64.
const (
	minInvarianceTemperature = 0.005
	minOrderTemperature      = 0.001
	maxTemperature           = 100
	maxWeight                = 1e6
)

// Options is the `loss:` section of an experiment: a weighted sum of terms.
type Options struct {
	Invariance InvarianceOptions `yaml:"invariance"` // pulls the base views of an image together
	Order      OrderOptions      `yaml:"order"`      // keeps the order of scale of the ordered families
	Terms      []TermOptions     `yaml:"terms"`      // further terms of any kind; default none
}

// DefaultOptions returns the defaults: NT-Xent with temperature 0.5 and RankNet from the origin with temperature 0.1,
// both on the embedding with weight 1. Settings whose default depends on the kind are still zero; see Resolved.
func DefaultOptions() Options {
	return Options{Invariance: defaultInvarianceOptions(), Order: defaultOrderOptions()}
}

// Resolved returns the options with the default of the kind in place of every setting that is zero, or empty, and whose
// default depends on the kind.
func (o Options) Resolved() Options {
	o.Invariance = o.Invariance.resolved()
	o.Order = o.Order.resolved()
	terms := o.Terms
	o.Terms = nil
	for _, t := range terms {
		o.Terms = append(o.Terms, t.resolved())
	}
	return o
}

// Validate returns all faults of the resolved options, joined. A term of kind none is not looked at further.
func (o Options) Validate() error {
	o = o.Resolved()
	var faults []error
	add := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	validateTerm(o.Invariance, add, "invariance.")
	validateTerm(o.Order, add, "order.")
	for i, t := range o.Terms {
		t.validate(add, fmt.Sprintf("terms[%d].", i))
	}
	if o.Invariance.Kind == KindNone && o.Order.Kind == KindNone && len(o.Terms) == 0 {
		add(errors.New("invariance.kind and order.kind: must not both be none without any terms, or nothing is learnt"))
	}
	if len(faults) == 0 {
		_, _, err := o.target()
		add(err)
	}
	return errors.Join(faults...)
}

// keyed is a term's options and where they are in Options.
type keyed struct {
	key string
	TermOptions
}

// all returns the terms that are not left out, in order.
func (o Options) all() []keyed {
	var all []keyed
	if o.Invariance.Kind != KindNone {
		all = append(all, keyed{"invariance", TermOptions{Invariance: &o.Invariance}})
	}
	if o.Order.Kind != KindNone {
		all = append(all, keyed{"order", TermOptions{Order: &o.Order}})
	}
	for i, t := range o.Terms {
		all = append(all, keyed{fmt.Sprintf("terms[%d]", i), t})
	}
	return all
}

// target returns how the averaged network follows, if a term needs one. Terms must not disagree.
func (o Options) target() (TargetOptions, bool, error) {
	var first TargetOptions
	found := false
	for _, t := range o.all() {
		if t.Invariance == nil || t.Invariance.Momentum == 0 {
			continue
		}
		now := TargetOptions{t.Invariance.Momentum, t.Invariance.MomentumSchedule}
		if found && now != first {
			return first, true, fmt.Errorf("%s.momentum: must be that of the other term, %g (%s), "+
				"as there is one averaged network for all, got %g (%s)",
				t.key, first.Momentum, first.Schedule, now.Momentum, now.Schedule)
		}
		first, found = now, true
	}
	return first, found, nil
}

// fill sets what is zero to the default.
func fill[T comparable](setting *T, byKind T) {
	var zero T
	if *setting == zero {
		*setting = byKind
	}
}

// ofKind checks a setting that only some kinds have: those whose default for it is not zero.
func ofKind(key, kind string, got, byKind, low, high float64) error {
	if byKind != 0 {
		return within(key, got, low, high)
	}
	if got != 0 {
		return foreign(key, kind, got)
	}
	return nil
}

// foreign is the fault of a setting that the kind doesn't have.
func foreign(key, kind string, got any) error {
	return fmt.Errorf("%s: %s has no such setting; leave it out, got %v", key, kind, got)
}

func oneOf(key, got string, allowed ...string) error {
	for _, a := range allowed {
		if got == a {
			return nil
		}
	}
	list := allowed[0]
	if last := len(allowed) - 1; last > 0 {
		list = strings.Join(allowed[:last], ", ") + " or " + allowed[last]
	}
	return fmt.Errorf("%s: must be %s, got %q", key, list, got)
}

func within(key string, got, low, high float64) error {
	if math.IsNaN(got) || got < low || got > high {
		return fmt.Errorf("%s: must be in [%g, %g], got %g", key, low, high, got)
	}
	return nil
}
