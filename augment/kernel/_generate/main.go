// Command generate writes the amd64 assembly of package kernel: see there for what the functions compute, in which
// order, and for how they are called. None of them uses a fused multiplication and addition.
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
	operations()
	valueRange()
	add()
	sharpen()
	bytes()
	quantize()
	halve()
	double()
	Generate()
}

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

// integer returns a vector of eight equal whole numbers.
func integer(v int) Mem {
	name := strings.Replace(fmt.Sprintf("integer_%d", v), "-", "minus_", 1)
	return number(name, math.Float32frombits(uint32(int32(v))))
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
