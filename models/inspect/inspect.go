package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// Report is what is found in a graph.
type Report struct {
	// Ops counts the nodes of each operator, most frequent first.
	Ops []OpCount `json:"ops"`
	// Parameters and Frozen count float32 values: those that are trained, and those that are not. In a forward graph
	// frozen are batch norm's running statistics.
	Parameters   int64     `json:"parameters"`
	Frozen       int64     `json:"frozen_parameters"`
	Tensors      []Tensor  `json:"tensors"`
	MultiplyAdds int64     `json:"multiply_adds_per_image"`
	Memory       []Memory  `json:"memory"`
	Inputs       []Value   `json:"inputs"`
	Outputs      []Value   `json:"outputs"`
	Unknown      int       `json:"nodes_of_unknown_shape"` // they are left out of multiply-adds and memory
	Training     []OpCount `json:"training_ops,omitempty"` // of the training graph
	graph        *onnxgraph.Graph
	types        map[string]onnxgraph.TensorType
	params       map[string]Tensor
}

// OpCount is an operator and how many nodes it has.
type OpCount struct {
	Op    string `json:"op"`
	Count int    `json:"count"`
}

// Tensor is a parameter.
type Tensor struct {
	Name   string  `json:"name"`
	Shape  []int64 `json:"shape"`
	Frozen bool    `json:"frozen"`
}

// Value is an input or output.
type Value struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Memory is what a batch needs, in bytes.
type Memory struct {
	Batch int `json:"batch"`
	// Forward is the peak of a forward pass alone.
	Forward int64 `json:"forward_peak"`
	// Kept and Peak are those of a training step; 0 without a training graph.
	Kept int64 `json:"kept_for_backward,omitempty"`
	Peak int64 `json:"training_peak,omitempty"`
}

// batches are those of the memory table.
func batches() []int { return []int{1, 16, 64, 256} }

// Graph looks at a forward or evaluation graph. training, which may be nil, is the training graph that goes with it,
// and says which parameters are frozen.
func Graph(m, training *onnxgraph.Model) (*Report, error) {
	r := &Report{graph: m.GetGraph(), types: types(m), params: map[string]Tensor{}}
	r.Ops = count(r.graph)
	for _, v := range r.graph.GetOutput() {
		r.Outputs = append(r.Outputs, Value{v.GetName(), r.describe(v.GetName())})
	}
	var contract *graph.Contract
	if training != nil {
		var err error
		if contract, err = graph.Read(training); err != nil {
			return nil, fmt.Errorf("inspect: training graph: %w", err)
		}
		for _, p := range contract.Parameters {
			r.add(Tensor{p.Name, p.Shape, !p.Trainable})
		}
		r.Training = count(training.GetGraph())
	} else {
		r.readParameters(m)
	}
	for _, v := range r.graph.GetInput() {
		if _, ok := r.params[v.GetName()]; !ok {
			r.Inputs = append(r.Inputs, Value{v.GetName(), r.describe(v.GetName())})
		}
	}
	for _, t := range r.Tensors {
		n, ok := onnxgraph.Static(t.Shape...).Elements()
		if !ok {
			return nil, fault.New(fault.Data, "parameter %s has the shape %v", t.Name, t.Shape)
		}
		if t.Frozen {
			r.Frozen += n
		} else {
			r.Parameters += n
		}
	}
	for _, n := range r.graph.GetNode() {
		if _, ok := r.types[n.Out(0)]; !ok {
			r.Unknown++
			continue
		}
		r.MultiplyAdds += r.multiplyAdds(n)
	}
	var trainingTypes map[string]onnxgraph.TensorType
	if training != nil {
		trainingTypes = types(training)
		r.addTraining(contract, trainingTypes)
	}
	for _, batch := range batches() {
		memory := Memory{Batch: batch}
		_, memory.Forward = live(r.graph, r.types, int64(batch))
		if training != nil {
			memory.Kept, memory.Peak = live(training.GetGraph(), trainingTypes, int64(batch))
		}
		r.Memory = append(r.Memory, memory)
	}
	return r, nil
}

// types are those that can be inferred, or else those that are declared.
func types(m *onnxgraph.Model) map[string]onnxgraph.TensorType {
	g := m.GetGraph()
	known := graph.Declared(g)
	for _, t := range g.GetInitializer() {
		known[t.GetName()] = t.Type()
	}
	if inferred, err := onnxgraph.Infer(m); err == nil {
		maps.Copy(known, inferred.Of)
	}
	return known
}

func (r *Report) describe(name string) string {
	if t, ok := r.types[name]; ok {
		return t.String()
	}
	return "unknown"
}

func count(g *onnxgraph.Graph) []OpCount {
	counts := map[string]int{}
	for _, n := range g.GetNode() {
		name := n.GetOpType()
		if d := n.GetDomain(); d != "" && d != "ai.onnx" {
			name = d + "::" + name
		}
		counts[name]++
	}
	var list []OpCount
	for op, n := range counts {
		list = append(list, OpCount{op, n})
	}
	slices.SortFunc(list, func(a, b OpCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Op, b.Op))
	})
	return list
}

