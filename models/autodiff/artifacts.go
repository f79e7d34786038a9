package autodiff

import (
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"

	"ordo/models/onnxgraph"
)

// The files that [Artifacts.WriteDir] writes.
const (
	TrainingFile   = "training_model.onnx"
	EvalFile       = "eval_model.onnx"
	OptimizerFile  = "optimizer_model.onnx"
	CheckpointFile = "checkpoint"
)

// Parameter is a stored tensor of the model that the graphs take as an input.
type Parameter struct {
	Name  string
	Shape []int64
	// Trainable is false for batch norm's running statistics, which the forward pass updates, and for what the loss
	// doesn't depend on.
	Trainable bool
}

// Artifacts are what a training session is made from.
type Artifacts struct {
	// Optimizer is nil with Options.FlatGradients.
	Training, Eval, Optimizer *onnxgraph.Model
	// Checkpoint holds the initial parameters, see [Checkpoint].
	Checkpoint []byte
	// Parameters lists the parameters in the order in which both graphs have them.
	Parameters []Parameter
}

// Build makes the artifacts of a forward graph. The graph's weights, see [onnxgraph.Parameters], become the parameters: all that the loss
// depends on are trained, batch norm's running statistics are kept up to date. Batch norms are put into training mode in
// the training graph and into evaluation mode in the other, whatever their mode is in m. m is not changed.
//
// The training graph has m's metadata.
//
// A batch for which the graph was exported is made free, see [onnxgraph.InferFree], or that is an error.
//
// The error names the node and operator that is at fault, if one is.
func Build(m *onnxgraph.Model, o Options) (*Artifacts, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("autodiff: options: %w", err)
	}
	f, err := newForward(m)
	if err != nil {
		return nil, fmt.Errorf("autodiff: %w", err)
	}
	training, trainable, err := buildTraining(f, o)
	if err != nil {
		return nil, fmt.Errorf("autodiff: training graph: %w", err)
	}
	training.MetadataProps = m.GetMetadataProps()
	eval, err := buildEval(f, o.Evaluation)
	if err != nil {
		return nil, fmt.Errorf("autodiff: evaluation graph: %w", err)
	}
	a := &Artifacts{Training: training, Eval: eval}
	if !o.FlatGradients {
		a.Optimizer = NewOptimizer(o.Optimizer, len(trainable))
	}
	var c Checkpoint
	for _, t := range f.parameters {
		name := t.GetName()
		a.Parameters = append(a.Parameters, Parameter{Name: name, Shape: t.GetDims(), Trainable: trainable[name]})
		stored, err := checkpointTensor(t)
		if err != nil {
			return nil, fmt.Errorf("autodiff: %w", err)
		}
		if trainable[name] {
			c.Trainable = append(c.Trainable, stored)
		} else {
			c.Frozen = append(c.Frozen, stored)
		}
	}
	if a.Checkpoint, err = c.Encode(); err != nil {
		return nil, err
	}
	return a, nil
}

// WriteDir writes the artifacts into a folder that exists, under the names that are constants of this package. Each file
// appears whole or not at all.
func (a *Artifacts) WriteDir(dir string) error {
	for _, f := range []struct {
		name  string
		model *onnxgraph.Model
	}{{TrainingFile, a.Training}, {EvalFile, a.Eval}, {OptimizerFile, a.Optimizer}} {
		if f.model == nil {
			continue
		}
		if err := f.model.WriteFile(filepath.Join(dir, f.name)); err != nil {
			return fmt.Errorf("autodiff: write artifacts: %w", err)
		}
	}
	if err := renameio.WriteFile(filepath.Join(dir, CheckpointFile), a.Checkpoint, 0o644); err != nil {
		return fmt.Errorf("autodiff: write artifacts: %w", err)
	}
	return nil
}
