// Command generate writes the amd64 assembly of package matrix, which its generic.go specifies.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	for _, size := range []int{4, 8} {
		tile(size, 64, 8)
		tile(size, 32, 4)
	}
	dots()
	sums()
	addScaled(4)
	addScaled(8)
	exp(4)
	exp(8)
	mulSum(4)
	mulSum(8)
	Generate()
}

// function begins a function, whose arguments stay where they are.
func function(name, signature, doc string) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + " is " + doc)
}

const (
	tileRows = 8
	tileCols = 32
)

// rows returns the addresses of n rows apart from a base: these need the step times 1, 3, 5 and 7.
func rows(n int, base, step Register) []Mem {
	three, five, seven := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, three)
	LEAQ(Mem{Base: step, Index: step, Scale: 4}, five)
	LEAQ(Mem{Base: three, Index: step, Scale: 4}, seven)
	return []Mem{
		{Base: base},
		{Base: base, Index: step, Scale: 1},
		{Base: base, Index: step, Scale: 2},
		{Base: base, Index: three, Scale: 1},
		{Base: base, Index: step, Scale: 4},
		{Base: base, Index: five, Scale: 1},
		{Base: base, Index: three, Scale: 2},
		{Base: base, Index: seven, Scale: 1},
	}[:n]
}

// tile computes a tile for elements of size bytes with registers of width bytes, in parts of height rows and two
// registers: AVX-512 has registers for the sums of eight rows, AVX2 for four.
func tile(size, width, height int) {
	features, vector := "AVX-512", ZMM
	if width == 32 {
		features, vector = "AVX2 and FMA", YMM
	}
	function(fmt.Sprintf("tile%dx%d", 8*size, width/size),
		fmt.Sprintf("func(c *float%[1]d, stride int, a *float%[1]d, down, right int, panel *float%[1]d, depth int, add bool)",
			8*size),
		"tileGeneric, with "+features+".")
	move, broadcast, add, fma := VMOVUPS, VBROADCASTSS, VADDPS, VFMADD231PS
	if size == 8 {
		move, broadcast, add, fma = VMOVUPD, VBROADCASTSD, VADDPD, VFMADD231PD
	}
	shift := Imm(uint64(size/4 + 1))
	down, right, stride := Load(Param("down"), GP64()), Load(Param("right"), GP64()), Load(Param("stride"), GP64())
	SHLQ(shift, down)
	SHLQ(shift, right)
	SHLQ(shift, stride)
	a := GP64()
	left := rows(height, a, down)
	for i := 0; i < tileRows; i += height {
		for j := 0; j < tileCols*size; j += 2 * width { // in bytes
			part := fmt.Sprintf("_%d_%d", i, j)
			Load(Param("a"), a)
			panel, depth := Load(Param("panel"), GP64()), Load(Param("depth"), GP64())
			if i > 0 {
				LEAQ(Mem{Base: a, Index: down, Scale: uint8(i)}, a)
			}
			sums := make([][2]VecVirtual, height)
			for r := range sums {
				for h := range sums[r] {
					sums[r][h] = vector()
					VXORPS(sums[r][h], sums[r][h], sums[r][h])
				}
			}
			b0, b1 := vector(), vector()
			Label("depth" + part)
			move(Mem{Base: panel, Disp: j}, b0)
			move(Mem{Base: panel, Disp: j + width}, b1)
			for r := range sums {
				x := vector()
				broadcast(left[r], x)
				fma(b0, x, sums[r][0])
				fma(b1, x, sums[r][1])
			}
			ADDQ(right, a)
			ADDQ(U32(tileCols*size), panel)
			DECQ(depth)
			JNZ(LabelRef("depth" + part))

			c, sum, to := Load(Param("c"), GP64()), Load(Param("add"), GP8()), GP64()
			if i > 0 {
				LEAQ(Mem{Base: c, Index: stride, Scale: uint8(i)}, c)
			}
			TESTB(sum, sum)
			JZ(LabelRef("store" + part))
			MOVQ(c, to)
			for r := range sums {
				for h := range sums[r] {
					add(Mem{Base: to, Disp: j + h*width}, sums[r][h], sums[r][h])
				}
				ADDQ(stride, to)
			}
			Label("store" + part)
			for r := range sums {
				for h := range sums[r] {
					move(sums[r][h], Mem{Base: c, Disp: j + h*width})
				}
				ADDQ(stride, c)
			}
		}
	}
	VZEROUPPER()
	RET()
}

