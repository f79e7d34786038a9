// Package tracker tells TensorBoard and MLflow of runs, while they are at work and afterwards, and writes what they
// measured for other programs.
//
// A run's metrics.jsonl is the truth. Whoever is told is a sink, with a goroutine of its own that follows
// metrics.jsonl and timing.jsonl and remembers how far it was told; the files are thus the queue, and nothing is lost
// where nobody listens. A sink that is slow or fails never slows or stops the run: it is one warning, it is tried
// again with growing pauses, and at the run's end for ten seconds at most. What it was not told then, the run's next
// process tells, or [Send].
//
// # No step twice, none left out
//
// A run that goes on from its checkpoint writes the lines behind it again. A sink knows the last step of each kind of
// line that it was told (steps, readings of the guard, evaluations, times), and passes over the lines up to it. So it
// has every step once, even where the lines have other last bits now, as on another machine; its numbers are then those
// of the first time. TensorBoard's position is read out of its file. MLflow's is in mlflow.json of the run folder, with
// what was about to be sent: where a process is killed before the answer comes, the next one sends the same again, with
// the same times, which the server takes for what it has.
//
// # Names
//
// Numbers have the names of metrics.jsonl, with dots: loss, lr, grad_norm, terms.TERM,
// guard.outputs.features.deviation, evaluation.knn.features, and those of timing.jsonl below timing. TensorBoard
// groups them by the first part: terms/TERM. For MLflow, + becomes -, as it takes no other. A step that was skipped
// has no loss. A step's time is worked out from timing.jsonl, or else it is when its line was read.
package tracker
