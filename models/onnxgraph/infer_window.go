package onnxgraph

import (
	"errors"
	"fmt"
	"slices"
)

// TransposedWindowOf reads the geometry of a ConvTranspose node: that of the convolution whose input gradient it
// computes. kernel is the size of its weights' kernel, in the shape of its input. The output sizes of the spatial
// dimensions are free where the input's are.
//
// The padding after a dimension is the one that makes the convolution map the output exactly to the input,
//
//	pad after = (input − 1)·stride + extent − pad before − output
//
// so it accounts for output_padding, and is negative where pixels at the output's end get nothing but the bias. Where
// the input is free it is the attribute's less output_padding, which is the same.
func TransposedWindowOf(n *Node, kernel []int64, in Shape) (Window, Shape, error) {
	rank := len(in) - 2
	fixed := &Node{OpType: n.GetOpType()} // without what WindowOf would read as a convolution's
	for _, a := range n.GetAttribute() {
		if a.GetName() != "auto_pad" {
			fixed.Attribute = append(fixed.Attribute, a)
		}
	}
	w, err := WindowOf(fixed, kernel, in)
	if err != nil {
		return w, nil, err
	}
	extra := n.Ints("output_padding")
	if extra == nil {
		extra = make([]int64, rank)
	}
	wanted := n.Ints("output_shape")
	if len(extra) != rank || wanted != nil && len(wanted) != rank {
		return w, nil, fmt.Errorf("output_padding %v, output_shape %v for %d spatial dimensions", extra, wanted, rank)
	}
	for _, v := range slices.Concat(extra, wanted) {
		if v < 0 || v > maxDim {
			return w, nil, fmt.Errorf("output_padding %v, output_shape %v: none may be negative or above %d", extra,
				wanted, int64(maxDim))
		}
	}
	for i, v := range extra {
		if v >= w.Strides[i] { // ONNX Runtime refuses more, though ONNX allows it for dilated kernels
			return w, nil, fmt.Errorf("output_padding %v: each must be below the stride, %v", extra, w.Strides)
		}
	}
	mode := n.Str("auto_pad", "NOTSET")
	same := mode == "SAME_UPPER" || mode == "SAME_LOWER"
	if !same && mode != "NOTSET" && mode != "VALID" {
		return w, nil, fmt.Errorf("auto_pad %q is not known", mode)
	}
	w.Pads = slices.Clone(w.Pads)
	if mode == "VALID" {
		clear(w.Pads)
	}
	out := make(Shape, rank)
	for i := range rank {
		d := in[i+2]
		switch {
		case d.Static() && d.Size < 1:
			return w, nil, fmt.Errorf("an input of shape %v is empty", in)
		case !d.Static() && (same || wanted != nil):
			return w, nil, fmt.Errorf("the padding depends on the free size %v", d)
		case !d.Static():
			out[i] = Unknown
			w.Pads[i+rank] -= extra[i]
			continue
		}
		unpadded := (d.Size-1)*w.Strides[i] + w.extent(i)
		size := unpadded + extra[i] - w.Pads[i] - w.Pads[i+rank]
		if same || wanted != nil {
			if size = d.Size * w.Strides[i]; wanted != nil {
				size = wanted[i]
			}
			total := max(0, unpadded+extra[i]-size)
			w.Pads[i] = total - total/2
			if mode == "SAME_UPPER" {
				w.Pads[i] = total / 2
			}
			if wanted == nil {
				size = unpadded + extra[i] - total
			} else if size+total-w.extent(i) < 0 || (size+total-w.extent(i))/w.Strides[i]+1 != d.Size {
				return w, nil, fmt.Errorf("output_shape %v can't be made of an input of shape %v", wanted, in)
			}
		}
		if size < 1 {
			return w, nil, fmt.Errorf("the padding %v leaves nothing of an input of shape %v", w.Pads, in)
		}
		w.Pads[i+rank] = unpadded - w.Pads[i] - size
		out[i] = Dim{Size: size}
	}
	return w, out, nil
}

func convTransposeShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x, weights := in[0].Shape, in[1].Shape
	sizes, ok := weights.Sizes()
	if !ok || len(sizes) != len(x) || len(x) < 3 {
		return nil, fmt.Errorf("input of shape %v, weights of shape %v", x, weights)
	}
	group := n.Int("group", 1)
	if group < 1 || sizes[0]%group != 0 || sizes[1] > maxDim/group || x[1].Static() && x[1].Size != sizes[0] {
		return nil, fmt.Errorf("weights of shape %v in %d groups over an input of shape %v", weights, group, x)
	}
	channels := sizes[1] * group
	if n.In(2) != "" && !in[2].Shape.Equal(Static(channels)) {
		return nil, fmt.Errorf("bias of shape %v for %d channels", in[2].Shape, channels)
	}
	_, spatial, err := TransposedWindowOf(n, sizes[2:], x)
	if err != nil {
		return nil, err
	}
	return one(in[0].Elem, append(Shape{x[0], {Size: channels}}, spatial...))
}

// Padding says what a Pad node does.
type Padding struct {
	Mode          string  // constant, reflect or edge
	Before, After []int64 // a dimension each; negative: cut off
}

// PaddingOf reads the geometry of a Pad node whose input has the given shape.
func (t *Types) PaddingOf(n *Node, in Shape) (Padding, error) {
	return newTyping(t, 0).paddingOf(n, in)
}

func (t *typing) paddingOf(n *Node, in Shape) (Padding, error) {
	rank := len(in)
	p := Padding{Mode: n.Str("mode", "constant"), Before: make([]int64, rank), After: make([]int64, rank)}
	// ONNX Runtime's result in mode wrap is wrong where the padding is wider than the input.
	if !slices.Contains([]string{"constant", "reflect", "edge"}, p.Mode) {
		return p, fmt.Errorf("mode %q is not supported", p.Mode)
	}
	pads, err := t.ints(n, 1)
	if err != nil {
		return p, err
	}
	axes, err := t.listedAxes(n, 3, rank)
	if err != nil {
		return p, err
	}
	if len(pads) != 2*len(axes) {
		return p, fmt.Errorf("pads %v for the dimensions %v of %v", pads, axes, in)
	}
	for i, axis := range axes {
		before, after := pads[i], pads[i+len(axes)]
		if before < -maxDim || before > maxDim || after < -maxDim || after > maxDim {
			return p, fmt.Errorf("pads %v: each must be in [-%d, %d]", pads, maxDim, maxDim)
		}
		p.Before[axis], p.After[axis] = before, after
		d := in[axis]
		cut := max(0, -before) + max(0, -after)
		switch {
		case !d.Static() && (before != 0 || after != 0):
			return p, fmt.Errorf("pads %v change the free size %v", pads, d)
		case p.Mode != "constant" && cut > 0:
			return p, fmt.Errorf("pads %v: negative ones are supported in mode constant only", pads)
		case !d.Static():
		case cut > d.Size:
			return p, fmt.Errorf("pads %v cut more than there is of %v", pads, in)
		case before+after == 0 && cut == 0:
		case p.Mode == "reflect" && max(before, after) >= d.Size:
			return p, fmt.Errorf("pads %v reflect more than there is of %v", pads, in)
		case p.Mode != "constant" && d.Size == 0:
			return p, fmt.Errorf("pads %v of the empty input %v", pads, in)
		}
	}
	return p, nil
}

// listedAxes returns the axes that an input lists, each once; all where the node has no such input.
func (t *typing) listedAxes(n *Node, input, rank int) ([]int, error) {
	axes, err := t.axesOf(n, input, rank)
	if err != nil {
		return nil, err
	}
	if n.In(input) == "" && n.Ints("axes") == nil {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	if sorted := slices.Sorted(slices.Values(axes)); len(slices.Compact(sorted)) != len(axes) {
		return nil, errors.New("an axis is given twice")
	}
	return axes, nil
}

func padShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	p, err := t.paddingOf(n, in[0].Shape)
	if err != nil {
		return nil, err
	}
	s := slices.Clone(in[0].Shape)
	for i, d := range s {
		if !d.Static() {
			continue
		}
		if s[i].Size += p.Before[i] + p.After[i]; s[i].Size < 1 {
			return nil, fmt.Errorf("pads %v and %v leave nothing of an input of shape %v", p.Before, p.After,
				in[0].Shape)
		}
	}
	return one(in[0].Elem, s)
}

