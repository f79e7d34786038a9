package selection

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"ordo/runner/statistics"
)

// observation is one trial's outcome.
type observation struct {
	cell, block int // of the table's rows and columns, from 0
	y           float64
}

// twoWay is the two-way model y = cell + block + ε, fitted by least squares.
type twoWay struct {
	cells   []float64  // effect of every cell in the mean block
	inverse *mat.Dense // of XᵀX, the cells first
	sigma   float64    // deviation of ε
	free    float64    // degrees of freedom of sigma
	student distuv.StudentsT
}

// fit fits the model. ok is false where there is nothing to estimate σ from. Cell 0 must have been seen in every block,
// and every cell in some.
func fit(seen []observation, cells, blocks int) (t twoWay, ok bool) {
	columns := cells + blocks - 1
	if len(seen) <= columns {
		return t, false
	}
	x, y := mat.NewDense(len(seen), columns, nil), mat.NewVecDense(len(seen), nil)
	for i, o := range seen {
		y.SetVec(i, o.y)
		x.Set(i, o.cell, 1)
		// Blocks add up to nothing, so that a cell's effect is its outcome in the mean block.
		if o.block < blocks-1 {
			x.Set(i, cells+o.block, 1)
			continue
		}
		for b := range blocks - 1 {
			x.Set(i, cells+b, -1)
		}
	}
	var gram mat.Dense
	gram.Mul(x.T(), x)
	t.inverse = new(mat.Dense)
	if err := t.inverse.Inverse(&gram); err != nil {
		return t, false
	}
	var moments, effects, fitted mat.VecDense
	moments.MulVec(x.T(), y)
	effects.MulVec(t.inverse, &moments)
	fitted.MulVec(x, &effects)
	var squares float64
	for i, o := range seen {
		squares += (o.y - fitted.AtVec(i)) * (o.y - fitted.AtVec(i))
	}
	for c := range cells {
		t.cells = append(t.cells, effects.AtVec(c))
	}
	t.free = float64(len(seen) - columns)
	t.sigma = math.Sqrt(squares / t.free)
	t.student = distuv.StudentsT{Sigma: 1, Nu: t.free}
	return t, true
}

// Estimate is a difference with its interval.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"` // of the interval
	High  float64 `json:"high"`
	P     float64 `json:"p"` // of no difference, two-sided
}

// difference is cell a less cell b.
func (t twoWay) difference(a, b int) Estimate {
	e := Estimate{Value: t.cells[a] - t.cells[b]}
	v := t.inverse
	off := t.sigma * math.Sqrt(max(0, v.At(a, a)+v.At(b, b)-2*v.At(a, b)))
	half := off * t.student.Quantile(1-statistics.Level/2)
	e.Low, e.High = e.Value-half, e.Value+half
	e.P = t.tail(math.Abs(e.Value), off)
	return e
}

// tail is how likely a value as far from 0 as this is by chance.
func (t twoWay) tail(value, off float64) float64 {
	switch {
	case off > 0:
		return 2 * t.student.Survival(value/off)
	case value > 0:
		return 0
	}
	return 1
}

// test is the p of three cells' being one: an F test with two and t.free degrees of freedom.
func (t twoWay) test(a, b, c int) float64 {
	// Two contrasts, b-a and c-a.
	contrast := func(i, j int) float64 { // covariance of i-a and j-a
		v := t.inverse
		return v.At(i, j) - v.At(i, a) - v.At(a, j) + v.At(a, a)
	}
	bb, bc, cc := contrast(b, b), contrast(b, c), contrast(c, c)
	d, e := t.cells[b]-t.cells[a], t.cells[c]-t.cells[a]
	determinant := bb*cc - bc*bc
	squares := (d*d*cc - 2*d*e*bc + e*e*bb) / determinant / 2
	if t.sigma == 0 {
		if squares > 0 {
			return 0
		}
		return 1
	}
	return distuv.F{D1: 2, D2: t.free}.Survival(squares / (t.sigma * t.sigma))
}

// seedsFor is how many seeds would make the half-width of a difference between two of so many cells as small as this,
// with the deviation that was found; at most most, where 0 is returned.
func (t twoWay) seedsFor(half float64, cells, most int) int {
	for n := 2; n <= most; n++ {
		student := distuv.StudentsT{Sigma: 1, Nu: float64((cells - 1) * (n - 1))}
		if student.Quantile(1-statistics.Level/2)*t.sigma*math.Sqrt(2/float64(n)) <= half {
			return n
		}
	}
	return 0
}
