package onnxgraph

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

func reshapeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	target, ok := t.Values[n.In(1)]
	if !ok {
		return nil,
			fmt.Errorf("the new shape %q depends on the data: only constants and shape arithmetic are supported",
				n.In(1))
	}
	x := in[0].Shape
	if out, ok := t.freeShape(x, target, n.Int("allowzero", 0) == 0); ok {
		return one(in[0].Elem, out)
	}
	out := slices.Clone(Shape(target))
	inferred := -1
	for i, d := range out {
		switch {
		case d.Param != "":
		case d.Size == 0 && n.Int("allowzero", 0) == 0:
			if i >= len(x) {
				return nil, fmt.Errorf("the new shape %v keeps dimension %d of an input of shape %v", out, i, x)
			}
			out[i] = x[i]
		case d.Size == -1 && inferred < 0:
			inferred = i
		case d.Size < 0:
			return nil, fmt.Errorf("the new shape %v", out)
		}
	}
	if inferred >= 0 {
		out[inferred] = quotient(x, slices.Delete(slices.Clone(out), inferred, inferred+1))
	}
	if err := sameElements(x, out, inferred >= 0 && out[inferred] == Unknown); err != nil {
		return nil, err
	}
	t.carry(n, n.In(0))
	return one(in[0].Elem, out)
}

// sameElements refuses a new shape that holds more or fewer elements. open: one dimension of it could not be found.
func sameElements(x, out Shape, open bool) error {
	before, known := x.Elements()
	if after, ok := out.Elements(); known && (ok && before != after || open) {
		return fmt.Errorf("%v can't become %v", x, out)
	}
	// Both with the batch: what remains beside it must agree, which finds a batch that is built into the new shape.
	k, names, ok := monomial(x)
	l, others, also := monomial(out)
	if ok && also && !known && slices.Equal(names, others) && k != l {
		return fmt.Errorf("%v can't become %v", x, out)
	}
	if ok && also && len(names) > 0 && len(others) == 0 {
		return fmt.Errorf("%v can't become %v: the new shape has a fixed number of images built in", x, out)
	}
	return nil
}

// freeShape finds the new shape that a fixed one stands for in a graph whose exported batch shall be free: the free
// dimension goes where it begins among the elements. It says false where nothing is to be done or can be.
func (t *typing) freeShape(x Shape, target []Dim, zeroKeeps bool) (Shape, bool) {
	at := slices.IndexFunc(x, func(d Dim) bool { return d.Param != "" })
	if t.batch <= 0 || at < 0 || hasNames(target) {
		return nil, false
	}
	fixed := slices.Clone(x)
	fixed[at] = Dim{Size: x[at].factor() * t.batch}
	out := slices.Clone(Shape(target))
	inferred := slices.Index(out, Unknown)
	for i, d := range out {
		if (d == Dim{}) && zeroKeeps && i < len(x) {
			out[i] = fixed[i]
		}
	}
	if inferred >= 0 {
		out[inferred] = quotient(fixed, slices.Delete(slices.Clone(out), inferred, inferred+1))
	}
	if before, ok := fixed.Elements(); !ok {
		return nil, false
	} else if after, ok := out.Elements(); !ok || before != after {
		return nil, false
	}
	front := Product(x[:at]).Size * max(x[at].outer, 1)
	place, ok := t.place(front, out)
	if !ok || front < 1 {
		return nil, false
	}
	outer := front / Product(out[:place]).Size
	out[place] = times(out[place].Size/t.batch, x[at].Param)
	if outer > 1 {
		out[place].outer = outer
	}
	return out, true
}

