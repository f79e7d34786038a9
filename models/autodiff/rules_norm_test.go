package autodiff_test

import (
	"ordo/models/onnxgraph"
)

// ones is a stored list of ones, such as a variance before training.
func (g *opGraph) ones(name string, n int64) string {
	values := make([]float32, n)
	for i := range values {
		values[i] = 1
	}
	return g.Initializer(onnxgraph.NewFloats(name, []int64{n}, values))
}

func batchNorm(channels int64, outputs int, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		n := &onnxgraph.Node{
			Name: "y", OpType: "BatchNormalization", Output: []string{"y", "y_mean", "y_var", "y_saved_mean",
				"y_saved_var"}[:outputs], Attribute: a,
			Input: []string{x, g.parameter("scale", channels), g.parameter("bias", channels),
				g.parameter("mean", channels), g.ones("var", channels)},
		}
		g.Append(n)
		return "y"
	}
}

// computedBatchNorm is a convolution whose weights go through a batch norm by statistics that the graph computes.
func computedBatchNorm(training int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		rows := g.Op("Reshape", "rows", []string{g.parameter("w", 5, 4, 3, 3), g.ints("one_image", 1, 5, -1)})
		ones := g.Op("Constant", "ones", nil, onnxgraph.TensorAttr("value",
			onnxgraph.NewFloats("", []int64{5}, []float32{1, 1, 1, 1, 1})))
		zeros := g.Op("Constant", "zeros", nil, onnxgraph.TensorAttr("value",
			onnxgraph.NewFloats("", []int64{5}, make([]float32, 5))))
		squares := g.Op("Mul", "squares", []string{rows, rows})
		five := g.ints("five", 5)
		mean := g.Op("Reshape", "average", []string{g.Op("GlobalAveragePool", "pool", []string{rows}), five})
		square := g.Op("Reshape", "square", []string{g.Op("GlobalAveragePool", "square_pool", []string{squares}), five})
		g.Append(&onnxgraph.Node{
			OpType: "BatchNormalization", Input: []string{rows, ones, zeros, mean, square},
			Output:    []string{"normal", "normal_mean", "normal_var"}[:1+2*training],
			Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("training_mode", training)},
		})
		return g.Op("Conv", "y", []string{x, g.Op("Reshape", "kernel",
			[]string{"normal", g.ints("whole", 5, 4, 3, 3)})})
	}
}

// affineNorm is a norm with a scale and, if biased, a bias of the given shape.
func affineNorm(op string, biased bool, dims []int64, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		inputs := []string{x, g.parameter("scale", dims...)}
		if biased {
			inputs = append(inputs, g.parameter("bias", dims...))
		}
		return g.Op(op, "y", inputs, a...)
	}
}

func normCases() []opCase {
	integer, epsilon := onnxgraph.IntAttr, onnxgraph.FloatAttr("epsilon", 0.01)
	groups := integer("num_groups", 2)
	return []opCase{
		{name: "batch norm, opset 13, training", opset: 13, build: batchNorm(4, 5,
			onnxgraph.FloatAttr("momentum", 0.8))},
		{name: "batch norm, opset 14, training", opset: 14, build: batchNorm(4, 3, integer("training_mode", 1),
			epsilon)},
		{name: "batch norm, opset 22", opset: 22, build: batchNorm(4, 1, epsilon)},
		{name: "batch norm, of rows", batch: 3, build: func(g *opGraph, x string) string {
			rows := g.Op("Flatten", "rows", []string{x})
			return batchNorm(5, 1)(g, g.Op("MatMul", "few", []string{rows, g.parameter("w", 4*size*size, 5)}))
		}},
		{name: "batch norm, 1-D", build: inLine(batchNorm(4, 1))},
		{name: "batch norm, 3-D", build: inVolume(batchNorm(2, 1))},
		{name: "batch norm, weights standardised", build: computedBatchNorm(1)},
		{name: "batch norm, weights standardised, opset 18", opset: 18, build: computedBatchNorm(1)},
		{name: "batch norm, statistics given", build: computedBatchNorm(0)},
		{name: "layer norm", build: affineNorm("LayerNormalization", true, []int64{size})},
		{name: "layer norm, without bias", build: affineNorm("LayerNormalization", false, []int64{size}, epsilon)},
		{name: "layer norm, over all but the batch", build: affineNorm("LayerNormalization", true,
			[]int64{4, size, size}, integer("axis", 1))},
		{name: "layer norm, over the pixels", opset: 22, build: affineNorm("LayerNormalization", true,
			[]int64{size, size}, integer("axis", -2))},
		{name: "layer norm, broadcast parameters", build: affineNorm("LayerNormalization", true, []int64{4, 1, 1},
			integer("axis", 1), epsilon)},
		{name: "layer norm, two outputs", build: func(g *opGraph, x string) string {
			g.Append(&onnxgraph.Node{
				OpType: "LayerNormalization", Input: []string{x, g.parameter("scale", size)},
				Output: []string{"y", "y_mean"},
			})
			return "y"
		}},
		{name: "RMS norm", opset: 23, build: affineNorm("RMSNormalization", false, []int64{size})},
		{name: "RMS norm, over all but the batch", opset: 23, build: affineNorm("RMSNormalization", false,
			[]int64{4, size, size}, integer("axis", 1), epsilon)},
		{name: "RMS norm, one scale", opset: 23, build: affineNorm("RMSNormalization", false, []int64{1},
			integer("axis", 2))},
		{name: "instance norm", build: affineNorm("InstanceNormalization", true, []int64{4}, epsilon)},
		{name: "instance norm, opset 22", opset: 22, build: affineNorm("InstanceNormalization", true, []int64{4})},
		{name: "instance norm, 1-D", build: inLine(affineNorm("InstanceNormalization", true, []int64{4}))},
		{name: "instance norm, 3-D", build: inVolume(affineNorm("InstanceNormalization", true, []int64{2}))},
		{name: "group norm, parameters a group", opset: 18, build: affineNorm("GroupNormalization", true, []int64{2},
			groups)},
		{name: "group norm", opset: 21, build: affineNorm("GroupNormalization", true, []int64{4}, groups, epsilon)},
		{name: "group norm, 1-D", opset: 21, build: inLine(affineNorm("GroupNormalization", true, []int64{4}, groups))},
		{name: "group norm of one group", opset: 22, build: affineNorm("GroupNormalization", true, []int64{4},
			integer("num_groups", 1))},
		{name: "group norm as instance norm of groups", build: func(g *opGraph, x string) string {
			grouped := g.Op("Reshape", "grouped", []string{x, g.ints("groups", 0, 2, -1)})
			one := g.Op("Constant", "one", nil, onnxgraph.TensorAttr("value",
				onnxgraph.NewFloats("", []int64{2}, []float32{1, 1})))
			zero := g.Op("Constant", "zero", nil, onnxgraph.TensorAttr("value",
				onnxgraph.NewFloats("", []int64{2}, []float32{0, 0})))
			y := g.Op("InstanceNormalization", "normal", []string{grouped, one, zero})
			y = g.Op("Reshape", "back", []string{y, g.Op("Shape", "shape", []string{x})})
			return g.Op("Add", "y", []string{y, g.parameter("bias", 4, 1, 1)})
		}},
	}
}
