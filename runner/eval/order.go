package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// scaleTie is the difference up to which two scales count as equal.
const scaleTie = 1e-9

// OrderResult is how well the distances from the origin keep the order of a family's scale.
type OrderResult struct {
	Accuracy          float64   `json:"accuracy"`           // share of pairs in order, exact ties half; 0.5 is chance
	Pairs             int       `json:"pairs"`              // pairs of scales, over all images
	Ties              int       `json:"ties"`               // those of them whose distances are exactly equal
	Spearman          float64   `json:"spearman"`           // mean over the images, undefined ones with 0; 0 is chance
	SpearmanUndefined int       `json:"spearman_undefined"` // images whose distances are all equal
	Scales            []float64 `json:"scales"`             // [G] the grid
	Distance          []float64 `json:"distance"`           // [G] mean distance from the origin at every scale
}

// Grid returns levels scales from 0 to 1, evenly spaced. levels is at least 2.
func Grid(levels int) []float64 {
	s := make([]float64, levels)
	for i := range s {
		s[i] = float64(i) / float64(levels-1)
	}
	return s
}

// OrderAccuracy measures one family. z is [G, n, dim], grid-major: row g*n+i is image i at scales[g]. scales[0] is 0,
// the origin; the others are finite, not negative, and at least two of them differ. Errors: shapes and scales that are
// not so, and rows that are not finite, a fault of kind Numeric.
func OrderAccuracy(z []float32, scales []float64, n, dim int) (OrderResult, error) {
	if err := checkGrid(z, scales, n, dim); err != nil {
		return OrderResult{}, err
	}
	grid := len(scales)
	r := OrderResult{Scales: slices.Clone(scales), Distance: make([]float64, grid)}
	scaleRanks := ranks(scales[1:], scaleTie)
	origin, row := make([]float64, dim), make([]float64, dim)
	distance := make([]float64, grid)
	var right float64
	for i := range n {
		for g := range grid {
			to := row
			if g == 0 {
				to = origin
			}
			at := (g*n + i) * dim
			if !normalize(to, z[at:at+dim]) {
				return OrderResult{}, nonFinite(fmt.Sprintf("scale %g: image", scales[g]), i)
			}
			if g > 0 {
				distance[g] = 1 - dot(origin, row)
				r.Distance[g] += distance[g] / float64(n)
			}
		}
		right += r.count(scales[1:], distance[1:])
		if rho, ok := rankCorrelation(scaleRanks, ranks(distance[1:], 0)); ok {
			r.Spearman += rho / float64(n)
		} else {
			r.SpearmanUndefined++
		}
	}
	r.Accuracy = right / float64(r.Pairs)
	return r, nil
}

func checkGrid(z []float32, scales []float64, n, dim int) error {
	if n < 1 || dim < 1 {
		return fmt.Errorf("eval: order: %d images with rows of %d values", n, dim)
	}
	if len(z) != len(scales)*n*dim {
		return fmt.Errorf("eval: order: %d scales of %d images with rows of %d values need %d values, got %d",
			len(scales), n, dim, len(scales)*n*dim, len(z))
	}
	if len(scales) == 0 || scales[0] != 0 {
		return errors.New("eval: order: the first scale must be 0, the origin")
	}
	differ := false
	for _, s := range scales[1:] {
		if math.IsNaN(s) || math.IsInf(s, 0) || s < 0 {
			return fmt.Errorf("eval: order: scale %g", s)
		}
		differ = differ || math.Abs(s-scales[1]) > scaleTie
	}
	if !differ {
		return errors.New("eval: order: there must be at least two different scales beside the origin")
	}
	return nil
}

// count adds an image's pairs to the result and returns how many of them are in order.
func (r *OrderResult) count(scales, distance []float64) (right float64) {
	for i, s := range scales {
		for j, t := range scales {
			if t-s <= scaleTie {
				continue
			}
			r.Pairs++
			switch {
			case distance[i] < distance[j]:
				right++
			case distance[i] == distance[j]:
				r.Ties++
				right += 0.5
			}
		}
	}
	return right
}

// ranks returns the ranks of x from 0 on; a run of values, each at most tie above the one before, shares its mean rank.
func ranks(x []float64, tie float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return a - b
	})
	r := make([]float64, len(x))
	for first := 0; first < len(order); {
		last := first
		for last+1 < len(order) && x[order[last+1]]-x[order[last]] <= tie {
			last++
		}
		for _, i := range order[first : last+1] {
			r[i] = float64(first+last) / 2
		}
		first = last + 1
	}
	return r
}

// rankCorrelation returns the correlation of two rankings, and false where one of them is constant.
func rankCorrelation(a, b []float64) (float64, bool) {
	mean := float64(len(a)-1) / 2 // of any ranking, exactly
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-mean, b[i]-mean
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0, false
	}
	return ab / math.Sqrt(aa*bb), true
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}
