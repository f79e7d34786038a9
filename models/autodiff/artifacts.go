package autodiff

import (
	"fmt"

	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// Graphs are what a training session is made from, see package graph.
type Graphs struct {
	// Optimizer is nil with Options.FlatGradients.
	Training, Eval, Optimizer *onnxgraph.Model
	// Checkpoint holds the initial parameters, see package checkpoint.
	Checkpoint []byte
}

// Encode serializes the graphs, with their contract.
func (g *Graphs) Encode() (graph.Artifacts, error) {
	a, err := graph.Encode(g.Training, g.Eval, g.Optimizer, g.Checkpoint)
	if err != nil {
		return a, fmt.Errorf("autodiff: %w", err)
	}
	return a, nil
}

// Build makes the artifacts of a forward graph. Some of its initializers become the parameters, see Options.Parameters:
// all that the loss depends on are trained, batch norm's running statistics are kept up to date. Batch norms are put
// into training mode in the training graph and into evaluation mode in the other, whatever their mode is in m. m is not
// changed.
//
// The training graph has m's metadata.
//
// A batch for which the graph was exported is made free, see [onnxgraph.InferFree], or that is an error.
//
// The error names the node and operator that is at fault, if one is; what is wrong with m is a fault of kind Data.
func Build(m *onnxgraph.Model, o Options) (*Graphs, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("autodiff: options: %w", err)
	}
	g, err := build(m, o)
	return g, fault.Wrap(fault.Data, err)
}

func build(m *onnxgraph.Model, o Options) (*Graphs, error) {
	f, err := newNetwork(m, o.Parameters)
	if err != nil {
		return nil, err
	}
	training, trainable, err := buildTraining(f, o)
	if err != nil {
		return nil, fmt.Errorf("training graph: %w", err)
	}
	training.MetadataProps = m.GetMetadataProps()
	eval, err := buildEval(f, o.Evaluation)
	if err != nil {
		return nil, fmt.Errorf("evaluation graph: %w", err)
	}
	g := &Graphs{Training: training, Eval: eval}
	if !o.FlatGradients {
		g.Optimizer = NewOptimizer(o.Optimizer, len(trainable))
	}
	var c checkpoint.Parameters
	for _, t := range f.parameters {
		stored, err := checkpoint.NewTensor(t)
		if err != nil {
			return nil, err
		}
		if trainable[t.GetName()] {
			c.Trainable = append(c.Trainable, stored)
		} else {
			c.Frozen = append(c.Frozen, stored)
		}
	}
	g.Checkpoint, err = c.Encode()
	return g, err
}
