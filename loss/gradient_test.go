package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// gradientByDifferences returns the gradient of f at z by central differences.
func gradientByDifferences(z []float64, f func([]float64) float64) []float64 {
	const step = 1e-5
	g := make([]float64, len(z))
	for i, x := range z {
		z[i] = x + step
		up := f(z)
		z[i] = x - step
		down := f(z)
		z[i] = x
		g[i] = (up - down) / (2 * step)
	}
	return g
}

// plainNTXent is the loss as its formula is written.
func plainNTXent(z []float64, images, views, dim int, temperature float64) float64 {
	m := images * views
	cos := func(a, b int) float64 {
		x, y := z[a*dim:][:dim], z[b*dim:][:dim]
		return dot(x, y) / math.Sqrt(dot(x, x)*dot(y, y))
	}
	var loss float64
	for a := range m {
		var denominator float64
		for b := range m {
			if b != a {
				denominator += math.Exp(cos(a, b) / temperature)
			}
		}
		for b := range m {
			if b != a && b%images == a%images {
				loss -= math.Log(math.Exp(cos(a, b)/temperature)/denominator) / float64(views-1)
			}
		}
	}
	return loss / float64(m)
}

func TestNTXentAgreesWithFormulaAndDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 25 {
		images, views, dim := 1+r.IntN(12), 2+r.IntN(4), 1+r.IntN(7)
		if i == 0 {
			images, views, dim = 23, 3, 5 // more than two blocks, the last one not whole
		}
		temperature := 0.1 + r.Float64()
		t.Run(fmt.Sprintf("%dx%dx%d", images, views, dim), func(t *testing.T) {
			z := normal(uint64(i), images*views*dim)
			base := viewsOf(views)
			grad := make([]float64, len(z))
			const weight = 3
			value := runNTXent(new(ntxent[float64]), batchOf(grad, z, images, dim, base, weight), temperature)
			want := gradientByDifferences(z, func(z []float64) float64 {
				return weight * plainNTXent(z, images, views, dim, temperature)
			})
			for i := range want {
				if math.Abs(grad[i]-want[i]) > 1e-7 {
					t.Fatalf("gradient[%d] = %g, by differences %g", i, grad[i], want[i])
				}
			}
			if plain := plainNTXent(z, images, views, dim, temperature); math.Abs(value-plain) > 1e-11*(1+plain) {
				t.Errorf("value %.14g, by the formula %.14g", value, plain)
			}
		})
	}
}
