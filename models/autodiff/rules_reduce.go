package autodiff

import (
	"fmt"
	"slices"

	"ordo/models/onnxgraph"
)

// reduceMeanGradient: every element gets its share of the mean's gradient.
func reduceMeanGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	axes, err := t.types.ReduceAxes(n, len(t.typeOf(x).Shape))
	if err != nil {
		return nil, err
	}
	dx, err := t.spread(x, dy[0], axes)
	return []string{dx}, err
}

// spread adds the gradient of a value that was averaged over some dimensions: the mean's gradient, divided by their product,
// for each element. The Expand takes the sizes of those dimensions alone, so the batch may be free.
func (t *training) spread(of, gradient string, axes []int) (string, error) {
	shape := t.typeOf(of).Shape
	averaged := slices.Clone(shape)
	expand := slices.Repeat([]int64{1}, len(shape))
	for _, a := range axes {
		averaged[a] = onnxgraph.Dim{Size: 1}
		expand[a] = shape[a].Size
	}
	count, ok := onnxgraph.Static(expand...).Elements()
	for _, a := range axes {
		ok = ok && shape[a].Static()
	}
	if !ok || count == 0 {
		return "", fmt.Errorf("a mean over the dimensions %v of %v: their sizes must be fixed", axes, shape)
	}
	if !slices.Equal(t.typeOf(gradient).Shape, averaged) {
		target, ok := reshapeTarget(averaged)
		if !ok {
			return "", fmt.Errorf("more than one free size in %v", shape)
		}
		gradient = t.op("Reshape", of+"/kept"+gradSuffix, onnxgraph.FloatType(averaged), []string{gradient, t.ints(target...)})
	}
	share := t.op("Mul", of+"/share"+gradSuffix, onnxgraph.FloatType(averaged), []string{gradient, t.floats(nil, []float32{1 / float32(count)})})
	return t.op("Expand", of+gradSuffix, t.typeOf(of), []string{share, t.ints(expand...)}), nil
}
