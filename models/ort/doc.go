// Package ort binds ONNX Runtime's training API: it loads the library, runs training steps, evaluation steps and the
// optimizer, and keeps the state that they change.
//
// # Words
//
//   - A Runtime is the loaded shared object; package install finds and installs it. One a process.
//   - Artifacts are the bytes of a training graph, an evaluation graph, an optimizer graph and a checkpoint, as package
//     autodiff makes them.
//   - A Trainer is a training session with its state: parameters, batch-norm statistics, optimizer moments, properties.
//   - A Tensor is float32 memory outside Go's heap, filled by Go and read by ONNX Runtime, without a copy.
//
// # The loss is called from inside the graph
//
// A training graph holds one operator ordo::Loss (domain "ordo", version 1) between the model and its backward graph:
//
//	images → model → features [R, F], embedding [R, D] → ordo::Loss → gradients [R, F], [R, D] → backward → parameters
//
// Its kernel calls the trainer's LossFunc with every model output and a gradient to fill for each, both in ONNX
// Runtime's own memory. So a step is one forward and one backward pass, nothing is computed twice and nothing is
// copied.
//
// # Operators of our own
//
// After [Runtime.EnableKernels] every session has the operators of package kernels, which a graph may use in place of
// stock ones.
//
// # Several batches, one update
//
// Trainer.Step is Accumulate, the two passes, and Update. Between updates gradients add up over any number of batches,
// where the optimizer is Go's. A ForwardPass runs the forward pass of a training graph by itself, in an inference
// session that reads the parameters where the optimizer has them, or an average of them.
//
// # What is checked, and what a failure leaves behind
//
// The training API takes graph inputs by name and trusts their shapes, types and order; mistakes give wrong numbers or
// crashes. So NewTrainer checks the artifacts against each other first, and every call checks its tensors. A step that
// fails or whose gradients are not finite leaves parameters, moments and batch-norm statistics as they were before it
// (ErrNonFinite). ONNX Runtime's own checkpoint files carry no checksum and are written in place; Save appends a
// SHA-256 and makes the file appear whole or not at all.
//
// The library must be ONNX Runtime 1.19 or newer, built with the training API, on Linux or macOS.
package ort
