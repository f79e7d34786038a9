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
	base    []int // the views that are compared
	asking  []int // those that look for their image among them
	kernels ntxentKernels[float32]
}

// ntxentKernels hold the buffers of a term.
type ntxentKernels[T float] struct {
	compared ntxent[T]
	queries  ntxentQueries[T]
	columns  standardColumns[T]
}

func newNTXent(o InvarianceOptions) term { return &ntxentTerm{options: o} }

func (t *ntxentTerm) needs(to []Need, v Views) ([]Need, error) {
	return t.options.comparedNeeds(to, v, t.options.outputNeed())
}

func (t *ntxentTerm) check(Views, []Output) error { return nil }

func (t *ntxentTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = t.options.appendCompared(t.base[:0], v)
	t.asking = t.options.appendQueries(t.asking[:0], v)
	value := t.kernels.run(newBatch(outs[0], v, t.base, weight), v, t.asking, t.options)
	d = append(d, Diagnostic{"positive_similarity", t.kernels.compared.positive})
	if v.Images > 1 {
		d = append(d, Diagnostic{"negative_similarity", t.kernels.compared.negative})
	}
	return value, d
}

// run returns the loss over the batch's base views and the asking views, and adds its gradient.
func (k *ntxentKernels[T]) run(b batch[T], v Views, asking []int, o InvarianceOptions) float64 {
	rows := b
	if o.Standardise {
		rows = k.columns.forward(b, v)
	}
	share := float64(len(b.base)) / (float64(len(b.base)) + o.QueryWeight*float64(len(asking)))
	rows.weight = b.weight * share
	value := share * runNTXent(&k.compared, rows, o.Temperature)
	if len(asking) > 0 {
		rows.weight = b.weight * (1 - share)
		value += (1 - share) * k.compared.query(&k.queries, rows, asking, o.Temperature)
	}
	if o.Standardise {
		k.columns.backward(b)
	}
	return value
}

// ntxentSide is the side of the blocks of the similarity matrix: with their rows they fit into a second-level cache.
const ntxentSide = 128

