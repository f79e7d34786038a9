package loss

import (
	"fmt"
	"math"

	"ordo/loss/matrix"
)

// vicregEps is added to variances before the root, as the authors do.
const vicregEps = 1e-4

// vicregTerm is VICReg over the base views.
type vicregTerm struct {
	options    InvarianceOptions
	base       []int // the base views
	kernel     vicreg
	similarity similarity
}

func (t *vicregTerm) needs(to []Need, v Views) ([]Need, error) {
	return baseNeeds(to, v, KindVICReg, outputNeed(t.options.Output))
}

func (t *vicregTerm) check(v Views, _ []Output) error { return checkStatistics(KindVICReg, v) }

// checkStatistics is for terms that look at deviations over the batch.
func checkStatistics(kind string, v Views) error {
	if v.Images < 2 {
		return fmt.Errorf("%s needs the deviation over a batch, which is undefined for one image: raise train.batch_size", kind)
	}
	return nil
}

func (t *vicregTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = appendBase(t.base[:0], v)
	k, out, o := &t.kernel, outs[0], t.options
	value := runVICReg(k, out.Grad, out.Data, v.Images, out.Dim, t.base, vicregWeights{o.Similarity, o.Variance, o.Covariance}, weight)
	d = append(d, Diagnostic{"distance", k.distance}, Diagnostic{"variance", k.variance}, Diagnostic{"covariance", k.covariance})
	return value, t.similarity.diagnose(d, out, t.base, v.Images)
}

type vicregWeights struct{ similarity, variance, covariance float64 }

// vicreg holds the buffers of runVICReg and the parts of its value.
type vicreg struct {
	total      []float64 // [N, D] sum over the views
	centred    []float64 // [N, D] of the view at hand
	grad       []float64 // [N, D] of the view at hand
	deviation  []float64 // [D]
	widen      []float64 // [D] what the gradient of the variance term multiplies the rows with
	products   []float64 // [D, D]
	right      matrix.Packed[float64]
	distance   float64 // mean squared difference of two views
	variance   float64 // mean lack of deviation
	covariance float64 // sum over two views
}

// runVICReg returns the loss over the views named in base (at least two) and adds weight times its gradient to grad.
// z and grad are [V*images, dim], view-major.
func runVICReg[T float](k *vicreg, grad, z []T, images, dim int, base []int, w vicregWeights, weight float64) float64 {
	n, views := float64(images), float64(len(base))
	size := images * dim
	k.total, k.centred, k.grad = grow(k.total, size), grow(k.centred, size), grow(k.grad, size)
	k.deviation, k.widen, k.products = grow(k.deviation, dim), grow(k.widen, dim), grow(k.products, dim*dim)
	k.distance, k.variance, k.covariance = 0, 0, 0

	pairs := views * (views - 1) / 2
	for i, a := range base {
		viewA := z[a*size:][:size]
		for p, x := range viewA {
			k.total[p] += float64(x)
		}
		for _, b := range base[:i] {
			for p, y := range z[b*size:][:size] {
				diff := float64(viewA[p]) - float64(y)
				k.distance += diff * diff
			}
		}
	}
	k.distance /= pairs * n * float64(dim)

	pull := w.similarity * 2 / (pairs * n * float64(dim))
	for _, a := range base {
		viewA := z[a*size:][:size]
		k.deviate(w, viewToFloat(k.centred, viewA), images, dim, views)
		for p, x := range viewA {
			g := k.grad[p] + pull*(views*float64(x)-k.total[p])
			grad[a*size+p] = add(grad[a*size+p], weight*g)
		}
	}
	return w.similarity*k.distance + w.variance*k.variance + w.covariance*k.covariance
}

// deviate adds a view's part to variance and covariance and sets grad to their gradient. z becomes centred.
func (k *vicreg) deviate(w vicregWeights, z []float64, images, dim int, views float64) {
	n := float64(images)
	centre(k.deviation, z)
	left := matrix.Of(z, images, dim)
	k.right.Pack(left)
	covariance := matrix.Of(k.products, dim, dim)
	matrix.Mul(covariance, left.T(), &k.right)
	var off float64
	for i := range dim {
		line := k.products[i*dim:][:dim]
		for j := range line {
			line[j] /= n - 1
			if i != j {
				off += line[j] * line[j]
			}
		}
		k.deviation[i] = math.Sqrt(line[i] + vicregEps)
		k.variance += math.Max(0, 1-k.deviation[i]) / (float64(dim) * views)
		line[i] = 0
	}
	k.covariance += 2 * off / (float64(dim) * views)

	k.right.Pack(covariance)
	matrix.Mul(matrix.Of(k.grad, images, dim), left, &k.right)
	spread := w.covariance * 8 / (float64(dim) * (n - 1) * views)
	for i, s := range k.deviation {
		k.widen[i] = 0
		if s < 1 {
			k.widen[i] = w.variance / (float64(dim) * (n - 1) * views * s)
		}
	}
	for at := 0; at < len(z); at += dim {
		g, row := k.grad[at:at+dim], z[at:at+dim]
		for i, x := range row {
			g[i] = spread*g[i] - k.widen[i]*x
		}
	}
}

// viewToFloat copies the rows of a view.
func viewToFloat[T float](to []float64, z []T) []float64 {
	for i, x := range z {
		to[i] = float64(x)
	}
	return to
}

// centre subtracts the mean of every column, for which mean is a buffer.
func centre(mean, z []float64) {
	dim := len(mean)
	clear(mean)
	for at := 0; at < len(z); at += dim {
		matrix.AddScaled(mean, 1, z[at:at+dim])
	}
	rows := float64(len(z) / dim)
	for i := range mean {
		mean[i] /= rows
	}
	for at := 0; at < len(z); at += dim {
		matrix.AddScaled(z[at:at+dim], -1, mean)
	}
}
