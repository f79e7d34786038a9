package autodiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ordo/models/onnxgraph"
)

// rule says what an operator is in training. To support another operator: one line in rules, one function, and its shapes in
// package onnxgraph.
type rule struct {
	// gradient adds the nodes that turn dy, the gradient of each output of n ("" where there is none), into the gradient
	// of each input, and returns their names. It may leave out, with "", what t.wanted doesn't hold. n is the node as
	// train has made it.
	gradient func(t *training, n *onnxgraph.Node, dy []string) ([]string, error)
	// train returns the node in the form that its gradient needs, nil: as it is.
	train func(t *training, n *onnxgraph.Node) *onnxgraph.Node
	// evaluate returns the node in the form of the evaluation graph, nil: as it is.
	evaluate func(n *onnxgraph.Node) *onnxgraph.Node
	// settings lists the inputs that are settings of the operator, as attributes are: a tensor stored for them is never a
	// parameter.
	settings []int
	// note says what the rule doesn't do, for the table of operators.
	note string
}

// rules maps each operator of ONNX's domain that ordo can train to its rule.
func rules() map[string]rule {
	return map[string]rule{
		"Add":                   {gradient: addGradient},
		"AveragePool":           {gradient: averagePoolGradient, note: "all but the batch fixed"},
		"BatchNormalization":    {gradient: batchNormGradient, train: trainBatchNorm, evaluate: evaluateBatchNorm},
		"Conv":                  {gradient: convGradient, note: "automatic padding of fixed sizes only"},
		"ConvTranspose":         {gradient: convTransposeGradient, note: "automatic padding and output_shape of fixed sizes only"},
		"Flatten":               {gradient: reshapeGradient},
		"Gemm":                  {gradient: gemmGradient},
		"GlobalAveragePool":     {gradient: globalAveragePoolGradient, note: "pixels fixed"},
		"GlobalMaxPool":         {gradient: globalMaxPoolGradient, train: trainGlobalMaxPool, note: "all but the batch fixed"},
		"GroupNormalization":    {gradient: groupNormGradient},
		"Identity":              {gradient: identityGradient},
		"InstanceNormalization": {gradient: instanceNormGradient},
		"LayerNormalization":    {gradient: layerNormGradient, train: trainLayerNorm},
		"MatMul":                {gradient: matMulGradient},
		"MaxPool":               {gradient: maxPoolGradient, train: trainMaxPool, note: "all but the batch fixed; storage_order 0"},
		"Pad":                   {gradient: padGradient, settings: []int{1, 2, 3}, note: "fixed pads of fixed sizes; negative ones in mode constant only; no mode wrap"},
		"RMSNormalization":      {gradient: rmsNormGradient},
		"ReduceMean":            {gradient: reduceMeanGradient},
		"Relu":                  {gradient: reluGradient},
		"Reshape":               {gradient: reshapeGradient},
		"Resize":                {gradient: resizeGradient, settings: []int{1, 2, 3}, note: "fixed scales, or fixed sizes from fixed sizes; no antialias, crop or keep_aspect_ratio_policy"},
		"Squeeze":               {gradient: reshapeGradient},
		"Transpose":             {gradient: transposeGradient},
		"Unsqueeze":             {gradient: reshapeGradient},
	}
}

// Operators lists the operators that can be trained, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(rules())) }

// OperatorTable is a Markdown table of the operators that can be trained, and of what their gradients don't do; the file
// OPERATORS.md holds it.
func OperatorTable() string {
	var table strings.Builder
	table.WriteString("| operator | limits |\n| --- | --- |\n")
	for _, op := range Operators() {
		fmt.Fprintf(&table, "| %s | %s |\n", op, rules()[op].note)
	}
	return table.String()
}

// operator is the name under which rules knows a node of the training graph.
func operator(n *onnxgraph.Node) string {
	if n.GetOpType() == "BatchNormInternal" {
		return "BatchNormalization"
	}
	return n.GetOpType()
}
