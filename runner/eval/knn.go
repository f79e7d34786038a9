package eval

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// blockRows is the side of the blocks in which rows are compared, a multiple of the kernel's tile.
const blockRows = 32

// KNN returns the share of test rows whose label wins the vote of their o.K nearest training rows (of all of them where
// there are fewer). train and test are [len(labels), dim], labels are in [0, classes).
//
// Neighbours are those with the largest cosine; of equal ones the first rows are taken. Each votes with exp(cosine/T);
// of classes with equal votes the lowest wins. The result does not depend on the number of processors. Memory is that of
// a few blocks per processor. Errors: shapes or labels that do not fit, no rows, options out of range, and rows that are
// not finite (ErrNonFinite).
func KNN(train []float32, trainLabels []int, test []float32, testLabels []int, dim, classes int, o KNNOptions) (top1 float64, err error) {
	if err := o.Validate(); err != nil {
		return 0, fmt.Errorf("eval: knn: %w", err)
	}
	if dim < 1 || classes < 1 {
		return 0, fmt.Errorf("eval: knn: rows of %d values and %d classes", dim, classes)
	}
	if err := errors.Join(checkRows("training", train, trainLabels, dim, classes),
		checkRows("test", test, testLabels, dim, classes)); err != nil {
		return 0, err
	}
	k := knn{
		train: train, trainLabels: trainLabels, test: test, testLabels: testLabels,
		dim: dim, classes: classes, k: min(o.K, len(trainLabels)), temperature: o.Temperature,
	}
	return float64(k.run()) / float64(len(testLabels)), nil
}

func checkRows(what string, rows []float32, labels []int, dim, classes int) error {
	if len(labels) == 0 {
		return fmt.Errorf("eval: knn: no %s rows", what)
	}
	if len(rows) != len(labels)*dim {
		return fmt.Errorf("eval: knn: %d %s labels and rows of %d values need %d values, got %d",
			len(labels), what, dim, len(labels)*dim, len(rows))
	}
	for i, l := range labels {
		if l < 0 || l >= classes {
			return fmt.Errorf("eval: knn: %s row %d has label %d, which is not in [0, %d)", what, i, l, classes)
		}
	}
	for i, x := range rows {
		if !(math.Abs(float64(x)) <= math.MaxFloat32) { // also true for NaN
			return nonFinite("knn: "+what+" row", i/dim)
		}
	}
	return nil
}

type knn struct {
	train, test             []float32
	trainLabels, testLabels []int
	dim, classes, k         int
	temperature             float64
}

// run counts the test rows that are classified right.
func (k *knn) run() int {
	blocks := (len(k.testLabels) + blockRows - 1) / blockRows
	var next, right atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		workers.Go(func() {
			w := newWorker(k)
			for {
				b := int(next.Add(1)) - 1
				if b >= blocks {
					return
				}
				right.Add(int64(w.block(b * blockRows)))
			}
		})
	}
	workers.Wait()
	return int(right.Load())
}

// worker holds one goroutine's buffers.
type worker struct {
	*knn
	a, b    []float64 // [blockRows, dim] normalised test and training rows
	cosines [blockRows * blockRows]float64
	nearest [blockRows]nearest
	votes   []float64 // [classes]
}

func newWorker(k *knn) *worker {
	w := &worker{knn: k, a: make([]float64, blockRows*k.dim), b: make([]float64, blockRows*k.dim)}
	for i := range w.nearest {
		w.nearest[i] = make(nearest, 0, k.k)
	}
	w.votes = make([]float64, k.classes)
	return w
}

// block classifies the block of test rows from first on and counts those that are right.
func (w *worker) block(first int) int {
	rows := w.load(w.a, w.test, first, len(w.testLabels))
	for i := range rows {
		w.nearest[i] = w.nearest[i][:0]
	}
	for j := 0; j < len(w.trainLabels); j += blockRows {
		columns := w.load(w.b, w.train, j, len(w.trainLabels))
		products(w.cosines[:], w.a, w.b, w.dim)
		for i := range rows {
			for c, cosine := range w.cosines[i*blockRows:][:columns] {
				w.nearest[i].add(neighbour{cosine, j + c}, w.k)
			}
		}
	}
	right := 0
	for i := range rows {
		if w.vote(w.nearest[i]) == w.testLabels[first+i] {
			right++
		}
	}
	return right
}

// load normalises a block of the rows from first on; rows that the block has beyond the total keep old values.
func (w *worker) load(dst []float64, rows []float32, first, total int) int {
	n := min(blockRows, total-first)
	for i := range n {
		normalize(dst[i*w.dim:][:w.dim], rows[(first+i)*w.dim:][:w.dim])
	}
	return n
}

// vote returns the class with the largest sum of weights.
func (w *worker) vote(n nearest) int {
	slices.SortFunc(n, func(a, b neighbour) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	clear(w.votes)
	for _, x := range n {
		// Relative to the nearest, so that no temperature overflows.
		w.votes[w.trainLabels[x.row]] += math.Exp((x.cosine - n[0].cosine) / w.temperature)
	}
	best := 0
	for c, v := range w.votes {
		if v > w.votes[best] {
			best = c
		}
	}
	return best
}

type neighbour struct {
	cosine float64
	row    int
}

// before orders neighbours by falling cosine, equal ones by row.
func (n neighbour) before(m neighbour) bool {
	return n.cosine > m.cosine || n.cosine == m.cosine && n.row < m.row
}

// nearest is a heap of the best neighbours so far, the worst of them on top.
type nearest []neighbour

// add keeps the best k of what was added.
func (h *nearest) add(n neighbour, k int) {
	if len(*h) < k {
		*h = append(*h, n)
		s := *h
		for i := len(s) - 1; i > 0; {
			parent := (i - 1) / 2
			if !s[parent].before(s[i]) {
				return
			}
			s[parent], s[i] = s[i], s[parent]
			i = parent
		}
		return
	}
	s := *h
	if !n.before(s[0]) {
		return
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child].before(s[child+1]) {
			child++
		}
		if !n.before(s[child]) {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = n
}

// products writes the [blockRows, blockRows] products of the rows of a and b, each [blockRows, dim], in tiles of 4 x 2
// sums, which is what 16 registers hold. Every product is summed in the same order.
func products(dst, a, b []float64, dim int) {
	for i := 0; i < blockRows; i += 4 {
		a0 := a[i*dim:][:dim]
		a1 := a[(i+1)*dim:][:dim]
		a2 := a[(i+2)*dim:][:dim]
		a3 := a[(i+3)*dim:][:dim]
		for j := 0; j < blockRows; j += 2 {
			b0 := b[j*dim:][:dim]
			b1 := b[(j+1)*dim:][:dim]
			var s00, s01, s10, s11, s20, s21, s30, s31 float64
			for p, y0 := range b0 {
				y1 := b1[p]
				x0, x1, x2, x3 := a0[p], a1[p], a2[p], a3[p]
				s00 += x0 * y0
				s01 += x0 * y1
				s10 += x1 * y0
				s11 += x1 * y1
				s20 += x2 * y0
				s21 += x2 * y1
				s30 += x3 * y0
				s31 += x3 * y1
			}
			d := dst[i*blockRows+j:]
			d[0], d[1] = s00, s01
			d[blockRows], d[blockRows+1] = s10, s11
			d[2*blockRows], d[2*blockRows+1] = s20, s21
			d[3*blockRows], d[3*blockRows+1] = s30, s31
		}
	}
}
