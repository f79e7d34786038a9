package zoo

import (
	"fmt"

	"ordo/models/graph"
)

// efficientNetB0 adds the network up to the average before the classifier; returns the number of features.
func (n *network) efficientNetB0(stem string) int {
	v := inverted{n, batchNorm{1e-5, 0.9}}
	x := v.unit("features.0", graph.Images, 3, 32, same(3, stemStride(stem)), swish)
	in := 32
	for i, stage := range []struct{ expand, kernel, stride, out, blocks int }{
		{1, 3, 1, 16, 1},
		{6, 3, 2, 24, 2},
		{6, 5, 2, 40, 2},
		{6, 3, 2, 80, 3},
		{6, 5, 1, 112, 3},
		{6, 5, 2, 192, 4},
		{6, 3, 1, 320, 1},
	} {
		for j := range stage.blocks {
			b := block{in, in * stage.expand, stage.out, stage.kernel, 1, in / 4, swish}
			if j == 0 {
				b.stride = stage.stride
			}
			x = v.block(fmt.Sprintf("features.%d.%d", i+1, j), x, b, swish, sigmoid)
			in = stage.out
		}
	}
	n.averaged(v.unit("features.8", x, in, 1280, same(1, 1), swish))
	return 1280
}
