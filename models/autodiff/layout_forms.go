package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// elementwise lists the operators that act on each element by itself, their operands broadcast to each other.
var elementwise = map[string]bool{
	"Abs": true, "Add": true, "And": true, "Atan": true, "Cast": true, "Ceil": true, "Celu": true, "Clip": true,
	"Cos": true,
	"Div": true, "Elu": true, "Equal": true, "Erf": true, "Exp": true, "Floor": true, "Gelu": true, "Greater": true,
	"HardSigmoid": true, "HardSwish": true, "Identity": true, "LeakyRelu": true, "Less": true, "Log": true, "Max": true,
	"Mean": true, "Min": true, "Mish": true, "Mul": true, "Neg": true, "PRelu": true, "Pow": true, "Reciprocal": true,
	"Relu": true, "Round": true, "Selu": true, "Sigmoid": true, "Sign": true, "Sin": true, "Softplus": true,
	"Softsign": true,
	"Sqrt":     true, "Sub": true, "Sum": true, "Tan": true, "Tanh": true, "Where": true,
}

// elementwiseGradients are those of ONNX Runtime's own domain.
var elementwiseGradients = map[string]bool{
	"ReluGrad": true, "SigmoidGrad": true, "TanhGrad": true, "GeluGrad": true, "FastGeluGrad": true,
}

// reductions lists the operators that take dimensions together.
var reductions = map[string]bool{
	"ReduceL1": true, "ReduceL2": true, "ReduceLogSumExp": true, "ReduceMax": true, "ReduceMean": true,
	"ReduceMin": true,
	"ReduceSum": true, "ReduceSumSquare": true,
}

// lastAxis is where a dimension of [N, C, H, W] is in [N, H, W, C].
var lastAxis = [4]int64{0, 3, 1, 2}

// The permutations that a Transpose needs between both shapes.
var (
	toLast  = []int64{0, 2, 3, 1}
	toPlain = []int64{0, 3, 1, 2}
)

// flexible changes the form of a node that takes images in both orders.
func (a *arrangement) flexible(n *onnxgraph.Node, f *form) {
	ours := n.GetDomain() == graph.Domain && (n.GetOpType() == graph.Activation ||
		n.GetOpType() == graph.ActivationGrad)
	gradient := ours || n.GetDomain() == graph.Microsoft && elementwiseGradients[n.GetOpType()]
	if !gradient && n.GetDomain() != "" || !slices.Contains(slices.Concat(f.in, f.out), plain) {
		return
	}
	op := n.GetOpType()
	switch {
	case gradient || elementwise[op]:
		a.flexibleElements(n, f)
	case reductions[op]:
		a.flexibleReduction(n, f)
	case op == "GlobalAveragePool" && a.viewable(n.In(0)):
		a.own(f)
		f.rewrite = func(a *arrangement, n *onnxgraph.Node) {
			n.OpType = "ReduceMean"
			a.reduce(n, []int64{1, 2}, a.model.Opset("") < 18, onnxgraph.IntAttr("keepdims", 1))
		}
	case op == "Expand":
		target, ok := a.storedInts(n.In(1))
		if ok && len(target) == 4 && a.viewable(n.In(0)) && a.viewable(n.Out(0)) {
			a.own(f)
			f.rewrite = func(a *arrangement, n *onnxgraph.Node) {
				n.Input[1] = a.ints(target[0], target[2], target[3], target[1])
				a.appendViewed(n, 1)
			}
		}
	case op == "Concat":
		a.flexibleJoint(n, f, len(n.GetInput()))
	case op == "Split":
		a.flexibleJoint(n, f, 1)
	case op == "Transpose":
		a.flexibleTranspose(n, f)
	}
}

// own lets the node choose the order of all its images.
func (a *arrangement) own(f *form) {
	for _, list := range [][]layout{f.in, f.out} {
		for k, o := range list {
			if o == plain {
				list[k] = own
			}
		}
	}
}

func (a *arrangement) flexibleElements(n *onnxgraph.Node, f *form) {
	if len(n.GetOutput()) != 1 || !a.viewable(n.Out(0)) {
		return
	}
	shape := a.typeOf(n.Out(0)).Shape
	same := true
	for _, in := range n.GetInput() {
		if in == "" || a.single(in) {
			continue
		}
		if !a.viewable(in) {
			return
		}
		same = same && slices.Equal(a.typeOf(in).Shape, shape)
	}
	a.own(f)
	if !same {
		f.rewrite = func(a *arrangement, n *onnxgraph.Node) { a.appendViewed(n, len(n.GetInput())) }
	}
}

func (a *arrangement) flexibleReduction(n *onnxgraph.Node, f *form) {
	axes, ok := a.storedInts(n.In(1))
	attribute := n.In(1) == ""
	if attribute {
		axes, ok = n.Ints("axes"), true
	}
	if !ok || len(axes) == 0 || !a.viewable(n.In(0)) {
		return
	}
	var moved []int64
	gone := [4]bool{}
	for _, axis := range axes {
		if axis < 0 {
			axis += 4
		}
		moved, gone[axis] = append(moved, lastAxis[axis]), true
	}
	slices.Sort(moved)
	keep := n.Int("keepdims", 1)
	// Without the reduced dimensions, the channels must not have come behind others.
	if keep == 0 && !gone[1] && (!gone[2] || !gone[3]) {
		return
	}
	a.own(f)
	f.rewrite = func(a *arrangement, n *onnxgraph.Node) {
		a.reduce(n, moved, attribute, onnxgraph.IntAttr("keepdims", keep))
	}
}

