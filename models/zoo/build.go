package zoo

import (
	"cmp"
	"fmt"

	"ordo/models/onnxgraph"
)

// The names of the graph's input and outputs.
const (
	Images    = "images"
	Features  = "features"
	Embedding = "embedding"
)

// opset is the oldest that has all operators as they are used here; ONNX Runtime's training API is tried with it.
const opset = 17

// Build makes the forward graph of a backbone for images of imageSize x imageSize pixels, imageSize in [16, 1024]: input
// `images` float32 [batch, 3, imageSize, imageSize], outputs `features` [batch, F] and `embedding` [batch, D]. The same
// options, size and seed give the same bytes.
func Build(o Options, imageSize int, seed uint64) (*onnxgraph.Model, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("zoo: options: %w", err)
	}
	if err := o.CheckImageSize(imageSize); err != nil {
		return nil, fmt.Errorf("zoo: image size: %w", err)
	}
	n := newNetwork(o.Backbone, imageSize, seed)
	var features int
	switch o.Backbone {
	case "resnet18":
		features = n.resnet18(cmp.Or(o.Width, 64), o.Stem)
	default:
		features = n.convnet(cmp.Or(o.Width, 16), imageSize)
	}
	if len(o.Projector) == 0 {
		n.b.Append(&onnxgraph.Node{Name: Embedding, OpType: "Identity", Input: []string{Features}, Output: []string{Embedding}})
	} else {
		n.projector(Features, features, o.Projector)
	}
	m := n.b.Model()
	types, err := onnxgraph.Infer(m)
	if err != nil {
		return nil, fmt.Errorf("zoo: %s for images of %d pixels: %w", o.Backbone, imageSize, err)
	}
	for _, name := range []string{Features, Embedding} {
		m.Graph.Output = append(m.Graph.Output, onnxgraph.NewValueInfo(name, types.Of[name]))
	}
	return m, nil
}

// ParameterCount is the number of weights that training changes: all float32 values that the graph stores, but for batch
// norm's running statistics.
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
