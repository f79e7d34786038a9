package autodiff

import (
	"fmt"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// reduceGradient is the gradient of a reduction over some dimensions of x: whole gives the gradient of x from y and dy,
// which have got those dimensions back with a size of 1.
func reduceGradient(whole func(r reduction) (string, error)) func(*training, *onnxgraph.Node, []string) ([]string,
	error) {
	return func(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
		x := n.In(0)
		axes, err := t.types.ReduceAxes(n, len(t.typeOf(x).Shape))
		if err != nil {
			return nil, err
		}
		r := reduction{elements: t.elementsOf(x, x), x: x, axes: axes}
		if r.dy, err = t.kept(x, dy[0], axes); err != nil {
			return nil, err
		}
		r.y = func() (string, error) { return t.kept(x, n.Out(0), axes) }
		dx, err := whole(r)
		return []string{dx}, err
	}
}

// reduction is a node that reduces x over axes.
type reduction struct {
	elements
	x, dy string
	y     func() (string, error)
	axes  []int
}

// sumWhole: every element gets the sum's gradient.
func sumWhole(r reduction) (string, error) { return r.t.repeat(r.x, r.dy, r.axes), nil }

// meanWhole: every element gets its share of the mean's gradient.
func meanWhole(r reduction) (string, error) { return r.t.spread(r.x, r.dy, r.axes) }

// extremeWhole: the elements that are the maximum, or minimum, share its gradient evenly, as in torch.amax.
func extremeWhole(r reduction) (string, error) {
	y, err := r.y()
	if err != nil {
		return "", err
	}
	ones := r.ones(r.compare("Equal", r.x, y))
	axes := make([]int64, len(r.axes))
	for i, a := range r.axes {
		axes[i] = int64(a)
	}
	count := ones
	if len(axes) > 0 {
		count = r.t.op("ReduceSum", r.name, r.t.typeOf(r.dy), []string{ones, r.t.ints(axes...)},
			onnxgraph.IntAttr("keepdims", 1))
	}
	each := r.t.op("Div", r.name, r.t.typeOf(r.dy), []string{r.dy, count})
	return r.op("Mul", ones, each), nil
}

// normWhole: with y = √Σx², dx = x·dy/y, 0 where y is 0.
func normWhole(r reduction) (string, error) {
	y, err := r.y()
	if err != nil {
		return "", err
	}
	small := elements{r.t, r.name, r.t.typeOf(r.dy)}
	zero := small.compare("Equal", y, small.number(0))
	return r.op("Mul", r.x, small.where(zero, small.number(0), small.op("Div", r.dy, y))), nil
}

// absoluteWhole: with y = Σ|x|, dx = dy·sign(x).
func absoluteWhole(r reduction) (string, error) { return r.op("Mul", r.op("Sign", r.x), r.dy), nil }

// squareWhole: with y = Σx², dx = 2·dy·x.
func squareWhole(r reduction) (string, error) {
	return r.op("Mul", r.x, elements{r.t, r.name, r.t.typeOf(r.dy)}.scale(r.dy, 2)), nil
}

// logSumExpWhole: with y = ln Σeˣ, dx = dy·exp(x − y).
func logSumExpWhole(r reduction) (string, error) {
	y, err := r.y()
	if err != nil {
		return "", err
	}
	return r.op("Mul", r.op("Exp", r.op("Sub", r.x, y)), r.dy), nil
}

// kept gives a reduced value, or its gradient, the dimensions over which x was reduced back, with a size of 1.
func (t *training) kept(x, reduced string, axes []int) (string, error) {
	shape := slices.Clone(t.typeOf(x).Shape)
	for _, a := range axes {
		shape[a] = onnxgraph.Dim{Size: 1}
	}
	if slices.Equal(t.typeOf(reduced).Shape, shape) {
		return reduced, nil
	}
	target, ok := reshapeTarget(shape)
	if !ok {
		return "", fmt.Errorf("more than one free size in %v", shape)
	}
	return t.op("Reshape", reduced+"/kept", onnxgraph.FloatType(shape), []string{reduced, t.ints(target...)}), nil
}

// spread adds the gradient of a value that was averaged over some dimensions: the mean's gradient, divided by the
// number of elements, for each of them.
func (t *training) spread(of, gradient string, axes []int) (string, error) {
	var averaged onnxgraph.Shape
	for _, a := range axes {
		averaged = append(averaged, t.typeOf(of).Shape[a])
	}
	count, ok := averaged.Elements()
	if !ok || count == 0 {
		return "", fmt.Errorf("a mean over the dimensions %v of %v: their sizes must be fixed", axes,
			t.typeOf(of).Shape)
	}
	gradient, err := t.kept(of, gradient, axes)
	if err != nil {
		return "", err
	}
	share := elements{t, of + "/share" + graph.Gradient, t.typeOf(gradient)}.scale(gradient, 1/float64(count))
	return t.repeat(of, share, axes), nil
}

// repeat gives a gradient along dimensions of which it has one the sizes of the value. The Expand takes the sizes of
// those dimensions alone, so the batch may be free; where it is one of them, the shape is read from the value.
func (t *training) repeat(of, gradient string, axes []int) string {
	shape := t.typeOf(of).Shape
	sizes := slices.Repeat([]int64{1}, len(shape))
	fixed := true
	for _, a := range axes {
		sizes[a] = shape[a].Size
		fixed = fixed && shape[a].Static()
	}
	target := ""
	if fixed {
		target = t.ints(sizes...)
	} else {
		target = t.shapeOf(of)
	}
	return t.op("Expand", of+graph.Gradient, t.typeOf(of), []string{gradient, target})
}

// shapeOf reads the shape of a value at run time.
func (t *training) shapeOf(of string) string {
	sizes := onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: onnxgraph.Static(int64(len(t.typeOf(of).Shape)))}
	return t.op("Shape", of+"/shape", sizes, []string{of})
}
