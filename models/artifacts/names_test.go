package artifacts_test

import (
	"testing"

	"ordo/models/artifacts"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
	"ordo/models/verify"
)

// TestNames: ONNX Runtime takes what is made of a graph, and the check passes, whatever shape the output has and
// however the graph's values, parameters and nodes are called.
func TestNames(t *testing.T) {
	lib := orttest.Open(t)
	call := func(value, parameter, node string) func(*onnxgraph.Model) {
		return func(m *onnxgraph.Model) {
			oneOutput(m)
			g := m.Graph
			g.Node[1].Output[0], g.Node[2].Input[0] = value, value
			g.Initializer[1].Name, g.Node[0].Input[2] = parameter, parameter
			g.Node[0].Name, g.Node[1].Name = node, node
		}
	}
	tokens := func(m *onnxgraph.Model) { // [batch, 4, 36]
		m.Graph.Initializer = append(m.Graph.Initializer, onnxgraph.NewInts("shape", 0, 4, 36))
		m.Graph.Node[2] = &onnxgraph.Node{OpType: "Reshape", Input: []string{"features", "shape"},
			Output: []string{"pooled"}}
		m.Graph.Output[1] = onnxgraph.NewValueInfo("pooled", onnxgraph.FloatType(onnxgraph.Batch(4, 36)))
	}
	const projector = ", heads: [{name: projector, layers: [5, 2]}]"
	for _, c := range []struct {
		name, yaml string
		change     func(*onnxgraph.Model)
	}{
		{"four dimensions", "features: pooled", nil},
		{"four dimensions and a projector", "{features: pooled" + projector + "}", nil},
		{"four dimensions, twice", "{features: pooled, embedding: pooled}", nil},
		{"four dimensions as the embedding", "{features: z, embedding: pooled}", nil},
		{"four dimensions as a further output", "{features: z, outputs: [pooled]}", nil},
		{"three dimensions", "features: pooled", tokens},
		{"three dimensions and a projector", "{features: pooled" + projector + "}", tokens},
		{"nodes called as outputs", "", call("r", "b", "embedding")},
		{"nodes called as the loss", "", call("r", "b", "Loss")},
		{"nodes called as what accumulates", "", call("r", "b", "b.accumulate")},
		{"a node called as what normalises", "{mean: [0, 0, 0], std: [1, 1, 1]}", call("r", "b", "normalize")},
		{"a value called as the norm", "", call("grad_norm", "b", "n")},
		{"a parameter called as the norm", "", call("r", "grad_norm", "n")},
		{"a value called as a gradient", "", call("stem.weight_grad", "b", "n")},
		{"a value called as an output of checks", "", call("grad/stem.weight", "b", "n")},
		{"a value called as what is drawn", "", call("parameters", "b", "n")},
		{"a parameter called as a buffer", "", call("r", "stem.weight_grad.accumulation.buffer", "n")},
		{"a value called as a flag", "", call("lazy_reset_grad", "constant", "grad_square")},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := artifacts.Build(network(t, c.change), parse(t, c.yaml))
			if err != nil {
				t.Fatal(err)
			}
			o := verify.DefaultOptions()
			o.Batch = 3
			r, err := verify.Run(t.Context(), lib, f.Artifacts, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !r.OK {
				t.Errorf("the check fails: %v", r.Failures)
			}
		})
	}
}
