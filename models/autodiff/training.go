package autodiff

import (
	"errors"
	"fmt"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// training builds the training graph. The rules add to it.
type training struct {
	*network
	b *onnxgraph.Builder
	// wanted holds the values of which a gradient is needed: those that depend on a trainable parameter.
	wanted map[string]bool
	// parts lists the gradients that a value has got so far, one from each of its uses.
	parts map[string][]string
	// constants by content, so that each is stored once.
	stored map[string]string
	// dropoutSeed is that of Options; dropouts counts the nodes that have got one.
	dropoutSeed, dropouts int64
	// inference: there is no backward pass.
	inference bool
	// fastSoftmax: the gradient of a softmax is ordo's operator.
	fastSoftmax bool
}

// buildTraining makes the training graph and returns which parameters are trained.
func buildTraining(f *network, o Options) (*onnxgraph.Model, map[string]bool, error) {
	if err := checkOutputs(f, o.Outputs); err != nil {
		return nil, nil, err
	}
	t := &training{
		network: f,
		b:       f.newBuilder("training"),
		wanted:  map[string]bool{},
		parts:   map[string][]string{},
		stored:  map[string]string{},

		dropoutSeed: o.DropoutSeed,
	}
	t.b.Import(graph.Microsoft, 1)
	t.b.Import(graph.Domain, 1)
	for name := range f.types.Of {
		t.b.Reserve(name)
	}
	nodes := t.accelerated(upstream(f.nodes, o.Outputs), o)
	trainable, err := t.findTrainable(nodes, o)
	if err != nil {
		return nil, nil, err
	}
	if len(trainable) == 0 {
		return nil, nil, fmt.Errorf("the outputs %q depend on no parameter that can be trained", o.Outputs)
	}
	f.addConstants(t.b, nodes)
	if nodes, err = t.addForward(nodes); err != nil {
		return nil, nil, err
	}
	t.addLoss(o.Outputs)
	if err := t.addBackward(nodes); err != nil {
		return nil, nil, err
	}
	t.addAccumulation(trainable, o)
	t.finish(o.Kernels)
	return t.b.Model(), trainable, nil
}

// finish decides how values of ordo's operators lie in memory.
func (t *training) finish(k *Kernels) {
	if k == nil {
		return
	}
	t.arrange()
	if k.Products == BFloat16 {
		t.roundProducts()
	}
	if k.Stores != nil {
		t.halve()
	}
}

func checkOutputs(f *network, outputs []string) error {
	made := map[string]bool{}
	for _, n := range f.nodes {
		for _, out := range n.GetOutput() {
			made[out] = true
		}
	}
	var known []string
	for _, v := range f.model.GetGraph().GetOutput() {
		known = append(known, v.GetName())
	}
	var faults []error
	for _, name := range outputs {
		switch typ := f.types.Of[name]; {
		case !slices.Contains(known, name):
			faults = append(faults, fmt.Errorf("%q is not an output of the graph: it has %q", name, known))
		case !made[name]:
			faults = append(faults, fmt.Errorf("output %q is not computed by the graph", name))
		case typ.Elem != onnxgraph.Float32:
			faults = append(faults, fmt.Errorf("output %q is of type %v, the loss takes float", name, typ))
		}
	}
	return errors.Join(faults...)
}

// findTrainable marks the values that depend on a parameter that is not frozen, and returns the parameters on which the
// nodes depend.
func (t *training) findTrainable(nodes []*onnxgraph.Node, o Options) (map[string]bool, error) {
	trainable := map[string]bool{}
	candidate := map[string]bool{}
	reached := t.reached(nodes, o.Outputs)
	for _, p := range t.parameters {
		candidate[p.GetName()] = reached[p.GetName()] && !t.statistics[p.GetName()]
	}
	for _, name := range o.Frozen {
		if _, ok := candidate[name]; !ok {
			return nil, fmt.Errorf("%q, which should be frozen, is not a parameter of the graph", name)
		}
		candidate[name] = false
	}
	table := trainingRules()
	for _, n := range nodes {
		if table[operator(n)].stops {
			continue
		}
		for _, in := range n.GetInput() {
			if candidate[in] {
				trainable[in] = true
				t.wanted[in] = true
			}
			if !t.wanted[in] {
				continue
			}
			for _, out := range n.GetOutput() {
				if reached[out] {
					t.wanted[out] = true
				}
			}
		}
	}
	return trainable, nil
}

// reached marks the values that the gradient of the outputs comes to: float tensors on a way on which no operator stops
// it.
func (t *training) reached(nodes []*onnxgraph.Node, outputs []string) map[string]bool {
	table := trainingRules()
	reached := map[string]bool{}
	for _, name := range outputs {
		reached[name] = true
	}
	for _, n := range slices.Backward(nodes) {
		hit := slices.ContainsFunc(n.GetOutput(), func(out string) bool { return reached[out] })
		if !hit || table[operator(n)].stops {
			continue
		}
		for _, in := range n.GetInput() {
			switch t.typeOf(in).Elem {
			case onnxgraph.Float32, onnxgraph.Tensor_DOUBLE, onnxgraph.Tensor_FLOAT16, onnxgraph.Tensor_BFLOAT16:
				reached[in] = true
			}
		}
	}
	return reached
}

// addForward copies the forward nodes, in the form that training needs.
func (t *training) addForward(nodes []*onnxgraph.Node) ([]*onnxgraph.Node, error) {
	table := trainingRules()
	added := make([]*onnxgraph.Node, len(nodes))
	for i, n := range nodes {
		r, ok := table[operator(n)]
		if !ok && t.wantsAny(n.GetOutput()) {
			return nil, fmt.Errorf("node %q (%s): ordo has no gradient for this operator", n.GetName(), n.GetOpType())
		}
		for _, out := range n.GetOutput() {
			if typ := t.typeOf(out); t.wanted[out] && typ.Elem != onnxgraph.Float32 {
				return nil, fmt.Errorf("node %q (%s): its result is of type %v, gradients are computed in float alone",
					n.GetName(), n.GetOpType(), typ)
			}
		}
		for _, out := range n.GetOutput() {
			if typ, ok := t.types.Of[out]; ok {
				t.b.ValueInfo(out, typ)
			}
		}
		if r.train != nil {
			n = r.train(t, n)
		}
		t.b.Append(n)
		added[i] = n
	}
	return added, nil
}

func (t *training) wantsAny(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return t.wanted[name] })
}

