package autodiff

import (
	"fmt"
	"slices"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// isStored says whether a value is one that the graph holds.
func (f *network) isStored(name string) bool {
	return f.constants[name] != nil ||
		slices.ContainsFunc(f.parameters, func(t *onnxgraph.Tensor) bool { return t.GetName() == name })
}

// Inference gives a graph that only computes, such as an encoder's, ordo's operators, as [Build] does the training
// graph, and batch norms in evaluation mode. Its batch is made free where it can be. The graph has no operator of ordo
// where none fits.
func Inference(m *onnxgraph.Model, k Kernels) (*onnxgraph.Model, error) {
	f, err := newNetwork(m, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Data, err)
	}
	t := &training{network: f, b: onnxgraph.NewBuilder("inference", m.Opset("")), stored: map[string]string{},
		inference: true}
	t.b.Import(graph.Microsoft, 1)
	t.b.Import(graph.Domain, 1)
	for name := range f.types.Of {
		t.b.Reserve(name)
	}
	for _, v := range f.inputs() {
		t.b.Input(v.GetName(), f.types.Of[v.GetName()])
	}
	var outputs []string
	for _, v := range m.GetGraph().GetOutput() {
		outputs = append(outputs, v.GetName())
	}
	table := rules()
	nodes := slices.Clone(f.nodes)
	for i, n := range nodes {
		if r := table[n.GetOpType()]; r.evaluate != nil {
			nodes[i] = r.evaluate(n)
		}
	}
	nodes = t.accelerated(nodes, Options{Outputs: outputs, Kernels: &k})
	stored := map[string]*onnxgraph.Tensor{}
	for _, p := range f.parameters {
		stored[p.GetName()] = p
	}
	for name, c := range f.constants {
		stored[name] = c
	}
	made := map[string]bool{}
	for _, n := range nodes {
		for _, in := range n.GetInput() {
			if stored[in] != nil {
				t.b.Initializer(stored[in])
				delete(stored, in)
			}
		}
		for _, out := range n.GetOutput() {
			if typ, ok := t.types.Of[out]; ok && !slices.Contains(outputs, out) {
				t.b.ValueInfo(out, typ)
			}
			made[out] = true
		}
		t.b.Append(n)
	}
	for _, name := range outputs {
		if !made[name] {
			return nil, fault.New(fault.Data, "output %q is not computed by the graph", name)
		}
		t.b.Output(name, f.types.Of[name])
	}
	t.finish(&k)
	if err := onnxgraph.Check(t.b.Model()); err != nil {
		return nil, fmt.Errorf("inference graph: %w", err)
	}
	return t.b.Model(), nil
}
