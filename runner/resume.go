package runner

import (
	"errors"
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
		Data: r.splits.Fingerprint(),
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

// tellRest tells of a finished run what those whom the experiment names don't know yet.
func (r *run) tellRest() error {
	record, err := track.ReadRecord(r.o.Dir)
	if err != nil {
		return err
	}
	if err := r.told.Start(r.o.Dir, record); err != nil {
		return err
	}
	r.told.Stop(nil)
	for _, text := range r.told.TakeNotes() {
		r.o.Progress.Note(text)
	}
	return nil
}

// artifacts builds the training graphs, or reads those that an interrupted run was started with. Where these have
// fast kernels that this machine lacks, they are built anew without.
func (r *run) artifacts(rt *models.Runtime) (models.Artifacts, error) {
	kernels, note, err := models.OpenKernels(rt, r.o.Libraries.OneDNN, r.setup.Model.Options())
	if err != nil {
		return models.Artifacts{}, err
	}
	from, err := r.usableCheckpoint()
	if err != nil {
		return models.Artifacts{}, err
	}
	if from == nil {
		if note != "" {
			if err := r.note(note); err != nil {
				return models.Artifacts{}, err
			}
		}
		a, err := r.buildArtifacts(kernels)
		if err != nil {
			return a, err
		}
		if r.fork != nil {
			if err := r.startFork(&a); err != nil {
				return a, err
			}
		}
		r.origin = r.originOf(a)
		return a, models.WriteGraphs(r.folder.Graphs(), a)
	}
	a, err := r.graphsOf(from, kernels)
	if err != nil {
		return a, err
	}
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
	r.step, r.lines = from.origin.Step, from.origin.Lines
	a.Checkpoint, a.Kept = from.parameters, from.kept
	return a, nil
}

// graphsOf reads the graphs that a checkpoint was made with. Where one is damaged they are built again, which gives the
// same bytes with the same ordo on such a machine; else it is a fault.
func (r *run) graphsOf(from *checkpoint, kernels *models.Kernels) (models.Artifacts, error) {
	a, err := models.ReadGraphs(r.folder.Graphs())
	if err == nil {
		r.origin = r.originOf(a)
		err = from.origin.checkGraphs(r.folder.Graphs(), r.origin)
	}
	if err == nil {
		return a, nil
	}
	again, _, buildErr := r.setup.Build(kernels)
	if buildErr != nil {
		return a, err
	}
	r.origin = r.originOf(again)
	if from.origin.checkGraphs(r.folder.Graphs(), r.origin) != nil {
		return a, err
	}
	text := fmt.Sprintf("%s%s; the graphs are built again, and are those that the run began with", track.Warning,
		said(err))
	if err := r.note(text); err != nil {
		return a, err
	}
	again.Checkpoint = nil
	return again, models.WriteGraphs(r.folder.Graphs(), again)
}

// said is what happened, without what to do about it.
func said(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Unwrap().Error()
	}
	return err.Error()
}

// buildArtifacts builds the training graphs.
func (r *run) buildArtifacts(kernels *models.Kernels) (models.Artifacts, error) {
	a, notes, err := r.setup.Build(kernels)
	if err != nil {
		return a, err
	}
	return a, r.tell(notes)
}

// goBack drops the metrics behind the checkpoint, and takes up what the others tell.
func (r *run) goBack() error {
	if err := r.folder.Rewind(r.lines); err != nil {
		return err
	}
	parent := r.folder.Began().Parent
	if r.lines == nil && r.fork != nil {
		if err := r.folder.Adopt(r.fork.parent.Run, r.fork.checkpoint.origin.Lines); err != nil {
			return err
		}
	}
	if r.lines != nil && !r.folder.LogFits(r.lines) {
		if err := r.note(track.Warning + "log.txt was changed: what the run warned of before may be missing"); err != nil {
			return err
		}
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
	for _, l := range history.Evals {
		if parent == nil || l.Step > parent.Step { // of another run there is no best checkpoint here
			r.isBest(l)
		}
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
