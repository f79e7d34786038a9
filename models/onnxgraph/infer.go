package onnxgraph

import (
	"errors"
	"fmt"
	"slices"
)

// Types is what [Infer] finds out.
type Types struct {
	// Opset is the version of ONNX's operators in the model.
	Opset int64
	// Of holds the type of every value: graph inputs, initializers and the outputs of nodes.
	Of map[string]TensorType
	// Values holds the elements of the small integer tensors whose elements are known, so the shape arithmetic: a size,
	// or a named dimension where the size is free.
	Values map[string][]Dim
	// Floats holds the elements of the small float tensors that are known and no parameters.
	Floats map[string][]float32
}

// maxShapeElements bounds the integer tensors that are followed through: shapes and axes are much shorter.
const maxShapeElements = 64

// maxElements bounds the elements of a tensor, each free size taken for 1: a terabyte is no network's.
const maxElements = 1 << 38

// huge says whether a tensor would have more than maxElements elements.
func (s Shape) huge() bool {
	n := int64(1)
	for _, d := range s {
		if f := d.factor(); f > 0 {
			if n > maxElements/f {
				return true
			}
			n *= f
		}
	}
	return false
}

// Infer finds the type of every value of a model that has passed [Check]. It stops at the first node whose operator it
// doesn't know or whose inputs don't fit, and names it. The elements of all small stored tensors are taken for known,
// also those of parameters.
func Infer(m *Model) (*Types, error) { return infer(m, 0, nil) }

// InferFree is Infer for a model as it would be with a free number of images, whose parameters, the names of stored
// tensors, have unknown elements, as training changes them. The outermost dimension of every input is named. Where it
// is a number in the file, the batch for which the graph was exported, that number is taken for the batch wherever it
// sits in a new shape that the data's batch goes into.
//
// A Reshape or Expand of such a graph has a new shape in its file that is not the one it gets here, and a Concat may
// join a tensor of one row, or of as many as the exported batch, with one of a free number: it must be expanded first.
// A Gather that takes all elements of a list in their order, with free sizes in its result, is a Reshape.
func InferFree(m *Model, parameters []string) (*Types, error) {
	stored := initializers(m.GetGraph())
	batch := int64(0)
	for _, v := range m.GetGraph().GetInput() {
		if typ, err := v.TensorType(); err == nil && stored[v.GetName()] == nil && len(typ.Shape) > 0 &&
			typ.Shape[0].Static() {
			if batch != 0 && batch != typ.Shape[0].Size {
				return nil, fmt.Errorf("the graph's inputs are of different batches, %d and %v", batch, typ.Shape[0])
			}
			batch = typ.Shape[0].Size
		}
	}
	if batch == 0 {
		batch = free
	}
	types, err := infer(m, batch, parameters)
	if err == nil && batch != free {
		err = checkFreed(m, types, batch)
	}
	if err != nil && batch != free {
		return nil, fmt.Errorf("%w\nThe graph was exported for batches of %d: export it with a free batch dimension",
			err, batch)
	}
	return types, err
}

// checkFreed holds the types of a graph whose batch was made free against those that its file declares for the exported
// batch: with that in place of the name they must be the same, and every output must have a row an image.
func checkFreed(m *Model, types *Types, batch int64) error {
	for _, v := range slices.Concat(m.GetGraph().GetValueInfo(), m.GetGraph().GetOutput()) {
		declared, err := v.TensorType()
		if _, fixed := declared.Shape.Sizes(); err != nil || !fixed {
			continue
		}
		found, ok := types.Of[v.GetName()]
		same := len(found.Shape) == len(declared.Shape)
		for i, d := range found.Shape {
			if d.Param != "" {
				d = Dim{Size: d.factor() * batch}
			}
			same = same && d == declared.Shape[i]
		}
		if ok && !same {
			return fmt.Errorf("value %q has the shape %v for a free batch, but is declared as %v", v.GetName(),
				found.Shape, declared.Shape)
		}
	}
	for _, v := range m.GetGraph().GetOutput() {
		if s := types.Of[v.GetName()].Shape; len(s) == 0 || s[0].Param == "" {
			return fmt.Errorf("output %q has the shape %v: the free batch is lost on the way", v.GetName(), s)
		}
	}
	return nil
}

// free is typing.batch of a graph whose inputs already have a free batch.
const free = -1

// batchName names the free dimension where the file has no name for it.
const batchName = "batch"

func infer(m *Model, batch int64, parameters []string) (*Types, error) {
	t := newTyping(&Types{Opset: m.Opset(""), Of: map[string]TensorType{}, Values: map[string][]Dim{},
		Floats: map[string][]float32{}}, batch)
	weights := map[string]bool{}
	for _, name := range parameters {
		weights[name] = true
	}
	stored := initializers(m.GetGraph())
	for _, v := range m.GetGraph().GetInput() {
		typ, err := v.TensorType()
		if err != nil {
			return nil, fmt.Errorf("graph input: %w", err)
		}
		if batch != 0 && stored[v.GetName()] == nil && len(typ.Shape) > 0 && typ.Shape[0].Param == "" {
			typ.Shape[0] = Dim{Param: batchName}
		}
		t.Of[v.GetName()] = typ
	}
	for _, s := range m.GetGraph().GetInitializer() {
		if t.Of[s.GetName()] = s.Type(); !weights[s.GetName()] {
			t.store(s.GetName(), s)
		}
	}
	for i, n := range m.GetGraph().GetNode() {
		if err := t.infer(n); err != nil {
			return nil, fmt.Errorf("%s: %w", describe(i, n), err)
		}
	}
	return &t.Types, nil
}

