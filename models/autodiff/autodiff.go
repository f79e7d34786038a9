// Package autodiff turns a forward graph into what ONNX Runtime's training API runs.
package autodiff

import (
	"errors"

	"ordo/models/onnxgraph"
)

// Options say what to build.
type Options struct {
	// Outputs names the graph outputs that the loss sees, in the order in which the loss node gets them.
	Outputs []string
	// Optimizer holds the constants of AdamW.
	Optimizer OptimizerOptions
	// ExposeGradients adds a graph output grad/NAME for every trainable parameter: the gradient of the step. For tests.
	ExposeGradients bool
}

// OptimizerOptions are the constants of AdamW that are fixed when the graph is built; the learning rate is set at each step.
type OptimizerOptions struct {
	Beta1       float64 `yaml:"beta1"`
	Beta2       float64 `yaml:"beta2"`
	Epsilon     float64 `yaml:"epsilon"`
	WeightDecay float64 `yaml:"weight_decay"`
}

// DefaultOptions has AdamW's constants as torch has them, and no outputs.
func DefaultOptions() Options {
	return Options{Optimizer: OptimizerOptions{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01}}
}

// Parameter is a stored tensor of the model, in the order in which the graphs list them.
type Parameter struct {
	Name      string
	Shape     []int64
	Trainable bool
}

// Artifacts are what a training session is made from.
type Artifacts struct {
	Training, Eval, Optimizer *onnxgraph.Model
	// Checkpoint holds the initial parameters, see [Checkpoint].
	Checkpoint []byte
	Parameters []Parameter
}

// Build makes the artifacts of a forward graph.
func Build(m *onnxgraph.Model, o Options) (*Artifacts, error) {
	return nil, errors.New("autodiff: not built")
}

// WriteDir writes training_model.onnx, eval_model.onnx, optimizer_model.onnx and checkpoint into dir, which must exist.
// Each file appears whole or not at all.
func (a *Artifacts) WriteDir(dir string) error {
	return errors.New("autodiff: not built")
}
