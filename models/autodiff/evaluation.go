package autodiff

import (
	"slices"

	"ordo/models/onnxgraph"
)

// buildEval makes the evaluation graph: what of the forward graph the outputs need, of its inputs too, but every
// parameter, also those that it doesn't use, for ONNX Runtime feeds them by position in the training graph's order; and
// the operators that behave differently in training in their other mode. No outputs are all.
func buildEval(f *network, outputs []string) (*onnxgraph.Model, error) {
	all := f.model.GetGraph().GetOutput()
	if len(outputs) == 0 {
		for _, v := range all {
			outputs = append(outputs, v.GetName())
		}
	} else if err := checkOutputs(f, outputs); err != nil {
		return nil, err
	}
	nodes := upstream(f.nodes, outputs)
	b := f.newBuilder("evaluation")
	b.Model().Graph.Input = slices.DeleteFunc(b.Model().Graph.Input, func(v *onnxgraph.ValueInfo) bool {
		isInput := slices.ContainsFunc(f.inputs(),
			func(in *onnxgraph.ValueInfo) bool { return in.GetName() == v.GetName() })
		return isInput && !uses(nodes, v.GetName())
	})
	f.addConstants(b, nodes)
	table := rules()
	for _, n := range nodes {
		if r := table[n.GetOpType()]; r.evaluate != nil {
			n = r.evaluate(n)
		}
		b.Append(n)
	}
	for _, v := range all {
		if slices.Contains(outputs, v.GetName()) {
			b.Output(v.GetName(), f.types.Of[v.GetName()])
		}
	}
	return b.Model(), nil
}

// uses says whether a node takes a value.
func uses(nodes []*onnxgraph.Node, name string) bool {
	return slices.ContainsFunc(nodes, func(n *onnxgraph.Node) bool { return slices.Contains(n.GetInput(), name) })
}