// place finds the dimension of a new shape into which the batch goes, by the number of elements in front of it. In
// front of most batches there is nothing else, and it goes into the first dimension. Behind other dimensions, a batch
// of one leaves no trace where it is joined with a neighbour: [17, 1, 64] to [17, 64] may be a row of 64 for each of 17
// places of every image or 17 rows of all images' numbers. Then it isn't found.
func (t *typing) place(front int64, out Shape) (int, bool) {
	if front <= 1 {
		return 0, len(out) > 0 && out[0].Size%t.batch == 0
	}
	found := -1
	for i, d := range out {
		before := Product(out[:i]).Size
		alone := d.Size == t.batch && before == front
		if before < 1 || front%before != 0 || d.Size%(front/before*t.batch) != 0 || !alone && t.batch == 1 {
			continue
		}
		if found >= 0 {
			return 0, false
		}
		found = i
	}
	return found, found >= 0
}

func expandShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	target, ok := t.Values[n.In(1)]
	if !ok {
		return nil,
			fmt.Errorf("the new shape %q depends on the data: only constants and shape arithmetic are supported",
				n.In(1))
	}
	for _, d := range target {
		if d.Param == "" && d.Size < 0 {
			return nil, fmt.Errorf("the new shape %v", Shape(target))
		}
	}
	x := in[0].Shape
	target = slices.Clone(target)
	if lead := len(target) - len(x); t.batch > 0 && len(target) > 1 && target[0].factor() == t.batch &&
		!hasNames(target) && !hasNames(x) {
		if lead > 0 || lead == 0 && (x[0] == Dim{Size: 1}) {
			target[0] = Dim{Param: batchName}
		}
	}
	out, err := broadcast(x, target)
	if err != nil {
		return nil, err
	}
	if count, ok := out.Elements(); ok && count <= maxShapeElements {
		t.pick(n.Out(0), n.In(0), broadcastIndex(out, x))
	}
	return one(in[0].Elem, out)
}

func tileShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	repeats, ok := t.Values[n.In(1)]
	if !ok || len(repeats) != len(in[0].Shape) {
		return nil, fmt.Errorf("repeats %q for an input of shape %v: they must be known, one a dimension", n.In(1),
			in[0].Shape)
	}
	out := make(Shape, len(repeats))
	for i, d := range in[0].Shape {
		if d == Unknown || repeats[i].Param == "" && repeats[i].Size < 0 {
			return nil, fmt.Errorf("repeats %v of an input of shape %v", Shape(repeats), in[0].Shape)
		}
		if out[i], ok = multiplyDims(d, repeats[i]); !ok {
			return nil, fmt.Errorf("repeats %v of an input of shape %v", Shape(repeats), in[0].Shape)
		}
	}
	return one(in[0].Elem, out)
}

func constantOfShapeShape(t *typing, n *Node, _ []TensorType) ([]TensorType, error) {
	target, ok := t.Values[n.In(0)]
	if !ok {
		return nil, fmt.Errorf("the shape %q depends on the data: only constants and shape arithmetic are supported",
			n.In(0))
	}
	elem := Float32
	stored := n.Attr("value", Attribute_TENSOR).GetT()
	if stored != nil {
		if err := stored.Check(); err != nil {
			return nil, err
		}
		elem = stored.GetDataType()
	}
	for _, d := range target {
		if d.Param == "" && d.Size < 0 {
			return nil, fmt.Errorf("the shape %v", Shape(target))
		}
	}
	if count, ok := Shape(target).Elements(); ok && count <= maxShapeElements {
		index := make([]int, count)
		if stored == nil {
			t.Floats[n.Out(0)] = make([]float32, count)
		} else {
			t.store(n.Out(0), stored)
			t.pick(n.Out(0), n.Out(0), index)
		}
	}
	return one(elem, slices.Clone(target))
}

