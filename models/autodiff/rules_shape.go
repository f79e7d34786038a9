package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// reshapeGradient: dy in the shape of x, for every operator that keeps the elements and their order.
func reshapeGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return []string{t.reshapeAs(n.In(0), dy[0])}, nil
}

// transposeGradient: the inverse order of dimensions.
func transposeGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	perm, err := onnxgraph.Permutation(n, len(t.typeOf(x).Shape))
	if err != nil {
		return nil, err
	}
	inverse := make([]int64, len(perm))
	for i, p := range perm {
		inverse[p] = int64(i)
	}
	return []string{t.op("Transpose", x+graph.Gradient, t.typeOf(x), dy, onnxgraph.IntsAttr("perm", inverse...))}, nil
}

// reshapeAs adds the gradient of a value from a tensor of as many elements. The shape is stored where at most one
// dimension is free, else read from the value.
func (t *training) reshapeAs(of, gradient string) string {
	typ := t.typeOf(of)
	target, ok := reshapeTarget(typ.Shape)
	shape := ""
	if ok {
		shape = t.ints(target...)
	} else {
		shape = t.shapeOf(of)
	}
	return t.op("Reshape", of+graph.Gradient, typ, []string{gradient, shape})
}

// reduceTo adds the gradient of a value that was broadcast to the shape of the given gradient: the sum over the
// dimensions that it doesn't have or of which it has one.
func (t *training) reduceTo(of, gradient string) string {
	full, own := t.typeOf(gradient).Shape, t.typeOf(of).Shape
	if slices.Equal(full, own) {
		return gradient
	}
	lead := len(full) - len(own)
	one := onnxgraph.Dim{Size: 1}
	var axes []int64
	kept := slices.Clone(full)
	for i := range full {
		if i < lead || own[i-lead] == one && full[i] != one {
			axes = append(axes, int64(i))
			kept[i] = one
		}
	}
	sum := gradient
	if len(axes) > 0 {
		sum = t.op("ReduceSum", of+"/sum"+graph.Gradient, onnxgraph.FloatType(kept),
			[]string{gradient, t.ints(axes...)}, onnxgraph.IntAttr("keepdims", 1))
	}
	if lead == 0 {
		return sum
	}
	return t.reshapeAs(of, sum)
}
