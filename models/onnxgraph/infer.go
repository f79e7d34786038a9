package onnxgraph

import (
	"errors"
	"fmt"
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
	// Floats holds the elements of short stored lists of float32, such as the scales of a Resize.
	Floats map[string][]float32
}

// maxShapeElements bounds the integer tensors that are followed through: shapes and axes are much shorter.
const maxShapeElements = 64

// Infer finds the type of every value of a model that has passed [Check]. It stops at the first node whose operator it
// doesn't know or whose inputs don't fit, and names it.
func Infer(m *Model) (*Types, error) {
	t := &typing{Types{Opset: m.Opset(""), Of: map[string]TensorType{}, Values: map[string][]Dim{}, Floats: map[string][]float32{}}}
	for _, v := range m.GetGraph().GetInput() {
		typ, err := v.TensorType()
		if err != nil {
			return nil, fmt.Errorf("onnxgraph: graph input: %w", err)
		}
		t.Of[v.GetName()] = typ
	}
	for _, stored := range m.GetGraph().GetInitializer() {
		t.store(stored.GetName(), stored)
	}
	rules := shapeRules()
	for i, n := range m.GetGraph().GetNode() {
		rule := rules[n.GetOpType()]
		if rule == nil || domainName(n.GetDomain()) != "" {
			return nil, fmt.Errorf("onnxgraph: %s: this operator's shapes are not known to ordo", describe(i, n))
		}
		if err := t.infer(n, rule); err != nil {
			return nil, fmt.Errorf("onnxgraph: %s: %w", describe(i, n), err)
		}
	}
	return &t.Types, nil
}

// typing is the state of an inference.
type typing struct{ Types }

// shapeRule types the outputs of a node whose inputs are typed. It may look at in[i] only for the inputs that the node has.
type shapeRule func(t *typing, n *Node, in []TensorType) ([]TensorType, error)

func (t *typing) infer(n *Node, rule shapeRule) error {
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
		t.Of[name] = out[i]
	}
	return nil
}

// store types a stored tensor and notes its elements if it is a short list.
func (t *typing) store(name string, stored *Tensor) {
	t.Of[name] = stored.Type()
	if n, ok := Static(stored.GetDims()...).Elements(); !ok || n > maxShapeElements {
		return
	}
	switch stored.GetDataType() {
	case Int64:
		if values, err := stored.Ints(); err == nil {
			t.Values[name] = Static(values...)
		}
	case Float32:
		if values, err := stored.Floats(); err == nil {
			t.Floats[name] = values
		}
	}
}

// ints returns the elements of an integer input that must be known numbers, nil where the node leaves it out.
func (t *typing) ints(n *Node, input int) ([]int64, error) {
	name := n.In(input)
	if name == "" {
		return nil, nil
	}
	known, ok := t.Values[name]
	if !ok {
		return nil, fmt.Errorf("input %d, %q, depends on the data: only constants and shape arithmetic are supported", input, name)
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
