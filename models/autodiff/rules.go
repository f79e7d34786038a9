package autodiff

import (
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// rule says what an operator is in training. To support another operator: one line in rules, one function, and its
// shapes in package onnxgraph.
type rule struct {
	// gradient adds the nodes that turn dy, the gradient of each output of n ("" where there is none), into the
	// gradient of each input, and returns their names. It may leave out, with "", what t.wanted doesn't hold. n is the
	// node as train has made it.
	gradient func(t *training, n *onnxgraph.Node, dy []string) ([]string, error)
	// twice says that the operator's gradient takes that of the first output in two parts, to be summed: dy has the
	// second at its end.
	twice bool
	// train returns the node in the form that its gradient needs, nil: as it is.
	train func(t *training, n *onnxgraph.Node) *onnxgraph.Node
	// lower adds other nodes in place of n to both graphs, or n itself where that is not needed, nil: n stays.
	lower func(f *network, n *onnxgraph.Node) error
	// stops says that the gradient is 0 almost everywhere, so that nothing in front of the node gets any.
	stops bool
	// evaluate returns the node in the form of the evaluation graph, nil: as it is.
	evaluate func(n *onnxgraph.Node) *onnxgraph.Node
	// note says what the rule doesn't do, for the table of operators.
	note string
}

// rules maps each operator of ONNX's domain that ordo can train to its rule.
func rules() map[string]rule { //nolint:funlen // a table
	return map[string]rule{
		"Abs":         {gradient: unaryGradient(absSlope)},
		"Add":         {gradient: broadcastGradient(addPart)},
		"Atan":        {gradient: unaryGradient(atanSlope)},
		"AveragePool": {gradient: averagePoolGradient, lower: lowerPool, note: "all but the batch fixed"},
		"BatchNormalization": {gradient: batchNormGradient, lower: lowerBatchNorm, train: trainBatchNorm,
			evaluate: evaluateBatchNorm},
		"Cast": {gradient: castGradient,
			note: "between float and integers or truth values, where the gradient stops; no other float type"},
		"CastLike": {lower: lowerCastLike, note: "as Cast"},
		"Ceil":     {stops: true, note: "the gradient is 0 and stops here"},
		"Celu":     {gradient: unaryGradient(celuSlope)},
		"Clip": {gradient: unaryGradient(clipSlope),
			note: "bounds have no gradient; on a bound it passes, as in torch.clamp"},
		"Concat": {gradient: concatGradient, note: "fixed sizes along the axis"},
		"Conv":   {gradient: convGradient, note: "automatic padding of fixed sizes only"},
		"ConvTranspose": {gradient: convTransposeGradient,
			note: "automatic padding and output_shape of fixed sizes only"},
		"Cos": {gradient: unaryGradient(cosSlope)},
		"Div": {gradient: broadcastGradient(dividePart)},
		"Dropout": {gradient: dropoutGradient, train: trainDropout, evaluate: evaluateDropout,
			note: "put into training mode in the training graph, left out of the evaluation graph; a fixed ratio"},
		"Einsum":            {lower: lowerEinsum, note: "one or two operands; no diagonals, no broadcasting"},
		"Elu":               {gradient: unaryGradient(eluSlope)},
		"Erf":               {gradient: unaryGradient(erfSlope)},
		"Exp":               {gradient: unaryGradient(expSlope)},
		"Expand":            {gradient: expandGradient, note: "a new shape from constants and shape arithmetic"},
		"Flatten":           {gradient: reshapeGradient},
		"Floor":             {stops: true, note: "the gradient is 0 and stops here"},
		"Gather":            {gradient: gatherGradient},
		"GatherND":          {gradient: gatherNDGradient},
		"GatherElements":    {gradient: gatherElementsGradient},
		"Gelu":              {gradient: geluGradient},
		"Gemm":              {gradient: gemmGradient},
		"GlobalAveragePool": {gradient: globalAveragePoolGradient, note: "pixels fixed"},
		"GlobalMaxPool": {gradient: globalMaxPoolGradient, train: trainGlobalMaxPool,
			note: "all but the batch fixed"},
		"GroupNormalization":    {gradient: groupNormGradient},
		"HardSigmoid":           {gradient: unaryGradient(hardSigmoidSlope)},
		"HardSwish":             {gradient: unaryGradient(hardSwishSlope)},
		"Identity":              {gradient: identityGradient},
		"InstanceNormalization": {gradient: instanceNormGradient},
		"LayerNormalization":    {gradient: layerNormGradient, train: trainLayerNorm},
		"LeakyRelu":             {gradient: unaryGradient(leakyReluSlope)},
		"Log":                   {gradient: unaryGradient(logSlope)},
		"LogSoftmax":            {gradient: kernelOfY("LogSoftmaxGrad_13")},
		"MatMul":                {gradient: matMulGradient, lower: lowerMatMul},
		"Max": {gradient: broadcastGradient(extremePart),
			note: "ties share the gradient evenly, as in torch.maximum"},
		"MaxPool": {gradient: maxPoolGradient, train: trainMaxPool, lower: lowerPool,
			note: "all but the batch fixed; storage_order 0"},
		"Mean": {gradient: broadcastGradient(meanPart)},
		"Min": {gradient: broadcastGradient(extremePart),
			note: "ties share the gradient evenly, as in torch.minimum"},
		"Mish":  {gradient: unaryGradient(mishSlope)},
		"Mul":   {gradient: broadcastGradient(multiplyPart)},
		"Neg":   {gradient: unaryGradient(negSlope)},
		"PRelu": {gradient: broadcastGradient(preluPart), note: "at 0 the slope counts, as in torch"},
		"Pad": {gradient: padGradient, lower: lowerPad,
			note: "fixed pads of fixed sizes; negative ones in mode constant only; no mode wrap"},
		"Pow": {gradient: broadcastGradient(powerPart),
			note: "of a base that is not above 0, a trained exponent gets 0"},
		"RMSNormalization": {gradient: rmsNormGradient},
		"Reciprocal":       {gradient: unaryGradient(reciprocalSlope)},
		"ReduceL1":         {gradient: reduceGradient(absoluteWhole)},
		"ReduceL2":         {gradient: reduceGradient(normWhole)},
		"ReduceLogSumExp":  {gradient: reduceGradient(logSumExpWhole)},
		"ReduceMax": {gradient: reduceGradient(extremeWhole),
			note: "ties share the gradient evenly, as in torch.amax"},
		"ReduceMean": {gradient: reduceGradient(meanWhole), note: "over fixed sizes"},
		"ReduceMin": {gradient: reduceGradient(extremeWhole),
			note: "ties share the gradient evenly, as in torch.amin"},
		"ReduceSum":       {gradient: reduceGradient(sumWhole)},
		"ReduceSumSquare": {gradient: reduceGradient(squareWhole)},
		"Relu":            {gradient: reluGradient},
		"Reshape":         {gradient: reshapeGradient, note: "a new shape from constants and shape arithmetic"},
		"Resize": {gradient: resizeGradient,
			note: "fixed scales, or fixed sizes from fixed sizes; no antialias, crop or keep_aspect_ratio_policy"},
		"Round":   {stops: true, note: "the gradient is 0 and stops here"},
		"Selu":    {gradient: unaryGradient(seluSlope)},
		"Sigmoid": {gradient: kernelOfY("SigmoidGrad")},
		"Sign":    {stops: true, note: "the gradient is 0 and stops here"},
		"Sin":     {gradient: unaryGradient(sinSlope)},
		"Slice": {gradient: sliceGradient,
			note: "fixed starts, ends and steps; a free size only as a whole"},
		"Softmax":   {gradient: softmaxGradient},
		"Softplus":  {gradient: unaryGradient(softplusSlope)},
		"Softsign":  {gradient: unaryGradient(softsignSlope)},
		"Split":     {gradient: splitGradient, note: "a fixed size along the axis"},
		"Sqrt":      {gradient: unaryGradient(sqrtSlope)},
		"Squeeze":   {gradient: reshapeGradient},
		"Sub":       {gradient: broadcastGradient(subtractPart)},
		"Sum":       {gradient: broadcastGradient(addPart)},
		"Tan":       {gradient: unaryGradient(tanSlope)},
		"Tanh":      {gradient: kernelOfY("TanhGrad")},
		"Tile":      {gradient: tileGradient, note: "fixed repeats; a free size only once"},
		"Transpose": {gradient: transposeGradient},
		"Trilu":     {gradient: triluGradient},
		"Unsqueeze": {gradient: reshapeGradient},
		"Where":     {gradient: broadcastGradient(wherePart)},
	}
}

// operator is the name under which trainingRules knows a node of the training graph.
func operator(n *onnxgraph.Node) string {
	if n.GetOpType() == graph.StockBatchNorm {
		return "BatchNormalization"
	}
	if n.GetDomain() == graph.Domain {
		return kernelPrefix + n.GetOpType()
	}
	return n.GetOpType()
}
