package zoo

import (
	"fmt"

	"ordo/models/graph"
)

// mobileNetV3Small adds the network up to the average before the classifier; returns the number of features.
func (n *network) mobileNetV3Small(stem string) int {
	v := inverted{n, batchNorm{1e-3, 0.99}}
	x := v.unit("features.0", graph.Images, 3, 16, same(3, stemStride(stem)), hardSwish)
	for i, b := range []block{
		{16, 16, 16, 3, 2, 8, relu},
		{16, 72, 24, 3, 2, 0, relu},
		{24, 88, 24, 3, 1, 0, relu},
		{24, 96, 40, 5, 2, 24, hardSwish},
		{40, 240, 40, 5, 1, 64, hardSwish},
		{40, 240, 40, 5, 1, 64, hardSwish},
		{40, 120, 48, 5, 1, 32, hardSwish},
		{48, 144, 48, 5, 1, 40, hardSwish},
		{48, 288, 96, 5, 2, 72, hardSwish},
		{96, 576, 96, 5, 1, 144, hardSwish},
		{96, 576, 96, 5, 1, 144, hardSwish},
	} {
		x = v.block(fmt.Sprintf("features.%d", i+1), x, b, relu, hardSigmoid)
	}
	n.averaged(v.unit("features.12", x, 96, 576, same(1, 1), hardSwish))
	return 576
}
