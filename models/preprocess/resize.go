package preprocess

import "ordo/models/onnxgraph"

const (
	// weightBits is the precision of the reduction's weights, that of ordo's packed images.
	weightBits = 22
	// together is how many neighbouring outputs of the reduction are made of the same inputs, by one product.
	together = 8
)

// side is the numbers of pixels of a picture along one axis, int64 scalars.
type side struct{ pixels, reduced string }

// resize makes the graph's input planes of a view, float32 [batch, 3, Size, Size] in [0, 1].
func (a *adder) resize(x string) string {
	at := map[bool][2]int{false: {1, 2}, true: {2, 3}}[a.o.ChannelsFirst]
	shape := a.add("Shape", "shape", []string{x})
	height := side{pixels: a.add("Gather", "height", []string{shape, a.whole(at[0])})}
	width := side{pixels: a.add("Gather", "width", []string{shape, a.whole(at[1])})}
	height.reduced, width.reduced = height.pixels, width.pixels
	if a.o.ShortSide > 0 {
		x = a.reduce(x, &height, &width)
	} else {
		x = a.bytes(a.planes(x))
	}
	short := a.add("Min", "short", []string{height.reduced, width.reduced})
	rows := a.cast(a.view(height, short, down), onnxgraph.Float32)
	columns := a.cast(a.view(width, short, across), onnxgraph.Float32)
	x = a.add("MatMul", "view", []string{rows, x})
	x = a.add("MatMul", "view", []string{x, columns})
	x = a.add("Mul", "unit", []string{x, a.float(1. / 255)})
	return a.add("Clip", "clipped", []string{x, a.float(0), a.float(1)})
}

// planes moves the channels of the graph's input first.
func (a *adder) planes(x string) string {
	if a.o.ChannelsFirst {
		return x
	}
	return a.add("Transpose", "planes", []string{x}, onnxgraph.IntsAttr("perm", 0, 3, 1, 2))
}

// bytes makes values of the graph's input float32 in [0, 255].
func (a *adder) bytes(x string) string {
	x = a.cast(x, onnxgraph.Float32)
	if a.o.Range != 255 {
		x = a.add("Mul", "bytes", []string{x, a.float(255 / a.o.Range)})
	}
	return x
}

// reduce reduces pictures whose short side is larger than it shall be, and sets the reduced sides: the graph's input
// becomes float32 [batch, 3, height, width] in [0, 255].
func (a *adder) reduce(x string, height, width *side) string {
	short := a.add("Min", "short", []string{height.pixels, width.pixels})
	larger := a.add("Greater", "larger", []string{short, a.whole(a.o.ShortSide)})
	twice := a.add("Mul", "twice", []string{short, a.whole(2)})
	for _, s := range []*side{height, width} { // pixels·ShortSide/short, rounded to nearest
		n := a.add("Mul", "reduced", []string{s.pixels, a.whole(2 * a.o.ShortSide)})
		n = a.add("Div", "reduced", []string{a.add("Add", "reduced", []string{n, short}), twice})
		s.reduced = a.add("Where", "reduced", []string{larger, n, s.pixels})
	}
	if !a.o.Bytes { // v/255·255 is not quite v
		x = a.bytes(x)
		x = a.add("Where", "bytes", []string{larger, a.add("Round", "bytes", []string{x}), x})
	}
	perm := onnxgraph.IntsAttr("perm", 2, 0, 1, 3)
	if a.o.ChannelsFirst {
		perm = onnxgraph.IntsAttr("perm", 3, 0, 2, 1)
	}
	x = a.add("Transpose", "columns", []string{x}, perm) // [width, batch, height, 3]
	x = a.combine(x, *width, larger)
	x = a.add("Transpose", "rows", []string{x}, onnxgraph.IntsAttr("perm", 2, 1, 0, 3)) // [height, batch, width, 3]
	x = a.combine(x, *height, larger)
	return a.add("Transpose", "planes", []string{x}, onnxgraph.IntsAttr("perm", 1, 3, 0, 2))
}

