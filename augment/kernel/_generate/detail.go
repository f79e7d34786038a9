package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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
