package onnxgraph

import (
	"errors"
	"fmt"
	"slices"
)

// shapeRules maps each operator of ONNX's domain that ordo knows to the rule for its types. To add one: one line here,
// one function below.
func shapeRules() map[string]shapeRule { //nolint:funlen // a table
	return map[string]shapeRule{
		"Abs":                   atLeast(1, unaryShape),
		"Acos":                  atLeast(1, unaryShape),
		"Acosh":                 atLeast(1, unaryShape),
		"Add":                   atLeast(2, elementwiseShape),
		"And":                   atLeast(2, elementwiseShape),
		"ArgMax":                atLeast(1, argShape),
		"ArgMin":                atLeast(1, argShape),
		"Asin":                  atLeast(1, unaryShape),
		"Asinh":                 atLeast(1, unaryShape),
		"Atan":                  atLeast(1, unaryShape),
		"Atanh":                 atLeast(1, unaryShape),
		"AveragePool":           atLeast(1, poolShape),
		"BatchNormalization":    atLeast(5, batchNormShape),
		"Cast":                  atLeast(1, castShape),
		"CastLike":              atLeast(2, castShape),
		"Ceil":                  atLeast(1, unaryShape),
		"Celu":                  atLeast(1, unaryShape),
		"Clip":                  atLeast(1, clipShape),
		"Concat":                atLeast(1, concatShape),
		"Constant":              constantShape,
		"ConstantOfShape":       atLeast(1, constantOfShapeShape),
		"Conv":                  atLeast(2, convShape),
		"ConvTranspose":         atLeast(2, convTransposeShape),
		"Cos":                   atLeast(1, unaryShape),
		"Cosh":                  atLeast(1, unaryShape),
		"CumSum":                atLeast(2, sameShape),
		"Div":                   atLeast(2, elementwiseShape),
		"Dropout":               atLeast(1, dropoutShape),
		"Einsum":                atLeast(1, einsumShape),
		"Elu":                   atLeast(1, unaryShape),
		"Equal":                 atLeast(2, elementwiseShape),
		"Erf":                   atLeast(1, unaryShape),
		"Exp":                   atLeast(1, unaryShape),
		"Expand":                atLeast(2, expandShape),
		"Flatten":               atLeast(1, flattenShape),
		"Floor":                 atLeast(1, unaryShape),
		"Gather":                atLeast(2, gatherShape),
		"GatherND":              atLeast(2, gatherNDShape),
		"GatherElements":        atLeast(2, gatherElementsShape),
		"Gelu":                  atLeast(1, unaryShape),
		"Gemm":                  atLeast(2, gemmShape),
		"GlobalAveragePool":     atLeast(1, globalPoolShape),
		"GlobalMaxPool":         atLeast(1, globalPoolShape),
		"Greater":               atLeast(2, elementwiseShape),
		"GreaterOrEqual":        atLeast(2, elementwiseShape),
		"GroupNormalization":    atLeast(3, groupNormShape),
		"HardSigmoid":           atLeast(1, unaryShape),
		"HardSwish":             atLeast(1, unaryShape),
		"Identity":              atLeast(1, unaryShape),
		"InstanceNormalization": atLeast(3, instanceNormShape),
		"IsInf":                 atLeast(1, unaryShape),
		"IsNaN":                 atLeast(1, unaryShape),
		"LayerNormalization":    atLeast(2, layerNormShape),
		"LeakyRelu":             atLeast(1, unaryShape),
		"Less":                  atLeast(2, elementwiseShape),
		"LessOrEqual":           atLeast(2, elementwiseShape),
		"Log":                   atLeast(1, unaryShape),
		"LogSoftmax":            atLeast(1, sameShape),
		"MatMul":                atLeast(2, matMulShape),
		"Max":                   atLeast(1, elementwiseShape),
		"MaxPool":               atLeast(1, poolShape),
		"Mean":                  atLeast(1, elementwiseShape),
		"Min":                   atLeast(1, elementwiseShape),
		"Mish":                  atLeast(1, unaryShape),
		"Mod":                   atLeast(2, elementwiseShape),
		"Mul":                   atLeast(2, elementwiseShape),
		"Neg":                   atLeast(1, unaryShape),
		"Not":                   atLeast(1, unaryShape),
		"Or":                    atLeast(2, elementwiseShape),
		"PRelu":                 atLeast(2, elementwiseShape),
		"Pad":                   atLeast(2, padShape),
		"Pow":                   atLeast(2, elementwiseShape),
		"RMSNormalization":      atLeast(2, layerNormShape),
		"Range":                 atLeast(3, rangeShape),
		"Reciprocal":            atLeast(1, unaryShape),
		"ReduceL1":              atLeast(1, reduceShape),
		"ReduceL2":              atLeast(1, reduceShape),
		"ReduceLogSum":          atLeast(1, reduceShape),
		"ReduceLogSumExp":       atLeast(1, reduceShape),
		"ReduceMax":             atLeast(1, reduceShape),
		"ReduceMean":            atLeast(1, reduceShape),
		"ReduceMin":             atLeast(1, reduceShape),
		"ReduceProd":            atLeast(1, reduceShape),
		"ReduceSum":             atLeast(1, reduceShape),
		"ReduceSumSquare":       atLeast(1, reduceShape),
		"Relu":                  atLeast(1, unaryShape),
		"Reshape":               atLeast(2, reshapeShape),
		"Resize":                atLeast(1, resizeShape),
		"Round":                 atLeast(1, unaryShape),
		"ScatterElements":       atLeast(3, sameShape),
		"ScatterND":             atLeast(3, sameShape),
		"Selu":                  atLeast(1, unaryShape),
		"Shape":                 atLeast(1, shapeShape),
		"Sigmoid":               atLeast(1, unaryShape),
		"Sign":                  atLeast(1, unaryShape),
		"Sin":                   atLeast(1, unaryShape),
		"Sinh":                  atLeast(1, unaryShape),
		"Size":                  atLeast(1, sizeShape),
		"Slice":                 atLeast(3, sliceShape),
		"Softmax":               atLeast(1, sameShape),
		"Softplus":              atLeast(1, unaryShape),
		"Softsign":              atLeast(1, unaryShape),
		"Split":                 atLeast(1, splitShape),
		"Sqrt":                  atLeast(1, unaryShape),
		"Squeeze":               atLeast(1, squeezeShape),
		"Sub":                   atLeast(2, elementwiseShape),
		"Sum":                   atLeast(1, elementwiseShape),
		"Tan":                   atLeast(1, unaryShape),
		"Tanh":                  atLeast(1, unaryShape),
		"ThresholdedRelu":       atLeast(1, unaryShape),
		"Tile":                  atLeast(2, tileShape),
		"Transpose":             atLeast(1, transposeShape),
		"Trilu":                 atLeast(1, sameShape),
		"Unsqueeze":             atLeast(1, unsqueezeShape),
		"Where":                 atLeast(3, whereShape),
		"Xor":                   atLeast(2, elementwiseShape),
	}
}

