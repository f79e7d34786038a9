package autodiff

import (
	"errors"
	"fmt"

	"ordo/models/onnxgraph"
)

// trainMaxPool adds the output that says where each maximum was.
func trainMaxPool(t *training, n *onnxgraph.Node) *onnxgraph.Node {
	if n.Out(1) != "" {
		return n
	}
	indices := t.b.Unique(n.Out(0) + "/indices")
	t.declare(indices, onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: t.typeOf(n.Out(0)).Shape})
	return &onnxgraph.Node{
		Name: n.GetName(), OpType: n.GetOpType(), Input: n.GetInput(), Output: []string{n.Out(0), indices}, Attribute: n.GetAttribute(),
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
	return []string{t.op("MaxPoolGrad", x+gradSuffix, t.typeOf(x), []string{dy[0], n.Out(1)}, onnxgraph.IntsAttr("kernel_shape", n.Ints("kernel_shape")...))}, nil
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

// maxPoolMatrix bounds the elements of an average pool's matrix: an image of 2048 pixels pooled to 2048.
const maxPoolMatrix = 1 << 22

// averagePoolGradient: along each spatial dimension an average pool is a matrix A [output, input] of the weights that each
// input pixel has in each output, so for two of them y = A₁ x A₂ᵀ and dx = A₁ᵀ dy A₂: two products with small constants. ONNX
// Runtime's own AveragePoolGrad gives an empty tensor where the batch is free.
func averagePoolGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	in, out := t.typeOf(x).Shape, t.typeOf(n.Out(0)).Shape
	w, err := onnxgraph.WindowOf(n, nil, in)
	if err != nil {
		return nil, err
	}
	if len(w.Kernel) != 2 {
		return nil, fmt.Errorf("pooling over %d dimensions, 2 are supported", len(w.Kernel))
	}
	if w.Ceil {
		return nil, errors.New("ceil_mode 1 is not supported")
	}
	sizes, ok := in[2:].Sizes()
	if !ok {
		return nil, fmt.Errorf("the input has the shape %v: its height and width must be fixed", in)
	}
	if sizes[0]*out[2].Size > maxPoolMatrix || sizes[1]*out[3].Size > maxPoolMatrix {
		return nil, fmt.Errorf("pooling %v to %v: the image is too large", in, out)
	}
	includePad := n.Int("count_include_pad", 0) != 0
	height, width := out[2].Size, out[3].Size
	rows := poolMatrix(&w, 0, sizes[0], height, includePad)
	columns := poolMatrix(&w, 1, sizes[1], width, includePad)
	tall := onnxgraph.FloatType(onnxgraph.Shape{in[0], in[1], in[2], out[3]})
	dx := t.op("MatMul", x+"/rows"+gradSuffix, tall, []string{t.floats([]int64{sizes[0], height}, transposed(rows, int(height))), dy[0]})
	return []string{t.op("MatMul", x+gradSuffix, t.typeOf(x), []string{dx, t.floats([]int64{width, sizes[1]}, columns)})}, nil
}

// poolMatrix holds the weight that each of `size` input pixels has in each of `outputs` averages, a row an output.
func poolMatrix(w *onnxgraph.Window, dim int, size, outputs int64, includePad bool) []float32 {
	m := make([]float32, outputs*size)
	for o := range outputs {
		var hit []int64
		for k := range w.Kernel[dim] {
			if i := o*w.Strides[dim] - w.Pads[dim] + k*w.Dilations[dim]; i >= 0 && i < size {
				hit = append(hit, i)
			}
		}
		count := int64(len(hit))
		if includePad {
			count = w.Kernel[dim]
		}
		for _, i := range hit {
			m[o*size+i] = 1 / float32(count)
		}
	}
	return m
}

// transposed turns a matrix of the given number of rows.
func transposed(m []float32, rows int) []float32 {
	columns := len(m) / rows
	out := make([]float32, len(m))
	for i, v := range m {
		out[i%columns*rows+i/columns] = v
	}
	return out
}
