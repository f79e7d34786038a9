package roles_test

import (
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// constant stores a tensor in a node.
func (n net) constant(s *onnxgraph.Tensor) string {
	return n.Op("Constant", s.GetName(), nil, onnxgraph.TensorAttr("value", s))
}

// TestConstantNodes: what is stored in Constant nodes is what an initializer would be, but a number is one.
func TestConstantNodes(t *testing.T) {
	m := model(func(n net, x string) string {
		x = n.node("Conv", x, n.constant(onnxgraph.NewFloats("w", []int64{4, 4, 1, 1}, make([]float32, 16))),
			n.constant(onnxgraph.NewFloats("/c/Constant_1_output_0", []int64{4}, make([]float32, 4))))
		x = n.node("BatchNormalization", x, n.filled("bn.scale", 2, 4), n.filled("bn.shift", 1, 4),
			n.constant(onnxgraph.NewFloats("bn.mean", []int64{4}, make([]float32, 4))),
			n.constant(onnxgraph.NewFloats("bn.var", []int64{4}, []float32{1, 1, 1, 1})))
		x = n.node("Mul", x, n.constant(onnxgraph.NewFloats("block_0.w_0", []int64{1}, []float32{1})))
		x = n.node("Mul", x, n.Op("Constant", "attn.half", nil, onnxgraph.FloatAttr("value_float", 0.5)))
		return n.node("Div", x, n.constant(onnxgraph.NewFloats("/Constant_2_output_0", nil, []float32{1.4})))
	})
	want := "bn.scale: scale, bn.shift: shift, w: weight, /c/Constant_1_output_0: bias, bn.mean: running mean, " +
		"bn.var: running variance, block_0.w_0: scale, attn.half: number, /Constant_2_output_0: number"
	if got := kinds(m); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	before := len(m.GetGraph().GetNode())
	roles.Hoist(m, func(name string) bool { return name == "w" || name == "bn.mean" })
	if err := onnxgraph.Check(m); err != nil {
		t.Error(err)
	}
	last := m.Graph.Initializer[len(m.Graph.Initializer)-2:]
	if left := len(m.GetGraph().GetNode()); left != before-2 || last[0].GetName() != "w" ||
		last[1].GetName() != "bn.mean" {
		t.Errorf("%d nodes of %d are left, the last initializers are %s and %s", left, before, last[0].GetName(),
			last[1].GetName())
	}
	if len(roles.Parameters(m)) != 5 { // with stem.weight
		t.Errorf("%d parameters", len(roles.Parameters(m)))
	}
}
