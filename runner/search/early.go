package search

import (
	"cmp"
	"math"
	"slices"
)

// Halving is asynchronous successive halving: which trials go on from a rung.
type Halving struct {
	Min      int // the first rung's epoch, from 1
	Eta      int // of how many trials one goes on, from 2; rungs are that factor apart
	Maximize bool
}

// Next is the first rung behind an epoch of a training of so many epochs; its end, if there is none.
func (h Halving) Next(epoch, epochs int) int {
	rung := h.Min
	for rung <= epoch && rung < epochs {
		rung *= h.Eta
	}
	return min(rung, epochs)
}

// Paused is a trial that came to a rung.
type Paused struct {
	Trial int
	Value float64 // there; NaN is the worst
	// Gone says that it is not to be promoted: it has been, or it was stopped.
	Gone bool
}

// Promote gives the trial of a rung that goes on next; ok is false where none is good enough yet. Of equal values that
// of the lower number is the better.
func (h Halving) Promote(rung []Paused) (trial int, ok bool) {
	ranked := slices.Clone(rung)
	slices.SortFunc(ranked, func(a, b Paused) int {
		return cmp.Or(compare(a.Value, b.Value, h.Maximize), cmp.Compare(a.Trial, b.Trial))
	})
	for _, p := range ranked[:len(ranked)/h.Eta] {
		if !p.Gone && !math.IsNaN(p.Value) {
			return p.Trial, true
		}
	}
	return 0, false
}

// compare puts the better value first, NaN last.
func compare(a, b float64, maximize bool) int {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return -cmp.Compare(a, b) // NaN is below all numbers
	case maximize:
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// Median is the median stopping rule.
type Median struct {
	Trials   int // how many must be finished before one is stopped, from 1
	Maximize bool
}

// Stops says whether a trial with these values so far is to end, where the finished ones had these up to the same
// epoch. NaNs count as no values.
func (m Median) Stops(own []float64, finished [][]float64) bool {
	var means []float64
	for _, values := range finished {
		if x, n := sum(values); n > 0 {
			means = append(means, x/float64(n))
		}
	}
	if len(means) < m.Trials {
		return false
	}
	best := math.NaN()
	for _, x := range own {
		if compare(x, best, m.Maximize) < 0 {
			best = x
		}
	}
	return compare(best, median(means), m.Maximize) > 0
}

func sum(values []float64) (sum float64, n int) {
	for _, x := range values {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	return sum, n
}

// median is the middle of at least one number, or the mean of the two in the middle.
func median(xs []float64) float64 {
	slices.Sort(xs)
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}
