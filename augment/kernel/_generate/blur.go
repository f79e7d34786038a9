package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func symmetric() {
	function("symmetricAVX2",
		"func(dst *float32, n int, src, weights *float32, centre int, before, after *int, radius int)")
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
