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
	if sum := x + T(y); sum-sum == 0 { //nolint:gocritic // so it is finite, and add stays short enough to be inlined
		return sum
	}
	return T(limit(float64(x), y))
}

// addScaled adds weight*x to sum, as add does.
func addScaled[T float](sum []T, weight float64, x []float64) {
	sum = sum[:len(x)]
	for len(x) >= 4 { // four at once, so that no conversion has to wait for the one before
		to, from := (*[4]T)(sum), (*[4]float64)(x)
		s0, s1 := to[0]+T(weight*from[0]), to[1]+T(weight*from[1])
		s2, s3 := to[2]+T(weight*from[2]), to[3]+T(weight*from[3])
		if zero := s0*0 + s1*0 + s2*0 + s3*0; zero == 0 { // all are finite
			to[0], to[1], to[2], to[3] = s0, s1, s2, s3
		} else {
			for i, y := range from {
				to[i] = add(to[i], weight*y)
			}
		}
		sum, x = sum[4:], x[4:]
	}
	for i, y := range x {
		sum[i] = add(sum[i], weight*y)
	}
}

// limit returns x + y, in the range of float32.
func limit(x, y float64) float64 { return math.Max(-math.MaxFloat32, math.Min(math.MaxFloat32, x+y)) }

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
