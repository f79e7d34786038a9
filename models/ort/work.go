package ort

import "math"

// Operations is the number of floating point operations that an operator does on values of these shapes, where it is a convolution, its
// gradient, or a matrix product; a product and its addition are two. Convolutions are counted as direct ones, however they are
// done. 0 for all else. Inputs come in the operator's order; outputs that are left out are not among the shapes.
func Operations(op string, in, out [][]int64) float64 {
	if len(in) < 2 || len(out) == 0 {
		return 0
	}
	switch op {
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
	case "MatMul", "FusedMatMul", "Gemm", "FusedGemm":
		// Whichever are transposed, [B,M,K] times [B,K,N] is [B,M,N], so the sizes tell B·K².
		a, b := in[0], in[1]
		y := elements(out[0])
		if y == 0 {
			return 0
		}
		batch := 1.0
		for i := 3; i <= min(len(a), len(b)); i++ {
			batch *= float64(max(1, min(a[len(a)-i], b[len(b)-i])))
		}
		return 2 * y * math.Sqrt(elements(a)*elements(b)/(y*min(batch, maxElements)))
	}
	return 0
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
