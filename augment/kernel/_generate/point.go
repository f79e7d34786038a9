package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Comparisons of VCMPPS: ordered, false where a value is NaN.
const (
	equal        = 0x00
	less         = 0x01
	greaterEqual = 0x0d
)

// luma returns the luminance.
func luma(r, g, b reg.VecVirtual) reg.VecVirtual {
	sum, t := YMM(), YMM()
	VMULPS(number("luma_r", 0.2989), r, sum)
	VMULPS(number("luma_g", 0.587), g, t)
	VADDPS(t, sum, sum)
	VMULPS(number("luma_b", 0.114), b, t)
	VADDPS(t, sum, sum)
	return sum
}

// operations makes the operations of kernel.Op.
func operations() {
	planewise("scaleAVX2", "a", func(a, _ reg.VecVirtual) func(v reg.VecVirtual) {
		return func(v reg.VecVirtual) {
			VMULPS(v, a, v)
			VMINPS(number("one", 1), v, v)
		}
	})
	planewise("blendAVX2", "a, b", func(a, b reg.VecVirtual) func(v reg.VecVirtual) {
		return func(v reg.VecVirtual) {
			VMULPS(v, a, v)
			VADDPS(b, v, v)
			clamp(v)
		}
	})
	planewise("solarizeAVX2", "a", func(a, _ reg.VecVirtual) func(v reg.VecVirtual) {
		return func(v reg.VecVirtual) {
			one, inverted, bright := YMM(), YMM(), YMM()
			VMOVUPS(number("one", 1), one)
			VSUBPS(v, one, inverted)
			VCMPPS(Imm(greaterEqual), a, v, bright)
			VBLENDVPS(bright, inverted, v, v)
		}
	})
	planewise("stepsAVX2", "a, b", func(a, b reg.VecVirtual) func(v reg.VecVirtual) {
		return func(v reg.VecVirtual) {
			clamp(v)
			VADDPS(number("slack", 1./(1024*255)), v, v)
			VMULPS(a, v, v)
			VCVTTPS2DQ(v, v)
			VCVTDQ2PS(v, v)
			VMULPS(b, v, v)
		}
	})
	pixelwise("saturateAVX2", "a, b", func(a, b reg.VecVirtual) func(r, g, bl reg.VecVirtual) {
		return func(r, g, bl reg.VecVirtual) {
			grey := luma(r, g, bl)
			VMULPS(grey, b, grey)
			for _, v := range []reg.VecVirtual{r, g, bl} {
				VMULPS(v, a, v)
				VADDPS(grey, v, v)
				clamp(v)
			}
		}
	})
	pixelwise("grayAVX2", "", func(_, _ reg.VecVirtual) func(r, g, bl reg.VecVirtual) {
		return func(r, g, bl reg.VecVirtual) {
			grey := luma(r, g, bl)
			VMOVAPS(grey, r)
			VMOVAPS(grey, g)
			VMOVAPS(grey, bl)
		}
	})
	pixelwise("hueAVX2", "a", hue)
	planewise("powerAVX2", "a", power)
	pixelwise("toJFIFAVX2", "", toJFIF)
	pixelwise("fromJFIFAVX2", "", fromJFIF)
}

// planewise makes a function that treats every value of three planes alike.
func planewise(name, params string, prepare func(a, b reg.VecVirtual) func(v reg.VecVirtual)) {
	pixelwise(name, params, func(a, b reg.VecVirtual) func(r, g, bl reg.VecVirtual) {
		body := prepare(a, b)
		return func(r, g, bl reg.VecVirtual) {
			body(r)
			body(g)
			body(bl)
		}
	})
}

// pixelwise makes a function of three planes of n pixels, in place.
func pixelwise(name, params string, prepare func(a, b reg.VecVirtual) func(r, g, bl reg.VecVirtual)) {
	signature := "func(red, green, blue *float32, n int"
	if params != "" {
		signature += ", " + params + " float32"
	}
	function(name, signature+")")
	r, g, b, n := load("red"), load("green"), load("blue"), load("n")
	var first, second reg.VecVirtual
	if params != "" {
		first = broadcast("a")
	}
	if params == "a, b" {
		second = broadcast("b")
	}
	body := prepare(first, second)
	vectors("loop", 8, n, func(i reg.Register) {
		vr, vg, vb := YMM(), YMM(), YMM()
		VMOVUPS(at(r, i), vr)
		VMOVUPS(at(g, i), vg)
		VMOVUPS(at(b, i), vb)
		body(vr, vg, vb)
		VMOVUPS(vr, at(r, i))
		VMOVUPS(vg, at(g, i))
		VMOVUPS(vb, at(b, i))
	})
	VZEROUPPER()
	RET()
}