// combine reduces the outermost axis of x, [side, …], and rounds to bytes, in float32. Since an output sees few of the
// inputs, one product for all outputs would mostly multiply by 0: outputs are made in groups, each of the inputs that
// it sees.
func (a *adder) combine(x string, s side, larger string) string {
	pixels, reduced := a.double64(s.pixels), a.double64(s.reduced)
	step := a.add("Div", "step", []string{pixels, reduced})
	groups := a.add("Add", "groups", []string{s.reduced, a.whole(together - 1)})
	groups = a.add("Div", "groups", []string{groups, a.whole(together)})
	begin := a.add("Mul", "begin", []string{a.count(groups, 1), a.whole(together)}) // [groups, 1], their first output
	output := a.add("Add", "output", []string{begin, a.count(a.whole(together), 0)})
	last := a.add("Sub", "last", []string{s.reduced, a.whole(1)})
	output = a.double64(a.add("Min", "output", []string{output, last})) // the last group may repeat it
	centre := a.add("Mul", "centre", []string{a.add("Add", "centre", []string{output, a.double(0.5)}), step})

	// Output i sees from its centre, (i+1/2)·step, a step to both sides.
	low := a.add("Mul", "low", []string{a.add("Sub", "low", []string{a.double64(begin), a.double(0.5)}), step})
	low = a.add("Floor", "low", []string{a.add("Add", "low", []string{low, a.double(0.5)})})
	seen := a.add("Ceil", "seen", []string{a.add("Mul", "seen", []string{step, a.double(together + 1)})})
	seen = a.cast(a.add("Add", "seen", []string{seen, a.double(1)}), onnxgraph.Int64)
	place := a.add("Add", "place", []string{a.cast(low, onnxgraph.Int64), a.count(seen, 0)}) // [groups, seen]
	end := a.add("Sub", "end", []string{s.pixels, a.whole(1)})
	input := a.add("Max", "input", []string{a.add("Min", "input", []string{place, end}), a.whole(0)})
	there := a.double64(a.add("Equal", "there", []string{input, place}))

	near := a.add("Unsqueeze", "distance", []string{a.double64(place), a.axis(1)})
	far := a.add("Unsqueeze", "distance", []string{a.add("Sub", "centre", []string{centre, a.double(0.5)}), a.axis(2)})
	w := a.triangle(near, far, step) // [groups, together, seen]
	w = a.add("Mul", "weights", []string{w, a.add("Unsqueeze", "there", []string{there, a.axis(1)})})
	w = a.add("Mul", "shares", []string{a.shares(w, 2), a.double(1 << weightBits)})
	w = a.add("Floor", "shares", []string{a.add("Add", "shares", []string{w, a.double(0.5)})})

	one := a.add("Slice", "shape", []string{a.add("Shape", "shape", []string{x}), a.axis(1), a.axis(4)})
	x = a.add("Gather", "seen", []string{x, input})                         // [groups, seen, …]
	x = a.add("Reshape", "seen", []string{x, a.list("flat", 0, 0, -1)})     // [groups, seen, n]
	x = a.round(a.add("MatMul", "sum", []string{w, a.double64(x)}), larger) // [groups, together, n]
	x = a.add("Reshape", "combined", []string{
		x, a.add("Concat", "shape", []string{a.axis(-1), one}, onnxgraph.IntAttr("axis", 0)),
	})
	size := a.add("Unsqueeze", "size", []string{s.reduced, a.axis(0)})
	return a.add("Slice", "combined", []string{x, a.axis(0), size})
}

// round makes sums by shares bytes again, in float32. Numbers of a picture that isn't reduced stay what they were; if
// they come as bytes they are whole.
func (a *adder) round(x, larger string) string {
	x = a.add("Mul", "sum", []string{x, a.double(1. / (1 << weightBits))})
	byte := a.add("Floor", "byte", []string{a.add("Add", "byte", []string{x, a.double(0.5)})})
	byte = a.add("Min", "byte", []string{byte, a.double(255)}) // rounded weights may add up to a little more than one
	if !a.o.Bytes {
		byte = a.add("Where", "byte", []string{larger, byte, x})
	}
	return a.cast(byte, onnxgraph.Float32)
}

// view are the weights of the square in the middle of a picture whose short side becomes Size pixels.
func (a *adder) view(s side, short string, o orientation) string {
	size := a.whole(a.o.Size)
	whole := a.add("Div", "whole", []string{a.add("Mul", "whole", []string{s.reduced, size}), short}) // rounded down
	step := a.add("Div", "step", []string{a.double64(s.reduced), a.double64(whole)})
	left := a.double64(a.add("Sub", "rest", []string{whole, size}))
	left = a.add("Round", "margin", []string{a.add("Mul", "margin", []string{left, a.double(0.5)})}) // half to even
	return a.weights(o, s.reduced, size, a.add("Mul", "start", []string{left, step}), step)
}

// orientation says on which side of the picture a matrix of weights stands.
type orientation int

const (
	across orientation = iota // [inputs, outputs], on its right: columns are combined
	down                      // [outputs, inputs], on its left: rows are
)

// weights is the matrix of a triangle filter of an axis, float64, from inputs to outputs pixels, of which output i has
// its centre at start + (i+1/2)·step, where input k covers [k, k+1). The weights of an output sum to 1.
func (a *adder) weights(o orientation, inputs, outputs, start, step string) string {
	// The axes that inputs and outputs lack, which are those that the others have.
	lacks, outputsLack := int64(1), int64(0)
	if o == down {
		lacks, outputsLack = outputsLack, lacks
	}
	centre := a.add("Add", "centre", []string{a.double64(a.count(outputs, outputsLack)), a.double(0.5)})
	centre = a.add("Add", "centre", []string{a.add("Mul", "centre", []string{centre, step}), start})
	centre = a.add("Sub", "centre", []string{centre, a.double(0.5)})
	width := a.add("Max", "width", []string{step, a.double(1)})
	return a.shares(a.triangle(a.double64(a.count(inputs, lacks)), centre, width), outputsLack)
}

// count is 0, 1, … n-1, int64, with a further axis of 1.
func (a *adder) count(n string, axis int64) string {
	n = a.add("Range", "places", []string{a.whole(0), n, a.whole(1)})
	return a.add("Unsqueeze", "places", []string{n, a.axis(axis)})
}

// triangle is max(0, 1 - |x - centre| / width).
func (a *adder) triangle(x, centre, width string) string {
	far := a.add("Abs", "distance", []string{a.add("Sub", "distance", []string{x, centre})})
	far = a.add("Div", "distance", []string{far, width})
	return a.add("Relu", "weights", []string{a.add("Sub", "weights", []string{a.double(1), far})})
}

// shares divides weights by their sum along an axis.
func (a *adder) shares(w string, axis int64) string {
	sum := a.add("ReduceSum", "weights", []string{w, a.axis(axis)}, onnxgraph.IntAttr("keepdims", 1))
	return a.add("Div", "weights", []string{w, sum})
}
