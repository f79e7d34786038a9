package models

import (
	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/ort"
)

// What a training goes through by the names that package ort gives it, where the documentation is. Who trains imports
// this package only; who looks at a library itself, as a diagnosis does, imports package ort.
type (
	// Runtime is the loaded library.
	Runtime = ort.Runtime
	// SessionOptions say how a session computes.
	SessionOptions = ort.SessionOptions
	// Trainer is a training session and its state.
	Trainer = ort.Trainer
	// TrainerOptions are the settings of a training session.
	TrainerOptions = ort.TrainerOptions
	// Inputs are what a batch gives the training graph.
	Inputs = ort.Inputs
	// ForwardPass runs a forward pass in training mode by itself.
	ForwardPass = ort.ForwardPass
	// Tensor is float32 memory that Go fills and ONNX Runtime reads.
	Tensor = ort.Tensor
	// Output is one model output of a training step, and room for its gradient.
	Output = ort.Output
	// OpTime is the time that all nodes of one operator took.
	OpTime = ort.OpTime
)

// Libraries are the files of the native libraries that a training uses, as package install finds them.
type Libraries struct {
	ONNXRuntime string // with the training API
	OneDNN      string // for the fast kernels; "": there is none
}

// The values of Options.Execution.Provider.
const (
	CPU  = ort.CPU
	CUDA = ort.CUDA
)

// ErrNonFinite is wrapped by the error of a training step whose gradients are not finite.
var ErrNonFinite = ort.ErrNonFinite

// OpenTraining loads ONNX Runtime from a library file, see install.Find. A library that cannot train is an error.
func OpenTraining(library string) (*Runtime, error) {
	rt, err := ort.Open(library)
	if err != nil {
		return nil, err
	}
	if err := rt.RequireTraining(); err != nil {
		rt.Close()
		return nil, err
	}
	return rt, nil
}

// NewForwardPass opens the forward pass that the artifacts' training graph has, for the named outputs, or all where
// none is named. Trainer.Bind gives it parameters. A model with dropout is an error.
func NewForwardPass(rt *Runtime, a Artifacts, outputs []string, o SessionOptions) (*ForwardPass, error) {
	m, err := a.Model()
	if err == nil {
		m, err = autodiff.ForwardPass(m, outputs)
	}
	if err != nil {
		return nil, err
	}
	return rt.NewForwardPass(m, o)
}

// ReadCheckpoint reads a file that Trainer.Save wrote, for Artifacts.Checkpoint and Artifacts.Kept.
func ReadCheckpoint(path string) (parameters []byte, kept map[string][]byte, err error) {
	return checkpoint.ReadFile(path)
}

// CheckpointSum is the SHA-256 that a file of Trainer.Save has of itself.
func CheckpointSum(path string) (string, error) { return checkpoint.Sum(path) }

// FitsCheckpoint says whether the parameters of one checkpoint can take the place of another's; both are as
// ReadCheckpoint or Artifacts.Checkpoint has them.
func FitsCheckpoint(parameters, network []byte) error {
	ours, err := checkpoint.Decode(parameters)
	if err != nil {
		return err
	}
	theirs, err := checkpoint.Decode(network)
	if err != nil {
		return err
	}
	return ours.Fits(theirs)
}

// ReadProfiles adds up what a trainer with TrainerOptions.Profile wrote, without the first steps.
func ReadProfiles(prefix string, skip int) ([]OpTime, error) { return ort.ReadProfiles(prefix, skip) }