// load64 loads four elements of size bytes from m as float64.
func load64(size int, m Mem, to VecVirtual) {
	if size == 4 {
		VCVTPS2PD(m, to)
	} else {
		VMOVUPD(m, to)
	}
}

// load1 loads one element as float64.
func load1(size int, m Mem, to VecVirtual) {
	if size == 4 {
		VXORPD(to, to, to)
		VCVTSS2SD(m, to, to)
	} else {
		VMOVSD(m, to)
	}
}

// total adds four registers of four float64 and returns the sum.
func total(s []VecVirtual) VecVirtual {
	VADDPD(s[1], s[0], s[0])
	VADDPD(s[3], s[2], s[2])
	VADDPD(s[2], s[0], s[0])
	high := XMM()
	VEXTRACTF128(Imm(1), s[0], high)
	low := XMM()
	VMOVAPD(s[0].AsX(), low)
	VADDPD(high, low, low)
	VUNPCKHPD(low, low, high)
	VADDSD(high, low, low)
	return low
}

func zeros(n int) []VecVirtual {
	s := make([]VecVirtual, n)
	for i := range s {
		s[i] = YMM()
		VXORPD(s[i], s[i], s[i])
	}
	return s
}

func dots() {
	for _, size := range []int{4, 8} {
		function(fmt.Sprintf("dot%d", 8*size), fmt.Sprintf("func(a, b *float%d, n int) float64", 8*size),
			"dotGeneric, with AVX2 and FMA.")
		a, b, n := Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("n"), GP64())
		s := zeros(4)
		blocks(n, 16, func() {
			for i := range s {
				x, y := YMM(), YMM()
				load64(size, Mem{Base: a, Disp: 4 * i * size}, x)
				load64(size, Mem{Base: b, Disp: 4 * i * size}, y)
				VFMADD231PD(x, y, s[i])
			}
			ADDQ(Imm(uint64(16*size)), a)
			ADDQ(Imm(uint64(16*size)), b)
		})
		low := total(s)
		blocks(n, 1, func() {
			x, y := XMM(), XMM()
			load1(size, Mem{Base: a}, x)
			load1(size, Mem{Base: b}, y)
			VFMADD231SD(x, y, low)
			ADDQ(Imm(uint64(size)), a)
			ADDQ(Imm(uint64(size)), b)
		})
		Store(low, ReturnIndex(0))
		VZEROUPPER()
		RET()
	}
}

func sums() {
	for _, size := range []int{4, 8} {
		function(fmt.Sprintf("sum%d", 8*size), fmt.Sprintf("func(x *float%d, n int) float64", 8*size),
			"sumGeneric, with AVX2.")
		x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
		s := zeros(4)
		blocks(n, 16, func() {
			for i := range s {
				v := YMM()
				load64(size, Mem{Base: x, Disp: 4 * i * size}, v)
				VADDPD(v, s[i], s[i])
			}
			ADDQ(Imm(uint64(16*size)), x)
		})
		low := total(s)
		blocks(n, 1, func() {
			v := XMM()
			load1(size, Mem{Base: x}, v)
			VADDSD(v, low, low)
			ADDQ(Imm(uint64(size)), x)
		})
		Store(low, ReturnIndex(0))
		VZEROUPPER()
		RET()
	}
}

