package search

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// TPE proposes points of a space by the Parzen estimator that the package describes.
type TPE struct {
	Space    Space
	Seed     uint64
	Maximize bool // the larger a value, the better; else the smaller
	Startup  int  // how many trials are drawn from the prior first, from 1
	Draws    int  // from the good group's mixture, for one proposal, from 1
}

// DefaultTPE is what the package describes, of a space and a seed.
func DefaultTPE(s Space, seed uint64) TPE { return TPE{Space: s, Seed: seed, Startup: 10, Draws: 24} }

// Validate returns all faults of the settings, joined.
func (t TPE) Validate() error {
	faults := []error{t.Space.Validate()}
	if t.Startup < 1 || t.Draws < 1 {
		faults = append(faults, fmt.Errorf("startup and draws must be 1 or more, got %d and %d", t.Startup, t.Draws))
	}
	return errors.Join(faults...)
}

// Observation is what is known of a trial.
type Observation struct {
	Point []float64
	// Pending says that nothing is known of it yet.
	Pending bool
	// Failed says that it ended without a number. A Value that is NaN says the same.
	Failed bool
	Value  float64
	// Level is how far the trial came: a trial is better than all of lower levels, whatever their values.
	Level int
}

// bare says that no value is known.
func (o Observation) bare() bool { return o.Pending || o.Failed || math.IsNaN(o.Value) }

// goodShare and mostGood are the share of the observations that counts as good, and how many at most.
const (
	goodShare = 0.1
	mostGood  = 25
)

// Propose gives the point of trial number, from 0, where seen is known of those before it, in the order of their
// numbers. Where the caller can't run a point, it asks again with the next attempt, which is another draw. The settings
// and the space have no fault.
func (t TPE) Propose(number, attempt int, seen []Observation) []float64 {
	r := rand.New(rand.NewPCG(t.Seed, uint64(number)<<20|uint64(attempt)))
	good, others := t.split(seen)
	if ended(seen) < t.Startup || len(good) == 0 {
		return t.Space.draw(r)
	}
	l, g := newMixture(t.Space, good), newMixture(t.Space, others)
	var best []float64
	most := math.Inf(-1)
	for range t.Draws {
		x := l.draw(r)
		if ratio := l.logDensity(x) - g.logDensity(x); best == nil || ratio > most {
			best, most = x, ratio
		}
	}
	return best
}

// ended is how many of the observations are of trials that ended, or came to a level.
func ended(seen []Observation) (n int) {
	for _, o := range seen {
		if !o.Pending {
			n++
		}
	}
	return n
}

// split parts the points of the observations into the good ones and the others, each in the order of seen.
func (t TPE) split(seen []Observation) (good, others [][]float64) {
	var ranked []int
	for i, o := range seen {
		if !o.bare() {
			ranked = append(ranked, i)
		}
	}
	slices.SortStableFunc(ranked, func(a, b int) int {
		x, y := seen[a], seen[b]
		if t.Maximize {
			x.Value, y.Value = -x.Value, -y.Value
		}
		return cmp.Or(cmp.Compare(y.Level, x.Level), cmp.Compare(x.Value, y.Value))
	})
	n := min(int(math.Ceil(goodShare*float64(ended(seen)))), mostGood, len(ranked))
	isGood := make([]bool, len(seen))
	for _, i := range ranked[:n] {
		isGood[i] = true
	}
	for i, o := range seen {
		if isGood[i] {
			good = append(good, o.Point)
		} else {
			others = append(others, o.Point)
		}
	}
	return good, others
}
