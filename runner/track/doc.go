// Package track keeps what a run leaves behind: its folder.
//
// The folder is the only truth about a run; whatever else lists runs can be rebuilt from it.
//
//	experiment.yaml   the resolved experiment: every key, defaults included
//	run.json          who made it: hash of the experiment, versions, machine, fingerprint of the data, the run it goes
//	                  on from
//	graphs/           the training, evaluation and optimizer graphs
//	last.ckpt         parameters, optimizer state and position after the last whole epoch, or where it was interrupted
//	last-1.ckpt …     the checkpoints before it, until the run is finished (train.keep_checkpoints)
//	best.ckpt, best.onnx  checkpoint and encoder of the best evaluation (train.keep_best)
//	metrics.jsonl     a line a step, a reading of the guard, an evaluation; no times, so equal runs have equal bytes
//	timing.jsonl      a line an epoch, or a part of one: how long it took and on what
//	log.txt           what was said between the steps, a record a line (log/slog's text)
//	nonfinite/        the first step whose numbers were not finite, if there was one
//	encoder.onnx      the trained backbone and projector for inference
//	report.txt        the table that ended the run
//	report.html       the page of it
//	result.json       the table for programs, and what log.txt warns of (warnings); it is written last, so a run that
//	                  has one is finished
//	tensorboard/      event files of metrics and times (track.tensorboard)
//	mlflow.json       the run's names in MLflow, and how far they were told (track.mlflow)
//	.lock             who works in the folder (package lock)
//
// Files appear whole or not at all. The two .jsonl files grow line by line; opening the folder again drops what lies
// behind the checkpoint, and a resumed run writes the same lines again.
//
// # Checksums
//
// Every file is tied to the run, and who reads one checks it; one that doesn't belong is a fault, never another number.
// run.json and result.json are sealed ([WriteSealed]): their last key is the SHA-256 of their own text. run.json has
// the checksum of experiment.yaml. A checkpoint has one of itself, the hash of the experiment, the checksums of the
// graphs, and how long metrics, times and log were and their checksums. result.json has the checksums of all other
// files but log.txt, .lock, the page, and what trackers keep.
package track