// one is the result of a rule for an operator of one output.
func one(elem DataType, s Shape) ([]TensorType, error) {
	return []TensorType{{Elem: elem, Shape: s}}, nil
}

func sameShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	t.carry(n, n.In(0))
	return one(in[0].Elem, in[0].Shape)
}

// carry notes that the elements of output 0 are those of a value, if they are known.
func (t *typing) carry(n *Node, from string) {
	if v, ok := t.Values[from]; ok {
		t.Values[n.Out(0)] = v
	}
	if v, ok := t.Floats[from]; ok {
		t.Floats[n.Out(0)] = v
	}
}

// broadcast is the shape of an element-wise operation on two tensors: aligned at the last dimension, equal or 1 in
// each.
func broadcast(a, b Shape) (Shape, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		k := len(a) - len(b) + i
		switch one := (Dim{Size: 1}); {
		case a[k] == d || d == one:
		case a[k] == one:
			out[k] = d
		case a[k].Static() && d.Static():
			return nil, fmt.Errorf("shapes %v and %v don't go together", a, b)
		case d.Static(): // the other is free: it can only be this size or 1
			out[k] = d
		case !a[k].Static():
			out[k] = Unknown
		}
	}
	return out, nil
}

func constantShape(t *typing, n *Node, _ []TensorType) ([]TensorType, error) {
	stored, err := ConstantValue(n)
	if err != nil {
		return nil, err
	}
	t.store(n.Out(0), stored)
	return []TensorType{stored.Type()}, nil
}

