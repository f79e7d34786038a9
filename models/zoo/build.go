package zoo

import (
	"cmp"
	"fmt"

	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
)

// Projector is the prefix of the names of the projector's parameters.
const Projector = heads.Projector + "."

// The opsets are the oldest that have all operators as they are used here: 17 LayerNormalization, 20 Gelu. A backbone
// that does without Gelu takes the older one, which more runtimes read.
const (
	opset     = 17
	geluOpset = 20
)

// Build makes the forward graph of a backbone for images of imageSize x imageSize pixels, see [Options.CheckImageSize]:
// input `images` float32 [batch, 3, imageSize, imageSize], outputs `features` [batch, F] and `embedding` [batch, D].
// The same options, size and seed give the same bytes.
func Build(o Options, imageSize int, seed uint64) (*onnxgraph.Model, error) {
	n, _, err := build(o, imageSize, seed, false)
	if err != nil {
		return nil, err
	}
	return n.b.Model(), nil
}

// Info is a backbone with its projector in numbers.
type Info struct {
	Parameters int64 // see [ParameterCount]
	Features   int
}

// Describe says what Build would make. It takes milliseconds, as it draws no weights for the backbone.
func Describe(o Options, imageSize int) (Info, error) {
	n, features, err := build(o, imageSize, 0, true)
	if err != nil {
		return Info{}, err
	}
	return Info{ParameterCount(n.b.Model()), features}, nil
}

// build makes the network; if it is to be bare, the backbone's parameters have a shape but no values.
func build(o Options, imageSize int, seed uint64, bare bool) (n *network, features int, err error) {
	if err := o.Validate(); err != nil {
		return nil, 0, fmt.Errorf("zoo: options: %w", err)
	}
	if err := o.CheckImageSize(imageSize); err != nil {
		return nil, 0, fmt.Errorf("zoo: image size: %w", err)
	}
	b, _ := find(o.Backbone)
	o = o.Sized()
	n = newNetwork(o.Backbone, cmp.Or(b.opset, opset), imageSize, seed)
	n.bare = bare
	features = b.build(n, o, imageSize)
	embedding := features
	if len(o.Projector) == 0 {
		n.b.Append(&onnxgraph.Node{Name: graph.Embedding, OpType: "Identity", Input: []string{graph.Features},
			Output: []string{graph.Embedding}})
	} else {
		projector := heads.Default()
		projector.Name, projector.Layers = heads.Projector, o.Projector
		projector.Add(n.b, features, seed)
		embedding = o.Projector[len(o.Projector)-1]
	}
	n.b.Output(graph.Features, onnxgraph.FloatType(onnxgraph.Batch(int64(features))))
	n.b.Output(graph.Embedding, onnxgraph.FloatType(onnxgraph.Batch(int64(embedding))))
	return n, features, nil
}

// ParameterCount is the number of weights that training changes: all float32 values that the graph stores, but for
// batch norm's running statistics.
func ParameterCount(m *onnxgraph.Model) int64 {
	statistics := map[string]bool{}
	for _, n := range m.GetGraph().GetNode() {
		if n.GetOpType() == "BatchNormalization" {
			statistics[n.In(3)], statistics[n.In(4)] = true, true
		}
	}
	var count int64
	for _, t := range m.GetGraph().GetInitializer() {
		if t.GetDataType() != onnxgraph.Float32 || statistics[t.GetName()] {
			continue
		}
		elements, _ := onnxgraph.Static(t.GetDims()...).Elements()
		count += elements
	}
	return count
}
