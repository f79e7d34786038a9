package loss

import (
	"math"
	"runtime"
	"sync"

	"ordo/loss/matrix"
)

// ntxentTerm is multi-view NT-Xent over the base views.
type ntxentTerm struct {
	options InvarianceOptions
	base    []int // the base views
	kernel  ntxent[float32]
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

// ntxentSide is the side of the blocks of the similarity matrix: with their rows they fit into a second-level cache.
const ntxentSide = 128

// ntxent holds the buffers of runNTXent, for rows of M = views*images.
type ntxent[T float] struct {
	unit     []T              // [M, D] normalised rows
	columns  matrix.Packed[T] // [D, M] the same as right factor of the similarities
	rows     matrix.Packed[T] // [M, D] the same as right factor of the gradient
	row      []float64        // [D]
	inverse  []float64        // [M] one over their norms
	grad     []T              // [M, D] gradient by unit
	sum      []float64        // [M] sum of exp((cosine-1)/temperature) over all other rows; then scale over it
	similar  []float64        // [M] sum of the cosines with the positives that come later
	workers  []ntxentWorker[T]
	positive float64 // mean cosine of two views of an image
	negative float64 // mean cosine of views of different images

	images, dim      int
	sharpness, scale float64 // 1/temperature; what the gradient of all terms has in common
	pull             float64 // gradient by the cosine of a positive pair, beside the softmax's
}

// ntxentWorker holds what one goroutine needs.
type ntxentWorker[T float] struct {
	block [ntxentSide * ntxentSide]T // cosines, then the gradient by them
	exp   [ntxentSide]float64
}

// runNTXent returns the loss over the views named in base (at least two) and adds weight times its gradient to grad.
// z and grad are [V*images, dim], view-major.
//
// It goes twice over the upper triangle of the similarity matrix, block by block: first for the sums of the softmax,
// then, computing the similarities again, for the gradient. So its memory is O(M·D) and no M x M matrix ever exists.
// Both passes take exp((cosine-1)/temperature), in the range of float64, as a cosine may be far below all others of its
// row: it is at most 1, or by rounding a little more, so that this needs no search for a maximum.
//
// Similarities and gradient by unit are of type T. With float32 a cosine is off by about 1e-7, so that an exponent is by
// 1e-5 at a temperature of 0.01; all else is float64. The result does not depend on the number of processors.
func runNTXent[T float](k *ntxent[T], grad, z []T, images, dim int, base []int, temperature, weight float64) float64 {
	views := len(base)
	m := views * images
	k.images, k.dim = images, dim
	k.sharpness, k.scale = 1/temperature, 1/(float64(m)*temperature)
	k.pull = 2 * k.scale / float64(views-1)
	k.unit, k.grad = sized(k.unit, m*dim), sized(k.grad, m*dim)
	clear(k.grad)
	k.inverse, k.sum, k.similar = grow(k.inverse, m), grow(k.sum, m), grow(k.similar, m)
	k.row = grow(k.row, dim)
	for i, v := range base {
		for n := range images {
			row, at := i*images+n, (v*images+n)*dim
			k.inverse[row] = normalize(k.row, z[at:at+dim], normalizeEps)
			for p, x := range k.row {
				k.unit[row*dim+p] = T(x)
			}
		}
	}
	unit := matrix.Of(k.unit, m, dim)
	k.columns.Pack(unit.T())
	k.rows.Pack(unit)

	k.pairs(false)
	var value, positive float64
	for i, s := range k.sum {
		value += math.Log(s)
		positive += k.similar[i]
		k.sum[i] = k.scale / s
	}
	pairs := float64(m*(views-1)) / 2 // of positives; m*(m-1)/2 of all
	value = value/float64(m) + (1-positive/pairs)/temperature
	k.positive = positive / pairs
	if images > 1 {
		k.negative = (k.allCosines() - positive) / (float64(m)*float64(m-1)/2 - pairs)
	}

	k.pairs(true)
	for i, v := range base {
		for n := range images {
			row, at := i*images+n, (v*images+n)*dim
			g, u := k.grad[row*dim:][:dim], k.unit[row*dim:][:dim]
			along, size := matrix.Dot(g, u), weight*k.inverse[row]
			to := grad[at : at+dim]
			for p, x := range g {
				to[p] = add(to[p], size*(float64(x)-along*float64(u[p])))
			}
		}
	}
	return value
}

// allCosines returns the sum of the cosines of all pairs of rows: half of the squared length of the sum of all rows,
// without that of each.
func (k *ntxent[T]) allCosines() float64 {
	clear(k.row)
	var squares float64
	for at := 0; at < len(k.unit); at += k.dim {
		unit := k.unit[at:][:k.dim]
		squares += matrix.Dot(unit, unit)
		for p, x := range unit {
			k.row[p] += float64(x)
		}
	}
	return (matrix.Dot(k.row, k.row) - squares) / 2
}

// pairs goes over every pair of blocks, for the sums or for the gradient. Pairs that run at the same time have no block
// in common, and a block meets the others always in the same order: so the result has the same bits for any number of
// goroutines. The rounds are those of a tournament in which everybody meets everybody (the circle method: one stands
// still while the others move around), and one in which every block meets itself.
func (k *ntxent[T]) pairs(gradient bool) {
	blocks := (len(k.sum) + ntxentSide - 1) / ntxentSide
	count := max(1, min(runtime.GOMAXPROCS(0), blocks/2))
	if len(k.workers) < count {
		k.workers = make([]ntxentWorker[T], count)
	}
	for round := range blocks + blocks%2 {
		if count == 1 {
			k.round(gradient, round, blocks, 0, 1)
		} else {
			k.share(gradient, round, blocks, count)
		}
	}
}

// share does a round in so many goroutines.
func (k *ntxent[T]) share(gradient bool, round, blocks, count int) {
	var all sync.WaitGroup
	for w := range count {
		all.Go(func() { k.round(gradient, round, blocks, w, count) })
	}
	all.Wait()
}

// round does every count-th pair of a round, from the first on.
func (k *ntxent[T]) round(gradient bool, round, blocks, first, count int) {
	w := &k.workers[first]
	circle := blocks + blocks%2 - 1 // of those that move around; where blocks is odd nobody stands still
	if round == circle {
		for i := first; i < blocks; i += count {
			k.pair(w, gradient, i, i)
		}
		return
	}
	for p := first; p <= circle/2; p += count {
		i, j := (round+p)%circle, (round-p+circle)%circle
		if p == 0 {
			j = circle
		}
		if i, j = min(i, j), max(i, j); j < blocks {
			k.pair(w, gradient, i, j)
		}
	}
}

func (k *ntxent[T]) pair(w *ntxentWorker[T], gradient bool, i, j int) {
	if gradient {
		k.addGradient(w, i*ntxentSide, j*ntxentSide)
	} else {
		k.addSums(w, i*ntxentSide, j*ntxentSide)
	}
}

// cosines fills the worker's block with those of the rows from i and from j on, and returns it.
func (k *ntxent[T]) cosines(w *ntxentWorker[T], i, j int) matrix.Matrix[T] {
	rows, columns := min(ntxentSide, len(k.sum)-i), min(ntxentSide, len(k.sum)-j)
	block := matrix.Matrix[T]{Data: w.block[:], Rows: rows, Cols: columns, RowStride: ntxentSide, ColStride: 1}
	right := k.columns.Part(0, j, k.dim, columns)
	matrix.Mul(block, matrix.Of(k.unit[i*k.dim:], rows, k.dim), &right)
	return block
}

// addSums adds to sum and similar what the pairs of rows from i and from j on give.
func (k *ntxent[T]) addSums(w *ntxentWorker[T], i, j int) {
	block := k.cosines(w, i, j)
	columns, exp := k.sum[j:j+block.Cols], w.exp[:block.Cols]
	for a := range block.Rows {
		line := block.Data[a*ntxentSide:][:block.Cols]
		matrix.Exp(exp, line, k.sharpness, 1)
		if i == j {
			exp[a] = 0
		} else {
			matrix.AddScaled(columns, 1, exp)
		}
		k.sum[i+a] += matrix.Sum(exp)
		for b := k.firstOfImage(i+a, j); b < len(line); b += k.images {
			if j+b > i+a {
				k.similar[i+a] += float64(line[b])
			}
		}
	}
}

// firstOfImage returns how far after column j the first row of the image of row a lies; others follow at every
// images-th place.
func (k *ntxent[T]) firstOfImage(a, j int) int {
	return (a%k.images - j%k.images + k.images) % k.images
}

// addGradient adds to grad what the pairs of rows from i and from j on give: with P_ab = exp(..)/sum_a, row a gets
// scale * (P_ab + P_ba) unit_b for every other b, without pull where b is a positive.
func (k *ntxent[T]) addGradient(w *ntxentWorker[T], i, j int) {
	block := k.cosines(w, i, j)
	columns, exp := k.sum[j:j+block.Cols], w.exp[:block.Cols]
	for a := range block.Rows {
		line := block.Data[a*ntxentSide:][:block.Cols]
		matrix.Exp(exp, line, k.sharpness, 1)
		matrix.MulSum(line, exp, columns, k.sum[i+a])
		for b := k.firstOfImage(i+a, j); b < len(line); b += k.images {
			line[b] = T(exp[b]*(columns[b]+k.sum[i+a]) - k.pull)
		}
		if i == j {
			line[a] = 0
		}
	}
	k.addRows(block, i, j)
	if i != j {
		k.addRows(block.T(), j, i)
	}
}

// addRows adds block times the unit rows from j on to the gradient rows from i on.
func (k *ntxent[T]) addRows(block matrix.Matrix[T], i, j int) {
	right := k.rows.Part(j, 0, block.Cols, k.dim)
	matrix.AddMul(matrix.Of(k.grad[i*k.dim:], block.Rows, k.dim), block, &right)
}
