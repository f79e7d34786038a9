package kernels

/*
#include "kernels.h"
*/
import "C"

import "fmt"

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
	Stored            bool   // in precision BF16: activations are bfloat16 in memory, too, as ConvBF16 has them
}

// Supports says how a convolution and its gradients by the input and the weights would be computed: the names of three
// kernels, of oneDNN's ("jit:avx512_core") or our own ("winograd F(4x4, 3x3)"). An error says why that would not be
// fast, or what is wrong with the convolution.
func (d *OneDNN) Supports(c Convolution) (string, error) {
	positive := []int{
		c.Batch, c.Channels, c.Filters, c.Height, c.Width, c.Groups,
		c.Kernel[0], c.Kernel[1], c.Strides[0], c.Strides[1], c.Dilations[0], c.Dilations[1],
	}
	for _, v := range positive {
		if v < 1 {
			return "", fmt.Errorf("kernels: no fast kernel: sizes must be at least 1: %+v", c)
		}
	}
	for _, v := range c.Pads {
		if v < 0 {
			return "", fmt.Errorf("kernels: no fast kernel: padding must be at least 0: %+v", c)
		}
	}
	if c.Channels%c.Groups != 0 || c.Filters%c.Groups != 0 {
		return "", fmt.Errorf("kernels: no fast kernel: %d to %d channels cannot be in %d groups",
			c.Channels, c.Filters, c.Groups)
	}
	if c.Precision != "" && c.Precision != F32 && c.Precision != BF16 {
		return "", fmt.Errorf("kernels: no fast kernel: precision must be %s or %s, got %q", F32, BF16, c.Precision)
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
	if c.Stored {
		in.half = 1
	}
	if c.Bias {
		in.bias = 1
	}
	var unfit C.int
	says := text(C.ordo_convolution_check(&in, &unfit))
	if unfit != 0 {
		return "", fmt.Errorf("kernels: no fast kernel: %s", says)
	}
	return says, nil
}
