package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
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
// function of the seed. AdamW with one decay for all parameters is ONNX Runtime's: its graph is among the artifacts. Every
// other optimizer is Go's, so TrainerOptions need it.
func Build(o Options, with OptimizerOptions, imageSize int, seed uint64) (Artifacts, error) {
	forward, err := zoo.Build(o.Options, imageSize, seed)
	if err != nil {
		return Artifacts{}, fmt.Errorf("models: %w", err)
	}
	built, err := autodiff.Build(forward, autodiff.Options{
		Outputs: []string{Features, Embedding},
		Optimizer: autodiff.OptimizerOptions{
			Beta1: with.Betas[0], Beta2: with.Betas[1], Epsilon: with.Eps, WeightDecay: with.WeightDecay, ClipNorm: with.ClipGradNorm,
		},
		FlatGradients: with.Optimizer != optimizer.AdamW || with.ExcludeBiasNorm,
	})
	if err != nil {
		return Artifacts{}, fmt.Errorf("models: %w", err)
	}
	a := Artifacts{Checkpoint: built.Checkpoint}
	for dst, graph := range map[*[]byte]*onnxgraph.Model{
		&a.Training: built.Training, &a.Eval: built.Eval, &a.Optimizer: built.Optimizer,
	} {
		if graph == nil {
			continue
		}
		if *dst, err = graph.Encode(); err != nil {
			return Artifacts{}, fmt.Errorf("models: %w", err)
		}
	}
	return a, nil
}

// WriteGraphs writes the graphs into dir, each file whole or not at all. The checkpoint is not among them: it changes
// with every step, see Trainer.Save.
func WriteGraphs(dir string, a Artifacts) error {
	for name, data := range map[string][]byte{
		trainingFile: a.Training, evalFile: a.Eval, optimizerFile: a.Optimizer,
	} {
		if data == nil {
			continue
		}
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

// ReadGraphs reads what WriteGraphs wrote. A missing file is an error that wraps fs.ErrNotExist, but
// for the optimizer graph, which not all artifacts have.
func ReadGraphs(dir string) (Artifacts, error) {
	var a Artifacts
	for name, data := range map[string]*[]byte{
		trainingFile: &a.Training, evalFile: &a.Eval, optimizerFile: &a.Optimizer,
	} {
		var err error
		if *data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			if name == optimizerFile && errors.Is(err, fs.ErrNotExist) {
				continue // the optimizer is Go's; NewTrainer knows whether it can be
			}
			if errors.Is(err, fs.ErrNotExist) {
				return a, fmt.Errorf("models: %s is not a folder of training graphs: %w", dir, err)
			}
			return a, fmt.Errorf("models: read graphs: %w", err)
		}
	}
	return a, nil
}
