package autodiff

import (
	"maps"
	"slices"

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
}

// rules maps each operator of ONNX's domain that ordo can train to its rule.
func rules() map[string]rule {
	return map[string]rule{
		"Add":                {gradient: addGradient},
		"AveragePool":        {gradient: averagePoolGradient},
		"BatchNormalization": {gradient: batchNormGradient, train: trainBatchNorm, evaluate: evaluateBatchNorm},
		"Conv":               {gradient: convGradient},
		"Flatten":            {gradient: reshapeGradient},
		"Gemm":               {gradient: gemmGradient},
		"GlobalAveragePool":  {gradient: globalAveragePoolGradient},
		"Identity":           {gradient: identityGradient},
		"MatMul":             {gradient: matMulGradient},
		"MaxPool":            {gradient: maxPoolGradient, train: trainMaxPool},
		"ReduceMean":         {gradient: reduceMeanGradient},
		"Relu":               {gradient: reluGradient},
		"Reshape":            {gradient: reshapeGradient},
		"Squeeze":            {gradient: reshapeGradient},
		"Transpose":          {gradient: transposeGradient},
		"Unsqueeze":          {gradient: reshapeGradient},
	}
}

// Operators lists the operators that can be trained, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(rules())) }

// operator is the name under which rules knows a node of the training graph.
func operator(n *onnxgraph.Node) string {
	if n.GetOpType() == "BatchNormInternal" {
		return "BatchNormalization"
	}
	return n.GetOpType()
}
