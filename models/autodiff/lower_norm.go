package autodiff

import (
	"fmt"
	"slices"

	"ordo/models/onnxgraph"
)

// lowerBatchNorm takes apart a batch norm whose statistics are no stored running ones but computed, as weight
// standardisation has it: by the batch in training mode, else by the given ones,
//
//	y = (x − mean) / √(variance + epsilon) · scale + bias
//
// The mode of such a node is the same in both graphs.
func lowerBatchNorm(f *network, n *onnxgraph.Node) error {
	if err := f.checkStatistics(n); err != nil {
		return err
	}
	computed := map[string]bool{}
	for _, m := range f.nodes {
		for _, out := range m.GetOutput() {
			computed[out] = true
		}
	}
	if !computed[n.In(3)] || !computed[n.In(4)] {
		f.nodes = append(f.nodes, n)
		return nil
	}
	x, y := n.In(0), n.Out(0)
	axes := []int64{0}
	var behind []int64
	for i := 2; i < len(f.types.Of[x].Shape); i++ {
		axes, behind = append(axes, int64(i)), append(behind, int64(i-1))
	}
	b := lowering{f: f}
	column := func(of string) string {
		if behind == nil {
			return of
		}
		return b.op("Unsqueeze", y+"/column", []string{of, f.ints(behind...)})
	}
	mean, variance := n.In(3), n.In(4)
	training := n.Int("training_mode", 0) != 0
	if training {
		mean = b.mean(y+"/mean", x, axes)
	} else {
		mean = column(mean)
	}
	centered := b.op("Sub", y+"/centered", []string{x, mean})
	if training {
		variance = b.mean(y+"/variance", b.op("Mul", y+"/squares", []string{centered, centered}), axes)
	} else {
		variance = column(variance)
	}
	epsilon := f.store(onnxgraph.NewFloats(y+"/epsilon", nil, []float32{n.Float("epsilon", 1e-5)}))
	deviation := b.op("Sqrt", y+"/deviation", []string{b.op("Add", y+"/shifted", []string{variance, epsilon})})
	scaled := b.op("Mul", y+"/scaled", []string{b.op("Div", y+"/normalised", []string{centered, deviation}),
		column(n.In(1))})
	bias := column(n.In(2))
	if b.err != nil {
		return b.err
	}
	f.result(n, "Add", []string{scaled, bias})
	return nil
}

// checkStatistics refuses a graph that looks at the statistics that a batch norm gives in training: they are updated in
// place.
func (f *network) checkStatistics(n *onnxgraph.Node) error {
	if len(n.GetOutput()) < 2 {
		return nil
	}
	statistics := slices.DeleteFunc(slices.Clone(n.GetOutput()[1:]), func(name string) bool { return name == "" })
	for _, v := range f.model.GetGraph().GetOutput() {
		if slices.Contains(statistics, v.GetName()) {
			return fmt.Errorf("the statistic %q is an output of the graph: take it out", v.GetName())
		}
	}
	for _, m := range f.model.GetGraph().GetNode() {
		for _, in := range m.GetInput() {
			if slices.Contains(statistics, in) {
				return fmt.Errorf("the statistic %q is used by node %q (%s)", in, m.GetName(), m.GetOpType())
			}
		}
	}
	return nil
}

// lowering adds the nodes of a longer lowering and keeps the first error.
type lowering struct {
	f   *network
	err error
}

func (b *lowering) op(op, output string, inputs []string, attributes ...*onnxgraph.Attribute) string {
	if b.err != nil {
		return ""
	}
	var name string
	name, b.err = b.f.op(op, output, inputs, attributes...)
	return name
}

// mean adds the mean over some dimensions, which are kept with size 1.
func (b *lowering) mean(output, of string, axes []int64) string {
	if b.f.model.Opset("") < 18 {
		return b.op("ReduceMean", output, []string{of}, onnxgraph.IntsAttr("axes", axes...))
	}
	return b.op("ReduceMean", output, []string{of, b.f.ints(axes...)})
}