// addLoss adds the node that hands the outputs to the loss and takes a gradient for each.
func (t *training) addLoss(outputs []string) {
	n := &onnxgraph.Node{Name: "Loss", OpType: graph.Loss, Domain: graph.Domain, Input: outputs}
	for _, name := range outputs {
		gradient := t.b.Unique(name + graph.LossGradient)
		t.declare(gradient, t.typeOf(name))
		n.Output = append(n.Output, gradient)
		t.parts[name] = append(t.parts[name], gradient)
	}
	t.b.Append(n)
}

// addBackward goes through the nodes backwards; each turns the gradients of its outputs into those of its inputs. A
// value that is used several times has its gradients summed, always in the same order.
func (t *training) addBackward(nodes []*onnxgraph.Node) error {
	table := trainingRules()
	for _, n := range slices.Backward(nodes) {
		if !t.wantsAny(n.GetInput()) || !t.wantsAny(n.GetOutput()) {
			continue
		}
		op := operator(n)
		dy := make([]string, len(n.GetOutput()))
		second := ""
		if table[op].twice {
			second = t.heldBack(n.Out(0))
		}
		reached := false
		for i, out := range n.GetOutput() {
			dy[i] = t.gradient(out)
			reached = reached || dy[i] != ""
		}
		if !reached {
			continue
		}
		if table[op].twice {
			dy = append(dy, second)
		}
		dx, err := table[op].gradient(t, n, dy)
		if err != nil {
			return fmt.Errorf("node %q (%s): %w", n.GetName(), op, err)
		}
		for i, in := range n.GetInput() {
			switch {
			case !t.wanted[in]:
			case i >= len(dx) || dx[i] == "":
				return fmt.Errorf("node %q (%s): ordo has no gradient for input %d, %q", n.GetName(), op, i, in)
			default:
				t.parts[in] = append(t.parts[in], dx[i])
			}
		}
	}
	return nil
}

// gradient returns the gradient of a value once all its uses have been seen; "" if it has none.
func (t *training) gradient(name string) string {
	parts := t.parts[name]
	if len(parts) < 2 {
		return slices.Concat(parts, []string{""})[0]
	}
	op := "Sum"
	if len(parts) == 2 && slices.ContainsFunc(parts, t.gemmOfLater) {
		op = "Add"
	}
	sum := t.op(op, name+graph.Gradient, t.typeOf(name), parts)
	t.parts[name] = []string{sum}
	return sum
}