// Infer types the outputs of one more node, whose inputs are typed.
func (t *Types) Infer(n *Node) error { return newTyping(t, 0).infer(n) }

// typing is the state of an inference.
type typing struct {
	Types
	// batch is the number of images for which the graph was exported and which shall be free; free where it is already;
	// 0: leave all sizes as they are.
	batch int64
	// counting holds the stored tensors whose elements are 0, 1, 2 and so on.
	counting map[string]bool
	rules    map[string]shapeRule
}

func newTyping(t *Types, batch int64) *typing {
	return &typing{Types: *t, batch: batch, counting: map[string]bool{}, rules: shapeRules()}
}

// shapeRule types the outputs of a node whose inputs are typed. It may look at in[i] only for the inputs that the node
// has.
type shapeRule func(t *typing, n *Node, in []TensorType) ([]TensorType, error)

var errOperator = errors.New("this operator's shapes are not known to ordo")

func (t *typing) infer(n *Node) error {
	rule := t.rules[n.GetOpType()]
	if rule == nil || domainName(n.GetDomain()) != "" {
		return errOperator
	}
	in := make([]TensorType, len(n.GetInput()))
	for i, name := range n.GetInput() {
		if name == "" {
			continue
		}
		typ, ok := t.Of[name]
		if !ok {
			return fmt.Errorf("input %q has no type", name)
		}
		in[i] = typ
	}
	out, err := rule(t, n, in)
	if err != nil {
		return err
	}
	for i, name := range n.GetOutput() {
		if name == "" {
			continue
		}
		if i >= len(out) {
			return fmt.Errorf("output %d, %q, is one too many", i, name)
		}
		for _, d := range out[i].Shape {
			if d.Param == "" && d != Unknown && (d.Size < 0 || d.Size > maxDim) {
				return fmt.Errorf("output %q would have the shape %v, which is impossible", name, out[i].Shape)
			}
		}
		if out[i].Shape.huge() {
			return fmt.Errorf("output %q would have the shape %v, more than %d elements", name, out[i].Shape,
				int64(maxElements))
		}
		t.Of[name] = out[i]
	}
	return nil
}

// store notes the elements of a small stored tensor.
func (t *typing) store(name string, stored *Tensor) {
	if t.batch > 0 && stored.GetDataType() == Int64 {
		values, err := stored.Ints()
		t.counting[name] = err == nil
		for i, v := range values {
			t.counting[name] = t.counting[name] && v == int64(i)
		}
	}
	if n, ok := Static(stored.GetDims()...).Elements(); !ok || n > maxShapeElements {
		return
	}
	if values, err := stored.Integers(); err == nil {
		t.Values[name] = Static(values...)
	}
	if values, err := stored.Floats(); err == nil {
		t.Floats[name] = values
	}
}

// initializers maps the stored tensors by name.
func initializers(g *Graph) map[string]*Tensor {
	stored := map[string]*Tensor{}
	for _, s := range g.GetInitializer() {
		stored[s.GetName()] = s
	}
	return stored
}

// ints returns the elements of an integer input that must be known numbers, nil where the node leaves it out.
func (t *typing) ints(n *Node, input int) ([]int64, error) {
	name := n.In(input)
	if name == "" {
		return nil, nil
	}
	known, ok := t.Values[name]
	if !ok {
		return nil, fmt.Errorf("input %d, %q, depends on the data: only constants and shape arithmetic are supported",
			input, name)
	}
	values := make([]int64, len(known))
	for i, d := range known {
		if d.Param != "" {
			return nil, fmt.Errorf("input %d, %q, depends on the free size %v", input, name, d)
		}
		values[i] = d.Size
	}
	return values, nil
}

// axesOf returns the axes of a node, from the attribute or, in newer opsets, from the input; each in [0, rank). None
// given: nil.
func (t *typing) axesOf(n *Node, input, rank int) ([]int, error) {
	given := n.Ints("axes")
	if given == nil {
		var err error
		if given, err = t.ints(n, input); err != nil {
			return nil, err
		}
	}
	var axes []int
	for _, a := range given {
		axis, err := normalAxis(a, rank)
		if err != nil {
			return nil, err
		}
		axes = append(axes, axis)
	}
	return axes, nil
}

// normalAxis counts an axis from the front; negative axes count from the back.
func normalAxis(axis int64, rank int) (int, error) {
	if axis < -int64(rank) || axis >= int64(rank) {
		return 0, fmt.Errorf("axis %d of a tensor of %d dimensions", axis, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), nil
}

var errInputs = errors.New("the node has too few inputs")

// atLeast wraps a rule: the first n inputs must be there.
func atLeast(n int, rule shapeRule) shapeRule {
	return func(t *typing, node *Node, in []TensorType) ([]TensorType, error) {
		for i := range n {
			if node.In(i) == "" {
				return nil, errInputs
			}
		}
		return rule(t, node, in)
	}
}
