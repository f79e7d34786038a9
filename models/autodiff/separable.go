package autodiff

import (
	"fmt"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// matrix is a constant matrix, row-major. Operators that act on each dimension by itself and are linear, such as
// average pools, resizing and padding by reflection, are one matrix A a dimension, and their gradient is Aᵀ.
type matrix struct {
	rows, columns int64
	values        []float32
}

// maxMatrix bounds the elements of a matrix: an image of 2048 pixels becomes 2048.
const maxMatrix = 1 << 22

// newMatrix makes a matrix of zeros, unless it were too large.
func newMatrix(rows, columns int64) (matrix, error) {
	if rows < 0 || columns < 0 || columns > 0 && rows > maxMatrix/columns {
		return matrix{}, fmt.Errorf("%d pixels from %d: the image is too large", rows, columns)
	}
	return matrix{rows, columns, make([]float32, rows*columns)}, nil
}

func (m matrix) at(row, column int64) *float32 { return &m.values[row*m.columns+column] }

func (m matrix) transposed() matrix {
	out := matrix{m.columns, m.rows, make([]float32, len(m.values))}
	for r := range m.rows {
		for c := range m.columns {
			*out.at(c, r) = *m.at(r, c)
		}
	}
	return out
}

// separableGradient adds the gradient of x from that of y, where y is x with each dimension that has a matrix [output,
// input] multiplied by it.
func (t *training) separableGradient(x, dy string, matrices map[int]matrix) (string, error) {
	for axis := range t.typeOf(x).Shape {
		m, ok := matrices[axis]
		if !ok {
			continue
		}
		var err error
		if dy, err = t.alongAxis(fmt.Sprintf("%s/axis%d%s", x, axis, graph.Gradient), dy, axis,
			m.transposed()); err != nil {
			return "", err
		}
	}
	return dy, nil
}

// alongAxis adds the product of a matrix with every vector along one dimension of a value. As products of matrices: the
// last dimension from the right, the last but one from the left, and others so, too, once those behind are made one.
func (t *training) alongAxis(name, of string, axis int, m matrix) (string, error) {
	shape := t.typeOf(of).Shape
	out := append(onnxgraph.Shape{}, shape...)
	out[axis] = onnxgraph.Dim{Size: m.rows}
	last := len(shape) - 1
	if axis == last {
		right := m.transposed()
		return t.op("MatMul", name, onnxgraph.FloatType(out), []string{of,
			t.floats([]int64{right.rows, right.columns}, right.values)}), nil
	}
	left := t.floats([]int64{m.rows, m.columns}, m.values)
	if axis == last-1 {
		return t.op("MatMul", name, onnxgraph.FloatType(out), []string{left, of}), nil
	}
	behind, ok := shape[axis+1:].Elements()
	before, fits := reshapeTarget(shape[:axis+1])
	whole, restorable := reshapeTarget(out)
	if !ok || !fits || !restorable {
		return "", fmt.Errorf("dimension %d of %v: those behind it must be fixed", axis, shape)
	}
	merged := append(append(onnxgraph.Shape{}, shape[:axis+1]...), onnxgraph.Dim{Size: behind})
	flat := t.op("Reshape", name+"/flat", onnxgraph.FloatType(merged), []string{of, t.ints(append(before, behind)...)})
	merged = append(onnxgraph.Shape{}, merged...)
	merged[axis] = out[axis]
	product := t.op("MatMul", name+"/product", onnxgraph.FloatType(merged), []string{left, flat})
	return t.op("Reshape", name, onnxgraph.FloatType(out), []string{product, t.ints(whole...)}), nil
}
