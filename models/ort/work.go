package ort

import (
	"math"
	"slices"
	"strings"
)

// Operations is the number of floating point operations that an operator does on values of these shapes, where it is a
// convolution, its gradient, or a matrix product; a product and its addition are two. Convolutions are counted as
// direct ones, however they are done. 0 for all else. Inputs come in the operator's order; outputs that are left out
// are not among the shapes.
func Operations(op string, in, out [][]int64) float64 {
	if len(in) < 2 || len(out) == 0 {
		return 0
	}
	switch strings.TrimSuffix(op, "BF16") { // of ours with activations in bfloat16
	case "Conv", "FusedConv":
		if w := in[1]; len(w) > 2 {
			return 2 * elements(out[0]) * elements(w[1:])
		}
	case "ConvGrad": // of dY, X and W; the gradient of a bias is a sum
		if len(in) < 3 || len(in[2]) < 3 {
			return 0
		}
		products := 0.0
		for _, shape := range out {
			if len(shape) == len(in[2]) {
				products++
			}
		}
		return products * 2 * elements(in[0]) * elements(in[2][1:])
	case "Linear":
		return product(in[0], in[1], out[0])
	case "LinearGrad": // of dY, X and W; as above
		if len(in) < 3 {
			return 0
		}
		products := 0.0
		for _, shape := range out {
			if len(shape) > 1 {
				products++
			}
		}
		return products * product(in[1], in[2], in[0])
	case "MatMul", "FusedMatMul", "Gemm", "FusedGemm":
		return product(in[0], in[1], out[0])
	}
	return 0
}

// product is the number of operations of matrix products y = a·b, where a profile doesn't tell which matrices are
// transposed, or which dimensions permuted.
func product(a, b, y []int64) float64 {
	batch, plain := 1.0, true
	for i := 3; i <= min(len(a), len(b)); i++ {
		m, n := a[len(a)-i], b[len(b)-i]
		plain = plain && i <= len(y) && y[len(y)-i] == max(m, n)
		batch = min(batch*float64(max(1, min(m, n))), maxElements)
	}
	size := elements(y)
	switch {
	case size == 0:
		return 0
	case plain: // [batch, M, K] times [batch, K, N] is [batch, M, N], so the sizes tell batch·K²
		return 2 * size * math.Sqrt(elements(a)*elements(b)/(size*batch))
	}
	// Any two dimensions of a are M and K if N is left of both b and y.
	for i, m := range a {
		for j, k := range a {
			if i == j {
				continue
			}
			rest := slices.Clone(a)
			rest = slices.Delete(rest, max(i, j), max(i, j)+1)
			rest = slices.Delete(rest, min(i, j), min(i, j)+1)
			n, fits := without(b, append(rest, k))
			if other, also := without(y, append(rest, m)); fits && also && len(n) == 1 && slices.Equal(n, other) {
				return 2 * size * float64(k)
			}
		}
	}
	return 0
}

// without takes dimensions out of a shape, if it has them all.
func without(shape, dimensions []int64) ([]int64, bool) {
	shape = slices.Clone(shape)
	for _, d := range dimensions {
		i := slices.Index(shape, d)
		if i < 0 {
			return nil, false
		}
		shape = slices.Delete(shape, i, i+1)
	}
	return shape, true
}

// maxElements is more than any tensor has.
const maxElements = 1e18

func elements(shape []int64) float64 {
	n := 1.0
	for _, d := range shape {
		if d <= 0 {
			return 0
		}
		n = min(n*float64(d), maxElements)
	}
	return n
}

// typedShape is a value in a profile: its shape by the name of its type.
type typedShape map[string][]int64

// typeBytes are the sizes of elements.
var typeBytes = map[string]float64{
	"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2,
	"int32": 4, "uint32": 4, "float": 4, "int64": 8, "uint64": 8, "double": 8,
}

// traffic is the number of bytes of an operator's inputs and outputs.
func traffic(op string, in, out []typedShape) float64 {
	switch op {
	case "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Shape", "Size": // they look at the values at most
		return 0
	}
	bytes := 0.0
	for _, list := range [][]typedShape{in, out} {
		for _, value := range list {
			for name, shape := range value {
				bytes += typeBytes[name] * elements(shape)
			}
		}
	}
	return bytes
}

func shapes(values []typedShape) [][]int64 {
	var all [][]int64
	for _, value := range values {
		for _, shape := range value {
			all = append(all, shape)
		}
	}
	return all
}
