package graph

import "ordo/models/onnxgraph"

// Domain is the domain of ordo's own operators.
const Domain = "ordo"

// Loss is the operator between a model's outputs and the backward graph: it takes the outputs and gives a gradient for
// each.
const Loss = "Loss"

// The other operators of the domain, which a training graph has where the machine has their kernels. Package
// ort/kernels has their table: what they take, give and compute.
const (
	Conv             = "Conv"
	ConvGrad         = "ConvGrad"
	BatchNorm        = "BatchNorm"
	BatchNormGrad    = "BatchNormGrad"
	Normalize        = "Normalize" // a batch norm in evaluation mode
	MaxPool          = "MaxPool"
	MaxPoolGrad      = "MaxPoolGrad"
	AveragePool      = "AveragePool"
	AveragePoolGrad  = "AveragePoolGrad"
	Linear           = "Linear"
	LinearGrad       = "LinearGrad"
	MatMul           = "MatMul"
	Activation       = "Activation"
	ActivationGrad   = "ActivationGrad"
	ChannelScale     = "ChannelScale"
	ChannelScaleGrad = "ChannelScaleGrad"
	LayerNorm        = "LayerNorm"
	LayerNormGrad    = "LayerNormGrad"
	SoftmaxGrad      = "SoftmaxGrad"
	Reorder          = "Reorder"
)

// Those with activations in bfloat16, and what goes from float32 to it and back.
const (
	ConvBF16            = "ConvBF16"
	ConvGradBF16        = "ConvGradBF16"
	BatchNormBF16       = "BatchNormBF16"
	BatchNormGradBF16   = "BatchNormGradBF16"
	NormalizeBF16       = "NormalizeBF16"
	MaxPoolBF16         = "MaxPoolBF16"
	MaxPoolGradBF16     = "MaxPoolGradBF16"
	AveragePoolBF16     = "AveragePoolBF16"
	AveragePoolGradBF16 = "AveragePoolGradBF16"
	Round               = "Round"
	Widen               = "Widen"
)

// IsLoss says whether a node is the loss operator.
func IsLoss(n *onnxgraph.Node) bool { return n.GetDomain() == Domain && n.GetOpType() == Loss }
