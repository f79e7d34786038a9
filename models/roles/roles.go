package roles

import (
	"slices"

	"ordo/models/onnxgraph"
)

// Kind is what a stored tensor is to the network.
type Kind string

// The kinds of parameters that are trained.
const (
	Weight    Kind = "weight"
	Embedding Kind = "embedding"
	Bias      Kind = "bias"
	Scale     Kind = "scale"
	Shift     Kind = "shift"
	Token     Kind = "token"
	Slope     Kind = "slope"
	Operand   Kind = "operand" // anything else under a name of the network's own
)

// The kinds of parameters that the forward pass updates.
const (
	Mean     Kind = "running mean"
	Variance Kind = "running variance"
)

// The kinds of constants.
const (
	Number        Kind = "number"
	Table         Kind = "table"
	Mask          Kind = "mask"
	Filter        Kind = "filter"
	Filler        Kind = "filler"
	Normalisation Kind = "normalisation"
	Setting       Kind = "setting"
)

// Trained says whether tensors of the kind are trained unless somebody says otherwise.
func (k Kind) Trained() bool {
	switch k {
	case Weight, Embedding, Bias, Scale, Shift, Token, Slope, Operand:
		return true
	}
	return false
}

// Statistic says whether the kind is batch norm's running mean or variance.
func (k Kind) Statistic() bool { return k == Mean || k == Variance }

// Why says what makes a tensor one of the kind.
func (k Kind) Why() string {
	return map[Kind]string{
		Weight: "multiplied with the data", Embedding: "looked up or added, a table of the network's own",
		Bias: "added to the data", Scale: "what a norm or the data is multiplied by", Shift: "what a norm adds",
		Token: "put beside the data", Slope: "the slope of a PRelu", Operand: "under a name of the network's own",
		Mean: "kept by the forward pass", Variance: "kept by the forward pass",
		Number: "one number under a name that the exporter made up, or that says so",
		Table:  "computed before the network ran, by its name or its use", Mask: "0 and a large negative number, added",
		Filter: "a fixed filter, by its name", Filler: "ones or zeros in the place of what the network hasn't",
		Normalisation: "prepares the images", Setting: "a setting of the operator",
	}[k]
}

// Place is where a node takes a stored tensor.
type Place struct {
	Kind  Kind
	Node  *onnxgraph.Node
	Input int
	// path are the nodes that lie between: each makes a form of the tensor, and the last what the node takes.
	path []*onnxgraph.Node
	// derived: between lies more than another form of the tensor.
	derived bool
}

// Role is what a stored tensor is.
type Role struct {
	Tensor *onnxgraph.Tensor
	Kind   Kind
	// Op is the operator of the place that the kind was read off.
	Op     string
	Places []Place
	// Constant: it is stored in a Constant node, not among the initializers.
	Constant bool
}

// Of gives the roles of all float32 tensors that a model stores and its outputs depend on, those of Constant nodes
// behind the initializers, in their order in the file. The model must have passed onnxgraph.Check.
func Of(m *onnxgraph.Model) []Role {
	t := newTracer(m.GetGraph())
	var list []Role
	add := func(tensor *onnxgraph.Tensor, literal, constant bool) {
		if tensor.GetDataType() != onnxgraph.Float32 {
			return
		}
		r := Role{Tensor: tensor, Constant: constant}
		r.Places = t.places(tensor, literal)
		for _, p := range r.Places {
			if r.Kind == "" || rank(p.Kind) < rank(r.Kind) {
				r.Kind, r.Op = p.Kind, p.Node.GetOpType()
			}
		}
		if len(r.Places) > 0 {
			list = append(list, r)
		}
	}
	for _, s := range m.GetGraph().GetInitializer() {
		add(s, false, false)
	}
	for _, n := range m.GetGraph().GetNode() {
		if n.GetOpType() != "Constant" {
			continue
		}
		if s, err := onnxgraph.ConstantValue(n); err == nil {
			add(s, n.Attr("value", onnxgraph.Attribute_TENSOR) == nil || len(s.GetDims()) == 0, true)
		}
	}
	return list
}

// Parameters lists the tensors of a model that are its parameters: those that are trained, and batch norm's running
// statistics. Those in Constant nodes are left out: [Hoist] makes initializers of them.
func Parameters(m *onnxgraph.Model) []*onnxgraph.Tensor {
	var list []*onnxgraph.Tensor
	for _, r := range Of(m) {
		if (r.Kind.Trained() || r.Kind.Statistic()) && !r.Constant {
			list = append(list, r.Tensor)
		}
	}
	return list
}

// rank orders the kinds: a tensor is of the first that one of its places has. A running statistic can't be trained,
// whatever else it is.
func rank(k Kind) int {
	return slices.Index([]Kind{Mean, Variance, Weight, Embedding, Scale, Shift, Bias, Token, Slope, Operand, Filter,
		Normalisation, Table, Mask, Filler, Number, Setting}, k)
}

// Hoist makes initializers of the named tensors that are stored in Constant nodes, in their order in the graph, so that
// they can be parameters.
func Hoist(m *onnxgraph.Model, named func(name string) bool) {
	g := m.GetGraph()
	g.Node = slices.DeleteFunc(g.GetNode(), func(n *onnxgraph.Node) bool {
		if n.GetOpType() != "Constant" || !named(n.Out(0)) {
			return false
		}
		t, err := onnxgraph.ConstantValue(n)
		if err != nil {
			return false
		}
		g.Initializer = append(g.Initializer, t)
		return true
	})
}
