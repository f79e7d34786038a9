package loss

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"sync"

	"ordo/loss/matrix"
)

// mocoTerm is MoCo over the base views: it remembers keys of former batches.
type mocoTerm struct {
	options InvarianceOptions
	base    []int // the views that are compared
	kernel  moco[float32]
	queue   queue
}

func newMoCo(o InvarianceOptions) term { return &mocoTerm{options: o} }

func (t *mocoTerm) needs(to []Need, v Views) ([]Need, error) {
	return t.options.comparedNeeds(to, v, outputNeed(OutputEmbedding), Need{Output: outputTarget, Kind: NeedTarget})
}

func (t *mocoTerm) check(_ Views, outs []Output) error { return sameDim(KindMoCo, outs[0], outs[1]) }

func (t *mocoTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = t.options.appendCompared(t.base[:0], v)
	t.queue.size = t.options.Queue
	k, out := &t.kernel, outs[0]
	t.queue.reset(out.Dim)
	value := runMoCo(k, newBatch(out, v, t.base, weight), outs[1].Data, t.queue.keys, t.options.Temperature)
	d = append(d, Diagnostic{"positive_similarity", k.positive})
	if len(t.queue.keys) > 0 {
		d = append(d, Diagnostic{"negative_similarity", k.negative})
	}
	d = append(d, Diagnostic{"queue", float64(len(t.queue.keys) / out.Dim)})
	for at := 0; at < len(k.key); at += out.Dim {
		t.queue.push(k.key[at : at+out.Dim])
	}
	return value, d
}

func (t *mocoTerm) appendState(to []byte) []byte { return t.queue.append(to) }

func (t *mocoTerm) setState(from []byte) error {
	t.queue.size = t.options.Queue
	return t.queue.set(from)
}

// queue holds the newest keys in a ring.
type queue struct {
	size int // of keys, at most
	dim  int
	next int       // where the next key goes
	keys []float32 // [at most size, dim] unit rows
}

// reset empties a queue of keys of another length.
func (q *queue) reset(dim int) {
	if q.dim != dim {
		q.dim, q.next, q.keys = dim, 0, make([]float32, 0, q.size*dim)
	}
}

// push puts a key in the place of the oldest one if the queue is full.
func (q *queue) push(key []float64) {
	at := q.next * q.dim
	if at == len(q.keys) {
		q.keys = q.keys[:at+q.dim]
	}
	for i, x := range key {
		q.keys[at+i] = float32(x)
	}
	q.next = (q.next + 1) % q.size
}

// append writes dim, next, the number of keys, each as 4 bytes, and the keys as float32, all little-endian.
func (q *queue) append(to []byte) []byte {
	count := 0
	if q.dim > 0 {
		count = len(q.keys) / q.dim
	}
	for _, n := range []int{q.dim, q.next, count} {
		to = binary.LittleEndian.AppendUint32(to, uint32(n))
	}
	for _, x := range q.keys {
		to = binary.LittleEndian.AppendUint32(to, math.Float32bits(x))
	}
	return to
}

func (q *queue) set(from []byte) error {
	const header = 12
	if len(from) < header {
		return fmt.Errorf("%w: a queue of %d bytes", errState, len(from))
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(from[4*i:]) }
	dim, next, count := word(0), word(1), word(2)
	full := uint64(count) == uint64(q.size)
	switch {
	case uint64(len(from)-header) != 4*uint64(dim)*uint64(count) || dim == 0 && count > 0 || uint64(dim) > math.MaxInt32:
		return fmt.Errorf("%w: a queue of %d keys with %d values is said to be in %d bytes",
			errState, count, dim, len(from)-header)
	case uint64(count) > uint64(q.size) || uint64(next) >= uint64(q.size) || !full && next != count:
		return fmt.Errorf("%w: a queue of %d keys, the next at %d, doesn't fit one of %d", errState, count, next, q.size)
	}
	keys := make([]float32, 0, count*dim)
	for at := header; at < len(from); at += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(from[at:]))
		if !finite(x) {
			return fmt.Errorf("%w: a key of the queue holds %g", errState, x)
		}
		keys = append(keys, x)
	}
	q.dim, q.next = int(dim), int(next)
	q.keys = append(make([]float32, 0, q.size*q.dim), keys...)
	return nil
}

// mocoRows queries meet the queue at once.
const mocoRows = 64

// moco holds the buffers of runMoCo.
type moco[T float] struct {
	unit    []T              // [B*N, D] normalised queries
	key     []float64        // [B*N, D] normalised keys
	inverse []float64        // [B*N] one over the queries' norms
	queue   []T              // [K, D]
	columns matrix.Packed[T] // [D, K] of the queue
	rows    matrix.Packed[T] // [K, D] of the queue
	results []mocoResult     // by block of rows
	workers []mocoWorker[T]

	temperature float64

	positive float64 // mean cosine of a query and its key
	negative float64 // mean cosine of a query and a key of the queue
}

// mocoResult holds sums over the queries of a block.
type mocoResult struct{ value, positive, negative float64 }

// mocoWorker holds what one goroutine needs.
type mocoWorker[T float] struct {
	cosine []T       // [mocoRows, K], then the gradient by it
	pull   []T       // [mocoRows, D] gradient by the queries
	exp    []float64 // [K]
	unit   []float64 // [D] one query
	g      []float64 // [D] the gradient by it
}

