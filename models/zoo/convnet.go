package zoo

import (
	"fmt"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// convnetLayers lists the convolutions: channels as multiples of the width, and stride.
func convnetLayers() [][2]int { return [][2]int{{1, 2}, {2, 1}, {2, 2}, {4, 1}, {4, 2}} }

// convnet adds the convolutions and the averages of the four quarters; returns the number of features.
func (n *network) convnet(width, imageSize int) int {
	x, in, size := graph.Images, 3, imageSize
	for i, layer := range convnetLayers() {
		out, stride := width*layer[0], layer[1]
		x = n.conv(fmt.Sprintf("conv%d", i+1), x, in, out, 3, stride)
		x = n.relu(fmt.Sprintf("relu%d", i+1), n.norm(fmt.Sprintf("bn%d", i+1), x, out))
		in, size = out, (size+stride-1)/stride
	}
	// Quarters of an odd size share the middle row: torch's adaptive average pool to 2x2.
	kernel, stride := int64(size+1)/2, int64(size/2)
	x = n.b.Op("AveragePool", "avgpool", []string{x}, onnxgraph.IntsAttr("kernel_shape", kernel, kernel),
		onnxgraph.IntsAttr("strides", stride, stride))
	n.b.Op("Flatten", graph.Features, []string{x}, onnxgraph.IntAttr("axis", 1))
	return 4 * in
}
