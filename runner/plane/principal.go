package plane

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Moments adds up what the principal components of rows are made of.
type Moments struct {
	shift, sum []float64 // shift is near the centre, so that the squares lose nothing; nil: there are no rows yet
	squares    *mat.SymDense
	n          int
}

// NewMoments begins with no rows, of so many columns.
func NewMoments(columns int) *Moments {
	return &Moments{sum: make([]float64, columns), squares: mat.NewSymDense(columns, nil)}
}

// Add adds rows of the given width that lie one after the other, of which the first columns count.
func (m *Moments) Add(values []float32, width int) {
	columns, count := len(m.sum), len(values)/width
	if count == 0 {
		return
	}
	x := mat.NewDense(columns, count, nil)
	for k := range count {
		row := widened(values[k*width:][:columns])
		if m.shift == nil {
			m.shift = append(m.shift, row...)
		}
		floats.Sub(row, m.shift)
		floats.Add(m.sum, row)
		x.SetCol(k, row)
	}
	m.squares.SymRankK(m.squares, 1, x)
	m.n += count
}

// Principal is where rows lie on the plane of their two first principal components.
type Principal struct {
	centre []float64
	axes   [2][]float64 // of length 1; the second is 0 where rows have one number
}

// Principal finds the plane of the rows, of which there must be some. It is the end of the sums.
func (m *Moments) Principal() (*Principal, error) {
	columns := len(m.sum)
	centre := m.sum
	floats.Scale(1/float64(m.n), centre)
	m.squares.SymRankOne(m.squares, -float64(m.n), mat.NewVecDense(columns, centre))
	var found mat.EigenSym
	if !found.Factorize(m.squares, true) {
		return nil, fmt.Errorf("plane: the principal components of %d columns don't converge", columns)
	}
	var vectors mat.Dense
	found.VectorsTo(&vectors)
	floats.Add(centre, m.shift)
	p := &Principal{centre: centre}
	for k := range p.axes {
		p.axes[k] = make([]float64, columns)
		if k >= columns {
			break
		}
		mat.Col(p.axes[k], columns-1-k, &vectors)
		// Either direction is right: the largest number is positive, so that it is the same everywhere.
		if at := largest(p.axes[k]); p.axes[k][at] < 0 {
			floats.Scale(-1, p.axes[k])
		}
	}
	return p, nil
}

// At is where a row lies.
func (p *Principal) At(row []float32) (x, y float64) {
	from := widened(row)
	floats.Sub(from, p.centre)
	return floats.Dot(from, p.axes[0]), floats.Dot(from, p.axes[1])
}

// Point is a place on a plane.
type Point struct{ X, Y float64 }

// PCA gives rows, [n, columns] with n at least 1, their places on the plane of their principal components.
func PCA(rows []float32, columns int) ([]Point, error) {
	m := NewMoments(columns)
	m.Add(rows, columns)
	p, err := m.Principal()
	if err != nil {
		return nil, err
	}
	points := make([]Point, len(rows)/columns)
	for i := range points {
		points[i].X, points[i].Y = p.At(rows[i*columns:][:columns])
	}
	return points, nil
}

func widened(row []float32) []float64 {
	wide := make([]float64, len(row))
	for i, x := range row {
		wide[i] = float64(x)
	}
	return wide
}

// largest is the place of the number furthest from 0, the first of those that are nearly so far.
func largest(values []float64) int {
	at := 0
	for i, x := range values {
		if math.Abs(x) > math.Abs(values[at])*(1+1e-9) {
			at = i
		}
	}
	return at
}
