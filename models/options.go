package models

import (
	"errors"
	"fmt"

	"ordo/models/autodiff"
	"ordo/models/weights"
	"ordo/models/zoo"
)

// Options are the `model:` section of an experiment.
type Options struct {
	zoo.Options `yaml:",inline" mapstructure:",squash"`
	// Threads are ONNX Runtime's threads within an operator, the calling one included. 0 (the default): one a core.
	// A number fixes the order of sums, so the same number gives the same bits.
	Threads int `yaml:"threads"`
	// Weights is a .safetensors or .onnx file with the backbone's initial weights; "" (the default): they are drawn from
	// the seed. Package weights says how its names are matched.
	Weights string `yaml:"weights"`
	// WeightsStrict (true by default) refuses a weight file that lacks a parameter of the backbone, has it in another
	// shape, or has tensors beside the backbone's, its classifier's and the projector's. false takes what fits.
	WeightsStrict bool `yaml:"weights_strict"`
}

// DefaultOptions is a small convolutional network.
func DefaultOptions() Options {
	return Options{Options: zoo.DefaultOptions(), WeightsStrict: true}
}

// Validate collects every fault.
func (o Options) Validate() error {
	err := o.Options.Validate()
	if o.Threads < 0 || o.Threads > 1024 {
		err = errors.Join(err, fmt.Errorf("threads: must be in [0, 1024], got %d", o.Threads))
	}
	if o.Weights != "" {
		if fault := weights.CheckPath(o.Weights); fault != nil {
			err = errors.Join(err, fmt.Errorf("weights: %w", fault))
		}
	}
	return err
}

// OptimizerOptions are AdamW's (Loshchilov and Hutter 2019), without the learning rate.
type OptimizerOptions = autodiff.OptimizerOptions