// rangeShape: the numbers must be known, or be the first ones below a free size.
func rangeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	var v [3]Dim
	for i := range v {
		known := t.Values[n.In(i)]
		if len(known) != 1 {
			return nil,
				fmt.Errorf("input %d, %q, depends on the data: only constants and shape arithmetic on integers are "+
					"supported", i, n.In(i))
		}
		v[i] = known[0]
	}
	start, limit, delta := v[0], v[1], v[2]
	if limit.Param != "" && start == (Dim{}) && delta == (Dim{Size: 1}) {
		return one(in[0].Elem, Shape{limit})
	}
	if hasNames(v[:]) || delta == (Dim{}) || max(abs(start.Size), abs(limit.Size), abs(delta.Size)) > maxDim {
		return nil, fmt.Errorf("a range from %v to %v in steps of %v", start, limit, delta)
	}
	count := max(0, (limit.Size-start.Size+delta.Size-sign(delta.Size))/delta.Size)
	if count <= maxShapeElements {
		values := make([]Dim, count)
		for i := range values {
			values[i].Size = start.Size + int64(i)*delta.Size
		}
		t.Values[n.Out(0)] = values
	}
	return one(in[0].Elem, Static(count))
}

func sign(v int64) int64 { return int64(compare(v, 0)) }

func sizeShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	if d := Product(in[0].Shape); d != Unknown {
		t.Values[n.Out(0)] = []Dim{d}
	}
	return one(Int64, Shape{})
}

func gatherShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	axis, err := normalAxis(n.Int("axis", 0), len(x))
	if err != nil {
		return nil, err
	}
	s := slices.Concat(x[:axis], in[1].Shape, x[axis+1:])
	if t.batch > 0 && len(x) == 1 && x[0].Param != "" && t.counting[n.In(1)] {
		if sizes, ok := in[1].Shape.Sizes(); ok {
			if out, ok := t.freeShape(x, Static(sizes...), false); ok {
				return one(in[0].Elem, out) // all of it, in another shape: see InferFree
			}
		}
	}
	if !x[axis].Static() && t.batch > 0 {
		return nil, fmt.Errorf("it takes elements at fixed places along the size %v, which shall be free", x[axis])
	}
	indices, indexed := t.Values[n.In(1)]
	if !indexed {
		return one(in[0].Elem, s)
	}
	picked := make([]int, len(indices))
	for i, d := range indices {
		if d.Param != "" {
			return nil, fmt.Errorf("an index is the free size %v", d)
		}
		if !x[axis].Static() {
			continue
		}
		if picked[i], err = normalAxis(d.Size, int(x[axis].Size)); err != nil {
			return nil, fmt.Errorf("index %d of dimension %d of %v", d.Size, axis, x)
		}
	}
	places := in[1].Shape
	t.move(n.Out(0), s, n.In(0), x, func(at []int) []int {
		k := 0
		for i, d := range places {
			k = k*int(d.Size) + at[axis+i]
		}
		return slices.Concat(at[:axis], []int{picked[k]}, at[axis+len(places):])
	})
	return one(in[0].Elem, s)
}

// gatherNDShape: the last dimension of the indices holds the leading coordinates of what is taken.
func gatherNDShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x, indices, batch := in[0].Shape, in[1].Shape, n.Int("batch_dims", 0)
	last := len(indices) - 1
	if last < 0 || batch < 0 || batch > int64(last) || !indices[last].Static() ||
		indices[last].Size < 1 || batch+indices[last].Size > int64(len(x)) {
		return nil, fmt.Errorf("indices of shape %v into an input of shape %v", indices, x)
	}
	return one(in[0].Elem, slices.Concat(indices[:last], x[batch+indices[last].Size:]))
}

func gatherElementsShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	if _, err := normalAxis(n.Int("axis", 0), len(in[0].Shape)); err != nil {
		return nil, err
	}
	if len(in[0].Shape) != len(in[1].Shape) {
		return nil, fmt.Errorf("indices of shape %v into an input of shape %v", in[1].Shape, in[0].Shape)
	}
	return one(in[0].Elem, in[1].Shape)
}

func argShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	axis, err := normalAxis(n.Int("axis", 0), len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	s := slices.Clone(in[0].Shape)
	if s[axis] = (Dim{Size: 1}); n.Int("keepdims", 1) == 0 {
		s = slices.Delete(s, axis, axis+1)
	}
	return one(Int64, s)
}

func concatShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	axis, err := normalAxis(n.Int("axis", 0), len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	s := slices.Clone(in[0].Shape)
	for i, x := range in[1:] {
		if n.In(i+1) == "" {
			return nil, errInputs
		}
		if len(x.Shape) != len(s) {
			return nil, fmt.Errorf("inputs of shapes %v and %v", in[0].Shape, x.Shape)
		}
		for k, d := range x.Shape {
			switch sum, ok := addDims(s[k], d); {
			case k == axis && (!ok || s[k] == Unknown || d == Unknown):
				s[k] = Unknown
			case k == axis:
				s[k] = sum
			case s[k] == d || !d.Static() && s[k] == Unknown:
			case t.isBatch(s[k]) && !d.Static():
				s[k] = d // to be expanded, see InferFree
			case t.isBatch(d) && !s[k].Static():
			case s[k].Static() && d.Static() || !s[k].Static() && !d.Static() && t.batch != 0:
				return nil, fmt.Errorf("inputs of shapes %v and %v", in[0].Shape, x.Shape)
			case d.Static():
				s[k] = d
			}
		}
	}
	if len(s) != 1 {
		return one(in[0].Elem, s)
	}
	concatValues(t.Values, n)
	concatValues(t.Floats, n)
	return one(in[0].Elem, s)
}

// isBatch says whether a size may stand for the exported batch.
func (t *typing) isBatch(d Dim) bool {
	return t.batch > 0 && d.Static() && (d.Size == t.batch || d.Size == 1)
}

func concatValues[T any](known map[string][]T, n *Node) {
	joined := []T{}
	for _, name := range n.GetInput() {
		v, ok := known[name]
		if !ok || len(joined)+len(v) > maxShapeElements {
			return
		}
		joined = append(joined, v...)
	}
	known[n.Out(0)] = joined
}

func splitShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	axis, sizes, err := t.Types.SplitSizes(n, in[0].Shape)
	if err != nil {
		return nil, err
	}
	out := make([]TensorType, len(sizes))
	first := 0
	for i, size := range sizes {
		s := slices.Clone(in[0].Shape)
		s[axis] = Dim{Size: size}
		out[i] = TensorType{in[0].Elem, s}
		if len(s) == 1 && size <= maxShapeElements {
			index := make([]int, size)
			for k := range index {
				index[k] = first + k
			}
			t.pick(n.Out(i), n.In(0), index)
		}
		first += int(size)
	}
	return out, nil
}

// SplitSizes returns the dimension along which a Split node takes a tensor of shape x apart and the size of each part.
func (t *Types) SplitSizes(n *Node, x Shape) (axis int, sizes []int64, err error) {
	if axis, err = normalAxis(n.Int("axis", 0), len(x)); err != nil {
		return 0, nil, err
	}
	if !x[axis].Static() {
		return 0, nil, fmt.Errorf("dimension %d of an input of shape %v: its size must be fixed", axis, x)
	}
	size, parts := x[axis].Size, int64(len(n.GetOutput()))
	if sizes = n.Ints("split"); sizes == nil {
		if sizes, err = newTyping(t, 0).ints(n, 1); err != nil {
			return 0, nil, err
		}
	}
	if sizes == nil {
		parts = n.Int("num_outputs", parts)
		if parts < 1 || parts != int64(len(n.GetOutput())) || n.Attr("num_outputs", Attribute_INT) == nil &&
			size%parts != 0 {
			return 0, nil, fmt.Errorf("%d of %v in %d parts, %d outputs", size, x, parts, len(n.GetOutput()))
		}
		for rest, part := size, (size+parts-1)/parts; int64(len(sizes)) < parts; rest -= part {
			sizes = append(sizes, max(0, min(part, rest)))
		}
	}
	var sum int64
	for _, s := range sizes {
		if s < 0 || s > maxDim {
			return 0, nil, fmt.Errorf("parts of sizes %v", sizes)
		}
		sum += s
	}
	if sum != size || int64(len(sizes)) != int64(len(n.GetOutput())) {
		return 0, nil, fmt.Errorf("parts of sizes %v of %d, %d outputs", sizes, size, len(n.GetOutput()))
	}
	return axis, sizes, nil
}

