package artifacts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"ordo/models/autodiff"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// channels of an image.
const channels = 3

// The opsets of forward graphs that Build takes.
const (
	MinOpset = autodiff.MinOpset
	MaxOpset = autodiff.MaxOpset
)

// Build makes artifacts of a forward graph. What package roles takes for parameters becomes the parameters, but for
// what the options' patterns say; what an exporter has merged is taken apart first. The graph is not changed. An error
// names the node, output or option that is at fault; it is of kind fault.Config for an option, fault.Data for the
// graph.
func Build(forward *onnxgraph.Model, o Options) (*Folder, error) {
	if err := o.Validate(); err != nil {
		return nil, fault.Wrap(fault.Config, err)
	}
	f, err := build(proto.CloneOf(forward), o)
	return f, fault.Wrap(fault.Data, err)
}

func build(m *onnxgraph.Model, o Options) (*Folder, error) {
	if err := autodiff.CheckOpset(m); err != nil {
		return nil, err
	}
	splitSequences(m)
	lost := roles.LostBy(m) // by names that preparation changes
	p := &preparation{o: o, m: m, g: m.GetGraph()}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	built, err := autodiff.Build(m, autodiff.Options{
		Outputs: p.outputs, Evaluation: []string{graph.Features, graph.Embedding}, Parameters: p.parameters,
		Frozen: p.frozen, DropoutSeed: o.DropoutSeed, Optimizer: o.Optimizer,
	})
	if err != nil {
		return nil, err
	}
	f := &Folder{}
	if f.Artifacts, err = built.Encode(); err != nil {
		return nil, err
	}
	if err := f.describe(); err != nil {
		return nil, err
	}
	f.Manifest = newManifest(o, f.Description)
	f.Manifest.Dropped = p.dropped
	f.Manifest.Tensors, f.Manifest.Untied = p.tensors(f.Parameters), p.untied
	f.Manifest.Lost = lost
	if f.forward, err = encodeForward(m, built.Checkpoint); err != nil {
		return nil, err
	}
	return f, nil
}

// preparation makes of somebody's forward graph one as package autodiff and the runner want it.
type preparation struct {
	o       Options
	m       *onnxgraph.Model
	g       *onnxgraph.Graph
	outputs []string // those of the prepared graph
	dropped []string // outputs of the given graph that are not used
	// parameters are those that autodiff shall take for such, and frozen those of them that it shall not train.
	parameters, frozen []string
	untied             []roles.Untied
	roles              []roles.Role
	byPattern          map[string]string // name → the option that overruled its role
}

