package autodiff

import "ordo/models/onnxgraph"

// buildEval makes the evaluation graph: the forward graph with every parameter as an input, also those that it doesn't use,
// for ONNX Runtime feeds them by position in the training graph's order; every output of the forward graph; and the
// operators that behave differently in training in their other mode.
func buildEval(f *forward) *onnxgraph.Model {
	b := f.newBuilder("evaluation")
	f.addConstants(b, f.nodes)
	table := rules()
	for _, n := range f.nodes {
		if r := table[n.GetOpType()]; r.evaluate != nil {
			n = r.evaluate(n)
		}
		b.Append(n)
	}
	for _, v := range f.model.GetGraph().GetOutput() {
		b.Output(v.GetName(), f.types.Of[v.GetName()])
	}
	return b.Model()
}
