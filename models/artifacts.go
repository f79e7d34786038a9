package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"ordo/models/autodiff"
	"ordo/models/ort"
	"ordo/models/zoo"
)

// The outputs that every model of the zoo has, in the order in which the loss gets them.
const (
	Features  = "features"
	Embedding = "embedding"
)

// The files of a folder of training graphs, by the names that ONNX Runtime's own generator gives them.
const (
	trainingFile  = "training_model.onnx"
	evalFile      = "eval_model.onnx"
	optimizerFile = "optimizer_model.onnx"
)

// Artifacts are the bytes of the graphs and of the checkpoint that a Trainer runs.
type Artifacts = ort.Artifacts

// Build makes the artifacts of a zoo backbone for square images of imageSize pixels. The initial weights are a pure
// function of the seed.
func Build(o Options, optimizer OptimizerOptions, imageSize int, seed uint64) (Artifacts, error) {
	forward, err := zoo.Build(o.Options, imageSize, seed)
	if err != nil {
		return Artifacts{}, fmt.Errorf("models: %w", err)
	}
	built, err := autodiff.Build(forward, autodiff.Options{Outputs: []string{Features, Embedding}, Optimizer: optimizer})
	if err != nil {
		return Artifacts{}, fmt.Errorf("models: %w", err)
	}
	training, err1 := built.Training.Encode()
	eval, err2 := built.Eval.Encode()
	opt, err3 := built.Optimizer.Encode()
	if err := errors.Join(err1, err2, err3); err != nil {
		return Artifacts{}, fmt.Errorf("models: %w", err)
	}
	return Artifacts{Training: training, Eval: eval, Optimizer: opt, Checkpoint: built.Checkpoint}, nil
}

// WriteGraphs writes the three graphs into dir, each file whole or not at all. The checkpoint is not among them: it changes
// with every step, see Trainer.Save.
func WriteGraphs(dir string, a Artifacts) error {
	for name, data := range map[string][]byte{
		trainingFile: a.Training, evalFile: a.Eval, optimizerFile: a.Optimizer,
	} {
		if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("models: write graphs: %w", err)
		}
	}
	// No checkpoint may survive a power cut that its graphs do not.
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("models: write graphs: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("models: write graphs: %w", err)
	}
	return nil
}

// ReadGraphs reads what WriteGraphs wrote. A missing file is an error that wraps fs.ErrNotExist.
func ReadGraphs(dir string) (Artifacts, error) {
	var a Artifacts
	for name, data := range map[string]*[]byte{
		trainingFile: &a.Training, evalFile: &a.Eval, optimizerFile: &a.Optimizer,
	} {
		var err error
		if *data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return a, fmt.Errorf("models: %s is not a folder of training graphs: %w", dir, err)
			}
			return a, fmt.Errorf("models: read graphs: %w", err)
		}
	}
	return a, nil
}