// ntxent holds the buffers of runNTXent, for rows of M = views*images.
type ntxent[T float] struct {
	inverse  []float64        // [M] one over the norms of the rows
	mean     []float64        // [D] of the normalised rows
	centred  []T              // [M, D] the normalised rows without their mean
	half     []T              // [M] what each of two rows adds to their cosine-1, beside the product of the centred rows
	columns  matrix.Packed[T] // [D, M] centred as right factor of the cosines
	rows     matrix.Packed[T] // [M, D] centred as right factor of the gradient
	sum      []float64        // [M] sum of exp((cosine-1)/temperature) over all other rows; then scale over it
	similar  []float64        // [M] sum of cosine-1 with the positives that come later
	grad     []T              // [M, D] gradient by the normalised rows, that by the mean left out
	gradMean []float64        // [M] what is left out, as a multiple of the mean
	row, g   []float64        // [D] one row, the gradient by it
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

// runNTXent returns the loss over the batch's base views, of which it needs two, and adds its gradient.
//
// It goes twice over the upper triangle of the similarity matrix, block by block: first for the sums of the softmax,
// then, computing the similarities again, for the gradient. So its memory is O(M·D) and no M x M matrix ever exists.
// Both passes take exp((cosine-1)/temperature), in the range of float64, as a cosine may be far below all others of its
// row: it is at most 1, or by rounding a little more, so that this needs no search for a maximum.
//
// The two products are of type T, all else is float64. Their rows are taken relative to the mean of all rows, so that
// float32 does for rows that are nearly equal, too, whose gradient is made of small differences: with u = d + mean,
//
//	cos(a, b) - 1 = d_a·d_b + half_a + half_b,  half_a = u_a·mean - (1 + |mean|²)/2
//
// The result does not depend on the number of processors.
func runNTXent[T float](k *ntxent[T], b batch[T], temperature float64) float64 {
	views := len(b.base)
	m := views * b.images
	k.images, k.dim = b.images, b.dim
	k.sharpness, k.scale = 1/temperature, 1/(float64(m)*temperature)
	k.pull = 2 * k.scale / float64(views-1)
	all := k.load(b)

	k.sum, k.similar = grow(k.sum, m), grow(k.similar, m)
	k.pairs(false)
	var value, similar float64
	for i, s := range k.sum {
		value += math.Log(s)
		similar += k.similar[i]
		k.sum[i] = k.scale / s
	}
	pairs := float64(m*(views-1)) / 2 // of positives; m*(m-1)/2 of all
	value = value/float64(m) - similar/pairs/temperature
	k.positive = 1 + similar/pairs
	if b.images > 1 {
		k.negative = (all - pairs - similar) / (float64(m)*float64(m-1)/2 - pairs)
	}

	k.grad, k.gradMean = sized(k.grad, m*b.dim), sized(k.gradMean, m)
	clear(k.grad)
	for i := range k.gradMean {
		k.gradMean[i] = -k.scale // of a row's own softmax, and of its positives; pairs adds the others'
	}
	k.pairs(true)
	k.g = sized(k.g, b.dim)
	for i, v := range b.base {
		for n := range b.images {
			row, at := i*b.images+n, b.at(v, n)
			for p, x := range k.grad[row*b.dim:][:b.dim] {
				k.row[p] = float64(b.data[at+p]) * k.inverse[row]
				k.g[p] = float64(x) + k.gradMean[row]*k.mean[p]
			}
			addNormalizeGrad(b.grad[at:at+b.dim], k.g, k.row, k.inverse[row], b.weight)
		}
	}
	return value
}

// load fills inverse, mean, centred, half and the packed factors, and returns the sum of the cosines of all pairs of
// rows: half of the squared length of their sum, without the squared length of each.
func (k *ntxent[T]) load(b batch[T]) float64 {
	dim, m := b.dim, len(b.base)*b.images
	k.inverse, k.half, k.centred = sized(k.inverse, m), sized(k.half, m), sized(k.centred, m*dim)
	k.row, k.mean = sized(k.row, dim), grow(k.mean, dim)
	var squares float64
	for i, v := range b.base {
		for n := range b.images {
			k.inverse[i*b.images+n] = normalize(k.row, b.data[b.at(v, n):][:dim], normalizeEps)
			squares += matrix.Dot(k.row, k.row) // 1, or 0
			matrix.AddScaled(k.mean, 1, k.row)
		}
	}
	all := (matrix.Dot(k.mean, k.mean) - squares) / 2
	for p := range k.mean {
		k.mean[p] /= float64(m)
	}
	rest := (1 + matrix.Dot(k.mean, k.mean)) / 2
	for i, v := range b.base {
		for n := range b.images {
			row := i*b.images + n
			centred := k.centred[row*dim:][:dim]
			for p, x := range b.data[b.at(v, n):][:dim] {
				k.row[p] = float64(x) * k.inverse[row]
				centred[p] = T(k.row[p] - k.mean[p])
			}
			k.half[row] = T(matrix.Dot(k.row, k.mean) - rest)
		}
	}
	centred := matrix.Of(k.centred, m, dim)
	k.columns.Pack(centred.T())
	k.rows.Pack(centred)
	return all
}

// pairs goes over every pair of blocks, for the sums or for the gradient. Pairs that run at the same time have no block
// in common, and a block meets the others always in the same order: so the result has the same bits for any number of
// goroutines. The rounds are a tournament in which each block meets each other one (the circle method: one stands still
// while the others move around), and one round in which every block meets itself.
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

// share does a round in count goroutines.
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
	circle := blocks + blocks%2 - 1 // blocks that move around; where their number is odd none stands still
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

// exponents fills the worker's block with cosine-1 of the rows from i and from j on, without half of the former.
func (k *ntxent[T]) exponents(w *ntxentWorker[T], i, j int) matrix.Matrix[T] {
	rows, columns := min(ntxentSide, len(k.sum)-i), min(ntxentSide, len(k.sum)-j)
	block := matrix.Matrix[T]{Data: w.block[:], Rows: rows, Cols: columns, RowStride: ntxentSide, ColStride: 1}
	right := k.columns.Part(0, j, k.dim, columns)
	matrix.Mul(block, matrix.Of(k.centred[i*k.dim:], rows, k.dim), &right)
	for a := range rows {
		matrix.AddScaled(block.Data[a*ntxentSide:][:columns], 1, k.half[j:j+columns])
	}
	return block
}

// addSums adds to sum and similar what the pairs of rows from i and from j on give.
func (k *ntxent[T]) addSums(w *ntxentWorker[T], i, j int) {
	block := k.exponents(w, i, j)
	columns, exp := k.sum[j:j+block.Cols], w.exp[:block.Cols]
	for a := range block.Rows {
		line, half := block.Data[a*ntxentSide:][:block.Cols], float64(k.half[i+a])
		matrix.Exp(exp, line, k.sharpness, -half)
		if i == j {
			exp[a] = 0
		} else {
			matrix.AddScaled(columns, 1, exp)
		}
		k.sum[i+a] += matrix.Sum(exp)
		for b := k.firstOfImage(i+a, j); b < len(line); b += k.images {
			if j+b > i+a {
				k.similar[i+a] += float64(line[b]) + half
			}
		}
	}
}

// firstOfImage returns how far after column j the first row of the image of row a lies; others follow at every
// images-th place.
func (k *ntxent[T]) firstOfImage(a, j int) int {
	return (a%k.images - j%k.images + k.images) % k.images
}

// addGradient adds to grad and gradMean what the pairs of rows from i and from j on give: with P_ab = exp(..)/sum_a,
// row a gets scale * (P_ab + P_ba) for every other row b, without pull where that is a positive.
func (k *ntxent[T]) addGradient(w *ntxentWorker[T], i, j int) {
	block := k.exponents(w, i, j)
	columns, exp := k.sum[j:j+block.Cols], w.exp[:block.Cols]
	for a := range block.Rows {
		line, own := block.Data[a*ntxentSide:][:block.Cols], k.sum[i+a]
		matrix.Exp(exp, line, k.sharpness, -float64(k.half[i+a]))
		if i == j {
			exp[a] = 0
		} else {
			matrix.AddScaled(k.gradMean[j:j+block.Cols], own, exp)
		}
		k.gradMean[i+a] += matrix.Dot(exp, columns)
		matrix.MulSum(line, exp, columns, own)
		for b := k.firstOfImage(i+a, j); b < len(line); b += k.images {
			if j+b != i+a {
				line[b] = T(exp[b]*(columns[b]+own) - k.pull)
			}
		}
	}
	k.addRows(block, i, j)
	if i != j {
		k.addRows(block.T(), j, i)
	}
}

// addRows adds block times the centred rows from j on to the gradient of the rows from i on.
func (k *ntxent[T]) addRows(block matrix.Matrix[T], i, j int) {
	right := k.rows.Part(j, 0, block.Cols, k.dim)
	matrix.AddMul(matrix.Of(k.grad[i*k.dim:], block.Rows, k.dim), block, &right)
}
