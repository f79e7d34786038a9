package kernel

import "math"

// Op is an operation on the values of one pixel. Those with a luminance take ITU-R BT.601's weights to four digits, as
// torchvision does.
type Op struct {
	Kind OpKind
	A, B float32
}

// OpKind names an operation; v is a value in [0, 1].
type OpKind uint8

// The operations.
const (
	Scale    OpKind = iota // min(A*v, 1)
	Blend                  // A*v + B, limited to [0, 1]
	Saturate               // A*v + B*luminance, limited to [0, 1]
	Hue                    // HSV's H moves by A sixths of a turn, A in [-3, 3]; S and V stay
	Gray                   // the luminance in all three channels
	Solarize               // 1-v where v >= A
	Steps                  // v limited to [0, 1], plus slack, times A, rounded down, times B
	Power                  // v to the power of A > 0, for v in [0, 1]; 0 for v <= 0
	ToJFIF                 // R, G, B in [0, 1] to the bytes Y, Cb, Cr of a JPEG file, in libjpeg's arithmetic
	FromJFIF               // and back
)

// slack is what Steps adds, a fraction of a byte, so that a byte that became a float32 does not fall below itself.
const slack = 1. / (1024 * 255)

const (
	lumaR = float32(0.2989)
	lumaG = float32(0.587)
	lumaB = float32(0.114)
)

func luma(r, g, b float32) float32 {
	return float32(float32(lumaR*r)+float32(lumaG*g)) + float32(lumaB*b)
}

// block is how many pixels meet all operations before the next ones do: their three planes stay in the first cache.
const block = 512

// Apply runs the operations over three planes, in one pass over memory.
func Apply(red, green, blue []float32, ops []Op) {
	n := len(red)
	green, blue = green[:n], blue[:n]
	for i := 0; i < n; i += block {
		end := min(i+block, n)
		applyBlock(red[i:end], green[i:end], blue[i:end], ops)
	}
}

// Luminance is Apply, and returns the sum of the pixels' luminances after it.
//
// A block is summed in sixteen float32, pixel i into number i mod 16, and these in float64.
func Luminance(red, green, blue []float32, ops []Op) float64 {
	n := len(red)
	green, blue = green[:n], blue[:n]
	total := 0.0
	for i := 0; i < n; i += block {
		end := min(i+block, n)
		r, g, b := red[i:end], green[i:end], blue[i:end]
		applyBlock(r, g, b, ops)
		var sums [16]float32
		done := 0
		if simd && len(r) >= len(sums) {
			done = len(r) &^ 15
			luminanceAVX2(&sums, &r[0], &g[0], &b[0], done)
		}
		for k := done; k < len(r); k++ {
			sums[k%len(sums)] += luma(r[k], g[k], b[k])
		}
		for _, s := range sums {
			total += float64(s)
		}
	}
	return total
}

// Normalize is Apply, and writes (v-mean)*gain for each channel to dst, three planes in a row, which may be the same
// ones; with a mask, times the pixel's value there.
func Normalize(dst, red, green, blue []float32, ops []Op, mean, gain [3]float32, mask []float32) {
	n := len(red)
	green, blue, dst = green[:n], blue[:n], dst[:3*n]
	for i := 0; i < n; i += block {
		end := min(i+block, n)
		applyBlock(red[i:end], green[i:end], blue[i:end], ops)
		for c, plane := range [3][]float32{red, green, blue} {
			out, in := dst[c*n+i:c*n+end], plane[i:end]
			if mask != nil {
				normalizeMasked(out, in, mean[c], gain[c], mask[i:end])
			} else {
				normalize(out, in, mean[c], gain[c])
			}
		}
	}
}

func normalize(dst, src []float32, mean, gain float32) {
	done := 0
	if simd && len(dst) >= 8 {
		done = len(dst) &^ 7
		normalizeAVX2(&dst[0], &src[0], done, mean, gain)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = (src[i] - mean) * gain
	}
}

