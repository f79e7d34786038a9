// Command generate writes the amd64 assembly of package kernel: see there for what the functions compute, in which order,
// and for how they are called. None of them uses a fused multiplication and addition.
package main

import (
	"fmt"
	"math"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	rows("rowsAVX2", "uint8")
	rows("combineAVX2", "float32")
	columns()
	columnsPacked()
	for _, mirrored := range []bool{false, true} {
		unpack(mirrored)
		unpackPacked(mirrored)
	}
	places()
	sample()
	symmetric()
	luminance()
	normalize(false)
	normalize(true)
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
	planewise("powerAVX2", "a", power)
	pixelwise("toJFIFAVX2", "", toJFIF)
	pixelwise("fromJFIFAVX2", "", fromJFIF)
	valueRange()
	add()
	sharpen()
	bytes()
	quantize()
	halve()
	double()
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
	Generate()
}

// Comparisons of VCMPPS: ordered, false where a value is NaN.
const (
	equal        = 0x00
	less         = 0x01
	greaterEqual = 0x0d
)

var numbers = map[string]Mem{}

// number returns a vector of eight equal constants in memory.
func number(name string, v float32) Mem {
	m, ok := numbers[name]
	if !ok {
		m = GLOBL("const_"+name, RODATA|NOPTR)
		for i := range 8 {
			DATA(4*i, U32(math.Float32bits(v)))
		}
		numbers[name] = m
	}
	return m
}

// clamp limits to [0, 1].
func clamp(v reg.VecVirtual) {
	zero := YMM()
	VXORPS(zero, zero, zero)
	VMAXPS(zero, v, v)
	VMINPS(number("one", 1), v, v)
}

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

// function starts a function whose pointers the caller's stack may own.
func function(name, signature string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
}

func load(name string) reg.Register { return Load(Param(name), GP64()) }

func broadcast(name string) reg.VecVirtual {
	v := YMM()
	m, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(m.Addr, v)
	return v
}

// vectors loops over n values, a multiple of width, with a register that counts them.
func vectors(name string, width int, n reg.Register, body func(i reg.Register)) {
	i := GP64()
	XORQ(i, i)
	Label(name)
	body(i)
	ADDQ(Imm(uint64(width)), i)
	CMPQ(i, n)
	JLT(LabelRef(name))
}

func at(base, index reg.Register) Mem { return Mem{Base: base, Index: index, Scale: 4} }

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

// integer returns a vector of eight equal whole numbers.
func integer(v int) Mem {
	name := strings.Replace(fmt.Sprintf("integer_%d", v), "-", "minus_", 1)
	return number(name, math.Float32frombits(uint32(int32(v))))
}

