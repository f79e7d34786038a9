package eval

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"ordo/loss/matrix"
)

// Rows are compared in blocks of so many.
const (
	testBlock  = 64
	trainBlock = 128
)

// Rows are the outputs of a model for some images, and the images' labels.
type Rows struct {
	Data   []float32 // [len(Labels), Dim]
	Dim    int       // at least 1
	Labels []int
}

// KNN tells the class of each test row by the vote of its o.K nearest training rows (of all of them where there are
// fewer). Both have rows of the same length, and labels in [0, classes).
//
// Neighbours are those with the largest cosine; of equal ones the first rows are taken. Each votes with
// exp(cosine/T); of classes with equal votes the lowest wins. Cosines are float64; those that float32 tells are too
// small are not counted again, so that it is fast. The result depends neither on the number of processors nor on
// their kind. Memory is that of a few blocks per processor. Errors: shapes or labels that do not fit, no rows,
// options out of range, and rows that are not finite, a fault of kind Numeric.
func KNN(train, test Rows, classes int, o KNNOptions) (Classification, error) {
	if err := o.Validate(); err != nil {
		return Classification{}, fmt.Errorf("eval: knn: %w", err)
	}
	if train.Dim != test.Dim || train.Dim < 1 || classes < 1 {
		return Classification{}, fmt.Errorf("eval: knn: rows of %d and %d values and %d classes",
			train.Dim, test.Dim, classes)
	}
	if err := errors.Join(train.check("training", classes), test.check("test", classes)); err != nil {
		return Classification{}, err
	}
	k := knn{
		train: train, test: test, dim: train.Dim, classes: classes, k: min(o.K, len(train.Labels)),
		temperature:  o.Temperature,
		trainInverse: inverses(train.Data, train.Dim), testInverse: inverses(test.Data, test.Dim),
		margin: cosineError(train.Dim), predicted: make([]int, len(test.Labels)),
	}
	k.run()
	return Grade(k.predicted, test.Labels), nil
}

func (r Rows) check(what string, classes int) error {
	if len(r.Labels) == 0 {
		return fmt.Errorf("eval: knn: no %s rows", what)
	}
	if len(r.Data) != len(r.Labels)*r.Dim {
		return fmt.Errorf("eval: knn: %d %s labels and rows of %d values need %d values, got %d",
			len(r.Labels), what, r.Dim, len(r.Labels)*r.Dim, len(r.Data))
	}
	for i, l := range r.Labels {
		if l < 0 || l >= classes {
			return fmt.Errorf("eval: knn: %s row %d has label %d, which is not in [0, %d)", what, i, l, classes)
		}
	}
	for i, x := range r.Data {
		if !(math.Abs(float64(x)) <= math.MaxFloat32) { // also true for NaN
			return nonFinite(what+" row", i/r.Dim)
		}
	}
	return nil
}

// inverses returns one over the norm of every row, 0 where that counts as zero.
func inverses(rows []float32, dim int) []float64 {
	inverse := make([]float64, len(rows)/dim)
	for i := range inverse {
		row := rows[i*dim:][:dim]
		if norm := math.Sqrt(product(row, row)); norm >= normEps {
			inverse[i] = 1 / norm
		}
	}
	return inverse
}

// product returns the sum of a[i]*b[i]. Its products are exact, so that it is the same on every kind of processor.
func product(a, b []float32) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64 // sums that do not wait for one another
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i]) * float64(b[i])
		s1 += float64(a[i+1]) * float64(b[i+1])
		s2 += float64(a[i+2]) * float64(b[i+2])
		s3 += float64(a[i+3]) * float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// cosineError bounds the error of a cosine by float32: that of package matrix, and what rounding the unit row, the
// other's norm and their product adds.
func cosineError(dim int) float64 {
	return float64(min(dim, 256)+dim/256+8) * 0x1p-24
}

type knn struct {
	train, test               Rows
	trainInverse, testInverse []float64 // one over the norms
	dim, classes, k           int
	temperature               float64
	margin                    float64 // error of a cosine by float32
	predicted                 []int   // classes of the test rows
}

// run classifies the test rows.
func (k *knn) run() {
	blocks := (len(k.test.Labels) + testBlock - 1) / testBlock
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		workers.Go(func() {
			w := newWorker(k)
			for {
				b := int(next.Add(1)) - 1
				if b >= blocks {
					return
				}
				w.block(b * testBlock)
			}
		})
	}
	workers.Wait()
}

// worker holds one goroutine's buffers.
type worker struct {
	*knn
	unit     []float32 // [testBlock, dim] normalised test rows
	right    matrix.Packed[float32]
	products []float32          // [trainBlock, testBlock] of training rows and unit test rows
	nearest  [testBlock]nearest // so far, of every test row
	limit    [testBlock]float32 // a training row whose cosine by float32 is below this is none of the nearest
	votes    []float64          // [classes]
}

func newWorker(k *knn) *worker {
	w := &worker{knn: k, unit: make([]float32, testBlock*k.dim), products: make([]float32, trainBlock*testBlock)}
	for i := range w.nearest {
		w.nearest[i] = make(nearest, 0, k.k)
	}
	w.votes = make([]float64, k.classes)
	return w
}

// block classifies the block of test rows from first on.
func (w *worker) block(first int) {
	rows := min(testBlock, len(w.test.Labels)-first)
	for i := range rows {
		w.nearest[i] = w.nearest[i][:0]
		w.limit[i] = float32(math.Inf(-1))
		for p, x := range w.test.Data[(first+i)*w.dim:][:w.dim] {
			w.unit[i*w.dim+p] = float32(float64(x) * w.testInverse[first+i])
		}
	}
	w.right.Pack(matrix.Of(w.unit, rows, w.dim).T())
	for j := 0; j < len(w.train.Labels); j += trainBlock {
		count := min(trainBlock, len(w.train.Labels)-j)
		matrix.Mul(matrix.Of(w.products, count, rows), matrix.Of(w.train.Data[j*w.dim:], count, w.dim), &w.right)
		for c := range count {
			w.look(first, j+c, w.products[c*rows:][:rows])
		}
	}
	for i := range rows {
		w.predicted[first+i] = w.vote(w.nearest[i])
	}
}

// look adds a training row to the nearest ones of those test rows from first on that it may be near to, by its products
// with their unit rows.
func (w *worker) look(first, row int, products []float32) {
	inverse := float32(w.trainInverse[row])
	if w.trainInverse[row] < 1e-30 {
		inverse = float32(math.NaN()) // zero, or so large that the products may have overflowed: look in any case
	}
	for i, x := range products {
		if x*inverse < w.limit[i] {
			continue
		}
		w.add(first+i, row, i)
	}
}

// add adds a training row to the nearest ones of a test row, the i-th of the block, if it is one of them.
func (w *worker) add(test, row, i int) {
	x, y := w.test.Data[test*w.dim:][:w.dim], w.train.Data[row*w.dim:][:w.dim]
	cosine := product(x, y) * (w.testInverse[test] * w.trainInverse[row])
	w.nearest[i].add(neighbour{cosine, row}, w.k)
	if len(w.nearest[i]) == w.k {
		w.limit[i] = float32(w.nearest[i][0].cosine - w.margin)
	}
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
		w.votes[w.train.Labels[x.row]] += math.Exp((x.cosine - n[0].cosine) / w.temperature)
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
