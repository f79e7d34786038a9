package search

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Kinds of parameters.
const (
	Choice  = "choice"  // one of some things; its value is their index, from 0
	Uniform = "uniform" // a number in [Low, High]
	Log     = "log"     // a number in [Low, High], uniform in its logarithm; Low > 0
	Integer = "integer" // a whole number in [Low, High]
	Normal  = "normal"  // a number of mean Mean and deviation Deviation, without bounds
)

// Parameter is what a value is drawn from.
type Parameter struct {
	Kind string
	// Probabilities are those of the choices, which add up to 1: there are as many.
	Probabilities   []float64
	Low, High       float64 // of Uniform, Log and Integer
	Mean, Deviation float64 // of Normal
	// Step rounds a drawn number to its multiples; 0: it isn't rounded. An Integer's is 1, whatever this says.
	Step float64
	When []Condition // that must all be met for the parameter to have a value; nil: it always has one
}

// Condition is that a parameter that comes before has one of some values.
type Condition struct {
	Parameter int // its index in the space
	Values    []float64
}

// Space are the parameters of a search. A point of it has a value for each, NaN where a condition isn't met.
type Space []Parameter

// Validate returns all faults of the space, joined.
func (s Space) Validate() error {
	var faults []error
	for i, p := range s {
		if err := p.fault(); err != nil {
			faults = append(faults, fmt.Errorf("parameter %d: %w", i, err))
		}
		for _, c := range p.When {
			if c.Parameter < 0 || c.Parameter >= i {
				faults = append(faults, fmt.Errorf("parameter %d: its condition is about parameter %d, which is none before it",
					i, c.Parameter))
			}
		}
	}
	return errors.Join(faults...)
}

func (p Parameter) fault() error {
	finite := func(xs ...float64) bool {
		return !slices.ContainsFunc(xs, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	}
	sum := 0.
	for _, q := range p.Probabilities {
		if sum += q; q < 0 {
			return fmt.Errorf("a probability is %v", q)
		}
	}
	switch {
	case p.Kind == Choice && !(math.Abs(sum-1) < 1e-6):
		return fmt.Errorf("the probabilities of its %d choices add up to %v", len(p.Probabilities), sum)
	case p.Kind == Choice:
	case !finite(p.Low, p.High, p.Mean, p.Deviation, p.Step) || p.Step < 0:
		return errors.New("its numbers are out of range")
	case p.Kind == Normal && p.Deviation <= 0:
		return fmt.Errorf("its deviation is %v", p.Deviation)
	case p.Kind == Normal:
	case p.Kind != Uniform && p.Kind != Log && p.Kind != Integer:
		return fmt.Errorf("%q is no kind", p.Kind)
	case p.Low > p.High || p.Low == p.High && p.Kind != Integer:
		return fmt.Errorf("its bounds are %v and %v", p.Low, p.High)
	case p.Kind == Log && p.Low <= 0:
		return fmt.Errorf("the logarithm of its lower bound %v isn't there", p.Low)
	}
	return nil
}

// meets says whether a parameter has a value where those before it are these.
func (p Parameter) meets(before []float64) bool {
	return !slices.ContainsFunc(p.When, func(c Condition) bool {
		return !slices.Contains(c.Values, before[c.Parameter])
	})
}

// step is the distance of its values; 0: they are not apart.
func (p Parameter) step() float64 {
	if p.Kind == Integer {
		return 1
	}
	return p.Step
}

// edges are the bounds of what is rounded to a value: half a step beyond them for whole numbers, so that the first and
// the last are as likely as the others.
func (p Parameter) edges() (low, high float64) {
	switch p.Kind {
	case Integer:
		return p.Low - 0.5, p.High + 0.5
	case Normal:
		return math.Inf(-1), math.Inf(1)
	}
	return p.Low, p.High
}

// into and out turn a value into the coordinate in which the parameter is uniform or normal, and back.
func (p Parameter) into(x float64) float64 {
	if p.Kind == Log {
		return math.Log(x)
	}
	return x
}

func (p Parameter) out(u float64) float64 {
	x := u
	if p.Kind == Log {
		x = math.Exp(u)
	}
	low, high := p.edges()
	x = min(max(x, low), high)
	if q := p.step(); q > 0 {
		n := min(max(math.Round(x/q), math.Round(p.lowest()/q)), math.Round(p.highest()/q))
		x = n * q
	}
	return x
}

func (p Parameter) lowest() float64 {
	if p.Kind == Normal {
		return math.Inf(-1)
	}
	return p.Low
}

func (p Parameter) highest() float64 {
	if p.Kind == Normal {
		return math.Inf(1)
	}
	return p.High
}

// cell are the coordinates that are rounded to the value x of a parameter with steps.
func (p Parameter) cell(x float64) (from, to float64) {
	low, high := p.edges()
	from, to = max(low, x-p.step()/2), min(high, x+p.step()/2)
	return p.into(from), p.into(max(from, to))
}

// prior draws a value.
func (p Parameter) prior(r *rand.Rand) float64 {
	switch p.Kind {
	case Choice:
		return float64(pick(r, p.Probabilities))
	case Normal:
		return p.out(p.Mean + p.Deviation*r.NormFloat64())
	}
	low, high := p.edges()
	a, b := p.into(low), p.into(high)
	return p.out(a + r.Float64()*(b-a))
}

// pick draws an index by its weights, which add up to 1 but for rounding.
func pick(r *rand.Rand, weights []float64) int {
	x := r.Float64()
	last := 0
	for i, w := range weights {
		if w <= 0 {
			continue
		}
		if last = i; x < w {
			break
		}
		x -= w
	}
	return last
}

// draw draws a point from the priors.
func (s Space) draw(r *rand.Rand) []float64 {
	x := make([]float64, len(s))
	for i, p := range s {
		x[i] = math.NaN()
		if p.meets(x) {
			x[i] = p.prior(r)
		}
	}
	return x
}
