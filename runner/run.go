package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/guard"
	"ordo/runner/machine"
	"ordo/runner/report"
	"ordo/runner/track"
	"ordo/runner/tracker"
	"ordo/runner/tracker/mlflow"
	"ordo/runner/train"
)

// Options say what to run and where.
type Options struct {
	Experiment config.Experiment
	Dir        string // the run folder
	Libraries  models.Libraries
	Version    string // of ordo, for the record
	Progress   Progress
	MLflow     mlflow.Environment // where track.mlflow leaves something to it
	// UntilEpoch pauses the run at that epoch's end, with its checkpoint and its evaluation, if one is due: Run's error is
	// ErrPaused then. It changes nothing of what is trained, the course of the learning rate least of all. 0: it doesn't.
	UntilEpoch int
}

// ErrPaused says that a run did what Options.UntilEpoch asks for; it is wrapped by a fault of kind Interrupted.
var ErrPaused = errors.New("paused")

// Progress is told how a run goes. Its methods are called from one goroutine and should return at once.
type Progress interface {
	// Reading is called, before Start, for every image that is decoded: done of the total of a split.
	Reading(done, total int)
	// Start is called once, before the first step; done of total steps are there from an earlier process.
	Start(done, total int)
	// Step is called after every training step.
	Step(Step)
	// Evaluating is called in the evaluation that ends a run, for every batch of views that is encoded.
	Evaluating(done, total int)
	// Note says something that happens between steps, such as an evaluation's result, in a sentence.
	Note(text string)
	// Detail says what most people don't want to know while they wait: what else is only in the log.
	Detail(text string)
	// End is called once, after the last step, also after an error.
	End()
}

// Step is what Progress hears of a training step.
type Step struct {
	Number          int     // steps done
	Epoch           float64 // epochs done
	Loss            float64
	ImagesPerSecond float64 // over this process's steps
}

// run is the state of one call of Run.
type run struct {
	o       Options
	setup   train.Setup
	splits  data.Splits
	now     track.Record // of this process
	folder  *track.Folder
	origin  *origin                 // of the checkpoints
	fork    *fork                   // that a new folder begins with; nil: it begins anew, or is there already
	lines   map[string]track.Extent // that the checkpoint belongs to which the run goes on from; nil: none
	stepper *train.Stepper
	trainer *models.Trainer // the stepper's
	watch   guard.Watch
	told    *tracker.Trackers
	heard   []string // notes that are not in the log yet

	step     int // steps done
	skipped  int // of them, because of gradients that were not finite
	perEpoch int
	total    int

	saved   int       // step of the last checkpoint
	savedAt time.Time // when; of this process's first step before
	best    *track.Best

	whole, epoch train.Times
}

// Run trains what the experiment describes, or goes on where the folder's checkpoint is, and writes the run folder. A
// run that is finished is not repeated: its result is given again.
//
// Its faults are of kind Config (the experiment), Data (the images), Library, Storage, Numeric where the loss or a
// gradient is not finite, Collapse where the outputs collapse and the experiment wants it to end there, and Interrupted
// where the context was cancelled: in the last two the run folder has a checkpoint of the last whole step, and Run goes
// on from it.
func Run(ctx context.Context, o Options) (track.Result, error) {
	setup, err := train.Prepare(o.Experiment)
	if err != nil {
		return track.Result{}, err
	}
	if info, err := os.Stat(o.Dir); err == nil && !info.IsDir() {
		return track.Result{}, fault.New(fault.Other, "%w: %s is a file", track.ErrOccupied, o.Dir).
			With(fault.OtherFolder{})
	}
	told, err := tracker.New(o.Experiment, o.MLflow)
	if err != nil {
		return track.Result{}, err
	}
	r := &run{o: o, setup: setup, told: told}
	return r.do(ctx)
}

func (r *run) do(ctx context.Context) (track.Result, error) {
	rt, err := models.OpenTraining(r.o.Libraries.ONNXRuntime)
	if err != nil {
		return track.Result{}, err
	}
	defer rt.Close()
	if err := r.open(ctx); err != nil {
		return track.Result{}, err
	}
	if err := r.identify(rt); err != nil {
		return track.Result{}, err
	}
	if done, err := finished(r.o.Dir, r.now); err == nil {
		return done, r.tellRest()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return track.Result{}, err
	}
	if err := r.lookBack(); err != nil {
		return track.Result{}, err
	}
	yaml, err := r.o.Experiment.YAML()
	if err != nil {
		return track.Result{}, err
	}
	if r.folder, err = track.Open(r.o.Dir, r.now, yaml); err != nil {
		return track.Result{}, err
	}
	result, err := r.inFolder(ctx, rt)
	if err != nil {
		// Nobody is left to tell if this cannot be written; the error itself goes on.
		_ = r.folder.Log("stopped: " + err.Error())
		if errors.Is(err, fault.Numeric) {
			return track.Result{}, errors.Join(err, r.folder.Close()) // the metrics tell how it went
		}
		r.folder.Abandon()
		return track.Result{}, err
	}
	return result, r.folder.Close()
}

