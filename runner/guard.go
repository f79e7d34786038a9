package runner

import (
	"fmt"

	"ordo/models/fault"
	"ordo/runner/eval"
	"ordo/runner/guard"
	"ordo/runner/track"
)

// sample asks the step that comes for its outputs, where the guard reads them: the first, whose forward pass is the
// untrained network's, and the last of every epoch.
func (r *run) sample() {
	n := r.o.Experiment.Train.Guarded()
	if n > 0 && (r.step == 0 || (r.step+1)%r.perEpoch == 0) {
		r.stepper.Sample(n)
	}
}

// readOutputs measures the outputs of the step that was taken, if it was asked for them. The line stands behind the
// step's and before the epoch's checkpoint, so a run that goes on has both or neither.
func (r *run) readOutputs() error {
	line := track.GuardLine{Step: r.step, Epoch: r.epochs()}
	for _, s := range r.stepper.Sampled() {
		if s.Dim < 2 {
			continue // one number has no direction
		}
		rows := eval.Rows{Data: s.Rows, Dim: s.Dim}
		spread, err := guard.Measure(rows)
		if err != nil {
			return fmt.Errorf("the %s of step %d: %w", s.Name, r.step, err)
		}
		line.Guard.Add(rows.Len(), s.Name, spread)
	}
	if line.Guard.Images == 0 {
		return nil
	}
	if err := r.folder.Guard(line); err != nil {
		return err
	}
	found := r.see(line)
	if len(found) == 0 || r.stops() {
		return nil
	}
	return r.note(track.Warning + guard.Collapses + ", " + guard.Describe(found))
}

// see shows a line to the watch and gives what it found.
func (r *run) see(l track.GuardLine) []guard.Finding {
	epoch := int(l.Epoch)
	if l.Step == 1 {
		epoch = 0
	}
	return r.watch.See(epoch, l.Guard)
}

// stops says whether a collapse ends the run: after the last step there is nothing to save.
func (r *run) stops() bool { return r.o.Experiment.Train.StopOnCollapse && r.step < r.total }

// stopOnCollapse ends the run, whose checkpoint is made, where it is to end and the outputs are collapsed.
func (r *run) stopOnCollapse() error {
	found := r.watch.Collapsed()
	if len(found) == 0 || !r.stops() {
		return nil
	}
	return fault.New(fault.Collapse, "%s, %s; train.stop_on_collapse ends it after epoch %d of %d",
		guard.Collapses, guard.Describe(found), r.step/r.perEpoch, r.o.Experiment.Train.Epochs).
		Advise("lower train.lr or raise train.warmup_epochs, give more weight to what keeps images apart in loss, " +
			"or go on from here with train.stop_on_collapse=false")
}
