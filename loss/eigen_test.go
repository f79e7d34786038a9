package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// rotated returns QᵀDQ for the diagonal D and a product Q of random plane rotations, [n, n].
func rotated(seed uint64, diagonal []float64) []float64 {
	n := len(diagonal)
	r := rand.New(rand.NewPCG(seed, 5))
	a := make([]float64, n*n)
	for i, x := range diagonal {
		a[i*n+i] = x
	}
	for range 3 {
		for i := range n {
			for j := range i {
				s, c := math.Sincos(2 * math.Pi * r.Float64())
				for k := range n {
					x, y := a[i*n+k], a[j*n+k]
					a[i*n+k], a[j*n+k] = c*x-s*y, s*x+c*y
				}
				for k := range n {
					x, y := a[k*n+i], a[k*n+j]
					a[k*n+i], a[k*n+j] = c*x-s*y, s*x+c*y
				}
			}
		}
	}
	return a
}

func TestEigenvalues(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	var e eigen
	for n := 1; n <= 40; n++ {
		want := make([]float64, n)
		for i := range want {
			switch n % 4 {
			case 0:
				want[i] = r.NormFloat64()
			case 1:
				want[i] = math.Pow(10, -float64(i)) // graded
			case 2:
				want[i] = float64(i % 3) // multiple, and zero
			case 3:
				want[i] = 7 // already diagonal, however it is turned
			}
		}
		slices.Sort(want)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			got := e.values(rotated(uint64(n), want), n)
			for i := range want {
				if math.Abs(got[i]-want[i]) > 1e-13*float64(n)*math.Max(-want[0], want[n-1]) {
					t.Errorf("value %d is %.17g, want %.17g", i, got[i], want[i])
				}
			}
		})
	}
}

func TestEffectiveRank(t *testing.T) {
	for _, c := range []struct {
		name        string
		count, dim  int
		value       func(row, col int) float64
		want        float64
		undetermind bool
	}{
		{"orthogonal rows", 12, 5, func(r, c int) float64 { return b2f(r%5 == c) }, 0, false},
		{"fewer rows than columns", 3, 9, func(r, c int) float64 { return 1e30 * b2f(r == c) }, 3, false},
		{"one direction", 20, 4, func(r, c int) float64 { return float64((r + 1) * (c - 1)) }, 1, false},
		{"singular values 3 and 1", 2, 2, func(r, c int) float64 { return []float64{3, 0, 0, 1}[2*r+c] },
			math.Exp(-0.75*math.Log(0.75) - 0.25*math.Log(0.25)), false},
		{"zero", 4, 4, func(int, int) float64 { return 0 }, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h health
			h.rows = make([]float64, c.count*c.dim)
			for i := range h.rows {
				h.rows[i] = c.value(i/c.dim, i%c.dim)
			}
			if c.want == 0 { // two or three rows in each of five directions
				var sum float64
				for _, s := range []float64{3, 3, 2, 2, 2} {
					sum += math.Sqrt(s)
				}
				for _, s := range []float64{3, 3, 2, 2, 2} {
					c.want -= math.Sqrt(s) / sum * math.Log(math.Sqrt(s)/sum)
				}
				c.want = math.Exp(c.want)
			}
			got, ok := h.effectiveRank(c.count, c.dim)
			if ok == c.undetermind || ok && math.Abs(got-c.want) > 1e-6 {
				t.Errorf("got %g, %v, want %g", got, ok, c.want)
			}
		})
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