func hue(by, _ reg.VecVirtual) func(r, g, b reg.VecVirtual) {
	return func(r, g, b reg.VecVirtual) {
		low, chroma := YMM(), YMM()
		high := YMM()
		VMAXPS(g, r, high)
		VMAXPS(b, high, high)
		VMINPS(g, r, low)
		VMINPS(b, low, low)
		VSUBPS(low, high, chroma)

		over, h, other, is := YMM(), YMM(), YMM(), YMM()
		VSUBPS(g, r, over)
		VMOVUPS(number("four", 4), h)
		VSUBPS(r, b, other)
		VCMPPS(Imm(equal), g, high, is)
		VBLENDVPS(is, other, over, over)
		VBLENDVPS(is, number("two", 2), h, h)
		VSUBPS(b, g, other)
		VCMPPS(Imm(equal), r, high, is)
		VBLENDVPS(is, other, over, over)
		VANDNPS(h, is, h) // 0 where red is highest

		VMAXPS(number("tiny", 0x1p-126), chroma, other)
		VDIVPS(other, over, over)
		VADDPS(over, h, h)
		VADDPS(by, h, h)
		six, wrap := YMM(), YMM()
		VMOVUPS(number("six", 6), six)
		VXORPS(wrap, wrap, wrap)
		VCMPPS(Imm(less), wrap, h, wrap)
		VANDPS(six, wrap, wrap)
		VADDPS(wrap, h, h)
		VCMPPS(Imm(greaterEqual), six, h, wrap)
		VANDPS(six, wrap, wrap)
		VSUBPS(wrap, h, h)

		trapeze := func(to reg.VecVirtual, centre Mem, edge func(v reg.VecVirtual)) {
			VSUBPS(centre, h, to)
			VANDPS(number("magnitude", math.Float32frombits(1<<31-1)), to, to)
			edge(to)
			clamp(to)
			VMULPS(to, chroma, to)
			VADDPS(to, low, to)
		}
		falling := func(v reg.VecVirtual) {
			two := YMM()
			VMOVUPS(number("two", 2), two)
			VSUBPS(v, two, v)
		}
		trapeze(r, number("three", 3), func(v reg.VecVirtual) { VSUBPS(number("one", 1), v, v) })
		trapeze(g, number("two", 2), falling)
		trapeze(b, number("four", 4), falling)
	}
}

func power(p, _ reg.VecVirtual) func(v reg.VecVirtual) {
	ln2 := math.Ln2
	series := func(name string, sum, x reg.VecVirtual, coefficients ...float64) {
		for i := len(coefficients) - 1; i >= 0; i-- {
			c := number(fmt.Sprintf("%s_%d", name, i), float32(coefficients[i]))
			if i == len(coefficients)-1 {
				VMOVUPS(c, sum)
				continue
			}
			VMULPS(x, sum, sum)
			VADDPS(c, sum, sum)
		}
	}
	return func(v reg.VecVirtual) {
		e, m, s, z, sum := YMM(), YMM(), YMM(), YMM(), YMM()
		VPSUBD(integer(0x3f3504f3), v, e)
		VPSRAD(Imm(23), e, e)
		VPSLLD(Imm(23), e, m)
		VPSUBD(m, v, m)
		VADDPS(number("one", 1), m, z)
		VSUBPS(number("one", 1), m, s)
		VDIVPS(z, s, s)
		VMULPS(s, s, z)
		series("log", sum, z, 2/ln2, 2/ln2/3, 2/ln2/5, 2/ln2/7, 2/ln2/9)
		VMULPS(s, sum, sum)
		VCVTDQ2PS(e, e)
		VADDPS(sum, e, e)
		VMULPS(p, e, e)
		VMAXPS(number("least_exponent", -100), e, e)
		VMINPS(number("most_exponent", 100), e, e)

		n, wholes := YMM(), YMM()
		VMOVUPS(number("wholes", 3<<22), wholes)
		VADDPS(wholes, e, n)
		VSUBPS(wholes, n, n)
		VSUBPS(n, e, e)
		series("exp", sum, e, 1, ln2, ln2*ln2/2, ln2*ln2*ln2/6, ln2*ln2*ln2*ln2/24, ln2*ln2*ln2*ln2*ln2/120,
			ln2*ln2*ln2*ln2*ln2*ln2/720, ln2*ln2*ln2*ln2*ln2*ln2*ln2/5040)
		VCVTTPS2DQ(n, n)
		VPADDD(integer(127), n, n)
		VPSLLD(Imm(23), n, n)
		VMULPS(n, sum, sum)
		VXORPS(n, n, n)
		VCMPPS(Imm(less), v, n, n)
		VANDPS(n, sum, v)
	}
}

