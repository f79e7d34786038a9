package artifacts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// adapt makes artifacts of ONNX Runtime's own generator ordo's. Those that have ordo's loss operator stay as they are.
func (f *Folder) adapt() error {
	training, err := f.Model()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(training.GetGraph().GetNode(), graph.IsLoss) {
		return nil
	}
	training = proto.CloneOf(training)
	eval, err := onnxgraph.Decode(f.Eval)
	if err != nil {
		return fmt.Errorf("evaluation graph: %w", err)
	}
	parameters, err := checkpoint.Decode(f.Checkpoint)
	if err != nil {
		return err
	}
	a := &adaption{Folder: f, m: training, g: training.GetGraph(), stored: map[string]bool{}}
	for _, t := range slices.Concat(parameters.Trainable, parameters.Frozen) {
		a.stored[t.Name] = true
	}
	if err := a.training(); err != nil {
		return fmt.Errorf("training graph: %w", err)
	}
	if err := a.eval(eval); err != nil {
		return fmt.Errorf("evaluation graph: %w", err)
	}
	trained := 0
	for _, n := range training.GetGraph().GetNode() {
		if n.GetOpType() == graph.Accumulator {
			trained++
		}
	}
	a.note("the optimizer graph is replaced by ordo's AdamW")
	f.Artifacts, err = graph.Encode(training, eval, autodiff.NewOptimizer(autodiff.DefaultOptions().Optimizer, trained),
		f.Checkpoint)
	return err
}

// adaption is the state of adapting one folder.
type adaption struct {
	*Folder
	m      *onnxgraph.Model
	g      *onnxgraph.Graph
	stored map[string]bool // parameters
	images string
	// spliced are the outputs z, in the order of their inputs dz, under the names of the given graphs; outputs are
	// those that the loss sees.
	spliced, outputs []string
	parameters       []string // in the training graph's order
}

func (a *adaption) note(format string, v ...any) {
	a.Adapted = append(a.Adapted, fmt.Sprintf(format, v...))
}

func (a *adaption) training() error {
	gradients, err := a.splitInputs()
	if err != nil {
		return err
	}
	for _, dz := range gradients {
		z, err := a.partner(dz)
		if err != nil {
			return err
		}
		if slices.Contains(a.spliced, z) {
			return fmt.Errorf("output %s is multiplied by two inputs", z)
		}
		a.spliced = append(a.spliced, z)
	}
	if err := a.chooseOutputs(); err != nil {
		return err
	}
	types := graph.Declared(a.g)
	a.g.Input = slices.DeleteFunc(a.g.Input, func(v *onnxgraph.ValueInfo) bool {
		return slices.Contains(gradients,
			v.GetName())
	})
	a.dropLoss()
	if a.images != graph.Images {
		renameValue(a.g, a.images, graph.Images)
		a.note("input %s is called %s", a.images, graph.Images)
	}
	if err := a.splice(gradients, types); err != nil {
		return err
	}
	a.hideOutputs()
	return a.addNorm()
}

// hideOutputs leaves the outputs to the loss operator: as outputs of the step nobody reads them.
func (a *adaption) hideOutputs() {
	var left []*onnxgraph.ValueInfo
	for _, v := range a.g.GetOutput() {
		if graph.IsFlag(v.GetName()) {
			left = append(left, v)
		} else {
			a.g.ValueInfo = append(a.g.ValueInfo, v)
		}
	}
	a.g.Output = left
}

// splitInputs tells the inputs apart: the images, parameters, buffers, and the rest, which must be gradients.
func (a *adaption) splitInputs() (gradients []string, err error) {
	var images []string
	for _, v := range a.g.GetInput() {
		name := v.GetName()
		_, isBuffer := graph.BufferOf(name)
		t, err := v.TensorType()
		switch {
		case name == graph.LazyReset || isBuffer:
		case a.stored[name]:
			a.parameters = append(a.parameters, name)
		case err != nil:
			return nil, err
		case len(t.Shape) == 4:
			images = append(images, name)
		default:
			gradients = append(gradients, name)
		}
	}
	switch {
	case len(images) != 1:
		return nil, fmt.Errorf("of the inputs, %d are like images [batch,%d,height,width], it must be one: %s",
			len(images), channels, strings.Join(images, ", "))
	case len(gradients) == 0:
		return nil,
			errors.New("the loss is inside the graph; ordo needs a loss sum(z·dz) with dz an input, in whose place " +
				"it puts its own")
	}
	a.images = images[0]
	return gradients, nil
}

