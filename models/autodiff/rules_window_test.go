package autodiff_test

import (
	"fmt"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// line makes the images one-dimensional, [batch, 4, size·size], and volume three-dimensional, [batch, 2, 2, size,
// size].
func (g *opGraph) line(x string) string {
	return g.Op("Reshape", "line", []string{x, g.ints("line_shape", 0, 4, -1)})
}

func (g *opGraph) volume(x string) string {
	return g.Op("Reshape", "volume", []string{x, g.ints("volume_shape", 0, 2, 2, size, size)})
}

// inLine and inVolume put an operator behind line and volume.
func inLine(build func(*opGraph, string) string) func(*opGraph, string) string {
	return func(g *opGraph, x string) string { return build(g, g.line(x)) }
}

func inVolume(build func(*opGraph, string) string) func(*opGraph, string) string {
	return func(g *opGraph, x string) string { return build(g, g.volume(x)) }
}

// transposedConv has weights [input channels, output channels a group, kernel…].
func transposedConv(weight []int64, bias int64, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		inputs := []string{x, g.parameter("w", weight...)}
		if bias > 0 {
			inputs = append(inputs, g.parameter("b", bias))
		}
		return g.Op("ConvTranspose", "y", inputs, a...)
	}
}

// pad has pads before each dimension, then after each.
func pad(mode string, pads ...int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		inputs := []string{x, g.ints("pads", pads...)}
		if mode == "constant" {
			inputs = append(inputs, g.Initializer(onnxgraph.NewFloats("value", nil, []float32{0.5})))
		}
		return g.Op("Pad", "y", inputs, onnxgraph.StringAttr("mode", mode))
	}
}

// rescaled resizes by scales, sized to sizes of the pixels.
func rescaled(scales []float32, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		list := g.Initializer(onnxgraph.NewFloats("scales", []int64{int64(len(scales))}, scales))
		return g.Op("Resize", "y", []string{x, "", list}, a...)
	}
}

func sized(height, width int64, a ...*onnxgraph.Attribute) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		shape := g.Op("Gather", "rest", []string{g.Op("Shape", "shape", []string{x}), g.ints("first_two", 0, 1)})
		sizes := g.Op("Concat", "sizes", []string{shape, g.ints("pixels", height, width)}, onnxgraph.IntAttr("axis", 0))
		return g.Op("Resize", "y", []string{x, "", "", sizes}, a...)
	}
}

