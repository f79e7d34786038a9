package tracker

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"ordo/runner/config"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
)

// about is what a run is, beside its numbers.
type about struct {
	dir        string // the run folder, absolute
	record     track.Record
	experiment config.Experiment
}

func newAbout(dir string, record track.Record, e config.Experiment) (about, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return about{}, fmt.Errorf("tracker: %w", err)
	}
	return about{at, record, e}, nil
}

// runName is as the folders of runs are called where nobody names them.
func (a about) runName() string { return a.record.Name + "-" + a.record.Hash }

// params are the keys of the experiment, as MLflow takes them.
func (a about) params() []mlflow.Text {
	settings := a.experiment.Settings()
	var all []mlflow.Text
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		all = append(all, mlflow.Text{Key: mlflow.Name(key), Value: mlflow.Value(settings[key])})
	}
	return all
}

// facts are what the run's numbers must be read with.
func (a about) facts() map[string]string {
	r := a.record
	all := map[string]string{
		"name": r.Name, "hash": r.Hash, "seed": strconv.FormatUint(r.Seed, 10), "data": r.Data, "version": r.Ordo,
		"onnxruntime": r.ONNXRuntime, "go": r.Go, "platform": r.Platform, "cpu": r.CPU,
		"threads": strconv.Itoa(r.Threads), "folder": a.dir,
	}
	if r.Model != "" {
		all["model"] = r.Model
	}
	if r.Parent != nil {
		all["parent"] = r.Parent.Hash
	}
	return all
}

// tags are the facts, as MLflow takes them.
func (a about) tags() []mlflow.Text {
	facts := a.facts()
	all := []mlflow.Text{{Key: "mlflow.source.name", Value: "ordo"}}
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		all = append(all, mlflow.Text{Key: "ordo." + name, Value: mlflow.Value(facts[name])})
	}
	return all
}

// paths are the files that the run left, by their paths: nothing of them is sent.
func (a about) paths() []mlflow.Text {
	var all []mlflow.Text
	for _, path := range []string{track.EncoderFile(a.dir), track.PageFile(a.dir), track.CheckpointFile(a.dir)} {
		if _, err := os.Stat(path); err == nil {
			all = append(all, mlflow.Text{Key: "ordo.file." + filepath.Base(path), Value: mlflow.Value(path)})
		}
	}
	return all
}
