package loss

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// plainVICReg is the loss of two views as its formula is written.
func plainVICReg(z []float64, images, dim int, w vicregWeights) float64 {
	size := images * dim
	var distance, variance, covariance float64
	for p := range size {
		distance += (z[p] - z[size+p]) * (z[p] - z[size+p]) / float64(size)
	}
	for v := range 2 {
		c := plainProducts(z[v*size:][:size], z[v*size:][:size], images, dim, float64(images-1))
		for i := range dim {
			variance += math.Max(0, 1-math.Sqrt(c[i*dim+i]+vicregEps)) / float64(2*dim)
			for j := range dim {
				if i != j {
					covariance += c[i*dim+j] * c[i*dim+j] / float64(dim)
				}
			}
		}
	}
	return w.similarity*distance + w.variance*variance + w.covariance*covariance
}

// plainBarlow is the loss of two views as its formula is written.
func plainBarlow(z []float64, images, dim int, lambda float64) float64 {
	n, a, b := float64(images), z[:images*dim], z[images*dim:]
	ab := plainProducts(a, b, images, dim, n)
	aa, bb := plainProducts(a, a, images, dim, n), plainProducts(b, b, images, dim, n)
	var value float64
	for i := range dim {
		for j := range dim {
			c := ab[i*dim+j] / math.Sqrt((aa[i*dim+i]+barlowEps)*(bb[j*dim+j]+barlowEps))
			if i == j {
				value += (1 - c) * (1 - c)
			} else {
				value += lambda * c * c
			}
		}
	}
	return value
}

// plainProducts returns the products of the columns of a and b without their means, divided by n.
func plainProducts(a, b []float64, images, dim int, n float64) []float64 {
	meanA, meanB := make([]float64, dim), make([]float64, dim)
	for p := range a {
		meanA[p%dim] += a[p]
		meanB[p%dim] += b[p]
	}
	for i := range dim {
		meanA[i] /= float64(images)
		meanB[i] /= float64(images)
	}
	c := make([]float64, dim*dim)
	for row := range images {
		for i := range dim {
			x := (a[row*dim+i] - meanA[i]) / n
			for j := range dim {
				c[i*dim+j] += x * (b[row*dim+j] - meanB[j])
			}
		}
	}
	return c
}

// TestRedundancyAccuracy holds float64 to the formulas and to a difference along a direction, and float32 to float64,
// with more columns than a block of a product has, for ordinary rows and for rows whose numbers lose much in float32.
func TestRedundancyAccuracy(t *testing.T) {
	weights := vicregWeights{25, 25, 1}
	for _, size := range []struct{ images, dim int }{{300, 70}, {40, 150}, {8, 3}} {
		count := size.images * size.dim
		for _, c := range []struct {
			name string
			// value is made of a view's own number, the image's, and the image's first.
			value func(row, column int, own, shared, direction float64) float64
		}{
			{"random", func(_, _ int, own, _, _ float64) float64 { return own }},
			{"close views", func(_, _ int, own, shared, _ float64) float64 { return shared + 0.05*own }},
			{"close rows", func(_, column int, own, shared, _ float64) float64 {
				return float64(column%5) - 2 + 1e-3*(own+shared)
			}},
			{"dependent columns", func(_, column int, own, _, direction float64) float64 {
				return direction*float64(1+column%3) + 0.1*own
			}},
			{"small", func(_, _ int, own, shared, _ float64) float64 { return 1e-6 * (own + shared) }},
			{"large", func(_, _ int, own, shared, _ float64) float64 { return 1e6 * (own + shared) }},
			{"a large column", func(_, column int, own, shared, _ float64) float64 {
				if column == 1 {
					return 1e9 * own
				}
				return own + shared
			}},
			{"a constant column", func(_, column int, own, shared, _ float64) float64 {
				if column == 1 {
					return 1e30
				}
				return own + shared
			}},
		} {
			shared, z := normal(2, count), normal(1, 2*count)
			for p, own := range z {
				row := p % count / size.dim
				z[p] = float64(float32(c.value(row, p%size.dim, own, shared[p%count], shared[row*size.dim])))
			}
			check := func(kind string, run, plain func(z []float64) float64, value float64, grad []float64, value32 float64,
				grad32 []float32) {
				t.Run(fmt.Sprintf("%s/%s/%dx%d", kind, c.name, size.images, size.dim), func(t *testing.T) {
					if want := plain(z); math.Abs(value-want) > 1e-10*want {
						t.Errorf("float64: value %.15g, by the formula %.15g", value, want)
					}
					compareDirection(t, z, grad, run)
					compare(t, "float32", value32, value, convert[float64](grad32), grad, 1e-5)
				})
			}
			views := []int{0, 1}
			runV := func(z []float64) float64 {
				return runVICReg(new(vicreg[float64]), batchOf(make([]float64, len(z)), z, size.images, size.dim, views, 1),
					weights)
			}
			grad, grad32 := make([]float64, len(z)), make([]float32, len(z))
			value := runVICReg(new(vicreg[float64]), batchOf(grad, z, size.images, size.dim, views, 1), weights)
			value32 := runVICReg(new(vicreg[float32]), batchOf(grad32, convert[float32](z), size.images, size.dim, views, 1),
				weights)
			check(KindVICReg, runV, func(z []float64) float64 { return plainVICReg(z, size.images, size.dim, weights) },
				value, grad, value32, grad32)

			runB := func(z []float64) float64 {
				return runBarlow(new(barlow[float64]), batchOf(make([]float64, len(z)), z, size.images, size.dim, views, 1), 0.0051)
			}
			grad, grad32 = make([]float64, len(z)), make([]float32, len(z))
			value = runBarlow(new(barlow[float64]), batchOf(grad, z, size.images, size.dim, views, 1), 0.0051)
			value32 = runBarlow(new(barlow[float32]), batchOf(grad32, convert[float32](z), size.images, size.dim, views, 1),
				0.0051)
			check(KindBarlowTwins, runB, func(z []float64) float64 { return plainBarlow(z, size.images, size.dim, 0.0051) },
				value, grad, value32, grad32)
		}
	}
}

