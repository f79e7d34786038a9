package kernels

/*
#include "kernels.h"
*/
import "C"

import (
	"fmt"

	"ordo/models/onnxgraph"
)

// Precisions that a convolution can be computed in.
const (
	F32  = "f32"
	BF16 = "bf16" // inputs rounded to bfloat16, sums in float32
)

// Convolution is a convolution as a node of a graph has it.
type Convolution struct {
	Batch             int // of images; any is as good as another where it is not known
	Channels, Filters int
	Height, Width     int
	Kernel, Strides   [2]int
	Pads              [4]int // top, left, bottom, right
	Dilations         [2]int
	Groups            int
	Bias              bool
	Precision         string // F32 (default) or BF16
}

// ConvolutionOf reads a node Conv, of ONNX's or of ours, with the shapes of its input X and its weights W. A convolution of anything
// but images, and one whose padding is named instead of given, is an error that wraps ErrUnsupported.
func ConvolutionOf(n *onnxgraph.Node, x, w onnxgraph.Shape) (Convolution, error) {
	refuse := func(format string, args ...any) (Convolution, error) {
		return Convolution{}, fmt.Errorf("%w: node %s: %s", ErrUnsupported, n.GetName(), fmt.Sprintf(format, args...))
	}
	if len(x) != 4 || len(w) != 4 {
		return refuse("it has an input of %d and weights of %d dimensions, not 4", len(x), len(w))
	}
	for i, d := range w {
		if !d.Static() || (i > 0 && !x[i].Static()) {
			return refuse("its shapes %v and %v are not fixed", x, w)
		}
	}
	if pad := n.Str("auto_pad", "NOTSET"); pad != "NOTSET" && pad != "VALID" {
		return refuse("auto_pad is %s", pad)
	}
	c := Convolution{
		Batch: 1, Channels: int(x[1].Size), Height: int(x[2].Size), Width: int(x[3].Size), Filters: int(w[0].Size),
		Kernel: [2]int{int(w[2].Size), int(w[3].Size)}, Strides: [2]int{1, 1}, Dilations: [2]int{1, 1},
		Groups: int(n.Int("group", 1)), Bias: n.In(2) != "", Precision: n.Str("precision", F32),
	}
	if x[0].Static() {
		c.Batch = int(x[0].Size)
	}
	for _, a := range []struct {
		name string
		dst  []int
	}{{"strides", c.Strides[:]}, {"dilations", c.Dilations[:]}, {"pads", c.Pads[:]}, {"kernel_shape", c.Kernel[:]}} {
		values := n.Ints(a.name)
		if len(values) != 0 && len(values) != len(a.dst) {
			return refuse("%s is %v", a.name, values)
		}
		for i, v := range values {
			a.dst[i] = int(v)
		}
	}
	return c, nil
}

// Supports says how oneDNN would compute a convolution and its gradients: the names of three kernels. An error, which wraps
// ErrUnsupported, says why that would not be fast, or what is wrong with the convolution.
func (l *Library) Supports(c Convolution) (string, error) {
	positive := []int{c.Batch, c.Channels, c.Filters, c.Height, c.Width, c.Kernel[0], c.Kernel[1], c.Strides[0], c.Strides[1],
		c.Dilations[0], c.Dilations[1], c.Groups}
	for _, v := range positive {
		if v < 1 {
			return "", fmt.Errorf("%w: sizes must be at least 1: %+v", ErrUnsupported, c)
		}
	}
	for _, v := range c.Pads {
		if v < 0 {
			return "", fmt.Errorf("%w: padding must be at least 0: %+v", ErrUnsupported, c)
		}
	}
	if c.Channels%c.Groups != 0 || c.Filters%c.Groups != 0 {
		return "", fmt.Errorf("%w: %d to %d channels cannot be in %d groups", ErrUnsupported, c.Channels, c.Filters, c.Groups)
	}
	if c.Precision != "" && c.Precision != F32 && c.Precision != BF16 {
		return "", fmt.Errorf("%w: precision must be %s or %s, got %q", ErrUnsupported, F32, BF16, c.Precision)
	}
	in := C.ordo_convolution{
		batch: C.int64_t(c.Batch), channels: C.int64_t(c.Channels), height: C.int64_t(c.Height), width: C.int64_t(c.Width),
		filters: C.int64_t(c.Filters), groups: C.int64_t(c.Groups),
	}
	for i := range 2 {
		in.kernel[i], in.strides[i] = C.int64_t(c.Kernel[i]), C.int64_t(c.Strides[i])
		in.dilations[i] = C.int64_t(c.Dilations[i])
	}
	for i, v := range c.Pads {
		in.pads[i] = C.int64_t(v)
	}
	if c.Precision == BF16 {
		in.bf16 = 1
	}
	if c.Bias {
		in.bias = 1
	}
	var fault C.int
	says := text(C.ordo_convolution_check(&in, &fault))
	if fault != 0 {
		return "", fmt.Errorf("%w: %s", ErrUnsupported, says)
	}
	return says, nil
}
