package loss

import (
	"fmt"
	"maps"
	"slices"
)

// Kinds of order terms.
const (
	KindRankNet       = "ranknet"         // pairwise logistic loss on distances
	KindTriplet       = "triplet"         // pairwise hinge on distances
	KindListMLE       = "listmle"         // likelihood of the order in Plackett and Luce's model
	KindSoftSpearman  = "soft_spearman"   // one minus the rank correlation, the ranks being soft
	KindChain         = "chain"           // logistic loss on the distances of neighbours in the order
	KindRankNContrast = "rank_n_contrast" // contrast of ranks across the batch
	KindRelativeScale = "relative_scale"  // differences of scale, read off the features
)

// Range of margins. A cosine distance is at most 2.
const (
	maxMargin       = 100
	maxMarginCosine = 2
)

// OrderOptions sets a term over the views of the ordered families. Where a default depends on the kind, 0 (or an empty
// text) stands for it; a setting that a kind doesn't have must be left out.
type OrderOptions struct {
	// Kind is what keeps the order: ranknet (default), triplet, listmle, soft_spearman, chain, rank_n_contrast,
	// relative_scale or none.
	Kind string `yaml:"kind"`
	// Distance between views: cosine (default), euclidean (rank_n_contrast; relative_scale, which has no other) or
	// sqeuclidean.
	Distance string `yaml:"distance"`
	// Temperature divides distances: by 0.1, for rank_n_contrast by 2, unless set; range [0.001, 100]; triplet and
	// relative_scale have none.
	Temperature float64 `yaml:"temperature"`
	// Weight is the term's factor; default 1, range [0, 1e6]. With 0 it only watches how its gradient lies to invariance.
	Weight float64 `yaml:"weight"`
	// Anchors are the views that the order is seen from: origin (default) or all (rank_n_contrast, relative_scale).
	Anchors string `yaml:"anchors"`
	// Output is what the term looks at: embedding (default), features, or own, a head on the features for each family
	// (relative_scale, which has no other).
	Output   string `yaml:"output"`
	Schedule string `yaml:"schedule"` // course of the weight: constant (default), linear or cosine, from 0 up
	// Warmup is the share of the training in which a schedule rises; 0.1 where it is left out; range (0, 1].
	Warmup float64 `yaml:"warmup"`
	// Margin is how much further the one must be than the other: triplet 0.2, range (0, 100]; chain 0, range [0, 100]. It
	// is at most 2 for cosine. The others have none.
	Margin float64 `yaml:"margin"`
	// ScaledMargin multiplies the margin of triplet by how much further the one is than the other by scale. Default false.
	ScaledMargin bool `yaml:"scaled_margin"`

	// Families sets single families apart; those that are not named are as the term says. Names that an experiment does
	// not order are passed over, so that a sweep over roles can keep them.
	Families map[string]FamilyOptions `yaml:"families,omitempty"`
}

// FamilyOptions is what an order term does differently for one family.
type FamilyOptions struct {
	// Weight is the factor of the family's loss, beside the term's weight; default 1, range [0, 1e6].
	Weight float64 `yaml:"weight"`
	// Output is what the family's loss looks at: embedding, features or own; default: as the term.
	Output   string `yaml:"output,omitempty"`
	Schedule string `yaml:"schedule,omitempty"` // course of this factor: constant (default), linear or cosine, from 0 up
	// Warmup is the share of the training in which a schedule rises; 0.1 where it is left out; range (0, 1].
	Warmup float64 `yaml:"warmup,omitempty"`
}

// DefaultFamilyOptions returns the options of a family that is as the others: weight 1.
func DefaultFamilyOptions() FamilyOptions { return FamilyOptions{Weight: 1} }

// defaultOrderOptions returns ranknet on the embedding with weight 1, unresolved.
func defaultOrderOptions() OrderOptions {
	return OrderOptions{Kind: KindRankNet, Weight: 1, Schedule: ScheduleConstant}
}

func (o OrderOptions) head() head {
	return head{roleOrder, o.Kind, o.Weight, o.Schedule, o.Warmup}
}

// resolved fills in what was left at zero. What is left out keeps the values of ranknet, which mean nothing.
func (o OrderOptions) resolved() OrderOptions {
	name := o.Kind
	if name == KindNone {
		name = KindRankNet
	}
	k, ok := findKind(roleOrder, name)
	if !ok {
		return o
	}
	d := k.defaults.Order
	fill(&o.Distance, d.Distance)
	fill(&o.Temperature, d.Temperature)
	fill(&o.Margin, d.Margin)
	fill(&o.Anchors, d.Anchors)
	fill(&o.Output, d.Output)
	resolveSchedule(&o.Schedule, &o.Warmup)
	o.Families = maps.Clone(o.Families)
	for name, f := range o.Families {
		if f.Schedule != "" {
			resolveSchedule(&f.Schedule, &f.Warmup)
		}
		o.Families[name] = f
	}
	return o
}

func (o OrderOptions) resolvedTerm() TermOptions {
	o = o.resolved()
	return TermOptions{Order: &o}
}

func (o OrderOptions) validate(add func(error), prefix string, k kind) {
	add(oneOf(prefix+"distance", o.Distance, k.distances...))
	d := k.defaults.Order
	add(ofKind(prefix+"temperature", o.Kind, o.Temperature, d.Temperature, minOrderTemperature, maxTemperature))
	add(oneOf(prefix+"anchors", o.Anchors, AnchorsOrigin, AnchorsAll))
	add(oneOf(prefix+"output", o.Output, k.outputs...))
	o.validateMargin(add, prefix, k)
	for _, name := range slices.Sorted(maps.Keys(o.Families)) {
		f, at := o.Families[name], prefix+"families."+name+"."
		add(within(at+"weight", f.Weight, 0, maxWeight))
		if f.Output != "" {
			add(oneOf(at+"output", f.Output, k.outputs...))
		}
		switch {
		case f.Schedule != "":
			validateSchedule(add, at, f.Schedule, f.Warmup)
		case f.Warmup != 0:
			add(fmt.Errorf("%swarmup: has no meaning without a schedule, got %g", at, f.Warmup))
		}
	}
}

func (o OrderOptions) validateMargin(add func(error), prefix string, k kind) {
	high := float64(maxMargin)
	if o.Distance == DistanceCosine {
		high = maxMarginCosine
	}
	switch {
	case k.defaults.Order.Margin != 0 || slices.Contains(k.also, "margin"):
		add(within(prefix+"margin", o.Margin, 0, high))
	case o.Margin != 0:
		add(foreign(prefix+"margin", o.Kind, o.Margin))
	}
	if o.ScaledMargin && !slices.Contains(k.also, "scaled_margin") {
		add(foreign(prefix+"scaled_margin", o.Kind, o.ScaledMargin))
	}
}
