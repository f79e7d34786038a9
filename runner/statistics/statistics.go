package statistics

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Level is that of every interval and test: 95 % intervals.
const Level = 0.05

// Summary is the mean of N numbers, their sample standard deviation, and the interval of the mean; one number has
// neither.
type Summary struct {
	Mean float64  `json:"mean"`
	Std  *float64 `json:"std"` // sqrt(Σ(x-mean)²/(N-1)); null for N = 1
	Low  *float64 `json:"low"` // of the interval; null for N = 1
	High *float64 `json:"high"`
	N    int      `json:"n"`
}

// Summarise takes at least one number.
func Summarise(xs []float64) *Summary {
	s := Summary{N: len(xs)}
	for _, x := range xs {
		s.Mean += x / float64(len(xs))
	}
	if len(xs) < 2 {
		return &s
	}
	var squares float64
	for _, x := range xs {
		squares += (x - s.Mean) * (x - s.Mean)
	}
	free := float64(len(xs) - 1)
	std := math.Sqrt(squares / free)
	half := distuv.StudentsT{Sigma: 1, Nu: free}.Quantile(1-Level/2) * std / math.Sqrt(float64(len(xs)))
	low, high := s.Mean-half, s.Mean+half
	s.Std, s.Low, s.High = &std, &low, &high
	return &s
}

// Difference is the mean of the differences of N pairs.
type Difference struct {
	Value float64  `json:"value"`
	Low   *float64 `json:"low"` // of the interval; null for N = 1
	High  *float64 `json:"high"`
	P     *float64 `json:"p"` // of no difference, two-sided; null for N = 1
	N     int      `json:"n"`
}

// Paired is the difference of what belongs together, xs less ys, which are equally many and at least one.
func Paired(xs, ys []float64) *Difference {
	pairs := make([]float64, len(xs))
	for i := range xs {
		pairs[i] = xs[i] - ys[i]
	}
	s := Summarise(pairs)
	d := Difference{Value: s.Mean, Low: s.Low, High: s.High, N: s.N}
	if s.Std != nil {
		p := tail(s.Mean, *s.Std/math.Sqrt(float64(s.N)), float64(s.N-1))
		d.P = &p
	}
	return &d
}

// tail is how likely a value as far from 0 as this is by chance, with its standard error and degrees of freedom.
func tail(value, off, free float64) float64 {
	switch {
	case off > 0:
		return 2 * distuv.StudentsT{Sigma: 1, Nu: free}.Survival(math.Abs(value)/off)
	case value != 0:
		return 0
	}
	return 1
}

// Sure says whether the interval doesn't hold 0.
func (d *Difference) Sure() bool { return d != nil && d.Low != nil && (*d.Low > 0 || *d.High < 0) }

// Holm adjusts p values of several tests.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted := make([]float64, len(p))
	largest := 0.
	for rank, i := range order {
		largest = max(largest, min(1, p[i]*float64(len(p)-rank)))
		adjusted[i] = largest
	}
	return adjusted
}