func (p *preparation) prepare() error {
	// A Builder learns the names once, so each step that renames comes before those that add.
	for _, step := range []func() error{p.clearNames, p.nameOutputs, p.nameInput, p.freeBatch, p.normalize, p.addHeads,
		p.checkOutputs, p.assignRoles} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// clearNames moves aside what has a name that ordo or ONNX Runtime's training API give a meaning, and isn't an output.
func (p *preparation) clearNames() error {
	b := onnxgraph.Extend(p.m)
	inTheWay := func(name string) bool {
		return (graph.IsReserved(name) || slices.Contains([]string{graph.GradNorm, graph.Gradients, graph.Draws}, name) ||
			strings.HasPrefix(name, graph.GradOutput)) &&
			!slices.ContainsFunc(p.g.GetOutput(), func(v *onnxgraph.ValueInfo) bool { return v.GetName() == name })
	}
	for _, t := range p.g.GetInitializer() {
		if name := t.GetName(); inTheWay(name) {
			t.Name = b.Unique("inner/" + name + ".value")
			renameValue(p.g, name, t.Name)
		}
	}
	for _, n := range p.g.GetNode() {
		for _, out := range n.GetOutput() {
			if inTheWay(out) {
				renameValue(p.g, out, b.Unique("inner/"+out+".value"))
			}
		}
	}
	return nil
}

// nameOutputs renames the outputs that were chosen, and drops the others.
func (p *preparation) nameOutputs() error {
	var known []string
	for _, v := range p.g.GetOutput() {
		known = append(known, v.GetName())
	}
	features := p.o.Features
	if features == "" {
		if len(known) != 1 {
			return fault.New(fault.Config, "the graph has the outputs %s", strings.Join(known, ", ")).
				Advise("say which are the features").With(fault.Option{Name: "features"})
		}
		features = known[0]
	}
	var faults []error
	for _, c := range []struct{ key, name string }{{"features", features}, {"embedding", p.o.Embedding}} {
		if c.name != "" && !slices.Contains(known, c.name) {
			faults = append(faults, fmt.Errorf("%s: the graph has no output %q, it has: %s", c.key, c.name,
				strings.Join(known, ", ")))
		}
	}
	for i, name := range p.o.Outputs {
		if !slices.Contains(known, name) {
			faults = append(faults, fmt.Errorf("outputs[%d]: the graph has no output %q, it has: %s", i, name,
				strings.Join(known, ", ")))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fault.Wrap(fault.Config, err)
	}
	for _, name := range known {
		if name != features && name != p.o.Embedding && !slices.Contains(p.o.Outputs, name) {
			p.dropped = append(p.dropped, name)
		}
	}
	p.g.Output = nil // renaming must not meet them
	embedding := p.o.Embedding
	if embedding == features {
		embedding = "" // a copy
	}
	// What is in the way of a name that is given away moves aside first, which may be one of the outputs.
	moved := map[string]string{}
	for _, c := range []struct{ from, to string }{{features, graph.Features}, {embedding, graph.Embedding}} {
		from := c.from
		if to, ok := moved[from]; ok {
			from = to
		}
		if from == "" || from == c.to {
			continue
		}
		if err := p.rename(from, c.to, moved); err != nil {
			return err
		}
	}
	p.outputs = append([]string{graph.Features, graph.Embedding}, p.o.Outputs...)
	if p.o.embeddingIsGiven() && embedding == "" {
		if err := p.moveAside(graph.Embedding, moved); err != nil {
			return err
		}
		onnxgraph.Extend(p.m).Op("Identity", graph.Embedding, []string{graph.Features})
	}
	return nil
}

// rename gives a value another name, and what has that name already a third one.
func (p *preparation) rename(from, to string, moved map[string]string) error {
	if err := p.moveAside(to, moved); err != nil {
		return err
	}
	for _, t := range p.g.GetInitializer() {
		if t.GetName() == from {
			return fmt.Errorf("output %q is a stored tensor, nothing that the graph computes", from)
		}
	}
	renameValue(p.g, from, to)
	return nil
}

func (p *preparation) moveAside(name string, moved map[string]string) error {
	if slices.Contains(p.o.Outputs, name) {
		return fmt.Errorf("outputs: %q is a name that ordo gives itself: rename this output of the graph", name)
	}
	for _, t := range p.g.GetInitializer() {
		if t.GetName() == name {
			return fmt.Errorf("the graph has a parameter that is called %q, a name that ordo needs: rename it", name)
		}
	}
	if b := onnxgraph.Extend(p.m); b.Has(name) {
		other := b.Unique(name)
		renameValue(p.g, name, other)
		moved[name] = other
	}
	return nil
}

// renameValue changes the name of a value wherever it stands in a graph.
func renameValue(g *onnxgraph.Graph, from, to string) {
	swap := func(names []string) {
		for i, n := range names {
			if n == from {
				names[i] = to
			}
		}
	}
	for _, n := range g.GetNode() {
		swap(n.Input)
		swap(n.Output)
	}
	for _, list := range [][]*onnxgraph.ValueInfo{g.Input, g.Output, g.ValueInfo} {
		for _, v := range list {
			if v.GetName() == from {
				v.Name = to
			}
		}
	}
}

// nameInput finds the images among the inputs and checks what they are.
func (p *preparation) nameInput() error {
	stored := map[string]bool{}
	for _, t := range p.g.GetInitializer() {
		stored[t.GetName()] = true
	}
	var inputs []*onnxgraph.ValueInfo
	var names []string
	for _, v := range p.g.GetInput() {
		if !stored[v.GetName()] {
			inputs = append(inputs, v)
			names = append(names, v.GetName())
		}
	}
	if len(inputs) != 1 {
		return fmt.Errorf("the graph must have one input, the images, but it has %d: %s", len(inputs),
			strings.Join(names, ", "))
	}
	images := inputs[0]
	if names[0] != graph.Images {
		if err := p.rename(names[0], graph.Images, map[string]string{}); err != nil {
			return err
		}
	}
	typ, err := images.TensorType()
	if err != nil {
		return err
	}
	s := typ.Shape
	if typ.Elem != onnxgraph.Float32 || len(s) != 4 || s[1] != (onnxgraph.Dim{Size: channels}) {
		return fmt.Errorf("input %s is %v, it must be float[batch,%d,height,width]", names[0], typ, channels)
	}
	isFree := func(d onnxgraph.Dim) bool { return !d.Static() || d.Size == 0 } // 0: an exporter's word for it
	for i := 2; i < 4; i++ {
		size := int64(p.o.ImageSize)
		if other := s[5-i]; isFree(s[i]) && size == 0 && !isFree(other) {
			size = other.Size // the images are square
		}
		switch {
		case isFree(s[i]) && size == 0:
			return fault.New(fault.Config, "input %s is %v: its image size is free", names[0], typ).
				Advise("fix it").With(fault.Option{Name: "image_size"})
		case isFree(s[i]):
			s[i] = onnxgraph.Dim{Size: size}
		case size != 0 && s[i].Size != size:
			return fault.New(fault.Config, "input %s is %v: its image size is fixed, it can't become %d", names[0], typ,
				size)
		}
	}
	if s[2] != s[3] {
		return fmt.Errorf("input %s is %v: the images must be square", names[0], typ)
	}
	images.Type = onnxgraph.NewValueInfo("", typ).Type
	return nil
}

// freeBatch makes a fixed batch a free one. Where a Reshape has the batch written into its new shape, it stands there
// afterwards as "what it was before".
func (p *preparation) freeBatch() error {
	images := p.g.GetInput()[slices.IndexFunc(p.g.GetInput(),
		func(v *onnxgraph.ValueInfo) bool { return v.GetName() == graph.Images })]
	typ, err := images.TensorType()
	if err != nil {
		return err
	}
	batch := typ.Shape[0]
	typ.Shape[0] = onnxgraph.Batch()[0]
	images.Type = onnxgraph.NewValueInfo("", typ).Type
	p.g.ValueInfo = nil // declared for the batch that was; all types are inferred anew
	if !batch.Static() || batch.Size == 0 {
		return nil
	}
	p.freeReshapes(batch.Size)
	types, err := onnxgraph.Infer(p.m)
	if err == nil && slices.ContainsFunc(p.given(), func(name string) bool {
		s := types.Of[name].Shape
		return len(s) == 0 || s[0] != typ.Shape[0]
	}) {
		err = errors.New("an output doesn't have the batch as its first dimension")
	}
	if err != nil {
		return fmt.Errorf("the graph was exported for batches of %d images and can't be freed from that: %w; export "+
			"it with a "+
			"free (dynamic) first dimension", batch.Size, err)
	}
	return nil
}

// given are the outputs that the graph has without the heads.
func (p *preparation) given() []string {
	list := []string{graph.Features}
	if p.o.embeddingIsGiven() {
		list = append(list, graph.Embedding)
	}
	return append(list, p.o.Outputs...)
}

func (p *preparation) freeReshapes(batch int64) {
	stored := map[string]*onnxgraph.Tensor{}
	for _, t := range p.g.GetInitializer() {
		stored[t.GetName()] = t
	}
	for _, n := range p.g.GetNode() {
		if n.GetOpType() == "Constant" {
			if t, err := onnxgraph.ConstantValue(n); err == nil {
				stored[n.Out(0)] = t
			}
		}
	}
	b := onnxgraph.Extend(p.m)
	for _, n := range p.g.GetNode() {
		if n.GetOpType() != "Reshape" || n.Int("allowzero", 0) != 0 || stored[n.In(1)] == nil ||
			len(n.GetInput()) != 2 {
			continue
		}
		shape, err := stored[n.In(1)].Ints()
		if err != nil || len(shape) == 0 || shape[0] != batch {
			continue
		}
		free := slices.Clone(shape)
		free[0] = 0
		n.Input[1] = b.Initializer(onnxgraph.NewInts(b.Unique(n.In(1)+"/free"), free...))
	}
}

// normalize puts (images − mean)/std in front. The constants are nodes, so they don't become parameters.
func (p *preparation) normalize() error {
	if len(p.o.Mean) == 0 {
		return nil
	}
	b := onnxgraph.Extend(p.m)
	constant := func(name string, values []float64) (string, *onnxgraph.Node) {
		narrow := make([]float32, channels)
		for i, v := range values {
			narrow[i] = float32(v)
		}
		name = b.Unique(name)
		return name, &onnxgraph.Node{Name: name, OpType: "Constant", Output: []string{name},
			Attribute: []*onnxgraph.Attribute{
				onnxgraph.TensorAttr("value", onnxgraph.NewFloats(name, []int64{1, channels, 1, 1}, narrow)),
			}}
	}
	mean, meanNode := constant("normalize/mean", p.o.Mean)
	std, stdNode := constant("normalize/std", p.o.Std)
	centred, normal := b.Unique("normalize/centred"), b.Unique("normalize")
	for _, n := range p.g.GetNode() {
		for i, in := range n.GetInput() {
			if in == graph.Images {
				n.Input[i] = normal
			}
		}
	}
	p.g.Node = append([]*onnxgraph.Node{meanNode, stdNode,
		{Name: centred, OpType: "Sub", Input: []string{graph.Images, mean}, Output: []string{centred}},
		{Name: normal, OpType: "Div", Input: []string{centred, std}, Output: []string{normal}},
	}, p.g.GetNode()...)
	return nil
}

// addHeads flattens outputs that are no matrices and puts the heads on.
func (p *preparation) addHeads() error {
	for _, name := range p.given() {
		if err := p.flatten(name); err != nil {
			return err
		}
	}
	if err := heads.Extend(p.m, p.o.Heads, p.o.Seed); err != nil {
		return err
	}
	for _, h := range p.o.Heads {
		if output := h.Resolved().Output; !slices.Contains(p.outputs, output) {
			p.outputs = append(p.outputs, output)
		}
	}
	return nil
}

// flatten makes an output [batch, a, b …] a matrix.
func (p *preparation) flatten(name string) error {
	types, err := onnxgraph.Infer(p.m)
	if err != nil {
		return err
	}
	if len(types.Of[name].Shape) < 3 {
		return nil
	}
	inner := onnxgraph.Extend(p.m).Unique(name + "/unflattened")
	renameValue(p.g, name, inner)
	onnxgraph.Extend(p.m).Op("Flatten", name, []string{inner}, onnxgraph.IntAttr("axis", 1))
	return nil
}

func (p *preparation) checkOutputs() error {
	types, err := onnxgraph.Infer(p.m)
	if err != nil {
		return err
	}
	for _, name := range p.outputs {
		if _, err := heads.Columns(name, types); err != nil {
			return err
		}
		p.g.Output = append(p.g.Output, onnxgraph.NewValueInfo(name, types.Of[name]))
	}
	return onnxgraph.Check(p.m)
}
