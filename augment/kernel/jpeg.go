package kernel

import "math"

// Quantize does to a block of 8x8 bytes, as float32, what a baseline JPEG file does: discrete cosine transform of what is
// over 128, rounding to multiples of steps, and back, rounded to bytes. Halves are rounded away from 0.
func Quantize(block, steps *[64]float32) {
	if simd {
		quantizeAVX2(block, steps, &cosineBasis)
		return
	}
	var turned [64]float32
	for i := range block {
		block[i] -= 128
	}
	cosines(&turned, block)
	cosines(block, &turned)
	for i, v := range block {
		whole := float32(int32(abs(v/steps[i]) + 0.5))
		if v < 0 {
			whole = -whole
		}
		block[i] = float32(whole * steps[i])
	}
	invertCosines(&turned, block)
	invertCosines(block, &turned)
	for i, v := range block {
		block[i] = roundByte(v + 128)
	}
}

// cosineBasis[k][i] is c(k)/2 * cos((2i+1)k*pi/16), c(0) = 1/sqrt(2), else 1, for i < 4; the other half mirrors it.
var cosineBasis = func() (basis [8][4]float32) {
	for k := range basis {
		for i := range basis[k] {
			v := math.Cos(float64(2*i+1)*float64(k)*math.Pi/16) / 2
			if k == 0 {
				v /= math.Sqrt2
			}
			basis[k][i] = float32(v)
		}
	}
	return basis
}()

// cosines transforms the rows of src and writes them as columns: called twice it is the two-dimensional transform.
func cosines(dst, src *[64]float32) {
	for y := range 8 {
		in := src[8*y:][:8]
		var even, odd [4]float32
		for i := range even {
			even[i], odd[i] = in[i]+in[7-i], in[i]-in[7-i]
		}
		for k := range 8 {
			half := &even
			if k%2 == 1 {
				half = &odd
			}
			sum := float32(0)
			for i, v := range half {
				sum += float32(cosineBasis[k][i] * v)
			}
			dst[8*k+y] = sum
		}
	}
}

// invertCosines is the way back.
func invertCosines(dst, src *[64]float32) {
	for y := range 8 {
		in := src[8*y:][:8]
		for i := range 4 {
			var even, odd float32
			for k := 0; k < 8; k += 2 {
				even += float32(cosineBasis[k][i] * in[k])
				odd += float32(cosineBasis[k+1][i] * in[k+1])
			}
			dst[8*i+y], dst[8*(7-i)+y] = even+odd, even-odd
		}
	}
}
