package models

import (
	"errors"
	"fmt"
	"strings"

	"ordo/models/optimizer"
	"ordo/models/ort"
	"ordo/models/zoo"
)

// Options are the `model:` section of an experiment.
type Options struct {
	zoo.Options `yaml:",inline" mapstructure:",squash"`
	// Threads are ONNX Runtime's threads within an operator, the calling one included. 0 (the default): one a core.
	// A number fixes the order of sums, so the same number gives the same bits.
	Threads int `yaml:"threads"`
	// Execution says where and how ONNX Runtime computes.
	Execution ort.Execution `yaml:"execution"`
}

// DefaultOptions is a small convolutional network.
func DefaultOptions() Options {
	return Options{Options: zoo.DefaultOptions(), Execution: ort.DefaultExecution()}
}

// Validate collects every fault.
func (o Options) Validate() error {
	err := o.Options.Validate()
	if o.Threads < 0 || o.Threads > 1024 {
		err = errors.Join(err, fmt.Errorf("threads: must be in [0, 1024], got %d", o.Threads))
	}
	if fault := o.Execution.Validate(); fault != nil {
		for line := range strings.Lines(fault.Error()) {
			err = errors.Join(err, errors.New("execution."+strings.TrimSpace(line)))
		}
	}
	return err
}

// OptimizerOptions say how parameters are updated, without the learning rate.
type OptimizerOptions = optimizer.Options
