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
	"ordo/models/heads"
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

// Forward makes the forward graph of a zoo backbone with its heads for square images of imageSize pixels. The initial weights are a pure
// function of the seed and, if the options name one, of the weight file, of which the report tells.
func Forward(o Options, imageSize int, seed uint64) (*onnxgraph.Model, *weights.Report, error) {
	m, err := zoo.Build(o.Options, imageSize, seed)
	if err == nil {
		err = heads.ValidateList(o.Heads, []string{Features, Embedding})
	}
	if err == nil {
		err = heads.Extend(m, o.Heads, seed)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	types, err := onnxgraph.Infer(m)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	optional := []string{zoo.Projector}
	for _, h := range o.Heads {
		output := h.Resolved().Output
		m.Graph.Output = append(m.Graph.Output, onnxgraph.NewValueInfo(output, types.Of[output]))
		optional = append(optional, h.Name+".")
	}
	if o.Weights == "" {
		return m, nil, nil
	}
	report, err := weights.Load(m, o.Weights, weights.Options{
		Strict: o.WeightsStrict, Optional: optional, Ignored: []string{zoo.Classifier(o.Backbone)},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	return m, &report, nil
}

// Build makes the artifacts of Forward's graph, or reads those of the options' folder. AdamW with one decay for all parameters
// is ONNX Runtime's: its graph is among the artifacts. Every other optimizer is Go's, so TrainerOptions need it, and so is that
// too if inGo: where gradients of several batches are accumulated, or the parameters averaged. The kernels, which may be nil, are
// OpenKernels'. The notes are sentences for the log.
func Build(o Options, with OptimizerOptions, inGo bool, imageSize int, seed uint64, k *Kernels) (a Artifacts, notes []string, err error) {
	adamW := autodiff.OptimizerOptions{
		Beta1: with.Betas[0], Beta2: with.Betas[1], Epsilon: with.Eps, WeightDecay: with.WeightDecay, ClipNorm: with.ClipGradNorm,
	}
	outside := inGo || with.Optimizer != optimizer.AdamW || with.ExcludeBiasNorm
	if o.Artifacts != "" {
		f, err := readFolder(o, imageSize)
		if err == nil && k != nil {
			err = f.UseKernels(k)
		}
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
	outputs := []string{Features, Embedding}
	for _, h := range o.Heads {
		outputs = append(outputs, h.Resolved().Output)
	}
	built, err := autodiff.Build(forward, autodiff.Options{
		Outputs: outputs, Evaluation: []string{Features, Embedding}, Optimizer: adamW, FlatGradients: outside, Kernels: k,
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
// a loss on what the options' heads give.
func readFolder(o Options, imageSize int) (*artifacts.Folder, error) {
	f, err := artifacts.Read(o.Artifacts)
	if err != nil {
		return nil, err
	}
	return f, f.Require(o.Artifacts, imageSize, o.Heads)
}

// Columns gives the number of columns of every output that a model has without the options' heads. A folder of artifacts that
// doesn't fit images of imageSize pixels is an error that wraps [ErrMismatch].
func Columns(o Options, imageSize int) (map[string]int, error) {
	o.Heads = nil
	columns := map[string]int{}
	if o.Artifacts != "" {
		f, err := readFolder(o, imageSize)
		if err != nil {
			return nil, fmt.Errorf("models: %w", err)
		}
		for _, output := range f.Outputs {
			columns[output.Name] = int(output.Dim)
		}
		return columns, nil
	}
	info, err := zoo.Describe(o.Options, imageSize)
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	columns[Features], columns[Embedding] = info.Features, info.Features
	if n := len(o.Projector); n > 0 {
		columns[Embedding] = o.Projector[n-1]
	}
	return columns, nil
}

// Fingerprint tells one folder of artifacts from another by its content; it is "" for a backbone of the zoo, which the options
// say all about. A folder that doesn't fit images of imageSize pixels, or lacks what the options' heads give, is an error that
// wraps [ErrMismatch].
func Fingerprint(o Options, imageSize int) (string, error) {
	if o.Artifacts == "" {
		return "", nil
	}
	f, err := readFolder(o, imageSize)
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
