package artifacts

import (
	"slices"

	"ordo/models/onnxgraph"
)

// splitSequences replaces sequences that a tensor is split into, and whose elements are taken one by one, by Split:
// torch's newer exporter writes them unless it optimizes.
func splitSequences(m *onnxgraph.Model) {
	g := m.GetGraph()
	numbers := map[string][]int64{}
	note := func(name string, t *onnxgraph.Tensor) {
		if values, err := t.Ints(); err == nil {
			numbers[name] = values
		}
	}
	for _, t := range g.GetInitializer() {
		note(t.GetName(), t)
	}
	for _, n := range g.GetNode() {
		if n.GetOpType() == "Constant" {
			if t, err := onnxgraph.ConstantValue(n); err == nil {
				note(n.Out(0), t)
			}
		}
	}
	for _, n := range g.GetNode() {
		sizes := numbers[n.In(1)]
		if n.GetOpType() != "SplitToSequence" || len(n.GetInput()) != 2 || len(sizes) < 2 {
			continue
		}
		readers, ok := elements(g, n.Out(0), numbers, len(sizes))
		if !ok {
			continue
		}
		outputs := make([]string, len(sizes))
		b := onnxgraph.Extend(m)
		for i := range outputs {
			outputs[i] = b.Unique(n.Out(0) + "/part")
		}
		for reader, i := range readers { // the elements keep their names, a part may be taken several times
			reader.OpType, reader.Input, reader.Attribute = "Identity", []string{outputs[i]}, nil
		}
		n.OpType, n.Output = "Split", outputs
		n.Attribute = slices.DeleteFunc(n.Attribute, func(a *onnxgraph.Attribute) bool { return a.GetName() == "keepdims" })
	}
}

// elements finds the nodes that take elements of a sequence, and which; false: it is used in another way, too.
func elements(
	g *onnxgraph.Graph, sequence string, numbers map[string][]int64, count int,
) (readers map[*onnxgraph.Node]int, ok bool) {
	readers = map[*onnxgraph.Node]int{}
	for _, n := range g.GetNode() {
		if !slices.Contains(n.GetInput(), sequence) {
			continue
		}
		at := numbers[n.In(1)]
		if n.GetOpType() != "SequenceAt" || len(at) != 1 {
			return nil, false
		}
		i := int(at[0])
		if i < 0 {
			i += count
		}
		if i < 0 || i >= count {
			return nil, false
		}
		readers[n] = i
	}
	return readers, len(readers) > 0 && !slices.ContainsFunc(g.GetOutput(),
		func(v *onnxgraph.ValueInfo) bool { return v.GetName() == sequence })
}
