package kernel

// Rows combines rows of bytes: dst[i] is the sum over k of weights[k]*src[starts[k]+i], in the order of k.
func Rows(dst []float32, src []uint8, starts []int, weights []float32) {
	for _, start := range starts {
		_ = src[start:][:len(dst)]
	}
	weights = weights[:len(starts)]
	done := 0
	if simd && len(starts) > 0 && len(dst) > 0 {
		done = len(dst) &^ 7
		rowsAVX2(&dst[0], done, &src[0], &starts[0], &weights[0], len(starts))
	}
	if done == len(dst) {
		return
	}
	dst = dst[done:]
	clear(dst)
	row := func(k int) ([]uint8, float32) { return src[starts[k]+done:][:len(dst)], weights[k] }
	k := 0
	for ; k+4 <= len(starts); k += 4 { // four rows at once spare loads and stores of the sum
		a, wa := row(k)
		b, wb := row(k + 1)
		c, wc := row(k + 2)
		d, wd := row(k + 3)
		a, b, c, d = a[:len(dst)], b[:len(dst)], c[:len(dst)], d[:len(dst)]
		for i, sum := range dst {
			sum += float32(wa * float32(a[i]))
			sum += float32(wb * float32(b[i]))
			sum += float32(wc * float32(c[i]))
			dst[i] = sum + float32(wd*float32(d[i]))
		}
	}
	for ; k < len(starts); k++ {
		a, w := row(k)
		a = a[:len(dst)]
		for i, sum := range dst {
			dst[i] = sum + float32(w*float32(a[i]))
		}
	}
}

// Columns applies f to a line of pixels R, G, B, of which the first is the first input of f's Span, and writes the
// outputs, limited to [0, 1], to three planes. One value behind the last pixel of the line is read, and ignored.
func Columns(red, green, blue, line []float32, f *Filter) {
	n := f.check(line)
	red, green, blue = red[:n], green[:n], blue[:n]
	done := 0
	if simd && n >= 4 {
		done = n &^ 3
		columnsAVX2(&red[0], &green[0], &blue[0], done, &line[0], &f.first[0], &f.weights[0], f.taps)
	}
	for i := done; i < n; i++ {
		red[i], green[i], blue[i] = f.output(i, line)
	}
}

// ColumnsPacked is Columns with pixels of four values as its outputs, R, G, B and an arbitrary one.
func ColumnsPacked(dst, line []float32, f *Filter) {
	n := f.check(line)
	dst = dst[:4*n]
	if simd && n > 0 {
		columnsPackedAVX2(&dst[0], n, &line[0], &f.first[0], &f.weights[0], f.taps)
		return
	}
	for i := range n {
		pixel := dst[4*i:][:4]
		pixel[0], pixel[1], pixel[2] = f.output(i, line)
	}
}

// Unpack writes the pixels R, G, B of src, times scale, to three planes; the last one first if mirrored.
func Unpack(red, green, blue []float32, src []uint8, scale float32, mirrored bool) {
	n := len(red)
	green, blue, src = green[:n], blue[:n], src[:3*n]
	done := 0
	if simd && n >= 8 {
		done = n &^ 7
		if mirrored {
			unpackMirroredAVX2(&red[0], &green[0], &blue[0], done, &src[3*(n-8)], scale)
		} else {
			unpackAVX2(&red[0], &green[0], &blue[0], done, &src[0], scale)
		}
	}
	for i := done; i < n; i++ {
		pixel := src[3*i:][:3]
		if mirrored {
			pixel = src[3*(n-1-i):][:3]
		}
		red[i], green[i], blue[i] = scale*float32(pixel[0]), scale*float32(pixel[1]), scale*float32(pixel[2])
	}
}

// UnpackPacked is Unpack to pixels of four values, R, G, B and an arbitrary one.
func UnpackPacked(dst []float32, src []uint8, scale float32, mirrored bool) {
	n := len(dst) / 4
	dst, src = dst[:4*n], src[:3*n]
	done := 0
	if simd && n >= 4 {
		done = n &^ 3
		if mirrored {
			unpackPackedMirroredAVX2(&dst[0], done, &src[3*(n-4)], scale)
		} else {
			unpackPackedAVX2(&dst[0], done, &src[0], scale)
		}
	}
	for i := done; i < n; i++ {
		pixel, out := src[3*i:][:3], dst[4*i:][:4]
		if mirrored {
			pixel = src[3*(n-1-i):][:3]
		}
		out[0], out[1], out[2] = scale*float32(pixel[0]), scale*float32(pixel[1]), scale*float32(pixel[2])
	}
}

func (f *Filter) check(line []float32) int {
	_ = line[:3*(f.high-f.low)+1]
	return len(f.first)
}

func (f *Filter) output(i int, line []float32) (r, g, b float32) {
	in := line[3*f.first[i]:]
	for _, w := range f.weights[i*f.taps:][:f.taps] {
		pixel := (*[3]float32)(in) // one bounds check for three values
		r += float32(w * pixel[0])
		g += float32(w * pixel[1])
		b += float32(w * pixel[2])
		in = in[3:]
	}
	return clamp01(r), clamp01(g), clamp01(b)
}

// clamp01 limits a value to [0, 1], and lesser and greater choose between two, all in the way of the processor's
// instructions: where the comparison fails, for NaN too, the result is the second argument.
func clamp01(v float32) float32 { return lesser(greater(v, 0), 1) }

func lesser(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

func greater(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}