func normalizeMasked(dst, src []float32, mean, gain float32, mask []float32) {
	done := 0
	if simd && len(dst) >= 8 {
		done = len(dst) &^ 7
		normalizeMaskedAVX2(&dst[0], &src[0], &mask[0], done, mean, gain)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = (src[i] - mean) * gain * mask[i]
	}
}

func applyBlock(r, g, b []float32, ops []Op) {
	done := 0
	if simd && len(r) >= 8 {
		done = len(r) &^ 7
		for _, op := range ops {
			switch op.Kind {
			case Scale:
				scaleAVX2(&r[0], &g[0], &b[0], done, op.A)
			case Blend:
				blendAVX2(&r[0], &g[0], &b[0], done, op.A, op.B)
			case Saturate:
				saturateAVX2(&r[0], &g[0], &b[0], done, op.A, op.B)
			case Hue:
				hueAVX2(&r[0], &g[0], &b[0], done, op.A)
			case Gray:
				grayAVX2(&r[0], &g[0], &b[0], done)
			case Solarize:
				solarizeAVX2(&r[0], &g[0], &b[0], done, op.A)
			case Steps:
				stepsAVX2(&r[0], &g[0], &b[0], done, op.A, op.B)
			case Power:
				powerAVX2(&r[0], &g[0], &b[0], done, op.A)
			case ToJFIF:
				toJFIFAVX2(&r[0], &g[0], &b[0], done)
			case FromJFIF:
				fromJFIFAVX2(&r[0], &g[0], &b[0], done)
			}
		}
	}
	r, g, b = r[done:], g[done:], b[done:]
	for _, op := range ops {
		op.apply(r, g, b)
	}
}

// apply is what the operations are.
func (op Op) apply(red, green, blue []float32) {
	green, blue = green[:len(red)], blue[:len(red)]
	switch op.Kind {
	case Scale:
		for _, plane := range [3][]float32{red, green, blue} {
			for i, v := range plane {
				plane[i] = lesser(op.A*v, 1)
			}
		}
	case Blend:
		for _, plane := range [3][]float32{red, green, blue} {
			for i, v := range plane {
				plane[i] = clamp01(float32(op.A*v) + op.B)
			}
		}
	case Saturate:
		for i, r := range red {
			g, b := green[i], blue[i]
			grey := float32(op.B * luma(r, g, b))
			red[i] = clamp01(float32(op.A*r) + grey)
			green[i] = clamp01(float32(op.A*g) + grey)
			blue[i] = clamp01(float32(op.A*b) + grey)
		}
	case Hue:
		for i, r := range red {
			red[i], green[i], blue[i] = turn(r, green[i], blue[i], op.A)
		}
	case Gray:
		for i, r := range red {
			grey := luma(r, green[i], blue[i])
			red[i], green[i], blue[i] = grey, grey, grey
		}
	case Solarize:
		for _, plane := range [3][]float32{red, green, blue} {
			for i, v := range plane {
				if v >= op.A {
					plane[i] = 1 - v
				}
			}
		}
	case Steps:
		for _, plane := range [3][]float32{red, green, blue} {
			for i, v := range plane {
				plane[i] = float32(int32((clamp01(v)+slack)*op.A)) * op.B
			}
		}
	case Power:
		for _, plane := range [3][]float32{red, green, blue} {
			for i, v := range plane {
				plane[i] = power(v, op.A)
			}
		}
	case ToJFIF:
		const half, centre = 1 << 15, 128 << 16
		for i := range red {
			r, g, b := nearestByte(red[i]), nearestByte(green[i]), nearestByte(blue[i])
			red[i] = float32((19595*r + 38470*g + 7471*b + half) >> 16)
			green[i] = float32((-11059*r - 21709*g + 32768*b + centre + half - 1) >> 16)
			blue[i] = float32((32768*r - 27439*g - 5329*b + centre + half - 1) >> 16)
		}
	case FromJFIF:
		const half = 1 << 15
		for i := range red {
			y, cb, cr := limitByte(red[i]), limitByte(green[i])-128, limitByte(blue[i])-128
			red[i] = fromByte(y + (91881*cr+half)>>16)
			green[i] = fromByte(y + (-22554*cb-46802*cr+half)>>16)
			blue[i] = fromByte(y + (116130*cb+half)>>16)
		}
	}
}

