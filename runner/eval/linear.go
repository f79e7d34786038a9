package eval

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"

	"ordo/loss/matrix"
)

// scaler shifts and scales columns by what the training rows are like.
type scaler struct {
	mean, inverse []float64 // [dim]; inverse 0 where the column is constant
}

// newScaler takes the columns' means and one over their deviations (of the population), as scikit-learn's
// StandardScaler does, or leaves the rows as they are.
func newScaler(r Rows, standardise bool) scaler {
	s := scaler{mean: make([]float64, r.Dim), inverse: make([]float64, r.Dim)}
	if !standardise {
		for j := range s.inverse {
			s.inverse[j] = 1
		}
		return s
	}
	n := float64(r.Len())
	varies := make([]bool, r.Dim)
	for i := range r.Len() {
		for j, x := range r.Row(i) {
			s.mean[j] += float64(x)
			varies[j] = varies[j] || x != r.Data[j]
		}
	}
	for j := range s.mean {
		s.mean[j] /= n
	}
	square := make([]float64, r.Dim)
	for i := range r.Len() {
		for j, x := range r.Row(i) {
			d := float64(x) - s.mean[j]
			square[j] += d * d
		}
	}
	for j, q := range square {
		if varies[j] && q > 0 {
			s.inverse[j] = 1 / math.Sqrt(q/n)
		}
	}
	return s
}

// apply returns the scaled rows, [r.Len(), r.Dim].
func (s scaler) apply(r Rows) []float64 {
	x := make([]float64, len(r.Data))
	for i := range r.Len() {
		for j, v := range r.Row(i) {
			x[i*r.Dim+j] = (float64(v) - s.mean[j]) * s.inverse[j]
		}
	}
	return x
}

// multiplyPacked sets dst to a·b on all processors. Which rows are computed together does not change a sum.
func multiplyPacked[T matrix.Float](dst, a matrix.Matrix[T], b *matrix.Packed[T]) {
	const block = 64
	parallel((a.Rows+block-1)/block, func(i int) {
		rows := min(block, a.Rows-i*block)
		matrix.Mul(dst.Part(i*block, 0, rows, dst.Cols), a.Part(i*block, 0, rows, a.Cols), b)
	})
}

// gram returns xᵀ·x/n or x·xᵀ/n of x [n, dim], whichever is smaller; both have the same eigenvalues but for zeros.
func gram(x []float64, n, dim int) *mat.SymDense {
	m := matrix.Of(x, n, dim)
	if dim <= n {
		m = m.T()
	}
	var right matrix.Packed[float64]
	right.Pack(m.T())
	side := m.Rows
	products := make([]float64, side*side)
	multiplyPacked(matrix.Of(products, side, side), m, &right)
	for i := range products {
		products[i] /= float64(n)
	}
	return mat.NewSymDense(side, products)
}

// spectrum returns the eigenvalues of a matrix that has none below zero, falling. What rounding makes of a zero is
// zero.
func spectrum(s *mat.SymDense) ([]float64, error) {
	var e mat.EigenSym
	if !e.Factorize(s, false) {
		return nil, errors.New("eval: the eigenvalues of a covariance don't converge")
	}
	rising := e.Values(nil)
	falling := make([]float64, len(rising))
	least := rising[len(rising)-1] * math.Sqrt(float64(len(rising))) * 0x1p-50
	for i, v := range rising {
		if v > least {
			falling[len(rising)-1-i] = v
		}
	}
	return falling, nil
}
