// Package models gives the runner a backbone that trains: it builds or reads training artifacts, opens the training
// session on them, and runs exported encoders.
//
// # Words
//
//   - The backbone maps images [N, 3, S, S] to features [N, F], which downstream tasks use.
//   - The projector is the head on top of it; its output is the embedding [N, D], which the losses look at.
//   - Artifacts are the files that ONNX Runtime's training API runs: training_model.onnx (forward, loss operator,
//     backward), eval_model.onnx (batch norm with running statistics), optimizer_model.onnx (AdamW; none where the
//     optimizer is Go's) and checkpoint.
//   - An encoder is the evaluation graph with its weights inside: one plain ONNX file, for any ONNX runtime.
//
// # Packages
//
// On the ground are onnxgraph, which reads and writes ONNX, graph, which has the names in training graphs, what they
// promise and the files in which they lie, and fault, of which errors are made; near finds what a user meant by a name.
// roles tells a graph's parameters from its constants. zoo makes forward graphs with initial weights, weights puts
// those of a file in, and heads adds what stands on a backbone. autodiff turns a forward graph into artifacts,
// artifacts makes folders of those from anybody's graph and reads them, checkpoint reads and writes the state of a
// training, verify and inspect look at graphs, and preprocess puts before a network's graph what happens to pixels. ort
// binds ONNX Runtime, with its operators of ordo's own in ort/kernels and the libraries' installation in ort/install;
// optimizer updates parameters in Go, and limits measures what a machine can do at most.
package models
