package loss

import (
	"errors"
	"fmt"
	"math"
)

// Names that the options take.
const (
	KindNone    = "none"    // the term is left out
	KindNTXent  = "ntxent"  // invariance: multi-view NT-Xent
	KindRankNet = "ranknet" // order: pairwise logistic loss on distances

	DistanceCosine = "cosine" // 1 - cosine similarity, in [0, 2]

	AnchorsOrigin = "origin" // order as seen from the base views, where every family is at its origin
	AnchorsAll    = "all"    // order as seen from every view of a group

	OutputEmbedding = "embedding" // what the projector gives
	OutputFeatures  = "features"  // what the backbone gives
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
}

// InvarianceOptions sets the term over the base views.
type InvarianceOptions struct {
	Kind        string  `yaml:"kind"`        // ntxent (default) or none
	Temperature float64 `yaml:"temperature"` // of the similarities; default 0.5, range [0.005, 100]
	Weight      float64 `yaml:"weight"`      // default 1, range [0, 1e6]
	Output      string  `yaml:"output"`      // embedding (default) or features
}

// OrderOptions sets the term over the views of the ordered families.
type OrderOptions struct {
	Kind        string  `yaml:"kind"`        // ranknet (default) or none
	Distance    string  `yaml:"distance"`    // cosine (default)
	Temperature float64 `yaml:"temperature"` // of the differences of distance; default 0.1, range [0.001, 100]
	Weight      float64 `yaml:"weight"`      // default 1, range [0, 1e6]
	Anchors     string  `yaml:"anchors"`     // origin (default) or all
	Output      string  `yaml:"output"`      // embedding (default) or features
}

// DefaultOptions returns the defaults: NT-Xent with temperature 0.5 and RankNet from the origin with temperature 0.1,
// both on the embedding with weight 1.
func DefaultOptions() Options {
	return Options{
		Invariance: InvarianceOptions{Kind: KindNTXent, Temperature: 0.5, Weight: 1, Output: OutputEmbedding},
		Order: OrderOptions{Kind: KindRankNet, Distance: DistanceCosine, Temperature: 0.1, Weight: 1,
			Anchors: AnchorsOrigin, Output: OutputEmbedding},
	}
}

// Validate returns all faults of the options, joined. A term of kind none is not looked at further.
func (o Options) Validate() error {
	var faults []error
	add := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	i, r := o.Invariance, o.Order
	add(oneOf("invariance.kind", i.Kind, KindNTXent, KindNone))
	if i.Kind != KindNone {
		add(within("invariance.temperature", i.Temperature, minInvarianceTemperature, maxTemperature))
		add(within("invariance.weight", i.Weight, 0, maxWeight))
		add(oneOf("invariance.output", i.Output, OutputEmbedding, OutputFeatures))
	}
	add(oneOf("order.kind", r.Kind, KindRankNet, KindNone))
	if r.Kind != KindNone {
		add(oneOf("order.distance", r.Distance, DistanceCosine))
		add(within("order.temperature", r.Temperature, minOrderTemperature, maxTemperature))
		add(within("order.weight", r.Weight, 0, maxWeight))
		add(oneOf("order.anchors", r.Anchors, AnchorsOrigin, AnchorsAll))
		add(oneOf("order.output", r.Output, OutputEmbedding, OutputFeatures))
	}
	if i.Kind == KindNone && r.Kind == KindNone {
		add(errors.New("invariance.kind and order.kind: must not both be none, or nothing is learnt"))
	}
	return errors.Join(faults...)
}

func oneOf(key, got string, allowed ...string) error {
	for _, a := range allowed {
		if got == a {
			return nil
		}
	}
	list := allowed[0]
	for i, a := range allowed[1:] {
		if i == len(allowed)-2 {
			list += " or " + a
		} else {
			list += ", " + a
		}
	}
	return fmt.Errorf("%s: must be %s, got %q", key, list, got)
}

func within(key string, got, low, high float64) error {
	if math.IsNaN(got) || got < low || got > high {
		return fmt.Errorf("%s: must be in [%g, %g], got %g", key, low, high, got)
	}
	return nil
}