// open opens the images.
func (r *run) open(ctx context.Context) (err error) {
	e := r.o.Experiment
	watch := data.Watch{Note: r.hear, Progress: r.o.Progress.Reading}
	if r.splits, err = data.OpenWatched(ctx, e.Data, watch); err != nil {
		if ctx.Err() != nil {
			return fault.New(fault.Interrupted, "interrupted while the images were read")
		}
		return err
	}
	r.perEpoch, err = train.EpochSteps(e.Train, r.splits.Train.Len())
	r.total = r.perEpoch * e.Train.Epochs
	return err
}

// lookBack opens the run that a new one goes on from.
func (r *run) lookBack() (err error) {
	if _, err := os.Stat(track.CheckpointFile(r.o.Dir)); err == nil {
		return nil // all that it began with is in its folder
	}
	if r.fork, err = r.openFork(); r.fork != nil {
		r.now.Parent = &r.fork.parent
	}
	return err
}

// inFolder does everything that needs the run folder.
func (r *run) inFolder(ctx context.Context, rt *models.Runtime) (track.Result, error) {
	if err := r.logHeard(); err != nil {
		return track.Result{}, err
	}
	artifacts, err := r.artifacts(rt)
	if err != nil {
		return track.Result{}, err
	}
	r.stepper, err = train.Open(rt, r.setup, artifacts, train.Options{Threads: r.folder.Began().Threads})
	if err != nil {
		return track.Result{}, err
	}
	defer r.stepper.Close()
	r.trainer = r.stepper.Trainer()
	if err := r.trainer.Keep(keptOrigin, r.origin); err != nil {
		return track.Result{}, err
	}
	if err := r.goBack(); err != nil {
		return track.Result{}, err
	}
	if err := r.remarks(); err != nil {
		return track.Result{}, err
	}
	if err := r.told.Start(r.folder.Dir(), r.folder.Began()); err != nil {
		return track.Result{}, err
	}
	result, err := r.toEnd(ctx)
	r.told.Stop(err)
	return result, cmp.Or(err, r.tell(r.told.TakeNotes()))
}

// toEnd does the steps that are left and ends the run.
func (r *run) toEnd(ctx context.Context) (track.Result, error) {
	if err := r.train(ctx); err != nil {
		return track.Result{}, err
	}
	return r.finish(ctx)
}

// train does the steps that are left, with a checkpoint at every epoch's end.
func (r *run) train(ctx context.Context) error {
	if err := r.stepper.Feed(ctx, r.splits.Train, r.step); err != nil {
		return err
	}
	r.saved, r.savedAt = r.step, time.Now()
	r.o.Progress.Start(r.step, r.total)
	defer r.o.Progress.End()
	for {
		if err := r.tell(r.told.TakeNotes()); err != nil {
			return err
		}
		if r.step%r.perEpoch == 0 && r.step > 0 {
			if err := r.endEpoch(ctx); err != nil {
				return err
			}
		}
		if r.step == r.total {
			return nil
		}
		if until := r.o.UntilEpoch; until > 0 && r.step >= until*r.perEpoch {
			return fault.New(fault.Interrupted, "%w after epoch %v of %d", ErrPaused, r.epochs(),
				r.o.Experiment.Train.Epochs).Advise("run the same command without --until-epoch to go on")
		}
		if ctx.Err() != nil {
			return r.interrupted()
		}
		if every := r.o.Experiment.Train.CheckpointMinutes; every > 0 && time.Since(r.savedAt).Minutes() >= every {
			if err := r.save(); err != nil {
				return err
			}
		}
		if err := r.trainStep(); err != nil {
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return r.interrupted()
			}
			return err
		}
	}
}

// trainStep is one step and its line of metrics.
func (r *run) trainStep() error {
	start := time.Now()
	r.sample()
	t, step, total := r.schedule()
	rate := float32(t.Rate(step, r.perEpoch))
	taken, err := r.stepper.Take(float64(step)/float64(total), rate)
	if train.NonFinite(err) {
		if err := r.capture(err, rate); err != nil {
			return err
		}
	}
	line := track.Step{Loss: taken.Loss.Total, GradNorm: taken.GradNorm, Terms: terms(taken.Loss)}
	switch {
	case train.NonFinite(err) && r.skipped < r.o.Experiment.Train.SkipNonFinite:
		// The trainer is as it was before the step.
		r.skipped++
		line = track.Step{Skipped: true}
		if err := r.note(fmt.Sprintf("step %d is skipped: %v", r.step+1, err)); err != nil {
			return err
		}
	case err != nil:
		return r.diverged(err)
	}
	r.step++
	line.Step, line.Epoch, line.Rate = r.step, r.epochs(), rate
	if err := r.folder.Step(line); err != nil {
		return err
	}
	if err := r.readOutputs(); err != nil {
		return err
	}
	taken.Times.Total = time.Since(start)
	r.whole.Add(taken.Times)
	r.epoch.Add(taken.Times)
	speed := r.whole.ImagesPerSecond(r.o.Experiment.Train.BatchSize)
	r.o.Progress.Step(Step{Number: r.step, Epoch: r.epochs(), Loss: line.Loss, ImagesPerSecond: speed})
	return nil
}

