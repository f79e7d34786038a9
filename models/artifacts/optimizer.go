package artifacts

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// SetOptimizer replaces the optimizer by AdamW with other constants; or, for an optimizer outside of ONNX Runtime, leaves it
// out and gives the training graph an output with all accumulated gradients, one after the other in the parameters' order, as
// autodiff.Options.FlatGradients does.
func (f *Folder) SetOptimizer(o autodiff.OptimizerOptions, outside bool) error {
	m, err := onnxgraph.Decode(f.Training)
	if err != nil {
		return fmt.Errorf("artifacts: training graph: %w", err)
	}
	has := slices.ContainsFunc(m.GetGraph().GetOutput(), func(v *onnxgraph.ValueInfo) bool { return v.GetName() == autodiff.Gradients })
	accumulators := map[string]*onnxgraph.Node{}
	for _, n := range m.GetGraph().GetNode() {
		if name, ok := strings.CutSuffix(n.In(0), bufferSuffix); ok && n.GetOpType() == "InPlaceAccumulatorV2" {
			accumulators[name] = n
		}
	}
	if !outside {
		f.Optimizer, err = autodiff.NewOptimizer(o, len(accumulators)).Encode()
		return err
	}
	f.Optimizer = nil
	if has {
		return nil
	}
	b := onnxgraph.Extend(m)
	if b.Has(autodiff.Gradients) {
		return fmt.Errorf("artifacts: training graph: a value is called %s, a name that ordo needs", autodiff.Gradients)
	}
	shape := b.Initializer(onnxgraph.NewInts(b.Unique(autodiff.Gradients+"/flat"), -1))
	var flat []string
	total := int64(0)
	for _, v := range slices.Clone(m.GetGraph().GetInput()) {
		n := accumulators[v.GetName()]
		if n == nil {
			continue
		}
		t, err := v.TensorType()
		if err != nil {
			return fmt.Errorf("artifacts: training graph: %w", err)
		}
		values, ok := t.Shape.Elements()
		if !ok {
			return fmt.Errorf("artifacts: training graph: parameter %s is %v", v.GetName(), t)
		}
		total += values
		if len(n.Output) < 2 {
			n.Output = append(n.Output, b.Unique(v.GetName()+".accumulated"))
			b.ValueInfo(n.Output[1], t)
		}
		flat = append(flat, b.Op("Reshape", n.Output[1]+"/flat", []string{n.Output[1], shape}))
	}
	b.Op("Concat", autodiff.Gradients, flat, onnxgraph.IntAttr("axis", 0))
	b.Output(autodiff.Gradients, onnxgraph.FloatType(onnxgraph.Static(total)))
	f.Training, err = m.Encode()
	return err
}
