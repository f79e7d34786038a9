package roles

import (
	"slices"
	"strings"
	"unicode"
)

// madeUp says whether a name is an exporter's, not the network's.
func madeUp(name string) bool {
	for _, prefix := range []string{"/", "onnx::", "const_fold_opt", "Constant", "helper.", "p2o."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	name, _, _ = strings.Cut(name, ":") // TensorFlow's numbers of outputs
	if strings.IndexFunc(name, func(r rune) bool { return !unicode.IsDigit(r) }) < 0 {
		return true // torch's TorchScript exporter up to 1.12, and no name at all
	}
	// The operands that TensorFlow makes of Python's numbers: "rescaling/Cast/x", "add/y", "Const_1".
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		if last := name[at+1:]; last == "x" || last == "y" || strings.HasPrefix(last, "Const") {
			return true
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, prefix := range []string{"val_", "_val_", "const", "scalar_tensor", "lifted_tensor", "_lifted_tensor",
		"c_lifted_tensor", "_tensor_constant"} {
		if strings.HasPrefix(last, prefix) {
			return true
		}
	}
	return isResult(name)
}

// isResult says whether a name is that of an operation of torch's ("mul", "unsqueeze_3"), which the tensor has where
// the exporter computed it ahead.
func isResult(name string) bool {
	op := strings.TrimRightFunc(name, unicode.IsDigit)
	if op != name {
		var numbered bool
		if op, numbered = strings.CutSuffix(op, "_"); !numbered {
			return false
		}
	}
	return slices.Contains([]string{"add", "sub", "rsub", "mul", "div", "pow", "cos", "sin", "cat", "stack", "unsqueeze",
		"squeeze", "view", "reshape", "permute", "transpose", "expand", "repeat", "clone", "select", "slice", "getitem",
		"arange", "full", "zeros", "ones", "zeros_like", "ones_like", "full_like", "linspace", "rsqrt", "sqrt", "exp",
		"neg", "where", "masked_fill", "outer", "einsum", "matmul", "mm", "bmm", "clamp", "_to_copy", "flatten", "index",
		"broadcast_to", "tile", "flip", "roll", "triu", "tril", "cumsum", "reciprocal", "contiguous", "detach",
		"alias", "slice_scatter", "select_scatter", "index_put", "scatter", "copy"}, op)
}

// saysParameter says whether a name's last part is one that networks give to their parameters.
// What a rotary embedding is called so holds its sines and cosines.
func saysParameter(name string) bool {
	if hasWord(name, "rope", "rotary") && hasWord(lastPart(name), "embed", "embedding", "embeddings") {
		return false
	}
	return hasWord(lastPart(name), "weight", "weights", "bias", "gamma", "beta", "kernel", "scale", "shift", "alpha",
		"token", "tokens", "embed", "embedding", "embeddings", "temperature", "w", "b", "readvariableop")
}

// saysConstant says whether a name is one that networks give to what they compute before they run.
func saysConstant(name string) bool {
	return !saysParameter(name) && hasWord(name, "cos", "sin", "cis", "rope", "rotary", "freq", "freqs", "mask", "eps",
		"epsilon", "anchor", "anchors", "grid", "coords", "periods", "bands", "cached",
		"indices", "index")
}

// saysFilter says whether a name is that of a kernel which is no weight, such as the blur before a smaller image.
func saysFilter(name string) bool {
	return !hasWord(lastPart(name), "weight") && hasWord(name, "filt", "blur", "sobel", "laplacian", "haar", "dct")
}

// saysPixels says whether a name is that of numbers by which images are normalised.
func saysPixels(name string) bool {
	return !saysParameter(name) && hasWord(name, "mean", "std", "var", "variance", "pixel", "normalize")
}

// lastPart of "blocks.0.norm1.weight", "conv/ReadVariableOp:0" and "conv2d_0.w_0" is "weight", "ReadVariableOp" and
// "w_0".
func lastPart(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return name[strings.LastIndexAny(name, "./")+1:]
}

// hasWord says whether one of the words is among those of a name, which are set apart by anything but letters.
func hasWord(name string, words ...string) bool {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(parts, func(part string) bool { return slices.Contains(words, part) })
}
