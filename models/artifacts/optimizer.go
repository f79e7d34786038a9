package artifacts

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// SetOptimizer replaces the optimizer by AdamW with other constants; or, for an optimizer outside of ONNX Runtime,
// leaves it out and gives the training graph an output with all accumulated gradients, one after the other in the
// parameters' order, as autodiff.Options.FlatGradients does.
func (f *Folder) SetOptimizer(o autodiff.OptimizerOptions, outside bool) error {
	c, err := f.Contract()
	if err != nil {
		return err
	}
	if !outside {
		f.Artifacts, err = f.WithOptimizer(autodiff.NewOptimizer(o, c.Trained()))
		return err
	}
	if !c.FlatGradients {
		m, err := f.Model()
		if err != nil {
			return err
		}
		m = proto.CloneOf(m)
		if err := addGradients(m); err != nil {
			return fmt.Errorf("training graph: %w", err)
		}
		if f.Artifacts, err = f.WithTraining(m); err != nil {
			return err
		}
	}
	f.Artifacts, err = f.WithOptimizer(nil)
	return err
}

// addGradients adds the output with all accumulated gradients.
func addGradients(m *onnxgraph.Model) error {
	accumulators := map[string]*onnxgraph.Node{}
	for _, n := range m.GetGraph().GetNode() {
		if name, ok := graph.BufferOf(n.In(0)); ok && n.GetOpType() == graph.Accumulator {
			accumulators[name] = n
		}
	}
	b := onnxgraph.Extend(m)
	if b.Has(graph.Gradients) {
		return fmt.Errorf("a value is called %s, a name that ordo needs", graph.Gradients)
	}
	shape := b.Initializer(onnxgraph.NewInts(b.Unique(graph.Gradients+"/flat"), -1))
	var flat []string
	total := int64(0)
	for _, v := range slices.Clone(m.GetGraph().GetInput()) {
		n := accumulators[v.GetName()]
		if n == nil {
			continue
		}
		t, err := v.TensorType()
		if err != nil {
			return err
		}
		values, ok := t.Shape.Elements()
		if !ok {
			return fmt.Errorf("parameter %s is %v", v.GetName(), t)
		}
		total += values
		if len(n.Output) < 2 {
			n.Output = append(n.Output, b.Unique(v.GetName()+".accumulated"))
			b.ValueInfo(n.Output[1], t)
		}
		flat = append(flat, b.Op("Reshape", n.Output[1]+"/flat", []string{n.Output[1], shape}))
	}
	b.Op("Concat", graph.Gradients, flat, onnxgraph.IntAttr("axis", 0))
	b.Output(graph.Gradients, onnxgraph.FloatType(onnxgraph.Static(total)))
	return nil
}
