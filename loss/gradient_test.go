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
			value := runNTXent(new(ntxent[float64]), grad, z, images, dim, base, temperature, weight)
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

// plainRankNet is the loss as its formula is written.
func plainRankNet(z []float64, v Views, dim int, all bool, temperature float64) float64 {
	distance := func(a, b int) float64 {
		x, y := z[a*dim:][:dim], z[b*dim:][:dim]
		return 1 - dot(x, y)/math.Sqrt(dot(x, x)*dot(y, y))
	}
	var loss float64
	for f := range v.Names {
		var sum, count float64
		for n := range v.Images {
			for i, fi := range v.Family {
				for j, fj := range v.Family {
					for k, fk := range v.Family {
						if i == j || i == k || j == k || !all && fi >= 0 ||
							fi >= 0 && fi != f || fj >= 0 && fj != f || fk >= 0 && fk != f {
							continue
						}
						a, b, c := i*v.Images+n, j*v.Images+n, k*v.Images+n
						if math.Abs(v.Scale[a]-v.Scale[b]) < math.Abs(v.Scale[a]-v.Scale[c])-1e-9 {
							sum += math.Log1p(math.Exp((distance(a, b) - distance(a, c)) / temperature))
							count++
						}
					}
				}
			}
		}
		if count > 0 {
			loss += sum / count / float64(len(v.Names))
		}
	}
	return loss
}

func TestRankNetAgreesWithFormulaAndDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 30 {
		levels := make([]int, 1+r.IntN(3))
		for f := range levels {
			levels[f] = 1 + r.IntN(4)
		}
		images, dim, all := 1+r.IntN(4), 2+r.IntN(5), i%2 == 0
		v := orderedViews(uint64(i), images, 1+r.IntN(3), levels...)
		if i%3 == 0 { // ties
			for j := range v.Scale {
				v.Scale[j] = math.Round(v.Scale[j]*2) / 2
			}
		}
		if i%4 == 0 { // the views in another order
			r.Shuffle(len(v.Family), func(a, b int) {
				v.Family[a], v.Family[b] = v.Family[b], v.Family[a]
				for n := range images {
					v.Scale[a*images+n], v.Scale[b*images+n] = v.Scale[b*images+n], v.Scale[a*images+n]
				}
			})
		}
		t.Run(fmt.Sprint(images, levels, all), func(t *testing.T) {
			z := normal(uint64(i), len(v.Scale)*dim)
			grad := make([]float64, len(z))
			const weight, temperature = 2, 0.3
			value := runRankNet(new(rankNet), grad, z, v, dim, all, temperature, weight)
			want := gradientByDifferences(z, func(z []float64) float64 {
				return weight * plainRankNet(z, v, dim, all, temperature)
			})
			for i := range want {
				if math.Abs(grad[i]-want[i]) > 1e-7 {
					t.Fatalf("gradient[%d] = %g, by differences %g", i, grad[i], want[i])
				}
			}
			if plain := plainRankNet(z, v, dim, all, temperature); math.Abs(value-plain) > 1e-11*(1+plain) {
				t.Errorf("value %.14g, by the formula %.14g", value, plain)
			}
		})
	}
}
