package autodiff

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ordo/models/onnxgraph"
)

// The opsets whose operators the rules know.
const (
	minOpset = 13
	maxOpset = 23
)

// forward is the forward graph as the builders want it: checked, typed, shape arithmetic folded, initializers told apart.
type forward struct {
	model *onnxgraph.Model
	types *onnxgraph.Types
	// nodes are those on which some graph output depends, in order.
	nodes []*onnxgraph.Node
	// parameters are the float32 initializers that the nodes use, in their order in the file.
	parameters []*onnxgraph.Tensor
	// constants are all other stored values that the nodes use.
	constants map[string]*onnxgraph.Tensor
	// statistics names the parameters that are batch norm's running mean or variance.
	statistics map[string]bool
}

func newForward(m *onnxgraph.Model) (*forward, error) {
	if err := onnxgraph.Check(m); err != nil {
		return nil, fmt.Errorf("the forward graph is not valid:\n%w", err)
	}
	if v := m.Opset(""); v < minOpset || v > maxOpset {
		return nil, fmt.Errorf("the forward graph uses opset %d, supported are %d to %d", v, minOpset, maxOpset)
	}
	types, err := onnxgraph.Infer(m)
	if err != nil {
		return nil, err
	}
	f := &forward{model: m, types: types, constants: map[string]*onnxgraph.Tensor{}, statistics: map[string]bool{}}
	if err := f.fold(); err != nil {
		return nil, err
	}
	var outputs []string
	for _, v := range m.GetGraph().GetOutput() {
		outputs = append(outputs, v.GetName())
	}
	f.nodes = upstream(f.nodes, outputs)
	if err := f.sortInitializers(); err != nil {
		return nil, err
	}
	return f, f.checkNames()
}

// fold copies the nodes of the graph but for those whose result is known: constants, and the shape arithmetic that
// exporters write in front of a Reshape.
func (f *forward) fold() error {
	for _, n := range f.model.GetGraph().GetNode() {
		if n.GetOpType() == "Constant" {
			t, err := onnxgraph.ConstantValue(n)
			if err != nil {
				return fmt.Errorf("node %q (Constant): %w", n.GetName(), err)
			}
			f.constants[t.GetName()] = t
			continue
		}
		if f.foldInts(n) {
			continue
		}
		switch n.GetOpType() {
		case "Reshape":
			n = f.foldReshape(n)
		case "Conv", "AveragePool", "MaxPool":
			n = f.foldPads(n)
		}
		f.nodes = append(f.nodes, n)
	}
	return nil
}

// foldInts stores the result of a node whose one output is a list of known integers.
func (f *forward) foldInts(n *onnxgraph.Node) bool {
	if len(n.GetOutput()) != 1 {
		return false
	}
	name := n.Out(0)
	values, known := f.types.Values[name]
	numbers, ok := onnxgraph.Shape(values).Sizes()
	if !known || !ok || f.types.Of[name].Elem != onnxgraph.Int64 {
		return false
	}
	t := onnxgraph.NewInts(name, numbers...)
	if len(f.types.Of[name].Shape) == 0 {
		t.Dims = nil
	}
	f.constants[name] = t
	return true
}

// foldReshape makes the new shape of a Reshape a stored one, with -1 for the one free dimension. With more than one the
// node stays as it is.
func (f *forward) foldReshape(n *onnxgraph.Node) *onnxgraph.Node {
	target, ok := reshapeTarget(f.types.Of[n.Out(0)].Shape)
	if !ok {
		return n
	}
	name := n.Out(0) + "/shape"
	for _, taken := f.types.Of[name]; taken; _, taken = f.types.Of[name] {
		name += "_"
	}
	f.constants[name] = onnxgraph.NewInts(name, target...)
	f.types.Of[name] = f.constants[name].Type()
	return &onnxgraph.Node{Name: n.GetName(), OpType: "Reshape", Input: []string{n.In(0), name}, Output: n.GetOutput()}
}

// foldPads makes automatic padding numbers, where the sizes are. ONNX Runtime can't do that for dilated kernels.
func (f *forward) foldPads(n *onnxgraph.Node) *onnxgraph.Node {
	var kernel []int64
	if n.GetOpType() == "Conv" {
		kernel, _ = f.types.Of[n.In(1)].Shape[2:].Sizes()
	}
	w, err := onnxgraph.WindowOf(n, kernel, f.types.Of[n.In(0)].Shape)
	if err != nil || n.Str("auto_pad", "NOTSET") == "NOTSET" {
		return n
	}
	attributes := slices.DeleteFunc(slices.Clone(n.GetAttribute()), func(a *onnxgraph.Attribute) bool {
		return a.GetName() == "auto_pad" || a.GetName() == "pads"
	})
	return &onnxgraph.Node{
		Name: n.GetName(), OpType: n.GetOpType(), Input: n.GetInput(), Output: n.GetOutput(),
		Attribute: append(attributes, onnxgraph.IntsAttr("pads", w.Pads...)),
	}
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
func (f *forward) sortInitializers() error {
	used := map[string]bool{}
	weights := map[string]bool{} // those that aren't mere settings of an operator
	table := rules()
	for _, n := range f.nodes {
		for i, in := range n.GetInput() {
			used[in] = true
			if !slices.Contains(table[n.GetOpType()].settings, i) {
				weights[in] = true
			}
			if n.GetOpType() == "BatchNormalization" && i >= 3 {
				f.statistics[in] = true
			}
		}
	}
	stored := map[string]bool{}
	for _, t := range f.model.GetGraph().GetInitializer() {
		name := t.GetName()
		stored[name] = true
		switch {
		case !used[name]:
		case t.GetDataType() == onnxgraph.Float32 && weights[name]:
			f.parameters = append(f.parameters, t)
		default:
			f.constants[name] = t
		}
	}
	for name := range f.constants {
		if !used[name] {
			delete(f.constants, name)
		}
	}
	for name := range f.statistics {
		if !stored[name] {
			return fmt.Errorf("value %q is batch norm's running statistic but not an initializer: it can't be updated", name)
		}
	}
	return nil
}

// checkNames refuses the names to which ONNX Runtime's training API gives a meaning.
func (f *forward) checkNames() error {
	var faults []error
	inputs := 0
	refuse := func(kind, name string) {
		for _, suffix := range []string{gradSuffix, bufferSuffix, flagSuffix} {
			if strings.HasSuffix(name, suffix) || name == resetName {
				faults = append(faults, fmt.Errorf("%s %q: the name is reserved by ONNX Runtime's training API, rename it", kind, name))
				return
			}
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
func (f *forward) inputs() []*onnxgraph.ValueInfo {
	stored := map[string]bool{}
	for _, t := range f.model.GetGraph().GetInitializer() {
		stored[t.GetName()] = true
	}
	return slices.DeleteFunc(slices.Clone(f.model.GetGraph().GetInput()), func(v *onnxgraph.ValueInfo) bool { return stored[v.GetName()] })
}

// newBuilder starts a graph that has the forward graph's inputs, then the parameters, as inputs.
func (f *forward) newBuilder(name string) *onnxgraph.Builder {
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
func (f *forward) addConstants(b *onnxgraph.Builder, nodes []*onnxgraph.Node) {
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
