package autodiff

import (
	"fmt"
	"slices"
	"strconv"

	"ordo/models/onnxgraph"
)

// fold copies the nodes of the graph but for those whose result is known: constants, the shape arithmetic that
// exporters write in front of a Reshape, and what they compute of constants. New shapes in which an exported batch is
// built in are made free.
func (f *network) fold() error {
	for _, n := range f.model.GetGraph().GetNode() {
		if n.GetOpType() == "Constant" {
			t, err := onnxgraph.ConstantValue(n)
			if err != nil {
				return fmt.Errorf("node %q (Constant): %w", n.GetName(), err)
			}
			f.constants[t.GetName()] = t
			continue
		}
		if f.foldKnown(n) {
			continue
		}
		switch n.GetOpType() {
		case "Reshape":
			n = f.foldReshape(n)
		case "Expand":
			n = f.foldExpand(n)
		case "Gather":
			n = f.foldGather(n)
		case "Concat":
			n = f.foldConcat(n)
		case "Transpose":
			n = f.foldTranspose(n)
		case "Conv", "AveragePool", "MaxPool":
			n = f.foldPads(n)
		}
		f.nodes = append(f.nodes, n)
	}
	return nil
}

// foldKnown stores the results of a node whose outputs are all known.
func (f *network) foldKnown(n *onnxgraph.Node) bool {
	var known []*onnxgraph.Tensor
	for _, name := range n.GetOutput() {
		if name == "" {
			continue
		}
		t := f.known(name)
		if t == nil {
			return false
		}
		known = append(known, t)
	}
	for _, t := range known {
		f.constants[t.GetName()] = t
	}
	return true
}

// known returns a value as a stored tensor, nil if its elements are not known.
func (f *network) known(name string) *onnxgraph.Tensor {
	typ := f.types.Of[name]
	dims, fixed := typ.Shape.Sizes()
	count, ok := typ.Shape.Elements()
	if !fixed || !ok {
		return nil
	}
	switch typ.Elem {
	case onnxgraph.Int64, onnxgraph.Int32, onnxgraph.Bool:
		values, known := f.types.Values[name]
		numbers, ok := numbersOf(values)
		if known && ok && int64(len(values)) == count {
			return onnxgraph.NewIntegers(name, typ.Elem, dims, numbers)
		}
	case onnxgraph.Float32:
		if values, ok := f.types.Floats[name]; ok && int64(len(values)) == count {
			return onnxgraph.NewFloats(name, dims, values)
		}
	}
	return nil
}

// foldReshape makes the new shape of a Reshape a stored one, with -1 for the one free dimension. With more than one the
// node stays as it is.
func (f *network) foldReshape(n *onnxgraph.Node) *onnxgraph.Node {
	target, ok := reshapeTarget(f.types.Of[n.Out(0)].Shape)
	if !ok {
		return n
	}
	shape := f.store(onnxgraph.NewInts(n.Out(0)+"/shape", target...))
	return &onnxgraph.Node{Name: n.GetName(), OpType: "Reshape", Input: []string{n.In(0), shape}, Output: n.GetOutput()}
}

