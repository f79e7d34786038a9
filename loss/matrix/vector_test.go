package matrix

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestVectors(t *testing.T) {
	t.Run("float32", testVectors[float32])
	t.Run("float64", testVectors[float64])
}

// testVectors compares the kernels with their definitions, for all short lengths and some alignments.
func testVectors[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for n := range 70 {
		x, y := normal[T](r, n+1)[n%2:][:n], normal[T](r, n+2)[n%3:][:n]
		var dot, sum, size float64
		for i := range x {
			dot += float64(x[i]) * float64(y[i])
			sum += float64(x[i])
			size += math.Abs(float64(x[i])*float64(y[i])) + math.Abs(float64(x[i]))
		}
		if got := Dot(x, y); math.Abs(got-dot) > 1e-14*size {
			t.Fatalf("n = %d: dot %.17g, want %.17g", n, got, dot)
		}
		if got := Sum(x); math.Abs(got-sum) > 1e-14*size {
			t.Fatalf("n = %d: sum %.17g, want %.17g", n, got, sum)
		}
		// A frame around the destination must stay.
		frame := make([]T, n+2)
		frame[0], frame[n+1] = 7, 7
		copy(frame[1:], y)
		AddScaled(frame[1:n+1], 0.3, x)
		for i, v := range x {
			want := float64(y[i]) + float64(T(0.3))*float64(v)
			if math.Abs(float64(frame[1+i])-want) > 10*roundoff[T]() {
				t.Fatalf("n = %d: [%d] += 0.3 * %g is %g, want %g", n, i, v, frame[1+i], want)
			}
		}
		p, q := normal[float64](r, n), normal[float64](r, n)
		MulSum(frame[1:n+1], p, q, 0.7)
		for i := range p {
			if want := p[i] * (q[i] + 0.7); math.Abs(float64(frame[1+i])-want) > 20*roundoff[T]() {
				t.Fatalf("n = %d: [%d] %g * (%g + 0.7) is %g, want %g", n, i, p[i], q[i], frame[1+i], want)
			}
		}
		if frame[0] != 7 || frame[n+1] != 7 {
			t.Fatalf("n = %d: the frame has changed", n)
		}
		exps := make([]float64, n+2)
		exps[0], exps[n+1] = 7, 7
		Exp(exps[1:n+1], x, 3, 0.5)
		for i, v := range x {
			if want := math.Exp((float64(v) - 0.5) * 3); math.Abs(exps[1+i]-want) > 2e-14*want {
				t.Fatalf("n = %d: exp[%d] is %g, want %g", n, i, exps[1+i], want)
			}
		}
		if exps[0] != 7 || exps[n+1] != 7 {
			t.Fatalf("n = %d: the frame has changed", n)
		}
	}
}

func TestExp(t *testing.T) {
	const n = 40001
	x, y, z := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = -760 + float64(i)*(1480.0/(n-1))
	}
	Exp(y, x, 1, 0)
	copy(z, x)
	Exp(z, z, 1, 0) // in place
	var worst float64
	for i, v := range x {
		want := math.Exp(v)
		if z[i] != y[i] {
			t.Fatalf("exp(%g) is %g in place, %g elsewhere", v, z[i], y[i])
		}
		if want < 0x1p-1022 || math.IsInf(want, 1) {
			if y[i] != want && !(math.Abs(y[i]-want) <= 1e-14*want+5e-324) {
				t.Fatalf("exp(%g) is %g, want %g", v, y[i], want)
			}
			continue
		}
		worst = math.Max(worst, math.Abs(y[i]/want-1))
	}
	if worst > 1e-14 {
		t.Errorf("relative error %.3g", worst)
	}
	for _, c := range [][2]float64{
		{math.Inf(1), math.Inf(1)}, {math.Inf(-1), 0}, {math.NaN(), math.NaN()}, {0, 1}, {-746, 0}, {709.7, math.Exp(709.7)},
		{710, math.Inf(1)}, {-1e300, 0}, {1e300, math.Inf(1)}, {-708, math.Exp(-708)},
	} {
		for n := 1; n < 9; n++ {
			x, y := make([]float64, n), make([]float64, n)
			x[n-1] = c[0]
			Exp(y, x, 1, 0)
			if got := y[n-1]; !(math.Abs(got-c[1]) <= 1e-14*c[1] || got == c[1] || math.IsNaN(got) && math.IsNaN(c[1])) {
				t.Errorf("exp(%g) is %g, want %g", c[0], got, c[1])
			}
		}
	}
}

// TestNonFinite puts a NaN or an infinity at every place in turn.
func TestNonFinite(t *testing.T) {
	const rows, cols, depth = 9, 33, 5
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		for at := range rows * depth {
			a, b := make([]float32, rows*depth), make([]float32, depth*cols) // zeros times infinity is NaN
			a[at] = bad
			var packed Packed[float32]
			packed.Pack(Of(b, depth, cols))
			dst := make([]float32, rows*cols)
			Mul(Of(dst, rows, cols), Of(a, rows, depth), &packed)
			for i, x := range dst {
				if hit := i/cols == at/depth; hit != (x != x) {
					t.Fatalf("%g at %d: element (%d, %d) is %g", bad, at, i/cols, i%cols, x)
				}
			}
			if s := Dot(a, make([]float32, len(a))); !math.IsNaN(s) {
				t.Fatalf("%g at %d: dot is %g", bad, at, s)
			}
			if s := Sum(a); !math.IsNaN(s) && !math.IsInf(s, 1) {
				t.Fatalf("%g at %d: sum is %g", bad, at, s)
			}
		}
	}
}
