package autodiff

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// ForwardPass takes the forward pass out of a training graph: the nodes that the named outputs of the loss operator
// need, or all of those outputs where none is named. It computes what the training graph computes, batch norm by the
// batch too, but has no gradients and neither reads nor writes running statistics. Its inputs are those of the training
// graph that it needs, the parameters among them, in their order. A Dropout is an error: it would draw other elements
// than the training step.
func ForwardPass(m *onnxgraph.Model, outputs []string) (*onnxgraph.Model, error) {
	g := m.GetGraph()
	loss := slices.IndexFunc(g.GetNode(), func(n *onnxgraph.Node) bool {
		return n.GetDomain() == graph.Domain && n.GetOpType() == graph.Loss
	})
	if loss < 0 {
		return nil, errors.New("autodiff: forward pass: the graph has no loss operator")
	}
	known := g.GetNode()[loss].GetInput()
	for _, name := range outputs {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("autodiff: forward pass: the model has no output %s, it has: %s", name,
				strings.Join(known, ", "))
		}
	}
	if len(outputs) == 0 {
		outputs = known
	}
	nodes := upstream(g.GetNode()[:loss], outputs)
	b := onnxgraph.NewBuilder("forward", m.Opset(""))
	b.Model().OpsetImport = m.GetOpsetImport()
	declared := map[string]*onnxgraph.ValueInfo{}
	for _, list := range [][]*onnxgraph.ValueInfo{g.GetInput(), g.GetValueInfo(), g.GetOutput()} {
		for _, v := range list {
			declared[v.GetName()] = v
		}
	}
	types := graph.Declared(g)
	for _, t := range g.GetInitializer() {
		types[t.GetName()] = t.Type()
	}
	for _, n := range nodes {
		for _, out := range n.GetOutput() {
			b.Reserve(out)
		}
	}
	for i, n := range nodes {
		var err error
		if nodes[i], err = withoutStatistics(b, n, types); err != nil {
			return nil, fmt.Errorf("a forward pass beside the training step: node %q (%s): %w", n.GetName(),
				operator(n), err)
		}
		b.Append(nodes[i])
	}
	for _, v := range g.GetInput() {
		if uses(nodes, v.GetName()) {
			b.Model().Graph.Input = append(b.Model().Graph.Input, v)
		}
	}
	for _, t := range g.GetInitializer() {
		if uses(nodes, t.GetName()) {
			b.Initializer(t)
		}
	}
	for _, n := range nodes {
		for _, out := range n.GetOutput() {
			if v := declared[out]; v != nil && !slices.Contains(outputs, out) {
				b.Model().Graph.ValueInfo = append(b.Model().Graph.ValueInfo, v)
			}
		}
	}
	for _, name := range outputs {
		if declared[name] == nil {
			return nil, fmt.Errorf("autodiff: forward pass: output %s is declared nowhere", name)
		}
		b.Model().Graph.Output = append(b.Model().Graph.Output, declared[name])
	}
	return b.Model(), nil
}

// withoutStatistics gives a batch norm that trains constants for its running statistics. They take no part in what it
// computes, but its kernel writes new ones over the old.
func withoutStatistics(b *onnxgraph.Builder, n *onnxgraph.Node, types map[string]onnxgraph.TensorType) (*onnxgraph.Node,
	error) {
	switch n.GetOpType() {
	case "Dropout":
		return nil,
			fault.New(fault.Config,
				"it would leave out other elements than the training step").Advise("build the model without dropout")
	case graph.StockBatchNorm, graph.BatchNorm, graph.BatchNormBF16:
	default:
		return n, nil
	}
	typ, ok := types[n.In(1)]
	if !ok {
		return nil, fmt.Errorf("its scale %s is declared nowhere", n.In(1))
	}
	channels, ok := typ.Shape.Elements()
	if !ok || len(typ.Shape) != 1 {
		return nil, fmt.Errorf("its scale is %v", typ)
	}
	inputs := slices.Clone(n.GetInput())
	for i, v := range []float32{0, 1} {
		name := b.Unique(n.Out(0) + "/statistics")
		inputs[3+i] = b.Initializer(onnxgraph.NewFloats(name, []int64{channels},
			slices.Repeat([]float32{v}, int(channels))))
	}
	return &onnxgraph.Node{Name: n.GetName(), OpType: n.GetOpType(), Domain: n.GetDomain(), Input: inputs,
		Output: n.GetOutput(), Attribute: n.GetAttribute()}, nil
}