// ConstantValue returns the tensor of a Constant node, under the name of the node's output.
func ConstantValue(n *Node) (*Tensor, error) {
	if len(n.GetAttribute()) != 1 {
		return nil, fmt.Errorf("a constant must have one attribute, this has %d", len(n.GetAttribute()))
	}
	a := n.GetAttribute()[0]
	switch a.GetName() {
	case "value":
		t := a.GetT()
		if err := t.Check(); err != nil {
			return nil, err
		}
		return &Tensor{
			Name: n.Out(0), Dims: t.GetDims(), DataType: t.GetDataType(), RawData: t.RawData, FloatData: t.FloatData,
			Int32Data: t.Int32Data, Int64Data: t.Int64Data, DoubleData: t.DoubleData, Uint64Data: t.Uint64Data,
			StringData: t.StringData,
		}, nil
	case "value_int":
		scalar := NewInts(n.Out(0), a.GetI())
		scalar.Dims = nil
		return scalar, nil
	case "value_ints":
		return NewInts(n.Out(0), a.GetInts()...), nil
	case "value_float":
		return NewFloats(n.Out(0), nil, []float32{a.GetF()}), nil
	case "value_floats":
		return NewFloats(n.Out(0), []int64{int64(len(a.GetFloats()))}, a.GetFloats()), nil
	}
	return nil, fmt.Errorf("a constant given by %q is not supported", a.GetName())
}

// Window is the geometry of a convolution or pooling over the spatial dimensions of its input.
type Window struct {
	Kernel, Strides, Dilations []int64
	// Pads holds the padding before each spatial dimension, then the padding after each. Automatic padding is resolved.
	Pads []int64
	// Ceil rounds the output size up where the windows don't tile the input.
	Ceil bool
}

// maxWindow bounds a kernel, stride, dilation or padding.
const maxWindow = 1 << 16

// WindowOf reads the geometry of a Conv, MaxPool or AveragePool node from its attributes. kernel is the size of the
// kernel where the node doesn't say it (nil if it must), in the shape of its input.
func WindowOf(n *Node, kernel []int64, in Shape) (Window, error) {
	w := Window{Kernel: n.Ints("kernel_shape"), Ceil: n.Int("ceil_mode", 0) != 0}
	if w.Kernel == nil {
		w.Kernel = kernel
	}
	rank := len(in) - 2
	if rank < 1 || len(w.Kernel) != rank {
		return w, fmt.Errorf("kernel %v over an input of shape %v", w.Kernel, in)
	}
	if kernel != nil && !slices.Equal(kernel, w.Kernel) {
		return w, fmt.Errorf("kernel_shape %v, but the weights' kernel is %v", w.Kernel, kernel)
	}
	w.Strides = orOnes(n.Ints("strides"), rank)
	w.Dilations = orOnes(n.Ints("dilations"), rank)
	w.Pads = n.Ints("pads")
	if w.Pads == nil {
		w.Pads = make([]int64, 2*rank)
	}
	if len(w.Strides) != rank || len(w.Dilations) != rank || len(w.Pads) != 2*rank {
		return w, fmt.Errorf("strides %v, dilations %v, pads %v for %d spatial dimensions", w.Strides, w.Dilations,
			w.Pads, rank)
	}
	for _, list := range [][]int64{w.Kernel, w.Strides, w.Dilations} {
		for _, v := range list {
			if v < 1 || v > maxWindow {
				return w, fmt.Errorf("kernel %v, strides %v, dilations %v: each must be in [1, %d]", w.Kernel,
					w.Strides, w.Dilations, maxWindow)
			}
		}
	}
	for _, v := range w.Pads {
		if v < 0 || v > maxWindow {
			return w, fmt.Errorf("pads %v: each must be in [0, %d]", w.Pads, maxWindow)
		}
	}
	return w, w.resolveAutoPad(n.Str("auto_pad", "NOTSET"), in)
}

func orOnes(v []int64, n int) []int64 {
	if v != nil {
		return v
	}
	return slices.Repeat([]int64{1}, n)
}