func sliceShape(t *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	parts, err := t.Types.SliceParts(n, x)
	if err != nil {
		return nil, err
	}
	s := slices.Clone(x)
	for _, p := range parts {
		if x[p.Axis].Static() {
			s[p.Axis] = Dim{Size: p.Count}
		}
	}
	t.move(n.Out(0), s, n.In(0), x, func(at []int) []int {
		at = slices.Clone(at)
		for _, p := range parts {
			at[p.Axis] = int(p.First) + at[p.Axis]*int(p.Step)
		}
		return at
	})
	return one(in[0].Elem, s)
}

// Part is what a slice leaves of a dimension: Count elements from First on in steps of Step. Of a free size it is all.
type Part struct {
	Axis               int
	First, Count, Step int64
}

// SliceParts returns what a Slice node takes of a tensor of shape x, for each of its axes.
func (t *Types) SliceParts(n *Node, x Shape) ([]Part, error) {
	starts, ends, steps := t.Values[n.In(1)], t.Values[n.In(2)], t.Values[n.In(4)]
	axes, err := newTyping(t, 0).axesOf(n, 3, len(x))
	if err != nil {
		return nil, err
	}
	if axes == nil {
		for i := range min(len(starts), len(x)) {
			axes = append(axes, i)
		}
	}
	if n.In(4) == "" {
		steps = slices.Repeat([]Dim{{Size: 1}}, len(starts))
	}
	if _, known := t.Values[n.In(1)]; !known || len(starts) != len(ends) || len(starts) != len(axes) ||
		len(starts) != len(steps) {
		return nil, errors.New("starts, ends, axes and steps must be known and of the same number")
	}
	parts := make([]Part, len(axes))
	for i, axis := range axes {
		if slices.Contains(axes[:i], axis) {
			return nil, fmt.Errorf("axis %d is given twice", axis)
		}
		if parts[i], err = sliced(x[axis], starts[i], ends[i], steps[i]); err != nil {
			return nil, fmt.Errorf("of an input of shape %v: %w", x, err)
		}
		parts[i].Axis = axis
	}
	return parts, nil
}

func sliced(d, start, end, step Dim) (Part, error) {
	toEnd := end == d || end.Param == "" && end.Size >= maxDim
	switch {
	case toEnd && start == (Dim{}) && step == (Dim{Size: 1}):
		return Part{Count: d.Size, Step: 1}, nil
	case start.Param != "" || end.Param != "" || step.Param != "" || !d.Static():
		return Part{}, fmt.Errorf("the part from %v to %v of the size %v is not known", start, end, d)
	case step.Size == 0 || abs(step.Size) > maxDim:
		return Part{}, fmt.Errorf("a slice in steps of %d", step.Size)
	}
	first, last := bounds(d.Size, start.Size, end.Size, step.Size)
	return Part{First: first, Count: max(0, (last-first+step.Size-sign(step.Size))/step.Size), Step: step.Size}, nil
}

// bounds puts the start and the end of a slice inside a dimension of the given size, counting from the back where
// they are negative.
func bounds(size, start, end, step int64) (first, last int64) {
	inside := func(v, low, high int64) int64 {
		if v < 0 {
			v = max(v, math.MinInt64/2) + size
		}
		return min(max(v, low), high)
	}
	if step > 0 {
		return inside(start, 0, size), inside(end, 0, size)
	}
	return inside(start, 0, size-1), inside(end, -1, size-1)
}
