package loss

import (
	"fmt"
	"slices"
)

// Kinds of order terms.
const (
	KindRankNet = "ranknet" // pairwise logistic loss on distances
)

// OrderOptions sets a term over the views of the ordered families. Where a default depends on the kind, 0 (or an empty
// text) stands for it; a setting that a kind doesn't have must be left out.
type OrderOptions struct {
	Kind         string  `yaml:"kind"`          // ranknet (default), triplet, listmle, soft_spearman, chain, rank_n_contrast or none
	Distance     string  `yaml:"distance"`      // cosine (default), euclidean or sqeuclidean
	Temperature  float64 `yaml:"temperature"`   // of the differences of distance; ranknet 0.1; range [0.001, 100]
	Weight       float64 `yaml:"weight"`        // default 1, range [0, 1e6]
	Anchors      string  `yaml:"anchors"`       // origin (default) or all
	Output       string  `yaml:"output"`        // embedding (default), features, or own: a head on the features for each family
	Schedule     string  `yaml:"schedule"`      // of the weight: constant (default), linear or cosine, from 0 up
	Warmup       float64 `yaml:"warmup"`        // share of the training in which a schedule rises; default 0.1, range (0, 1]
	Margin       float64 `yaml:"margin"`        // by which distances must differ, of the kinds that have one; range [0, 100]
	ScaledMargin bool    `yaml:"scaled_margin"` // the margin is multiplied by the difference of scale; default false

	// Families sets single families apart; those that are not named are as the term says.
	Families map[string]FamilyOptions `yaml:"families,omitempty"`
}

// FamilyOptions is what an order term does differently for one family.
type FamilyOptions struct {
	Weight   float64 `yaml:"weight"`             // factor of the family's loss, beside the term's weight; default 1, range [0, 1e6]
	Output   string  `yaml:"output,omitempty"`   // embedding, features or own; default the term's
	Schedule string  `yaml:"schedule,omitempty"` // of this factor: constant (default), linear or cosine, from 0 up
	Warmup   float64 `yaml:"warmup,omitempty"`   // share of the training in which a schedule rises; default 0.1, range (0, 1]
}

// DefaultFamilyOptions returns those of a family that is as the others.
func DefaultFamilyOptions() FamilyOptions { return FamilyOptions{Weight: 1} }

// DefaultOrderOptions returns ranknet from the origin on the embedding with weight 1, unresolved.
func DefaultOrderOptions() OrderOptions {
	return OrderOptions{Kind: KindRankNet, Weight: 1, Anchors: AnchorsOrigin, Output: OutputEmbedding, Schedule: ScheduleConstant}
}

// orderKind is a kind of order term.
type orderKind struct {
	name     string
	defaults OrderOptions // of the settings whose default depends on the kind; zero: it doesn't have it
	build    func(OrderOptions) term
}

var orderKinds = []orderKind{
	{KindRankNet, OrderOptions{Distance: DistanceCosine, Temperature: 0.1},
		func(o OrderOptions) term { return &rankNetTerm{options: o} }},
}

func findOrder(kind string) (orderKind, bool) {
	for _, k := range orderKinds {
		if k.name == kind {
			return k, true
		}
	}
	return orderKind{}, false
}

// resolved fills in what was left at zero. What is left out keeps the values of ranknet, which mean nothing.
func (o OrderOptions) resolved() OrderOptions {
	kind := o.Kind
	if kind == KindNone {
		kind = KindRankNet
	}
	k, ok := findOrder(kind)
	if !ok {
		return o
	}
	fill(&o.Distance, k.defaults.Distance)
	fill(&o.Temperature, k.defaults.Temperature)
	fill(&o.Margin, k.defaults.Margin)
	fill(&o.Anchors, AnchorsOrigin)
	fill(&o.Output, OutputEmbedding)
	resolveSchedule(&o.Schedule, &o.Warmup)
	families := o.Families
	o.Families = nil
	for name, f := range families {
		if o.Families == nil {
			o.Families = map[string]FamilyOptions{}
		}
		if f.Schedule != "" {
			resolveSchedule(&f.Schedule, &f.Warmup)
		}
		o.Families[name] = f
	}
	return o
}

// validate adds the faults of resolved options.
func (o OrderOptions) validate(add func(error), prefix string) {
	if o.Kind == KindNone {
		return
	}
	k, ok := findOrder(o.Kind)
	if !ok {
		var names []string
		for _, k := range orderKinds {
			names = append(names, k.name)
		}
		add(oneOf(prefix+"kind", o.Kind, append(names, KindNone)...))
		return
	}
	add(oneOf(prefix+"distance", o.Distance, DistanceCosine))
	add(ofKind(prefix+"temperature", o.Kind, o.Temperature, k.defaults.Temperature, minOrderTemperature, maxTemperature))
	add(within(prefix+"weight", o.Weight, 0, maxWeight))
	add(oneOf(prefix+"anchors", o.Anchors, AnchorsOrigin, AnchorsAll))
	add(oneOf(prefix+"output", o.Output, OutputEmbedding, OutputFeatures, OutputOwn))
	validateSchedule(add, prefix, o.Schedule, o.Warmup)
	add(ofKind(prefix+"margin", o.Kind, o.Margin, k.defaults.Margin, 0, 100))
	if o.ScaledMargin && k.defaults.Margin == 0 {
		add(fmt.Errorf("%sscaled_margin: %s has no margin; leave it out", prefix, o.Kind))
	}
	var names []string
	for name := range o.Families {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, at := o.Families[name], prefix+"families."+name+"."
		add(within(at+"weight", f.Weight, 0, maxWeight))
		if f.Output != "" {
			add(oneOf(at+"output", f.Output, OutputEmbedding, OutputFeatures, OutputOwn))
		}
		if f.Schedule != "" {
			validateSchedule(add, at, f.Schedule, f.Warmup)
		}
	}
}
