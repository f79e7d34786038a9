package half

import "math"

const (
	signBit   = 1 << 15
	infinity  = 0x1f << 10 // all bits of the exponent
	smallest  = 0x1p-24    // the subnormal numbers are its multiples
	maxNormal = 65504
)

// Float32 is the number that the bits of a float16 stand for; float32 holds each exactly.
func Float32(bits uint16) float32 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch {
	case exponent == 0:
		v = fraction * smallest
	case exponent < 0x1f:
		v = math.Ldexp(1+fraction/1024, exponent-15)
	case fraction == 0:
		v = math.Inf(1)
	default:
		return float32(math.NaN())
	}
	if bits&signBit != 0 {
		v = -v
	}
	return float32(v)
}

// Bits are those of the float16 that is nearest to a number, of two the even one. From 65520 on that is infinity.
func Bits(f float32) uint16 {
	v := math.Abs(float64(f))
	var sign uint16
	if math.Signbit(float64(f)) {
		sign = signBit
	}
	switch {
	case math.IsNaN(v):
		return sign | infinity | 1<<9
	case v >= maxNormal+16:
		return sign | infinity
	case v < 0x1p-14: // subnormal, or rounded up to the first normal number, whose bits follow
		return sign | uint16(math.RoundToEven(v/smallest))
	}
	fraction, exponent := math.Frexp(v)                        // v = fraction·2^exponent, fraction in [0.5, 1)
	mantissa := uint16(math.RoundToEven(fraction * (1 << 11))) // 1024 to 2048, which carries into the exponent
	return sign | (uint16(exponent+14)<<10 + (mantissa - 1<<10))
}
