package autodiff_test

import (
	"ordo/models/onnxgraph"
)

// tokens makes [batch, 49, 4] of the images, as a transformer sees them.
func (g *opGraph) tokens(x string) string {
	x = g.Op("Reshape", "flat_pixels", []string{x, g.ints("flat_shape", 0, 4, size*size)})
	return g.Op("Transpose", "tokens", []string{x}, onnxgraph.IntsAttr("perm", 0, 2, 1))
}

// first gives output 0 of a node of several.
func (g *opGraph) first(op string, inputs, outputs []string, a ...*onnxgraph.Attribute) {
	g.Append(&onnxgraph.Node{Name: outputs[0], OpType: op, Input: inputs, Output: outputs, Attribute: a})
}

func einsum(equation string, operands func(g *opGraph, x string) []string) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		return g.Op("Einsum", "y", operands(g, x), onnxgraph.StringAttr("equation", equation))
	}
}

// reduce is a reduction of positive values, its axes an attribute up to opset 17.
func reduce(op string, keep int64, axes ...int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		return g.Op(op, "y", []string{g.positive(x)}, onnxgraph.IntsAttr("axes", axes...),
			onnxgraph.IntAttr("keepdims", keep))
	}
}

// reduceBy has the axes as an input.
func reduceBy(op string, keep int64, axes ...int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		return g.Op(op, "y", []string{x, g.ints("axes", axes...)}, onnxgraph.IntAttr("keepdims", keep))
	}
}

func slicing(starts, ends, axes, steps []int64) func(*opGraph, string) string {
	return func(g *opGraph, x string) string {
		inputs := []string{x, g.ints("starts", starts...), g.ints("ends", ends...)}
		if axes != nil {
			inputs = append(inputs, g.ints("axes", axes...))
		}
		if steps != nil {
			inputs = append(inputs, g.ints("steps", steps...))
		}
		return g.Op("Slice", "y", inputs)
	}
}

