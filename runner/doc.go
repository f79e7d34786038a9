// Package runner runs one experiment from its resolved configuration to its report.
//
// # The way of the data
//
// Data flows one way:
//
//	data.Dataset → loader (augment: views into the input tensor) → models.Trainer (forward)
//	             → loss (values and gradients, called from inside the training graph)
//	             → models.Trainer (backward, optimizer) → track (metrics, checkpoint, result) → report
//
// A batch is V views of N images, view-major: row v·N + n. The loader renders the next batch while ONNX Runtime works
// on the current one. Package train brings loader, trainer and loss together in steps, of whole batches or of
// micro-batches; this package has the run folder, resumes, checkpoints and evaluations around them.
//
// # What a run promises
//
// The same experiment file, seed and thread count give the same metrics.jsonl and the same weights, bit for bit,
// whether the run was interrupted or not: every draw is a function of (seed, epoch, sample, view), the order of the
// images of (seed, epoch), and the checkpoint holds everything else. Run resumes by itself when its folder has a
// checkpoint; one that is damaged gives way to the one before it, and graphs that are damaged are built again, to the
// same bits.
//
// A run can go on from another's checkpoint (train.from, file fork.go): it takes over weights, optimizer, position and
// metrics, and its record says from where.
//
// The first step whose numbers are not finite is kept in the run folder, and Replay takes it again to find the
// operator.
//
// After every epoch a guard holds the spread of the outputs against its best so far (package guard). A collapse is a
// warning, in the log and in the result, or with train.stop_on_collapse the end of the run: a fault of kind Collapse,
// with the epoch's checkpoint in the folder. Neither key is part of the experiment's hash, for no weight depends on
// them: without stop_on_collapse the same run goes on, to the bytes of one that was never stopped. A collapse that is
// seen after the last epoch is a warning only, as nothing is left to save.
//
// # Where things are
//
//	config         the experiment file: keys, defaults, faults, hash
//	data           image sets: their sources, decoding, packing; data/survey looks one over, data/export writes one out
//	loader         batches of views, rendered ahead; views for evaluation
//	train          the steps of an experiment: setup, heads that a loss needs, stepper, threads
//	guard          whether the outputs collapse while they are trained: three numbers an epoch, and a rule
//	eval           metrics of frozen outputs: kNN and order accuracy, with their protocols
//	track          the run folder: what each file holds, and how it appears whole
//	tracker        what others are told of a run while it is at work, out of its folder
//	report         results as text for people
//	embed          embeddings of a finished run's encoder, as a table
//	standalone     the encoder of a finished run as one graph, from pixels on
//	views, sheet   an experiment's views as pictures, and the sheet that they are drawn on
//	forecast       what a training would take, of a few timed steps
//	sweep          many runs: plan, processes, table
//	search         which of them are run, and how far: the Parzen estimator, ASHA, the median rule
//	bench          the speed of training steps; bench/pipeline that of images becoming views; bench/script Python beside
//	machine        processor, memory and limits of where it all runs
package runner