// heldBack takes the last of several gradients of a value away, and returns it; "" if there are not several.
func (t *training) heldBack(name string) string {
	parts := t.parts[name]
	last := len(parts) - 1
	if last < 1 {
		return ""
	}
	t.parts[name] = parts[:last]
	return parts[last]
}

// gemmOfLater says whether a value is the result of a Gemm of some node's third output or a later one. ONNX Runtime's
// fusion of such a Gemm with a Sum of two fails, and with it the session.
func (t *training) gemmOfLater(name string) bool {
	n, _ := t.producer(name)
	if n == nil || n.GetOpType() != "Gemm" {
		return false
	}
	return slices.ContainsFunc(n.GetInput(), func(in string) bool {
		_, k := t.producer(in)
		return k >= 2
	})
}

// producer finds the node that makes a value and which of its outputs that is; nil and -1 for none.
func (t *training) producer(name string) (*onnxgraph.Node, int) {
	for _, n := range slices.Backward(t.b.Model().GetGraph().GetNode()) {
		if k := slices.Index(n.GetOutput(), name); k >= 0 {
			return n, k
		}
	}
	return nil, -1
}

// addAccumulation writes the gradients into the buffers from which the optimizer reads, and computes their norm.
func (t *training) addAccumulation(trainable map[string]bool, o Options) {
	one := onnxgraph.Static(1)
	flag := onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: one}
	var names, gradients []string
	for _, p := range t.parameters {
		if name := p.GetName(); trainable[name] {
			names = append(names, name)
			gradients = append(gradients, t.gradient(name))
			t.b.Input(graph.Buffer(name), p.Type())
		}
	}
	t.b.Input(graph.LazyReset, flag)
	t.addNorm(gradients)
	for i, name := range names {
		if !o.ExposeGradients {
			break
		}
		// The API hides outputs whose names end as gradients do, and a copy under another name shows it.
		out := graph.GradOutput + name
		t.b.Append(&onnxgraph.Node{Name: out, OpType: "Identity", Input: gradients[i : i+1], Output: []string{out}})
		t.b.Output(out, t.typeOf(name))
	}
	var flat []string
	total := int64(0)
	for i, name := range names {
		out := graph.Flag(name)
		n := &onnxgraph.Node{
			Name: name + ".accumulate", OpType: graph.Accumulator, Domain: graph.Microsoft,
			Input: []string{graph.Buffer(name), gradients[i], graph.LazyReset}, Output: []string{out},
		}
		t.b.Append(n)
		t.b.Output(out, flag)
		if o.FlatGradients {
			accumulated := t.b.Unique(name + ".accumulated")
			t.declare(accumulated, t.typeOf(name))
			n.Output = append(n.Output, accumulated)
			values, _ := t.typeOf(name).Shape.Elements()
			total += values
			flat = append(flat, t.op("Reshape", accumulated+"/flat", onnxgraph.FloatType(onnxgraph.Static(values)),
				[]string{accumulated, t.ints(-1)}))
		}
	}
	if o.FlatGradients {
		t.b.Append(&onnxgraph.Node{
			Name: graph.Gradients, OpType: "Concat", Input: flat, Output: []string{graph.Gradients},
			Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("axis", 0)},
		})
		t.b.Output(graph.Gradients, onnxgraph.FloatType(onnxgraph.Static(total)))
	}
}

// addNorm adds the L2 norm over all gradients, summed in the parameters' order, so that it is the same in every
// process.
func (t *training) addNorm(gradients []string) {
	one := onnxgraph.FloatType(onnxgraph.Static(1))
	var squares []string
	for _, g := range gradients {
		shape := t.typeOf(g).Shape
		n, _ := shape.Elements()
		if n >= manyElements && shape[0].Size >= 16 {
			squares = append(squares, t.squareByRows(g, shape[0].Size, n))
			continue
		}
		flat := t.op("Reshape", g+"/flat", onnxgraph.FloatType(onnxgraph.Static(n)), []string{g, t.ints(-1)})
		squares = append(squares, t.op("ReduceSumSquare", g+"/square", one, []string{flat},
			onnxgraph.IntAttr("keepdims", 1)))
	}
	all := t.op("Concat", "grad_squares", onnxgraph.FloatType(onnxgraph.Static(int64(len(squares)))), squares,
		onnxgraph.IntAttr("axis", 0))
	sum := t.op("ReduceSum", "grad_square", one, []string{all}, onnxgraph.IntAttr("keepdims", 1))
	t.b.Append(&onnxgraph.Node{Name: graph.GradNorm, OpType: "Sqrt", Input: []string{sum},
		Output: []string{graph.GradNorm}})
	t.b.Output(graph.GradNorm, one)
}

