package runner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"time"

	"ordo/augment"
	"ordo/loss"
	"ordo/models"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/loader"
	"ordo/runner/report"
	"ordo/runner/track"
)

// ErrInterrupted is wrapped by Run's error when its context was cancelled. The run folder has a checkpoint of the last
// whole step, and Run goes on from it.
var ErrInterrupted = errors.New("interrupted")

// ErrDiverged is wrapped by Run's error when the loss or a gradient is not finite.
var ErrDiverged = errors.New("the training diverged")

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
	plan      *augment.Plan
	loss      *loss.Loss
	splits    data.Splits
	folder    *track.Folder
	needs     []loss.Need
	model     models.Options // with all heads that the loss needs
	trainer   *models.Trainer
	stepper   *stepper
	evaluator *evaluator

	step     int // steps done
	skipped  int // of them, because of gradients that were not finite
	perEpoch int
	total    int

	whole, epoch spent
}

// Run trains what the experiment describes, or goes on where the folder's checkpoint is, and writes the run folder. A run
// that is finished is not repeated: its result is given again.
func Run(ctx context.Context, o Options) (track.Result, error) {
	if err := o.Experiment.Validate(); err != nil {
		return track.Result{}, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	if info, err := os.Stat(o.Dir); err == nil && !info.IsDir() {
		return track.Result{}, fmt.Errorf("%w: %s is a file; name a folder with --out", track.ErrOccupied, o.Dir)
	}
	r := &run{o: o}
	return r.do(ctx)
}

func (r *run) do(ctx context.Context) (track.Result, error) {
	e := r.o.Experiment
	rt, err := models.OpenRuntime(r.o.Library)
	if err != nil {
		return track.Result{}, err
	}
	defer rt.Close()
	if !rt.HasTraining() {
		return track.Result{}, models.NoTraining(rt)
	}
	if err := r.plans(); err != nil {
		return track.Result{}, err
	}
	watch := data.Watch{Note: r.o.Progress.Note, Progress: r.o.Progress.Reading}
	if r.splits, err = data.OpenWatched(ctx, e.Data, watch); err != nil {
		if ctx.Err() != nil {
			return track.Result{}, fmt.Errorf("%w while the images were read", ErrInterrupted)
		}
		return track.Result{}, err
	}
	if n := r.splits.Train.Len(); n < e.Train.BatchSize {
		return track.Result{}, fmt.Errorf("%w: train.batch_size: is %d, but the data set has only %d training images; lower it",
			config.ErrInvalid, e.Train.BatchSize, n)
	}
	r.perEpoch = r.splits.Train.Len() / e.Train.BatchSize
	r.total = r.perEpoch * e.Train.Epochs
	record := r.record(rt)
	if record.Model, err = models.Fingerprint(r.model, e.Data.ImageSize); err != nil {
		return track.Result{}, misfit(err)
	}
	if done, err := finished(r.o.Dir, record); err == nil {
		return done, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return track.Result{}, err
	}
	yaml, err := e.YAML()
	if err != nil {
		return track.Result{}, err
	}
	if r.folder, err = track.Open(r.o.Dir, record, yaml); err != nil {
		return track.Result{}, err
	}
	result, err := r.inFolder(ctx, rt)
	if err != nil {
		// Nobody is left to tell if this cannot be written; the error itself goes on.
		_ = r.folder.Log("stopped: " + err.Error())
		if errors.Is(err, ErrDiverged) {
			return track.Result{}, errors.Join(err, r.folder.Close()) // the metrics tell how it went
		}
		r.folder.Abandon()
		return track.Result{}, err
	}
	return result, r.folder.Close()
}

// plans makes what an experiment's text alone decides.
func (r *run) plans() (err error) {
	e := r.o.Experiment
	if r.plan, err = augment.NewPlan(e.Augment, e.Data.ImageSize); err != nil {
		return fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	if r.loss, err = loss.New(e.Loss); err != nil {
		return fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	views := loader.Views(r.plan, e.Augment.Shared)
	if r.needs, err = r.loss.Needs(views); err != nil {
		return fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	r.model, err = completeModel(e, r.needs, views)
	return err
}

// misfit makes a fault of the experiment of artifacts that don't fit it; every other error it leaves as it is.
func misfit(err error) error {
	if errors.Is(err, models.ErrMismatch) {
		return fmt.Errorf("%w: model.artifacts: %w", config.ErrInvalid, err)
	}
	return err
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

func (r *run) record(rt *models.Runtime) track.Record {
	e := r.o.Experiment
	return track.Record{
		Name: e.Name, Hash: e.Hash(), Seed: e.Seed, Data: r.splits.Train.Fingerprint() + "-" + r.splits.Test.Fingerprint(),
		Ordo: r.o.Version, ONNXRuntime: rt.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: cpuName(), Threads: threads(e),
	}
}

// inFolder does everything that needs the run folder.
func (r *run) inFolder(ctx context.Context, rt *models.Runtime) (track.Result, error) {
	e := r.o.Experiment
	artifacts, err := r.artifacts(rt)
	if err != nil {
		return track.Result{}, err
	}
	r.stepper, err = newStepper(rt, artifacts, r.loss, r.needs, e.Train, models.TrainerOptions{
		Threads: r.folder.Began().Threads, Execution: e.Model.Execution, Optimizer: e.Train.Options,
	})
	if err != nil {
		return track.Result{}, err
	}
	defer r.stepper.close()
	r.trainer = r.stepper.trainer
	if err := r.readPosition(); err != nil {
		return track.Result{}, err
	}
	r.evaluator, err = newEvaluator(rt, r.trainer, r.plan, e.Augment, r.splits, e.Eval, runtime.GOMAXPROCS(0))
	if err != nil {
		return track.Result{}, err
	}
	defer r.evaluator.close()
	if err := r.remarks(rt); err != nil {
		return track.Result{}, err
	}
	if err := r.train(ctx, rt); err != nil {
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
func (r *run) remarks(rt *models.Runtime) error {
	notes := r.splits.TakeNotes()
	for _, w := range r.plan.Warnings() {
		notes = append(notes, "warning: "+w)
	}
	_, train := labelled(r.splits.Train)
	_, test := labelled(r.splits.Test)
	if len(r.splits.Train.Classes()) < 2 || len(train) == 0 || len(test) == 0 {
		notes = append(notes, "the images have no labels of two classes or more: kNN is left out")
	}
	if r.step > 0 {
		began, now := r.folder.Began(), r.record(rt)
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
	kernels, note, err := models.OpenKernels(rt, r.o.OneDNN, r.model)
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

func (r *run) buildArtifacts(kernels *models.Kernels) (models.Artifacts, error) {
	e := r.o.Experiment
	a, notes, err := models.Build(r.model, e.Train.Options, inGo(r.loss, e.Train), e.Data.ImageSize, e.Seed, kernels)
	if err != nil {
		return a, err
	}
	for _, h := range r.model.Heads[len(e.Model.Heads):] {
		if e.Model.Artifacts == "" {
			notes = append(notes, fmt.Sprintf("the loss needs a further head: %v", h))
		}
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
			return fmt.Errorf("runner: the checkpoint in %s is of step %v, outside of this experiment's %d steps", r.folder.Dir(), at, r.total)
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
func (r *run) train(ctx context.Context, rt *models.Runtime) error {
	var err error
	if r.stepper.loader, err = r.newLoader(ctx, rt); err != nil {
		return err
	}
	defer r.stepper.loader.Close()
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

// newLoader makes the batches from the current step on.
func (r *run) newLoader(ctx context.Context, rt *models.Runtime) (*loader.Loader, error) {
	e := r.o.Experiment
	drawn := r.trainer.InputColumns() > 0 || slices.ContainsFunc(r.needs, func(n loss.Need) bool { return n.Kind == loss.NeedPair })
	return loader.New(ctx, rt, r.splits.Train, r.plan, loader.Options{
		Seed: e.Seed, Batch: e.Train.BatchSize, Micro: e.Train.MicroBatch, Workers: workers(e), Step: r.step,
		Shared: e.Augment.Shared, Draws: drawn,
	})
}

// trainStep is one step and its line of metrics.
func (r *run) trainStep() error {
	start := time.Now()
	rate, norm, now, err := r.pass()
	values := r.stepper.values
	line := track.Step{Loss: values.Total, GradNorm: norm, Terms: terms(values)}
	switch {
	case errors.Is(err, ErrDiverged) && r.skipped < r.o.Experiment.Train.SkipNonFinite:
		// The trainer is as it was before the step.
		r.skipped++
		line = track.Step{Skipped: true}
		if err := r.note(fmt.Sprintf("step %d is skipped: %v", r.step+1, err)); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	r.step++
	line.Step, line.Epoch, line.Rate = r.step, r.epochs(), rate
	if err := r.folder.Step(line); err != nil {
		return err
	}
	now.total = time.Since(start)
	r.whole.add(now)
	r.epoch.add(now)
	r.o.Progress.Step(Step{Number: r.step, Epoch: r.epochs(), Loss: line.Loss, ImagesPerSecond: r.imagesPerSecond(r.whole)})
	return nil
}

// pass is one batch, see stepper.step, and the learning rate it was taken at.
func (r *run) pass() (rate, norm float32, now spent, err error) {
	rate = float32(r.o.Experiment.Train.Rate(r.step, r.perEpoch))
	norm, now, err = r.stepper.step(float64(r.step)/float64(r.total), rate)
	return rate, norm, now, r.diverged(err)
}

// epochs is how many epochs are done.
func (r *run) epochs() float64 { return float64(r.step) / float64(r.perEpoch) }

func (r *run) imagesPerSecond(s spent) float64 {
	if s.steps == 0 {
		return 0
	}
	return float64(s.steps*r.o.Experiment.Train.BatchSize) / s.total.Seconds()
}

// diverged makes a sentence of a step whose numbers ran away; every other error it leaves as it is.
func (r *run) diverged(err error) error {
	if !finiteFault(err) {
		return err
	}
	return fmt.Errorf("%w at step %d: %w; lower train.lr, raise train.warmup_epochs, or let train.skip_nonfinite such steps pass",
		ErrDiverged, r.step+1, err)
}

// endEpoch makes the epoch's checkpoint, if this process trained in it, and its evaluation, if one is due and not there.
func (r *run) endEpoch(ctx context.Context) error {
	if err := r.tell(r.splits.TakeNotes()); err != nil {
		return err
	}
	if r.epoch.steps > 0 {
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
		return fmt.Errorf("%w in the evaluation after epoch %d; run the same command again to go on", ErrInterrupted, epoch)
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
	err := r.folder.Timing(track.Timing{Step: r.step, Steps: r.epoch.steps, Seconds: r.epoch.total.Seconds(),
		Share: r.epoch.share(), PeakMemoryBytes: PeakMemory()})
	if err != nil {
		return err
	}
	r.epoch = spent{}
	if err := r.folder.Sync(); err != nil {
		return err
	}
	if err := r.trainer.SetProperty(propertyStep, int64(r.step)); err != nil {
		return err
	}
	return r.trainer.Save(r.folder.Checkpoint())
}

func (r *run) interrupted() error {
	if r.step == 0 {
		return fmt.Errorf("%w before the first step was done", ErrInterrupted)
	}
	if r.epoch.steps > 0 {
		if err := r.save(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w after step %d of %d; run the same command again to go on", ErrInterrupted, r.step, r.total)
}

// finish exports the encoder and writes report and result. What is in them comes from the folder, so that it does not
// matter how often the run was interrupted.
func (r *run) finish() (track.Result, error) {
	e := r.o.Experiment
	dir := r.folder.Dir()
	if err := r.trainer.Export(track.EncoderFile(dir), models.Features, models.Embedding); err != nil {
		return track.Result{}, err
	}
	values, err := r.trainer.CopyParameters(false)
	if err != nil {
		return track.Result{}, err
	}
	count, err := r.trainer.ParameterCount(true)
	if err != nil {
		return track.Result{}, err
	}
	history, err := track.ReadHistory(dir)
	if err != nil {
		return track.Result{}, err
	}
	if len(history.Steps) != r.total || len(history.Evals) == 0 {
		return track.Result{}, fmt.Errorf("runner: the metrics in %s have %d steps and %d evaluations for a run of %d steps: somebody changed them; remove the folder to start anew",
			dir, len(history.Steps), len(history.Evals), r.total)
	}
	took := history.Time()
	images := float64(took.Steps*e.Train.BatchSize) / took.Seconds
	result := track.Result{
		Status: track.Finished, Run: dir, Name: e.Name, Hash: e.Hash(), Seed: e.Seed,
		Epochs: e.Train.Epochs, Steps: r.total, Seconds: took.Seconds,
		ImagesPerSecond: images, ViewsPerSecond: images * float64(len(r.plan.Views())),
		TimeShare: took.Share, PeakMemoryBytes: took.PeakMemoryBytes, ParametersHash: hashFloats(values), Parameters: count,
	}
	result.Loss, result.LossTerms = history.MeanLoss(r.perEpoch)
	result.SetEvaluation(history.Evals[len(history.Evals)-1].Eval)
	if err := r.folder.Log("finished"); err != nil {
		return track.Result{}, err
	}
	return result, r.folder.Finish(result, []byte(report.Table(result)))
}

func hashFloats(values []float32) string {
	sum := sha256.New()
	var b [4]byte
	for _, v := range values {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		sum.Write(b[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func terms(v loss.Values) map[string]float64 {
	out := map[string]float64{}
	for _, t := range v.Terms {
		out[t.Name] = t.Value
		for _, d := range t.Diagnostics {
			out[t.Name+"/"+d.Name] = d.Value
		}
	}
	for _, d := range v.Diagnostics {
		out[d.Name] = d.Value
	}
	return out
}