// blocks runs body while n is at least size, and takes size off n each time. body must advance its pointers.
func blocks(n Register, size int, body func()) {
	labels++
	loop, done := fmt.Sprintf("loop_%d", labels), fmt.Sprintf("done_%d", labels)
	CMPQ(n, Imm(uint64(size)))
	JL(LabelRef(done))
	Label(loop)
	body()
	SUBQ(Imm(uint64(size)), n)
	CMPQ(n, Imm(uint64(size)))
	JGE(LabelRef(loop))
	Label(done)
}

var labels int

func addScaled(size int) {
	function(fmt.Sprintf("addScaled%d", 8*size),
		fmt.Sprintf("func(dst *float%[1]d, scale float%[1]d, x *float%[1]d, n int)", 8*size),
		"addScaledGeneric, with AVX2 and FMA.")
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	lanes := 32 / size
	scale := YMM()
	address, err := Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	if size == 4 {
		VBROADCASTSS(address.Addr, scale)
	} else {
		VBROADCASTSD(address.Addr, scale)
	}
	step := func(width int) { // bytes
		ADDQ(Imm(uint64(width)), dst)
		ADDQ(Imm(uint64(width)), x)
	}
	blocks(n, 2*lanes, func() {
		for i := range 2 {
			s := YMM()
			if size == 4 {
				VMOVUPS(Mem{Base: dst, Disp: 32 * i}, s)
				VFMADD231PS(Mem{Base: x, Disp: 32 * i}, scale, s)
				VMOVUPS(s, Mem{Base: dst, Disp: 32 * i})
			} else {
				VMOVUPD(Mem{Base: dst, Disp: 32 * i}, s)
				VFMADD231PD(Mem{Base: x, Disp: 32 * i}, scale, s)
				VMOVUPD(s, Mem{Base: dst, Disp: 32 * i})
			}
		}
		step(64)
	})
	blocks(n, 1, func() {
		s := XMM()
		if size == 4 {
			VMOVSS(Mem{Base: dst}, s)
			VFMADD231SS(Mem{Base: x}, scale.AsX(), s)
			VMOVSS(s, Mem{Base: dst})
		} else {
			VMOVSD(Mem{Base: dst}, s)
			VFMADD231SD(Mem{Base: x}, scale.AsX(), s)
			VMOVSD(s, Mem{Base: dst})
		}
		step(size)
	})
	VZEROUPPER()
	RET()
}

// parameter broadcasts a float64 parameter.
func parameter(name string) VecVirtual {
	address, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	r := YMM()
	VBROADCASTSD(address.Addr, r)
	return r
}

// four returns the address of x, four times over.
func four(x U64) Mem {
	name := fmt.Sprintf("four_%016x", uint64(x))
	if !constants[name] {
		constants[name] = true
		GLOBL(name, RODATA|NOPTR)
		for i := range 4 {
			DATA(8*i, x)
		}
	}
	return NewDataAddr(NewStaticSymbol(name), 0)
}

func fourFloats(x float64) Mem { return four(U64(math.Float64bits(x))) }

var constants = map[string]bool{}

