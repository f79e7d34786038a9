package guard

import (
	"fmt"
	"math"

	"ordo/runner/eval"
)

// Reading is what was measured of a network's outputs at one point of its training.
type Reading struct {
	Images  int               `json:"images"`  // of the batch
	Outputs map[string]Spread `json:"outputs"` // by name: features, embedding
}

// Add adds what was measured of an output.
func (r *Reading) Add(images int, output string, s Spread) {
	if r.Outputs == nil {
		r.Outputs = map[string]Spread{}
	}
	r.Images, r.Outputs[output] = images, s
}

// Spread is how far apart images lie in an output.
type Spread struct {
	Deviation  eval.Value         `json:"deviation"`  // share of that of even directions; 0: all images are one vector
	Clustering eval.Value         `json:"clustering"` // self-clustering; 1: all are one direction, 0: they are even
	Rank       eval.EffectiveRank `json:"rank"`       // RankMe, and its share of what so many images can have
}

// Measure measures the rows of an output, an image a row. Of rows that are all zero only the deviation is defined,
// which is 0. Errors: rows that are not finite (fault.Numeric).
func Measure(rows eval.Rows) (Spread, error) {
	deviation, err := eval.NormalisedDeviation(rows)
	if err != nil {
		return Spread{}, fmt.Errorf("guard: %w", err)
	}
	clustering, err := eval.SelfClusteringOf(rows)
	if err != nil {
		return Spread{}, fmt.Errorf("guard: %w", err)
	}
	rank, err := eval.RankMe(rows, eval.DefaultRankMeOptions())
	if err != nil {
		return Spread{}, fmt.Errorf("guard: %w", err)
	}
	return Spread{eval.Defined(deviation.Share), clustering.Value, rank}, nil
}

// number is one of the three that are held against their past.
type number struct {
	name   string // in JSON
	says   string // to people
	of     func(Spread) eval.Value
	health func(float64) float64 // falls with collapse, 0 where it is complete
	share  float64               // of the best health that is low
}

var numbers = []number{
	{
		name: "deviation", says: "normalised deviation", of: func(s Spread) eval.Value { return s.Deviation },
		health: func(x float64) float64 { return x }, share: 0.25,
	}, {
		name: "clustering", says: "self-clustering", of: func(s Spread) eval.Value { return s.Clustering },
		health: func(x float64) float64 { return 1 - x }, share: 0.25,
	}, {
		name: "rank", says: "effective rank", of: func(s Spread) eval.Value { return s.Rank.Rank },
		health: math.Log, share: 0.4,
	},
}
