package loss

import "math"

// sized returns a slice of n values, in the memory of buffer where that is large enough. What they are is not said.
func sized[T any](buffer []T, n int) []T {
	if cap(buffer) < n {
		return make([]T, n)
	}
	return buffer[:n]
}

// add returns x + y, and the largest finite value where float32 has none so large.
func add[T float](x T, y float64) T {
	if sum := x + T(y); sum*0 == 0 { // it is finite
		return sum
	}
	return T(math.Max(-math.MaxFloat32, math.Min(math.MaxFloat32, float64(x)+y)))
}

// addTo adds x to sum.
func addTo(sum, x []float32) {
	sum = sum[:len(x)]
	for i, y := range x {
		sum[i] = add(sum[i], float64(y))
	}
}

// take adds x to sum and, unless it is empty, to share, returns the sum of its squares, and leaves zeros in it.
func take(sum, share, x []float32) float64 {
	sum = sum[:len(x)]
	var square float64
	for i, y := range x {
		if y == 0 {
			continue // as most are where a term looks at few of the views
		}
		x[i] = 0
		square += float64(y) * float64(y)
		sum[i] = add(sum[i], float64(y))
		if len(share) > 0 {
			share[i] = add(share[i], float64(y))
		}
	}
	return square
}

// productSums returns the sums of a*b, a*a and b*b.
func productSums(a, b []float32) (ab, aa, bb float64) {
	b = b[:len(a)]
	for i, x := range a {
		y := float64(b[i])
		ab += float64(x) * y
		aa += float64(x) * float64(x)
		bb += y * y
	}
	return ab, aa, bb
}