// partner is the output z that the loss multiplies by the input dz.
func (a *adaption) partner(dz string) (string, error) {
	outputs := map[string]bool{}
	for _, v := range a.g.GetOutput() {
		outputs[v.GetName()] = true
	}
	for _, n := range a.g.GetNode() {
		if n.GetOpType() != "Mul" {
			continue
		}
		for i := range 2 {
			if n.In(i) == dz && outputs[n.In(1-i)] {
				return n.In(1 - i), nil
			}
		}
	}
	return "",
		fmt.Errorf("input %s is not multiplied by an output: ordo needs a loss sum(z·dz) with z among the outputs", dz)
}

// chooseOutputs decides which of the outputs are features and embedding.
func (a *adaption) chooseOutputs() error {
	if len(a.spliced) > 1 {
		for _, name := range []string{graph.Features, graph.Embedding} {
			if !slices.Contains(a.spliced, name) {
				return fmt.Errorf("of the outputs %s, one must be called %s", strings.Join(a.spliced, ", "), name)
			}
		}
		a.outputs = slices.Clone(a.spliced)
		return nil
	}
	a.outputs = []string{graph.Features, graph.Embedding}
	return nil
}

// dropLoss removes the loss from the outputs, and with it the nodes that only made it.
func (a *adaption) dropLoss() {
	a.g.Output = slices.DeleteFunc(a.g.Output, func(v *onnxgraph.ValueInfo) bool {
		return !slices.Contains(a.spliced, v.GetName()) && !graph.IsFlag(v.GetName())
	})
}

// splice puts the loss operator behind the last output, where it gives what were inputs before.
func (a *adaption) splice(gradients []string, types map[string]onnxgraph.TensorType) error {
	at, moved := 0, a.g.GetNode()
	for i, n := range moved {
		if slices.ContainsFunc(n.GetOutput(), func(o string) bool { return slices.Contains(a.spliced, o) }) {
			at = i + 1
		}
	}
	// Everything that uses a gradient must stand behind the operator that makes it.
	for _, n := range moved[:at] {
		if slices.ContainsFunc(n.GetInput(), func(in string) bool { return slices.Contains(gradients, in) }) {
			return fmt.Errorf("node %q uses a gradient before all outputs are there", n.GetName())
		}
	}
	added := &onnxgraph.Graph{}
	loss := &onnxgraph.Node{Name: "Loss", OpType: graph.Loss, Domain: graph.Domain, Input: a.outputs}
	if len(a.spliced) == 1 {
		z, dz := a.spliced[0], gradients[0]
		typ := types[z]
		a.nameSingle(a.g, added)
		for _, name := range a.outputs {
			loss.Output = append(loss.Output, name+graph.LossGradient)
			a.g.ValueInfo = append(a.g.ValueInfo, onnxgraph.NewValueInfo(name+graph.LossGradient, typ))
		}
		added.Node = append(added.Node, loss, &onnxgraph.Node{Name: dz, OpType: "Add", Input: loss.Output,
			Output: []string{dz}})
		a.g.ValueInfo = append(a.g.ValueInfo, onnxgraph.NewValueInfo(dz, typ))
		if z != graph.Features {
			a.note("output %s is called %s, and %s is its copy", z, graph.Features, graph.Embedding)
		}
	} else {
		loss.Output = gradients
		for i, dz := range gradients {
			a.g.ValueInfo = append(a.g.ValueInfo, onnxgraph.NewValueInfo(dz, types[a.spliced[i]]))
		}
		added.Node = append(added.Node, loss)
	}
	a.g.Node = slices.Insert(a.g.Node, at, added.Node...)
	if a.m.Opset(graph.Domain) == 0 {
		a.m.OpsetImport = append(a.m.OpsetImport, &onnxgraph.OperatorSet{Domain: graph.Domain, Version: 1})
	}
	a.note("the gradient that was the input %s comes from the loss operator", strings.Join(gradients, ", "))
	return nil
}

// nameSingle calls the only output features and adds a copy of it, the embedding, to a list of nodes.
func (a *adaption) nameSingle(g, added *onnxgraph.Graph) {
	z := a.spliced[0]
	b := onnxgraph.Extend(&onnxgraph.Model{Graph: g})
	for _, name := range a.outputs {
		if name != z && b.Has(name) {
			renameValue(g, name, b.Unique(name))
		}
	}
	var typ onnxgraph.TensorType
	for _, v := range g.GetOutput() {
		if v.GetName() == z {
			typ, _ = v.TensorType()
		}
	}
	renameValue(g, z, graph.Features)
	added.Node = append(added.Node, &onnxgraph.Node{Name: graph.Embedding, OpType: "Identity",
		Input: []string{graph.Features}, Output: []string{graph.Embedding}})
	g.Output = append(g.Output, onnxgraph.NewValueInfo(graph.Embedding, typ))
}

