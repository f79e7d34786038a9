package page

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/catalogue"
	"ordo/runner/config"
	"ordo/runner/evaluation"
	"ordo/runner/track"
)

// folder is what a run folder says.
type folder struct {
	catalogue.Run
	record     track.Record
	experiment config.Experiment
	known      bool   // the experiment could be read
	text       string // experiment.yaml
	history    track.History
	result     *track.Result       // nil: the run is not finished
	end        *evaluation.Result  // that of the run's end; nil: there is none
	others     []evaluation.Result // further ones, by name
	damage     []error
	label      string // tells it from the page's others
}

// read reads a run's folder. What is damaged is kept as such; it is an error only where there is no run.
func read(dir string, ending *Ending) (*folder, error) {
	f := &folder{}
	var err error
	if f.record, err = track.ReadRecord(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Data, "there is no run in %s", dir).Advise("name the folder of a run")
	}
	f.note(err)
	if f.Run, err = catalogue.Look(dir); err != nil {
		return nil, err
	}
	yaml, err := os.ReadFile(track.ExperimentFile(dir))
	f.note(fault.Reading(fault.Other, track.ExperimentFile(dir), err))
	f.text = string(yaml)
	if f.experiment, err = config.LoadRun(dir, nil); err == nil {
		f.known = true
	} else if yaml != nil {
		f.note(err)
	}
	f.history, err = track.ReadHistory(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		f.note(err)
	}
	f.readResult(ending)
	return f, f.readEvaluations()
}

func (f *folder) readResult(ending *Ending) {
	if ending != nil {
		f.result, f.Status, f.Epoch = &ending.Result, catalogue.Finished, float64(ending.Result.Epochs)
		return
	}
	result, err := track.ReadResult(f.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		f.note(err)
	default:
		f.result = &result
	}
}

// readEvaluations reads all that were made of the run.
func (f *folder) readEvaluations() error {
	names, err := filepath.Glob(filepath.Join(escaped(f.Folder), evaluation.Dir, "*.json"))
	if err != nil {
		return fmt.Errorf("page: list evaluations: %w", err)
	}
	for _, name := range names {
		r, err := evaluation.Read(name)
		switch {
		case err != nil:
			f.note(err)
		case strings.TrimSuffix(filepath.Base(name), ".json") == evaluation.AtEnd:
			f.end = &r
		default:
			f.others = append(f.others, r)
		}
	}
	return nil
}

// escaped is a path as a pattern that it alone fits.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// note keeps an error as damage, once.
func (f *folder) note(err error) {
	if err != nil && !slices.ContainsFunc(f.damage, func(e error) bool { return e.Error() == err.Error() }) {
		f.damage = append(f.damage, err)
	}
}

// last is the last evaluation in the metrics or the result; false: there is none.
func (f *folder) last() (track.Evaluation, bool) {
	switch n := len(f.history.Evals); {
	case f.result != nil && f.result.Metrics != nil:
		return f.result.Evaluation, true
	case n > 0:
		return f.history.Evals[n-1].Evaluation, true
	}
	return track.Evaluation{}, false
}
