package kernel

// Symmetric convolves with a kernel that is the same in both directions: dst[i] is weights[0]*src[centre+i] plus the
// sum over k >= 1 of weights[k]*(src[before[k-1]+i] + src[after[k-1]+i]), in the order of k. Along a row the starts
// before and after are centre-k and centre+k; along a column they are the rows above and below.
func Symmetric(dst, src, weights []float32, centre int, before, after []int) {
	n, radius := len(dst), len(weights)-1
	before, after = before[:radius], after[:radius]
	_ = src[centre:][:n]
	for k := range before {
		_, _ = src[before[k]:][:n], src[after[k]:][:n]
	}
	done := 0
	if simd && n >= 8 && radius > 0 {
		done = n &^ 7
		symmetricAVX2(&dst[0], done, &src[0], &weights[0], centre, &before[0], &after[0], radius)
	}
	if done == n {
		return
	}
	dst = dst[done:]
	mid := src[centre+done:][:len(dst)]
	for i, v := range mid {
		dst[i] = float32(weights[0] * v)
	}
	for k, w := range weights[1:] {
		a, b := src[before[k]+done:][:len(dst)], src[after[k]+done:][:len(dst)]
		for i := range dst {
			dst[i] += float32(w * (a[i] + b[i]))
		}
	}
}

// Combine adds weighted rows: dst[i] is the sum over k of weights[k]*src[starts[k]+i], in the order of k.
func Combine(dst, src []float32, starts []int, weights []float32) {
	n := len(dst)
	weights = weights[:len(starts)]
	for _, start := range starts {
		_ = src[start:][:n]
	}
	done := 0
	if simd && n >= 8 && len(starts) > 0 {
		done = n &^ 7
		combineAVX2(&dst[0], done, &src[0], &starts[0], &weights[0], len(starts))
	}
	dst = dst[done:]
	clear(dst)
	for k, start := range starts {
		for i, v := range src[start+done:][:len(dst)] {
			dst[i] += float32(weights[k] * v)
		}
	}
}
