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
	base       []int // the views that are compared
	kernel     barlow[float32]
	similarity similarity
}

func newBarlow(o InvarianceOptions) term { return &barlowTerm{options: o} }

func (t *barlowTerm) needs(to []Need, v Views) ([]Need, error) {
	return t.options.comparedNeeds(to, v, outputNeed(t.options.Output))
}

func (t *barlowTerm) check(v Views, _ []Output) error { return checkStatistics(KindBarlowTwins, v) }

func (t *barlowTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = t.options.appendCompared(t.base[:0], v)
	k, out := &t.kernel, outs[0]
	value := runBarlow(k, newBatch(out, v, t.base, weight), t.options.Lambda)
	d = append(d, Diagnostic{"on_diagonal", k.on}, Diagnostic{"off_diagonal", k.off})
	return value, t.similarity.diagnose(d, out, t.base, v.Images)
}

// barlow holds the buffers of runBarlow and the parts of its value.
type barlow[T float] struct {
	mean        []float64 // [B, D] of the columns
	inverse     []float64 // [B, D] one over their deviations
	along       []float64 // [B, D] products of the columns of standard and grad, over N
	product     []float64 // [D] of the columns of two views
	standard    []T       // [B, N, D] standardised rows
	grad        []T       // [B, N, D] N/2 times the gradient by them
	correlation []T       // [D, D] of two views, then N/2 times the gradient by it
	right       matrix.Packed[T]
	on, off     float64 // mean over pairs of views: sums over the diagonal and the rest
}

// runBarlow returns the loss over the batch's base views, of which it needs two, and adds its gradient.
//
// Only the products of matrices are of type T. The diagonal of the correlation, whose difference to 1 counts, is
// float64.
func runBarlow[T float](k *barlow[T], b batch[T], lambda float64) float64 {
	images, dim := b.images, b.dim
	n, views, size := float64(images), len(b.base), images*dim
	k.mean, k.inverse, k.along = sized(k.mean, views*dim), sized(k.inverse, views*dim), grow(k.along, views*dim)
	k.product, k.correlation = sized(k.product, dim), sized(k.correlation, dim*dim)
	k.standard, k.grad = sized(k.standard, views*size), sized(k.grad, views*size)
	clear(k.grad)
	k.on, k.off = 0, 0
	for i, v := range b.base {
		k.standardise(i, b.view(v), dim)
	}
	for i, v := range b.base {
		for j, w := range b.base[:i] {
			columnProducts(k.product, b.view(w), b.view(v), k.mean[j*dim:], k.mean[i*dim:])
			k.pair(j, i, images, dim, lambda)
		}
	}
	pairs := float64(views*(views-1)) / 2
	// The gradient by the rows is the gradient by the standard rows, without its mean (0, as the standard rows have none)
	// and without what lies along the standard rows, divided by the deviation.
	for i, v := range b.base {
		inverse, along := k.inverse[i*dim:][:dim], k.along[i*dim:][:dim]
		for row := range images {
			to, at := b.grad[b.at(v, row):][:dim], (i*images+row)*dim
			g, standard := k.grad[at:][:dim], k.standard[at:][:dim]
			for p, x := range g {
				to[p] = add(to[p], b.weight*2/(n*pairs)*inverse[p]*(float64(x)-along[p]*float64(standard[p])))
			}
		}
	}
	k.on /= pairs
	k.off /= pairs
	return k.on + lambda*k.off
}

// standardise gives every column of the view mean 0 and, but for barlowEps, deviation 1.
func (k *barlow[T]) standardise(i int, z []T, dim int) {
	mean, inverse := k.mean[i*dim:][:dim], k.inverse[i*dim:][:dim]
	columnMeans(mean, z)
	columnProducts(inverse, z, z, mean, mean)
	rows := float64(len(z) / dim)
	for p, sum := range inverse {
		inverse[p] = 1 / math.Sqrt(sum/rows+barlowEps)
	}
	for at := 0; at < len(z); at += dim {
		to := k.standard[i*len(z)+at:][:dim]
		for p, x := range z[at:][:dim] {
			to[p] = T((float64(x) - mean[p]) * inverse[p])
		}
	}
}

// pair adds the value of views a and b, and its gradient by their standardised rows. product holds the products of
// their columns.
func (k *barlow[T]) pair(a, b, images, dim int, lambda float64) {
	size, n := images*dim, float64(images)
	rowsA, rowsB := matrix.Of(k.standard[a*size:], images, dim), matrix.Of(k.standard[b*size:], images, dim)
	correlation := matrix.Of(k.correlation, dim, dim)
	k.right.Pack(rowsB)
	matrix.Mul(correlation, rowsA.T(), &k.right)
	inverseA, inverseB := k.inverse[a*dim:][:dim], k.inverse[b*dim:][:dim]
	alongA, alongB := k.along[a*dim:][:dim], k.along[b*dim:][:dim]
	for p := range dim {
		line := k.correlation[p*dim:][:dim]
		line[p] = 0
		var squares float64
		for q, x := range line {
			c := float64(x) / n
			squares += c * c
			alongB[q] += lambda * c * c
			line[q] = T(lambda * c)
		}
		k.off += squares
		c := k.product[p] * inverseA[p] * inverseB[p] / n
		k.on += (c - 1) * (c - 1)
		alongA[p] += lambda*squares + (c-1)*c
		alongB[p] += (c - 1) * c
		line[p] = T(c - 1)
	}
	k.right.Pack(correlation.T())
	matrix.AddMul(matrix.Of(k.grad[a*size:], images, dim), rowsB, &k.right)
	k.right.Pack(correlation)
	matrix.AddMul(matrix.Of(k.grad[b*size:], images, dim), rowsA, &k.right)
}
