package runner

import (
	"fmt"
	"runtime"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/evaluation"
	"ordo/runner/machine"
	"ordo/runner/track"
	"ordo/runner/train"
)

// identify says what the numbers of a run on this machine must be read with.
func (r *run) identify(rt *models.Runtime) error {
	e := r.o.Experiment
	paths, err := e.AbsolutePaths()
	r.now = track.Record{
		Name: e.Name, Hash: e.Hash(), Seed: e.Seed,
		Data: r.splits.Train.Fingerprint() + "-" + r.splits.Test.Fingerprint(),
		Ordo: r.o.Version, ONNXRuntime: rt.Version(), Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPU: machine.Processor(), Threads: train.Threads(e),
		Model: r.setup.Model.Fingerprint(), Paths: paths,
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

// artifacts builds the training graphs, or reads those that an interrupted run was started with. Where these have
// fast kernels that this machine lacks, they are built anew without.
func (r *run) artifacts(rt *models.Runtime) (models.Artifacts, error) {
	kernels, note, err := models.OpenKernels(rt, r.o.Libraries.OneDNN, r.setup.Model.Options())
	if err != nil {
		return models.Artifacts{}, err
	}
	if !r.folder.HasCheckpoint() {
		if note != "" {
			if err := r.note(note); err != nil {
				return models.Artifacts{}, err
			}
		}
		a, err := r.buildArtifacts(kernels)
		if err != nil {
			return a, err
		}
		r.origin = r.originOf(a)
		return a, models.WriteGraphs(r.folder.Graphs(), a)
	}
	a, err := models.ReadGraphs(r.folder.Graphs())
	if err != nil {
		return a, err
	}
	checkpoint, kept, err := models.ReadCheckpoint(r.folder.Checkpoint())
	if err != nil {
		return a, err
	}
	r.origin = r.originOf(a)
	if err := r.checkOrigin(r.origin, kept); err != nil {
		return a, err
	}
	delete(kept, keptOrigin) // the new one takes its place
	contract, err := a.Contract()
	if err != nil {
		return a, fault.New(fault.Data, "%s: %w", r.folder.Graphs(), err).Advise(startAnew)
	}
	if contract.Kernels && kernels == nil {
		if note == "" {
			note = "with ONNX Runtime's own"
		}
		text := track.Warning + "the run began with the fast kernels and goes on " + note + ": " + otherBits
		if err := r.note(text); err != nil {
			return a, err
		}
		// The folder keeps its graphs, which the checkpoint knows.
		if a, err = r.buildArtifacts(nil); err != nil {
			return a, err
		}
	}
	a.Checkpoint, a.Kept = checkpoint, kept
	return a, nil
}

// buildArtifacts builds the training graphs.
func (r *run) buildArtifacts(kernels *models.Kernels) (models.Artifacts, error) {
	a, notes, err := r.setup.Build(kernels)
	if err != nil {
		return a, err
	}
	return a, r.tell(notes)
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
	for _, l := range history.Guards {
		r.see(l)
	}
	return err
}

// note says something to the user and to the log.
func (r *run) note(text string) error {
	r.o.Progress.Note(text)
	return r.folder.Log(text)
}

// detail says something to a user who wants to know more, and to the log.
func (r *run) detail(text string) error {
	r.o.Progress.Detail(text)
	return r.folder.Log(text)
}

// hear says something to the user at once, and to the log when logHeard is called: where the log can't be written to,
// or isn't there yet.
func (r *run) hear(text string) {
	r.o.Progress.Note(text)
	r.heard = append(r.heard, text)
}

// logHeard gives the log what hear was told.
func (r *run) logHeard() error {
	for _, text := range r.heard {
		if err := r.folder.Log(text); err != nil {
			return err
		}
	}
	r.heard = nil
	return nil
}

// remarks says what the user should know before the first step.
func (r *run) remarks() error {
	text := fmt.Sprintf("%d training and %d test images; ONNX Runtime %s with %d threads, %d that render views, on %s",
		r.splits.Train.Len(), r.splits.Test.Len(), r.now.ONNXRuntime, r.folder.Began().Threads,
		train.Workers(r.o.Experiment), r.now.CPU)
	if err := r.detail(text); err != nil {
		return err
	}
	notes := r.splits.TakeNotes()
	warnings, err := train.Warnings(r.setup.Plan, r.splits.Train)
	if err != nil {
		return err
	}
	notes = append(notes, warnings...)
	if text := machine.BeyondCores(r.folder.Began().Threads); text != "" {
		notes = append(notes, text)
	}
	if !evaluation.HasClasses(r.splits) {
		notes = append(notes, "the images have no labels of two classes or more: kNN is left out")
	}
	if r.step > 0 {
		notes = append(notes, r.resumed()...)
	}
	return r.tell(notes)
}

// resumed says what is to be known of a run that goes on.
func (r *run) resumed() []string {
	began, now := r.folder.Began(), r.now
	notes := []string{fmt.Sprintf("going on after step %d of %d", r.step, r.total)}
	if began.Threads != now.Threads {
		notes = append(notes, fmt.Sprintf("with %d threads as the run began, not %d: "+
			"another number would change its last bits", began.Threads, now.Threads))
	}
	if began.ONNXRuntime != now.ONNXRuntime || began.CPU != now.CPU || began.Ordo != now.Ordo {
		notes = append(notes, fmt.Sprintf("warning: the run began with ordo %s, ONNX Runtime %s on %s; here are ordo %s, "+
			"ONNX Runtime %s, %s: %s", began.Ordo, began.ONNXRuntime, began.CPU, now.Ordo, now.ONNXRuntime, now.CPU, otherBits))
	}
	return notes
}

// otherBits is what becomes of a run that goes on with other software or on another machine.
const otherBits = "its last bits may differ from an uninterrupted run's"

// tell notes each of the sentences.
func (r *run) tell(notes []string) error {
	for _, n := range notes {
		if err := r.note(n); err != nil {
			return err
		}
	}
	return nil
}