// addNorm adds the output grad_norm = √Σg² over what the accumulators take, in their order.
func (a *adaption) addNorm() error {
	b := onnxgraph.Extend(a.m)
	one := onnxgraph.FloatType(onnxgraph.Static(1))
	var squares []string
	flat := b.Initializer(onnxgraph.NewInts(b.Unique("grad_norm/flat"), -1))
	// The nodes are behind all others, for they take what the backward graph gives.
	for _, n := range slices.Clone(a.g.GetNode()) {
		if n.GetOpType() != graph.Accumulator {
			continue
		}
		row := b.Op("Reshape", n.In(1)+"/flat", []string{n.In(1), flat})
		squares = append(squares, b.Op("ReduceSumSquare", n.In(1)+"/square", []string{row},
			onnxgraph.IntAttr("keepdims", 1)))
	}
	if len(squares) == 0 {
		return errors.New("it accumulates no gradient")
	}
	all := b.Op("Concat", "grad_norm/squares", squares, onnxgraph.IntAttr("axis", 0))
	total := b.Op("ReduceSum", "grad_norm/square", []string{all}, onnxgraph.IntAttr("keepdims", 1))
	if b.Has(graph.GradNorm) {
		return fmt.Errorf("a value is called %s, a name that ordo needs", graph.GradNorm)
	}
	b.Op("Sqrt", graph.GradNorm, []string{total})
	a.g.Output = slices.Insert(a.g.Output, 0, onnxgraph.NewValueInfo(graph.GradNorm, one))
	a.note("the output %s is added", graph.GradNorm)
	return nil
}

// eval makes the evaluation graph give the outputs alone, with the training graph's parameters in its order.
func (a *adaption) eval(m *onnxgraph.Model) error {
	g := m.GetGraph()
	inputs := map[string]*onnxgraph.ValueInfo{}
	for _, v := range g.GetInput() {
		inputs[v.GetName()] = v
	}
	if inputs[a.images] == nil {
		return fmt.Errorf("input %s is missing", a.images)
	}
	order := []*onnxgraph.ValueInfo{inputs[a.images]}
	training := map[string]*onnxgraph.ValueInfo{}
	for _, v := range a.g.GetInput() {
		training[v.GetName()] = v
	}
	for _, name := range a.parameters {
		v := inputs[name]
		if v == nil { // the evaluation doesn't need it, but it is fed
			v = proto.CloneOf(training[name])
		}
		order = append(order, v)
	}
	g.Input = order
	g.Output = slices.DeleteFunc(g.Output, func(v *onnxgraph.ValueInfo) bool {
		return !slices.Contains(a.spliced,
			v.GetName())
	})
	if len(g.Output) != len(a.spliced) {
		return fmt.Errorf("it must have the outputs %s", strings.Join(a.spliced, ", "))
	}
	keepUpstream(g, a.spliced)
	a.repair(g)
	if a.images != graph.Images {
		renameValue(g, a.images, graph.Images)
	}
	if len(a.spliced) == 1 {
		added := &onnxgraph.Graph{}
		a.nameSingle(g, added)
		g.Node = append(g.Node, added.Node...)
	}
	a.note("the evaluation graph gives %s, without the loss", strings.Join(a.outputs, ", "))
	return nil
}

// keepUpstream drops the nodes and stored values on which none of the values depends.
func keepUpstream(g *onnxgraph.Graph, values []string) {
	wanted := map[string]bool{}
	for _, v := range values {
		wanted[v] = true
	}
	var kept []*onnxgraph.Node
	for _, n := range slices.Backward(g.GetNode()) {
		if slices.ContainsFunc(n.GetOutput(), func(o string) bool { return wanted[o] }) {
			for _, in := range n.GetInput() {
				wanted[in] = true
			}
			kept = append(kept, n)
		}
	}
	slices.Reverse(kept)
	g.Node = kept
	g.Initializer = slices.DeleteFunc(g.Initializer, func(t *onnxgraph.Tensor) bool { return !wanted[t.GetName()] })
}

// repair puts batch norms and dropouts into the form that evaluation demands.
func (a *adaption) repair(g *onnxgraph.Graph) {
	repaired := 0
	for _, n := range g.GetNode() {
		switch n.GetOpType() {
		case "BatchNormalization":
			if len(n.Output) > 1 || n.Int("training_mode", 0) != 0 {
				repaired++
			}
			n.Output = n.Output[:1]
			n.Attribute = slices.DeleteFunc(n.Attribute,
				func(at *onnxgraph.Attribute) bool { return at.GetName() == "training_mode" })
		case "Dropout":
			if len(n.Input) > 2 {
				n.Input = n.Input[:2]
			}
		}
	}
	if repaired > 0 {
		a.note("%d batch norms of the evaluation graph have one output, as ONNX Runtime demands", repaired)
	}
}