// Resizing says what a Resize node does to the dimensions of its input.
type Resizing struct {
	Out Shape
	// Scales are the ratios by which coordinates are transformed: those of the node, else output by input size; 1 where
	// the dimension is left as it is.
	Scales []float32
}

// ResizingOf reads the geometry of a Resize node whose input has the given shape.
func (t *Types) ResizingOf(n *Node, in Shape) (Resizing, error) {
	return newTyping(t, 0).resizingOf(n, in)
}

func (t *typing) resizingOf(n *Node, in Shape) (Resizing, error) {
	r := Resizing{Out: slices.Clone(in), Scales: slices.Repeat([]float32{1}, len(in))}
	if p := n.Str("keep_aspect_ratio_policy", "stretch"); p != "stretch" {
		return r, fmt.Errorf("keep_aspect_ratio_policy %q is not supported", p)
	}
	axes, err := t.listedAxes(n, 4, len(in)) // an attribute: there is no input 4
	if err != nil {
		return r, err
	}
	if name := n.In(3); name != "" {
		return r, t.resizeTo(&r, name, axes, in)
	}
	name := n.In(2)
	scales, ok := t.Floats[name]
	if !ok {
		return r, fmt.Errorf("the scales %q depend on the data: only constants are supported", name)
	}
	if len(scales) != len(axes) {
		return r, fmt.Errorf("scales %v for the dimensions %v of %v", scales, axes, in)
	}
	for i, axis := range axes {
		if !(scales[i] > 0 && scales[i] <= maxDim) {
			return r, fmt.Errorf("scales %v: each must be above 0", scales)
		}
		r.Scales[axis] = scales[i]
		if d := in[axis]; d.Static() {
			r.Out[axis].Size = int64(float32(d.Size) * scales[i])
		} else if scales[i] != 1 {
			r.Out[axis] = Unknown
		}
	}
	return r, nil
}

// resizeTo completes a Resizing whose output sizes are given by a value.
func (t *typing) resizeTo(r *Resizing, name string, axes []int, in Shape) error {
	sizes, ok := t.Values[name]
	if !ok {
		return fmt.Errorf("the new size %q depends on the data: only constants and shape arithmetic are supported",
			name)
	}
	if len(sizes) != len(axes) {
		return fmt.Errorf("sizes %v for the dimensions %v of %v", Shape(sizes), axes, in)
	}
	for i, axis := range axes {
		from, to := in[axis], sizes[i]
		r.Out[axis] = to
		switch {
		case from == to && from != Unknown:
		case from.Static() && from.Size > 0 && to.Static():
			r.Scales[axis] = float32(to.Size) / float32(from.Size)
		default:
			return fmt.Errorf("the size %v becomes %v", from, to)
		}
	}
	return nil
}

// supported refuses what ONNX Runtime doesn't interpolate.
func (r *Resizing) supported(mode string) error {
	rank := len(r.Scales)
	images := rank > 2 && r.Scales[0] == 1 && r.Scales[1] == 1 // [batch, channels, …], of which only pixels are resized
	switch {
	case mode == "linear" && (rank == 2 || rank == 3 || images && rank <= 5):
	case mode == "linear" && rank == 4 && r.Scales[0] == 1 && r.Scales[3] == 1: // channels last
	case mode == "cubic" && (rank == 2 || images && rank == 4):
	case mode == "nearest":
	default:
		return fmt.Errorf("mode %s with the scales %v is not supported by ONNX Runtime", mode, r.Scales)
	}
	return nil
}

func resizeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	r, err := t.resizingOf(n, in[0].Shape)
	if err != nil {
		return nil, err
	}
	if slices.Contains(r.Out, Dim{Size: 0}) {
		return nil, fmt.Errorf("nothing is left of an input of shape %v", in[0].Shape)
	}
	if err := r.supported(n.Str("mode", "nearest")); err != nil {
		return nil, err
	}
	return one(in[0].Elem, r.Out)
}
