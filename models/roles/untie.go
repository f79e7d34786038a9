package roles

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/onnxgraph"
)

// Untied is a tensor that an exporter had merged of several, and what it was taken apart into.
type Untied struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Names are those of the parameters that took its places; Name may be one of them.
	Names []string `json:"names"`
}

// Untie gives each norm, bias and token of a model a tensor of its own where they share one of list, the model's roles,
// as torch's exporters leave equal tensors in evaluation mode. The copies begin with the same values.
//
// Only tensors with the same value in all elements are taken apart, as others are equal only where the network means
// them to be; weights and embeddings stay tied, and so does what belongs to one layer that the network uses several
// times, which its weight shows. What keep names stays one tensor, but for places of another kind: nothing is both the
// scale of a norm and a running variance.
func Untie(m *onnxgraph.Model, list []Role, keep func(name string) bool) []Untied {
	u := &untier{b: onnxgraph.Extend(m), g: m.GetGraph(), before: map[*onnxgraph.Node][]*onnxgraph.Node{}}
	var untied []Untied
	for _, r := range list {
		if _, same := uniform(r.Tensor); !same || len(r.Places) < 2 {
			continue
		}
		u.read()
		groups, rest := u.group(r, keep(r.Tensor.GetName()))
		if names := u.split(r, groups, rest); len(names) > 1 {
			untied = append(untied, Untied{r.Tensor.GetName(), r.Kind, names})
		}
	}
	return untied
}

type untier struct {
	b *onnxgraph.Builder
	g *onnxgraph.Graph
	// stored are the values that depend on stored tensors alone, made those that nodes make, and readers their uses.
	stored  map[string]bool
	made    map[string]*onnxgraph.Node
	readers map[string]int
	// before are nodes to put in front of others.
	before map[*onnxgraph.Node][]*onnxgraph.Node
}

// read looks at the graph anew, as the last split has changed it.
func (u *untier) read() {
	t := newTracer(u.g)
	u.stored, u.made, u.readers = t.stored, map[string]*onnxgraph.Node{}, map[string]int{}
	for _, n := range u.g.GetNode() {
		for _, out := range n.GetOutput() {
			u.made[out] = n
		}
		for _, in := range n.GetInput() {
			u.readers[in]++
		}
	}
}

// separable says whether a place can be given a tensor of its own.
func separable(p Place) bool {
	switch p.Kind {
	case Weight, Embedding, Operand:
		return false
	}
	return !unmoved(p) && (p.Kind.Trained() || p.Kind.Statistic())
}

// unmoved says whether more than forms of the tensor alone lie between it and a place.
func unmoved(p Place) bool {
	return p.derived || slices.ContainsFunc(p.path, func(n *onnxgraph.Node) bool { return len(n.GetOutput()) != 1 })
}

// group sorts places: those of a group belong to one parameter, and the rest can't be taken from the tensor.
func (u *untier) group(r Role, keep bool) (groups [][]Place, rest []Place) {
	at := map[string]int{}
	for i, p := range r.Places {
		if !separable(p) {
			rest = append(rest, p)
			continue
		}
		key := string(p.Kind)
		if !keep {
			key += " " + u.owner(r, i)
		}
		if _, known := at[key]; !known {
			at[key] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[key]] = append(groups[at[key]], p)
	}
	return groups, rest
}

// owner tells the layer of a place by the weight of that layer: the last one on the way to the place, as long as
// nothing else joins, nor another place of its kind. Without one, every place is a layer of its own.
func (u *untier) owner(r Role, place int) string {
	p := r.Places[place]
	if w := p.Node.In(1); p.Kind == Bias && p.Input == 2 && u.stored[w] {
		return w
	}
	for n := p.Node; n != nil; {
		data := ""
		for _, in := range n.GetInput() {
			switch {
			case u.stored[in]:
			case data != "":
				return fmt.Sprint("place ", place)
			default:
				data = in
			}
		}
		n = u.made[data]
		if n == nil || data == "" ||
			slices.ContainsFunc(r.Places, func(q Place) bool { return q.Node == n && q.Kind == p.Kind }) {
			break
		}
		switch n.GetOpType() {
		case "Conv", "ConvTranspose", "MatMul", "Gemm":
			for _, in := range n.GetInput() {
				if u.stored[in] {
					return in
				}
			}
		}
	}
	return fmt.Sprint("place ", place)
}

// split gives every group but one a copy, and returns the names of the groups' tensors. The tensor itself stays with
// the rest, if training changes that, and else with the first group.
func (u *untier) split(r Role, groups [][]Place, rest []Place) []string {
	var names []string
	if slices.ContainsFunc(rest, func(p Place) bool { return p.Kind.Trained() }) {
		names = append(names, r.Tensor.GetName())
	} else if len(groups) > 0 && !slices.ContainsFunc(rest, unmoved) {
		names = append(names, r.Tensor.GetName())
		groups = groups[1:]
		for _, p := range rest {
			u.copy(r, []Place{p}, r.Tensor.GetName()+"/constant")
		}
	}
	for _, places := range groups {
		out := strings.TrimLeft(places[0].Node.Out(0), "/") // not made up
		names = append(names, u.copy(r, places, out+"."+word(places[0].Kind)))
	}
	return names
}

// word is how the parameters of a kind end.
func word(k Kind) string {
	switch k {
	case Shift:
		return "bias"
	case Mean:
		return "running_mean"
	case Variance:
		return "running_var"
	}
	return string(k)
}

// copy stores a tensor once more for some places and returns its name: that of an Identity by which an exporter has
// left the name, or else the wish.
func (u *untier) copy(r Role, places []Place, wish string) string {
	if name := u.alias(places); name != "" {
		u.store(r.Tensor, name)
		return name
	}
	name := u.b.Unique(wish)
	u.store(r.Tensor, name)
	for _, p := range places {
		value := name
		for _, n := range p.path {
			if n.GetOpType() == "Identity" {
				continue
			}
			inputs := slices.Clone(n.GetInput())
			inputs[0] = value
			value = u.b.Unique(n.Out(0))
			u.before[p.Node] = append(u.before[p.Node], &onnxgraph.Node{Name: value, OpType: n.GetOpType(), Input: inputs,
				Output: []string{value}, Attribute: n.GetAttribute()})
		}
		p.Node.Input[p.Input] = value
		u.place(p.Node)
	}
	return name
}

// alias removes the Identity through which all the places take the tensor, and nothing else does, and returns its
// output's name; "" if there is none.
func (u *untier) alias(places []Place) string {
	var first *onnxgraph.Node
	for _, p := range places {
		if len(p.path) != 1 || p.path[0].GetOpType() != "Identity" || first != nil && p.path[0] != first {
			return ""
		}
		first = p.path[0]
	}
	if madeUp(first.Out(0)) || u.readers[first.Out(0)] != len(places) {
		return ""
	}
	u.g.Node = slices.DeleteFunc(u.g.GetNode(), func(n *onnxgraph.Node) bool { return n == first })
	return first.Out(0)
}

// store adds a copy of a tensor.
func (u *untier) store(t *onnxgraph.Tensor, name string) {
	u.b.Initializer(&onnxgraph.Tensor{Name: name, Dims: t.GetDims(), DataType: t.GetDataType(), RawData: t.RawData,
		FloatData: t.FloatData})
}

// place puts the nodes that were made for a node in front of it.
func (u *untier) place(n *onnxgraph.Node) {
	if at := slices.Index(u.g.GetNode(), n); at >= 0 {
		u.g.Node = slices.Insert(u.g.GetNode(), at, u.before[n]...)
	}
	delete(u.before, n)
}
