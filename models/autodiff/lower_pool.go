package autodiff

import (
	"slices"

	"ordo/models/onnxgraph"
)

// lowerPool makes the rounding up of a pool's output size padding at the end. ONNX Runtime's shapes are too large by
// one where the last window would begin in that padding, and up to opset 18 its averages count what a window covers
// beyond it, which torch doesn't.
func lowerPool(f *network, n *onnxgraph.Node) error {
	in := f.types.Of[n.In(0)].Shape
	w, err := onnxgraph.WindowOf(n, nil, in)
	if err != nil {
		return err
	}
	beyond, fixed := w.Beyond(in)
	if !w.Ceil || !fixed {
		f.nodes = append(f.nodes, n)
		return nil
	}
	rank := len(w.Kernel)
	pool := &onnxgraph.Node{Name: n.GetName(), OpType: n.GetOpType(), Input: slices.Clone(n.GetInput()),
		Output: n.GetOutput()}
	for _, a := range n.GetAttribute() {
		if !slices.Contains([]string{"pads", "auto_pad", "ceil_mode", "count_include_pad"}, a.GetName()) {
			pool.Attribute = append(pool.Attribute, a)
		}
	}
	counted := n.Int("count_include_pad", 0)
	pads := slices.Clone(w.Pads)
	if counted != 0 && slices.Max(beyond) > 0 {
		counted = 0 // the padding that counts is made part of the image
		clear(pads)
	}
	for i, more := range beyond {
		// a dilated kernel: ONNX Runtime pads pools by less than a kernel
		if pads[rank+i] += more; pads[rank+i] >= w.Kernel[i] {
			f.nodes = append(f.nodes, n)
			return nil
		}
	}
	if counted != n.Int("count_include_pad", 0) {
		around := slices.Concat([]int64{0, 0}, w.Pads[:rank], []int64{0, 0}, w.Pads[rank:])
		if pool.Input[0], err = f.op("Pad", n.Out(0)+"/padded", []string{n.In(0), f.ints(around...)}); err != nil {
			return err
		}
	}
	pool.Attribute = append(pool.Attribute, onnxgraph.IntsAttr("pads", pads...))
	if n.GetOpType() == "AveragePool" {
		pool.Attribute = append(pool.Attribute, onnxgraph.IntAttr("count_include_pad", counted))
	}
	f.nodes = append(f.nodes, pool)
	return nil
}

// lowerPad keeps ONNX Runtime from making zeros in front of a max pool part of that pool, whose own padding is minus
// infinity: it does so where the value is exactly 0.
func lowerPad(f *network, n *onnxgraph.Node) error {
	f.nodes = append(f.nodes, n)
	pooled := slices.ContainsFunc(f.model.GetGraph().GetNode(), func(m *onnxgraph.Node) bool {
		return m.GetOpType() == "MaxPool" && m.In(0) == n.Out(0)
	})
	if !pooled || n.Str("mode", "constant") != "constant" || f.types.Of[n.In(0)].Elem != onnxgraph.Float32 {
		return nil
	}
	if value, ok := f.types.Floats[n.In(2)]; n.In(2) != "" && (!ok || len(value) != 1 || value[0] != 0) {
		return nil
	}
	const smallest = 0x1p-126 // of the normal numbers
	inputs := append(slices.Clone(n.GetInput()), "")[:max(3, len(n.GetInput()))]
	inputs[2] = f.store(onnxgraph.NewFloats(n.Out(0)+"/value", nil, []float32{smallest}))
	f.nodes[len(f.nodes)-1] = &onnxgraph.Node{
		Name: n.GetName(), OpType: n.GetOpType(), Input: inputs, Output: n.GetOutput(), Attribute: n.GetAttribute(),
	}
	return nil
}
