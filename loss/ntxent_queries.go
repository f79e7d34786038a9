package loss

import (
	"math"
	"runtime"
	"sync"

	"ordo/loss/matrix"
)

// ntxentQueries holds the buffers of ntxent.query, for M keys.
type ntxentQueries[T float] struct {
	workers []queryWorker[T]
	values  []float64 // [blocks]
}

// queryWorker holds what one goroutine needs.
type queryWorker[T float] struct {
	row     []float64 // [D] one normalised row, then the gradient by it
	unit    []float64 // [ntxentSide, D] normalised rows
	inverse []float64 // [ntxentSide] one over their norms
	centred []T       // [ntxentSide, D] the rows without the keys' mean
	half    []float64 // [ntxentSide] as ntxent.half
	cosines []T       // [ntxentSide, M] cosine-1, then the gradient by them
	exp     []float64 // [M]
	grad    []T       // [ntxentSide, D] by the normalised rows
}

// query returns the loss of the rows of views that look for their image among the rows of the batch's base views, and
// adds its gradient to these views' rows; it comes after runNTXent on the same batch, whose rows are the keys. A row's
// coefficients over the keys sum to 0, so that the keys' mean, which they are taken relative to, adds nothing.
//
// The result does not depend on the number of processors: each block of rows is done by itself.
func (k *ntxent[T]) query(q *ntxentQueries[T], b batch[T], views []int, temperature float64) float64 {
	perView := (b.images + ntxentSide - 1) / ntxentSide
	q.values = sized(q.values, perView*len(views))
	count := max(1, min(runtime.GOMAXPROCS(0), len(q.values)))
	if len(q.workers) < count {
		q.workers = make([]queryWorker[T], count)
	}
	if count == 1 {
		k.queryBlocks(q, b, views, temperature, 0, 1)
	} else {
		var all sync.WaitGroup
		for w := range count {
			all.Go(func() { k.queryBlocks(q, b, views, temperature, w, count) })
		}
		all.Wait()
	}
	var value float64
	for _, v := range q.values {
		value += v
	}
	return value
}

// queryBlocks does every count-th block, from the first on, and sets its value.
func (k *ntxent[T]) queryBlocks(q *ntxentQueries[T], b batch[T], views []int, temperature float64, first, count int) {
	scale := 1 / float64(len(views)*b.images)
	perView := len(q.values) / len(views)
	for i := first; i < len(q.values); i += count {
		row := i % perView * ntxentSide
		q.values[i] = scale * k.queryBlock(&q.workers[first], b, views[i/perView], row, temperature, scale/temperature)
	}
}

// queryBlock does the rows of at most ntxentSide images of a view, from the first on, and returns the sum of their
// losses. pull is what a coefficient of 1 is in the gradient.
func (k *ntxent[T]) queryBlock(w *queryWorker[T], b batch[T], view, first int, temperature, pull float64) float64 {
	dim, keys, rows := b.dim, len(b.base)*b.images, min(ntxentSide, b.images-first)
	w.load(k, b, view, first, rows)
	block := matrix.Matrix[T]{Data: sized(w.cosines, rows*keys), Rows: rows, Cols: keys, RowStride: keys, ColStride: 1}
	w.cosines, w.exp = block.Data, sized(w.exp, keys)
	matrix.Mul(block, matrix.Of(w.centred, rows, dim), &k.columns)
	sharpness, positives := 1/temperature, float64(len(b.base))
	var value float64
	for a := range rows {
		line := block.Data[a*keys:][:keys]
		matrix.AddScaled(line, 1, k.half)
		matrix.Exp(w.exp, line, sharpness, -w.half[a])
		sum := matrix.Sum(w.exp)
		value += math.Log(sum)
		for key := first + a; key < keys; key += b.images {
			value -= (float64(line[key]) + w.half[a]) * sharpness / positives
		}
		for key, e := range w.exp {
			line[key] = T(e / sum * pull)
		}
		for key := first + a; key < keys; key += b.images {
			line[key] = T((w.exp[key]/sum - 1/positives) * pull)
		}
	}
	if b.grad == nil {
		return value
	}
	w.grad = sized(w.grad, rows*dim)
	matrix.Mul(matrix.Of(w.grad, rows, dim), block, &k.rows)
	w.row = sized(w.row, dim)
	for a := range rows {
		for p, x := range w.grad[a*dim:][:dim] {
			w.row[p] = float64(x)
		}
		at := b.at(view, first+a)
		addNormalizeGrad(b.grad[at:at+dim], w.row, w.unit[a*dim:][:dim], w.inverse[a], b.weight)
	}
	return value
}

// load normalises the rows and takes the keys' mean off them.
func (w *queryWorker[T]) load(k *ntxent[T], b batch[T], view, first, rows int) {
	dim := b.dim
	w.unit, w.centred = sized(w.unit, rows*dim), sized(w.centred, rows*dim)
	w.inverse, w.half = sized(w.inverse, rows), sized(w.half, rows)
	rest := (1 + matrix.Dot(k.mean, k.mean)) / 2
	for a := range rows {
		unit := w.unit[a*dim:][:dim]
		w.inverse[a] = normalize(unit, b.data[b.at(view, first+a):][:dim], normalizeEps)
		for p, x := range unit {
			w.centred[a*dim+p] = T(x - k.mean[p])
		}
		w.half[a] = matrix.Dot(unit, k.mean) - rest
	}
}
