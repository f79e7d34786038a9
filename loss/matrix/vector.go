package matrix

import "fmt"

// Dot returns the sum of a[i]*b[i], taken in float64: products of float32 are exact there.
func Dot[T Float](a, b []T) float64 {
	same(len(a), len(b))
	return dot(a, b)
}

// Sum returns the sum of x, taken in float64.
func Sum[T Float](x []T) float64 { return sum(x) }

// AddScaled adds scale*x[i] to dst[i].
func AddScaled[T Float](dst []T, scale T, x []T) {
	same(len(dst), len(x))
	addScaled(dst, scale, x)
}

// Exp sets dst[i] to exp((x[i]-shift)*scale), counted in float64 and with its range: the exponents of a softmax at a
// low temperature need no search for a maximum as long as they stay above -700. The relative error of the function
// itself is below 1e-14; it is 0 below about -745, +Inf above about 709.8, and NaN for NaN.
func Exp[T Float](dst []float64, x []T, scale, shift float64) {
	same(len(dst), len(x))
	exp(dst, x, scale, shift)
}

// MulSum sets dst[i] to x[i]*(y[i]+z), counted in float64.
func MulSum[T Float](dst []T, x, y []float64, z float64) {
	same(len(dst), len(x))
	same(len(dst), len(y))
	mulSum(dst, x, y, z)
}

func same(a, b int) {
	if a != b {
		panic(fmt.Sprintf("matrix: vectors of %d and %d values", a, b))
	}
}