// diverged is the error of a step that isn't passed over.
func (r *run) diverged(err error) error {
	wrong := train.Diverged(r.step+1, err)
	var f *fault.Error
	if train.NonFinite(err) && errors.As(wrong, &f) {
		return f.With(fault.Replay{Folder: r.folder.Dir()})
	}
	return wrong
}

// epochs is how many epochs are done.
func (r *run) epochs() float64 { return float64(r.step) / float64(r.perEpoch) }

// endEpoch makes the epoch's checkpoint, if this process trained in it, and its evaluation, if one is due and not
// there.
func (r *run) endEpoch(ctx context.Context) error {
	if err := r.tell(r.splits.TakeNotes()); err != nil {
		return err
	}
	if r.epoch.Steps > 0 {
		if err := r.save(); err != nil {
			return err
		}
	}
	if err := r.stopOnCollapse(); err != nil {
		return err
	}
	epoch := r.step / r.perEpoch
	every := r.o.Experiment.Eval.EveryEpochs
	due := r.step == r.total || every > 0 && epoch%every == 0
	if !due || r.folder.HasEval(r.step) {
		return nil
	}
	found, err := r.evaluate(ctx)
	if ctx.Err() != nil {
		return fault.New(fault.Interrupted, "interrupted in the evaluation after epoch %d", epoch).Advise(goOn)
	}
	if err != nil {
		return err
	}
	if err := r.note(report.Evaluation(epoch, found)); err != nil {
		return err
	}
	line := track.EvalLine{Step: r.step, Epoch: r.epochs(), Evaluation: found}
	if err := r.folder.Eval(line); err != nil {
		return err
	}
	if r.isBest(line) {
		if err := r.keepBest(); err != nil {
			return err
		}
	}
	// The checkpoint again, which knows of the evaluation now, so that neither it nor what was kept of it is repeated.
	return r.save()
}

// save writes the checkpoint; the metrics and times up to it go to the disk before.
func (r *run) save() error {
	if t := r.epoch; t.Steps > 0 {
		share := t.Share()
		err := r.folder.Timing(track.Timing{Step: r.step, Steps: t.Steps, Seconds: t.Total.Seconds(), Share: share,
			PeakMemoryBytes: machine.PeakMemory(), Ended: time.Now().UTC()})
		if err != nil {
			return err
		}
		err = r.detail(fmt.Sprintf("checkpoint of step %d: %d steps in %.1f s, ONNX Runtime %.1f %%, waiting for views "+
			"%.1f %%, loss %.1f %%", r.step, t.Steps, t.Total.Seconds(), 100*share.ONNXRuntime, 100*share.DataWait,
			100*share.Loss))
		if err != nil {
			return err
		}
	}
	r.epoch = train.Times{}
	if err := r.folder.Sync(); err != nil {
		return err
	}
	if r.step != r.saved {
		if err := r.folder.Rotate(r.o.Experiment.Train.KeepCheckpoints); err != nil {
			return err
		}
	}
	r.origin.Step, r.origin.Lines = r.step, r.folder.Extents()
	r.saved, r.savedAt = r.step, time.Now()
	return r.trainer.Save(r.folder.Checkpoint())
}

// isBest holds an evaluation against the best one by train.keep_best, and takes its place if it is better.
func (r *run) isBest(l track.EvalLine) bool {
	name := r.o.Experiment.Train.KeepBest
	value, ok := l.Metrics[name]
	if !ok || r.best != nil && value <= r.best.Value {
		return false
	}
	r.best = &track.Best{Metric: name, Value: value, Step: l.Step, Epoch: l.Epoch}
	return true
}

// keepBest keeps the current checkpoint, and its encoder, as the best.
func (r *run) keepBest() error {
	if err := r.folder.KeepBest(); err != nil {
		return err
	}
	return r.export(r.folder.BestEncoder())
}

// goOn is what to do after an interruption.
const goOn = "run the same command again to go on"

// interrupted saves the steps that are done and says so.
func (r *run) interrupted() error {
	if r.step == 0 {
		return fault.New(fault.Interrupted, "interrupted before the first step was done")
	}
	if r.epoch.Steps > 0 {
		if err := r.save(); err != nil {
			return err
		}
	}
	return fault.New(fault.Interrupted, "interrupted after step %d of %d", r.step, r.total).Advise(goOn)
}
