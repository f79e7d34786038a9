package zoo

import "ordo/models/onnxgraph"

// network is a graph under construction with the layers that the backbones are made of. A layer's name is its parameters'
// prefix.
type network struct {
	b    *onnxgraph.Builder
	seed uint64
}

func newNetwork(name string, imageSize int, seed uint64) *network {
	b := onnxgraph.NewBuilder(name, opset)
	s := int64(imageSize)
	b.Input(Images, onnxgraph.FloatType(onnxgraph.Batch(3, s, s)))
	return &network{b, seed}
}

func (n *network) parameter(name string, dims []int64, values []float32) string {
	return n.b.Initializer(onnxgraph.NewFloats(name, dims, values))
}

// conv is a square convolution without bias, padded so that stride 1 keeps the size.
func (n *network) conv(name, x string, in, out, kernel, stride int) string {
	dims := []int64{int64(out), int64(in), int64(kernel), int64(kernel)}
	weight := n.parameter(name+".weight", dims, kaimingNormal(n.stream(name+".weight"), dims))
	k, s, p := int64(kernel), int64(stride), int64(kernel/2)
	return n.b.Op("Conv", name, []string{x, weight},
		onnxgraph.IntsAttr("kernel_shape", k, k), onnxgraph.IntsAttr("strides", s, s), onnxgraph.IntsAttr("pads", p, p, p, p))
}

// norm is batch norm with torch's constants; its momentum of 0.1 is ONNX's 0.9.
func (n *network) norm(name, x string, channels int) string {
	dims := []int64{int64(channels)}
	inputs := []string{
		x,
		n.parameter(name+".weight", dims, constant(channels, 1)),
		n.parameter(name+".bias", dims, constant(channels, 0)),
		n.parameter(name+".running_mean", dims, constant(channels, 0)),
		n.parameter(name+".running_var", dims, constant(channels, 1)),
	}
	return n.b.Op("BatchNormalization", name, inputs, onnxgraph.FloatAttr("epsilon", 1e-5), onnxgraph.FloatAttr("momentum", 0.9))
}

func (n *network) relu(name, x string) string { return n.b.Op("Relu", name, []string{x}) }