// weighted adds whole-number products to a sum that begins with start.
func weighted(start int, v []reg.VecVirtual, weights ...int) reg.VecVirtual {
	sum := YMM()
	VMOVUPS(integer(start), sum)
	for i, w := range weights {
		t := YMM()
		VPMULLD(integer(w), v[i], t)
		VPADDD(t, sum, sum)
	}
	return sum
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

// limitBytes limits whole numbers to [0, 255].
func limitBytes(v reg.VecVirtual) {
	zero := YMM()
	VPXOR(zero, zero, zero)
	VPMAXSD(zero, v, v)
	VPMINSD(integer(255), v, v)
}

func valueRange() {
	function("rangeAVX2", "func(plane *float32, n int, lows, highs *[8]float32)")
	plane, n, lows, highs := load("plane"), load("n"), load("lows"), load("highs")
	low, high := YMM(), YMM()
	VMOVUPS(Mem{Base: plane}, low)
	VMOVAPS(low, high)
	vectors("loop", 8, n, func(i reg.Register) {
		v := YMM()
		VMOVUPS(at(plane, i), v)
		VMINPS(low, v, low)
		VMAXPS(high, v, high)
	})
	VMOVUPS(low, Mem{Base: lows})
	VMOVUPS(high, Mem{Base: highs})
	VZEROUPPER()
	RET()
}

func add() {
	function("addAVX2", "func(dst, src *float32, n int, gain float32)")
	dst, src, n, gain := load("dst"), load("src"), load("n"), broadcast("gain")
	vectors("loop", 8, n, func(i reg.Register) {
		v := YMM()
		VMULPS(at(src, i), gain, v)
		VADDPS(at(dst, i), v, v)
		clamp(v)
		VMOVUPS(v, at(dst, i))
	})
	VZEROUPPER()
	RET()
}

// sharpen: the rows begin a value before the first one of dst.
func sharpen() {
	function("sharpenAVX2", "func(dst, above, row, below *float32, n int, rest float32)")
	dst, above, row, below, n := load("dst"), load("above"), load("row"), load("below"), load("n")
	rest := broadcast("rest")
	vectors("loop", 8, n, func(i reg.Register) {
		ring, centre, v := YMM(), YMM(), YMM()
		VMOVUPS(at(above, i), ring)
		VADDPS(at(above, i).Offset(4), ring, ring)
		VADDPS(at(above, i).Offset(8), ring, ring)
		VADDPS(at(row, i), ring, ring)
		VADDPS(at(row, i).Offset(8), ring, ring)
		for k := range 3 {
			VADDPS(at(below, i).Offset(4*k), ring, ring)
		}
		VMOVUPS(at(row, i).Offset(4), centre)
		VMULPS(number("side", 1./13), ring, ring)
		VMULPS(number("centre", 5./13), centre, v)
		VADDPS(v, ring, v)
		VSUBPS(centre, v, v)
		VMULPS(v, rest, v)
		VADDPS(v, centre, v)
		clamp(v)
		VMOVUPS(v, at(dst, i))
	})
	VZEROUPPER()
	RET()
}

func bytes() {
	function("bytesAVX2", "func(dst *uint8, src *float32, n int, slack float32)")
	dst, src, n := load("dst"), load("src"), load("n")
	slack := broadcast("slack")
	vectors("loop", 8, n, func(i reg.Register) {
		v, high := YMM(), XMM()
		VMOVUPS(at(src, i), v)
		clamp(v)
		VMULPS(number("byte", 255), v, v)
		VADDPS(slack, v, v)
		VCVTTPS2DQ(v, v)
		VEXTRACTI128(Imm(1), v, high)
		VPACKUSDW(high, v.AsX(), high)
		VPACKUSWB(high, high, high)
		VMOVQ(high, Mem{Base: dst, Index: i, Scale: 1})
	})
	VZEROUPPER()
	RET()
}

// Of the cosine transform, see the generic code.
const (
	cosineBits = 13
	spareBits  = 2
)

var (
	oddFactors  = [4][4]int{{11363, 9633, 6437, 2260}, {9633, -2259, -11362, -6436}, {6437, -11362, 2261, 9633}, {2260, -6436, 9633, -11363}}
	evenFactors = [2][2]int{{10703, 4433}, {4433, -10704}}
)

// quantize transforms the eight rows, or columns, of a block at once. Whole numbers add up to the same in any order.
func quantize() {
	function("quantizeAVX2", "func(block *[64]float32, steps *[64]int32)")
	block, steps := load("block"), load("steps")
	row := func(base reg.Register, k int) Mem { return Mem{Base: base, Disp: 32 * k} }
	rows := func() []reg.VecVirtual {
		v := vecs(8)
		for k := range v {
			VMOVDQU(row(block, k), v[k])
		}
		return v
	}
	sum := func(a, b reg.VecVirtual) reg.VecVirtual {
		v := YMM()
		VPADDD(b, a, v)
		return v
	}
	difference := func(a, b reg.VecVirtual) reg.VecVirtual {
		v := YMM()
		VPSUBD(b, a, v)
		return v
	}
	forward := func(shift int) {
		in := transposed(block)
		var s, d []reg.VecVirtual
		for i := range 4 {
			s, d = append(s, sum(in[i], in[7-i])), append(d, difference(in[i], in[7-i]))
		}
		half := 1 << (shift - 1)
		put := func(k int, v reg.VecVirtual) {
			VPSRAD(Imm(uint64(shift)), v, v)
			VMOVDQU(v, row(block, k))
		}
		for k := range oddFactors {
			put(2*k+1, weighted(half, d, oddFactors[k][:]...))
		}
		outer, inner := sum(s[0], s[3]), sum(s[1], s[2])
		for k, v := range []reg.VecVirtual{sum(outer, inner), difference(outer, inner)} {
			VPSLLD(Imm(cosineBits), v, v)
			VPADDD(integer(half), v, v)
			put(4*k, v)
		}
		across := []reg.VecVirtual{difference(s[0], s[3]), difference(s[1], s[2])}
		put(2, weighted(half, across, evenFactors[0][:]...))
		put(6, weighted(half, across, evenFactors[1][:]...))
	}
	backward := func(v []reg.VecVirtual, shift int) {
		p, q := sum(v[0], v[4]), difference(v[0], v[4])
		VPSLLD(Imm(cosineBits), p, p)
		VPSLLD(Imm(cosineBits), q, q)
		half := 1 << (shift - 1)
		r := weighted(half, []reg.VecVirtual{v[2], v[6]}, evenFactors[0][0], evenFactors[1][0])
		t := weighted(half, []reg.VecVirtual{v[2], v[6]}, evenFactors[0][1], evenFactors[1][1])
		// Half is added once to each sum: as r and t are subtracted too, twice to p and q.
		twice := integer(2 * half)
		even := []reg.VecVirtual{sum(p, r), sum(q, t), difference(q, t), difference(p, r)}
		VPADDD(twice, even[2], even[2])
		VPADDD(twice, even[3], even[3])
		odd := []reg.VecVirtual{v[1], v[3], v[5], v[7]}
		for i, e := range even {
			o := weighted(0, odd, oddFactors[0][i], oddFactors[1][i], oddFactors[2][i], oddFactors[3][i])
			for h, w := range []reg.VecVirtual{sum(e, o), difference(e, o)} {
				VPSRAD(Imm(uint64(shift)), w, w)
				VMOVDQU(w, row(block, i+h*(7-2*i)))
			}
		}
	}
	for k := range 8 {
		v := YMM()
		VCVTTPS2DQ(row(block, k), v)
		VPSUBD(integer(128), v, v)
		VMOVDQU(v, row(block, k))
	}
	forward(cosineBits - spareBits)
	forward(cosineBits + spareBits)
	for k := range 8 {
		v, sign, step, by := YMM(), YMM(), YMM(), YMM()
		VMOVDQU(row(block, k), v)
		VPSRAD(Imm(31), v, sign)
		VPABSD(v, v)
		VMOVDQU(row(steps, k), step)
		VPSLLD(Imm(2), step, by)
		VPADDD(by, v, v) // half of what it is divided by
		VPADDD(by, by, by)
		VCVTDQ2PS(v, v)
		VCVTDQ2PS(by, by)
		VDIVPS(by, v, v) // below 2^16, so that the quotient does not round up to a whole number
		VCVTTPS2DQ(v, v)
		VPMULLD(step, v, v)
		VPXOR(sign, v, v)
		VPSUBD(sign, v, v)
		VMOVDQU(v, row(block, k))
	}
	backward(rows(), cosineBits-spareBits)
	backward(transposed(block), cosineBits+spareBits+3)
	for k, v := range transposed(block) {
		VPADDD(integer(128), v, v)
		limitBytes(v)
		VCVTDQ2PS(v, v)
		VMOVUPS(v, row(block, k))
	}
	VZEROUPPER()
	RET()
}

// halve writes n values of twice as many in two rows.
func halve() {
	function("halveAVX2", "func(dst, above, below *float32, n int)")
	dst, above, below, n := load("dst"), load("above"), load("below"), load("n")
	bias := GLOBL("halve_bias", RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(uint32(1+i%2)))
	}
	vectors("loop", 8, n, func(i reg.Register) {
		v := vecs(2)
		for k := range v {
			VMOVUPS(Mem{Base: above, Index: i, Scale: 8, Disp: 32 * k}, v[k])
			VADDPS(Mem{Base: below, Index: i, Scale: 8, Disp: 32 * k}, v[k], v[k])
		}
		even, odd := YMM(), YMM()
		VSHUFPS(Imm(0x88), v[1], v[0], even)
		VSHUFPS(Imm(0xdd), v[1], v[0], odd)
		VADDPS(odd, even, even)
		VPERMPD(Imm(0xd8), even, even)
		VCVTTPS2DQ(even, even)
		VPADDD(bias, even, even)
		VPSRAD(Imm(2), even, even)
		VCVTDQ2PS(even, even)
		VMOVUPS(even, at(dst, i))
	})
	VZEROUPPER()
	RET()
}

