package matrix

import (
	"math"
	"math/rand/v2"
	"testing"
)

// forLevels runs f with the generic code and with every kind of assembly that the processor has.
func forLevels(t *testing.T, f func(t *testing.T)) {
	best := simd
	defer func() { simd = best }()
	for l, name := range []string{"generic", "avx2", "avx512"} {
		if simd = level(l); simd <= best {
			t.Run(name, f)
		}
	}
}

func TestKernelsOfEveryLevel(t *testing.T) {
	forLevels(t, func(t *testing.T) {
		t.Run("TestProducts", TestProducts)
		t.Run("TestParts", TestParts)
		t.Run("TestVectors", TestVectors)
		t.Run("TestExp", TestExp)
		t.Run("TestNonFinite", TestNonFinite)
	})
}

func TestSwitchedOff(t *testing.T) {
	t.Setenv("ORDO_SIMD", "off")
	if l := detect(); l != generic {
		t.Errorf("level %d with ORDO_SIMD=off", l)
	}
}

// FuzzKernels compares the assembly with the generic code, for any lengths and alignments, with infinities and NaN in
// between. Both are within the bound that the package states, so their distance is within twice that.
func FuzzKernels(f *testing.F) {
	f.Add(uint64(1), uint(8), uint(32), uint(100), uint(0))
	f.Add(uint64(2), uint(9), uint(31), uint(257), uint(1))
	f.Add(uint64(3), uint(3), uint(65), uint(7), uint(3))
	f.Add(uint64(4), uint(1), uint(1), uint(513), uint(9))
	f.Fuzz(func(t *testing.T, seed uint64, rows, cols, depth, special uint) {
		rows, cols, depth, special = rows%40, cols%80, depth%600, special%16
		fuzzKernels[float32](t, seed, int(rows), int(cols), int(depth), int(special))
		fuzzKernels[float64](t, seed, int(rows), int(cols), int(depth), int(special))
	})
}

func fuzzKernels[T Float](t *testing.T, seed uint64, rows, cols, depth, special int) {
	r := rand.New(rand.NewPCG(seed, 1))
	values := func(n int) []T {
		x := normal[T](r, n+3)[r.IntN(4):][:n]
		for range min(special, n) {
			x[r.IntN(n)] = []T{T(math.NaN()), T(math.Inf(1)), T(math.Inf(-1)), 0}[r.IntN(4)]
		}
		return x
	}
	a, b, old := values(rows*depth), values(depth*cols), values(rows*cols)
	scale, shift := 100*r.Float64(), r.Float64()
	x64, y64 := make([]float64, depth), make([]float64, depth)
	for i := range depth {
		x64[i], y64[i] = r.NormFloat64(), r.NormFloat64()
	}
	// run returns everything that the kernels give.
	run := func() (results [][]T, sums []float64, exps []float64) {
		left, right := Of(a, rows, depth), Of(b, cols, depth).T()
		if seed%2 == 1 {
			left, right = Of(a, depth, rows).T(), Of(b, depth, cols)
		}
		var packed Packed[T]
		packed.Pack(right)
		product, sum := Of(make([]T, rows*cols), rows, cols), Of(append([]T(nil), old...), rows, cols)
		Mul(product, left, &packed)
		AddMul(sum, left, &packed)
		n := min(len(a), len(b))
		scaled, mixed := append([]T(nil), a[:n]...), make([]T, depth)
		AddScaled(scaled, T(scale), b[:n])
		MulSum(mixed, x64, y64, shift)
		exps = make([]float64, len(a))
		Exp(exps, a, scale, shift)
		return [][]T{product.Data, sum.Data, scaled, mixed}, []float64{Dot(a[:n], b[:n]), Sum(a)}, exps
	}
	best := simd
	defer func() { simd = best }()
	simd = generic
	results, sums, exps := run()
	for simd = avx2; simd <= best; simd++ {
		gotResults, gotSums, gotExps := run()
		// The values are below 6 or so, a sum of n products below 36n, what is scaled by 100 below 600.
		for i, got := range gotResults {
			bound := 1000 * roundoff[T]()
			if i < 2 {
				bound = 2 * (math.Min(float64(depth), depthBlock) + 4) * roundoff[T]() * 36 * float64(depth+1)
			}
			for j, x := range got {
				near(t, simd, i, j, float64(x), float64(results[i][j]), bound)
			}
		}
		for i, x := range gotSums {
			near(t, simd, 10+i, 0, x, sums[i], 1e-15*36*float64(len(a)+len(b)+1)*float64(len(a)+1))
		}
		for i, x := range gotExps {
			near(t, simd, 20, i, x, exps[i], 2e-14*exps[i]+5e-324)
		}
	}
}

// near fails unless got and want are both NaN, the same infinity, or within the bound of each other.
func near(t *testing.T, l level, what, at int, got, want, bound float64) {
	t.Helper()
	if math.IsNaN(want) && math.IsNaN(got) || got == want || math.Abs(got-want) <= bound {
		return
	}
	t.Fatalf("level %d: result %d[%d] is %g, by the generic code %g", l, what, at, got, want)
}
