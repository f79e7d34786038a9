package loss

import (
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"testing"
)

// plainLeJEPA is the loss as its formula is written, of views that all count.
func plainLeJEPA(z, directions []float64, views, images, dim int, lambda float64) float64 {
	const points = 17
	var distance, normality float64
	for n := range images {
		for p := range dim {
			var mean float64
			for v := range views {
				mean += z[(v*images+n)*dim+p] / float64(views)
			}
			for v := range views {
				away := z[(v*images+n)*dim+p] - mean
				distance += away * away / float64(views*images*dim)
			}
		}
	}
	count := len(directions) / dim
	for v := range views {
		for s := range count {
			var heights [points]float64
			for i := range points {
				t := -5 + 10*float64(i)/(points-1)
				var function complex128
				for n := range images {
					var x float64
					for p := range dim {
						x += z[(v*images+n)*dim+p] * directions[s*dim+p]
					}
					function += cmplx.Exp(complex(0, t*x)) / complex(float64(images), 0)
				}
				normal := math.Exp(-t * t / 2)
				off := cmplx.Abs(function - complex(normal, 0))
				heights[i] = off * off * normal
			}
			for i := range points - 1 {
				normality += float64(images) * (heights[i] + heights[i+1]) / 2 * 10 / (points - 1) / float64(views*count)
			}
		}
	}
	return (1-lambda)*distance + lambda*normality
}

// TestLeJEPAAccuracy holds float64 to the formula, and float32 to float64.
func TestLeJEPAAccuracy(t *testing.T) {
	for _, size := range []struct{ views, images, dim, slices int }{
		{2, 40, 16, 33}, {5, 100, 64, 256}, {3, 1, 4, 7}, {2, 9, 1, 1},
	} {
		for _, scale := range []float64{1e-3, 1, 5} {
			t.Run(fmt.Sprintf("%dx%dx%d, %d slices, scale %g", size.views, size.images, size.dim, size.slices, scale),
				func(t *testing.T) {
					z := normal(3, size.views*size.images*size.dim)
					for i := range z {
						z[i] = float64(float32(scale * z[i]))
					}
					base := make([]int, size.views)
					for i := range base {
						base[i] = i
					}
					k, k32 := new(lejepa[float64]), new(lejepa[float32])
					k.aim(size.dim, size.slices, 7)
					k32.aim(size.dim, size.slices, 7)
					grad, grad32 := make([]float64, len(z)), make([]float32, len(z))
					value := runLeJEPA(k, batchOf(grad, z, size.images, size.dim, base, 1), 0.05)
					value32 := runLeJEPA(k32, batchOf(grad32, convert[float32](z), size.images, size.dim, base, 1), 0.05)
					want := plainLeJEPA(z, k.directions, size.views, size.images, size.dim, 0.05)
					if math.Abs(value-want) > 1e-10*want {
						t.Errorf("float64: value %.15g, by the formula %.15g", value, want)
					}
					compare(t, "float32", value32, value, convert[float64](grad32), grad, 1e-5)
				})
		}
	}
}

// TestLeJEPANormality: rows that are normally distributed are told from others with the same mean and variance.
func TestLeJEPANormality(t *testing.T) {
	const images, dim = 500, 8
	measure := func(z []float64) float64 {
		k := new(lejepa[float64])
		k.aim(dim, 64, 1)
		runLeJEPA(k, batchOf(make([]float64, len(z)), z, images, dim, []int{0, 1}, 1), 0.5)
		return k.normality
	}
	gauss, z := measure(normal(1, 2*images*dim)), normal(1, 2*images*dim)
	if math.Abs(gauss-1.06) > 0.3 {
		t.Errorf("normal rows: %g, want about 1.06", gauss)
	}
	for name, change := range map[string]func(i int) float64{
		"collapsed to a point": func(int) float64 { return 0.5 },
		"collapsed to a line":  func(i int) float64 { return z[i-i%dim] },
		"too wide":             func(i int) float64 { return 2 * z[i] },
		"far from the origin":  func(i int) float64 { return z[i] + 1 },
	} {
		other := slices.Clone(z)
		for i := range other {
			other[i] = change(i)
		}
		if got := measure(other); got < 5*gauss {
			t.Errorf("%s: %g, normal rows: %g", name, got, gauss)
		}
	}
}

// TestLeJEPADirections: they have length 1, those of another step differ, and those of the same step don't.
func TestLeJEPADirections(t *testing.T) {
	a, b, c := new(lejepa[float64]), new(lejepa[float64]), new(lejepa[float64])
	a.aim(6, 10, math.Float64bits(0.25))
	b.aim(6, 10, math.Float64bits(0.25))
	c.aim(6, 10, math.Float64bits(0.5))
	if !slices.Equal(a.directions, b.directions) || slices.Equal(a.directions, c.directions) {
		t.Error("the directions are not those of the step")
	}
	for at := 0; at < len(a.directions); at += 6 {
		if d := a.directions[at:][:6]; math.Abs(dot(d, d)-1) > 1e-12 {
			t.Errorf("direction %d has the squared length %g", at/6, dot(d, d))
		}
	}
}