// resolveAutoPad turns automatic padding into numbers: SAME makes the output ⌈input/stride⌉ long and puts the odd pixel
// at the end (upper) or the beginning (lower).
func (w *Window) resolveAutoPad(mode string, in Shape) error {
	switch mode {
	case "NOTSET":
		return nil
	case "VALID":
		clear(w.Pads)
		return nil
	case "SAME_UPPER", "SAME_LOWER":
	default:
		return fmt.Errorf("auto_pad %q is not known", mode)
	}
	rank := len(w.Kernel)
	w.Pads = make([]int64, 2*rank)
	for i := range rank {
		d := in[i+2]
		if !d.Static() {
			return fmt.Errorf("automatic padding of the free size %v", d)
		}
		out := (d.Size + w.Strides[i] - 1) / w.Strides[i]
		total := max(0, (out-1)*w.Strides[i]+w.extent(i)-d.Size)
		small := total / 2
		if mode == "SAME_UPPER" {
			w.Pads[i], w.Pads[i+rank] = small, total-small
		} else {
			w.Pads[i], w.Pads[i+rank] = total-small, small
		}
	}
	return nil
}

// extent is the number of input pixels from the kernel's first to its last in spatial dimension i.
func (w *Window) extent(i int) int64 { return (w.Kernel[i]-1)*w.Dilations[i] + 1 }

// Output is the size that a spatial dimension i of the given size has after the operation.
func (w *Window) Output(i int, in Dim) (Dim, error) {
	if !in.Static() {
		return Unknown, nil
	}
	rank := len(w.Kernel)
	free := in.Size + w.Pads[i] + w.Pads[i+rank] - w.extent(i)
	if free < 0 {
		return Dim{}, fmt.Errorf("a kernel of extent %d over a padded size of %d", w.extent(i), free+w.extent(i))
	}
	out := free/w.Strides[i] + 1
	// Rounding up, a last window must still begin inside the input or the padding before it.
	if w.Ceil && free%w.Strides[i] != 0 && out*w.Strides[i] < in.Size+w.Pads[i] {
		out++
	}
	return Dim{Size: out}, nil
}

// Beyond is the number of pixels that the last window covers after the padding in each dimension: only with Ceil there
// are any. It is false if a size is free.
func (w *Window) Beyond(in Shape) ([]int64, bool) {
	beyond := make([]int64, len(w.Kernel))
	for i := range beyond {
		out, err := w.Output(i, in[i+2])
		if err != nil || !out.Static() {
			return nil, false
		}
		padded := w.Pads[i] + in[i+2].Size + w.Pads[i+len(w.Kernel)]
		beyond[i] = max(0, (out.Size-1)*w.Strides[i]+w.extent(i)-padded)
	}
	return beyond, true
}

// emptyWindow finds a window that covers no pixel of an image: a dilated kernel can stride over it. Only windows that
// begin in the padding can, where that is smaller than the kernel.
func (w *Window) emptyWindow(in Shape) error {
	for i, dilation := range w.Dilations {
		for start := -w.Pads[i]; start < 0 && in[i+2].Static(); start += w.Strides[i] {
			if k := (-start + dilation - 1) / dilation; k >= w.Kernel[i] || start+k*dilation >= in[i+2].Size {
				return fmt.Errorf("a window of kernel %v, dilations %v and pads %v has no pixel of %v", w.Kernel,
					w.Dilations, w.Pads, in)
			}
		}
	}
	return nil
}

