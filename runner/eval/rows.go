package eval

import (
	"math"

	"ordo/models/fault"
)

// normEps is the norm below which a row counts as zero (torch.nn.functional.normalize). Its cosine with any row is 0.
const normEps = 1e-12

// normalize writes row/|row| to dst, or zeros. It returns false when the row is not finite.
func normalize(dst []float64, row []float32) bool {
	dst = dst[:len(row)]
	var sum float64
	for i, x := range row {
		v := float64(x)
		dst[i] = v
		sum += v * v
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) { // the square of a finite float32 cannot overflow
		return false
	}
	norm := math.Sqrt(sum)
	if norm < normEps {
		clear(dst)
		return true
	}
	for i := range dst {
		dst[i] /= norm
	}
	return true
}

// nonFinite is the error of a row that holds a NaN or an infinity.
func nonFinite(what string, row int) error {
	return fault.New(fault.Numeric, "%s %d holds a value that is not finite", what, row)
}
