package autodiff

import "ordo/models/onnxgraph"

// addGradient: dy for both, summed over what each was broadcast along.
func addGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	dx := make([]string, 2)
	for i, in := range n.GetInput() {
		if t.wanted[in] {
			dx[i] = t.reduceTo(in, dy[0])
		}
	}
	return dx, nil
}

func identityGradient(_ *training, _ *onnxgraph.Node, dy []string) ([]string, error) { return dy, nil }

// reluGradient: dy where y > 0, else 0.
func reluGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.microsoftOp("ReluGrad", []string{dy[0], n.Out(0)}, []value{t.gradientOf(n.In(0))}), nil
}
