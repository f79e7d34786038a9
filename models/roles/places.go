package roles

import (
	"math"
	"slices"

	"ordo/models/onnxgraph"
)

// tracer finds the places of stored tensors in a graph.
type tracer struct {
	uses map[string][]use
	// stored are the values that depend on stored tensors alone.
	stored map[string]bool
	// pixels are the images, and what is made of them and stored tensors without a layer.
	pixels map[string]bool
}

type use struct {
	node  *onnxgraph.Node
	input int
}

func newTracer(g *onnxgraph.Graph) *tracer {
	needed := upstream(g)
	t := &tracer{uses: map[string][]use{}, stored: map[string]bool{"": true}, pixels: map[string]bool{}}
	for _, s := range g.GetInitializer() {
		t.stored[s.GetName()] = true
	}
	for _, v := range g.GetInput() {
		if !t.stored[v.GetName()] {
			t.pixels[v.GetName()] = true
		}
	}
	for _, n := range g.GetNode() {
		if !needed[n] {
			continue
		}
		inner, raw := true, false
		for i, in := range n.GetInput() {
			t.uses[in] = append(t.uses[in], use{n, i})
			inner = inner && t.stored[in]
			raw = raw || t.pixels[in]
		}
		raw = raw && prepares(n.GetOpType()) && !slices.ContainsFunc(n.GetInput(), func(in string) bool {
			return !t.pixels[in] && !t.stored[in]
		})
		for _, out := range n.GetOutput() {
			t.stored[out] = inner || out == ""
			t.pixels[out] = raw && out != ""
		}
	}
	return t
}

// upstream are the nodes on which the graph's outputs depend.
func upstream(g *onnxgraph.Graph) map[*onnxgraph.Node]bool {
	wanted, needed := map[string]bool{}, map[*onnxgraph.Node]bool{}
	for _, v := range g.GetOutput() {
		wanted[v.GetName()] = true
	}
	for _, n := range slices.Backward(g.GetNode()) {
		if slices.ContainsFunc(n.GetOutput(), func(out string) bool { return out != "" && wanted[out] }) {
			needed[n] = true
			for _, in := range n.GetInput() {
				wanted[in] = true
			}
		}
	}
	return needed
}

// prepares says whether an operator may stand before the first layer of a network.
func prepares(op string) bool {
	switch op {
	case "Add", "Sub", "Mul", "Div", "Neg", "Cast", "Clip", "Pad", "Resize", "Split", "Slice", "Gather", "Concat":
		return true
	}
	return isForm(op)
}

// isForm says whether an operator gives its first input in another form.
func isForm(op string) bool {
	switch op {
	case "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile", "Cast", "Slice",
		"Split":
		return true
	}
	return false
}

// settings lists the inputs of an operator that say what it does, rather than to what.
func settings(op string) []int {
	switch op {
	case "Clip":
		return []int{1, 2}
	case "Pad", "Resize":
		return []int{1, 2, 3}
	case "Dropout":
		return []int{1}
	}
	return nil
}

// blind says whether an operator's result tells nothing of small changes of its operands.
func blind(op string) bool {
	switch op {
	case "Shape", "Size", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN", "IsInf", "Sign", "Floor",
		"Ceil", "Round", "ArgMax", "ArgMin", "Range", "ConstantOfShape":
		return true
	}
	return false
}

// step is a value on the way from a stored tensor to its places.
type step struct {
	value   string
	path    []*onnxgraph.Node
	derived bool
}

// places finds those of a stored tensor. A literal is a number that the file has as such: it can't be a parameter
// unless its name says so.
func (t *tracer) places(s *onnxgraph.Tensor, literal bool) []Place {
	var found []Place
	seen := map[string]bool{}
	for todo := []step{{value: s.GetName()}}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if at.value == "" || seen[at.value] {
			continue
		}
		seen[at.value] = true
		for _, u := range t.uses[at.value] {
			op := u.node.GetOpType()
			form := isForm(op) && u.input == 0
			kind, known := t.early(u)
			if op == "Concat" && fillsKeys(s) {
				kind, known = Filler, true
			}
			switch {
			case known:
			case form || t.othersStored(u):
				path := append(slices.Clip(at.path), u.node)
				for _, out := range u.node.GetOutput() {
					todo = append(todo, step{out, path, at.derived || !form})
				}
				continue
			default:
				kind = t.kind(s, u, at.derived, literal)
			}
			found = append(found, Place{Kind: kind, Node: u.node, Input: u.input, path: at.path, derived: at.derived})
		}
	}
	return found
}

// fillsKeys says whether a tensor stands between the biases of queries and values, where keys have none.
func fillsKeys(s *onnxgraph.Tensor) bool {
	v, same := uniform(s)
	return same && v == 0 && lastPart(s.GetName()) == "k_bias"
}

// early tells the kinds that are known without a look at the tensor, also where nothing but stored tensors meets.
func (t *tracer) early(u use) (Kind, bool) {
	op := u.node.GetOpType()
	switch {
	case slices.Contains(settings(op), u.input) || blind(op):
		return Setting, true
	case (op == "Cos" || op == "Sin") && t.othersStored(u):
		return Table, true
	case (op == "MatMul" || op == "Gemm") && u.input < 2 && t.othersStored(u):
		// A small network inside, such as the one that gives continuous position biases: what it is asked is no weight.
		return []Kind{Table, Weight}[u.input], true
	}
	return "", false
}

