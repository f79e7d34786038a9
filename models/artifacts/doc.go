// Package artifacts makes, reads and adapts folders of training artifacts: the files that ONNX Runtime's training API
// runs, and a manifest that says what they are.
//
// [Build] turns a forward graph of anybody's into artifacts that an experiment can train: it frees the batch dimension,
// gives the input and the outputs the names that ordo knows (images, features, embedding), puts the normalisation in
// front, the heads behind, and lets package autodiff do the rest. [Write] writes the folder, whole or not at all, and
// [Read] reads it.
//
// The folder has the forward graph too, whose weights are those of the checkpoint's file, for the one graph that
// depends on the machine: [Folder.UseKernels] makes the training graph anew with ordo's own operators.
//
// Read also takes artifacts of ONNX Runtime's own generator (the Python package onnxruntime-training) whose loss is the
// sum of z·dz with dz a graph input: see [Read] for what it changes about them.
package artifacts
