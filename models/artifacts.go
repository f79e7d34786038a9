package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"ordo/models/artifacts"
	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/ort"
	"ordo/models/weights"
	"ordo/models/zoo"
)

// The outputs that every model of the zoo has, in the order in which the loss gets them.
const (
	Features  = "features"
	Embedding = "embedding"
)

// Artifacts are the bytes of the graphs and of the checkpoint that a Trainer runs.
type Artifacts = ort.Artifacts

// Forward makes the forward graph of a zoo backbone for square images of imageSize pixels. The initial weights are a pure
// function of the seed and, if the options name one, of the weight file, of which the report tells.
func Forward(o Options, imageSize int, seed uint64) (*onnxgraph.Model, *weights.Report, error) {
	m, err := zoo.Build(o.Options, imageSize, seed)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	if o.Weights == "" {
		return m, nil, nil
	}
	report, err := weights.Load(m, o.Weights, weights.Options{
		Strict: o.WeightsStrict, Optional: []string{zoo.Projector}, Ignored: []string{zoo.Classifier(o.Backbone)},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	return m, &report, nil
}

// Build makes the artifacts of Forward's graph, or reads those of the options' folder. AdamW with one decay for all parameters
// is ONNX Runtime's: its graph is among the artifacts. Every other optimizer is Go's, so TrainerOptions need it. The notes are
// sentences for the log.
func Build(o Options, with OptimizerOptions, imageSize int, seed uint64) (a Artifacts, notes []string, err error) {
	adamW := autodiff.OptimizerOptions{
		Beta1: with.Betas[0], Beta2: with.Betas[1], Epsilon: with.Eps, WeightDecay: with.WeightDecay, ClipNorm: with.ClipGradNorm,
	}
	outside := with.Optimizer != optimizer.AdamW || with.ExcludeBiasNorm
	if o.Artifacts != "" {
		f, err := readFolder(o, imageSize, nil)
		if err == nil {
			err = f.SetOptimizer(adamW, outside)
		}
		if err != nil {
			return a, nil, fmt.Errorf("models: %w", err)
		}
		for _, text := range f.Adapted {
			notes = append(notes, o.Artifacts+": "+text)
		}
		return f.Artifacts, notes, nil
	}
	forward, report, err := Forward(o, imageSize, seed)
	if err != nil {
		return a, nil, err
	}
	if report != nil {
		notes = append(notes, fmt.Sprintf("initial weights of %s: %s", o.Weights, report))
	}
	built, err := autodiff.Build(forward, autodiff.Options{
		Outputs: []string{Features, Embedding}, Optimizer: adamW, FlatGradients: outside,
	})
	if err != nil {
		return a, nil, fmt.Errorf("models: %w", err)
	}
	a.Checkpoint = built.Checkpoint
	for dst, graph := range map[*[]byte]*onnxgraph.Model{
		&a.Training: built.Training, &a.Eval: built.Eval, &a.Optimizer: built.Optimizer,
	} {
		if graph == nil {
			continue
		}
		if *dst, err = graph.Encode(); err != nil {
			return Artifacts{}, nil, fmt.Errorf("models: %w", err)
		}
	}
	return a, notes, nil
}

// ErrMismatch is wrapped by the error for a folder of artifacts that doesn't fit the experiment.
var ErrMismatch = artifacts.ErrMismatch

// readFolder reads the options' folder of artifacts and checks that an experiment with images of that size can train it with
// a loss on the given outputs.
func readFolder(o Options, imageSize int, outputs []string) (*artifacts.Folder, error) {
	f, err := artifacts.Read(o.Artifacts)
	if err != nil {
		return nil, err
	}
	return f, f.Require(o.Artifacts, imageSize, append([]string{Features, Embedding}, outputs...))
}

// Fingerprint tells one folder of artifacts from another by its content; it is "" for a backbone of the zoo, which the options
// say all about. A folder that doesn't fit images of imageSize pixels or a loss on the given outputs is an error that wraps
// [ErrMismatch].
func Fingerprint(o Options, imageSize int, outputs []string) (string, error) {
	if o.Artifacts == "" {
		return "", nil
	}
	f, err := readFolder(o, imageSize, outputs)
	if err != nil {
		return "", fmt.Errorf("models: %w", err)
	}
	return f.Fingerprint(), nil
}

// WriteGraphs writes the graphs into dir, each file whole or not at all. The checkpoint is not among them: it changes
// with every step, see Trainer.Save.
func WriteGraphs(dir string, a Artifacts) error {
	for name, data := range map[string][]byte{
		autodiff.TrainingFile: a.Training, autodiff.EvalFile: a.Eval, autodiff.OptimizerFile: a.Optimizer,
	} {
		if data == nil {
			continue
		}
		if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("models: write graphs: %w", err)
		}
	}
	// No checkpoint may survive a power cut that its graphs do not.
	if err := ort.SyncDir(dir); err != nil {
		return fmt.Errorf("models: write graphs: %w", err)
	}
	return nil
}

// ReadGraphs reads what WriteGraphs wrote. A missing file is an error that wraps fs.ErrNotExist, but
// for the optimizer graph, which not all artifacts have.
func ReadGraphs(dir string) (Artifacts, error) {
	var a Artifacts
	for name, data := range map[string]*[]byte{
		autodiff.TrainingFile: &a.Training, autodiff.EvalFile: &a.Eval, autodiff.OptimizerFile: &a.Optimizer,
	} {
		var err error
		if *data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			if name == autodiff.OptimizerFile && errors.Is(err, fs.ErrNotExist) {
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
