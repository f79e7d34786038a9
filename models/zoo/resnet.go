package zoo

import (
	"fmt"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// resnet says how a residual network differs from another.
type resnet struct {
	blocks [4]int // in each stage
	// bottleneck is 0 for blocks of two 3x3 convolutions. Otherwise blocks narrow their input for one 3x3 convolution
	// and give four times the stage's channels; the 3x3 convolution has bottleneck times the stage's channels.
	bottleneck int
}

// resnet adds the stem, four stages of blocks, and the global average; returns the number of features.
func (n *network) resnet(r resnet, width int, stem string) int {
	var x string
	if stem == standardStem {
		x = n.relu("relu", n.norm("bn1", n.conv("conv1", graph.Images, 3, width, 7, 2), width))
		x = n.b.Op("MaxPool", "maxpool", []string{x}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
			onnxgraph.IntsAttr("strides", 2, 2), onnxgraph.IntsAttr("pads", 1, 1, 1, 1))
	} else {
		x = n.relu("relu", n.norm("bn1", n.conv("conv1", graph.Images, 3, width, 3, 1), width))
	}
	in, channels := width, width
	for stage, blocks := range r.blocks {
		for block := range blocks {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			name := fmt.Sprintf("layer%d.%d", stage+1, block)
			if r.bottleneck == 0 {
				x = n.basicBlock(name, x, in, channels, stride)
				in = channels
			} else {
				x = n.bottleneck(name, x, in, channels*r.bottleneck, 4*channels, stride)
				in = 4 * channels
			}
		}
		channels *= 2
	}
	n.averaged(x)
	return in
}

// basicBlock is relu(x + norm(conv(relu(norm(conv(x)))))), where x goes through a 1x1 convolution if its size changes.
func (n *network) basicBlock(name, x string, in, out, stride int) string {
	y := n.relu(name+".relu1", n.norm(name+".bn1", n.conv(name+".conv1", x, in, out, 3, stride), out))
	y = n.norm(name+".bn2", n.conv(name+".conv2", y, out, out, 3, 1), out)
	return n.shortcut(name, "relu2", x, y, in, out, stride)
}

// bottleneck is basicBlock with convolutions of 1x1, 3x3 and 1x1 pixels. The 3x3 convolution has the stride, which the
// paper gives to the first: torchvision's "v1.5", which is more accurate.
func (n *network) bottleneck(name, x string, in, inner, out, stride int) string {
	y := n.relu(name+".relu1", n.norm(name+".bn1", n.conv(name+".conv1", x, in, inner, 1, 1), inner))
	y = n.relu(name+".relu2", n.norm(name+".bn2", n.conv(name+".conv2", y, inner, inner, 3, stride), inner))
	y = n.norm(name+".bn3", n.conv(name+".conv3", y, inner, out, 1, 1), out)
	return n.shortcut(name, "relu3", x, y, in, out, stride)
}

// shortcut ends a block whose input is x and whose residual is y.
func (n *network) shortcut(name, relu, x, y string, in, out, stride int) string {
	if stride != 1 || in != out {
		x = n.norm(name+".downsample.1", n.conv(name+".downsample.0", x, in, out, 1, stride), out)
	}
	return n.relu(name+"."+relu, n.b.Op("Add", name+".add", []string{y, x}))
}