// othersStored says whether the node of a use takes nothing but stored tensors.
func (t *tracer) othersStored(u use) bool {
	return !slices.ContainsFunc(u.node.GetInput(), func(in string) bool { return !t.stored[in] })
}

// kind tells what a tensor is to a node that takes data as well.
func (t *tracer) kind(s *onnxgraph.Tensor, u use, derived, literal bool) Kind {
	name := s.GetName()
	if derived && count(s) == 1 && (literal || madeUp(name)) {
		return Number
	}
	if derived && saysConstant(name) {
		return Table
	}
	switch u.node.GetOpType() {
	case "Conv", "ConvTranspose":
		switch {
		case u.input > 1:
			return Bias
		case saysFilter(name):
			return Filter
		}
		return Weight
	case "Gemm":
		if u.input == 2 {
			return Bias
		}
		return Weight
	case "MatMul", "Einsum":
		// Rows of rows that are multiplied from the right are no weights, such as positions beside each other (ConViT).
		if u.input == 0 && len(s.GetDims()) > 2 && (madeUp(name) || saysConstant(name)) {
			return Table
		}
		return Weight
	case "BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization":
		return normKind(s, u.input)
	case "PRelu":
		return Slope
	case "Gather", "GatherElements", "GatherND":
		if saysConstant(name) {
			return Table
		}
		return Embedding
	case "Concat":
		if v, same := uniform(s); same && v == 0 && madeUp(name) {
			return Number // nothing that is put there to fill up
		}
		if saysConstant(name) {
			return Table
		}
		return Token
	}
	return t.elementwise(s, u, derived, literal)
}

// normKind tells scale, shift and statistics of a norm apart, and what only fills their place.
func normKind(s *onnxgraph.Tensor, input int) Kind {
	kind := []Kind{Operand, Scale, Shift, Mean, Variance}[min(input, 4)]
	if v, same := uniform(s); same && madeUp(s.GetName()) &&
		(kind == Scale && v == 1 || kind == Shift && v == 0) {
		return Filler
	}
	return kind
}

// elementwise tells what a tensor is that is combined with data element by element, where the name decides.
func (t *tracer) elementwise(s *onnxgraph.Tensor, u use, derived, literal bool) Kind {
	name, op, number := s.GetName(), u.node.GetOpType(), count(s) == 1
	onPixels := slices.ContainsFunc(u.node.GetInput(), func(in string) bool { return t.pixels[in] })
	switch {
	case !madeUp(name) && saysParameter(name):
		return operand(op, name)
	case saysConstant(name) && !number:
		return Table
	case onPixels && (madeUp(name) || literal || saysPixels(name)):
		return Normalisation
	case number && (madeUp(name) || literal || saysConstant(name)):
		return Number
	case !madeUp(name):
		return operand(op, name)
	case derived:
		return Table
	}
	switch op {
	case "Add", "Sub", "Sum":
		switch {
		case isMask(s):
			return Mask
		case isSinusoid(s):
			return Table
		}
		return Bias
	case "Mul":
		if breadth(s) <= 1 {
			return Scale
		}
	}
	return Table // what data are divided by, too: networks multiply by what they learn
}

// operand is the kind of a parameter that an element-wise operator takes.
func operand(op, name string) Kind {
	switch op {
	case "Add", "Sub", "Sum":
		// "patch_embed.norm.bias" is no embedding.
		if !hasWord(lastPart(name), "bias") &&
			hasWord(name, "embed", "embedding", "embeddings", "pos", "position", "positional", "positions") {
			return Embedding
		}
		return Bias
	case "Mul", "Div":
		return Scale
	}
	return Operand
}

// count is the number of elements, 0 for an impossible shape.
func count(s *onnxgraph.Tensor) int64 {
	n, _ := s.Type().Shape.Elements()
	return n
}

// breadth is the number of dimensions that aren't 1.
func breadth(s *onnxgraph.Tensor) int {
	wide := 0
	for _, d := range s.GetDims() {
		if d != 1 {
			wide++
		}
	}
	return wide
}

// uniform gives the value of all elements, and false where they differ or are none.
func uniform(s *onnxgraph.Tensor) (float32, bool) {
	values, err := s.Floats()
	if err != nil || len(values) == 0 {
		return 0, false
	}
	return values[0], !slices.ContainsFunc(values, func(v float32) bool { return v != values[0] })
}

// isMask says whether a tensor is 0 in some places and hides others from a softmax.
func isMask(s *onnxgraph.Tensor) bool {
	values, err := s.Floats()
	hides := false
	for _, v := range values {
		if v != 0 && v > -99 {
			return false
		}
		hides = hides || v != 0
	}
	return err == nil && hides
}

// isSinusoid says whether a table of several dimensions is made of sines and cosines: the squares of each pair sum to
// 1, which no embedding's do that was drawn or trained.
func isSinusoid(s *onnxgraph.Tensor) bool {
	values, err := s.Floats()
	if err != nil || breadth(s) < 2 {
		return false
	}
	sum := 0.0
	for _, v := range values {
		if math.Abs(float64(v)) > 1+1e-5 {
			return false
		}
		sum += float64(v) * float64(v)
	}
	return math.Abs(sum/float64(len(values))-0.5) < 1e-4
}
