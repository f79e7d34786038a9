package kernel

// Quantize does to a block of 8x8 bytes, as float32, what a baseline JPEG file does, in libjpeg's fixed-point
// arithmetic and to the byte: discrete cosine transform of what is over 128, rounding to multiples of steps in [1,
// 255], and back.
func Quantize(block *[64]float32, steps *[64]int32) {
	if simd {
		quantizeAVX2(block, steps)
		return
	}
	var v, turned [64]int32
	for i, b := range block {
		v[i] = int32(b) - 128
	}
	cosines(&turned, &v, cosineBits-spareBits)
	cosines(&v, &turned, cosineBits+spareBits)
	for i, step := range steps {
		v[i] = step * divideRounded(v[i], 8*step)
	}
	invertCosines(&turned, &v, cosineBits-spareBits)
	invertCosines(&v, &turned, cosineBits+spareBits+3)
	for i, x := range v {
		block[i] = float32(max(0, min(255, x+128)))
	}
}

// Halve writes the means of 2x2 values of two rows, whole numbers that they are, rounded down and up in turns along the
// row, so that nothing gets brighter. An odd last column counts twice.
func Halve(dst, above, below []float32) {
	w := len(above)
	dst, below = dst[:(w+1)/2], below[:w]
	done := 0
	if simd && w >= 16 {
		done = w / 16 * 8
		halveAVX2(&dst[0], &above[0], &below[0], done)
	}
	for x := done; x < len(dst); x++ {
		l, r := 2*x, min(2*x+1, w-1)
		sum := int32(above[l] + above[r] + below[l] + below[r])
		dst[x] = float32((sum + 1 + int32(x&1)) / 4)
	}
}

// Double writes a row of twice the resolution between two rows of whole numbers: each value is 9/16 of the nearest,
// 3/16 of the ones beside it and in the far row, and 1/16 of the one between those; the ends are repeated.
func Double(dst, near, far []float32) {
	w, half := len(dst), len(near)
	far = far[:half]
	value := func(x int) {
		n := x / 2
		f := max(0, min(half-1, n+2*(x&1)-1))
		sum := int32(3*(3*near[n]+far[n]) + 3*near[f] + far[f])
		dst[x] = float32((sum + 8 - int32(x&1)) / 16)
	}
	done := 0
	if simd && half >= 10 && w >= 2*half-1 {
		n := (half - 2) &^ 7
		doubleAVX2(&dst[2], &near[0], &far[0], n)
		value(0)
		value(1)
		done = 2 + 2*n
	}
	for x := done; x < w; x++ {
		value(x)
	}
}

// divideRounded rounds to the nearest, halves away from 0.
func divideRounded(v, by int32) int32 {
	if v < 0 {
		return -((by/2 - v) / by)
	}
	return (v + by/2) / by
}

// The cosine transform of eight values in fixed point: coefficients are 8 times too large after both passes of the way
// there, and between the two passes, either way, values have spareBits of fraction. The factors are those that
// Loeffler, Ligtenberg and Moschytz's flow graph (1989) has in all with constants rounded to cosineBits, so they are
// not all the nearest to sqrt(2)*cos(k*pi/16).
const (
	cosineBits = 13
	spareBits  = 2
)

// oddFactors[k][i] is the factor of coefficient 2k+1 for the difference of value i and value 7-i.
var oddFactors = [4][4]int32{
	{11363, 9633, 6437, 2260},
	{9633, -2259, -11362, -6436},
	{6437, -11362, 2261, 9633},
	{2260, -6436, 9633, -11363},
}

// evenFactors are the factors of coefficients 2 and 6.
var evenFactors = [2][2]int32{{10703, 4433}, {4433, -10704}}

// cosines transforms the rows of src, divides by 2^shift and writes them as columns: called twice it is the
// two-dimensional transform.
func cosines(dst, src *[64]int32, shift int) {
	half := int32(1) << (shift - 1)
	for y := range 8 {
		in := src[8*y:][:8]
		a, b, c, d := in[0]+in[7], in[1]+in[6], in[2]+in[5], in[3]+in[4]
		odd := [4]int32{in[0] - in[7], in[1] - in[6], in[2] - in[5], in[3] - in[4]}
		dst[y] = ((a+b+c+d)<<cosineBits + half) >> shift
		dst[32+y] = ((a-b-c+d)<<cosineBits + half) >> shift
		dst[16+y] = ((a-d)*evenFactors[0][0] + (b-c)*evenFactors[0][1] + half) >> shift
		dst[48+y] = ((a-d)*evenFactors[1][0] + (b-c)*evenFactors[1][1] + half) >> shift
		for k := range oddFactors {
			f := &oddFactors[k]
			dst[8*(2*k+1)+y] = (odd[0]*f[0] + odd[1]*f[1] + odd[2]*f[2] + odd[3]*f[3] + half) >> shift
		}
	}
}

// invertCosines is the way back, from the columns of src to rows.
func invertCosines(dst, src *[64]int32, shift int) {
	half := int32(1) << (shift - 1)
	for y := range 8 {
		s0, s1, s2, s3 := src[y], src[8+y], src[16+y], src[24+y]
		s4, s5, s6, s7 := src[32+y], src[40+y], src[48+y], src[56+y]
		p, q := (s0+s4)<<cosineBits, (s0-s4)<<cosineBits
		r, t := s2*evenFactors[0][0]+s6*evenFactors[1][0], s2*evenFactors[0][1]+s6*evenFactors[1][1]
		even := [4]int32{p + r, q + t, q - t, p - r}
		out := dst[8*y:][:8]
		for i, e := range even {
			o := s1*oddFactors[0][i] + s3*oddFactors[1][i] + s5*oddFactors[2][i] + s7*oddFactors[3][i]
			out[i], out[7-i] = (e+o+half)>>shift, (e-o+half)>>shift
		}
	}
}
