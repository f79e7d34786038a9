package kernel

// Range returns the least and the greatest value of a plane that has any.
func Range(plane []float32) (low, high float32) {
	low, high = plane[0], plane[0]
	if simd && len(plane) >= 8 {
		done := len(plane) &^ 7
		var lows, highs [8]float32
		rangeAVX2(&plane[0], done, &lows, &highs)
		for i := range lows {
			low, high = lesser(lows[i], low), greater(highs[i], high)
		}
		plane = plane[done:]
	}
	for _, v := range plane {
		low, high = lesser(v, low), greater(v, high)
	}
	return low, high
}

// Shift writes (v-low)*gain to the place of each value v.
func Shift(plane []float32, low, gain float32) { normalize(plane, plane, low, gain) }

// Add adds gain*src[i] to each value and limits it to [0, 1].
func Add(dst, src []float32, gain float32) {
	src = src[:len(dst)]
	done := 0
	if simd && len(dst) >= 8 {
		done = len(dst) &^ 7
		addAVX2(&dst[0], &src[0], done, gain)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = clamp01(dst[i] + float32(gain*src[i]))
	}
}

// Sharpen writes, for each value v of a row but the outermost two, v + rest*(smooth-v), limited to [0, 1], where smooth
// is the mean of its 3x3 neighbours with a centre of weight 5.
func Sharpen(dst, above, row, below []float32, rest float32) {
	n := len(dst)
	above, row, below = above[:n], row[:n], below[:n]
	done := 0
	if simd && n >= 10 {
		done = (n - 2) &^ 7
		sharpenAVX2(&dst[1], &above[0], &row[0], &below[0], done, rest)
	}
	for x := done + 1; x < n-1; x++ {
		ring := above[x-1] + above[x] + above[x+1] + row[x-1] + row[x+1] + below[x-1] + below[x] + below[x+1]
		smooth := float32(ring*(1./13)) + float32(row[x]*(5./13))
		dst[x] = clamp01(row[x] + float32(rest*(smooth-row[x])))
	}
}

// Bytes writes each value v, limited to [0, 1], as the byte 255*v, rounded down after an addition of slack.
func Bytes(dst []uint8, src []float32, slack float32) {
	dst = dst[:len(src)]
	done := 0
	if simd && len(src) >= 8 {
		done = len(src) &^ 7
		bytesAVX2(&dst[0], &src[0], done, slack)
	}
	for i := done; i < len(src); i++ {
		dst[i] = uint8(int32(float32(clamp01(src[i])*255) + slack))
	}
}
