package autodiff

import (
	"math"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// The precisions of Kernels.
const (
	Float32  = "f32"
	BFloat16 = "bf16"
)

// Kernels lets the training graph have ordo's own operators in place of ONNX Runtime's: convolutions, batch norms with
// the addition and the ReLU behind them, pools, matrix products, activations, layer norms, softmaxes, and their
// gradients. The other graphs and the checkpoint are the same with and without.
type Kernels struct {
	// Precision of what convolutions multiply: Float32 (the default) or BFloat16. They add, and all else computes, in
	// float32.
	Precision string
	// Supports says whether the kernels do a convolution; nil: they do all. What they don't is left to ONNX Runtime.
	Supports func(Convolution) bool
	// Products is the precision of what matrix products multiply; Float32 (the default) or BFloat16, which takes a
	// processor with matrix units.
	Products string
	// Stores says whether they do a convolution with activations in bfloat16; nil: these are float32 whatever the
	// precision.
	Stores func(Convolution) bool
}

// Convolution is one over images: its sizes, all but the batch's.
type Convolution struct {
	Channels, Filters, Groups  int64
	Height, Width              int64 // of the input
	Kernel, Strides, Dilations [2]int64
	Pads                       [4]int64 // top, left, bottom, right
	Bias                       bool
}

// accelerated replaces forward nodes by those of domain ordo: matrix products, and, if a convolution is among these,
// nodes on images. A replaced addition and ReLU go into the batch norm before them, which moves to where they were.
func (t *training) accelerated(nodes []*onnxgraph.Node, o Options) []*onnxgraph.Node {
	if o.Kernels == nil {
		return nodes
	}
	a := &acceleration{training: t, kernels: *o.Kernels, merged: map[*onnxgraph.Node]bool{}}
	if a.kernels.Precision == "" {
		a.kernels.Precision = Float32
	}
	a.look(nodes, o.Outputs)
	nodes = a.products(nodes, o.Outputs)
	a.look(nodes, o.Outputs)
	// Batch norms and pools alone aren't worth the reorders.
	if !slices.ContainsFunc(nodes, func(n *onnxgraph.Node) bool {
		return n.GetOpType() == "Conv" &&
			a.replace(n) != n
	}) {
		return nodes
	}
	replaced := map[*onnxgraph.Node]*onnxgraph.Node{}
	// A ReLU takes the addition in front of it along, so these are looked for first.
	for _, end := range []string{"Relu", "Add", "BatchNormalization"} {
		for _, n := range nodes {
			if n.GetOpType() == end && !a.merged[n] {
				if m := a.batchNorm(n); m != nil {
					replaced[n] = m
				}
			}
		}
	}
	var out []*onnxgraph.Node
	for _, n := range nodes {
		switch m := replaced[n]; {
		case m != nil:
			out = append(out, m)
		case a.merged[n]:
		default:
			out = append(out, a.replace(n))
		}
	}
	return t.pointwise(out, o.Outputs)
}

// acceleration is what accelerated knows of the forward nodes.
type acceleration struct {
	*training
	kernels Kernels
	uses    map[string]int // of a value, by inputs of nodes and as an output
	users   map[string][]*onnxgraph.Node
	makers  map[string]*onnxgraph.Node
	// merged are nodes that have become part of another.
	merged map[*onnxgraph.Node]bool
}

// look finds out who makes and who uses which value.
func (a *acceleration) look(nodes []*onnxgraph.Node, outputs []string) {
	a.uses, a.users, a.makers = map[string]int{}, map[string][]*onnxgraph.Node{}, map[string]*onnxgraph.Node{}
	for _, n := range nodes {
		for _, in := range n.GetInput() {
			a.uses[in]++
			a.users[in] = append(a.users[in], n)
		}
		for _, out := range n.GetOutput() {
			a.makers[out] = n
		}
	}
	for _, name := range outputs {
		a.uses[name]++
	}
}

// before returns the node of an operator that makes a value for one use only.
func (a *acceleration) before(name, op string) *onnxgraph.Node {
	n := a.makers[name]
	if n == nil || a.merged[n] || n.GetDomain() != "" || n.GetOpType() != op || a.uses[name] != 1 {
		return nil
	}
	return n
}

// batchNorm makes the batch norm that ends with a node, nil if none does.
func (a *acceleration) batchNorm(end *onnxgraph.Node) *onnxgraph.Node {
	norm, sum, residual := end, end, ""
	if end.GetOpType() == "Relu" {
		if norm = a.before(end.In(0), "BatchNormalization"); norm == nil {
			sum = a.before(end.In(0), "Add")
		}
	}
	if sum != nil && sum.GetOpType() == "Add" {
		norm = nil
		for i, in := range sum.GetInput() {
			other := sum.In(1 - i)
			if norm == nil && a.isImages(other) && slices.Equal(a.typeOf(in).Shape, a.typeOf(other).Shape) {
				norm, residual = a.before(in, "BatchNormalization"), other
			}
		}
	}
	if norm == nil || !a.isImages(norm.In(0)) {
		return nil
	}
	for _, n := range []*onnxgraph.Node{norm, sum} {
		if n != nil && n != end {
			a.merged[n] = true
		}
	}
	inputs := slices.Clone(norm.GetInput()[:5])
	if residual != "" {
		inputs = append(inputs, residual)
	}
	y, channels := end.Out(0), a.typeOf(norm.In(1))
	relu := int64(0)
	if end.GetOpType() == "Relu" {
		relu = 1
	}
	if a.inference {
		return a.node(graph.Normalize, norm.GetName(), inputs, []string{y},
			onnxgraph.FloatAttr("epsilon", norm.Float("epsilon", 1e-5)), onnxgraph.IntAttr("relu", relu))
	}
	return a.node(graph.BatchNorm, norm.GetName(), inputs, []string{y, a.hidden(y+"/saved_mean", channels),
		a.hidden(y+"/saved_inv_std", channels)},
		onnxgraph.FloatAttr("epsilon", norm.Float("epsilon", 1e-5)),
		onnxgraph.FloatAttr("momentum", 1-norm.Float("momentum", 0.9)),
		onnxgraph.IntAttr("relu", relu))
}

// isImages says whether a value is a batch of images of fixed sizes.
func (t *training) isImages(name string) bool {
	typ := t.typeOf(name)
	if typ.Elem != onnxgraph.Float32 || len(typ.Shape) != 4 {
		return false
	}
	n, ok := typ.Shape[1:].Elements()
	return ok && n > 0
}

// hidden declares an output that no other node of the forward graph takes. addForward declares its type.
func (t *training) hidden(name string, typ onnxgraph.TensorType) string {
	name = t.b.Unique(name)
	t.types.Of[name] = typ
	return name
}

// node makes an operator of domain ordo on activations.
func (t *training) node(op, name string, inputs, outputs []string, attributes ...*onnxgraph.Attribute) *onnxgraph.Node {
	return &onnxgraph.Node{
		Name: name, OpType: op, Domain: graph.Domain, Input: inputs, Output: outputs,
		Attribute: append(attributes, onnxgraph.StringAttr("layout", "nhwc")),
	}
}

// replace returns ordo's operator for a node, or the node where there is none.
func (a *acceleration) replace(n *onnxgraph.Node) *onnxgraph.Node {
	if n.GetDomain() != "" || !a.isImages(n.In(0)) {
		return n
	}
	switch n.GetOpType() {
	case "Conv":
		return a.conv(n)
	case "MaxPool", "AveragePool":
		return a.pool(n)
	}
	return n
}

func (a *acceleration) conv(n *onnxgraph.Node) *onnxgraph.Node {
	x, weights := a.typeOf(n.In(0)).Shape, a.typeOf(n.In(1))
	sizes, ok := weights.Shape.Sizes()
	if !ok || weights.Elem != onnxgraph.Float32 {
		return n
	}
	w, err := onnxgraph.WindowOf(n, sizes[2:], x)
	if err != nil {
		return n
	}
	c := Convolution{
		Channels: x[1].Size, Filters: sizes[0], Groups: n.Int("group", 1), Height: x[2].Size, Width: x[3].Size,
		Kernel: [2]int64(w.Kernel), Strides: [2]int64(w.Strides), Dilations: [2]int64(w.Dilations),
		Pads: [4]int64(w.Pads), Bias: n.In(2) != "",
	}
	if a.kernels.Supports != nil && !a.kernels.Supports(c) {
		return n
	}
	attributes := append(convAttributes(&w, n), onnxgraph.StringAttr("precision", a.kernels.Precision))
	if a.inference && a.isStored(n.In(1)) {
		attributes = append(attributes, onnxgraph.IntAttr("constant_weights", 1))
	}
	if a.kernels.Stores != nil && a.kernels.Stores(c) {
		attributes = append(attributes, onnxgraph.IntAttr(stores, 1))
	}
	return a.node(graph.Conv, n.GetName(), n.GetInput(), n.GetOutput()[:1], attributes...)
}

func (a *acceleration) pool(n *onnxgraph.Node) *onnxgraph.Node {
	w, err := onnxgraph.WindowOf(n, nil, a.typeOf(n.In(0)).Shape)
	if err != nil || w.Ceil || n.Out(1) != "" || n.Int("storage_order", 0) != 0 {
		return n
	}
	for i, pad := range w.Pads { // a window with no pixel of the image
		if pad >= w.Kernel[i%2]*w.Dilations[i%2] {
			return n
		}
	}
	attributes := []*onnxgraph.Attribute{
		onnxgraph.IntsAttr("kernel_shape", w.Kernel...),
		onnxgraph.IntsAttr("strides", w.Strides...),
		onnxgraph.IntsAttr("pads", w.Pads...),
		onnxgraph.IntsAttr("dilations", w.Dilations...),
	}
	y := n.Out(0)
	if a.inference && n.GetOpType() == "MaxPool" {
		return a.node(graph.MaxPool, n.GetName(), n.GetInput(), []string{y}, attributes...)
	}
	if n.GetOpType() == "AveragePool" {
		attributes = append(attributes, onnxgraph.IntAttr("count_include_pad", n.Int("count_include_pad", 0)))
		return a.node(graph.AveragePool, n.GetName(), n.GetInput(), []string{y}, attributes...)
	}
	if w.Kernel[0]*w.Kernel[1] > math.MaxUint8 {
		return n
	}
	index := onnxgraph.TensorType{Elem: onnxgraph.Tensor_UINT8, Shape: a.typeOf(y).Shape}
	return a.node(graph.MaxPool, n.GetName(), n.GetInput(), []string{y, a.hidden(y+"/index", index)}, attributes...)
}