// addTraining adds the inputs and outputs that the training graph alone has: what heads give to the loss, and what some
// of them take.
func (r *Report) addTraining(c *graph.Contract, types map[string]onnxgraph.TensorType) {
	has := func(list []Value, name string) bool {
		return slices.ContainsFunc(list, func(v Value) bool { return v.Name == name })
	}
	for _, o := range c.Outputs {
		if !has(r.Outputs, o.Name) {
			r.Outputs = append(r.Outputs, Value{o.Name, types[o.Name].String()})
		}
	}
	for _, name := range c.Inputs {
		if !has(r.Inputs, name) {
			r.Inputs = append(r.Inputs, Value{name, types[name].String()})
		}
	}
}

// readParameters finds the parameters of a forward graph.
func (r *Report) readParameters(m *onnxgraph.Model) {
	for _, role := range roles.Of(m) {
		if statistic := role.Kind.Statistic(); statistic || role.Kind.Trained() {
			r.add(Tensor{role.Tensor.GetName(), role.Tensor.GetDims(), statistic})
		}
	}
}

func (r *Report) add(t Tensor) {
	r.Tensors = append(r.Tensors, t)
	r.params[t.Name] = t
}

// size is the number of elements with free dimensions of the given size.
func size(t onnxgraph.TensorType, batch int64) int64 {
	fixed := make(onnxgraph.Shape, len(t.Shape))
	for i, d := range t.Shape {
		if !d.Static() {
			d = onnxgraph.Dim{Size: batch}
		}
		fixed[i] = d
	}
	n, _ := fixed.Elements()
	return n
}

// width is the size of an element in bytes.
func width(t onnxgraph.DataType) int64 {
	switch t {
	case onnxgraph.Bool:
		return 1
	case onnxgraph.Int64:
		return 8
	}
	return 4
}

// multiplyAdds of a node, for one image.
func (r *Report) multiplyAdds(n *onnxgraph.Node) int64 {
	out := size(r.types[n.Out(0)], 1)
	shape := func(i int) onnxgraph.Shape { return r.types[n.In(i)].Shape }
	static := func(s onnxgraph.Shape, i int) int64 {
		if i < 0 {
			i += len(s)
		}
		if i < 0 || i >= len(s) || !s[i].Static() {
			return 1
		}
		return s[i].Size
	}
	switch n.GetOpType() {
	case "Conv": // each output is a sum over the input channels of its group and the kernel
		w := onnxgraph.TensorType{Shape: shape(1)}
		if c := static(w.Shape, 0); c > 0 {
			return out * (size(w, 1) / c)
		}
	case "ConvTranspose": // each input goes into the outputs of its group and the kernel
		w := onnxgraph.TensorType{Shape: shape(1)}
		if c := static(w.Shape, 0); c > 0 {
			return size(r.types[n.In(0)], 1) * (size(w, 1) / c)
		}
	case "Gemm":
		if n.Int("transA", 0) != 0 {
			return out * static(shape(0), 0)
		}
		return out * static(shape(0), 1)
	case "MatMul":
		return out * static(shape(0), -1)
	case "Einsum": // as attention uses it, the dimension that is summed over is the last of both or of the first
		return out * static(shape(0), -1)
	}
	return 0
}

// live gives the bytes of forward values that nodes behind the loss use, and the largest sum of all values that are
// alive at once.
func live(g *onnxgraph.Graph, types map[string]onnxgraph.TensorType, batch int64) (kept, peak int64) {
	given := map[string]bool{}
	for _, v := range g.GetInput() {
		given[v.GetName()] = true
	}
	for _, t := range g.GetInitializer() {
		given[t.GetName()] = true
	}
	loss := len(g.GetNode())
	last := map[string]int{}
	made := map[string]int{}
	for i, n := range g.GetNode() {
		if graph.IsLoss(n) {
			loss = i
		}
		for _, in := range n.GetInput() {
			last[in] = i
		}
		for _, out := range n.GetOutput() {
			made[out] = i
		}
	}
	for _, v := range g.GetOutput() {
		last[v.GetName()] = len(g.GetNode())
	}
	free := map[int][]string{}
	for name, i := range last {
		free[i] = append(free[i], name)
	}
	of := func(name string) int64 {
		if name == "" || given[name] {
			return 0
		}
		return width(types[name].Elem) * size(types[name], batch)
	}
	var now int64
	for i, n := range g.GetNode() {
		for _, out := range n.GetOutput() {
			now += of(out)
			if i < loss && last[out] > loss && loss < len(g.GetNode()) {
				kept += of(out)
			}
		}
		peak = max(peak, now)
		for _, name := range free[i] {
			if _, ok := made[name]; ok {
				now -= of(name)
			}
		}
		for _, out := range n.GetOutput() {
			if _, used := last[out]; !used {
				now -= of(out)
			}
		}
	}
	return kept, peak
}