func (w *Window) spatial(in Shape) (Shape, error) {
	out := make(Shape, len(w.Kernel))
	for i := range out {
		var err error
		if out[i], err = w.Output(i, in[i+2]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func convShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x, weights := in[0].Shape, in[1].Shape
	sizes, ok := weights.Sizes()
	if !ok || len(sizes) != len(x) || len(x) < 3 {
		return nil, fmt.Errorf("input of shape %v, weights of shape %v", x, weights)
	}
	group := n.Int("group", 1)
	if group < 1 || sizes[0]%group != 0 || sizes[1] > maxDim/group || x[1].Static() && x[1].Size != sizes[1]*group {
		return nil, fmt.Errorf("weights of shape %v in %d groups over an input of shape %v", weights, group, x)
	}
	if n.In(2) != "" && !in[2].Shape.Equal(Static(sizes[0])) {
		return nil, fmt.Errorf("bias of shape %v for %d channels", in[2].Shape, sizes[0])
	}
	w, err := WindowOf(n, sizes[2:], x)
	if err != nil {
		return nil, err
	}
	spatial, err := w.spatial(x)
	if err != nil {
		return nil, err
	}
	return one(in[0].Elem, append(Shape{x[0], {Size: sizes[0]}}, spatial...))
}

func poolShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	w, err := WindowOf(n, nil, x)
	if err != nil {
		return nil, err
	}
	for i, p := range w.Pads {
		if p >= w.Kernel[i%len(w.Kernel)] {
			return nil, fmt.Errorf("pads %v: each must be below the kernel's size, %v", w.Pads, w.Kernel)
		}
	}
	if err := w.emptyWindow(x); err != nil && n.Int("count_include_pad", 0) == 0 {
		return nil, err
	}
	if n.GetOpType() == "AveragePool" && n.Ints("dilations") != nil && t.Opset < 19 {
		return nil, fmt.Errorf("dilations are known since opset 19, the graph has %d", t.Opset)
	}
	spatial, err := w.spatial(x)
	if err != nil {
		return nil, err
	}
	s := append(Shape{x[0], x[1]}, spatial...)
	return []TensorType{{in[0].Elem, s}, {Int64, s}}, nil // MaxPool's second output: where each maximum was
}

func globalPoolShape(_ *typing, _ *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	if len(x) < 3 {
		return nil, fmt.Errorf("input of shape %v has no spatial dimension", x)
	}
	s := Shape{x[0], x[1]}
	for range x[2:] {
		s = append(s, Dim{Size: 1})
	}
	return one(in[0].Elem, s)
}

func batchNormShape(_ *typing, _ *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	if len(x) < 2 {
		return nil, fmt.Errorf("input of shape %v has no channels", x)
	}
	for _, p := range in[1:5] {
		if !p.Shape.Equal(Shape{x[1]}) {
			return nil, fmt.Errorf("a parameter of shape %v for an input of shape %v", p.Shape, x)
		}
	}
	return []TensorType{in[0], in[3], in[4], in[3], in[4]}, nil // before opset 14 there may be five
}

func gemmShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	a, b := in[0].Shape, in[1].Shape
	if len(a) != 2 || len(b) != 2 {
		return nil, fmt.Errorf("matrices of shapes %v and %v", a, b)
	}
	if n.Int("transA", 0) != 0 {
		a = Shape{a[1], a[0]}
	}
	if n.Int("transB", 0) != 0 {
		b = Shape{b[1], b[0]}
	}
	if t.differ(a[1], b[0]) {
		return nil, fmt.Errorf("matrices of shapes %v and %v", a, b)
	}
	s := Shape{a[0], b[1]}
	if n.In(2) != "" {
		if c, err := broadcast(s, in[2].Shape); err != nil || len(c) != 2 {
			return nil, fmt.Errorf("bias of shape %v for a product of shape %v", in[2].Shape, s)
		}
	}
	return one(in[0].Elem, s)
}

func flattenShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	axis := n.Int("axis", 1)
	if axis != int64(len(x)) {
		a, err := normalAxis(axis, len(x))
		if err != nil {
			return nil, err
		}
		axis = int64(a)
	}
	return one(in[0].Elem, Shape{Product(x[:axis]), Product(x[axis:])})
}

func reduceShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	axes, keep, err := reduceAxes(t, n, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	s := Shape{}
	for i, d := range in[0].Shape {
		switch {
		case !slices.Contains(axes, i):
			s = append(s, d)
		case keep:
			s = append(s, Dim{Size: 1})
		}
	}
	if len(axes) == len(in[0].Shape) {
		t.reduceKnown(n)
	}
	return one(in[0].Elem, s)
}

