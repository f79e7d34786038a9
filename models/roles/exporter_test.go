package roles_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// noted adds texts to a node as torch's newer exporter notes them.
func noted(n *onnxgraph.Node, pairs ...string) {
	raw := n.ProtoReflect().GetUnknown()
	for i := 0; i < len(pairs); i += 2 {
		pair := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), pairs[i])
		pair = protowire.AppendString(protowire.AppendTag(pair, 2, protowire.BytesType), pairs[i+1])
		raw = protowire.AppendBytes(protowire.AppendTag(raw, 9, protowire.BytesType), pair)
	}
	n.ProtoReflect().SetUnknown(raw)
}

func TestLostBy(t *testing.T) {
	const rule, operands = "pkg.onnxscript.rewriter.rule_name", "pkg.torch.onnx.fx_node"
	for _, c := range []struct {
		name, weight, bias string
		notes              []string
		want               roles.Lost
	}{
		{"as the network has it", "c.weight", "c.bias", nil, roles.Lost{}},
		{"folded by the older exporter", "onnx::Conv_7", "onnx::Conv_8", nil, roles.Lost{BatchNorms: 1}},
		{"a weight that was computed", "onnx::Conv_7", "c.bias", nil, roles.Lost{}},
		{"folded by the newer exporter", "c.weight", "val_3", []string{operands, "%bn(args = (%x, %p_bn_weight, %p_bn_bias))",
			rule, "RemoveOptionalBiasFromConv, FuseBatchNormIntoConv"}, roles.Lost{BatchNorms: 1}},
		{"a bias of 0", "c.weight", "", []string{rule, "RemoveOptionalBiasFromConv",
			operands, "%conv2d : call_function(args = (%x, %p_c_weight, %p_c_bias, [1, 1]))"}, roles.Lost{Biases: 1}},
		{"no bias at all", "c.weight", "", []string{rule, "RemoveOptionalBiasFromConv",
			operands, "%conv2d : call_function(args = (%x, %p_c_weight, None, [1, 1]))"}, roles.Lost{}},
	} {
		m := model(func(n net, x string) string {
			inputs := []string{x, n.varied(c.weight, 4, 4, 1, 1)}
			if c.bias != "" {
				inputs = append(inputs, n.varied(c.bias, 4))
			}
			return n.node("Conv", inputs...)
		})
		nodes := m.GetGraph().GetNode()
		noted(nodes[len(nodes)-1], c.notes...)
		raw, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if m, err = onnxgraph.Decode(raw); err != nil {
			t.Fatal(err)
		}
		if got := roles.LostBy(m); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		nodes[len(nodes)-1].ProtoReflect().SetUnknown(protowire.AppendTag(nil, 9, protowire.BytesType)) // damage
		if got := roles.LostBy(&onnxgraph.Model{Graph: m.GetGraph()}); got.Biases > c.want.Biases {
			t.Errorf("%s, damaged: %+v", c.name, got)
		}
	}
}
