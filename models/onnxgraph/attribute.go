package onnxgraph

// IntAttr makes an integer attribute.
func IntAttr(name string, v int64) *Attribute {
	return &Attribute{Name: name, Type: Attribute_INT, I: &v}
}

// IntsAttr makes an attribute that is a list of integers.
func IntsAttr(name string, v ...int64) *Attribute {
	return &Attribute{Name: name, Type: Attribute_INTS, Ints: v}
}

// FloatAttr makes a float attribute.
func FloatAttr(name string, v float32) *Attribute {
	return &Attribute{Name: name, Type: Attribute_FLOAT, F: &v}
}

// StringAttr makes a string attribute.
func StringAttr(name, v string) *Attribute {
	return &Attribute{Name: name, Type: Attribute_STRING, S: []byte(v)}
}

// TensorAttr makes a tensor attribute.
func TensorAttr(name string, t *Tensor) *Attribute {
	return &Attribute{Name: name, Type: Attribute_TENSOR, T: t}
}

// Attr returns the attribute of that name and kind, nil if the node has none.
func (n *Node) Attr(name string, kind Attribute_Kind) *Attribute {
	for _, a := range n.GetAttribute() {
		if a.GetName() == name && a.GetType() == kind {
			return a
		}
	}
	return nil
}

// Int returns an integer attribute, missing if the node doesn't have it.
func (n *Node) Int(name string, missing int64) int64 {
	if a := n.Attr(name, Attribute_INT); a != nil {
		return a.GetI()
	}
	return missing
}

// Ints returns an attribute that is a list of integers, nil if the node doesn't have it.
func (n *Node) Ints(name string) []int64 { return n.Attr(name, Attribute_INTS).GetInts() }

// Float returns a float attribute, missing if the node doesn't have it.
func (n *Node) Float(name string, missing float32) float32 {
	if a := n.Attr(name, Attribute_FLOAT); a != nil {
		return a.GetF()
	}
	return missing
}

// Str returns a string attribute, missing if the node doesn't have it.
func (n *Node) Str(name, missing string) string {
	if a := n.Attr(name, Attribute_STRING); a != nil {
		return string(a.GetS())
	}
	return missing
}

// In returns the name of input i, "" where the node leaves it out.
func (n *Node) In(i int) string { return at(n.GetInput(), i) }

// Out returns the name of output i, "" where the node leaves it out.
func (n *Node) Out(i int) string { return at(n.GetOutput(), i) }

func at(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return ""
}