// foldPads makes automatic padding numbers, where the sizes are. ONNX Runtime can't do that for dilated kernels.
func (f *network) foldPads(n *onnxgraph.Node) *onnxgraph.Node {
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

// foldGather makes a Gather that takes all elements in their order a Reshape, see onnxgraph.InferFree.
func (f *network) foldGather(n *onnxgraph.Node) *onnxgraph.Node {
	x, y := f.types.Of[n.In(0)].Shape, f.types.Of[n.Out(0)].Shape
	if len(x) != 1 || isStatic(x) || isStatic(y) || !isStatic(f.types.Of[n.In(1)].Shape) {
		return n
	}
	return f.foldReshape(n)
}

// foldTranspose takes out a transpose that changes nothing: ONNX Runtime's fusion of transposes into matrix products
// looks at no order of dimensions, and computes another product with such a one.
func (f *network) foldTranspose(n *onnxgraph.Node) *onnxgraph.Node {
	perm, err := onnxgraph.Permutation(n, len(f.types.Of[n.In(0)].Shape))
	if err != nil || !slices.IsSorted(perm) {
		return n
	}
	return &onnxgraph.Node{Name: n.GetName(), OpType: "Identity", Input: n.GetInput(), Output: n.GetOutput()}
}

// foldExpand reads the batch where the node has the exported one in its new shape.
func (f *network) foldExpand(n *onnxgraph.Node) *onnxgraph.Node {
	x, y := f.types.Of[n.In(0)].Shape, f.types.Of[n.Out(0)].Shape
	target := f.types.Values[n.In(1)]
	if isStatic(x) && onnxgraph.Shape(target).Equal(y) || len(target) == 0 {
		return n
	}
	for i, d := range target {
		k := len(y) - len(target) + i
		own := k - (len(y) - len(x))
		if d.Param == "" && !y[k].Static() && (own < 0 || x[own].Static()) {
			shape := f.shapeNodes(n.Out(0), y)
			return &onnxgraph.Node{Name: n.GetName(), OpType: "Expand", Input: []string{n.In(0), shape},
				Output: n.GetOutput()}
		}
	}
	return n
}

func isStatic(s onnxgraph.Shape) bool {
	_, ok := s.Sizes()
	return ok
}

// foldConcat expands what has one row, or as many as the exported batch, where the others have a free number.
func (f *network) foldConcat(n *onnxgraph.Node) *onnxgraph.Node {
	y := f.types.Of[n.Out(0)].Shape
	inputs := slices.Clone(n.GetInput())
	axis := int(n.Int("axis", 0))
	if axis < 0 {
		axis += len(y)
	}
	for i, in := range inputs {
		x := slices.Clone(f.types.Of[in].Shape)
		grown := false
		for k := range x {
			if k != axis && x[k].Static() && !y[k].Static() {
				x[k], grown = y[k], true
			}
		}
		if grown {
			shape := f.shapeNodes(in+"/rows", x)
			inputs[i] = f.append("Expand", in+"/rows", onnxgraph.TensorType{Elem: f.types.Of[in].Elem, Shape: x}, in,
				shape)
		}
	}
	if slices.Equal(inputs, n.GetInput()) {
		return n
	}
	return &onnxgraph.Node{Name: n.GetName(), OpType: "Concat", Input: inputs, Output: n.GetOutput(),
		Attribute: n.GetAttribute()}
}

// shapeNodes adds nodes that give a shape at run time: its numbers, and each free size from an input that has it.
func (f *network) shapeNodes(of string, s onnxgraph.Shape) string {
	ints := func(n int64) onnxgraph.TensorType {
		return onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: onnxgraph.Static(n)}
	}
	var parts []string
	for _, d := range s {
		if d.Static() {
			parts = append(parts, f.store(onnxgraph.NewInts(of+"/size", d.Size)))
			continue
		}
		for _, v := range f.inputs() {
			shape := f.types.Of[v.GetName()].Shape
			k := slices.Index(shape, onnxgraph.Dim{Param: d.Param})
			if k < 0 {
				continue
			}
			sizes := f.append("Shape", of+"/sizes", ints(int64(len(shape))), v.GetName())
			size := f.append("Gather", of+"/size", ints(1), sizes, f.store(onnxgraph.NewInts(of+"/axis", int64(k))))
			if d.Size > 1 {
				size = f.append("Mul", of+"/size", ints(1), size, f.store(onnxgraph.NewInts(of+"/factor", d.Size)))
			}
			parts = append(parts, size)
			break
		}
	}
	shape := f.append("Concat", of+"/shape", ints(int64(len(s))), parts...)
	f.nodes[len(f.nodes)-1].Attribute = []*onnxgraph.Attribute{onnxgraph.IntAttr("axis", 0)}
	return shape
}

// append adds a node with one output of the given type, whose name is made unique and returned.
func (f *network) append(op, output string, typ onnxgraph.TensorType, inputs ...string) string {
	output = f.unique(output)
	f.types.Of[output] = typ
	f.nodes = append(f.nodes, &onnxgraph.Node{Name: output, OpType: op, Input: inputs, Output: []string{output}})
	return output
}

// store keeps a constant under its name, made unique.
func (f *network) store(t *onnxgraph.Tensor) string {
	t.Name = f.unique(t.GetName())
	f.constants[t.Name] = t
	f.types.Of[t.Name] = t.Type()
	if values, err := t.Integers(); err == nil {
		f.types.Values[t.Name] = onnxgraph.Static(values...)
	}
	return t.Name
}

// unique returns the name, or the name with a number where it is taken.
func (f *network) unique(name string) string {
	unique := name
	for {
		if _, taken := f.types.Of[unique]; !taken {
			return unique
		}
		f.numbered[name]++
		unique = name + "_" + strconv.Itoa(f.numbered[name])
	}
}

// lower replaces the nodes whose rule says so by others.
func (f *network) lower() error {
	table := rules()
	nodes := f.nodes
	f.nodes = nil
	for _, n := range nodes {
		r := table[n.GetOpType()]
		if r.lower == nil {
			f.nodes = append(f.nodes, n)
			continue
		}
		if err := r.lower(f, n); err != nil {
			return fmt.Errorf("node %q (%s): %w", n.GetName(), n.GetOpType(), err)
		}
	}
	return nil
}

// op adds a node of a lowering, types it, and returns its output, whose name is made unique.
func (f *network) op(op, output string, inputs []string, attributes ...*onnxgraph.Attribute) (string, error) {
	output = f.unique(output)
	n := &onnxgraph.Node{Name: output, OpType: op, Input: inputs, Output: []string{output}, Attribute: attributes}
	if err := f.types.Infer(n); err != nil {
		return "", err
	}
	f.nodes = append(f.nodes, n)
	return output, nil
}

// result adds the last node of a lowering: it makes the output of the node that is replaced.
func (f *network) result(of *onnxgraph.Node, op string, inputs []string, attributes ...*onnxgraph.Attribute) {
	f.nodes = append(f.nodes, &onnxgraph.Node{Name: of.GetName(), OpType: op, Input: inputs, Output: of.GetOutput()[:1],
		Attribute: attributes})
}
