package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/machine"
	"ordo/runner/report"
	"ordo/runner/track"
	"ordo/runner/train"
)

// Options say what to run and where.
type Options struct {
	Experiment config.Experiment
	Dir        string // the run folder
	Library    string // the file of ONNX Runtime's library
	OneDNN     string // that of oneDNN, for fast kernels; "": there is none
	Version    string // of ordo, for the record
	Progress   Progress
}

// Progress is told how a run goes. Its methods are called from one goroutine and should return at once.
type Progress interface {
	// Reading is called, before Start, for every image that is decoded: done of the total of a split.
	Reading(done, total int)
	// Start is called once, before the first step; done of total steps are there from an earlier process.
	Start(done, total int)
	// Step is called after every training step.
	Step(Step)
	// Note says something that happens between steps, such as an evaluation's result, in a sentence.
	Note(text string)
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

// checkpoint properties
const propertyStep = "ordo.step"

// run is the state of one call of Run.
type run struct {
	o         Options
	setup     train.Setup
	splits    data.Splits
	now       track.Record // of this process
	folder    *track.Folder
	stepper   *train.Stepper
	trainer   *models.Trainer // the stepper's
	evaluator *evaluator

	step     int // steps done
	skipped  int // of them, because of gradients that were not finite
	perEpoch int
	total    int

	whole, epoch train.Times
}

// Run trains what the experiment describes, or goes on where the folder's checkpoint is, and writes the run folder. A run
// that is finished is not repeated: its result is given again.
//
// Its faults are of kind Config (the experiment), Data (the images), Library, Storage, Numeric where the loss or a gradient
// is not finite, and Interrupted where the context was cancelled: then the run folder has a checkpoint of the last whole step,
// and Run goes on from it.
func Run(ctx context.Context, o Options) (track.Result, error) {
	setup, err := train.Prepare(o.Experiment)
	if err != nil {
		return track.Result{}, err
	}
	if info, err := os.Stat(o.Dir); err == nil && !info.IsDir() {
		return track.Result{}, fault.New(fault.Other, "%w: %s is a file", track.ErrOccupied, o.Dir).With(fault.OtherFolder{})
	}
	r := &run{o: o, setup: setup}
	return r.do(ctx)
}

func (r *run) do(ctx context.Context) (track.Result, error) {
	rt, err := models.OpenTraining(r.o.Library)
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
		return done, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
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
	watch := data.Watch{Note: r.o.Progress.Note, Progress: r.o.Progress.Reading}
	if r.splits, err = data.OpenWatched(ctx, e.Data, watch); err != nil {
		if ctx.Err() != nil {
			return fault.New(fault.Interrupted, "interrupted while the images were read")
		}
		return err
	}
	n := r.splits.Train.Len()
	if n < e.Train.BatchSize {
		return fault.New(fault.Config, "train.batch_size: is %d, but the data set has only %d training images", e.Train.BatchSize, n).
			Advise("lower it")
	}
	r.perEpoch = n / e.Train.BatchSize
	r.total = r.perEpoch * e.Train.Epochs
	return nil
}

// finished gives the result of a run that is complete. Without one, the error wraps fs.ErrNotExist.
func finished(dir string, now track.Record) (track.Result, error) {
	was, err := track.ReadRecord(dir)
	if err != nil {
		return track.Result{}, err
	}
	if err := track.Check(dir, was, now); err != nil {
		return track.Result{}, err
	}
	return track.ReadResult(dir)
}

// identify says what the numbers of a run on this machine must be read with.
func (r *run) identify(rt *models.Runtime) (err error) {
	e := r.o.Experiment
	r.now = track.Record{
		Name: e.Name, Hash: e.Hash(), Seed: e.Seed, Data: r.splits.Train.Fingerprint() + "-" + r.splits.Test.Fingerprint(),
		Ordo: r.o.Version, ONNXRuntime: rt.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: machine.Processor(), Threads: train.Threads(e),
	}
	r.now.Model, err = r.setup.Fingerprint()
	return err
}

// inFolder does everything that needs the run folder.
func (r *run) inFolder(ctx context.Context, rt *models.Runtime) (track.Result, error) {
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
	if err := r.readPosition(); err != nil {
		return track.Result{}, err
	}
	if r.evaluator, err = r.newEvaluator(rt); err != nil {
		return track.Result{}, err
	}
	defer r.evaluator.close()
	if err := r.remarks(); err != nil {
		return track.Result{}, err
	}
	if err := r.train(ctx); err != nil {
		return track.Result{}, err
	}
	return r.finish()
}

// note says something to the user and to the log.
func (r *run) note(text string) error {
	r.o.Progress.Note(text)
	return r.folder.Log(text)
}

// remarks says what the user should know before the first step.
func (r *run) remarks() error {
	notes := r.splits.TakeNotes()
	for _, w := range r.setup.Plan.Warnings() {
		notes = append(notes, "warning: "+w)
	}
	if !r.evaluator.hasClasses() {
		notes = append(notes, "the images have no labels of two classes or more: kNN is left out")
	}
	if r.step > 0 {
		began, now := r.folder.Began(), r.now
		notes = append(notes, fmt.Sprintf("going on after step %d of %d", r.step, r.total))
		if began.Threads != now.Threads {
			notes = append(notes, fmt.Sprintf("with %d threads as the run began, not %d: another number would change its last bits", began.Threads, now.Threads))
		}
		if began.ONNXRuntime != now.ONNXRuntime || began.CPU != now.CPU || began.Ordo != now.Ordo {
			notes = append(notes, fmt.Sprintf("warning: the run began with ordo %s, ONNX Runtime %s on %s; here are ordo %s, ONNX Runtime %s, %s: its last bits may differ from an uninterrupted run's",
				began.Ordo, began.ONNXRuntime, began.CPU, now.Ordo, now.ONNXRuntime, now.CPU))
		}
	}
	return r.tell(notes)
}

// tell notes each of the sentences.
func (r *run) tell(notes []string) error {
	for _, n := range notes {
		if err := r.note(n); err != nil {
			return err
		}
	}
	return nil
}

// artifacts builds the training graphs, or reads those that an interrupted run was started with. Where these have fast kernels that
// this machine lacks, they are built anew without.
func (r *run) artifacts(rt *models.Runtime) (models.Artifacts, error) {
	kernels, note, err := models.OpenKernels(rt, r.o.OneDNN, r.setup.Model)
	if err != nil {
		return models.Artifacts{}, err
	}
	if !r.folder.HasCheckpoint() {
		if note != "" {
			r.o.Progress.Note(note)
		}
		return r.buildArtifacts(kernels)
	}
	a, err := models.ReadGraphs(r.folder.Graphs())
	if err != nil {
		return a, err
	}
	if uses, err := models.UsesKernels(a); err != nil {
		return a, err
	} else if uses && kernels == nil {
		if note == "" {
			note = "with ONNX Runtime's own"
		}
		r.o.Progress.Note("warning: the run began with the fast kernels and goes on " + note + ": its last bits may differ from an uninterrupted run's")
		if a, err = r.buildArtifacts(nil); err != nil {
			return a, err
		}
	}
	a.Checkpoint, a.Kept, err = models.ReadCheckpoint(r.folder.Checkpoint())
	return a, err
}

// buildArtifacts builds the training graphs and keeps them in the folder.
func (r *run) buildArtifacts(kernels *models.Kernels) (models.Artifacts, error) {
	a, notes, err := r.setup.Build(kernels)
	if err != nil {
		return a, err
	}
	for _, note := range notes {
		r.o.Progress.Note(note)
	}
	return a, models.WriteGraphs(r.folder.Graphs(), a)
}

// readPosition finds the step that the checkpoint is of, and drops the metrics behind it.
func (r *run) readPosition() error {
	if r.folder.HasCheckpoint() {
		at, err := r.trainer.Property(propertyStep)
		if err != nil {
			return err
		}
		step, ok := at.(int64)
		if !ok || step < 0 || step > int64(r.total) {
			return fault.New(fault.Data, "%s: the checkpoint is of step %v, outside of this experiment's %d steps",
				r.folder.Checkpoint(), at, r.total).Advise("remove the run folder to start anew")
		}
		r.step = int(step)
	}
	if err := r.folder.Rewind(r.step); err != nil {
		return err
	}
	history, err := track.ReadHistory(r.folder.Dir())
	for _, s := range history.Steps {
		if s.Skipped {
			r.skipped++
		}
	}
	return err
}

// train does the steps that are left, with a checkpoint at every epoch's end.
func (r *run) train(ctx context.Context) error {
	if err := r.stepper.Feed(ctx, r.splits.Train, r.step); err != nil {
		return err
	}
	r.o.Progress.Start(r.step, r.total)
	defer r.o.Progress.End()
	for {
		if r.step%r.perEpoch == 0 && r.step > 0 {
			if err := r.endEpoch(ctx); err != nil {
				return err
			}
		}
		if r.step == r.total {
			return nil
		}
		if ctx.Err() != nil {
			return r.interrupted()
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
	rate := float32(r.o.Experiment.Train.Rate(r.step, r.perEpoch))
	taken, err := r.stepper.Take(float64(r.step)/float64(r.total), rate)
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
		return train.Diverged(r.step+1, err)
	}
	r.step++
	line.Step, line.Epoch, line.Rate = r.step, r.epochs(), rate
	if err := r.folder.Step(line); err != nil {
		return err
	}
	taken.Times.Total = time.Since(start)
	r.whole.Add(taken.Times)
	r.epoch.Add(taken.Times)
	speed := r.whole.ImagesPerSecond(r.o.Experiment.Train.BatchSize)
	r.o.Progress.Step(Step{Number: r.step, Epoch: r.epochs(), Loss: line.Loss, ImagesPerSecond: speed})
	return nil
}

// epochs is how many epochs are done.
func (r *run) epochs() float64 { return float64(r.step) / float64(r.perEpoch) }

// endEpoch makes the epoch's checkpoint, if this process trained in it, and its evaluation, if one is due and not there.
func (r *run) endEpoch(ctx context.Context) error {
	if err := r.tell(r.splits.TakeNotes()); err != nil {
		return err
	}
	if r.epoch.Steps > 0 {
		if err := r.save(); err != nil {
			return err
		}
	}
	epoch := r.step / r.perEpoch
	every := r.o.Experiment.Eval.EveryEpochs
	due := r.step == r.total || every > 0 && epoch%every == 0
	if !due || r.folder.HasEval(r.step) {
		return nil
	}
	found, err := r.evaluator.run(ctx)
	if ctx.Err() != nil {
		return fault.New(fault.Interrupted, "interrupted in the evaluation after epoch %d", epoch).Advise(goOn)
	}
	if err != nil {
		return err
	}
	if err := r.note(report.Evaluation(epoch, found)); err != nil {
		return err
	}
	return r.folder.Eval(track.EvalLine{Step: r.step, Epoch: r.epochs(), Eval: found})
}

// save writes the checkpoint; the metrics and times up to it go to the disk before.
func (r *run) save() error {
	err := r.folder.Timing(track.Timing{Step: r.step, Steps: r.epoch.Steps, Seconds: r.epoch.Total.Seconds(),
		Share: r.epoch.Share(), PeakMemoryBytes: machine.PeakMemory()})
	if err != nil {
		return err
	}
	r.epoch = train.Times{}
	if err := r.folder.Sync(); err != nil {
		return err
	}
	if err := r.trainer.SetProperty(propertyStep, int64(r.step)); err != nil {
		return err
	}
	return r.trainer.Save(r.folder.Checkpoint())
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
