package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// The order in memory. A batch of images [N, C, H, W] lies in memory plainly, a channel after the other, or with the
// channels last, a pixel after the other. ordo's operators take and give the second order, ONNX Runtime's know the
// first alone. The shape of a value is [N, C, H, W] either way. Which order a value has is decided here, once the
// training graph is complete:
//
//   - an operator of ordo has its activations with the channels last;
//   - a flexible operator takes all its images in either order: one that acts on each element by itself as it is, and
//     one that knows its dimensions through views;
//   - all others have them plainly;
//   - where the maker of a value and a user differ, the user gets a copy by ordo::Reorder, one for all such users.
//
// A view is a Reshape of images with the channels last to [N, H, W, C], which is what lies in memory: nothing is moved.
// So any operator that acts along given dimensions, such as a mean, acts along others, and its result is viewed the
// other way. A Transpose between these two shapes is such a Reshape itself.
//
// Flexible operators get the orders that move the fewest elements: the smallest cut of a graph whose source stands for
// the channels last and whose sink for the plain order (Picard, Ratliff 1975).

// layout is the order of a value in memory.
type layout int

const (
	// either: both orders are the same, or nobody looks.
	either layout = iota
	plain
	channelsLast
	// own: that of the node, which is to be found.
	own
)

// form says in which orders a node has its inputs and outputs.
type form struct {
	in, out []layout
	// moves is the number of elements that a flexible node itself moves in the plain order.
	moves int64
	// rewrite gives the node for the channels last; nil: it is the same in both orders.
	rewrite func(a *arrangement, n *onnxgraph.Node)
}

// arrangement is the pass over the training graph.
type arrangement struct {
	*training
	graph *onnxgraph.Graph
	nodes []*onnxgraph.Node // the new ones
	forms []form
	// stored are the values that the graph holds.
	stored map[string]*onnxgraph.Tensor
	// orders of the values that nodes have made.
	layouts map[string]layout
	// copies of values in the other order, and views, by name.
	copies, views map[string]string
}

// arrange decides on the order in memory of all values.
func (t *training) arrange() {
	a := &arrangement{
		training: t, graph: t.b.Model().GetGraph(), stored: map[string]*onnxgraph.Tensor{},
		layouts: map[string]layout{},
		copies:  map[string]string{}, views: map[string]string{},
	}
	for _, s := range a.graph.GetInitializer() {
		a.stored[s.GetName()] = s
		a.types.Of[s.GetName()] = s.Type()
	}
	nodes := a.graph.GetNode()
	for _, n := range nodes {
		a.forms = append(a.forms, a.formOf(n))
	}
	last := a.choose(nodes)
	for i, n := range nodes {
		f := a.forms[i]
		resolve := func(o layout) layout {
			switch {
			case o != own:
				return o
			case last[i]:
				return channelsLast
			}
			return plain
		}
		n = &onnxgraph.Node{
			Name: n.GetName(), OpType: n.GetOpType(), Domain: n.GetDomain(), Input: slices.Clone(n.GetInput()),
			Output: n.GetOutput(), Attribute: n.GetAttribute(),
		}
		for k, in := range n.GetInput() {
			n.Input[k] = a.in(in, resolve(f.in[k]))
		}
		for k, out := range n.GetOutput() {
			a.layouts[out] = resolve(f.out[k])
		}
		if last[i] && f.rewrite != nil {
			f.rewrite(a, n)
		} else {
			a.nodes = append(a.nodes, n)
		}
	}
	a.graph.Node = a.nodes
}

// in returns a value in an order.
func (a *arrangement) in(name string, wanted layout) string {
	has := a.layouts[name]
	if has == either { // made by no node, or the same in both orders
		has = plain
	}
	if wanted == either || wanted == has || !a.ordered(name) {
		return name
	}
	if a.copies[name] == "" {
		to := map[layout]string{plain: "nchw", channelsLast: "nhwc"}[wanted]
		copied := a.b.Unique(name + "/" + to)
		a.declare(copied, a.typeOf(name))
		a.nodes = append(a.nodes, &onnxgraph.Node{
			Name: graph.Reorder + "/" + copied, OpType: graph.Reorder, Domain: graph.Domain, Input: []string{name},
			Output:    []string{copied},
			Attribute: []*onnxgraph.Attribute{onnxgraph.StringAttr("to", to)},
		})
		a.copies[name] = copied
	}
	return a.copies[name]
}

