package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// gemmGradient: with y = alpha·a·b + beta·c, where a and b are A and B or their transposes,
//
//	da = alpha·dy·bᵀ,  db = alpha·aᵀ·dy,  dc = beta·dy summed over what c is broadcast along
//
// and dA is da or daᵀ, in which case the product's transpose is taken: (dy·bᵀ)ᵀ = b·dyᵀ.
func gemmGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	a, b, c := n.In(0), n.In(1), n.In(2)
	transA, transB := n.Int("transA", 0) != 0, n.Int("transB", 0) != 0
	alpha, beta := n.Float("alpha", 1), n.Float("beta", 1)
	dx := make([]string, 3)
	if t.wanted[a] {
		dx[0] = t.gemm(a, alpha, transA, operand{dy[0], false}, operand{b, !transB})
	}
	if t.wanted[b] {
		dx[1] = t.gemm(b, alpha, transB, operand{a, !transA}, operand{dy[0], false})
	}
	if c != "" && t.wanted[c] {
		dc := dy[0]
		if beta != 1 {
			dc = t.op("Mul", c+"/scaled"+graph.Gradient, t.typeOf(n.Out(0)),
				[]string{dc, t.floats(nil, []float32{beta})})
		}
		dx[2] = t.reduceTo(c, dc)
	}
	return dx, nil
}

// operand is a matrix of a product, or its transpose.
type operand struct {
	name       string
	transposed bool
}

// gemm adds the gradient of a matrix: alpha·l·r, or, if swap, that transposed.
func (t *training) gemm(of string, alpha float32, swap bool, l, r operand) string {
	if swap {
		l, r = operand{r.name, !r.transposed}, operand{l.name, !l.transposed}
	}
	return t.op("Gemm", of+graph.Gradient, t.typeOf(of), []string{l.name, r.name},
		onnxgraph.FloatAttr("alpha", alpha), onnxgraph.FloatAttr("beta", 0),
		onnxgraph.IntAttr("transA", boolInt(l.transposed)), onnxgraph.IntAttr("transB", boolInt(r.transposed)))
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// matMulGradient: da = dy·bᵀ, db = aᵀ·dy, each summed over the dimensions along which it was broadcast. If b is one
// matrix for all, db is one product over all rows at once.
func matMulGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	a, b := n.In(0), n.In(1)
	as, bs, ys := t.typeOf(a).Shape, t.typeOf(b).Shape, t.typeOf(n.Out(0)).Shape
	dx := make([]string, 2)
	if len(as) == 2 && len(bs) == 2 {
		if t.wanted[a] {
			dx[0] = t.gemm(a, 1, false, operand{dy[0], false}, operand{b, true})
		}
		if t.wanted[b] {
			dx[1] = t.gemm(b, 1, false, operand{a, true}, operand{dy[0], false})
		}
		return dx, nil
	}
	if t.wanted[a] {
		full := onnxgraph.FloatType(append(slices.Clone(ys[:len(ys)-1]), bs[len(bs)-2]))
		product := t.microsoftOp("FusedMatMul", []string{dy[0], b}, []value{{a + "/full" + graph.Gradient, full}},
			onnxgraph.IntAttr("transB", 1))
		dx[0] = t.reduceTo(a, product[0])
	}
	switch {
	case !t.wanted[b]:
	case len(bs) == 2 && bs[0].Static() && bs[1].Static():
		k, l := bs[0], bs[1]
		rows := onnxgraph.Unknown
		x := t.op("Reshape", a+"/rows", onnxgraph.FloatType(onnxgraph.Shape{rows, k}), []string{a, t.ints(-1, k.Size)})
		d := t.op("Reshape", n.Out(0)+"/rows"+graph.Gradient, onnxgraph.FloatType(onnxgraph.Shape{rows, l}),
			[]string{dy[0], t.ints(-1, l.Size)})
		dx[1] = t.gemm(b, 1, false, operand{x, true}, operand{d, false})
	default:
		full := onnxgraph.FloatType(append(slices.Clone(ys[:len(ys)-2]), as[len(as)-1], bs[len(bs)-1]))
		product := t.microsoftOp("FusedMatMul", []string{a, dy[0]}, []value{{b + "/full" + graph.Gradient, full}},
			onnxgraph.IntAttr("transA", 1))
		dx[1] = t.reduceTo(b, product[0])
	}
	return dx, nil
}
