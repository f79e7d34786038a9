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
// # What a run promises
//
// The same experiment file, seed and thread count give the same metrics.jsonl and the same parameters, bit for bit, whether
// the run was interrupted or not: every draw is a function of (seed, epoch, sample, view), the order of the images of
// (seed, epoch), and the checkpoint holds everything else. Run resumes by itself when its folder has a checkpoint.
//
// Below it is a package a concern: config (the experiment file), data (images), eval (metrics), track (the run folder),
// report (tables), embed (export of embeddings), sweep (many runs).
package runner
