package ort

/*
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ImageShape is the shape [batch, channels, height, width] that the training graph takes; a batch of 0 is free.
func (t *Trainer) ImageShape() []int64 { return slices.Clone(t.contract.Images) }

// InputColumns is the number of columns of the input parameters, 0 where the training graph takes none.
func (t *Trainer) InputColumns() int {
	if t.contract.Draws == nil {
		return 0
	}
	return int(t.contract.Draws[1])
}

// Views is the number of views of each image that a batch must have; 0: any rows will do.
func (t *Trainer) Views() int { return t.contract.Views }

// StepOutputs names the outputs of the training graph that a Probe gives, in order: grad_norm and whatever else the
// graph's maker added.
func (t *Trainer) StepOutputs() []string { return slices.Clone(t.trainOut) }

// Probe is what one forward and backward pass gave.
type Probe struct {
	// Outputs are the training graph's outputs, in the order of StepOutputs, row-major.
	Outputs [][]float32
	// Statistics are the batch norms' running means and variances after the pass, by parameter.
	Statistics map[string][]float32
}

// Probe runs the training graph forward and backward, loss included, and reads its outputs. Nothing is trained:
// parameters, statistics and optimizer are afterwards as before. The outputs may be non-finite.
func (t *Trainer) Probe(in Inputs) (p Probe, err error) {
	if err := t.contract.checkInputs(in); err != nil {
		return p, fmt.Errorf("ort: probe: %w", err)
	}
	if err := t.keepStatistics(); err != nil {
		return p, fmt.Errorf("ort: probe: %w", err)
	}
	defer func() {
		if err = errors.Join(err, t.undo()); err != nil {
			err = fmt.Errorf("ort: probe: %w", err)
		}
	}()
	defer t.releaseOutputs()
	if _, err = t.forwardBackward(in); err != nil {
		return p, err
	}
	if p.Outputs, err = readOutputs(nil, t.outputs, t.trainOut); err != nil {
		return p, err
	}
	p.Statistics = map[string][]float32{}
	for _, name := range slices.Sorted(maps.Keys(t.stats)) {
		if p.Statistics[name], err = t.readParameter(nil, name); err != nil {
			return p, err
		}
	}
	return p, nil
}
