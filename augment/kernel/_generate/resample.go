package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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
	function("columnsAVX2",
		"func(red, green, blue *float32, n int, line *float32, first *int32, weights *float32, taps int)")
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
	for i, w := range []Mem{
		{Base: weights}, {Base: weights, Index: one4, Scale: 1},
		{Base: weights, Index: one4, Scale: 2}, {Base: weights, Index: three, Scale: 1},
	} {
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
	dst, n, line := load("dst"), load("n"), load("line")
	first, weights, taps := load("first"), load("weights"), load("taps")
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
