package roles

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"ordo/models/onnxgraph"
)

// Lost counts what an exporter took out of a network, as nothing of it is needed as long as nothing is trained.
type Lost struct {
	// BatchNorms were folded into convolutions and matrix products.
	BatchNorms int `json:"batch_norms,omitempty"`
	// Biases were left out, since they are 0.
	Biases int `json:"biases,omitempty"`
}

// biasOfNetwork is a bias among the operands that torch's newer exporter notes of a node.
var biasOfNetwork = regexp.MustCompile(`%p_\w*bias\b`)

// LostBy tells what the exporter took out, by what torch's exporters leave behind: the newer one notes which of its
// rules have made a node, the older one gives a convolution's weight and bias a name of its own ("onnx::Conv_190") if
// it computed both.
func LostBy(m *onnxgraph.Model) Lost {
	var lost Lost
	for _, n := range m.GetGraph().GetNode() {
		rules := metadata(n, "pkg.onnxscript.rewriter.rule_name")
		switch {
		case strings.Contains(rules, "FuseBatchNorm"),
			n.GetOpType() == "Conv" && isFolded(n.In(1)) && isFolded(n.In(2)):
			lost.BatchNorms++
		case strings.Contains(rules, "RemoveOptionalBias") &&
			biasOfNetwork.MatchString(metadata(n, "pkg.torch.onnx.fx_node")):
			lost.Biases++
		}
	}
	return lost
}

func isFolded(name string) bool { return strings.HasPrefix(name, "onnx::Conv_") }

// metadata is a text that an exporter noted of a node, which package onnxgraph leaves unread: field 9 of ONNX's
// NodeProto, pairs of a key (1) and a value (2).
func metadata(n *onnxgraph.Node, key string) string {
	const field, keyField, valueField = 9, 1, 2
	found := ""
	eachBytes(n.ProtoReflect().GetUnknown(), func(number protowire.Number, pair []byte) {
		if number != field {
			return
		}
		var k, v string
		eachBytes(pair, func(number protowire.Number, text []byte) {
			switch number {
			case keyField:
				k = string(text)
			case valueField:
				v = string(text)
			}
		})
		if k == key {
			found = v
		}
	})
	return found
}

// eachBytes calls f for the fields of a message that are bytes, texts or messages, up to the first that is damaged.
func eachBytes(raw []byte, f func(number protowire.Number, content []byte)) {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return
		}
		raw = raw[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, raw); n < 0 {
				return
			}
			raw = raw[n:]
			continue
		}
		content, n := protowire.ConsumeBytes(raw)
		if n < 0 {
			return
		}
		f(number, content)
		raw = raw[n:]
	}
}