// exp takes y = n·log 2 + r with |r| <= log(2)/2, so that exp(y) = 2ⁿ exp(r), and for exp(r) the Taylor polynomial of
// degree 11, whose remainder is below 7e-15. 2ⁿ is taken as two factors, as n runs from -1082 to 1025. The last
// elements are read and written through a mask.
func exp(size int) {
	function(fmt.Sprintf("exp%d", 8*size),
		fmt.Sprintf("func(dst *float64, x *float%d, scale, shift float64, n int)", 8*size), "expGeneric, with AVX2 and FMA.")
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	scale, shift := parameter("scale"), parameter("shift")
	count := func(y VecVirtual) VecVirtual {
		VSUBPD(shift, y, y)
		VMULPD(scale, y, y)
		// Of a NaN and another number, these two give the last operand of the Intel order, which is Go's first.
		limit := YMM()
		VMOVUPD(fourFloats(-750), limit)
		VMAXPD(y, limit, y)
		VMOVUPD(fourFloats(710), limit)
		VMINPD(y, limit, y)
		whole := YMM()
		VMULPD(fourFloats(math.Log2E), y, whole)
		VROUNDPD(Imm(0), whole, whole)
		const high = 0x1.62e42fefa38p-1 // so few digits that n times it is exact
		VFNMADD231PD(fourFloats(high), whole, y)
		VFNMADD231PD(fourFloats(math.Ln2-high), whole, y)
		p, factorial := YMM(), 39916800.0 // 11!
		VMOVUPD(fourFloats(1/factorial), p)
		for i := 11; i > 0; i-- {
			factorial /= float64(i)
			VFMADD213PD(fourFloats(1/factorial), y, p)
		}
		first, second := XMM(), XMM()
		VCVTPD2DQY(whole, second)
		VPSRAD(Imm(1), second, first)
		VPSUBD(first, second, second)
		for _, exponent := range []VecVirtual{first, second} {
			wide := YMM()
			VPMOVSXDQ(exponent, wide)
			VPADDQ(four(1023), wide, wide)
			VPSLLQ(Imm(52), wide, wide)
			VMULPD(wide, p, p)
		}
		return p
	}
	blocks(n, 4, func() {
		y := YMM()
		load64(size, Mem{Base: x}, y)
		VMOVUPD(count(y), Mem{Base: dst})
		ADDQ(Imm(uint64(4*size)), x)
		ADDQ(Imm(32), dst)
	})
	TESTQ(n, n)
	JZ(LabelRef("done"))
	at, mask, y := GP64(), YMM(), YMM()
	LEAQ(masks(), at)
	NEGQ(n)
	VMOVDQU(Mem{Base: at, Index: n, Scale: 8, Disp: 32}, mask)
	if size == 4 {
		narrow, few := XMM(), XMM()
		VEXTRACTF128(Imm(1), mask, narrow)
		VSHUFPS(Imm(0b10001000), narrow, mask.AsX(), narrow)
		VMASKMOVPS(Mem{Base: x}, narrow, few)
		VCVTPS2PD(few, y)
	} else {
		VMASKMOVPD(Mem{Base: x}, mask, y)
	}
	VMASKMOVPD(count(y), mask, Mem{Base: dst})
	Label("done")
	VZEROUPPER()
	RET()
}

// masks returns the address of four words of ones and four of zeros.
func masks() Mem {
	if !constants["masks"] {
		constants["masks"] = true
		GLOBL("masks", RODATA|NOPTR)
		for i := range 8 {
			if i < 4 {
				DATA(8*i, U64(math.MaxUint64))
			} else {
				DATA(8*i, U64(0))
			}
		}
	}
	return NewDataAddr(NewStaticSymbol("masks"), 0)
}

func mulSum(size int) {
	function(fmt.Sprintf("mulSum%d", 8*size),
		fmt.Sprintf("func(dst *float%d, x, y *float64, z float64, n int)", 8*size), "mulSumGeneric, with AVX2.")
	dst, x, y := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("y"), GP64())
	z, n := parameter("z"), Load(Param("n"), GP64())
	step := func(elements int) {
		ADDQ(Imm(uint64(elements*size)), dst)
		ADDQ(Imm(uint64(elements*8)), x)
		ADDQ(Imm(uint64(elements*8)), y)
	}
	blocks(n, 4, func() {
		s := YMM()
		VADDPD(Mem{Base: y}, z, s)
		VMULPD(Mem{Base: x}, s, s)
		if size == 4 {
			VCVTPD2PSY(s, s.AsX())
			VMOVUPS(s.AsX(), Mem{Base: dst})
		} else {
			VMOVUPD(s, Mem{Base: dst})
		}
		step(4)
	})
	blocks(n, 1, func() {
		s := XMM()
		VADDSD(Mem{Base: y}, z.AsX(), s)
		VMULSD(Mem{Base: x}, s, s)
		if size == 4 {
			VCVTSD2SS(s, s, s)
			VMOVSS(s, Mem{Base: dst})
		} else {
			VMOVSD(s, Mem{Base: dst})
		}
		step(1)
	})
	VZEROUPPER()
	RET()
}
