package loss

import (
	"math"

	"ordo/loss/matrix"
)

// float is what the kernels read and write; they count in float64 whatever it is.
type float interface{ float32 | float64 }

// Norms below these are taken for zero. They are the eps of torch.nn.functional.normalize and cosine_similarity.
const (
	normalizeEps = 1e-12
	cosineEps    = 1e-8
)

// normalize writes z/|z| to dst and returns 1/|z|. A row whose norm is below eps has no direction: dst and the
// returned value are zero, so that its cosine with everything is 0 and no gradient passes. (torch divides by eps
// there. For a zero row that gives the same values, but gradients up to 1/eps times too large for one step.)
func normalize[T float](dst []float64, z []T, eps float64) float64 {
	dst = dst[:len(z)]
	sum, scale := matrix.Dot(z, z), 1.0
	if math.IsInf(sum, 0) { // only for float64 input above 1e150
		scale = 0x1p-600
		for i, x := range z {
			dst[i] = float64(x) * scale
		}
		sum = matrix.Dot(dst, dst)
	}
	inverse := 1 / math.Sqrt(sum) * scale
	if inverse > 1/eps {
		clear(dst)
		return 0
	}
	for i, x := range z {
		dst[i] = float64(x) * inverse
	}
	return inverse
}

// addNormalizeGrad adds weight * (d unit/d z)ᵀ g to grad, for the unit and inverse that normalize gave:
// inverse * (g - (g·unit) unit). It leaves in g what is in the parentheses.
func addNormalizeGrad[T float](grad []T, g, unit []float64, inverse, weight float64) {
	matrix.AddScaled(g, -dot(g, unit), unit)
	addScaled(grad, weight*inverse, g)
}

func dot(a, b []float64) float64 { return matrix.Dot(a, b) }

// grow returns a slice of n zeros, in the memory of buffer where that is large enough.
func grow(buffer []float64, n int) []float64 {
	if cap(buffer) < n {
		return make([]float64, n)
	}
	buffer = buffer[:n]
	clear(buffer)
	return buffer
}
