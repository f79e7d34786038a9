package loss

import "math"

// ntxentTerm is multi-view NT-Xent over the base views.
type ntxentTerm struct {
	options InvarianceOptions
	base    []int // the base views
	kernel  ntxent
}

func (t *ntxentTerm) needs(to []Need, v Views) ([]Need, error) {
	return baseNeeds(to, v, KindNTXent, outputNeed(t.options.Output))
}

func (t *ntxentTerm) check(Views, []Output) error { return nil }

func (t *ntxentTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = appendBase(t.base[:0], v)
	k, out := &t.kernel, outs[0]
	value := runNTXent(k, out.Grad, out.Data, v.Images, out.Dim, t.base, t.options.Temperature, weight)
	d = append(d, Diagnostic{"positive_similarity", k.positive})
	if v.Images > 1 {
		d = append(d, Diagnostic{"negative_similarity", k.negative})
	}
	return value, d
}

// ntxent holds the buffers of runNTXent. Rows are M = views*images, padded to whole blocks.
type ntxent struct {
	unit     []float64 // [M, D] normalised rows
	inverse  []float64 // [M] one over their norms
	grad     []float64 // [M, D] gradient by unit
	sum      []float64 // [M] sum of exp((cosine-1)/temperature) over all other rows; then one over it
	block    [blockRows * blockRows]float64
	positive float64 // mean cosine of two views of an image
	negative float64 // mean cosine of views of different images
}

// runNTXent returns the loss over the views named in base (at least two) and adds weight times its gradient to grad.
// z and grad are [V*images, dim], view-major.
//
// It goes twice over the upper triangle of the similarity matrix, block by block: first for the sums of the softmax,
// then, computing the similarities again, for the gradient. So its memory is O(M·D) and no M x M matrix ever exists.
// Both passes take exp((cosine-1)/temperature) <= 1: no cosine is above 1, so that this needs no search for a maximum.
func runNTXent[T float](k *ntxent, grad, z []T, images, dim int, base []int, temperature, weight float64) float64 {
	views := len(base)
	m := views * images
	padded := (m + blockRows - 1) / blockRows * blockRows
	k.unit, k.grad = grow(k.unit, padded*dim), grow(k.grad, padded*dim)
	k.inverse, k.sum = grow(k.inverse, m), grow(k.sum, m)
	for i, v := range base {
		for n := range images {
			row := i*images + n
			at := (v*images + n) * dim
			k.inverse[row] = normalize(k.unit[row*dim:][:dim], z[at:at+dim], normalizeEps)
		}
	}

	all := k.sums(m, dim, 1/temperature)
	pairs := float64(m*(views-1)) / 2 // of positives; m*(m-1)/2 of all
	scale := 1 / (float64(m) * temperature)
	positive := k.positives(images, views, dim, 2*scale/float64(views-1))

	var value float64
	for i, s := range k.sum {
		value += math.Log(s)
		k.sum[i] = 1 / s
	}
	value = value/float64(m) + (1-positive/pairs)/temperature
	k.positive = positive / pairs
	if images > 1 {
		k.negative = (all - positive) / (float64(m)*float64(m-1)/2 - pairs)
	}

	k.negatives(m, dim, 1/temperature, scale)
	for i, v := range base {
		for n := range images {
			row := i*images + n
			at := (v*images + n) * dim
			addNormalizeGrad(grad[at:at+dim], k.grad[row*dim:][:dim], k.unit[row*dim:][:dim], k.inverse[row], weight)
		}
	}
	return value
}

// sums fills sum and returns the sum of the cosines of all pairs of rows.
func (k *ntxent) sums(m, dim int, sharpness float64) float64 {
	var all float64
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := i; j < m; j += blockRows {
			products(k.block[:], k.unit[i*dim:], k.unit[j*dim:], dim)
			columns := k.sum[j:min(j+blockRows, m)]
			for a := range rows {
				first := 0
				if i == j {
					first = a + 1
				}
				line := k.block[a*blockRows:][:len(columns)]
				var sum float64
				for b := first; b < len(line); b++ {
					e := math.Exp((line[b] - 1) * sharpness)
					all += line[b]
					sum += e
					columns[b] += e
				}
				k.sum[i+a] += sum
			}
		}
	}
	return all
}

// positives subtracts pull times the gradient of the sum of the cosines of all positive pairs, and returns that sum.
func (k *ntxent) positives(images, views, dim int, pull float64) float64 {
	var sum float64
	for n := range images {
		for v := range views {
			a := (v*images + n) * dim
			unitA, gradA := k.unit[a:a+dim], k.grad[a:a+dim]
			for w := v + 1; w < views; w++ {
				b := (w*images + n) * dim
				unitB, gradB := k.unit[b:b+dim], k.grad[b:b+dim]
				sum += dot(unitA, unitB)
				for p := range unitA {
					gradA[p] -= pull * unitB[p]
					gradB[p] -= pull * unitA[p]
				}
			}
		}
	}
	return sum
}

// negatives adds the gradient of the softmax's logarithm: sum holds one over the sums. Row a gets
// scale * (P_ab + P_ba) unit_b for every other b, where P_ab = exp(..)/sum_a.
func (k *ntxent) negatives(m, dim int, sharpness, scale float64) {
	for i := 0; i < m; i += blockRows {
		rows := min(blockRows, m-i)
		for j := i; j < m; j += blockRows {
			products(k.block[:], k.unit[i*dim:], k.unit[j*dim:], dim)
			columns := k.sum[j:min(j+blockRows, m)]
			for a := range rows {
				inverse := k.sum[i+a]
				line := k.block[a*blockRows:][:len(columns)]
				for b, cosine := range line {
					line[b] = math.Exp((cosine-1)*sharpness) * (inverse + columns[b]) * scale
				}
				if i == j {
					line[a] = 0
				}
			}
			accumulate(k.grad[i*dim:], k.block[:], k.unit[j*dim:], dim, blockRows, 1)
			if i != j {
				accumulate(k.grad[j*dim:], k.block[:], k.unit[i*dim:], dim, 1, blockRows)
			}
		}
	}
}
