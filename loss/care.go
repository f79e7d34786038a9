package loss

import (
	"errors"

	"ordo/loss/matrix"
)

// careTerm is the equivariance term of CARE: a transformation must leave the cosine of two images as it is.
type careTerm struct {
	options BaselineOptions
	base    []int // the base views
	kernel  care
}

func newCARE(o BaselineOptions) term { return &careTerm{options: o} }

func (t *careTerm) needs(to []Need, v Views) ([]Need, error) {
	if err := baseAtLeast(KindCARE, v, 2); err != nil {
		return to, err
	}
	if v.Shared < 2 {
		return to, errors.New("care compares images that share their draws: set augment.shared to 2 or more")
	}
	return append(to, outputNeed(t.options.Output)), nil
}

func (t *careTerm) check(v Views, _ []Output) error { return needsOther(KindCARE, v) }

func (t *careTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = appendBase(t.base[:0], v)
	return runCARE(&t.kernel, newBatch(outs[0], v, t.base, weight), v.Shared), d
}

// care holds the buffers of runCARE. S is the number of images that share their draws.
type care struct {
	unit    []float64 // [B, S, D] normalised rows
	inverse []float64 // [B, S] one over their norms
	cosine  []float64 // [B, S, S]
	total   []float64 // [S, S] sum over the views
	grad    []float64 // [S, D]
	right   matrix.Packed[float64]
}

// runCARE returns the loss over the batch's base views, of which it needs two, and adds its gradient. Every shared
// images share their draws.
func runCARE[T float](k *care, b batch[T], shared int) float64 {
	images, dim, views := b.images, b.dim, len(b.base)
	shared = min(shared, images)
	k.unit, k.inverse = grow(k.unit, views*shared*dim), grow(k.inverse, views*shared)
	k.cosine, k.total, k.grad = grow(k.cosine, views*shared*shared), grow(k.total, shared*shared), grow(k.grad, shared*dim)
	pairs := 0 // ordered
	for first := 0; first < images; first += shared {
		size := min(shared, images-first)
		pairs += size * (size - 1)
	}
	// The mean over ordered pairs of images and unordered pairs of views.
	scale := 1 / (float64(pairs) * float64(views*(views-1)) / 2)
	var value float64
	for first := 0; first < images; first += shared {
		size := min(shared, images-first)
		clear(k.total)
		for i, v := range b.base {
			for n := range size {
				at := b.at(v, first+n)
				k.inverse[i*shared+n] = normalize(k.unit[(i*shared+n)*dim:][:dim], b.data[at:at+dim], normalizeEps)
			}
			line := k.cosine[i*size*size:][:size*size]
			k.cosines(line, k.unit[i*shared*dim:], size, dim)
			matrix.AddScaled(k.total[:len(line)], 1, line)
		}
		value += k.differences(views, size)
		for i, v := range b.base {
			line := k.cosine[i*size*size:][:size*size]
			for p, c := range line {
				line[p] = 4 * scale * (float64(views)*c - k.total[p])
				if p%(size+1) == 0 {
					line[p] = 0
				}
			}
			k.pull(line, k.unit[i*shared*dim:], size, dim)
			for n := range size {
				at := b.at(v, first+n)
				unit := k.unit[(i*shared+n)*dim:][:dim]
				addNormalizeGrad(b.grad[at:at+dim], k.grad[n*dim:][:dim], unit, k.inverse[i*shared+n], b.weight)
			}
		}
	}
	return value * scale
}

// fewRows is the number of rows up to which products row by row are faster than products of matrices, which have tiles.
const fewRows = 12

// cosines sets to, [size, size], to the products of the rows of unit, [size, dim].
func (k *care) cosines(to, unit []float64, size, dim int) {
	if size > fewRows {
		rows := matrix.Of(unit, size, dim)
		k.right.Pack(rows.T())
		matrix.Mul(matrix.Of(to, size, size), rows, &k.right)
		return
	}
	for n := range size {
		for m := range n + 1 {
			c := dot(unit[n*dim:][:dim], unit[m*dim:][:dim])
			to[n*size+m], to[m*size+n] = c, c
		}
	}
}

// pull sets grad to the gradient by the rows, for that by their cosines.
func (k *care) pull(slope, unit []float64, size, dim int) {
	if size > fewRows {
		k.right.Pack(matrix.Of(unit, size, dim))
		matrix.Mul(matrix.Of(k.grad, size, dim), matrix.Of(slope, size, size), &k.right)
		return
	}
	clear(k.grad)
	for n := range size {
		for m := range size {
			matrix.AddScaled(k.grad[n*dim:][:dim], slope[n*size+m], unit[m*dim:][:dim])
		}
	}
}

// differences returns the sum of the squared differences of the cosines of different images, over all pairs of views.
func (k *care) differences(views, size int) float64 {
	var sum float64
	square := size * size
	for i := range views {
		for j := range i {
			a, b := k.cosine[i*square:][:square], k.cosine[j*square:][:square]
			for p, c := range a {
				if p%(size+1) != 0 {
					sum += (c - b[p]) * (c - b[p])
				}
			}
		}
	}
	return sum
}
