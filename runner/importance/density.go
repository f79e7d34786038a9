package importance

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// grid is a key's values as cells.
type grid struct {
	cells   int
	of      []int // the cell of every trial
	ordered bool  // cells that lie side by side are alike
}

// grid puts the values of a key that is set in all of the trials into cells.
func (k Key) grid(i int, trials []Trial) grid {
	if k.Kind == Numbers {
		return k.numbers(i, trials)
	}
	var values []string
	for _, t := range trials {
		if !slices.Contains(values, t.Values[i]) {
			values = append(values, t.Values[i])
		}
	}
	if k.Kind == Steps {
		slices.SortFunc(values, func(a, b string) int {
			if parsed(a) < parsed(b) {
				return -1
			}
			return 1
		})
	}
	g := grid{cells: len(values), ordered: k.Kind == Steps}
	for _, t := range trials {
		g.of = append(g.of, slices.Index(values, t.Values[i]))
	}
	return g
}

// numbers puts numbers into evenly spaced cells.
func (k Key) numbers(i int, trials []Trial) grid {
	scale := func(x float64) float64 { return x }
	if k.Log {
		scale = math.Log
	}
	g := grid{cells: Cells, ordered: true}
	if k.Step > 0 && !k.Log {
		g.cells = max(2, min(Cells, int(math.Round((k.High-k.Low)/k.Step))+1))
	}
	low, high := scale(k.Low), scale(k.High)
	width := (high - low) / float64(g.cells-1)
	for _, t := range trials {
		// A value in the middle between two cells is the lower one's.
		cell := int(math.Ceil((scale(parsed(t.Values[i]))-low)/width - 0.5))
		g.of = append(g.of, min(max(cell, 0), g.cells-1))
	}
	return g
}

// density is the mixture over the cells, of which each has so many values.
func (g grid) density(counts []float64) []float64 {
	if g.ordered {
		return g.normal(counts)
	}
	return g.categories(counts)
}

// categories is the mixture of kernels that have one category more than the others.
func (g grid) categories(counts []float64) []float64 {
	total, kernels := 1., 1. // the one that knows nothing
	for _, c := range counts {
		if total += c; c > 0 {
			kernels++
		}
	}
	k := float64(g.cells)
	p := make([]float64, g.cells)
	for x := range p {
		p[x] = 1 / k
		for at, c := range counts {
			mass := 1 / kernels
			if at == x {
				mass++
			}
			p[x] += c * mass / (1 + k/kernels)
		}
		p[x] /= total
	}
	return p
}

// leastDeviation lets nine tenths of a kernel lie in its cell.
const leastDeviation = 0.5 / 1.64

// normal is the mixture of normal distributions.
func (g grid) normal(counts []float64) []float64 {
	n, mean := 0., 0.
	for x, c := range counts {
		n += c
		mean += c * float64(x)
	}
	mean /= n
	squares := 0.
	for x, c := range counts {
		squares += c * (float64(x) - mean) * (float64(x) - mean)
	}
	between := float64(quartile(counts, math.Floor(3*n/4), true) - quartile(counts, math.Floor(n/4), false))
	scott := 1.059 * min(between/1.34, math.Sqrt(squares/max(1, n-1))) * math.Pow(n, -0.2)
	p := make([]float64, g.cells)
	for x, c := range counts {
		if c > 0 {
			g.kernel(p, c/(n+1), float64(x), max(scott, leastDeviation))
		}
	}
	g.kernel(p, 1/(n+1), float64(g.cells-1)/2, float64(g.cells))
	return p
}

// quartile is the first cell up to which there are so many values, or more than that; else the last that has any.
func quartile(counts []float64, of float64, more bool) (cell int) {
	sum := 0.
	for x, c := range counts {
		if c == 0 {
			continue
		}
		cell, sum = x, sum+c
		if sum > of || sum == of && !more {
			break
		}
	}
	return cell
}

// kernel adds a normal distribution, cut off at the ends of the grid, with a weight.
func (g grid) kernel(p []float64, weight, mean, deviation float64) {
	of := distuv.Normal{Mu: mean, Sigma: deviation}
	low, high := of.CDF(-0.5), of.CDF(float64(g.cells)-0.5)
	before := low
	for x := range p {
		upTo := of.CDF(float64(x) + 0.5)
		p[x] += weight * (upTo - before) / (high - low)
		before = upTo
	}
}

// least keeps a cell that nothing falls into from dividing by 0.
const least = 1e-12

// divergence is Pearson's of p from q.
func divergence(p, q []float64) (sum float64) {
	for x := range q {
		off := (p[x]+least)/(q[x]+least) - 1
		sum += (q[x] + least) * off * off
	}
	return sum
}
