package zoo

import (
	"fmt"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// convNeXtTiny adds the network up to the layer norm on the average; returns the number of features.
func (n *network) convNeXtTiny(patch int) int {
	x := n.patches("features.0.0", graph.Images, 3, 96, patch)
	x = n.channelNorm("features.0.1", x, 96)
	channels := 96
	for stage, blocks := range []int{3, 3, 9, 3} {
		if stage > 0 {
			name := fmt.Sprintf("features.%d", 2*stage)
			x = n.patches(name+".1", n.channelNorm(name+".0", x, channels), channels, 2*channels, 2)
			channels *= 2
		}
		for block := range blocks {
			x = n.convNeXtBlock(fmt.Sprintf("features.%d.%d", 2*stage+1, block), x, channels)
		}
	}
	x = n.b.Op("GlobalAveragePool", "avgpool", []string{x})
	x = n.b.Op("Flatten", "flatten", []string{x}, onnxgraph.IntAttr("axis", 1))
	n.layerNorm("classifier.0", graph.Features, x, channels)
	return channels
}

// patches is a convolution with bias whose squares tile the image.
func (n *network) patches(name, x string, in, out, size int) string {
	k := int64(size)
	weight := n.normal(name+".weight", 0.02, int64(out), int64(in), k, k)
	return n.convolve(name, []string{x, weight, n.filled(name+".bias", 0, int64(out))},
		window{kernel: size, stride: size})
}

// channelNorm is layer norm over the channels of each pixel.
func (n *network) channelNorm(name, x string, channels int) string {
	x = n.transpose(name+".nhwc", x, 0, 2, 3, 1)
	return n.transpose(name, n.layerNorm(name, name+".norm", x, channels), 0, 3, 1, 2)
}

// convNeXtBlock is x + scale·mlp(norm(conv(x))): a 7x7 convolution of each channel by itself, and a perceptron over the
// channels of each pixel.
func (n *network) convNeXtBlock(name, x string, channels int) string {
	c := int64(channels)
	scale := n.filled(name+".layer_scale", 1e-6, c, 1, 1)
	block := name + ".block."
	weight, bias := n.normal(block+"0.weight", 0.02, c, 1, 7, 7), n.filled(block+"0.bias", 0, c)
	y := n.convolve(block+"0", []string{x, weight, bias}, window{kernel: 7, stride: 1, pad: 3, groups: channels})
	y = n.layerNorm(block+"2", block+"2", n.transpose(block+"1", y, 0, 2, 3, 1), channels)
	y = n.gelu(block+"4", n.dense(block+"3", y, channels, 4*channels))
	y = n.transpose(block+"6", n.dense(block+"5", y, 4*channels, channels), 0, 3, 1, 2)
	return n.b.Op("Add", name, []string{x, n.b.Op("Mul", name+".scaled", []string{y, scale})})
}
