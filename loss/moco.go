package loss

import (
	"encoding/binary"
	"fmt"
	"math"

	"ordo/loss/matrix"
)

// mocoTerm is MoCo over the base views: it remembers keys of former batches.
type mocoTerm struct {
	options InvarianceOptions
	base    []int // the base views
	kernel  moco
	queue   queue
}

func (t *mocoTerm) needs(to []Need, v Views) ([]Need, error) {
	return baseNeeds(to, v, KindMoCo, Need{Output: OutputEmbedding, Kind: NeedEmbedding}, Need{Output: outputTarget, Kind: NeedTarget})
}

func (t *mocoTerm) check(_ Views, outs []Output) error { return sameDim(KindMoCo, outs[0], outs[1]) }

func (t *mocoTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = appendBase(t.base[:0], v)
	t.queue.size = t.options.Queue
	k, out := &t.kernel, outs[0]
	t.queue.reset(out.Dim)
	value := runMoCo(k, out.Grad, out.Data, outs[1].Data, v.Images, out.Dim, t.base, t.queue.keys, t.options.Temperature, weight)
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
		return fmt.Errorf("%w: a queue of %d bytes", ErrState, len(from))
	}
	dim, next, count := binary.LittleEndian.Uint32(from), binary.LittleEndian.Uint32(from[4:]), binary.LittleEndian.Uint32(from[8:])
	full := uint64(count) == uint64(q.size)
	switch {
	case uint64(len(from)-header) != 4*uint64(dim)*uint64(count) || dim == 0 && count > 0 || uint64(dim) > math.MaxInt32:
		return fmt.Errorf("%w: a queue of %d keys with %d values is said to be in %d bytes", ErrState, count, dim, len(from)-header)
	case uint64(count) > uint64(q.size) || uint64(next) >= uint64(q.size) || !full && next != count:
		return fmt.Errorf("%w: a queue of %d keys, the next at %d, doesn't fit one of %d", ErrState, count, next, q.size)
	}
	keys := make([]float32, 0, count*dim)
	for at := header; at < len(from); at += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(from[at:]))
		if !finite(x) {
			return fmt.Errorf("%w: a key of the queue holds %g", ErrState, x)
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
type moco struct {
	unit     []float64 // [B*N, D] normalised queries
	key      []float64 // [B*N, D] normalised keys
	inverse  []float64 // [B*N] one over the queries' norms
	queue    []float64 // [K, D]
	columns  matrix.Packed[float64]
	rows     matrix.Packed[float64]
	cosine   []float64 // [mocoRows, K]
	grad     []float64 // [mocoRows, D]
	positive float64   // mean cosine of a query and its key
	negative float64   // mean cosine of a query and a key of the queue
}

// runMoCo returns the loss over the views named in base (at least two) and adds weight times its gradient by z to grad.
// z, grad and keys, the averaged network's, are [V*images, dim], view-major; queue holds whole unit rows.
//
// As in runNTXent, exp((cosine-1)/temperature) needs no search for a maximum.
func runMoCo[T, K float](k *moco, grad, z, keys []T, images, dim int, base []int, queue []K, temperature, weight float64) float64 {
	views := len(base)
	m, count := views*images, len(queue)/dim
	k.unit, k.key, k.inverse = grow(k.unit, m*dim), grow(k.key, m*dim), grow(k.inverse, m)
	k.queue, k.cosine, k.grad = grow(k.queue, len(queue)), grow(k.cosine, mocoRows*count), grow(k.grad, mocoRows*dim)
	for i, v := range base {
		for n := range images {
			row, at := i*images+n, (v*images+n)*dim
			k.inverse[row] = normalize(k.unit[row*dim:][:dim], z[at:at+dim], normalizeEps)
			normalize(k.key[row*dim:][:dim], keys[at:at+dim], normalizeEps)
		}
	}
	viewToFloat(k.queue, queue)
	negatives := matrix.Of(k.queue, count, dim)
	k.columns.Pack(negatives.T())
	k.rows.Pack(negatives)

	k.positive, k.negative = 0, 0
	pairs := float64(m * (views - 1))
	var value float64
	for first := 0; first < m; first += mocoRows {
		rows := min(mocoRows, m-first)
		cosine := matrix.Of(k.cosine, rows, count)
		matrix.Mul(cosine, matrix.Of(k.unit[first*dim:], rows, dim), &k.columns)
		pull := matrix.Of(k.grad, rows, dim)
		clear(pull.Data)
		for r := range rows {
			row := first + r
			unit, pull := k.unit[row*dim:][:dim], k.grad[r*dim:][:dim]
			line := k.cosine[r*count:][:count]
			var sum float64
			for j, c := range line {
				k.negative += c
				line[j] = math.Exp((c - 1) / temperature)
				sum += line[j]
			}
			var share float64 // of the negatives in the softmax, summed over the keys
			for other := row % images; other < m; other += images {
				if other == row {
					continue
				}
				key := k.key[other*dim:][:dim]
				c := dot(unit, key)
				k.positive += c
				ratio := sum / math.Exp((c-1)/temperature)
				value += math.Log1p(ratio)
				for p, x := range key {
					pull[p] -= ratio / (1 + ratio) * x
				}
				share += 1 / (1 + ratio) / math.Exp((c-1)/temperature)
			}
			for j := range line {
				line[j] *= share
			}
		}
		matrix.AddMul(pull, cosine, &k.rows)
		for r := range rows {
			row := first + r
			at := (base[row/images]*images + row%images) * dim
			addNormalizeGrad(grad[at:at+dim], k.grad[r*dim:][:dim], k.unit[row*dim:][:dim], k.inverse[row], weight/(pairs*temperature))
		}
	}
	k.positive /= pairs
	k.negative /= math.Max(1, float64(m*count))
	return value / pairs
}

// sameDim is for terms that compare the rows of two outputs.
func sameDim(kind string, a, b Output) error {
	if a.Dim != b.Dim {
		return fmt.Errorf("%s compares output %q with output %q, but their rows have %d and %d values", kind, a.Name, b.Name, a.Dim, b.Dim)
	}
	return nil
}