func nearestByte(v float32) int32 { return int32(float32(255*clamp01(v)) + 0.5) }

func limitByte(v float32) int32 { return int32(lesser(greater(v, 0), 255)) }

func fromByte(v int32) float32 { return float32(max(0, min(255, v))) / 255 }

// turn moves the hue h, in sixths of a turn. HSV's V is max and S is C/V with C = max-min, and the way back is
// min + C*w, where w is clamp(|h-3|-1), clamp(2-|h-2|) and clamp(2-|h-4|) for R, G and B: three trapezes along the
// wheel. As S and V stay, min and C do, and only h is ever computed.
func turn(r, g, b, by float32) (red, green, blue float32) {
	high, low := greater(greater(r, g), b), lesser(lesser(r, g), b)
	chroma := high - low
	over, h := r-g, float32(4)
	if high == g {
		over, h = b-r, 2
	}
	if high == r {
		over, h = g-b, 0
	}
	h = h + over/greater(chroma, tiny) + by // in [-4, 8)
	if h < 0 {
		h += 6
	}
	if h >= 6 {
		h -= 6
	}
	red = low + float32(chroma*clamp01(abs(h-3)-1))
	green = low + float32(chroma*clamp01(2-abs(h-2)))
	blue = low + float32(chroma*clamp01(2-abs(h-4)))
	return red, green, blue
}

// power is 2^(p*log2 v). With v = 2^e * m, m in [sqrt(1/2), sqrt 2), log2 m is a series in (m-1)/(m+1), and with the
// exponent y = n + f, n whole, 2^f is its Taylor series: both to less than 1e-7.
func power(v, p float32) float32 {
	bits := math.Float32bits(v)
	e := int32(bits-rootHalf) >> 23
	m := math.Float32frombits(bits - uint32(e)<<23)
	s := (m - 1) / (m + 1)
	z := float32(s * s)
	sum := float32(logSeries[len(logSeries)-1])
	for i := len(logSeries) - 2; i >= 0; i-- {
		sum = float32(sum*z) + logSeries[i]
	}
	y := float32(p * (float32(e) + float32(sum*s)))
	y = lesser(greater(y, -100), 100) // no result is denormal, which would be slow
	n := y + wholes - wholes          // to the nearest whole number
	f := y - n
	sum = expSeries[len(expSeries)-1]
	for i := len(expSeries) - 2; i >= 0; i-- {
		sum = float32(sum*f) + expSeries[i]
	}
	if v > 0 {
		return float32(sum * math.Float32frombits(uint32(int32(n)+127)<<23))
	}
	return 0
}

const (
	rootHalf = 0x3f3504f3       // the bits of sqrt(1/2)
	wholes   = float32(3 << 22) // from here to twice as far, float32 are whole numbers
	ln2      = math.Ln2
)

// The series' coefficients; _generate has the same.
var (
	logSeries = [5]float32{2 / ln2, 2 / ln2 / 3, 2 / ln2 / 5, 2 / ln2 / 7, 2 / ln2 / 9}
	expSeries = [8]float32{1, ln2, ln2 * ln2 / 2, ln2 * ln2 * ln2 / 6, ln2 * ln2 * ln2 * ln2 / 24,
		ln2 * ln2 * ln2 * ln2 * ln2 / 120, ln2 * ln2 * ln2 * ln2 * ln2 * ln2 / 720,
		ln2 * ln2 * ln2 * ln2 * ln2 * ln2 * ln2 / 5040}
)

// tiny keeps the hue of grey finite: 0 of 0 is taken for 0 of tiny.
const tiny = 0x1p-126

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
