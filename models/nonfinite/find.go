package nonfinite

import (
	"fmt"
	"math"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// Parts of a step.
const (
	Input    = "input"    // the images or the parameters, before anything was computed
	Forward  = "forward"  // the pass to the network's outputs
	Loss     = "loss"     // the gradients that the loss gives
	Backward = "backward" // the pass from there to the parameters' gradients
)

// Found is the first tensor that isn't finite.
type Found struct {
	Part     string  `json:"part"`
	Operator string  `json:"operator"` // its type, with its domain but for ONNX's own: Conv, ordo.Conv; "" in Part Input
	Node     string  `json:"node"`     // its name
	Tensor   string  `json:"tensor"`
	Shape    []int64 `json:"shape"`
	Count    int     `json:"count"` // values that are not finite
	Index    int     `json:"index"` // of the first of them, row-major
	Value    string  `json:"value"` // NaN, +Inf or -Inf
	// Takes are the ranges of what the node takes, in its order.
	Takes []Range `json:"takes,omitempty"`
}

// Range is what lies in a tensor.
type Range struct {
	Tensor string  `json:"tensor"`
	Shape  []int64 `json:"shape"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Least  float64 `json:"least"` // absolute value: what nearly vanishes is divided by
}

// Options are what the step was taken with.
type Options struct {
	Trainer ort.TrainerOptions
	Loss    ort.LossFunc // must not fail: it is called once a run
	Tensors int          // looked at in a run; 0: 64
}

// Find looks for it. It is nil if all numbers are finite. The artifacts' checkpoint has the parameters of before the
// step.
func Find(rt *ort.Runtime, a graph.Artifacts, in ort.Inputs, o Options) (*Found, error) {
	if o.Tensors == 0 {
		o.Tensors = 64
	}
	model, err := a.Model()
	if err != nil {
		return nil, err
	}
	f := &finder{rt: rt, a: a, in: in, o: o, model: model}
	if found, err := f.inputs(); found != nil || err != nil {
		return found, err
	}
	nodes := model.GetGraph().GetNode()
	var part []string
	by := map[string]*onnxgraph.Node{}
	for i, n := range nodes {
		for k, name := range n.GetOutput() {
			// Running statistics are updated in place only where they are no outputs of the graph.
			if name != "" && (n.GetOpType() != graph.StockBatchNorm || k != 1 && k != 2) {
				part, by[name] = append(part, name), n
			}
		}
		if len(part) < o.Tensors && i < len(nodes)-1 {
			continue
		}
		found, err := f.first(part)
		if err != nil {
			return nil, err
		}
		if found != nil {
			return f.explain(found, by[found.Tensor])
		}
		part = nil
	}
	return nil, nil
}

type finder struct {
	rt    *ort.Runtime
	a     graph.Artifacts
	in    ort.Inputs
	o     Options
	model *onnxgraph.Model
}

// inputs looks at what the step begins with.
func (f *finder) inputs() (found *Found, err error) {
	look := func(name string, shape []int64, values []float32) {
		if found == nil {
			if found = check(name, shape, values); found != nil {
				found.Part = Input
			}
		}
	}
	look("the images", f.in.Images.Shape(), f.in.Images.Data())
	if f.in.Draws != nil {
		look("the draws", f.in.Draws.Shape(), f.in.Draws.Data())
	}
	err = f.open(f.a, func(t *ort.Trainer) error {
		for _, p := range t.Parameters() {
			values, err := t.Parameter(p.Name)
			if err != nil {
				return err
			}
			look("parameter "+p.Name, p.Shape, values)
		}
		return nil
	})
	return found, err
}

func (f *finder) open(a graph.Artifacts, use func(t *ort.Trainer) error) error {
	t, err := f.rt.NewTrainer(a, f.o.Loss, f.o.Trainer)
	if err != nil {
		return err
	}
	defer t.Close()
	return use(t)
}

// seen ends the name of a tensor in float32 whose values are bfloat16.
const seen = "/seen"

// see runs the step and shows tensors of it by their names.
func (f *finder) see(names []string, look func(name string, shape []int64, values []float32)) error {
	g := f.model.GetGraph()
	outputs, nodes := len(g.GetOutput()), len(g.GetNode())
	defer func() { g.Output, g.Node = g.Output[:outputs], g.Node[:nodes] }()
	types := graph.Declared(g)
	shown := map[string]string{} // by output
	for _, name := range names {
		output := name
		if types[name].Elem == onnxgraph.BFloat16 {
			output = name + seen
			g.Node = append(g.Node, &onnxgraph.Node{Name: output, OpType: graph.Widen, Domain: graph.Domain,
				Input: []string{name}, Output: []string{output}})
		}
		shown[output] = name
		if !slices.ContainsFunc(g.GetOutput(), func(v *onnxgraph.ValueInfo) bool { return v.GetName() == output }) {
			g.Output = append(g.Output, &onnxgraph.ValueInfo{Name: output}) // ONNX Runtime knows the type
		}
	}
	data, err := f.model.Encode()
	if err != nil {
		return err
	}
	a := graph.Artifacts{Training: data, Eval: f.a.Eval, Optimizer: f.a.Optimizer, Checkpoint: f.a.Checkpoint,
		Kept: f.a.Kept}
	return f.open(a, func(t *ort.Trainer) error {
		return t.Observe(f.in, func(name string, shape []int64, values []float32) {
			if name := shown[name]; name != "" {
				look(name, shape, values)
			}
		})
	})
}

// first gives the first of the tensors, in their order, that isn't finite.
func (f *finder) first(names []string) (*Found, error) {
	wrong := map[string]*Found{}
	err := f.see(names, func(name string, shape []int64, values []float32) { wrong[name] = check(name, shape, values) })
	for _, name := range names {
		if wrong[name] != nil {
			return wrong[name], err
		}
	}
	return nil, err
}

// check is nil if all values are finite.
func check(name string, shape []int64, values []float32) (found *Found) {
	for i, v := range values {
		if x := float64(v); !math.IsNaN(x) && !math.IsInf(x, 0) {
			continue
		}
		if found == nil {
			found = &Found{Tensor: name, Shape: slices.Clone(shape), Index: i, Value: fmt.Sprintf("%+g", v)}
			if math.IsNaN(float64(v)) {
				found.Value = "NaN"
			}
		}
		found.Count++
	}
	return found
}

// explain adds which node it was and what that took.
func (f *finder) explain(found *Found, n *onnxgraph.Node) (*Found, error) {
	found.Node, found.Operator = n.GetName(), n.GetOpType()
	if d := n.GetDomain(); d != "" && d != "ai.onnx" {
		found.Operator = d + "." + n.GetOpType()
	}
	nodes := f.model.GetGraph().GetNode()
	at := slices.Index(nodes, n)
	loss := slices.IndexFunc(nodes, func(n *onnxgraph.Node) bool {
		return n.GetDomain() == graph.Domain && n.GetOpType() == graph.Loss
	})
	switch {
	case at < loss:
		found.Part = Forward
	case at == loss:
		found.Part = Loss
	default:
		found.Part = Backward
	}
	made := map[string]bool{}
	for _, m := range nodes[:at] {
		for _, name := range m.GetOutput() {
			made[name] = true
		}
	}
	var names []string
	for _, name := range n.GetInput() {
		if made[name] && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	ranges := map[string]Range{}
	err := f.see(names, func(name string, shape []int64, values []float32) { ranges[name] = rangeOf(name, shape, values) })
	for _, name := range names {
		if r, ok := ranges[name]; ok {
			found.Takes = append(found.Takes, r)
		}
	}
	return found, err
}

func rangeOf(name string, shape []int64, values []float32) Range {
	r := Range{Tensor: name, Shape: slices.Clone(shape)}
	for i, v := range values {
		x := float64(v)
		if i == 0 {
			r.Low, r.High, r.Least = x, x, math.Abs(x)
		}
		r.Low, r.High, r.Least = min(r.Low, x), max(r.High, x), min(r.Least, math.Abs(x))
	}
	return r
}
