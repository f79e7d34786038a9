package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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

// limitBytes limits whole numbers to [0, 255].
func limitBytes(v reg.VecVirtual) {
	zero := YMM()
	VPXOR(zero, zero, zero)
	VPMAXSD(zero, v, v)
	VPMINSD(integer(255), v, v)
}

// Of the cosine transform, see the generic code.
const (
	cosineBits = 13
	spareBits  = 2
)

var (
	oddFactors = [4][4]int{
		{11363, 9633, 6437, 2260}, {9633, -2259, -11362, -6436}, {6437, -11362, 2261, 9633}, {2260, -6436, 9633, -11363},
	}
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