// ordered says whether the order of a value makes a difference: it is images of more than one channel and more than one
// pixel.
func (a *arrangement) ordered(name string) bool {
	s := a.typeOf(name).Shape
	if len(s) != 4 {
		return false
	}
	one := onnxgraph.Dim{Size: 1}
	return s[1] != one && (s[2] != one || s[3] != one)
}

// formOf says in which orders a node has its values.
func (a *arrangement) formOf(n *onnxgraph.Node) form {
	f := form{in: make([]layout, len(n.GetInput())), out: make([]layout, len(n.GetOutput()))}
	if places, ok := kernelActivations[n.GetOpType()]; ok && n.GetDomain() == graph.Domain {
		a.fill(&f, n, plain)
		for _, k := range places.in {
			if k < len(f.in) && n.In(k) != "" {
				f.in[k] = channelsLast
			}
		}
		for _, k := range places.out {
			if k < len(f.out) && n.Out(k) != "" {
				f.out[k] = channelsLast
			}
		}
		return f
	}
	if n.GetOpType() == "Shape" && n.GetDomain() == "" {
		return f
	}
	a.fill(&f, n, plain)
	isOutput := func(v *onnxgraph.ValueInfo) bool { return slices.Contains(n.GetOutput(), v.GetName()) }
	if !slices.ContainsFunc(a.graph.GetOutput(), isOutput) {
		a.flexible(n, &f)
	}
	return f
}

// fill gives every value of a node whose order makes a difference that order.
func (a *arrangement) fill(f *form, n *onnxgraph.Node, o layout) {
	for k, in := range n.GetInput() {
		if f.in[k] = either; a.ordered(in) {
			f.in[k] = o
		}
	}
	for k, out := range n.GetOutput() {
		if f.out[k] = either; a.ordered(out) {
			f.out[k] = o
		}
	}
}

// kernelActivations are the inputs and outputs of ordo's operators that are activations.
var kernelActivations = map[string]struct{ in, out []int }{
	graph.Conv:            {[]int{0}, []int{0}},
	graph.ConvGrad:        {[]int{0, 1}, []int{0}},
	graph.BatchNorm:       {[]int{0, 5}, []int{0}},
	graph.BatchNormGrad:   {[]int{0, 1, 2, 6}, []int{0, 3}},
	graph.Normalize:       {[]int{0, 5}, []int{0}},
	graph.MaxPool:         {[]int{0}, []int{0, 1}},
	graph.MaxPoolGrad:     {[]int{0, 1}, []int{0}},
	graph.AveragePool:     {[]int{0}, []int{0}},
	graph.AveragePoolGrad: {[]int{0}, []int{0}},

	graph.ChannelScale:     {[]int{0}, []int{0}},
	graph.ChannelScaleGrad: {[]int{0, 1}, []int{0}},
}

// choose returns which nodes have their own images with the channels last.
func (a *arrangement) choose(nodes []*onnxgraph.Node) []bool {
	const source, sink = 0, 1
	c := newCut(2 + len(nodes)).values()
	vertex := func(i int, o layout) int {
		switch o {
		case plain:
			return sink
		case channelsLast:
			return source
		}
		return 2 + i
	}
	for i, n := range nodes {
		f := a.forms[i]
		for k, in := range n.GetInput() {
			if f.in[k] == either || !a.ordered(in) {
				continue
			}
			c.use(in, vertex(i, f.in[k]))
		}
		for k, out := range n.GetOutput() {
			if f.out[k] != either {
				c.made[out] = vertex(i, f.out[k])
			}
		}
		if f.moves > 0 {
			c.connect(source, 2+i, f.moves)
		}
	}
	c.copies(sink, a.size) // graph inputs and stored values lie plainly
	side := c.source(source, sink)
	return side[2 : 2+len(nodes)]
}

// nominalBatch is what a free batch counts for, against values that have none.
const nominalBatch = 32

// size is the number of elements of a value, unlimited for those of a type that ordo::Reorder doesn't know.
func (a *arrangement) size(name string) int64 {
	if a.typeOf(name).Elem != onnxgraph.Float32 {
		return unlimited
	}
	return a.elements(name)
}
