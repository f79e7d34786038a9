package loss

import (
	"math"

	"ordo/loss/matrix"
)

// barlowEps is added to variances before the root, as batch normalisation does.
const barlowEps = 1e-5

// barlowTerm is Barlow Twins over the base views.
type barlowTerm struct {
	options    InvarianceOptions
	base       []int // the base views
	kernel     barlow
	similarity similarity
}

func (t *barlowTerm) needs(to []Need, v Views) ([]Need, error) {
	return baseNeeds(to, v, KindBarlowTwins, outputNeed(t.options.Output))
}

func (t *barlowTerm) check(v Views, _ []Output) error { return checkStatistics(KindBarlowTwins, v) }

func (t *barlowTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = appendBase(t.base[:0], v)
	k, out := &t.kernel, outs[0]
	value := runBarlow(k, out.Grad, out.Data, v.Images, out.Dim, t.base, t.options.Lambda, weight)
	d = append(d, Diagnostic{"on_diagonal", k.on}, Diagnostic{"off_diagonal", k.off})
	return value, t.similarity.diagnose(d, out, t.base, v.Images)
}

// barlow holds the buffers of runBarlow and the parts of its value.
type barlow struct {
	standard    []float64 // [B, N, D] standardised rows
	grad        []float64 // [B, N, D] gradient by them
	inverse     []float64 // [B, D] one over the deviations
	correlation []float64 // [D, D] of two views
	mean, along []float64 // [D] buffers of addStandardiseGrad
	right       matrix.Packed[float64]
	on, off     float64 // mean over pairs of views: sums over the diagonal and the rest
}

// runBarlow returns the loss over the views named in base (at least two) and adds weight times its gradient to grad.
// z and grad are [V*images, dim], view-major.
func runBarlow[T float](k *barlow, grad, z []T, images, dim int, base []int, lambda, weight float64) float64 {
	views, size := len(base), images*dim
	k.standard, k.grad = grow(k.standard, views*size), grow(k.grad, views*size)
	k.inverse, k.correlation = grow(k.inverse, views*dim), grow(k.correlation, dim*dim)
	k.mean, k.along = grow(k.mean, dim), grow(k.along, dim)
	k.on, k.off = 0, 0
	for i, v := range base {
		standardise(k.inverse[i*dim:][:dim], viewToFloat(k.standard[i*size:][:size], z[v*size:][:size]))
	}
	for i := range base {
		for j := range i {
			k.pair(j, i, images, dim, lambda)
		}
	}
	pairs := float64(views*(views-1)) / 2
	for i, v := range base {
		at := i * size
		addStandardiseGrad(grad[v*size:][:size], k.grad[at:at+size], k.standard[at:at+size], k.inverse[i*dim:][:dim], k.mean, k.along, weight/pairs)
	}
	k.on /= pairs
	k.off /= pairs
	return k.on + lambda*k.off
}

// pair adds the value of views a and b, and its gradient by their standardised rows.
func (k *barlow) pair(a, b, images, dim int, lambda float64) {
	size, n := images*dim, float64(images)
	rowsA, rowsB := matrix.Of(k.standard[a*size:], images, dim), matrix.Of(k.standard[b*size:], images, dim)
	correlation := matrix.Of(k.correlation, dim, dim)
	k.right.Pack(rowsB)
	matrix.Mul(correlation, rowsA.T(), &k.right)
	for i := range dim {
		line := k.correlation[i*dim:][:dim]
		for j := range line {
			c := line[j] / n
			if i == j {
				k.on += (c - 1) * (c - 1)
				line[j] = 2 * (c - 1) / n
			} else {
				k.off += c * c
				line[j] = 2 * lambda * c / n
			}
		}
	}
	k.right.Pack(correlation.T())
	matrix.AddMul(matrix.Of(k.grad[a*size:], images, dim), rowsB, &k.right)
	k.right.Pack(correlation)
	matrix.AddMul(matrix.Of(k.grad[b*size:], images, dim), rowsA, &k.right)
}

// standardise gives every column of z mean 0 and, but for barlowEps, deviation 1. inverse is one over the deviations.
func standardise(inverse, z []float64) {
	dim := len(inverse)
	centre(inverse, z)
	clear(inverse)
	for at := 0; at < len(z); at += dim {
		for i, x := range z[at : at+dim] {
			inverse[i] += x * x
		}
	}
	for i, sum := range inverse {
		inverse[i] = 1 / math.Sqrt(sum/float64(len(z)/dim)+barlowEps)
	}
	for at := 0; at < len(z); at += dim {
		for i, s := range inverse {
			z[at+i] *= s
		}
	}
}

// addStandardiseGrad adds weight times the gradient by what was standardised, for g, the gradient by the standard rows.
// mean and along are buffers.
func addStandardiseGrad[T float](grad []T, g, standard, inverse, mean, along []float64, weight float64) {
	dim := len(inverse)
	clear(mean)
	clear(along)
	for at := 0; at < len(g); at += dim {
		row := standard[at : at+dim]
		for i, x := range g[at : at+dim] {
			mean[i] += x
			along[i] += x * row[i]
		}
	}
	rows := float64(len(g) / dim)
	for i := range mean {
		mean[i] /= rows
		along[i] /= rows
	}
	for at := 0; at < len(g); at += dim {
		row := standard[at : at+dim]
		for i, x := range g[at : at+dim] {
			grad[at+i] = add(grad[at+i], weight*inverse[i]*(x-mean[i]-along[i]*row[i]))
		}
	}
}
