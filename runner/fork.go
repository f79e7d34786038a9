package runner

import (
	"fmt"
	"reflect"
	"strings"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
)

// fork is the run that another one goes on from.
type fork struct {
	parent     track.Parent
	checkpoint *checkpoint
}

// openFork reads the checkpoint that train.from names, and makes sure that this run can go on from it. It is nil where
// the run begins anew.
func (r *run) openFork() (*fork, error) {
	t := r.o.Experiment.Train
	if t.From == "" {
		return nil, nil
	}
	record, err := track.ReadRecord(t.From)
	if err != nil {
		return nil, err
	}
	was, err := config.LoadRun(t.From, nil)
	if err != nil {
		return nil, err
	}
	if err := forkable(t.From, was, r.o.Experiment); err != nil {
		return nil, err
	}
	if record.Data != r.now.Data {
		return nil, forkFault("the images are not those of %s", t.From).
			Advise("take over its weights alone, by model.weights")
	}
	file := track.CheckpointFile(t.From)
	c, err := readOrigin(file)
	if err != nil {
		return nil, err
	}
	sum, err := models.CheckpointSum(file)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(sum, t.FromCheckpoint) {
		return nil, forkFault("%s is no longer the checkpoint that train.from_checkpoint names (%s)", file, t.FromCheckpoint).
			Advise("leave the key out to go on from the one that is there")
	}
	o := c.origin
	if o.Run != record.Hash {
		return nil, forkFault("%s is not the checkpoint of the run whose folder it is in", file)
	}
	if o.Step%r.perEpoch != 0 {
		return nil, forkFault("%s stopped after step %d, within an epoch of %d steps", t.From, o.Step, r.perEpoch).
			Advise("let it reach the epoch's end first")
	}
	done := o.Step / r.perEpoch
	if t.Epochs <= done {
		return nil, forkFault("%s has done %d epochs, and train.epochs, which counts them too, is %d", t.From, done,
			t.Epochs).
			Advise("raise train.epochs")
	}
	if left := t.Left(done); left.WarmupEpochs > float64(left.Epochs) {
		return nil, forkFault("train.warmup_epochs is %v, but only %d epochs are left", left.WarmupEpochs, left.Epochs).
			Advise("lower it")
	}
	return &fork{checkpoint: c, parent: track.Parent{Run: t.From, Name: record.Name, Hash: record.Hash, Step: o.Step,
		Epoch: done, Schedule: t.FromSchedule, Checkpoint: sum}}, nil
}

func forkFault(format string, args ...any) *fault.Error {
	return fault.New(fault.Config, "train.from: "+format, args...)
}

// forkable refuses a fork in which something else than the training changes.
func forkable(dir string, was, now config.Experiment) error {
	for _, c := range []struct {
		key       string
		was, same any
	}{
		{"model", modelOf(was), modelOf(now)},
		{"seed", was.Seed, now.Seed},
		{"train.batch_size", was.Train.BatchSize, now.Train.BatchSize},
		{"train.optimizer", was.Train.Optimizer, now.Train.Optimizer},
	} {
		if !reflect.DeepEqual(c.was, c.same) {
			return forkFault("%s is not what it was in %s: a run that goes on from another's checkpoint keeps it", c.key, dir).
				Advise("leave it as it was, or take over the weights alone, by model.weights")
		}
	}
	return nil
}

// modelOf is what the network is, without how it is run.
func modelOf(e config.Experiment) models.Options {
	m := e.Model
	m.Threads, m.Execution, m.Kernels = 0, models.DefaultOptions().Execution, ""
	return m
}

// startFork gives a run that has no checkpoint of its own the state and the metrics of the one that it goes on from.
func (r *run) startFork(a *models.Artifacts) error {
	f := r.fork
	if err := models.FitsCheckpoint(f.checkpoint.parameters, a.Checkpoint); err != nil {
		return forkFault("the network is not that of %s: %w", f.parent.Run, err).
			Advise("leave what changes it as it was, or take over the weights alone, by model.weights")
	}
	a.Checkpoint, a.Kept = f.checkpoint.parameters, f.checkpoint.kept
	r.step = f.parent.Step
	return r.note(fmt.Sprintf("goes on from %s (%s) after step %d, epoch %d, with the learning rate's course %s",
		f.parent.Run, f.parent.Hash, f.parent.Step, f.parent.Epoch, f.parent.Schedule))
}

// schedule is the training whose learning rate is taken, how many of its steps are done, and how many it has.
func (r *run) schedule() (t config.Train, step, total int) {
	t, step, total = r.o.Experiment.Train, r.step, r.total
	if p := r.folder.Began().Parent; p != nil && t.FromSchedule == config.FromAnew {
		t, step, total = t.Left(p.Epoch), step-p.Step, total-p.Step
	}
	return t, step, total
}