func toJFIF(_, _ reg.VecVirtual) func(r, g, b reg.VecVirtual) {
	return func(r, g, b reg.VecVirtual) {
		rgb := []reg.VecVirtual{r, g, b}
		for _, v := range rgb {
			clamp(v)
			VMULPS(number("byte", 255), v, v)
			VADDPS(number("half", 0.5), v, v)
			VCVTTPS2DQ(v, v)
		}
		const half, centre = 1 << 15, 128 << 16
		for i, v := range []reg.VecVirtual{
			weighted(half, rgb, 19595, 38470, 7471),
			weighted(centre+half-1, rgb, -11059, -21709, 32768),
			weighted(centre+half-1, rgb, 32768, -27439, -5329),
		} {
			VPSRAD(Imm(16), v, v)
			VCVTDQ2PS(v, rgb[i])
		}
	}
}

func fromJFIF(_, _ reg.VecVirtual) func(y, cb, cr reg.VecVirtual) {
	return func(y, cb, cr reg.VecVirtual) {
		planes := []reg.VecVirtual{y, cb, cr}
		for i, v := range planes {
			zero := YMM()
			VXORPS(zero, zero, zero)
			VMAXPS(zero, v, v)
			VMINPS(number("byte", 255), v, v)
			VCVTTPS2DQ(v, v)
			if i > 0 {
				VPSUBD(integer(128), v, v)
			}
		}
		const half = 1 << 15
		var red reg.VecVirtual
		for i, v := range []reg.VecVirtual{
			weighted(half, []reg.VecVirtual{cr}, 91881),
			weighted(half, []reg.VecVirtual{cb, cr}, -22554, -46802),
			weighted(half, []reg.VecVirtual{cb}, 116130),
		} {
			VPSRAD(Imm(16), v, v)
			VPADDD(y, v, v)
			limitBytes(v)
			VCVTDQ2PS(v, v)
			VDIVPS(number("byte", 255), v, v)
			if i > 0 {
				VMOVAPS(v, planes[i])
			} else {
				red = v // the others still need y
			}
		}
		VMOVAPS(red, y)
	}
}

func luminance() {
	function("luminanceAVX2", "func(sums *[16]float32, red, green, blue *float32, n int)")
	sums := load("sums")
	r, g, b, n := load("red"), load("green"), load("blue"), load("n")
	total := [2]reg.VecVirtual{YMM(), YMM()}
	VXORPS(total[0], total[0], total[0])
	VXORPS(total[1], total[1], total[1])
	vectors("loop", 16, n, func(i reg.Register) {
		for k, t := range total {
			vr, vg, vb := YMM(), YMM(), YMM()
			VMOVUPS(at(r, i).Offset(32*k), vr)
			VMOVUPS(at(g, i).Offset(32*k), vg)
			VMOVUPS(at(b, i).Offset(32*k), vb)
			VADDPS(luma(vr, vg, vb), t, t)
		}
	})
	VMOVUPS(total[0], Mem{Base: sums})
	VMOVUPS(total[1], Mem{Base: sums, Disp: 32})
	VZEROUPPER()
	RET()
}

func normalize(masked bool) {
	if masked {
		function("normalizeMaskedAVX2", "func(dst, src, mask *float32, n int, mean, gain float32)")
	} else {
		function("normalizeAVX2", "func(dst, src *float32, n int, mean, gain float32)")
	}
	dst, src, n := load("dst"), load("src"), load("n")
	var mask reg.Register
	if masked {
		mask = load("mask")
	}
	mean, gain := broadcast("mean"), broadcast("gain")
	vectors("loop", 8, n, func(i reg.Register) {
		v := YMM()
		VMOVUPS(at(src, i), v)
		VSUBPS(mean, v, v)
		VMULPS(gain, v, v)
		if masked {
			VMULPS(at(mask, i), v, v)
		}
		VMOVUPS(v, at(dst, i))
	})
	VZEROUPPER()
	RET()
}