func layoutCases() []opCase {
	integer, ints := onnxgraph.IntAttr, onnxgraph.IntsAttr
	const end = 1<<63 - 1
	var cases []opCase
	for _, op := range []string{"ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
		"ReduceSumSquare"} {
		cases = append(cases,
			opCase{name: op, build: reduce(op, 1, 1)},
			opCase{name: op + " over pixels, left out", build: reduce(op, 0, -1, 2)},
			opCase{name: op + ", axes as input", opset: 18, build: reduceBy(op, 0, 1, 3)},
		)
	}
	return append(cases, []opCase{
		{name: "sum over channels", build: reduceBy("ReduceSum", 0, 1)},
		{name: "sum over the images", build: func(g *opGraph, x string) string {
			return g.Op("Mul", "y", []string{x, reduceBy("ReduceSum", 1, 0, 2)(g, x)})
		}},
		{name: "sum over nothing", build: func(g *opGraph, x string) string {
			return g.Op("ReduceSum", "y", []string{x}, integer("noop_with_empty_axes", 1))
		}},
		{name: "sum of all", build: func(g *opGraph, x string) string {
			return g.Op("Mul", "y", []string{x, g.Op("ReduceSum", "s", []string{x}, integer("keepdims", 0))})
		}},

		{name: "concat", build: func(g *opGraph, x string) string {
			return g.Op("Concat", "y", []string{x, "images", g.Op("Relu", "r", []string{x})}, integer("axis", -3))
		}},
		{name: "class token", build: func(g *opGraph, x string) string {
			x = g.tokens(x)
			batch := g.Op("Gather", "n", []string{g.Op("Shape", "s", []string{x}), g.ints("zero", 0)})
			shape := g.Op("Concat", "shape", []string{batch, g.ints("rest", -1, -1)}, integer("axis", 0))
			ones := g.Op("ConstantOfShape", "ones", []string{g.Op("Shape", "rank", []string{shape})},
				onnxgraph.TensorAttr("value", onnxgraph.NewInts("", 1)))
			keep := g.Op("Equal", "keep", []string{shape, g.Op("Mul", "minus", []string{ones, g.ints("m1", -1)})})
			shape = g.Op("Where", "target", []string{keep, ones, shape})
			return g.Op("Concat", "y", []string{g.Op("Expand", "cls", []string{g.parameter("token", 1, 1, 4), shape}),
				x}, integer("axis", 1))
		}},
		{name: "split in two", build: func(g *opGraph, x string) string {
			g.first("Split", []string{x}, []string{"a", "b"}, integer("axis", 1))
			return g.Op("Mul", "y", []string{"a", "b"})
		}},
		{name: "split by sizes, a part unused", build: func(g *opGraph, x string) string {
			g.first("Split", []string{x, g.ints("sizes", 1, 4, 2)}, []string{"a", "b", "c"}, integer("axis", -1))
			return g.Op("Mul", "y", []string{"a", "c"})
		}},
		{name: "split by a number of parts", opset: 18, build: func(g *opGraph, x string) string {
			g.first("Split", []string{x}, []string{"a", "b", "c"}, integer("axis", 2), integer("num_outputs", 3))
			return g.Op("Mul", "y", []string{"a", g.Op("ReduceMean", "m",
				[]string{g.Op("Mul", "bc", []string{"b", "b"}), g.ints("axes", 2)})})
		}},
		{name: "slice", build: slicing([]int64{1, -3}, []int64{end, -1}, []int64{1, -1}, nil)},
		{name: "slice, every other, backwards", build: slicing([]int64{1, -1}, []int64{6, -end}, []int64{2, 3},
			[]int64{2, -3})},
		{name: "slice of leading dimensions", build: slicing([]int64{0, 1}, []int64{end, 3}, nil, nil)},
		{name: "gather one", build: func(g *opGraph, x string) string {
			return g.Op("Gather", "y", []string{g.tokens(x), g.Op("Constant", "i", nil, integer("value_int", 0))},
				integer("axis", 1))
		}},
		{name: "gather some twice", build: func(g *opGraph, x string) string {
			return g.Op("Gather", "y", []string{x, g.ints("i", 3, 0, -1, 3)}, integer("axis", -1))
		}},
		{name: "gather, indices computed", build: func(g *opGraph, x string) string {
			table := g.parameter("table", 5, 4)
			sign := g.Op("Sign", "sign", []string{g.Op("ReduceMean", "m", []string{"images"}, ints("axes", 1, 2, 3),
				integer("keepdims", 0))})
			i := g.Op("Cast", "i", []string{sign}, integer("to", 6))
			row := g.Op("Gather", "row", []string{table, i})
			return g.Op("Mul", "y", []string{x, g.Op("Unsqueeze", "u", []string{row, g.ints("axes", 2, 3)})})
		}},
		{name: "gather elements", build: func(g *opGraph, x string) string {
			part := g.Op("Slice", "part", []string{g.parameter("p", 3, size), g.ints("s", 0), g.ints("e", 2)})
			i := g.Initializer(onnxgraph.NewIntegers("i", onnxgraph.Int64, []int64{1, 4}, []int64{1, -1, 0, 0}))
			part = g.Op("GatherElements", "taken", []string{part, i}, integer("axis", 1))
			return g.Op("Mul", "y", []string{x, g.Op("Reshape", "column", []string{part, g.ints("to", 4, 1, 1)})})
		}},
		{name: "gather by coordinates", build: func(g *opGraph, x string) string {
			i := g.Initializer(onnxgraph.NewIntegers("i", onnxgraph.Int64, []int64{4, 1, 1, 2},
				[]int64{0, 1, -1, 0, 2, -2, 0, 1}))
			return g.Op("Mul", "y", []string{x, g.Op("GatherND", "taken", []string{g.parameter("p", 3, 4), i})})
		}},
		{name: "expand", build: func(g *opGraph, x string) string {
			p := g.Op("Expand", "e", []string{g.parameter("p", 1, size), g.ints("to", 4, size, 1)})
			return g.Op("Mul", "y", []string{x, p})
		}},
		{name: "tile", build: func(g *opGraph, x string) string {
			return g.Op("Tile", "y", []string{x, g.ints("repeats", 1, 2, 1, 3)})
		}},
		{name: "tile of ones and by one", build: func(g *opGraph, x string) string {
			p := g.Op("Tile", "t", []string{g.parameter("p", 1, 4, 1, 1), g.ints("repeats", 1, 1, size, 1)})
			return g.Op("Tile", "y", []string{g.Op("Mul", "m", []string{x, p}), g.ints("nothing", 1, 1, 1, 1)})
		}},
		{name: "upper triangle", build: unary("Trilu")},
		{name: "lower triangle", build: func(g *opGraph, x string) string {
			k := g.Op("Constant", "k", nil, integer("value_int", -1))
			return g.Op("Trilu", "y", []string{x, k}, integer("upper", 0))
		}},
		{name: "reshape into windows and back", build: func(g *opGraph, x string) string {
			batch := g.Op("Gather", "n", []string{g.Op("Shape", "s", []string{x}), g.ints("zero", 0)})
			windows := g.Op("Mul", "windows", []string{batch, g.ints("four", 4)})
			x = g.Op("Reshape", "w", []string{x, g.Op("Concat", "ws", []string{windows, g.ints("minus", -1)},
				integer("axis", 0))})
			x = g.Op("Softmax", "soft", []string{x})
			back := g.Op("Div", "images_again", []string{windows, g.ints("four2", 4)})
			return g.Op("Reshape", "y", []string{x, g.Op("Concat", "bs", []string{back, g.ints("rest", 4, -1)},
				integer("axis", 0))})
		}},
		{name: "flatten everything", build: func(g *opGraph, x string) string {
			x = g.Op("Flatten", "all", []string{x}, integer("axis", 0))
			return g.Op("Reshape", "y", []string{x, g.ints("shape", -1, 4*size*size)})
		}},

		{name: "matrix times vector", build: func(g *opGraph, x string) string {
			return g.Op("MatMul", "y",
				[]string{x, g.parameter("v", size)})
		}},
		{name: "vector times matrix", build: func(g *opGraph, x string) string {
			return g.Op("MatMul", "y",
				[]string{g.parameter("v", size), x})
		}},
		{name: "vector times vector", build: func(g *opGraph, x string) string {
			return g.Op("Mul", "y", []string{x, g.Op("MatMul", "s", []string{g.parameter("v", 5),
				g.parameter("w", 5)})})
		}},
		{name: "matrix products, broadcast both ways", build: func(g *opGraph, x string) string {
			x = g.Op("Unsqueeze", "u", []string{x, g.ints("axes", 1)})
			return g.Op("MatMul", "y", []string{x, g.parameter("w", 3, 1, size, 2)})
		}},
		{name: "einsum, attention scores", build: einsum("bihd,bjhd->bhij", func(g *opGraph, x string) []string {
			q := g.Op("Reshape", "heads", []string{g.tokens(x), g.ints("h", 0, 0, 2, 2)})
			return []string{q, g.Op("Tanh", "k", []string{q})}
		})},
		{name: "einsum, values by scores", build: einsum("bhij,bjhd->bihd", func(g *opGraph, x string) []string {
			return []string{x, g.Op("Transpose", "v", []string{x}, ints("perm", 0, 2, 1, 3))}
		})},
		{name: "einsum, relative positions", build: einsum("bhwc,hkc->bhwk", func(g *opGraph, x string) []string {
			return []string{x, g.parameter("r", 4, 5, size)}
		})},
		{name: "einsum, dots, sums and no arrow", build: einsum("...ij, jk", func(g *opGraph, x string) []string {
			return []string{x, g.parameter("w", size, 3)}
		})},
		{name: "einsum, one operand", build: einsum("bcij->bjc", func(_ *opGraph,
			x string) []string {
			return []string{x}
		})},
		{name: "einsum, sums before", build: einsum("bcij,dc->bd", func(g *opGraph, x string) []string {
			return []string{x, g.parameter("w", 3, 4)}
		})},
		{name: "dropout of nothing", build: func(g *opGraph, x string) string {
			return g.Op("Dropout", "y", []string{x, g.numbers("ratio", nil, 0)})
		}},
		{name: "dropout with a mask", build: func(g *opGraph, x string) string {
			g.first("Dropout", []string{x, g.numbers("ratio", nil, 0)}, []string{"d", "mask"})
			return "d"
		}},
	}...)
}

