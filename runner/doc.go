// Package runner runs one experiment from its resolved configuration to its report.
//
// # The way of the data
//
//	data.Dataset → Loader (augment: views into the input tensor) → models.Trainer (forward)
//	             → loss (values and gradients, called from inside the training graph) → models.Trainer (backward, AdamW)
//	             → track (metrics, checkpoint, result)
//
// A batch is V views of N images, view-major: row v·N + n. The loader renders the next batch while ONNX Runtime works on the
// current one.
//
// # What a loss needs beside features and embedding
//
// Losses ask for outputs by name (loss.Need). For those that no model has by itself the runner adds a head, see neededHeads, unless
// model.heads has one; to an experiment with model.artifacts it says how to build it. The target of byol and moco is the embedding
// of a second network, whose weights are an average of the trained ones: a forward pass of its own, in training mode, on all views
// of the batch. Its weights are in the checkpoint, and so is what a loss remembers.
//
// # Batches larger than memory
//
// With train.micro_batch a batch goes through the network in parts, by gradient caching (Gao et al. 2021, section 3.2):
//
//	each micro-batch:  views → forward, without gradients → its rows of the outputs that the loss looks at
//	the whole batch:   loss, and its gradient by those outputs
//	each micro-batch:  the same views again → forward → its rows of that gradient → backward, gradients added up
//	the whole batch:   one update
//
// The gradient is that of the whole batch, for every loss: it is a sum over the rows. What differs is batch norm, which
// normalises by the micro-batch, and whose running statistics take a step with each. A forward pass more is the price. A model
// with dropout is refused, as the two passes would leave out different elements. The optimizer is Go's, as for a target. The
// memory is that of a micro-batch, of the outputs and their gradients, and of the gradient of the parameters, once more.
//
// # What a run promises
//
// The same experiment file, seed and thread count give the same metrics.jsonl and the same parameters, bit for bit, whether
// the run was interrupted or not: every draw is a function of (seed, epoch, sample, view), the order of the images of
// (seed, epoch), and the checkpoint holds everything else. Run resumes by itself when its folder has a checkpoint.
//
// Below it is a package a concern: config (the experiment file), data (images), eval (metrics), track (the run folder),
// report (tables), embed (export of embeddings), sweep (many runs).
package runner
