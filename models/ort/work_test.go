package ort

import (
	"math"
	"testing"
)

func TestOperations(t *testing.T) {
	for _, c := range []struct {
		name    string
		op      string
		in, out [][]int64
		want    float64
	}{
		{"convolution", "Conv", [][]int64{{8, 3, 32, 32}, {16, 3, 5, 5}, {16}}, [][]int64{{8, 16, 30, 28}},
			2 * 8 * 16 * 30 * 28 * 75},
		{"in groups", "Conv", [][]int64{{8, 16, 9, 9}, {16, 1, 3, 3}}, [][]int64{{8, 16, 9, 9}}, 2 * 8 * 16 * 81 * 9},
		{"all its gradients", "ConvGrad", [][]int64{{8, 16, 9, 9}, {8, 16, 9, 9}, {16, 1, 3, 3}},
			[][]int64{{8, 16, 9, 9}, {16, 1, 3, 3}, {16}}, 2 * 2 * 8 * 16 * 81 * 9},
		{"without the image's", "ConvGrad", [][]int64{{8, 16, 9, 9}, {8, 16, 9, 9}, {16, 1, 3, 3}},
			[][]int64{{16, 1, 3, 3}, {16}}, 2 * 8 * 16 * 81 * 9},
		{"matrices", "Gemm", [][]int64{{4, 5}, {5, 7}, {7}}, [][]int64{{4, 7}}, 2 * 4 * 5 * 7},
		{"both transposed", "FusedMatMul", [][]int64{{5, 4}, {7, 5}}, [][]int64{{4, 7}}, 2 * 4 * 5 * 7},
		{"rows of a batch", "MatMul", [][]int64{{2, 3, 4, 5}, {5, 7}}, [][]int64{{2, 3, 4, 7}}, 2 * 6 * 4 * 5 * 7},
		{"a batch of products", "MatMul", [][]int64{{2, 3, 4, 5}, {2, 3, 5, 7}}, [][]int64{{2, 3, 4, 7}}, 2 * 6 * 4 * 5 * 7},
		{"one matrix for a batch", "MatMul", [][]int64{{1, 4, 5}, {6, 5, 7}}, [][]int64{{6, 4, 7}}, 2 * 6 * 4 * 5 * 7},
		{"permuted", "MatMul", [][]int64{{32, 65, 3, 64}, {32, 65, 3, 64}}, [][]int64{{32, 3, 65, 65}},
			2 * 96 * 65 * 64 * 65},
		{"permuted result", "MatMul", [][]int64{{32, 3, 65, 65}, {32, 65, 3, 64}}, [][]int64{{32, 65, 3, 64}},
			2 * 96 * 65 * 65 * 64},
		{"no product", "MatMul", [][]int64{{2, 4, 5}, {3, 5, 7}}, [][]int64{{9, 4, 7}}, 0},
		{"linear", "Linear", [][]int64{{2, 3, 5}, {7, 5}, {7}}, [][]int64{{2, 3, 7}}, 2 * 6 * 5 * 7},
		{"its gradients", "LinearGrad", [][]int64{{2, 3, 7}, {2, 3, 5}, {7, 5}}, [][]int64{{2, 3, 5}, {7, 5}, {7}},
			2 * 2 * 6 * 5 * 7},
		{"but for the input's", "LinearGrad", [][]int64{{2, 3, 7}, {2, 3, 5}, {7, 5}}, [][]int64{{7, 5}, {7}}, 2 * 6 * 5 * 7},
		{"vectors", "MatMul", [][]int64{{5}, {5}}, [][]int64{{}}, 2 * 5},
		{"an empty batch", "MatMul", [][]int64{{0, 5}, {5, 7}}, [][]int64{{0, 7}}, 0},
		{"something else", "Add", [][]int64{{5}, {5}}, [][]int64{{5}}, 0},
		{"no shapes", "Conv", nil, nil, 0},
	} {
		if got := Operations(c.op, c.in, c.out); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%s: %v operations, want %v", c.name, got, c.want)
		}
	}
}

func TestTraffic(t *testing.T) {
	in := []typedShape{{"float": {4, 5}}, {"int64": {2}}, {"string": {9}}}
	out := []typedShape{{"bool": {4, 5}}, {"float": {}}}
	if got := traffic("Where", in, out); got != 80+16+20+4 {
		t.Errorf("%v bytes", got)
	}
	if got := traffic("Reshape", in, out); got != 0 {
		t.Errorf("a reshaped value moves %v bytes", got)
	}
}
