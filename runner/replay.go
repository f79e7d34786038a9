package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/nonfinite"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/track"
	"ordo/runner/train"
)

// ReplayOptions say which run's step to take again.
type ReplayOptions struct {
	Dir       string // the run folder
	Libraries models.Libraries
	Progress  Progress // told what Reading and Note are told
}

// Replayed is where the numbers of a run's step stopped being finite.
type Replayed struct {
	Run     string           `json:"run"`
	Step    int              `json:"step"`
	Epoch   int              `json:"epoch"`
	Error   string           `json:"error"`             // that stopped or skipped the step
	Found   *nonfinite.Found `json:"found"`             // the first tensor; null: all are finite
	Loss    string           `json:"loss,omitempty"`    // what the loss says of the outputs
	Changed string           `json:"changed,omitempty"` // why the step is not quite that of the run
}

// Replay takes the first step of a run whose numbers were not finite again and finds the operator. It changes nothing.
//
// Its faults are of kind Data (there is no such step, the folder is damaged, the images have changed), and those of
// Run.
func Replay(ctx context.Context, o ReplayOptions) (Replayed, error) {
	var c Captured
	record, err := track.ReadRecord(o.Dir)
	if err != nil {
		return Replayed{}, err
	}
	switch err := track.ReadSealed(track.NonFiniteFile(o.Dir), &c); {
	case errors.Is(err, fs.ErrNotExist):
		return Replayed{}, fault.New(fault.Data, "the run in %s has kept no step: all of its numbers were finite", o.Dir)
	case err != nil:
		return Replayed{}, err
	}
	e, err := config.LoadRun(o.Dir, []string{"train.micro_batch=0"})
	if err != nil {
		return Replayed{}, err
	}
	setup, err := train.Prepare(e)
	if err != nil {
		return Replayed{}, err
	}
	splits, err := data.OpenWatched(ctx, e.Data, data.Watch{Note: o.Progress.Note, Progress: o.Progress.Reading})
	if err != nil {
		return Replayed{}, err
	}
	found := Replayed{Run: o.Dir, Step: c.Step, Epoch: c.Epoch, Error: c.Error}
	if now := splits.Fingerprint(); now != record.Data {
		return found, fault.New(fault.Data, "the images of the run in %s have changed since it was trained (fingerprint %s, "+
			"now %s)", o.Dir, record.Data, now).Advise("put them back, or name them by data.root")
	}
	rt, err := models.OpenTraining(o.Libraries.ONNXRuntime)
	if err != nil {
		return found, err
	}
	defer rt.Close()
	a, changed, err := capturedArtifacts(rt, o, setup, record, c)
	if err != nil {
		return found, err
	}
	options := train.Options{Threads: record.Threads}
	stepper, err := train.Open(rt, setup, a, options)
	if err != nil {
		return found, err
	}
	defer stepper.Close()
	if err := stepper.Feed(ctx, splits.Train, c.Step-1); err != nil {
		return found, err
	}
	where, err := stepper.Locate(a, options)
	if err != nil {
		return found, err
	}
	if c.Batch != "" && c.Batch != where.Sum {
		changed = "the views are not those of the run's step"
	}
	found.Found, found.Loss, found.Changed = where.Tensor, where.Loss, changed
	return found, nil
}

// capturedArtifacts are the run's graphs with the state of before the step. Where this machine lacks the run's fast
// kernels they are built anew without, which changed says.
func capturedArtifacts(
	rt *models.Runtime, o ReplayOptions, setup train.Setup, record track.Record, c Captured,
) (a models.Artifacts, changed string, err error) {
	state, err := readOrigin(track.NonFiniteState(o.Dir))
	if err != nil {
		return a, "", err
	}
	if state.origin.Run != record.Hash || state.origin.Step != c.Step-1 {
		return a, "", fault.New(fault.Data, "%s is not the state of before step %d of the run in %s",
			track.NonFiniteState(o.Dir), c.Step, o.Dir)
	}
	kernels, _, err := models.OpenKernels(rt, o.Libraries.OneDNN, setup.Model.Options())
	if err != nil {
		return a, "", err
	}
	folder := track.GraphsDir(o.Dir)
	if a, err = models.ReadGraphs(folder); err == nil {
		err = state.origin.checkGraphs(folder, graphsOrigin(record.Hash, a))
	}
	if err != nil {
		return a, "", err
	}
	contract, err := a.Contract()
	if err != nil {
		return a, "", fault.New(fault.Data, "%s: %w", folder, err)
	}
	if contract.Kernels && kernels == nil {
		changed = "the run had the fast kernels, which this machine lacks"
		if a, _, err = setup.Build(nil); err != nil {
			return a, changed, err
		}
	}
	a.Checkpoint, a.Kept = state.parameters, state.kept
	return a, changed, nil
}

// parts say where in a step a tensor is.
var parts = map[string]string{
	nonfinite.Forward:  "in the forward pass",
	nonfinite.Loss:     "where the loss gives its gradients",
	nonfinite.Backward: "in the backward pass",
}

// Text says it in a few lines.
func (r Replayed) Text() string {
	var s strings.Builder
	fmt.Fprintf(&s, "Step %d of %s, in epoch %d: %s\n", r.Step, r.Run, r.Epoch, r.Error)
	if r.Changed != "" {
		fmt.Fprintf(&s, "Taken again not quite as it was: %s.\n", r.Changed)
	}
	if f := r.Found; f != nil {
		fmt.Fprintf(&s, "First tensor that isn't finite: %s %v\n  %d of its values, the first at %d: %s\n", f.Tensor, f.Shape,
			f.Count, f.Index, f.Value)
		if f.Operator != "" {
			fmt.Fprintf(&s, "Operator: %s, node %s, %s\n", f.Operator, f.Node, parts[f.Part])
		}
		for _, t := range f.Takes {
			fmt.Fprintf(&s, "  takes %s %v\n    from %.4g to %.4g, the smallest absolute value %.4g\n", t.Tensor, t.Shape, t.Low,
				t.High, t.Least)
		}
	} else {
		s.WriteString("Taken again, all of its tensors are finite: a number only just overflows, or the sum of the\n" +
			"gradients' squares does.\n")
	}
	if r.Loss != "" {
		fmt.Fprintf(&s, "The loss says: %s\n", r.Loss)
	}
	return s.String()
}