// fixedCases are graphs as an exporter writes them for a fixed batch: it's built into the new shapes.
func fixedCases() []opCase {
	integer, ints := onnxgraph.IntAttr, onnxgraph.IntsAttr
	transformer := func(batch int64) func(g *opGraph, x string) string {
		return func(g *opGraph, x string) string {
			x = g.Op("Reshape", "pixels", []string{x, g.ints("flat_shape", batch, 4, -1)})
			x = g.Op("Transpose", "tokens", []string{x}, ints("perm", 0, 2, 1))
			cls := g.Op("Expand", "cls", []string{g.parameter("token", 1, 1, 4), g.ints("cls_shape", batch, 1, 4)})
			x = g.Op("Concat", "all", []string{cls, x}, integer("axis", 1))
			x = g.Op("Reshape", "heads", []string{x, g.ints("heads_shape", batch, 50, 2, 2)})
			q := g.Op("Transpose", "q", []string{x}, ints("perm", 0, 2, 1, 3))
			q = g.Op("Reshape", "joined", []string{q, g.ints("joined_shape", batch*2, 50, 2)})
			k := g.Op("Transpose", "k", []string{q}, ints("perm", 0, 2, 1))
			p := g.Op("Softmax", "p", []string{g.Op("MatMul", "scores", []string{q, k})})
			v := g.Op("MatMul", "v", []string{p, q})
			return g.Op("Reshape", "y", []string{v, g.ints("apart", batch, 2, 50, 2)})
		}
	}
	return []opCase{
		{name: "exported for one image", fixed: 1, build: transformer(1)},
		{name: "exported for two images", fixed: 2, build: transformer(2)},
		{name: "exported for two images, places first", fixed: 2, build: func(g *opGraph, x string) string {
			x = g.Op("Reshape", "pixels", []string{x, g.ints("flat_shape", 0, 4, 49)})
			x = g.Op("Transpose", "places", []string{x}, ints("perm", 2, 0, 1))
			x = g.Op("Tanh", "t", []string{g.Op("Reshape", "heads", []string{x, g.ints("heads_shape", 49, 4, 2)})})
			x = g.Op("Softmax", "soft", []string{x}, integer("axis", 0))
			x = g.Op("MatMul", "mixed", []string{g.Op("Reshape", "rows", []string{x, g.ints("rows_shape", 98, 4)}),
				g.parameter("w", 4, 3)})
			x = g.Op("Reshape", "again", []string{x, g.ints("again_shape", 49, 2, 3)})
			return g.Op("Transpose", "y", []string{x}, ints("perm", 1, 0, 2))
		}},
		{name: "exported for one image, a class token without copies", fixed: 1,
			build: func(g *opGraph, x string) string {
				return g.Op("Concat", "y", []string{g.parameter("token", 1, 4, 1, size), x}, integer("axis", 2))
			}},
		{name: "exported for one image, all of a list taken in order", fixed: 1,
			build: func(g *opGraph, x string) string {
				x = g.Op("GlobalAveragePool", "pool", []string{x})
				x = g.Op("Reshape", "list", []string{x, g.ints("list_shape", -1)})
				i := g.Initializer(onnxgraph.NewIntegers("i", onnxgraph.Int64, []int64{1, 4, 1, 1},
					[]int64{0, 1, 2, 3}))
				return g.Op("Gather", "y", []string{x, i})
			}},
	}
}
