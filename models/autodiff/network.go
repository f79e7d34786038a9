package autodiff

import (
	"errors"
	"fmt"
	"slices"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// The opsets whose operators the rules know.
const (
	MinOpset = 13
	MaxOpset = 23
)

// CheckOpset returns an error of kind fault.Data for a model of another opset.
func CheckOpset(m *onnxgraph.Model) error {
	if v := m.Opset(""); v < MinOpset || v > MaxOpset {
		return fault.New(fault.Data, "the forward graph uses opset %d, supported are %d to %d", v, MinOpset, MaxOpset).
			Advise("export it with one of these")
	}
	return nil
}

// network is the forward graph as the builders want it: checked, typed, shape arithmetic folded, initializers told
// apart.
type network struct {
	model *onnxgraph.Model
	types *onnxgraph.Types
	// nodes are those on which some graph output depends, in order.
	nodes []*onnxgraph.Node
	// parameters are those of Options that the nodes use, in their order in the file.
	parameters []*onnxgraph.Tensor
	// constants are all other stored values that the nodes use.
	constants map[string]*onnxgraph.Tensor
	// statistics names the parameters that are batch norm's running mean or variance.
	statistics map[string]bool
	// numbered counts the values that were given a number because their name was taken.
	numbered map[string]int
}

func newNetwork(m *onnxgraph.Model, parameters []string) (*network, error) {
	if err := onnxgraph.Check(m); err != nil {
		return nil, fmt.Errorf("the forward graph is not valid:\n%w", err)
	}
	if err := CheckOpset(m); err != nil {
		return nil, err
	}
	if parameters == nil {
		for _, t := range roles.Parameters(m) {
			parameters = append(parameters, t.GetName())
		}
	}
	types, err := onnxgraph.InferFree(m, parameters)
	if err != nil {
		return nil, err
	}
	f := &network{model: m, types: types, constants: map[string]*onnxgraph.Tensor{}, statistics: map[string]bool{},
		numbered: map[string]int{}}
	if err := f.fold(); err != nil {
		return nil, err
	}
	var outputs []string
	for _, v := range m.GetGraph().GetOutput() {
		outputs = append(outputs, v.GetName())
	}
	f.nodes = upstream(f.nodes, outputs)
	if err := f.lower(); err != nil {
		return nil, err
	}
	f.nodes = upstream(f.nodes, outputs) // a lowering may not need all that the node needed
	if err := f.sortInitializers(parameters); err != nil {
		return nil, err
	}
	return f, f.checkNames()
}

// reshapeTarget is the operand of a Reshape to the given shape: its free dimension, of which there may be one, is -1.
func reshapeTarget(s onnxgraph.Shape) ([]int64, bool) {
	target := make([]int64, len(s))
	free := 0
	for i, d := range s {
		target[i] = d.Size
		if !d.Static() {
			target[i] = -1
			free++
		}
		if target[i] == 0 {
			return nil, false // 0 means: as before
		}
	}
	return target, free <= 1
}

// upstream returns the nodes on which the values depend, in their order.
func upstream(nodes []*onnxgraph.Node, values []string) []*onnxgraph.Node {
	wanted := map[string]bool{}
	for _, v := range values {
		wanted[v] = true
	}
	var kept []*onnxgraph.Node
	for _, n := range slices.Backward(nodes) {
		if !slices.ContainsFunc(n.GetOutput(), func(o string) bool { return o != "" && wanted[o] }) {
			continue
		}
		for _, in := range n.GetInput() {
			wanted[in] = true
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	return kept
}

// sortInitializers tells parameters, statistics and constants apart.
func (f *network) sortInitializers(parameters []string) error {
	used := map[string]bool{}
	for _, n := range f.nodes {
		for i, in := range n.GetInput() {
			used[in] = true
			if n.GetOpType() == "BatchNormalization" && i >= 3 {
				f.statistics[in] = true
			}
		}
	}
	weights := map[string]bool{}
	for _, name := range parameters {
		weights[name] = true
	}
	for _, t := range f.model.GetGraph().GetInitializer() {
		switch name := t.GetName(); {
		case !weights[name] || t.GetDataType() != onnxgraph.Float32:
			f.constants[name] = t
		case used[name]:
			f.parameters = append(f.parameters, t)
		}
	}
	for name := range f.constants {
		if !used[name] {
			delete(f.constants, name)
		}
	}
	for name := range f.statistics {
		if !weights[name] {
			return fmt.Errorf("value %q is batch norm's running statistic but not an initializer: it can't be updated",
				name)
		}
	}
	return nil
}

// checkNames refuses the names to which ONNX Runtime's training API gives a meaning.
func (f *network) checkNames() error {
	var faults []error
	inputs := 0
	refuse := func(kind, name string) {
		if graph.IsReserved(name) {
			faults = append(faults, fmt.Errorf("%s %q: the name is reserved by ONNX Runtime's training API, rename it",
				kind, name))
		}
	}
	for _, t := range f.parameters {
		refuse("parameter", t.GetName())
	}
	for _, v := range f.inputs() {
		refuse("graph input", v.GetName())
		inputs++
	}
	if inputs == 0 {
		faults = append(faults, errors.New("the forward graph has no input"))
	}
	for _, v := range f.model.GetGraph().GetOutput() {
		refuse("graph output", v.GetName())
	}
	return errors.Join(faults...)
}

// inputs are the graph inputs that are not stored values.
func (f *network) inputs() []*onnxgraph.ValueInfo {
	stored := map[string]bool{}
	for _, t := range f.model.GetGraph().GetInitializer() {
		stored[t.GetName()] = true
	}
	return slices.DeleteFunc(slices.Clone(f.model.GetGraph().GetInput()),
		func(v *onnxgraph.ValueInfo) bool { return stored[v.GetName()] })
}

// newBuilder starts a graph that has the forward graph's inputs, then the parameters, as inputs.
func (f *network) newBuilder(name string) *onnxgraph.Builder {
	b := onnxgraph.NewBuilder(name, f.model.Opset(""))
	for _, v := range f.inputs() {
		b.Input(v.GetName(), f.types.Of[v.GetName()])
	}
	for _, t := range f.parameters {
		b.Input(t.GetName(), t.Type())
	}
	return b
}

// addConstants stores the constants that the nodes use, in the order of their first use.
func (f *network) addConstants(b *onnxgraph.Builder, nodes []*onnxgraph.Node) {
	added := map[string]bool{}
	for _, n := range nodes {
		for _, in := range n.GetInput() {
			if t := f.constants[in]; t != nil && !added[in] {
				added[in] = true
				b.Initializer(t)
			}
		}
	}
}
