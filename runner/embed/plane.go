package embed

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// plane is where rows lie on the plane of their two first principal components: that of all planes on which they are
// spread furthest.
type plane struct {
	centre []float64
	axes   [2][]float64 // of length 1; the second is 0 where rows have one number
}

// fitPlane finds the plane of all rows' first output. Beside a group of rows it holds a matrix of the output's columns
// squared.
func (r *rows) fitPlane() (*plane, error) {
	columns := r.outputs[0].Columns
	var shift []float64 // near the centre, so that the squares lose nothing
	sum, squares := make([]float64, columns), mat.NewSymDense(columns, nil)
	var values []float32
	n := 0
	for i := range r.pages {
		var err error
		if values, err = r.read(i, values[:0]); err != nil {
			return nil, err
		}
		count := len(values) / r.width()
		x := mat.NewDense(columns, count, nil)
		for k := range count {
			row := widened(values[k*r.width():][:columns])
			if shift == nil {
				shift = append(shift, row...)
			}
			floats.Sub(row, shift)
			floats.Add(sum, row)
			x.SetCol(k, row)
		}
		squares.SymRankK(squares, 1, x)
		n += count
	}
	floats.Scale(1/float64(n), sum)
	squares.SymRankOne(squares, -float64(n), mat.NewVecDense(columns, sum))
	var found mat.EigenSym
	if !found.Factorize(squares, true) {
		return nil, fmt.Errorf("embed: the principal components of %d columns don't converge", columns)
	}
	var vectors mat.Dense
	found.VectorsTo(&vectors)
	floats.Add(sum, shift)
	p := &plane{centre: sum}
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

// at is where a row lies.
func (p *plane) at(row []float32) (x, y float64) {
	from := widened(row)
	floats.Sub(from, p.centre)
	return floats.Dot(from, p.axes[0]), floats.Dot(from, p.axes[1])
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
