package zoo

import (
	"math"
	"slices"

	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
)

// network is a graph under construction with the layers that the backbones are made of. A layer's name is its
// parameters' prefix.
type network struct {
	b    *onnxgraph.Builder
	seed uint64
	bare bool // parameters get no values
}

func newNetwork(name string, opset int64, imageSize int, seed uint64) *network {
	b := onnxgraph.NewBuilder(name, opset)
	s := int64(imageSize)
	b.Input(graph.Images, onnxgraph.FloatType(onnxgraph.Batch(3, s, s)))
	return &network{b: b, seed: seed}
}

// parameter stores a tensor whose elements draw gives.
func (n *network) parameter(name string, dims []int64, draw func(count int) []float32) string {
	if n.bare {
		return n.b.Initializer(&onnxgraph.Tensor{Name: name, Dims: dims, DataType: onnxgraph.Float32})
	}
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	return n.b.Initializer(onnxgraph.NewFloats(name, dims, draw(int(count))))
}

// filled is a parameter of one value.
func (n *network) filled(name string, v float32, dims ...int64) string {
	return n.parameter(name, dims, func(count int) []float32 { return slices.Repeat([]float32{v}, count) })
}

// normal is a parameter drawn from a normal distribution about 0.
func (n *network) normal(name string, std float64, dims ...int64) string {
	return n.parameter(name, dims, func(count int) []float32 { return normal(n.seed, name, count, std) })
}

// even is a parameter drawn evenly from ±1/√inputs.
func (n *network) even(name string, inputs int, dims ...int64) string {
	return n.parameter(name, dims, func(count int) []float32 { return heads.Evenly(n.seed, name, count, inputs) })
}

// scalar is a number that is not trained.
func (n *network) scalar(name string, v float32) string {
	return n.b.Op("Constant", name, nil, onnxgraph.FloatAttr("value_float", v))
}

// ints is a list that an operator takes as an input: a shape, axes or the like.
func (n *network) ints(name string, values ...int64) string {
	return n.b.Initializer(onnxgraph.NewInts(n.b.Unique(name), values...))
}

// window is the geometry of a square convolution; groups 0 is 1.
type window struct{ kernel, stride, pad, groups int }

// same is a window whose output at stride 1 is of the size of its input; its kernel is odd.
func same(kernel, stride int) window { return window{kernel, stride, kernel / 2, 0} }

// convolve adds a convolution of given inputs: x, weight and perhaps bias.
func (n *network) convolve(name string, inputs []string, w window) string {
	k, s, p := int64(w.kernel), int64(w.stride), int64(w.pad)
	attributes := []*onnxgraph.Attribute{
		onnxgraph.IntsAttr("kernel_shape", k, k), onnxgraph.IntsAttr("strides", s, s),
		onnxgraph.IntsAttr("pads", p, p, p, p),
	}
	if w.groups > 1 {
		attributes = append(attributes, onnxgraph.IntAttr("group", int64(w.groups)))
	}
	return n.b.Op("Conv", name, inputs, attributes...)
}

// kaiming is the weight of a square convolution, drawn from a normal distribution of variance 2/(out·kernel²).
func (n *network) kaiming(name string, out, in, kernel int) string {
	k := int64(kernel)
	return n.normal(name, math.Sqrt(2/float64(int64(out)*k*k)), int64(out), int64(in), k, k)
}

// conv is a square convolution without bias, padded so that stride 1 keeps the size.
func (n *network) conv(name, x string, in, out, kernel, stride int) string {
	return n.convolve(name, []string{x, n.kaiming(name+".weight", out, in, kernel)}, same(kernel, stride))
}

// batchNorm holds batch norm's constants, the momentum in ONNX's sense: 1 minus torch's.
type batchNorm struct{ epsilon, momentum float32 }

// norm is batch norm with torch's usual constants; its momentum of 0.1 is ONNX's 0.9.
func (n *network) norm(name, x string, channels int) string {
	return n.batchNorm(name, x, channels, batchNorm{1e-5, 0.9})
}

func (n *network) batchNorm(name, x string, channels int, c batchNorm) string {
	inputs := []string{x}
	for _, p := range []struct {
		name  string
		value float32
	}{{".weight", 1}, {".bias", 0}, {".running_mean", 0}, {".running_var", 1}} {
		inputs = append(inputs, n.filled(name+p.name, p.value, int64(channels)))
	}
	return n.b.Op("BatchNormalization", name, inputs,
		onnxgraph.FloatAttr("epsilon", c.epsilon), onnxgraph.FloatAttr("momentum", c.momentum))
}

// layerNorm normalises over the last dimension.
func (n *network) layerNorm(name, output, x string, channels int) string {
	inputs := []string{x, n.filled(name+".weight", 1, int64(channels)), n.filled(name+".bias", 0, int64(channels))}
	return n.b.Op("LayerNormalization", output, inputs, onnxgraph.IntAttr("axis", -1),
		onnxgraph.FloatAttr("epsilon", 1e-6))
}

func (n *network) transpose(name, x string, perm ...int64) string {
	return n.b.Op("Transpose", name, []string{x}, onnxgraph.IntsAttr("perm", perm...))
}

func (n *network) gelu(name, x string) string { return n.b.Op("Gelu", name, []string{x}) }

// averaged makes the features: the average over all pixels.
func (n *network) averaged(x string) {
	x = n.b.Op("GlobalAveragePool", "avgpool", []string{x})
	n.b.Op("Flatten", graph.Features, []string{x}, onnxgraph.IntAttr("axis", 1))
}

func (n *network) relu(name, x string) string { return n.b.Op("Relu", name, []string{x}) }

// dense is y = x·Wᵀ + b over the last dimension of an x of any number of dimensions, with the initial weights of
// transformers: normal with a standard deviation of 0.02, biases 0.
func (n *network) dense(name, x string, in, out int) string {
	w := n.transpose(name+".weight.t", n.normal(name+".weight", 0.02, int64(out), int64(in)), 1, 0)
	y := n.b.Op("MatMul", name+".matmul", []string{x, w})
	return n.b.Op("Add", name, []string{y, n.filled(name+".bias", 0, int64(out))})
}
