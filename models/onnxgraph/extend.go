package onnxgraph

// Extend returns a builder that adds to a model. The names that the model has are taken.
func Extend(m *Model) *Builder {
	b := &Builder{model: m, names: map[string]bool{}}
	g := m.GetGraph()
	for _, v := range g.GetInput() {
		b.Reserve(v.GetName())
	}
	for _, v := range g.GetOutput() {
		b.Reserve(v.GetName())
	}
	for _, t := range g.GetInitializer() {
		b.Reserve(t.GetName())
	}
	for _, n := range g.GetNode() {
		for _, o := range n.GetOutput() {
			b.Reserve(o)
		}
	}
	return b
}

// Has says whether a name is taken.
func (b *Builder) Has(name string) bool { return b.names[name] }
