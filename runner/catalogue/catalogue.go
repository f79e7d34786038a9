package catalogue

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
)

// Statuses of a run.
const (
	Finished = track.Finished
	Running  = "running"
	Stopped  = "stopped"
)

// Run is what a folder says of its run.
type Run struct {
	Folder  string             `json:"folder"`
	Name    string             `json:"name"`
	Hash    string             `json:"hash"`
	Seed    uint64             `json:"seed"`
	Status  string             `json:"status"`
	Epoch   float64            `json:"epoch"`  // that it has reached
	Epochs  int                `json:"epochs"` // that it has in all; 0: unknown
	Changed time.Time          `json:"changed"`
	Numbers map[string]float64 `json:"numbers,omitempty"` // of a finished one, by their paths in result.json
	Trouble string             `json:"trouble,omitempty"` // what of the folder can't be read

	experiment *config.Experiment // nil: it can't be read
}

// Value is the value of a key of the run's experiment, as config.Experiment.Value gives it.
func (r Run) Value(key string) (text string, ok bool) {
	if r.experiment == nil {
		return "", false
	}
	return r.experiment.Value(key)
}

// List lists the runs at or below a folder, in the order of their paths. One of which something can't be read is in the
// list with its trouble.
func List(ctx context.Context, root string) ([]Run, error) {
	var all []Run
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fault.New(fault.Interrupted, "interrupted")
		case err != nil && path == root:
			return fault.Reading(fault.Other, root, err)
		case err != nil || !d.IsDir():
			return nil // a folder that can't be read has no runs to tell of
		}
		run, err := Look(path)
		if err != nil {
			return nil
		}
		all = append(all, run)
		return filepath.SkipDir
	})
	return all, err
}

// Look reads the folder of one run. Without a run, the error wraps fs.ErrNotExist.
func Look(dir string) (Run, error) {
	record, err := track.ReadRecord(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Run{}, err
	}
	return look(dir, record, err), nil
}

// look reads a run's folder.
func look(dir string, record track.Record, err error) Run {
	r := Run{Folder: dir, Name: record.Name, Hash: record.Hash, Seed: record.Seed, Status: Stopped}
	trouble := func(err error) {
		if err != nil && r.Trouble == "" {
			r.Trouble = err.Error()
		}
	}
	trouble(err)
	if info, err := os.Stat(dir); err == nil {
		r.Changed = info.ModTime()
	}
	if e, err := config.Load(track.ExperimentFile(dir), nil, nil); err == nil {
		r.Epochs, r.experiment = e.Train.Epochs, &e
	} else {
		trouble(err)
	}
	result, err := track.ReadResult(dir)
	switch {
	case err == nil && result.Status == track.Finished:
		r.Status, r.Epoch = Finished, float64(result.Epochs)
		if r.Numbers, err = result.Numbers(); err != nil {
			trouble(err)
		}
		return r
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		trouble(err)
	}
	if track.InUse(dir) {
		r.Status = Running
	}
	last, err := track.LastStep(dir)
	if err == nil {
		r.Epoch = last.Epoch
	} else if !errors.Is(err, fs.ErrNotExist) {
		trouble(err)
	}
	return r
}

// Remove removes a run's folder, and nothing that isn't one.
func Remove(dir string) error {
	if _, err := track.ReadRecord(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Other, "%s holds no run, so it stays", dir)
		}
		return err
	}
	if track.InUse(dir) {
		return fault.New(fault.Other, "a process works in %s, so it stays", dir).Advise("stop it first")
	}
	if err := os.RemoveAll(dir); err != nil {
		return fault.Writing(dir, err)
	}
	return nil
}

// Difference is a key, or a number, of which two runs have another value. "" stands for none.
type Difference struct {
	Key    string `json:"key"`
	First  string `json:"first"`
	Second string `json:"second"`
}

// Keys are the keys of the experiments of two runs that differ, in the order of the files.
func Keys(first, second string) ([]Difference, error) {
	var both [2]config.Experiment
	for i, dir := range []string{first, second} {
		var err error
		if both[i], err = config.LoadRun(dir, nil); err != nil {
			return nil, err
		}
	}
	var all []Difference
	for _, d := range config.Differences(both[0], both[1]) {
		all = append(all, Difference{d.Key, d.First, d.Second})
	}
	return all, nil
}
