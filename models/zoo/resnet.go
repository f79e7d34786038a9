package zoo

import (
	"fmt"

	"ordo/models/onnxgraph"
)

// resnet18 adds the stem, four stages of two basic blocks, and the global average; returns the number of features.
func (n *network) resnet18(width int, stem string) int {
	var x string
	if stem == "standard" {
		x = n.relu("relu", n.norm("bn1", n.conv("conv1", Images, 3, width, 7, 2), width))
		x = n.b.Op("MaxPool", "maxpool", []string{x}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
			onnxgraph.IntsAttr("strides", 2, 2), onnxgraph.IntsAttr("pads", 1, 1, 1, 1))
	} else {
		x = n.relu("relu", n.norm("bn1", n.conv("conv1", Images, 3, width, 3, 1), width))
	}
	in, out := width, width
	for stage := 1; stage <= 4; stage++ {
		for block := range 2 {
			stride := 1
			if stage > 1 && block == 0 {
				stride = 2
			}
			x = n.basicBlock(fmt.Sprintf("layer%d.%d", stage, block), x, in, out, stride)
			in = out
		}
		out *= 2
	}
	x = n.b.Op("GlobalAveragePool", "avgpool", []string{x})
	n.b.Op("Flatten", Features, []string{x}, onnxgraph.IntAttr("axis", 1))
	return in
}

// basicBlock is relu(x + norm(conv(relu(norm(conv(x)))))), where x goes through a 1x1 convolution if its size changes.
func (n *network) basicBlock(name, x string, in, out, stride int) string {
	y := n.relu(name+".relu1", n.norm(name+".bn1", n.conv(name+".conv1", x, in, out, 3, stride), out))
	y = n.norm(name+".bn2", n.conv(name+".conv2", y, out, out, 3, 1), out)
	if stride != 1 || in != out {
		x = n.norm(name+".downsample.1", n.conv(name+".downsample.0", x, in, out, 1, stride), out)
	}
	return n.relu(name+".relu2", n.b.Op("Add", name+".add", []string{y, x}))
}
