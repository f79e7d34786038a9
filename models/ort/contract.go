package ort

import (
	"fmt"
	"slices"

	"ordo/models/graph"
)

const floatType = 1 // TensorProto.FLOAT

// contract is what a session holds its batches and its state against.
type contract struct{ *graph.Contract }

// checkState holds the loaded state against the parameters that the graphs name.
func (t *Trainer) checkState() error {
	for _, p := range t.contract.Parameters {
		kind, shape, err := t.stateShape(p.Name)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		if kind != floatType || !slices.Equal(shape, p.Shape) {
			return fmt.Errorf("parameter %s has shape %v (type %d) in the checkpoint, %v (float32) in the training graph",
				p.Name, shape, kind, p.Shape)
		}
	}
	return nil
}

// checkInputs holds a batch against the training graph's inputs.
func (c *contract) checkInputs(in Inputs) error {
	if err := c.checkImages(in.Images.shape); err != nil {
		return err
	}
	rows := in.Images.shape[0]
	if c.Views > 0 && rows%int64(c.Views) != 0 {
		return fmt.Errorf("a batch of %d rows, the model takes %d views of each image", rows, c.Views)
	}
	switch {
	case c.Draws == nil && in.Draws == nil:
	case c.Draws == nil:
		return fmt.Errorf("the model takes no input %s", graph.Draws)
	case in.Draws == nil:
		return fmt.Errorf("the model takes the input %s too, [%d, %d]", graph.Draws, rows, c.Draws[1])
	case !slices.Equal(in.Draws.shape, []int64{rows, c.Draws[1]}):
		return fmt.Errorf(
			"%s have shape %v, the model takes [%d, %d] for these images",
			graph.Draws,
			in.Draws.shape,
			rows,
			c.Draws[1],
		)
	}
	return nil
}

// checkImages holds a batch against the graph's input.
func (c *contract) checkImages(shape []int64) error {
	if len(shape) != len(c.Images) {
		return fmt.Errorf("images have shape %v, the model takes %v", shape, c.Images)
	}
	for i, d := range c.Images {
		if d != 0 && d != shape[i] {
			return fmt.Errorf("images have shape %v, the model takes %v (0 is free)", shape, c.Images)
		}
	}
	return nil
}