// double writes 2n values between the n that begin with the second ones of near and far.
func double() {
	function("doubleAVX2", "func(dst, near, far *float32, n int)")
	dst, near, far, n := load("dst"), load("near"), load("far"), load("n")
	vectors("loop", 8, n, func(i reg.Register) {
		v := vecs(3)
		for k := range v {
			VMOVUPS(number("three", 3), v[k])
			VMULPS(at(near, i).Offset(4*k), v[k], v[k])
			VADDPS(at(far, i).Offset(4*k), v[k], v[k])
		}
		VMULPS(number("three", 3), v[1], v[1])
		for k := 0; k < 3; k += 2 {
			VADDPS(v[1], v[k], v[k])
			VCVTTPS2DQ(v[k], v[k])
			VPADDD(integer(8-k/2), v[k], v[k])
			VPSRAD(Imm(4), v[k], v[k])
			VCVTDQ2PS(v[k], v[k])
		}
		low, high, out := YMM(), YMM(), YMM()
		VUNPCKLPS(v[2], v[0], low)
		VUNPCKHPS(v[2], v[0], high)
		VPERM2F128(Imm(0x20), high, low, out)
		VMOVUPS(out, Mem{Base: dst, Index: i, Scale: 8})
		VPERM2F128(Imm(0x31), high, low, out)
		VMOVUPS(out, Mem{Base: dst, Index: i, Scale: 8, Disp: 32})
	})
	VZEROUPPER()
	RET()
}

