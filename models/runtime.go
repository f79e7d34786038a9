package models

import (
	"fmt"

	"ordo/models/autodiff"
	"ordo/models/ort"
)

// The runner trains through these; package ort has their documentation.
type (
	Runtime        = ort.Library
	Trainer        = ort.Trainer
	Tensor         = ort.Tensor
	Output         = ort.Output
	LossFunc       = ort.LossFunc
	TrainerOptions = ort.TrainerOptions
)

// ErrNonFinite is wrapped by the error of a training step whose gradients are not finite.
var ErrNonFinite = ort.ErrNonFinite

// OpenRuntime loads ONNX Runtime from a library file, see library.Find.
func OpenRuntime(library string) (*Runtime, error) {
	rt, err := ort.Open(library)
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	return rt, nil
}

// ReadCheckpoint reads a file that Trainer.Save wrote, for Artifacts.Checkpoint.
func ReadCheckpoint(path string) ([]byte, error) { return ort.ReadCheckpoint(path) }

// NoTraining is the error for a library that cannot train.
func NoTraining(rt *Runtime) error {
	return fmt.Errorf("%w: %s; `ordo runtime install` fetches one that has it", ort.ErrNoTraining, rt.Path())
}

// DefaultOptimizer has AdamW's constants as torch has them.
func DefaultOptimizer() OptimizerOptions { return autodiff.DefaultOptions().Optimizer }
