package graphtext_test

import (
	"fmt"
	"os"

	"ordo/models/onnxgraph"
	"ordo/models/onnxgraph/graphtext"
)

func ExamplePrint() {
	b := onnxgraph.NewBuilder("small", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	b.Initializer(onnxgraph.NewFloats("w", []int64{2, 3, 3, 3}, make([]float32, 54)))
	x := b.Op("Conv", "conv", []string{"images", "w"}, onnxgraph.IntsAttr("strides", 2, 2),
		onnxgraph.IntAttr("group", 1))
	b.Op("Flatten", "z", []string{b.Op("Relu", x, []string{x})}, onnxgraph.IntAttr("axis", 1))
	b.Output("z", onnxgraph.FloatType(onnxgraph.Batch(18)))
	if err := graphtext.Print(os.Stdout, b.Model()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// graph small (format 8, onnx 17)
	// input images float[batch,3,8,8]
	// initializer w float[2,3,3,3]
	// conv = Conv(images, w) {strides=[2 2], group=1}
	// conv_1 = Relu(conv)
	// z float[batch,18] = Flatten(conv_1) {axis=1}
	// output z float[batch,18]
}
