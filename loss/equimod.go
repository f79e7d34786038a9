package loss

import (
	"errors"
	"math"
)

// equiModTerm is the equivariance term of EquiMod: the embedding of a view must follow from the plain view's embedding
// and the draws.
type equiModTerm struct {
	options BaselineOptions
	base    []int // the base views
	kernel  ntxent[float32]
	data    []float32 // [2, B*N, D] embeddings of the base views, then what is predicted of them
	grad    []float32
}

func newEquiMod(o BaselineOptions) term { return &equiModTerm{options: o} }

func (t *equiModTerm) needs(to []Need, v Views) ([]Need, error) {
	if err := baseAtLeast(KindEquiMod, v, 1); err != nil {
		return to, err
	}
	if plainView(v) < 0 {
		return to, errors.New("equimod predicts a view's embedding from the plain view's: set augment.plain_view to true")
	}
	if len(v.DrawNames) == 0 {
		return to, errors.New("equimod predicts from what is drawn for a view, but nothing is drawn: " +
			"add a transformation to augment.invariant")
	}
	return append(to, outputNeed(OutputEmbedding), Need{Output: outputEquiMod, Kind: NeedConditioned}), nil
}

func plainView(v Views) int {
	for i, f := range v.Family {
		if f == PlainView {
			return i
		}
	}
	return -1
}

func (t *equiModTerm) check(_ Views, outs []Output) error {
	return sameDim(KindEquiMod, outs[0], outs[1])
}

func (t *equiModTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = appendBase(t.base[:0], v)
	embedding, predicted := outs[0], outs[1]
	dim, rows := embedding.Dim, len(t.base)*v.Images
	size := v.Images * dim
	t.data, t.grad = sized(t.data, 2*rows*dim), sized(t.grad, 2*rows*dim)
	clear(t.grad)
	for i, view := range t.base {
		copy(t.data[i*size:][:size], embedding.Data[view*size:])
	}
	copy(t.data[rows*dim:], predicted.Data)

	both := batch[float32]{data: t.data, grad: t.grad, images: rows, dim: dim, base: bothViews, weight: weight}
	value := runNTXent(&t.kernel, both, t.options.Temperature)
	for i, view := range t.base {
		addTo(embedding.Grad[view*size:][:size], t.grad[i*size:][:size])
	}
	addTo(predicted.Grad, t.grad[rows*dim:])

	plain := embedding.Data[plainView(v)*size:][:size]
	var before, after float64
	for at := 0; at < rows*dim; at += dim {
		row := t.data[at:][:dim]
		before += cosine(plain[at%size:][:dim], row)
		after += cosine(predicted.Data[at:][:dim], row)
	}
	d = append(d, Diagnostic{"positive_similarity", t.kernel.positive})
	if rows > 1 {
		d = append(d, Diagnostic{"negative_similarity", t.kernel.negative})
	}
	return value, append(d, Diagnostic{"gain", (after - before) / float64(rows)})
}

// bothViews are the two halves of equiModTerm.data.
var bothViews = []int{0, 1}

// cosine returns the cosine of two rows, 0 if one of them has no direction.
func cosine(a, b []float32) float64 {
	ab, aa, bb := productSums(a, b)
	if norm := math.Sqrt(aa) * math.Sqrt(bb); norm >= normalizeEps*normalizeEps {
		return ab / norm
	}
	return 0
}
