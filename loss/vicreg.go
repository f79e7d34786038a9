package loss

import (
	"fmt"
	"math"
	"slices"

	"ordo/loss/matrix"
)

// vicregEps is added to variances before the root, as the authors do.
const vicregEps = 1e-4

// vicregTerm is VICReg over the base views.
type vicregTerm struct {
	options    InvarianceOptions
	base       []int // the views that are compared
	kernel     vicreg[float32]
	similarity similarity
}

func newVICReg(o InvarianceOptions) term { return &vicregTerm{options: o} }

func (t *vicregTerm) needs(to []Need, v Views) ([]Need, error) {
	return t.options.comparedNeeds(to, v, outputNeed(t.options.Output))
}

func (t *vicregTerm) check(v Views, _ []Output) error { return checkStatistics(KindVICReg, v) }

// checkStatistics is for terms that look at deviations over the batch.
func checkStatistics(kind string, v Views) error {
	if v.Images < 2 {
		return fmt.Errorf("%s needs the deviation over a batch, which is undefined for one image: raise train.batch_size",
			kind)
	}
	return nil
}

func (t *vicregTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = t.options.appendCompared(t.base[:0], v)
	k, out, o := &t.kernel, outs[0], t.options
	value := runVICReg(k, newBatch(out, v, t.base, weight), vicregWeights{o.Similarity, o.Variance, o.Covariance})
	d = append(d, Diagnostic{"distance", k.distance}, Diagnostic{"variance", k.variance},
		Diagnostic{"covariance", k.covariance})
	return value, t.similarity.diagnose(d, out, t.base, v.Images)
}

// vicregWeights are the weights of the three parts.
type vicregWeights struct{ similarity, variance, covariance float64 }

// vicreg holds the buffers of runVICReg and the parts of its value.
type vicreg[T float] struct {
	mean       []float64 // [B, D] of the columns
	widen      []float64 // [B, D] what the gradient of the variance term multiplies the centred rows with
	spread     []float64 // [B] the same for repel
	square     []float64 // [D] of the columns of the view at hand
	total      []float64 // [D] sum over the views of an image
	centred    []T       // [N, D] of the view at hand, divided by a power of two
	products   []T       // [D, D] of its columns, without the diagonal
	repel      []T       // [B, N, D] centred times products
	right      matrix.Packed[T]
	distance   float64 // mean squared difference of two views
	variance   float64 // mean lack of deviation
	covariance float64 // sum over two views
}

// runVICReg returns the loss over the batch's base views, of which it needs two, and adds its gradient.
//
// Only the products of matrices are of type T. What has one term for each number, and so the whole of distance and
// variance, is float64.
func runVICReg[T float](k *vicreg[T], b batch[T], w vicregWeights) float64 {
	images, dim, count := b.images, b.dim, len(b.base)
	n, views := float64(images), float64(count)
	size := images * dim
	k.mean, k.widen, k.spread = sized(k.mean, count*dim), sized(k.widen, count*dim), sized(k.spread, count)
	k.square, k.total = sized(k.square, dim), sized(k.total, dim)
	k.centred, k.products, k.repel = sized(k.centred, size), sized(k.products, dim*dim), sized(k.repel, count*size)
	k.distance, k.variance, k.covariance = 0, 0, 0
	for i := range b.base {
		k.view(i, b, w)
	}

	pairs := views * (views - 1) / 2
	pull := w.similarity * 2 / (pairs * n * float64(dim))
	for row := range images {
		clear(k.total)
		for _, v := range b.base {
			for p, x := range b.data[b.at(v, row):][:dim] {
				k.total[p] += float64(x)
			}
		}
		for i, v := range b.base {
			at := b.at(v, row)
			to, from, total := b.grad[at:][:dim], b.data[at:][:dim], k.total[:dim]
			mean, widen := k.mean[i*dim:][:dim], k.widen[i*dim:][:dim]
			repel, spread := k.repel[(i*images+row)*dim:][:dim], k.spread[i]
			for p, x := range from {
				away := views*float64(x) - total[p] // the sum of the differences to the other views
				k.distance += away * away
				g := pull*away + spread*float64(repel[p]) - widen[p]*(float64(x)-mean[p])
				to[p] = add(to[p], b.weight*g)
			}
		}
	}
	k.distance /= views * pairs * n * float64(dim)
	return w.similarity*k.distance + w.variance*k.variance + w.covariance*k.covariance
}

// view adds the part of base view i to variance and covariance and finds what its gradient needs.
func (k *vicreg[T]) view(i int, b batch[T], w vicregWeights) {
	z, images, dim, views := b.view(b.base[i]), b.images, b.dim, float64(len(b.base))
	n, d := float64(images), float64(dim)
	mean, widen := k.mean[i*dim:][:dim], k.widen[i*dim:][:dim]
	columnMeans(mean, z)
	columnProducts(k.square, z, z, mean, mean)
	for p, s := range k.square {
		deviation := math.Sqrt(s/(n-1) + vicregEps)
		k.variance += math.Max(0, 1-deviation) / (d * views)
		widen[p] = 0
		if deviation < 1 {
			widen[p] = w.variance / (d * (n - 1) * views * deviation)
		}
	}

	// No column is longer than 1, then, so that no product is above 1 and no sum of products above D.
	_, exponent := math.Frexp(math.Sqrt(slices.Max(k.square)))
	shrink, unit := math.Ldexp(1, -exponent), math.Ldexp(1, exponent)
	for at := 0; at < len(z); at += dim {
		to := k.centred[at:][:dim]
		for p, x := range z[at:][:dim] {
			to[p] = T((float64(x) - mean[p]) * shrink)
		}
	}
	centred := matrix.Of(k.centred, images, dim)
	lowerProducts(k.products, centred, &k.right)
	var off float64
	for p := range dim {
		line := k.products[p*dim:][:p+1]
		line[p] = 0
		off += 2 * matrix.Dot(line, line)
		for q, x := range line {
			k.products[q*dim+p] = x
		}
	}
	scale := unit * unit / (n - 1) // from products to covariances
	k.covariance += 2 * off * scale * scale / (d * views)
	k.spread[i] = w.covariance * 8 / (d * (n - 1) * views) * scale * unit
	k.right.Pack(matrix.Of(k.products, dim, dim))
	matrix.Mul(matrix.Of(k.repel[i*len(z):], images, dim), centred, &k.right)
}
