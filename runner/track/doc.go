// Package track keeps what a run leaves behind: its folder.
//
// The folder is the only truth about a run; whatever else lists runs can be rebuilt from it.
//
//	experiment.yaml   the resolved experiment: every key, defaults included
//	run.json          who made it: hash of the experiment, versions, machine, fingerprint of the data
//	graphs/           the training, evaluation and optimizer graphs
//	last.ckpt         parameters, optimizer state and position after the last whole epoch, or where it was interrupted
//	metrics.jsonl     a line a step, a reading of the guard, an evaluation; no times, so equal runs have equal bytes
//	timing.jsonl      a line an epoch: how long it took and on what
//	log.txt           what was said between the steps, with the time
//	encoder.onnx      the trained backbone and projector for inference
//	report.txt        the table that ended the run
//	report.html       the page of it
//	result.json       the table for programs, and what log.txt warns of (warnings); it is written last, so a run that
//	                  has one is finished
//
// Files appear whole or not at all. The two .jsonl files grow line by line; opening the folder again drops what lies
// behind the checkpoint, and a resumed run writes the same lines again.
package track
