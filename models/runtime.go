package models

import (
	"fmt"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// Package ort has the documentation of what the runner trains through.
type (
	// Runtime is the loaded library.
	Runtime = ort.Runtime
	// Trainer is a training session and its state.
	Trainer = ort.Trainer
	// TrainerOptions are the settings of a training session.
	TrainerOptions = ort.TrainerOptions
	// SessionOptions say how a session computes.
	SessionOptions = ort.SessionOptions
	// Inputs are what a batch gives the training graph.
	Inputs = ort.Inputs
	// ForwardPass runs a forward pass in training mode by itself.
	ForwardPass = ort.Forward
	// State is what a trainer keeps in its checkpoint beside its own.
	State = ort.State
	// Tensor is float32 memory that Go fills and ONNX Runtime reads.
	Tensor = ort.Tensor
	// Output is one model output of a training step, and room for its gradient.
	Output = ort.Output
	// LossFunc computes the gradient of the loss for every model output.
	LossFunc = ort.LossFunc
	// OpTime is the time that all nodes of one operator took.
	OpTime = ort.OpTime
)

// ErrNonFinite is wrapped by the error of a training step whose gradients are not finite.
var ErrNonFinite = ort.ErrNonFinite

// OpenRuntime loads ONNX Runtime from a library file, see install.Find.
func OpenRuntime(library string) (*Runtime, error) {
	rt, err := ort.Open(library)
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	return rt, nil
}

// NewForwardPass opens the forward pass that the artifacts' training graph has, for the named outputs, or all where none is named.
// Trainer.Bind gives it parameters. A model with dropout is an error.
func NewForwardPass(rt *Runtime, a Artifacts, outputs []string, o SessionOptions) (*ForwardPass, error) {
	m, err := onnxgraph.Decode(a.Training)
	if err == nil {
		m, err = autodiff.TrainingForward(m, outputs)
	}
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	graph, err := m.Encode()
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	return rt.NewForward(graph, o)
}

// ReadCheckpoint reads a file that Trainer.Save wrote, for Artifacts.Checkpoint and Artifacts.Kept.
func ReadCheckpoint(path string) (checkpoint []byte, kept map[string][]byte, err error) {
	return ort.ReadCheckpoint(path)
}

// NoTraining is the error for a library that cannot train.
func NoTraining(rt *Runtime) error {
	return fmt.Errorf("%w: %s; `ordo runtime install` fetches one that has it", ort.ErrNoTraining, rt.Path())
}

// ReadProfiles adds up what a trainer with TrainerOptions.Profile wrote, without the first steps.
func ReadProfiles(prefix string, skip int) ([]OpTime, error) { return ort.ReadProfiles(prefix, skip) }