// reduceKnown notes what all elements of a known value come to, as Keras multiplies sizes.
func (t *typing) reduceKnown(n *Node) {
	op := map[string]string{"ReduceProd": "Mul", "ReduceSum": "Add", "ReduceMax": "Max", "ReduceMin": "Min"}[n.GetOpType()]
	if ints, ok := t.Values[n.In(0)]; ok {
		if v, ok := reduced(intOperation(op), ints); ok {
			t.Values[n.Out(0)] = []Dim{v}
		}
	}
	if floats, ok := t.Floats[n.In(0)]; ok {
		if v, ok := reduced(floatOperation(op), floats); ok {
			t.Floats[n.Out(0)] = []float32{v}
		}
	}
}

// reduced puts an operation of two operands between all values.
func reduced[T any](f func([]T) (T, bool), values []T) (result T, ok bool) {
	if f == nil || len(values) == 0 {
		return result, false
	}
	result, ok = values[0], true
	for _, v := range values[1:] {
		if result, ok = f([]T{result, v}); !ok {
			break
		}
	}
	return result, ok
}

// ReduceAxes returns the dimensions over which a reduction of a tensor of that many dimensions goes.
func (t *Types) ReduceAxes(n *Node, rank int) ([]int, error) {
	axes, _, err := reduceAxes(newTyping(t, 0), n, rank)
	return axes, err
}

func reduceAxes(t *typing, n *Node, rank int) (axes []int, keep bool, err error) {
	if axes, err = t.axesOf(n, 1, rank); err != nil {
		return nil, false, err
	}
	if axes == nil && n.Int("noop_with_empty_axes", 0) == 0 {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	slices.Sort(axes)
	return slices.Compact(axes), n.Int("keepdims", 1) != 0, nil
}

func transposeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	perm, err := Permutation(n, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	s := make(Shape, len(perm))
	for i, p := range perm {
		s[i] = in[0].Shape[p]
	}
	t.move(n.Out(0), s, n.In(0), in[0].Shape, func(at []int) []int {
		from := make([]int, len(perm))
		for i, p := range perm {
			from[p] = at[i]
		}
		return from
	})
	return one(in[0].Elem, s)
}

// Permutation returns the order of dimensions of a Transpose node: output dimension i is input dimension p[i].
func Permutation(n *Node, rank int) ([]int64, error) {
	perm := n.Ints("perm")
	if perm == nil {
		for i := range rank {
			perm = append(perm, int64(rank-1-i))
		}
	}
	sorted := slices.Sorted(slices.Values(perm))
	for i, p := range sorted {
		if p != int64(i) {
			return nil, fmt.Errorf("perm %v is not an order of %d dimensions", perm, rank)
		}
	}
	if len(perm) != rank {
		return nil, fmt.Errorf("perm %v for %d dimensions", perm, rank)
	}
	return perm, nil
}

func shapeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	rank := int64(len(in[0].Shape))
	bound := func(v int64) int64 {
		if v < 0 {
			v += rank
		}
		return min(max(v, 0), rank)
	}
	start, end := bound(n.Int("start", 0)), bound(n.Int("end", rank))
	s := in[0].Shape[start:max(start, end)]
	if !slices.Contains(s, Unknown) {
		t.Values[n.Out(0)] = s
	}
	return one(Int64, Static(int64(len(s))))
}

func squeezeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	axes, err := t.axesOf(n, 1, len(x))
	if err != nil {
		return nil, err
	}
	s := Shape{}
	for i, d := range x {
		unit := d == Dim{Size: 1}
		switch {
		case slices.Contains(axes, i) && d.Static() && !unit:
			return nil, fmt.Errorf("dimension %d of %v is not 1", i, x)
		case slices.Contains(axes, i), axes == nil && unit:
		default:
			s = append(s, d)
		}
	}
	t.carry(n, n.In(0))
	return one(in[0].Elem, s)
}

func unsqueezeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	count := len(n.Ints("axes"))
	if count == 0 {
		count = len(t.Values[n.In(1)])
	}
	rank := len(in[0].Shape) + count
	axes, err := t.axesOf(n, 1, rank)
	if err != nil {
		return nil, err
	}
	if slices.Sort(axes); len(slices.Compact(slices.Clone(axes))) != len(axes) {
		return nil, errors.New("an axis is given twice")
	}
	s := slices.Clone(in[0].Shape)
	for _, a := range axes {
		s = slices.Insert(s, a, Dim{Size: 1})
	}
	t.carry(n, n.In(0))
	return one(in[0].Elem, s)
}
