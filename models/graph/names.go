package graph

import "strings"

// The names of the inputs and outputs that ordo gives every model.
const (
	// Images is the input float32 [batch, 3, height, width].
	Images = "images"
	// Draws is the input float32 [batch, columns] with what was drawn for each view, of a model with a conditioned
	// head.
	Draws = "parameters"
	// Features and Embedding are the outputs [batch, n] that every model has.
	Features  = "features"
	Embedding = "embedding"
)

// Names in a training graph.
const (
	// LazyReset is the input that ONNX Runtime's training API sets where gradients start anew, bool [1].
	LazyReset = "lazy_reset_grad"
	// GradNorm is the output with the L2 norm of all gradients of the step, float32 [1].
	GradNorm = "grad_norm"
	// Gradients is the output of a graph whose optimizer is Go's: the accumulated gradients of all trainable
	// parameters, one after the other in the parameters' order, float32 [values].
	Gradients = "gradients"
	// GradOutput begins the names of outputs that give a parameter's gradient of the step, for checks.
	GradOutput = "grad/"
	// LossGradient ends the name of what the loss operator gives for an output.
	LossGradient = ".dloss"
	// Gradient ends the name of a value's gradient.
	Gradient = "_grad"
)

// Ends of names by which ONNX Runtime's training API knows a parameter's gradient buffer and the flag that it was
// written.
const (
	bufferSuffix = Gradient + ".accumulation.buffer"
	flagSuffix   = Gradient + ".accumulation.out"
)

// Buffer names the input in which the gradients of a parameter add up.
func Buffer(parameter string) string { return parameter + bufferSuffix }

// BufferOf gives the parameter of a gradient buffer, and false for every other name.
func BufferOf(name string) (parameter string, ok bool) { return strings.CutSuffix(name, bufferSuffix) }

// Flag names the output that says that the buffer of a parameter was written.
func Flag(parameter string) string { return parameter + flagSuffix }

// IsFlag says whether a name is that of a flag.
func IsFlag(name string) bool { return strings.HasSuffix(name, flagSuffix) }

// IsReserved says whether ONNX Runtime's training API gives a meaning to a name, so that no value of a model may have
// it.
func IsReserved(name string) bool {
	_, buffer := BufferOf(name)
	return buffer || IsFlag(name) || strings.HasSuffix(name, Gradient) || name == LazyReset
}

// Keys of a training graph's metadata about its batches, of heads that look at several views of an image.
const (
	MetaViews     = "ordo.views"
	MetaBaseViews = "ordo.base_views"
	MetaPlainView = "ordo.plain_view"
)

// Operators of ONNX Runtime's own that a training graph has.
const (
	// Microsoft is the domain of ONNX Runtime's own operators.
	Microsoft = "com.microsoft"
	// Accumulator adds a gradient to its buffer.
	Accumulator = "InPlaceAccumulatorV2"
	// StockBatchNorm is batch norm in training mode.
	StockBatchNorm = "BatchNormInternal"
)