func windowCases() []opCase {
	ints, integer, str := onnxgraph.IntsAttr, onnxgraph.IntAttr, onnxgraph.StringAttr
	k3 := ints("kernel_shape", 3, 3)
	cases := []opCase{
		{name: "conv, depthwise with multiplier, strided and dilated",
			build: conv([]int64{8, 1, 3, 2}, true, integer("group", 4), ints("strides", 2, 3), ints("dilations", 1, 2),
				ints("pads", 0, 2, 1, 0))},
		{name: "conv, stride leaves pixels out", build: conv([]int64{2, 4, 1, 1}, false, ints("strides", 4, 5))},
		{name: "conv, same lower, dilated and strided", build: conv([]int64{2, 4, 3, 4}, false,
			str("auto_pad", "SAME_LOWER"), ints("strides", 3, 2), ints("dilations", 2, 1))},
		{name: "conv, pads wider than the kernel", build: conv([]int64{2, 4, 2, 2}, false, ints("pads", 3, 0, 4, 3))},
		{name: "conv, opset 13", opset: 13, build: conv([]int64{6, 2, 3, 3}, true, integer("group", 2))},
		{name: "conv, opset 22", opset: 22, build: conv([]int64{6, 2, 3, 3}, true, integer("group", 2))},
		{name: "conv, 1-D", build: inLine(conv([]int64{6, 2, 5}, true, integer("group", 2), ints("strides", 3),
			ints("dilations", 2), ints("pads", 3, 1)))},
		{name: "conv, 1-D, same upper", build: inLine(conv([]int64{3, 4, 4}, true, str("auto_pad", "SAME_UPPER"),
			ints("strides", 2)))},
		{name: "conv, 3-D", build: inVolume(conv([]int64{4, 1, 2, 3, 3}, true, integer("group", 2),
			ints("strides", 1, 2, 2), ints("pads", 1, 0, 1, 0, 1, 0)))},
		{name: "conv, weights computed", build: func(g *opGraph, x string) string {
			w := g.Op("Add", "w", []string{g.parameter("w0", 3, 4, 3, 3), g.parameter("w1", 3, 1, 1, 1)})
			return g.Op("Conv", "y", []string{x, w})
		}},

		{name: "conv transpose", build: transposedConv([]int64{4, 3, 3, 3}, 3)},
		{name: "conv transpose, strided and padded", build: transposedConv([]int64{4, 3, 3, 2}, 3,
			ints("strides", 2, 3), ints("pads", 1, 0, 0, 1))},
		{name: "conv transpose, output padding", build: transposedConv([]int64{4, 2, 3, 3}, 2, ints("strides", 2, 2),
			ints("pads", 1, 1, 1, 1), ints("output_padding", 1, 1))},
		{name: "conv transpose, output padding beyond the pads", build: transposedConv([]int64{4, 2, 2, 2}, 2,
			ints("strides", 3, 3), ints("output_padding", 2, 1))},
		{name: "conv transpose, groups, dilated", build: transposedConv([]int64{4, 3, 2, 3}, 6, integer("group", 2),
			ints("dilations", 2, 1), ints("strides", 1, 2))},
		{name: "conv transpose, depthwise", build: transposedConv([]int64{4, 1, 4, 4}, 0, integer("group", 4),
			ints("strides", 2, 2), ints("pads", 1, 1, 1, 1))},
		{name: "conv transpose, same upper", build: transposedConv([]int64{4, 2, 3, 4}, 0,
			str("auto_pad", "SAME_UPPER"), ints("strides", 2, 2))},
		{name: "conv transpose, same lower", build: transposedConv([]int64{4, 2, 4, 3}, 0,
			str("auto_pad", "SAME_LOWER"), ints("strides", 3, 2))},
		{name: "conv transpose, valid", build: transposedConv([]int64{4, 2, 2, 3}, 0, str("auto_pad", "VALID"),
			ints("strides", 2, 2))},
		{name: "conv transpose, output shape", build: transposedConv([]int64{4, 2, 4, 4}, 2,
			ints("output_shape", 13, 14), ints("strides", 2, 2))},
		{name: "conv transpose, output shape beyond", build: transposedConv([]int64{4, 2, 2, 3}, 2,
			ints("output_shape", 15, 14), ints("strides", 2, 2), str("auto_pad", "SAME_UPPER"))},
		{name: "conv transpose, opset 22", opset: 22, build: transposedConv([]int64{4, 2, 3, 3}, 2,
			ints("strides", 2, 2))},
		{name: "conv transpose, 1-D", build: inLine(transposedConv([]int64{4, 2, 5}, 4, integer("group", 2),
			ints("strides", 2), ints("pads", 2, 1), ints("output_padding", 1)))},
		{name: "conv transpose, 3-D", build: inVolume(transposedConv([]int64{2, 3, 2, 3, 3}, 3,
			ints("strides", 1, 2, 1)))},

		{name: "max pool, dilated, asymmetric pads", gain: 16, build: unary("MaxPool", ints("kernel_shape", 3, 2),
			ints("dilations", 2, 3), ints("strides", 1, 2), ints("pads", 1, 0, 0, 1))},
		{name: "max pool, ceil with pads", gain: 16, build: unary("MaxPool", k3, ints("strides", 3, 3),
			ints("pads", 1, 0, 0, 1), integer("ceil_mode", 1))},
		{name: "max pool, same upper", gain: 16, build: unary("MaxPool", ints("kernel_shape", 2, 3),
			ints("strides", 2, 2), str("auto_pad", "SAME_UPPER"))},
		{name: "max pool, stride leaves pixels out", gain: 16, build: unary("MaxPool", ints("kernel_shape", 1, 2),
			ints("strides", 3, 4))},
		{name: "max pool, opset 13", gain: 16, opset: 13, build: unary("MaxPool", k3)},
		{name: "max pool, opset 22", gain: 16, opset: 22, build: unary("MaxPool", k3, ints("strides", 2, 2),
			integer("ceil_mode", 1))},
		{name: "max pool, 1-D", gain: 16, build: inLine(unary("MaxPool", ints("kernel_shape", 4), ints("strides", 3),
			ints("dilations", 2), ints("pads", 1, 3), integer("ceil_mode", 1)))},
		{name: "max pool, 3-D", gain: 16, build: inVolume(unary("MaxPool", ints("kernel_shape", 2, 3, 3),
			ints("strides", 1, 2, 2), ints("pads", 0, 1, 1, 0, 1, 1)))},
		{name: "max pool, column major", gain: 16, build: unary("MaxPool", k3, integer("storage_order", 1))},
		{name: "global max pool", gain: 16, build: unary("GlobalMaxPool")},
		{name: "global max pool, 1-D", gain: 16, build: inLine(unary("GlobalMaxPool"))},
		{name: "global average pool, 1-D", build: inLine(unary("GlobalAveragePool"))},
		{name: "global average pool, 3-D", opset: 22, build: inVolume(unary("GlobalAveragePool"))},

		{name: "average pool, 1-D", build: inLine(unary("AveragePool", ints("kernel_shape", 4), ints("strides", 3),
			ints("pads", 1, 3)))},
		{name: "average pool, 3-D", build: inVolume(unary("AveragePool", ints("kernel_shape", 2, 3, 2),
			ints("strides", 1, 2, 2), ints("pads", 1, 1, 0, 0, 1, 1)))},
		{name: "average pool, same lower", build: unary("AveragePool", ints("kernel_shape", 2, 3),
			ints("strides", 2, 2), str("auto_pad", "SAME_LOWER"))},
		{name: "average pool, opset 13", opset: 13, build: unary("AveragePool", k3)},
	}
	for _, opset := range []int64{13, 17, 19, 22} {
		for _, count := range []int64{0, 1} {
			variant := fmt.Sprintf(", count_include_pad %d, opset %d", count, opset)
			counted := integer("count_include_pad", count)
			cases = append(cases,
				opCase{name: "average pool, ceil" + variant, opset: opset,
					build: unary("AveragePool", ints("kernel_shape", 3, 2), ints("strides", 2, 2),
						integer("ceil_mode", 1), counted)},
				opCase{name: "average pool, ceil and pads" + variant, opset: opset,
					build: unary("AveragePool", ints("kernel_shape", 3, 3), ints("strides", 3, 2),
						ints("pads", 1, 0, 1, 1), integer("ceil_mode", 1), counted)},
				opCase{name: "average pool, ceil, 1-D" + variant, opset: opset,
					build: inLine(unary("AveragePool", ints("kernel_shape", 6), ints("strides", 5), ints("pads", 2, 2),
						integer("ceil_mode", 1), counted))},
			)
			if opset >= 19 {
				cases = append(cases, opCase{name: "average pool, dilated" + variant, opset: opset,
					build: unary("AveragePool", k3, ints("dilations", 2, 1), ints("pads", 1, 1, 2, 0), counted)},
					opCase{name: "average pool, dilated, ceil" + variant, opset: opset,
						build: unary("AveragePool", k3, ints("dilations", 2, 1), ints("strides", 2, 3),
							ints("pads", 1, 1, 2, 0), integer("ceil_mode", 1), counted)})
			}
		}
	}
	return append(cases, resizeCases()...)
}

