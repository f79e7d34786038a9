package onnxgraph

import "strconv"

// Builder makes a model node by node. Its names are unique: where a wished name is taken, "_1", "_2" … is added.
type Builder struct {
	model *Model
	names map[string]bool
}

// irVersion is the version of the file format that Builder writes: the oldest that holds what ordo uses, so the most
// libraries read it.
const irVersion = 8

// NewBuilder starts a model of one graph that uses ONNX's operators of the given opset.
func NewBuilder(name string, opset int64) *Builder {
	return &Builder{
		model: &Model{
			IrVersion:    irVersion,
			ProducerName: "ordo",
			OpsetImport:  []*OperatorSet{{Version: opset}},
			Graph:        &Graph{Name: name},
		},
		names: map[string]bool{},
	}
}

// Import declares the use of another domain's operators.
func (b *Builder) Import(domain string, version int64) {
	if b.model.Opset(domain) == 0 {
		b.model.OpsetImport = append(b.model.OpsetImport, &OperatorSet{Domain: domain, Version: version})
	}
}

// Meta stores a text under a key among the model's metadata.
func (b *Builder) Meta(key, value string) {
	for _, e := range b.model.GetMetadataProps() {
		if e.GetKey() == key {
			e.Value = value
			return
		}
	}
	b.model.MetadataProps = append(b.model.MetadataProps, &StringEntry{Key: key, Value: value})
}

// Unique returns the name, or the name with a number where it is taken, and takes it.
func (b *Builder) Unique(name string) string {
	unique := name
	for i := 1; b.names[unique]; i++ {
		unique = name + "_" + strconv.Itoa(i)
	}
	b.names[unique] = true
	return unique
}

// Reserve takes a name, so that Unique doesn't give it.
func (b *Builder) Reserve(name string) { b.names[name] = true }

// Input adds a graph input.
func (b *Builder) Input(name string, t TensorType) {
	b.names[name] = true
	b.model.Graph.Input = append(b.model.Graph.Input, NewValueInfo(name, t))
}

// Output adds a graph output: a value that a node makes.
func (b *Builder) Output(name string, t TensorType) {
	b.names[name] = true
	b.model.Graph.Output = append(b.model.Graph.Output, NewValueInfo(name, t))
}

// ValueInfo declares the type of an inner value.
func (b *Builder) ValueInfo(name string, t TensorType) {
	b.model.Graph.ValueInfo = append(b.model.Graph.ValueInfo, NewValueInfo(name, t))
}

// Initializer stores a tensor under the name that it has.
func (b *Builder) Initializer(t *Tensor) string {
	b.names[t.GetName()] = true
	b.model.Graph.Initializer = append(b.model.Graph.Initializer, t)
	return t.GetName()
}

// Append adds a node as it is.
func (b *Builder) Append(n *Node) {
	for _, o := range n.GetOutput() {
		b.names[o] = true
	}
	b.model.Graph.Node = append(b.model.Graph.Node, n)
}

// Op adds a node of ONNX's domain with one output of the given name, made unique, and returns that name.
func (b *Builder) Op(op, output string, inputs []string, attributes ...*Attribute) string {
	output = b.Unique(output)
	b.Append(&Node{OpType: op, Name: output, Input: inputs, Output: []string{output}, Attribute: attributes})
	return output
}

// Model returns the model; the builder must not be used after that.
func (b *Builder) Model() *Model { return b.model }
