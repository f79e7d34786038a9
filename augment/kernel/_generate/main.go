// Command generate writes the amd64 assembly of package kernel: see there for what the functions compute, in which order,
// and for how they are called. None of them uses a fused multiplication and addition.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	rows()
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

func rows() {
	function("rowsAVX2", "func(dst *float32, n int, src *uint8, starts *int, weights *float32, taps int)")
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
		ADDQ(src, p)
		VBROADCASTSS(at(weights, k), w)
		for i, s := range sums {
			VPMOVZXBD(Mem{Base: p, Disp: 8 * i}, v[i])
			VCVTDQ2PS(v[i], v[i])
			VMULPS(w, v[i], v[i])
			VADDPS(v[i], s, s)
		}
		INCQ(k)
		CMPQ(k, taps)
		JLT(LabelRef(name + "_tap"))
		for i, s := range sums {
			VMOVUPS(s, Mem{Base: dst, Disp: 32 * i})
		}
		ADDQ(Imm(uint64(32*width)), dst)
		ADDQ(Imm(uint64(8*width)), src)
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
		VMOVUPS(Mem{Base: p}, left.AsX())
		VMOVUPS(Mem{Base: p, Disp: 16}, other.AsX())
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