// manyElements is from when on one float32 is too little to add squares up in: of 100 million it loses 3 in 1,000.
const manyElements = 1 << 22

// squareByRows adds the squares of each row up, and then the rows.
func (t *training) squareByRows(g string, rows, n int64) string {
	typ := func(dims ...int64) onnxgraph.TensorType { return onnxgraph.FloatType(onnxgraph.Static(dims...)) }
	matrix := t.op("Reshape", g+"/rows", typ(rows, n/rows), []string{g, t.ints(rows, n/rows)})
	inputs, attributes := []string{matrix}, []*onnxgraph.Attribute{onnxgraph.IntAttr("keepdims", 0)}
	if t.model.Opset("") < 18 {
		attributes = append(attributes, onnxgraph.IntsAttr("axes", 1))
	} else {
		inputs = append(inputs, t.ints(1))
	}
	squares := t.op("ReduceSumSquare", g+"/squares", typ(rows), inputs, attributes...)
	return t.op("ReduceSum", g+"/square", typ(1), []string{squares}, onnxgraph.IntAttr("keepdims", 1))
}

// typeOf returns the type of a value: of the forward graph, a parameter, or added by a rule.
func (t *training) typeOf(name string) onnxgraph.TensorType { return t.types.Of[name] }

// op adds a node of ONNX's domain with one output, whose name is made unique and returned. Every value that a rule
// makes is given its type: ONNX Runtime knows no shapes behind the loss operator, and some kernels crash without.
func (t *training) op(op, output string, typ onnxgraph.TensorType, inputs []string,
	attributes ...*onnxgraph.Attribute) string {
	output = t.b.Op(op, output, inputs, attributes...)
	t.declare(output, typ)
	return output
}

// value is an output that a rule asks for: a wished name, made unique, and its type. An empty name leaves the output
// out.
type value struct {
	name string
	typ  onnxgraph.TensorType
}

// microsoftOp adds a node of ONNX Runtime's own domain and returns the names of its outputs.
func (t *training) microsoftOp(op string, inputs []string, outputs []value,
	attributes ...*onnxgraph.Attribute) []string {
	return t.domainOp(graph.Microsoft, op, inputs, outputs, attributes...)
}

// domainOp adds a node of a domain other than ONNX's and returns the names of its outputs.
func (t *training) domainOp(domain, op string, inputs []string, outputs []value,
	attributes ...*onnxgraph.Attribute) []string {
	n := &onnxgraph.Node{OpType: op, Domain: domain, Input: inputs, Attribute: attributes}
	for _, o := range outputs {
		name := o.name
		if name != "" {
			name = t.b.Unique(name)
			t.declare(name, o.typ)
		}
		n.Output = append(n.Output, name)
	}
	for len(n.Output) > 0 && n.Output[len(n.Output)-1] == "" {
		n.Output = n.Output[:len(n.Output)-1]
	}
	n.Name = op + "/" + slices.Concat(slices.DeleteFunc(slices.Clone(n.Output), func(s string) bool { return s == "" }),
		[]string{""})[0]
	t.b.Append(n)
	return slices.Concat(n.Output, make([]string, len(outputs)-len(n.Output)))
}

func (t *training) declare(name string, typ onnxgraph.TensorType) {
	t.types.Of[name] = typ
	t.b.ValueInfo(name, typ)
}

// gradientOf is the output that holds the gradient of a value; none if it isn't wanted.
func (t *training) gradientOf(name string) value {
	if !t.wanted[name] {
		return value{}
	}
	return value{name + graph.Gradient, t.typeOf(name)}
}

// ints stores a list of integers and returns its name.
func (t *training) ints(values ...int64) string {
	return t.keep(fmt.Sprint("ints", values), func(name string) *onnxgraph.Tensor {
		return onnxgraph.NewInts(name,
			values...)
	})
}

// floats stores a float tensor and returns its name.
func (t *training) floats(dims []int64, values []float32) string {
	return t.keep(fmt.Sprint("floats", dims, values),
		func(name string) *onnxgraph.Tensor { return onnxgraph.NewFloats(name, dims, values) })
}

func (t *training) keep(key string, tensor func(string) *onnxgraph.Tensor) string {
	if t.stored[key] == "" {
		t.stored[key] = t.b.Initializer(tensor(t.b.Unique("constant")))
	}
	return t.stored[key]
}
