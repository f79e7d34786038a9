package onnxgraph

import (
	"slices"
	"strings"
)

// Parameters lists the weights of a model, in their order in the file: its float32 initializers that nodes use as
// operands. What is stored but no weight: the settings of an operator, such as the bounds of a Clip; and the constants
// that an exporter has put among the weights, numbers (no dimensions) under a name that it made up ("val_7",
// "onnx::Div_12").
func Parameters(m *Model) []*Tensor {
	operand := map[string]bool{}
	for _, n := range m.GetGraph().GetNode() {
		for i, in := range n.GetInput() {
			operand[in] = operand[in] || !slices.Contains(settings(n.GetOpType()), i)
		}
	}
	var weights []*Tensor
	for _, t := range m.GetGraph().GetInitializer() {
		constant := len(t.GetDims()) == 0 && madeUp(t.GetName())
		if t.GetDataType() == Float32 && operand[t.GetName()] && !constant {
			weights = append(weights, t)
		}
	}
	return weights
}

// settings lists the inputs of an operator that say what it does, rather than to what.
func settings(op string) []int {
	switch op {
	case "Clip":
		return []int{1, 2}
	case "Pad", "Resize":
		return []int{1, 2, 3}
	case "Dropout":
		return []int{1}
	}
	return nil
}

// madeUp says whether a name is an exporter's, not the network's; those of torch's constants are behind their module's
// name.
func madeUp(name string) bool {
	for _, prefix := range []string{"/", "onnx::"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, prefix := range []string{"val_", "_val_", "const", "scalar_tensor", "lifted_tensor", "_tensor_constant"} {
		if strings.HasPrefix(last, prefix) {
			return true
		}
	}
	return false
}