func resizeCases() []opCase {
	str := onnxgraph.StringAttr
	cases := []opCase{
		{name: "pad, constant", build: pad("constant", 0, 0, 1, 2, 0, 0, 0, 3)},
		{name: "pad, constant, cutting", build: pad("constant", 0, -1, 2, -2, 0, 1, -3, 1)},
		{name: "pad before a max pool", gain: 16, build: func(g *opGraph, x string) string {
			x = g.Op("Pad", "padded", []string{x, g.ints("pads", 0, 0, 1, 1, 0, 0, 1, 1)})
			return g.Op("MaxPool", "y", []string{x}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
				onnxgraph.IntsAttr("strides", 2, 2))
		}},
		{name: "pad before an average pool", build: func(g *opGraph, x string) string {
			x = g.Op("Pad", "padded", []string{x, g.ints("pads", 0, 0, 1, 1, 0, 0, 1, 1)})
			return g.Op("AveragePool", "y", []string{x}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
				onnxgraph.IntsAttr("strides", 2, 2))
		}},
		{name: "pad before a counting average pool", build: func(g *opGraph, x string) string {
			x = g.Op("Pad", "padded", []string{x, g.ints("pads", 0, 0, 1, 1, 0, 0, 1, 1)})
			return g.Op("AveragePool", "y", []string{x}, onnxgraph.IntsAttr("kernel_shape", 3, 3),
				onnxgraph.IntAttr("count_include_pad", 1))
		}},
		{name: "pad before a convolution", build: func(g *opGraph, x string) string {
			x = g.Op("Pad", "padded", []string{x, g.ints("pads", 0, 0, 1, 1, 0, 0, 1, 1)})
			return conv([]int64{2, 4, 3, 3}, true)(g, x)
		}},
		{name: "pad, reflect", build: pad("reflect", 0, 0, 1, 2, 0, 0, 0, 3)},
		{name: "pad, reflect channels", build: pad("reflect", 0, 2, 1, 0, 0, 3, 0, 6)},
		{name: "pad, edge", build: pad("edge", 0, 1, 1, 2, 0, 0, 0, 9)},
		{name: "pad, opset 13", opset: 13, build: pad("edge", 0, 0, 1, 1, 0, 0, 1, 1)},
		{name: "pad, axes", opset: 18, build: func(g *opGraph, x string) string {
			return g.Op("Pad", "y", []string{x, g.ints("pads", 1, 0, 2, 3), "", g.ints("axes", -1, 1)})
		}},
		{name: "pad, axes, opset 21", opset: 21, build: func(g *opGraph, x string) string {
			return g.Op("Pad", "y", []string{x, g.ints("pads", 1, 0, 2, 3), "", g.ints("axes", 3, 2)},
				str("mode", "reflect"))
		}},
		{name: "pad, 1-D", build: inLine(pad("reflect", 0, 0, 3, 0, 0, 2))},
		{name: "resize, axes", opset: 18, build: rescaled([]float32{1.5, 2.5}, str("mode", "linear"),
			onnxgraph.IntsAttr("axes", 3, 2))},
		{name: "resize, 1-D", build: inLine(rescaled([]float32{1, 1, 2}, str("mode", "linear")))},
		{name: "resize, 3-D", build: inVolume(rescaled([]float32{1, 1, 1.5, 2, 0.5}, str("mode", "linear")))},
		{name: "resize, nearest, channels", build: rescaled([]float32{1, 2, 3, 1})},
		{name: "resize, cubic, exclude outside", build: sized(12, 5, str("mode", "cubic"),
			onnxgraph.IntAttr("exclude_outside", 1), onnxgraph.FloatAttr("cubic_coeff_a", -0.5))},
		{name: "resize, same size", build: sized(size, size, str("mode", "linear"))},
	}
	for _, mode := range []string{"nearest", "linear", "cubic"} {
		for _, coordinates := range []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
			"half_pixel_symmetric"} {
			a := []*onnxgraph.Attribute{str("mode", mode), str("coordinate_transformation_mode", coordinates)}
			opset := int64(17)
			if coordinates == "half_pixel_symmetric" {
				opset = 19
			}
			name := "resize, " + mode + ", " + coordinates
			cases = append(cases,
				opCase{name: name + ", scales", opset: opset, build: rescaled([]float32{1, 1, 2, 1.7}, a...)},
				opCase{name: name + ", down", opset: opset, build: rescaled([]float32{1, 1, 0.65, 0.5}, a...)},
				opCase{name: name + ", sizes", opset: opset, build: sized(11, 4, a...)},
				opCase{name: name + ", to one pixel", opset: opset, build: sized(1, 3, a...)},
			)
		}
	}
	for _, rounding := range []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"} {
		cases = append(cases,
			opCase{name: "resize, " + rounding, build: rescaled([]float32{1, 1, 2, 1.5}, str("nearest_mode", rounding),
				str("coordinate_transformation_mode", "asymmetric"))},
			opCase{name: "resize, half pixel, " + rounding, opset: 13,
				build: sized(14, 3, str("nearest_mode", rounding))},
		)
	}
	return cases
}

