package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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
	function("sampleAVX2",
		"func(red, green, blue *float32, n int, pix *float32, width int, at *int32, right, below *float32)")
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