// compareDirection holds a gradient to the difference of two values, along a direction that is partly its own.
func compareDirection(t *testing.T, z, grad []float64, run func(z []float64) float64) {
	t.Helper()
	length, largest := math.Sqrt(dot(grad, grad)), 0.0
	for _, g := range grad {
		largest = max(largest, math.Abs(g))
	}
	spread := math.Sqrt(dot(z, z) / float64(len(z)))
	step := 1e-4 * min(spread, 1)
	up, down, random := slices.Clone(z), slices.Clone(z), normal(9, len(z))
	var want float64
	for i, g := range grad {
		d := step * (g/largest + 0.1*random[i])
		up[i], down[i] = z[i]+d, z[i]-d
		want += g * (up[i] - down[i])
	}
	high, low := run(up), run(down)
	if got := high - low; math.Abs(got-want) > 1e-3*math.Abs(want)+1e-15*(high+low) {
		t.Errorf("along a direction the value changes by %g, by the gradient (of length %g) by %g", got, length, want)
	}
}

// TestRedundancyExtremes: sizes at which float32 has no products.
func TestRedundancyExtremes(t *testing.T) {
	const images, dim = 40, 7
	views, weights := []int{0, 1}, vicregWeights{covariance: 1}
	z := convert[float32](normal(1, 2*images*dim))
	run := func(exponent int) (covariance float64, grad []float32) {
		grad = make([]float32, len(z))
		k := new(vicreg[float32])
		runVICReg(k, batchOf(grad, scaled(z, exponent), images, dim, views, 1), weights)
		return k.covariance, grad
	}
	covariance, grad := run(0)
	for _, exponent := range []int{-120, -30, 30, 120} {
		got, gotGrad := run(exponent)
		if want := math.Ldexp(covariance, 4*exponent); got != want {
			t.Errorf("rows times 2^%d: covariance %g, want %g", exponent, got, want)
		}
		for i, g := range grad {
			want := math.Ldexp(float64(g), 3*exponent)
			if want = limit(want, 0); float64(gotGrad[i]) != float64(float32(want)) {
				t.Fatalf("rows times 2^%d: gradient[%d] is %g, want %g", exponent, i, gotGrad[i], want)
			}
		}
	}

	// Barlow Twins sees the size only beside the eps.
	runB := func(exponent int) (float64, []float64) {
		grad := make([]float32, len(z))
		value := runBarlow(new(barlow[float32]), batchOf(grad, scaled(z, exponent), images, dim, views,
			math.Ldexp(1, exponent)), 0.0051)
		return value, convert[float64](grad)
	}
	want, wantGrad := runB(20)
	for _, exponent := range []int{60, 120} {
		got, gotGrad := runB(exponent)
		compare(t, fmt.Sprintf("rows times 2^%d", exponent), got, want, gotGrad, wantGrad, 1e-6)
	}
	if got, gotGrad := runB(-120); got != dim || slices.ContainsFunc(gotGrad,
		func(g float64) bool { return math.Abs(g) > 1e-6 }) {
		t.Errorf("rows of nearly nothing: value %g, want %d; gradient %v", got, dim, gotGrad)
	}
}

func scaled(z []float32, exponent int) []float32 {
	to := make([]float32, len(z))
	for i, x := range z {
		to[i] = float32(math.Ldexp(float64(x), exponent))
	}
	return to
}
