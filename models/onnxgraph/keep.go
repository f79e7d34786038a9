package onnxgraph

import "slices"

// Keep leaves a model with those of its outputs that have one of the names, in the model's order, and with what these
// need: nodes and initializers that feed nothing else are dropped, and so are operator sets that no node is of. Graph
// inputs stay. It returns the names that are no outputs.
func Keep(m *Model, outputs []string) (missing []string) {
	g := m.GetGraph()
	g.Output = slices.DeleteFunc(g.GetOutput(), func(v *ValueInfo) bool { return !slices.Contains(outputs, v.GetName()) })
	needed := map[string]bool{}
	for _, v := range g.GetOutput() {
		needed[v.GetName()] = true
	}
	for _, name := range outputs {
		if !needed[name] {
			missing = append(missing, name)
		}
	}
	var nodes []*Node
	domains := map[string]bool{"": true}
	for _, n := range slices.Backward(g.GetNode()) { // a node comes after those that it needs
		if !slices.ContainsFunc(n.GetOutput(), func(name string) bool { return needed[name] }) {
			continue
		}
		nodes = append(nodes, n)
		domains[domainName(n.GetDomain())] = true
		for _, name := range n.GetInput() {
			needed[name] = true
		}
	}
	slices.Reverse(nodes)
	g.Node = nodes
	g.Initializer = slices.DeleteFunc(g.GetInitializer(), func(t *Tensor) bool { return !needed[t.GetName()] })
	g.ValueInfo = slices.DeleteFunc(g.GetValueInfo(), func(v *ValueInfo) bool { return !needed[v.GetName()] })
	m.OpsetImport = slices.DeleteFunc(m.GetOpsetImport(), func(o *OperatorSet) bool {
		return !domains[domainName(o.GetDomain())]
	})
	return missing
}