// runMoCo returns the loss over the batch's base views, of which it needs two, and adds its gradient. keys, the
// averaged network's, are like the batch's rows; queue holds whole unit rows.
//
// As in runNTXent, exp((cosine-1)/temperature), counted in float64, needs no search for a maximum, the two products are
// of type T, and the result doesn't depend on the number of processors.
func runMoCo[T, K float](k *moco[T], b batch[T], keys []T, queue []K, temperature float64) float64 {
	dim, m := b.dim, len(b.base)*b.images
	k.temperature = temperature
	k.unit, k.key, k.inverse = sized(k.unit, m*dim), grow(k.key, m*dim), grow(k.inverse, m)
	if len(k.workers) == 0 {
		k.workers = make([]mocoWorker[T], 1)
	}
	k.workers[0].unit = sized(k.workers[0].unit, dim)
	for i, v := range b.base {
		for n := range b.images {
			row, at := i*b.images+n, b.at(v, n)
			k.inverse[row] = normalize(k.workers[0].unit, b.data[at:at+dim], normalizeEps)
			for p, x := range k.workers[0].unit {
				k.unit[row*dim+p] = T(x)
			}
			normalize(k.key[row*dim:][:dim], keys[at:at+dim], normalizeEps)
		}
	}
	k.queue = sized(k.queue, len(queue))
	for i, x := range queue {
		k.queue[i] = T(x)
	}
	negatives := matrix.Of(k.queue, len(queue)/dim, dim)
	k.columns.Pack(negatives.T())
	k.rows.Pack(negatives)

	blocks := (m + mocoRows - 1) / mocoRows
	k.results = sized(k.results, blocks)
	if count := min(runtime.GOMAXPROCS(0), blocks); count == 1 {
		k.blocks(b, 0, 1)
	} else {
		k.share(b, count)
	}
	var sum mocoResult
	for _, r := range k.results {
		sum.value += r.value
		sum.positive += r.positive
		sum.negative += r.negative
	}
	pairs := float64(m * (len(b.base) - 1))
	k.positive = sum.positive / pairs
	k.negative = sum.negative / math.Max(1, float64(m*negatives.Rows))
	return sum.value / pairs
}

// share does all blocks in count goroutines.
func (k *moco[T]) share(b batch[T], count int) {
	for len(k.workers) < count {
		k.workers = append(k.workers, mocoWorker[T]{})
	}
	var all sync.WaitGroup
	for w := range count {
		all.Go(func() { k.blocks(b, w, count) })
	}
	all.Wait()
}

// blocks does every count-th block, from the first on.
func (k *moco[T]) blocks(b batch[T], first, count int) {
	w := &k.workers[first]
	size := len(k.queue) / b.dim
	w.cosine, w.pull = sized(w.cosine, mocoRows*size), sized(w.pull, mocoRows*b.dim)
	w.exp, w.unit, w.g = sized(w.exp, size), sized(w.unit, b.dim), sized(w.g, b.dim)
	for i := first; i < len(k.results); i += count {
		k.results[i] = k.block(w, b, i*mocoRows)
	}
}

// block does the rows from the first on.
func (k *moco[T]) block(w *mocoWorker[T], b batch[T], first int) (sum mocoResult) {
	dim, size := b.dim, len(k.queue)/b.dim
	m, views := len(k.inverse), len(b.base)
	rows := min(mocoRows, m-first)
	cosine, pull := matrix.Of(w.cosine, rows, size), matrix.Of(w.pull, rows, dim)
	matrix.Mul(cosine, matrix.Of(k.unit[first*dim:], rows, dim), &k.columns)
	for r := range rows {
		row := first + r
		for p, x := range k.unit[row*dim:][:dim] {
			w.unit[p] = float64(x)
		}
		line := w.cosine[r*size:][:size]
		sum.negative += matrix.Sum(line)
		matrix.Exp(w.exp, line, 1/k.temperature, 1)
		others := matrix.Sum(w.exp)
		clear(w.g)
		var share float64 // of the negatives in the softmax, by others and summed over the keys
		for at := row % b.images; at < m; at += b.images {
			if at == row {
				continue
			}
			key := k.key[at*dim:][:dim]
			c := dot(w.unit, key)
			own := math.Exp((c - 1) / k.temperature)
			sum.positive += c
			sum.value += math.Log1p(others / own)
			matrix.AddScaled(w.g, -others/(own+others), key)
			share += 1 / (own + others)
		}
		for j, e := range w.exp {
			line[j] = T(e * share)
		}
		for p, x := range w.g {
			w.pull[r*dim+p] = T(x)
		}
	}
	matrix.AddMul(pull, cosine, &k.rows)
	scale := b.weight / (float64(m*(views-1)) * k.temperature)
	for r := range rows {
		row := first + r
		at := b.at(b.base[row/b.images], row%b.images)
		for p, x := range k.unit[row*dim:][:dim] {
			w.unit[p], w.g[p] = float64(x), float64(w.pull[r*dim+p])
		}
		addNormalizeGrad(b.grad[at:at+dim], w.g, w.unit, k.inverse[row], scale)
	}
	return sum
}

// sameDim is for terms that compare the rows of two outputs.
func sameDim(kind string, a, b Output) error {
	if a.Dim != b.Dim {
		return fmt.Errorf("%s compares output %q with output %q, but their rows have %d and %d values",
			kind, a.Name, b.Name, a.Dim, b.Dim)
	}
	return nil
}
