// Package autodiff turns a forward graph into what ONNX Runtime's training API runs: a training graph, an evaluation
// graph, an optimizer graph and a checkpoint with the initial parameters.
//
// # Words
//
// The parameters are float32 tensors that the forward graph stores, see package roles; what else it stores are
// constants. Those parameters that the loss depends on are trained; batch norm's running mean and variance are frozen:
// no gradient, updated by the forward pass. The gradient of a value v, written dv and named v_grad, is the derivative
// of the loss L with respect to each of its elements.
//
// # Forward graph
//
// What is known before the first batch is computed at once: constants, and the shape arithmetic that exporters write,
// in which a free batch is a name that is multiplied and divided. Some operators are replaced by others that mean the
// same: an Einsum by a matrix product. Both graphs are made of what is left.
//
// # Training graph
//
// The forward nodes, then one node ordo::Loss that hands the outputs named in [Options] to the loss, which is computed
// in Go, and takes back the gradient dL/dz of each, then the backward nodes. Those come from one rule an operator,
// applied to the nodes in reverse order (reverse-mode differentiation): for y = f(x) a rule adds the nodes that compute
//
//	dx = (∂y/∂x)ᵀ dy
//
// A value with several uses gets the sum of what they give, always in the same order. No node is added for what needs
// no gradient, such as the images. The inputs are those of the forward graph, the parameters, a buffer for each trained
// one, and lazy_reset_grad, which says that the buffers start anew. The outputs are [graph.GradNorm], by which a step
// whose gradients are not finite is recognised before it does harm,
//
//	grad_norm = √ Σ over parameters, elements of g²
//
// and a flag for each buffer. Every value that the package adds has a declared type: ONNX Runtime can't infer through
// the loss operator, and its max pool gradient crashes without.
//
// # Kernels
//
// With Options.Kernels the training graph has operators of domain ordo, of which package ort/kernels has a table, in
// place of ONNX Runtime's: before the backward nodes are added, a convolution becomes ordo::Conv, and a batch norm with
// the addition and the ReLU behind it one ordo::BatchNorm, each with a rule of its own. Matrix products become
// ordo::Linear and ordo::MatMul, with the Transposes, biases and factors around them, see kernels_matmul.go. The
// operators on images have these with the channels last in memory. Once the graph is complete, layout.go says for every
// other value which order it has, and puts an ordo::Reorder where one is turned into the other: in a residual network,
// for the images alone. All other graphs, the inputs and outputs of this one and the checkpoint are the same with and
// without.
//
// # Evaluation graph
//
// The forward nodes with batch norm by its running statistics; the outputs are the forward graph's, or those that
// Options.Evaluation names; the inputs are those of the forward graph that these need and all parameters, in the
// training graph's order, for they are fed by position.
//
// # Optimizer graph
//
// One AdamW node, see [OptimizerOptions], and before it the nodes that clip the gradients, if that is asked for. There
// is none with Options.FlatGradients: then the training graph has an output with all gradients, for an optimizer
// elsewhere.
//
// # Checkpoint
//
// A flatbuffer, see package checkpoint.
//
// # Operators
//
// OPERATORS.md lists them. Where ONNX Runtime has no kernel for a gradient, a wrong one or one that runs on a single
// thread, it is composed of operators that it has. An operator whose gradient isn't worth a rule is lowered to others
// before anything else, in both graphs. What can't be trained is an error that names the node, its operator and the
// reason.
//
// # Another operator
//
// Add a line to the table in rules.go and a function beside its kin in rules_*.go, its shapes in package onnxgraph, and
// a graph with it in rules_test.go, which compares with finite differences.
package autodiff
