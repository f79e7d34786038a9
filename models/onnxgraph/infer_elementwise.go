package onnxgraph

import (
	"fmt"
	"slices"
)

// unaryShape: an operator on each element of its first input.
func unaryShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	t.fold(n, in, in[0].Shape)
	return one(resultElem(n, in[0].Elem), in[0].Shape)
}

// elementwiseShape: an operator on the elements of all inputs, broadcast to one shape.
func elementwiseShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	s, err := t.broadcast(n, in)
	if err != nil {
		return nil, err
	}
	if n.GetOpType() == "PRelu" && len(s) != len(in[0].Shape) {
		return nil, fmt.Errorf("a slope of shape %v for an input of shape %v", in[1].Shape, in[0].Shape)
	}
	t.fold(n, in, s)
	return one(resultElem(n, in[0].Elem), s)
}

// resultElem is the element type of a node whose first operand has the given one.
func resultElem(n *Node, elem DataType) DataType {
	switch n.GetOpType() {
	case "And", "Or", "Xor", "Not", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "IsNaN", "IsInf":
		return Bool
	}
	return elem
}

// broadcast is the shape of several operands together.
func (t *typing) broadcast(n *Node, in []TensorType) (Shape, error) {
	s := in[0].Shape
	for i, x := range in {
		if n.In(i) == "" {
			return nil, errInputs
		}
		var err error
		if s, err = broadcast(s, x.Shape); err != nil {
			return nil, err
		}
	}
	if t.batch > 1 { // a free size and a number together are that number, but the batch shall stay free
		for _, x := range in {
			lead := len(s) - len(x.Shape)
			for i, d := range x.Shape {
				if !d.Static() && s[lead+i].Static() {
					return nil, fmt.Errorf("inputs of shapes %v and %v: the exported batch is built into one of them",
						in[0].Shape, in[len(in)-1].Shape)
				}
			}
		}
	}
	return s, nil
}

func whereShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	s, err := t.broadcast(n, in)
	if err != nil {
		return nil, err
	}
	t.foldWhere(n, in, s)
	return one(in[1].Elem, s)
}

func (t *typing) foldWhere(n *Node, in []TensorType, out Shape) {
	count, ok := out.Elements()
	condition, known := t.Values[n.In(0)]
	if !ok || !known || count > maxShapeElements {
		return
	}
	chosen, ok := pickFrom(condition, broadcastIndex(out, in[0].Shape))
	if !ok {
		return
	}
	index := [][]int{broadcastIndex(out, in[1].Shape), broadcastIndex(out, in[2].Shape)}
	if v, ok := gather(t.Values, n.GetInput()[1:3], index); ok {
		t.Values[n.Out(0)] = choose(chosen, v)
	}
	if v, ok := gather(t.Floats, n.GetInput()[1:3], index); ok {
		t.Floats[n.Out(0)] = choose(chosen, v)
	}
}

func choose[T any](condition []Dim, v [][]T) []T {
	chosen := make([]T, len(condition))
	for i, c := range condition {
		if (c != Dim{}) {
			chosen[i] = v[0][i]
		} else {
			chosen[i] = v[1][i]
		}
	}
	return chosen
}

// castShape types Cast, and CastLike, which takes the element type of its second input.
func castShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	to := DataType(n.Int("to", 0))
	if n.GetOpType() == "CastLike" {
		to = in[1].Elem
	}
	if Tensor_DataType_name[int32(to)] == "" || to == 0 {
		return nil, fmt.Errorf("element type %d is not known", to)
	}
	ints, isInt := t.Values[n.In(0)]
	floats, isFloat := t.Floats[n.In(0)]
	out := n.Out(0)
	switch {
	case (to == Int64 || to == Int32) && isInt:
		t.Values[out] = ints
	case (to == Int64 || to == Int32) && isFloat:
		if v, ok := truncated(floats); ok {
			t.Values[out] = v
		}
	case to == Bool && isInt:
		t.Values[out] = truths(ints)
	case to == Float32 && isFloat:
		t.Floats[out] = floats
	case to == Float32 && isInt:
		if !hasNames(ints) {
			t.Floats[out] = asFloats(ints)
		}
	}
	return one(to, in[0].Shape)
}

func hasNames(v []Dim) bool {
	return slices.ContainsFunc(v, func(d Dim) bool { return d.Param != "" })
}

func truncated(v []float32) ([]Dim, bool) {
	out := make([]Dim, len(v))
	for i, f := range v {
		if !(f > -maxDim && f < maxDim) {
			return nil, false
		}
		out[i].Size = int64(f)
	}
	return out, true
}

func truths(v []Dim) []Dim {
	out := make([]Dim, len(v))
	for i, d := range v {
		out[i], _ = truth(d != Dim{})
	}
	return out
}

func asFloats(v []Dim) []float32 {
	out := make([]float32, len(v))
	for i, d := range v {
		out[i] = float32(d.Size)
	}
	return out
}

// dropoutShape: the second output says which elements were kept.
func dropoutShape(_ *typing, _ *Node, in []TensorType) ([]TensorType, error) {
	return []TensorType{in[0], {Bool, in[0].Shape}}, nil
}

// clipShape follows the elements through the bounds that are given, one after the other.
func clipShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	out := n.Out(0)
	t.carry(n, n.In(0))
	for i, op := range []string{"Max", "Min"} {
		bound := n.In(i + 1)
		if bound == "" {
			continue
		}
		step := &Node{OpType: op, Input: []string{out, bound}, Output: []string{out}}
		if !t.fold(step, []TensorType{in[0], in[i+1]}, in[0].Shape) {
			delete(t.Values, out)
			delete(t.Floats, out)
		}
	}
	return one(in[0].Elem, in[0].Shape)
}
