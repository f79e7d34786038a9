package evaluation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
)

// Target is where an encoder is.
type Target struct {
	Path    string // of the run folder or the ONNX file
	Encoder string // the ONNX file
	Run     *Run   // nil: it is no run's
	Data    string // fingerprint of the data that the run was trained on
}

// Find finds the encoder that a path names: of a finished run, by its folder, or an ONNX file.
func Find(path string) (Target, error) {
	t := Target{Path: path, Encoder: path}
	info, err := os.Stat(path)
	if err != nil {
		return t, fault.Reading(fault.Data, path, err)
	}
	if !info.IsDir() {
		return t, nil
	}
	if _, err := track.ReadResult(path); errors.Is(err, fs.ErrNotExist) {
		return t, fault.New(fault.Data, "there is no finished run in %s", path).With(fault.Finish{Folder: path})
	} else if err != nil {
		return t, err
	}
	record, err := track.ReadRecord(path)
	if err != nil {
		return t, err
	}
	t.Encoder, t.Data = track.EncoderFile(path), record.Data
	t.Run = &Run{Name: record.Name, Hash: record.Hash, Seed: record.Seed}
	return t, nil
}

// Load reads the experiment that says how to evaluate a target: the run's own, or that of a file, which an encoder that
// is no run's needs. The overrides, KEY=VALUE, change it.
func Load(t Target, file string, overrides, environ []string) (config.Experiment, error) {
	switch {
	case t.Run == nil && file == "":
		return config.Experiment{}, fault.New(fault.Config, "%s is no run folder", t.Path).
			Advise("name an experiment file too, whose data and augment sections say what to show it")
	case file == "":
		return config.Load(track.ExperimentFile(t.Path), overrides, nil)
	default:
		return config.Load(file, overrides, environ)
	}
}

// open opens the target's encoder.
func (t Target) open(library string, threads int) (*models.Encoder, error) {
	return models.OpenEncoder(library, t.Encoder, threads)
}

// sum is the SHA-256 of the encoder's file.
func (t Target) sum() (string, error) {
	content, err := os.ReadFile(t.Encoder)
	if err != nil {
		return "", fault.Reading(fault.Data, t.Encoder, err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}
