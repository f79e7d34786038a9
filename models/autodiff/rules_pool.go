package autodiff

import (
	"errors"
	"fmt"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// trainMaxPool adds the output that says where each maximum was.
func trainMaxPool(t *training, n *onnxgraph.Node) *onnxgraph.Node {
	if n.Out(1) != "" {
		return n
	}
	indices := t.b.Unique(n.Out(0) + "/indices")
	t.declare(indices, onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: t.typeOf(n.Out(0)).Shape})
	// As nobody else looks at that output, it can be in the order that the gradient takes.
	rowMajor := slices.DeleteFunc(slices.Clone(n.GetAttribute()),
		func(a *onnxgraph.Attribute) bool { return a.GetName() == "storage_order" })
	return &onnxgraph.Node{
		Name: n.GetName(), OpType: n.GetOpType(), Input: n.GetInput(), Output: []string{n.Out(0), indices},
		Attribute: rowMajor,
	}
}

// maxPoolGradient: MaxPoolGrad takes the size of its result, but for the batch, from the declared type; without, ONNX
// Runtime crashes.
func maxPoolGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	if _, ok := t.typeOf(x).Shape[1:].Sizes(); !ok {
		return nil, fmt.Errorf("the input has the shape %v: all but the batch must be fixed", t.typeOf(x).Shape)
	}
	if n.Int("storage_order", 0) != 0 {
		return nil, errors.New("storage_order 1 is not supported")
	}
	return []string{t.op("MaxPoolGrad", x+graph.Gradient, t.typeOf(x), []string{dy[0], n.Out(1)},
		onnxgraph.IntsAttr("kernel_shape", n.Ints("kernel_shape")...))}, nil
}

// trainGlobalMaxPool makes the node a max pool whose window is the whole image.
func trainGlobalMaxPool(t *training, n *onnxgraph.Node) *onnxgraph.Node {
	sizes, ok := t.typeOf(n.In(0)).Shape[2:].Sizes()
	if !ok {
		return n // its gradient says why not
	}
	return trainMaxPool(t, &onnxgraph.Node{
		Name: n.GetName(), OpType: "MaxPool", Input: n.GetInput(), Output: n.GetOutput(),
		Attribute: []*onnxgraph.Attribute{onnxgraph.IntsAttr("kernel_shape", sizes...)},
	})
}

// globalMaxPoolGradient is that of the max pool which trainGlobalMaxPool has made of the node, or says why it couldn't.
func globalMaxPoolGradient(t *training, n *onnxgraph.Node, _ []string) ([]string, error) {
	return nil, fmt.Errorf("the input has the shape %v: all but the batch must be fixed", t.typeOf(n.In(0)).Shape)
}

// globalAveragePoolGradient: every pixel gets 1/(H·W) of its channel's gradient.
func globalAveragePoolGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	shape := t.typeOf(x).Shape
	var axes []int
	for i := range shape[2:] {
		axes = append(axes, i+2)
	}
	dx, err := t.spread(x, dy[0], axes)
	return []string{dx}, err
}

// averagePoolGradient: along each spatial dimension an average pool is a matrix [output, input] of the weights that
// each input pixel has in each output. ONNX Runtime's own AveragePoolGrad gives an empty tensor where the batch is
// free, and knows neither ceil_mode nor dilations.
func averagePoolGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	in, out := t.typeOf(x).Shape, t.typeOf(n.Out(0)).Shape
	w, err := onnxgraph.WindowOf(n, nil, in)
	if err != nil {
		return nil, err
	}
	counted := n.Int("count_include_pad", 0) != 0
	matrices := map[int]matrix{}
	for i := range w.Kernel {
		if !in[i+2].Static() {
			return nil, fmt.Errorf("the input has the shape %v: all but the batch must be fixed", in)
		}
		if w.Kernel[i] == 1 && w.Strides[i] == 1 && w.Pads[i] == 0 && w.Pads[i+len(w.Kernel)] == 0 {
			continue
		}
		if matrices[i+2], err = poolMatrix(&w, i, in[i+2].Size, out[i+2].Size, counted); err != nil {
			return nil, err
		}
	}
	dx, err := t.separableGradient(x, dy[0], matrices)
	return []string{dx}, err
}

// poolMatrix holds the weight that each of `size` input pixels has in each of `outputs` averages. These are over the
// pixels of the image in the window, with those of the padding if they count, but not what a window covers beyond them.
func poolMatrix(w *onnxgraph.Window, dim int, size, outputs int64, countPadding bool) (matrix, error) {
	m, err := newMatrix(outputs, size)
	if err != nil {
		return m, err
	}
	for o := range outputs {
		var hit []int64
		padded := int64(0)
		for k := range w.Kernel[dim] {
			i := o*w.Strides[dim] - w.Pads[dim] + k*w.Dilations[dim]
			if i >= 0 && i < size {
				hit = append(hit, i)
			}
			if i < size+w.Pads[dim+len(w.Kernel)] {
				padded++
			}
		}
		count := int64(len(hit))
		if countPadding {
			count = padded
		}
		for _, i := range hit {
			*m.at(o, i) = 1 / float32(count)
		}
	}
	return m, nil
}