// TestShapeErrors: what can't be trained is an error that names the node, its operator and the reason.
func TestShapeErrors(t *testing.T) {
	ints, integer, str := onnxgraph.IntsAttr, onnxgraph.IntAttr, onnxgraph.StringAttr
	free := onnxgraph.Shape{{Param: "batch"}, {Size: 3}, {Param: "height"}, {Size: size}}
	fixed := onnxgraph.Batch(3, size, size)
	for _, c := range []struct {
		want  string
		opset int64
		shape onnxgraph.Shape
		build func(g *opGraph, x string) string
	}{
		{"(Conv): automatic padding of the free size ?", 17, free, conv([]int64{2, 4, 3, 3}, false,
			str("auto_pad", "SAME_UPPER"))},
		{"(Conv): a kernel of extent 11 over a padded size of 7", 17, fixed,
			conv([]int64{2, 4, 3, 3}, false, ints("dilations", 5, 1))},
		{"(ConvTranspose): output_padding [2 0]: each must be below the stride", 17, fixed,
			transposedConv([]int64{4, 2, 3, 3}, 0, ints("strides", 2, 2), ints("output_padding", 2, 0))},
		{"(ConvTranspose): output_shape [30 7] can't be made", 17, fixed,
			transposedConv([]int64{4, 2, 3, 3}, 0, ints("output_shape", 30, 7))},
		{"(ConvTranspose): the padding depends on the free size ?", 17, free,
			transposedConv([]int64{4, 2, 3, 3}, 0, str("auto_pad", "SAME_LOWER"))},
		{"(MaxPool): the input has the shape [batch,4,?,7]", 17, free, unary("MaxPool", ints("kernel_shape", 2, 2))},
		{"(MaxPool): a window of kernel [2 2]", 17, fixed, unary("MaxPool", ints("kernel_shape", 2, 2),
			ints("dilations", 8, 1), ints("pads", 1, 0, 1, 0))},
		{"(MaxPool): pads [2 0 0 0]: each must be below", 17, fixed, unary("MaxPool", ints("kernel_shape", 2, 2),
			ints("pads", 2, 0, 0, 0))},
		{"(GlobalMaxPool): the input has the shape [batch,4,?,7]", 17, free, unary("GlobalMaxPool")},
		{"(AveragePool): the input has the shape [batch,4,?,7]", 17, free,
			unary("AveragePool", ints("kernel_shape", 2, 2))},
		{"(AveragePool): dilations are known since opset 19", 17, fixed,
			unary("AveragePool", ints("kernel_shape", 2, 2), ints("dilations", 2, 2))},
		{"(Pad): pads [0 0 7 0 0 0 0 0] reflect more than there is", 17, fixed, pad("reflect", 0, 0, 7, 0, 0, 0, 0, 0)},
		{"(Pad): pads [1 0 0 0 0 0 0 0] change the free size batch", 17, fixed,
			pad("constant", 1, 0, 0, 0, 0, 0, 0, 0)},
		{"(Pad): pads [0 0 -7 0] and [0 0 0 0] leave nothing", 17, fixed, pad("constant", 0, 0, -7, 0, 0, 0, 0, 0)},
		{`(Pad): mode "wrap" is not supported`, 19, fixed, pad("wrap", 0, 0, 1, 0, 0, 0, 0, 0)},
		{"(Resize): antialias is not supported", 18, fixed, rescaled([]float32{1, 1, 2, 2}, str("mode", "linear"),
			integer("antialias", 1))},
		{`(Resize): coordinate_transformation_mode "tf_crop_and_resize" is not supported`, 17, fixed,
			rescaled([]float32{1, 1, 2, 2}, str("coordinate_transformation_mode", "tf_crop_and_resize"))},
		{`(Resize): keep_aspect_ratio_policy "not_larger" is not supported`, 18, fixed,
			sized(4, 5, str("keep_aspect_ratio_policy", "not_larger"))},
		{"(Resize): nothing is left", 17, fixed, rescaled([]float32{1, 1, 0.1, 1})},
		{"(Resize): mode cubic with the scales [1 2 1 1] is not supported", 17, fixed,
			rescaled([]float32{1, 2, 1, 1}, str("mode", "cubic"))},
		{"(Resize): the new size \"sizes\" depends on the data", 17, free, sized(4, 5)},
		{"(GroupNormalization): 3 groups of an input of shape [batch,4,7,7]", 21, fixed,
			affineNorm("GroupNormalization", true, []int64{4}, integer("num_groups", 3))},
		{"(InstanceNormalization): a parameter of shape [3]", 17, fixed,
			affineNorm("InstanceNormalization", true, []int64{3})},
		{`(BatchNormalization): the statistic "y_mean" is used by node "looked at" (Relu)`, 14, fixed,
			func(g *opGraph, x string) string {
				y := batchNorm(4, 3, integer("training_mode", 1))(g, x)
				g.Op("Relu", "looked at", []string{"y_mean"})
				return y
			}},
		{`(BatchNormalization): the statistic "y_var" is an output of the graph`, 14, fixed,
			func(g *opGraph, x string) string {
				y := batchNorm(4, 3, integer("training_mode", 1))(g, x)
				g.Output("y_var", onnxgraph.FloatType(onnxgraph.Static(4)))
				return y
			}},
		{"(LayerNormalization): a parameter of shape [6]", 17, fixed, affineNorm("LayerNormalization", true,
			[]int64{6})},
	} {
		g := &opGraph{onnxgraph.NewBuilder("test", c.opset), newRandom()}
		g.Input("images", onnxgraph.FloatType(c.shape))
		y := c.build(g, g.Op("Conv", "first", []string{"images", g.parameter("first.weight", 4, 3, 1, 1)}))
		g.Output(y, onnxgraph.FloatType(nil))
		o := autodiff.DefaultOptions()
		o.Outputs = []string{y}
		if _, err := autodiff.Build(g.Model(), o); err == nil || !strings.Contains(err.Error(), `node "y" `+c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