// reduce adds a reduction of a view.
func (a *arrangement) reduce(n *onnxgraph.Node, axes []int64, attribute bool, keep *onnxgraph.Attribute) {
	n.Attribute = []*onnxgraph.Attribute{keep}
	n.Input = n.Input[:1]
	if attribute {
		n.Attribute = append(n.Attribute, onnxgraph.IntsAttr("axes", axes...))
	} else {
		n.Input = append(n.Input, a.ints(axes...))
	}
	a.appendViewed(n, 1)
}

// flexibleJoint: operators that join or part along a dimension; the first inputs are images.
func (a *arrangement) flexibleJoint(n *onnxgraph.Node, f *form, images int) {
	for _, name := range slices.Concat(n.GetInput()[:images], n.GetOutput()) {
		if len(a.typeOf(name).Shape) != 4 || !a.viewable(name) {
			return
		}
	}
	axis := n.Int("axis", 0)
	if axis < 0 {
		axis += 4
	}
	a.own(f)
	f.rewrite = func(a *arrangement, n *onnxgraph.Node) {
		n.Attribute = slices.Clone(n.GetAttribute())
		n.Attribute = slices.DeleteFunc(n.Attribute,
			func(at *onnxgraph.Attribute) bool { return at.GetName() == "axis" })
		n.Attribute = append(n.Attribute, onnxgraph.IntAttr("axis", lastAxis[axis]))
		a.appendViewed(n, images)
	}
}

// flexibleTranspose: of images with the channels last, the Transpose that puts them last is done.
func (a *arrangement) flexibleTranspose(n *onnxgraph.Node, f *form) {
	perm, err := onnxgraph.Permutation(n, len(a.typeOf(n.In(0)).Shape))
	if err != nil {
		return
	}
	switch {
	case slices.Equal(perm, toLast) && f.in[0] == plain && a.viewable(n.In(0)):
		f.in[0] = own
	case slices.Equal(perm, toPlain) && f.out[0] == plain && a.viewable(n.Out(0)):
		f.out[0] = own
	default:
		return
	}
	f.moves = a.size(n.In(0))
	f.rewrite = func(a *arrangement, n *onnxgraph.Node) {
		s := a.typeOf(n.Out(0)).Shape
		n.OpType, n.Attribute = "Reshape", nil
		n.Input = append(n.Input, a.ints(0, s[1].Size, s[2].Size, s[3].Size))
		a.nodes = append(a.nodes, n)
	}
}

// storedInts returns the numbers of a stored value.
func (a *arrangement) storedInts(name string) ([]int64, bool) {
	s := a.stored[name]
	if s == nil {
		return nil, false
	}
	values, err := s.Ints()
	return values, err == nil
}

// single says whether a value has one element.
func (a *arrangement) single(name string) bool {
	typ := a.typeOf(name)
	n, ok := typ.Shape.Elements()
	return ok && n == 1 && len(typ.Shape) <= 4 && typ.Elem != 0
}

// viewable says whether a value can be viewed with the channels last: images of fixed sizes, or an operand of fewer
// dimensions, which is broadcast along others, and whose order makes no difference.
func (a *arrangement) viewable(name string) bool {
	s := a.typeOf(name).Shape
	if len(s) == 4 {
		n, ok := s[1:].Elements()
		return ok && n > 0
	}
	n, ok := s.Elements()
	return ok && n > 0 && len(s) > 0 && len(s) < 4 && (len(s) < 3 || s[0].Size == 1 || s[1].Size*s[2].Size == 1)
}

// viewOf returns the shape of a value's view and what a Reshape to it takes.
func (a *arrangement) viewOf(name string) (onnxgraph.Shape, []int64) {
	s := a.typeOf(name).Shape
	batch := int64(0) // as it was
	for len(s) < 4 {
		s, batch = append(onnxgraph.Static(1), s...), 1
	}
	return onnxgraph.Shape{s[0], s[2], s[3], s[1]}, []int64{batch, s[2].Size, s[3].Size, s[1].Size}
}

// view returns a value as [N, H, W, C].
func (a *arrangement) view(name string) string {
	if name == "" || a.single(name) {
		return name
	}
	if a.views[name] == "" {
		shape, target := a.viewOf(name)
		view := a.b.Unique(name + viewSuffix)
		a.declare(view, onnxgraph.TensorType{Elem: a.typeOf(name).Elem, Shape: shape})
		a.nodes = append(a.nodes, &onnxgraph.Node{Name: view, OpType: "Reshape",
			Input: []string{name, a.ints(target...)}, Output: []string{view}})
		a.views[name] = view
	}
	return a.views[name]
}

// viewSuffix ends the names of views.
const viewSuffix = "/channels_last"

// appendViewed adds a node that takes its first inputs, and gives what of its outputs are images, as views.
func (a *arrangement) appendViewed(n *onnxgraph.Node, inputs int) {
	for k := range inputs {
		n.Input[k] = a.view(n.Input[k])
	}
	outputs := slices.Clone(n.GetOutput())
	n.Output = slices.Clone(outputs)
	for k, out := range outputs {
		if len(a.typeOf(out).Shape) != 4 {
			continue
		}
		shape, _ := a.viewOf(out)
		n.Output[k] = a.b.Unique(out + viewSuffix)
		a.declare(n.Output[k], onnxgraph.TensorType{Elem: a.typeOf(out).Elem, Shape: shape})
		a.views[out] = n.Output[k]
	}
	a.nodes = append(a.nodes, n)
	for k, out := range outputs {
		if n.Output[k] != out {
			s := a.typeOf(out).Shape
			a.nodes = append(a.nodes, &onnxgraph.Node{
				Name: "Reshape/" + out, OpType: "Reshape", Input: []string{n.Output[k],
					a.ints(0, s[1].Size, s[2].Size, s[3].Size)}, Output: []string{out},
			})
		}
	}
}
