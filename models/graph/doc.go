// Package graph is what the graphs of training artifacts promise each other, ONNX Runtime's training API and ordo: the
// names in them, what a training graph takes and gives ([Contract]), and the files in which they lie in a folder
// ([Files]).
//
// # Training graph
//
// Inputs, in any order: images; parameters, where a head looks at what was drawn for each view ([Draws]); the model's
// parameters; for each trained parameter a buffer in which gradients add up, see [BufferOf]; and lazy_reset_grad, which
// says that the buffers start anew. One node ordo::Loss takes the outputs that the loss looks at, and gives a gradient
// for each. Outputs: grad_norm, a flag for each buffer, and gradients, all gradients one after the other, where the
// optimizer is Go's.
//
// # Evaluation and optimizer graph
//
// The evaluation graph takes images and the training graph's parameters, in its order, for they are fed by position.
// The optimizer graph has the inputs that ONNX Runtime demands.
//
// # Artifacts
//
// [Artifacts] are encoded graphs with a checkpoint. Their contract is read once, and belongs to the bytes that it was
// read of: whoever puts another graph in its place gets that one's contract.
package graph