// transposed loads an 8x8 matrix's columns.
func transposed(base reg.Register) []reg.VecVirtual {
	a, b := vecs(8), vecs(8)
	for k := range 4 { // halves of rows k and k+4
		for h := range 2 {
			VBROADCASTF128(Mem{Base: base, Disp: 32*k + 16*h}, a[2*k+h])
			VINSERTF128(Imm(1), Mem{Base: base, Disp: 32*(k+4) + 16*h}, a[2*k+h], a[2*k+h])
		}
	}
	out := make([]reg.VecVirtual, 8)
	for h := range 2 { // a[h], a[2+h], a[4+h], a[6+h]: four rows of four columns, twice
		VUNPCKLPS(a[2+h], a[h], b[4*h])
		VUNPCKHPS(a[2+h], a[h], b[4*h+1])
		VUNPCKLPS(a[6+h], a[4+h], b[4*h+2])
		VUNPCKHPS(a[6+h], a[4+h], b[4*h+3])
		for c := range 4 {
			out[4*h+c] = YMM()
			if c%2 == 0 {
				VSHUFPS(Imm(0x44), b[4*h+2+c/2], b[4*h+c/2], out[4*h+c])
			} else {
				VSHUFPS(Imm(0xee), b[4*h+2+c/2], b[4*h+c/2], out[4*h+c])
			}
		}
	}
	return out
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

// blocks loops over n values, a multiple of 8: 32 at a time, then the rest. The body advances its pointers itself.
func blocks(n reg.Register, body func(name string, width int)) {
	for _, width := range []int{4, 1} {
		name := map[int]string{4: "wide", 1: "narrow"}[width]
		Label(name)
		CMPQ(n, Imm(uint64(8*width)))
		JLT(LabelRef(name + "_end"))
		body(name, width)
		SUBQ(Imm(uint64(8*width)), n)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	VZEROUPPER()
	RET()
}

func vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// rows combines rows of bytes or of float32.
func rows(name, kind string) {
	function(name, "func(dst *float32, n int, src *"+kind+", starts *int, weights *float32, taps int)")
	size := map[string]int{"uint8": 1, "float32": 4}[kind]
	dst, n, src := load("dst"), load("n"), load("src")
	starts, weights, taps := load("starts"), load("weights"), load("taps")
	blocks(n, func(name string, width int) {
		sums, w, v := vecs(width), YMM(), vecs(width)
		for _, s := range sums {
			VXORPS(s, s, s)
		}
		k, p := GP64(), GP64()
		XORQ(k, k)
		Label(name + "_tap")
		MOVQ(Mem{Base: starts, Index: k, Scale: 8}, p)
		LEAQ(Mem{Base: src, Index: p, Scale: uint8(size)}, p)
		VBROADCASTSS(at(weights, k), w)
		for i, s := range sums {
			if kind == "uint8" {
				VPMOVZXBD(Mem{Base: p, Disp: 8 * i}, v[i])
				VCVTDQ2PS(v[i], v[i])
				VMULPS(w, v[i], v[i])
			} else {
				VMULPS(Mem{Base: p, Disp: 32 * i}, w, v[i])
			}
			VADDPS(v[i], s, s)
		}
		INCQ(k)
		CMPQ(k, taps)
		JLT(LabelRef(name + "_tap"))
		for i, s := range sums {
			VMOVUPS(s, Mem{Base: dst, Disp: 32 * i})
		}
		ADDQ(Imm(uint64(32*width)), dst)
		ADDQ(Imm(uint64(8*width*size)), src)
	})
}

func symmetric() {
	function("symmetricAVX2", "func(dst *float32, n int, src, weights *float32, centre int, before, after *int, radius int)")
	dst, n, src, weights, centre := load("dst"), load("n"), load("src"), load("weights"), load("centre")
	before, after, radius := load("before"), load("after"), load("radius")
	blocks(n, func(name string, width int) {
		sums, w, v := vecs(width), YMM(), vecs(width)
		VBROADCASTSS(Mem{Base: weights}, w)
		for i, s := range sums {
			VMULPS(Mem{Base: src, Index: centre, Scale: 4, Disp: 32 * i}, w, s)
		}
		k, p, q := GP64(), GP64(), GP64()
		XORQ(k, k)
		Label(name + "_tap")
		MOVQ(Mem{Base: before, Index: k, Scale: 8}, p)
		MOVQ(Mem{Base: after, Index: k, Scale: 8}, q)
		VBROADCASTSS(at(weights, k).Offset(4), w)
		for i, s := range sums {
			VMOVUPS(at(src, p).Offset(32*i), v[i])
			VADDPS(at(src, q).Offset(32*i), v[i], v[i])
			VMULPS(w, v[i], v[i])
			VADDPS(v[i], s, s)
		}
		INCQ(k)
		CMPQ(k, radius)
		JLT(LabelRef(name + "_tap"))
		for i, s := range sums {
			VMOVUPS(s, Mem{Base: dst, Disp: 32 * i})
		}
		ADDQ(Imm(uint64(32*width)), dst)
		ADDQ(Imm(uint64(32*width)), src)
	})
}

// clampPixel limits R, G, B and a fourth value to [0, 1].
func clampPixel(v, zero, one reg.VecVirtual) {
	VMAXPS(zero, v, v)
	VMINPS(one, v, v)
}

// limits returns vectors of four 0 and four 1.
func limits() (zero, one reg.VecVirtual) {
	zero, one = XMM(), XMM()
	VXORPS(zero, zero, zero)
	VMOVUPS(number("one", 1), one)
	return zero, one
}

// storePlanes writes four pixels to three planes and advances the pointers.
func storePlanes(p []reg.VecVirtual, red, green, blue reg.Register) {
	low, high, v := [2]reg.VecVirtual{XMM(), XMM()}, [2]reg.VecVirtual{XMM(), XMM()}, XMM()
	for i := range 2 {
		VUNPCKLPS(p[2*i+1], p[2*i], low[i])  // R R G G
		VUNPCKHPS(p[2*i+1], p[2*i], high[i]) // B B - -
	}
	VMOVLHPS(low[1], low[0], v)
	VMOVUPS(v, Mem{Base: red})
	VMOVHLPS(low[0], low[1], v)
	VMOVUPS(v, Mem{Base: green})
	VMOVLHPS(high[1], high[0], v)
	VMOVUPS(v, Mem{Base: blue})
	for _, to := range []reg.Register{red, green, blue} {
		ADDQ(Imm(16), to)
	}
}

// columns makes four pixels at a time. A pixel's sum is one vector of R, G, B and the following value.
func columns() {
	function("columnsAVX2", "func(red, green, blue *float32, n int, line *float32, first *int32, weights *float32, taps int)")
	red, green, blue, n := load("red"), load("green"), load("blue"), load("n")
	line, first, weights := load("line"), load("first"), load("weights")
	zero, one := limits()
	one4, three := load("taps"), GP64() // bytes of one and of three pixels' weights; three also ends the loop
	SHLQ(Imm(2), one4)
	LEAQ(Mem{Base: one4, Index: one4, Scale: 2}, three)

	Label("loop")
	in, sums := make([]reg.GPVirtual, 4), make([]reg.VecVirtual, 4)
	for i := range in {
		in[i], sums[i] = GP64(), XMM()
		MOVLQSX(Mem{Base: first, Disp: 4 * i}, in[i])
		LEAQ(Mem{Base: in[i], Index: in[i], Scale: 2}, in[i])
		LEAQ(at(line, in[i]), in[i])
		VXORPS(sums[i], sums[i], sums[i])
	}
	ADDQ(Imm(16), first)
	k := GP64()
	XORQ(k, k)
	Label("tap")
	for i, w := range []Mem{{Base: weights}, {Base: weights, Index: one4, Scale: 1}, {Base: weights, Index: one4, Scale: 2}, {Base: weights, Index: three, Scale: 1}} {
		v := XMM()
		VBROADCASTSS(w, v)
		VMULPS(Mem{Base: in[i], Index: k, Scale: 1}, v, v)
		VADDPS(v, sums[i], sums[i])
	}
	ADDQ(Imm(4), weights)
	ADDQ(Imm(12), k)
	CMPQ(k, three)
	JLT(LabelRef("tap"))
	ADDQ(three, weights)
	for _, s := range sums {
		clampPixel(s, zero, one)
	}
	storePlanes(sums, red, green, blue)
	SUBQ(Imm(4), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func columnsPacked() {
	function("columnsPackedAVX2", "func(dst *float32, n int, line *float32, first *int32, weights *float32, taps int)")
	dst, n, line, first, weights, taps := load("dst"), load("n"), load("line"), load("first"), load("weights"), load("taps")
	zero, one := limits()
	LEAQ(at(weights, taps), weights)
	next := GP64()
	MOVQ(taps, next)
	NEGQ(taps)

	Label("loop")
	in, k, sum := GP64(), GP64(), XMM()
	MOVLQSX(Mem{Base: first}, in)
	LEAQ(Mem{Base: in, Index: in, Scale: 2}, in)
	LEAQ(at(line, in), in)
	VXORPS(sum, sum, sum)
	MOVQ(taps, k)
	Label("tap")
	v := XMM()
	VBROADCASTSS(at(weights, k), v)
	VMULPS(Mem{Base: in}, v, v)
	VADDPS(v, sum, sum)
	ADDQ(Imm(12), in)
	INCQ(k)
	JNE(LabelRef("tap"))
	clampPixel(sum, zero, one)
	VMOVUPS(sum, Mem{Base: dst})
	ADDQ(Imm(16), dst)
	ADDQ(Imm(4), first)
	LEAQ(at(weights, next), weights)
	DECQ(n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// shuffle returns a constant for VPSHUFB: byte i of the result is byte from[i] of the operand, or 0 if that is not one
// of its 16.
func shuffle(name string, from []int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		b := 0x80
		if i < len(from) && from[i] >= 0 && from[i] < 16 {
			b = from[i]
		}
		DATA(i, U8(b))
	}
	return m
}

// unpack takes eight pixels, 24 bytes, in two overlapping vectors. Mirrored, src is the last eight pixels.
func unpack(mirrored bool) {
	name := "unpack"
	if mirrored {
		name += "Mirrored"
	}
	function(name+"AVX2", "func(red, green, blue *float32, n int, src *uint8, scale float32)")
	planes, n, src := []reg.Register{load("red"), load("green"), load("blue")}, load("n"), load("src")
	scale := broadcast("scale")
	vectors("loop", 8, n, func(i reg.Register) {
		head, tail := XMM(), XMM()
		VMOVDQU(Mem{Base: src}, head)
		VMOVDQU(Mem{Base: src, Disp: 8}, tail)
		for c, plane := range planes {
			var inHead, inTail []int
			for k := range 8 {
				at := 3*k + c
				if mirrored {
					at = 3*(7-k) + c
				}
				inHead = append(inHead, at)
				if at < 16 {
					at = -1
				}
				inTail = append(inTail, at-8)
			}
			a, b, v := XMM(), XMM(), YMM()
			channel := string("rgb"[c])
			VPSHUFB(shuffle(name+"_head_"+channel, inHead), head, a)
			VPSHUFB(shuffle(name+"_tail_"+channel, inTail), tail, b)
			VPOR(a, b, a)
			VPMOVZXBD(a, v)
			VCVTDQ2PS(v, v)
			VMULPS(v, scale, v)
			VMOVUPS(v, at(plane, i))
		}
		if mirrored {
			SUBQ(Imm(24), src)
		} else {
			ADDQ(Imm(24), src)
		}
	})
	VZEROUPPER()
	RET()
}

// unpackPacked takes four pixels, 12 bytes. Mirrored, src is the last four.
func unpackPacked(mirrored bool) {
	name := "unpackPacked"
	if mirrored {
		name += "Mirrored"
	}
	function(name+"AVX2", "func(dst *float32, n int, src *uint8, scale float32)")
	dst, n, src := load("dst"), load("n"), load("src")
	scale := broadcast("scale")
	var from []int
	for k := range 4 {
		if mirrored {
			k = 3 - k
		}
		from = append(from, 3*k, 3*k+1, 3*k+2, -1)
	}
	order := shuffle(name+"_pixels", from)
	Label("loop")
	bytes, rest, v := XMM(), XMM(), [2]reg.VecVirtual{YMM(), YMM()}
	VMOVQ(Mem{Base: src}, bytes)
	VPINSRD(Imm(2), Mem{Base: src, Disp: 8}, bytes, bytes)
	VPSHUFB(order, bytes, bytes)
	VPSRLDQ(Imm(8), bytes, rest)
	VPMOVZXBD(bytes, v[0])
	VPMOVZXBD(rest, v[1])
	for i := range v {
		VCVTDQ2PS(v[i], v[i])
		VMULPS(v[i], scale, v[i])
		VMOVUPS(v[i], Mem{Base: dst, Disp: 32 * i})
	}
	ADDQ(Imm(64), dst)
	if mirrored {
		SUBQ(Imm(12), src)
	} else {
		ADDQ(Imm(12), src)
	}
	SUBQ(Imm(4), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// places splits 32.32 numbers; x and y hold the first eight in the order 0 1 4 5, 2 3 6 7, in which the shuffle of
// two vectors of 64-bit numbers to one of their halves leaves them sorted.
func places() {
	function("placesAVX2", "func(at *int32, right, below *float32, n int, x, y *[8]int64, dx, dy int64, width int)")
	to, right, below, n, x, y := load("at"), load("right"), load("below"), load("n"), load("x"), load("y")
	var pos, step [2][2]reg.VecVirtual
	for i, p := range []reg.Register{x, y} {
		by := YMM()
		m, err := Param([]string{"dx", "dy"}[i]).Resolve()
		if err != nil {
			panic(err)
		}
		VPBROADCASTQ(m.Addr, by)
		for k := range 2 {
			pos[i][k] = YMM()
			VMOVDQU(Mem{Base: p, Disp: 32 * k}, pos[i][k])
			step[i][k] = by
		}
	}
	m, err := Param("width").Resolve()
	if err != nil {
		panic(err)
	}
	width := YMM()
	VPBROADCASTD(m.Addr, width)
	vectors("loop", 8, n, func(i reg.Register) {
		var whole [2]reg.VecVirtual
		for k, fraction := range []reg.Register{right, below} {
			low := YMM()
			whole[k] = YMM()
			VSHUFPS(Imm(0x88), pos[k][1], pos[k][0], low)
			VSHUFPS(Imm(0xdd), pos[k][1], pos[k][0], whole[k])
			VPSRLD(Imm(8), low, low)
			VCVTDQ2PS(low, low)
			VMULPS(number("fraction", 1./(1<<24)), low, low)
			VMOVUPS(low, at(fraction, i))
			for h := range 2 {
				VPADDQ(step[k][h], pos[k][h], pos[k][h])
			}
		}
		VPMULLD(width, whole[1], whole[1])
		VPADDD(whole[0], whole[1], whole[1])
		VMOVDQU(whole[1], at(to, i))
	})
	VZEROUPPER()
	RET()
}

// sample interpolates four pixels at a time, R, G, B and a fourth value at once, the rows above and below in the
// halves of a vector.
func sample() {
	function("sampleAVX2", "func(red, green, blue *float32, n int, pix *float32, width int, at *int32, right, below *float32)")
	red, green, blue, n := load("red"), load("green"), load("blue"), load("n")
	pix, width, from, right, below := load("pix"), load("width"), load("at"), load("right"), load("below")
	SHLQ(Imm(4), width)
	Label("loop")
	pixels := make([]reg.VecVirtual, 4)
	for i := range pixels {
		p := GP64()
		MOVLQSX(Mem{Base: from, Disp: 4 * i}, p)
		SHLQ(Imm(4), p)
		ADDQ(pix, p)
		left, other, share := YMM(), YMM(), YMM()
		VBROADCASTF128(Mem{Base: p}, left)
		VBROADCASTF128(Mem{Base: p, Disp: 16}, other)
		VINSERTF128(Imm(1), Mem{Base: p, Index: width, Scale: 1}, left, left)
		VINSERTF128(Imm(1), Mem{Base: p, Index: width, Scale: 1, Disp: 16}, other, other)
		VBROADCASTSS(Mem{Base: right, Disp: 4 * i}, share)
		VSUBPS(left, other, other)
		VMULPS(other, share, other)
		VADDPS(other, left, left)
		pixels[i] = XMM()
		low := XMM()
		VEXTRACTF128(Imm(1), left, low)
		VSUBPS(left.AsX(), low, low)
		VBROADCASTSS(Mem{Base: below, Disp: 4 * i}, share.AsX())
		VMULPS(low, share.AsX(), low)
		VADDPS(low, left.AsX(), pixels[i])
	}
	storePlanes(pixels, red, green, blue)
	for _, p := range []reg.Register{from, right, below} {
		ADDQ(Imm(16), p)
	}
	SUBQ(Imm(4), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
