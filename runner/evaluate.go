package runner

import (
	"cmp"
	"context"
	"os"
	"path/filepath"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
	"ordo/runner/target"
	"ordo/runner/track"
)

// evaluate measures the current weights as `ordo eval` does: briefly and without references between the epochs; at the
// end as eval.at_end says and with references, and then the whole of it goes into the run folder.
func (r *run) evaluate(ctx context.Context) (track.Evaluation, error) {
	dir, err := os.MkdirTemp("", "ordo-encoder-")
	if err != nil {
		return track.Evaluation{}, fault.Writing(os.TempDir(), err)
	}
	defer os.RemoveAll(dir) // it is in the way of nothing
	encoder := filepath.Join(dir, "encoder.onnx")
	e, last := r.o.Experiment, r.step == r.total
	if last { // what ordo eval finds of the run's encoder.onnx depends on what that says of itself
		err = r.export(encoder)
	} else {
		err = r.trainer.Export(encoder, models.Features, models.Embedding)
	}
	if err != nil {
		return track.Evaluation{}, err
	}
	o := evaluation.Options{
		Library: r.o.Libraries.ONNXRuntime, OneDNN: r.o.Libraries.OneDNN, Experiment: e,
		Name: evaluation.AtEnd, Version: r.o.Version,
		Target: target.Target{Path: r.folder.Dir(), Encoder: encoder, Data: r.now.Data,
			Run: &target.Run{Name: e.Name, Hash: e.Hash(), Seed: e.Seed}},
		Threads: r.folder.Began().Threads, Splits: &r.splits,
		Extent: e.Eval.AtEnd, Alone: e.Eval.AtEnd == eval.AtEndRoles,
	}
	if !last {
		o.Extent, o.Alone = eval.AtEndBrief, true
	}
	if last {
		o.Watch.Note, o.Progress = r.hear, r.o.Progress.Evaluating
	}
	result, err := evaluation.Evaluate(ctx, o)
	err = cmp.Or(err, r.logHeard())
	if err != nil || !last {
		return result.Numbers(), err
	}
	return result.Numbers(), result.Write(evaluation.File(r.folder.Dir(), evaluation.AtEnd))
}
