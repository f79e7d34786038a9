package loss

import (
	"math"

	"ordo/loss/matrix"
)

// similarity measures the cosines of the base views.
type similarity struct {
	unit  []float64 // [B*N, D] normalised rows
	total []float64 // [D] their sum
	image []float64 // [D] the sum over the views of one image
}

// diagnose appends positive_similarity, the mean cosine of two base views of an image, and, where there are several
// images, negative_similarity, the mean cosine of base views of different images. It takes O(B*N*D): the sum of the
// cosines of all pairs is the square of the rows' sum.
func (s *similarity) diagnose(d []Diagnostic, out Output, base []int, images int) []Diagnostic {
	dim, views := out.Dim, len(base)
	s.unit, s.total, s.image = grow(s.unit, dim), grow(s.total, dim), grow(s.image, dim)
	var within, self float64
	for n := range images {
		clear(s.image)
		for _, v := range base {
			at := (v*images + n) * dim
			normalize(s.unit, out.Data[at:at+dim], normalizeEps)
			self += dot(s.unit, s.unit)
			for i, x := range s.unit {
				s.image[i] += x
				s.total[i] += x
			}
		}
		within += dot(s.image, s.image)
	}
	rows := float64(views * images)
	positive := rows * float64(views-1)
	d = append(d, Diagnostic{"positive_similarity", (within - self) / positive})
	if images > 1 {
		d = append(d, Diagnostic{"negative_similarity", (dot(s.total, s.total) - within) / (rows*rows - rows - positive)})
	}
	return d
}

// rankRows is how many rows the effective rank is taken of, so that it costs little in every step.
const rankRows = 256

// health measures an embedding as a whole.
type health struct {
	base   []int
	unit   []float64 // [D]
	sum    []float64 // [D] of the normalised rows
	square []float64 // [D] of their squares
	rows   []float64 // [at most rankRows, D]
	gram   []float64
	eigen  eigen
	right  matrix.Packed[float64]
}

// diagnose appends embedding_std and effective_rank of the base views.
func (h *health) diagnose(d []Diagnostic, v Views, out Output) []Diagnostic {
	h.base = appendBase(h.base[:0], v)
	count := len(h.base) * v.Images
	if count < 2 {
		return d
	}
	dim := out.Dim
	h.unit, h.sum, h.square = grow(h.unit, dim), grow(h.sum, dim), grow(h.square, dim)
	ranked := min(count, rankRows)
	h.rows = grow(h.rows, ranked*dim)
	for i, view := range h.base {
		for n := range v.Images {
			row := out.Data[(view*v.Images+n)*dim:][:dim]
			normalize(h.unit, row, normalizeEps)
			matrix.AddScaled(h.sum, 1, h.unit)
			matrix.MulSum(h.unit, h.unit, h.unit, 0)
			matrix.AddScaled(h.square, 1, h.unit)
			if at := i*v.Images + n; at < ranked {
				for p, x := range row {
					h.rows[at*dim+p] = float64(x)
				}
			}
		}
	}
	var deviation float64
	for p, sum := range h.sum {
		mean := sum / float64(count)
		deviation += math.Sqrt(math.Max(0, h.square[p]/float64(count)-mean*mean))
	}
	d = append(d, Diagnostic{"embedding_std", deviation / float64(dim)})
	if rank, ok := h.effectiveRank(ranked, dim); ok {
		d = append(d, Diagnostic{"effective_rank", rank})
	}
	return d
}

// effectiveRank returns exp(-Σ p log p) for the singular values of rows, divided by their sum (RankMe, Garrido et al.
// 2023, equation 1, without the constant that guards the logarithm). ok is false if all are zero.
func (h *health) effectiveRank(count, dim int) (rank float64, ok bool) {
	var largest float64
	for _, x := range h.rows {
		if x = math.Abs(x); x > largest {
			largest = x
		}
	}
	if largest == 0 {
		return 0, false
	}
	for i := range h.rows {
		h.rows[i] /= largest
	}
	rows := matrix.Of(h.rows, count, dim)
	if count < dim {
		rows = rows.T()
	}
	size := rows.Cols
	h.gram = sized(h.gram, size*size)
	lowerProducts(h.gram, rows, &h.right)
	values := h.eigen.values(h.gram, size)
	var sum float64
	for i, x := range values {
		// Below this share of the largest it is a rounding error, and its square root would not be small.
		if x = math.Max(0, x); x < float64(size)*0x1p-52*values[size-1] {
			x = 0
		}
		values[i] = math.Sqrt(x)
		sum += values[i]
	}
	var entropy float64
	for _, s := range values {
		if p := s / sum; p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy), true
}
