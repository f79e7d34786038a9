package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// Matrix products become ordo's where they are worth it. A product with one matrix for all rows is a Linear, which
// takes in the Transpose that exporters put behind the weights and the addition of a bias. Batches of products are a
// MatMul, which reads operands and writes its result in any order of dimensions: Transposes around it, and
// multiplications by a number, become attributes.
//
// A Linear of few numbers isn't worth it: the heads' on one row an image are as fast, or as slow, in ONNX Runtime.
const (
	minWeights       = 1 << 10 // of a Linear on many rows an image
	minWeightsPerRow = 1 << 15 // of one on a row an image
)

// products replaces matrix products.
func (a *acceleration) products(nodes []*onnxgraph.Node, outputs []string) []*onnxgraph.Node {
	was := nodes
	nodes = a.splitBeforeTranspose(nodes, outputs)
	found := false
	for i, n := range nodes {
		m := a.linear(n)
		if m == nil {
			m = a.matMul(n)
		}
		if m != nil {
			nodes[i], found = m, true
		}
	}
	if !found {
		return was
	}
	// What has been taken in is not needed before, and what comes behind has now one use.
	nodes = upstream(nodes, outputs)
	a.look(nodes, outputs)
	// for each node that is there no longer, what stands there instead, or nil
	place := map[*onnxgraph.Node]*onnxgraph.Node{}
	for _, n := range nodes {
		if n.GetDomain() != graph.Domain {
			continue
		}
		last := n
		for next := a.user(n); next != nil && a.takeIn(n, next); next = a.user(n) {
			place[last], place[next] = nil, n
			last = next
		}
	}
	var out []*onnxgraph.Node
	for _, n := range nodes {
		m, moved := place[n]
		switch {
		case !moved:
			out = append(out, n)
		case m != nil:
			out = append(out, m)
		}
	}
	return out
}

// user returns the node that alone takes the result of n; nil if there are others, or it's an output.
func (a *acceleration) user(n *onnxgraph.Node) *onnxgraph.Node {
	if a.uses[n.Out(0)] != 1 || len(a.users[n.Out(0)]) != 1 {
		return nil
	}
	return a.users[n.Out(0)][0]
}

// linear makes a product with one matrix a Linear, without what follows it; nil if it isn't one.
func (a *acceleration) linear(n *onnxgraph.Node) *onnxgraph.Node {
	x, weights, bias, transposed := n.In(0), n.In(1), "", int64(0)
	switch {
	case n.GetDomain() != "":
		return nil
	case n.GetOpType() == "MatMul":
		if t := a.makers[weights]; t != nil && t.GetDomain() == "" && t.GetOpType() == "Transpose" &&
			len(a.typeOf(weights).Shape) == 2 {
			if perm, err := onnxgraph.Permutation(t, 2); err == nil && perm[0] == 1 {
				weights, transposed = t.In(0), 1
			}
		}
	case n.GetOpType() == "Gemm":
		bias, transposed = n.In(2), boolInt(n.Int("transB", 0) != 0)
		if n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 || bias != "" &&
			!a.isBias(bias, n.Out(0)) {
			return nil
		}
	default:
		return nil
	}
	rank, sizes := len(a.typeOf(x).Shape), a.typeOf(weights).Shape
	values, ok := sizes.Elements()
	least := int64(minWeights)
	if rank == 2 {
		least = minWeightsPerRow
	}
	if rank < 2 || len(sizes) != 2 || !ok || values < least || !a.isFloat(x) || !a.isFloat(weights) {
		return nil
	}
	inputs := []string{x, weights}
	if bias != "" {
		inputs = append(inputs, bias)
	}
	return product(graph.Linear, n.GetName(), inputs, n.GetOutput()[:1], onnxgraph.IntAttr("trans_w", transposed))
}

// product is a node of domain ordo for a matrix product.
func product(op, name string, inputs, outputs []string, attributes ...*onnxgraph.Attribute) *onnxgraph.Node {
	return &onnxgraph.Node{Name: name, OpType: op, Domain: graph.Domain, Input: inputs, Output: slices.Clone(outputs),
		Attribute: attributes}
}

func (a *acceleration) isFloat(name string) bool { return a.typeOf(name).Elem == onnxgraph.Float32 }

// isBias says whether a value has one number for each column of another.
func (a *acceleration) isBias(name, of string) bool {
	b, y := a.typeOf(name).Shape, a.typeOf(of).Shape
	return a.isFloat(name) && len(b) == 1 && len(y) > 0 && b[0].Static() && b[0] == y[len(y)-1]
}

// matMul makes a batch of products a MatMul; nil if n isn't one.
func (a *acceleration) matMul(n *onnxgraph.Node) *onnxgraph.Node {
	if n.GetDomain() != "" || n.GetOpType() != "MatMul" {
		return nil
	}
	as, bs := a.typeOf(n.In(0)).Shape, a.typeOf(n.In(1)).Shape
	if len(as) < 3 || len(as) != len(bs) || !a.isFloat(n.In(0)) || !a.isFloat(n.In(1)) {
		return nil
	}
	for i, d := range as[:len(as)-2] {
		if d != bs[i] || d == onnxgraph.Unknown {
			return nil
		}
	}
	left, right := a.operand(n.In(0)), a.operand(n.In(1))
	return product(graph.MatMul, n.GetName(), []string{left.name, right.name}, n.GetOutput(),
		productAttributes(left.perm, right.perm, unchanged(len(as)), left.alpha*right.alpha)...)
}

// unchanged is the order of dimensions that changes nothing.
func unchanged(rank int) []int64 {
	perm := make([]int64, rank)
	for i := range perm {
		perm[i] = int64(i)
	}
	return perm
}

func productAttributes(permA, permB, permY []int64, alpha float32) []*onnxgraph.Attribute {
	return []*onnxgraph.Attribute{
		onnxgraph.IntsAttr("perm_a", permA...), onnxgraph.IntsAttr("perm_b", permB...),
		onnxgraph.IntsAttr("perm_y", permY...),
		onnxgraph.FloatAttr("alpha", alpha),
	}
}

// source is a value, an order of its dimensions and a factor.
type source struct {
	name  string
	perm  []int64
	alpha float32
}

// operand goes back from an operand over Transposes and multiplications by a number to what they are made of, as far as
// its rows or its columns lie together in memory.
func (a *acceleration) operand(name string) source {
	s := source{name, unchanged(len(a.typeOf(name).Shape)), 1}
	found := s
	for {
		n := a.makers[s.name]
		if n == nil || n.GetDomain() != "" {
			return found
		}
		switch n.GetOpType() {
		case "Transpose":
			perm, err := onnxgraph.Permutation(n, len(s.perm))
			if err != nil {
				return found
			}
			s = source{n.In(0), compose(perm, s.perm), s.alpha}
		case "Mul":
			x, factor, ok := a.scaled(n)
			if !ok {
				return found
			}
			s = source{x, s.perm, s.alpha * factor}
		default:
			return found
		}
		if endsInMatrix(inverse(s.perm)) {
			found = s
		}
	}
}

// scaled takes a multiplication by a stored number apart.
func (a *acceleration) scaled(n *onnxgraph.Node) (x string, factor float32, ok bool) {
	for i := range 2 {
		stored := a.constants[n.In(1-i)]
		if stored == nil || len(a.typeOf(n.In(1-i)).Shape) > len(a.typeOf(n.In(i)).Shape) {
			continue
		}
		if values, err := stored.Floats(); err == nil && len(values) == 1 && len(n.GetInput()) == 2 {
			return n.In(i), values[0], true
		}
	}
	return "", 0, false
}

// compose is the order of a Transpose followed by another.
func compose(first, second []int64) []int64 {
	perm := make([]int64, len(first))
	for i, p := range second {
		perm[i] = first[p]
	}
	return perm
}

func inverse(perm []int64) []int64 {
	inverse := make([]int64, len(perm))
	for i, p := range perm {
		inverse[p] = int64(i)
	}
	return inverse
}

// endsInMatrix says whether the last dimension of a Transpose's result is one of the last two before.
func endsInMatrix(perm []int64) bool { return perm[len(perm)-1] >= int64(len(perm)-2) }

// takeIn lets a product do what the node behind it does, if it can.
func (a *acceleration) takeIn(n, next *onnxgraph.Node) bool {
	if next.GetDomain() != "" {
		return false
	}
	switch op := next.GetOpType(); {
	case n.GetOpType() == graph.Linear && op == "Add" && len(n.GetInput()) == 2:
		bias := next.In(0)
		if bias == n.Out(0) {
			bias = next.In(1)
		}
		if !a.isBias(bias, n.Out(0)) {
			return false
		}
		n.Input = append(n.Input, bias)
	case n.GetOpType() == graph.MatMul && op == "Transpose":
		perm, err := onnxgraph.Permutation(next, len(a.typeOf(n.Out(0)).Shape))
		if err != nil {
			return false
		}
		if perm = compose(n.Ints("perm_y"), perm); !endsInMatrix(perm) {
			return false
		}
		n.Attribute = productAttributes(n.Ints("perm_a"), n.Ints("perm_b"), perm, n.Float("alpha", 1))
	case n.GetOpType() == graph.MatMul && op == "Mul":
		_, factor, ok := a.scaled(next)
		if !ok {
			return false
		}
		n.Attribute = productAttributes(n.Ints("perm_a"), n.Ints("perm_b"), n.Ints("perm_y"),
			n.Float("alpha", 1)*factor)
	default:
		return false
	}
	n.Output = []string{next.Out(0)}
	return true
}

// splitBeforeTranspose turns around a Transpose, a Split and a Squeeze of its parts, as attention has them between the
// joint product for queries, keys and values and each of these: the Transposes then come last, where products take them
// in.
func (a *acceleration) splitBeforeTranspose(nodes []*onnxgraph.Node, outputs []string) []*onnxgraph.Node {
	var out []*onnxgraph.Node
	// of a Squeeze: that of the part before the Transpose, which is then done
	instead := map[*onnxgraph.Node]*onnxgraph.Node{}
	perms := map[*onnxgraph.Node][]int64{}
	for _, n := range nodes {
		if squeeze := instead[n]; squeeze != nil {
			part := a.hidden(n.Out(0)+"/part", onnxgraph.FloatType(transposed(a.typeOf(n.Out(0)).Shape,
				inverse(perms[n]))))
			squeeze.Output = []string{part}
			out = append(out, squeeze, &onnxgraph.Node{
				Name: n.GetName() + "/transpose", OpType: "Transpose", Input: []string{part}, Output: n.GetOutput(),
				Attribute: []*onnxgraph.Attribute{onnxgraph.IntsAttr("perm", perms[n]...)},
			})
			continue
		}
		perm, axis, parts := a.splitParts(n)
		if parts == nil {
			out = append(out, n)
			continue
		}
		before := a.makers[n.In(0)].In(0)
		split := &onnxgraph.Node{Name: n.GetName(), OpType: "Split", Input: slices.Concat([]string{before},
			n.GetInput()[1:])}
		for _, attribute := range n.GetAttribute() {
			if attribute.GetName() != "axis" {
				split.Attribute = append(split.Attribute, attribute)
			}
		}
		split.Attribute = append(split.Attribute, onnxgraph.IntAttr("axis", perm[axis]))
		rest := slices.Delete(slices.Clone(perm), axis, axis+1)
		for i, p := range rest {
			if p > perm[axis] {
				rest[i]--
			}
		}
		for i, name := range n.GetOutput() {
			shape := transposed(a.typeOf(name).Shape, inverse(perm))
			split.Output = append(split.Output, a.hidden(name+"/untransposed", onnxgraph.FloatType(shape)))
			instead[parts[i]] = &onnxgraph.Node{
				Name: parts[i].GetName(), OpType: "Squeeze", Input: []string{split.Output[i],
					a.store(onnxgraph.NewInts(a.b.Unique("/axis"), perm[axis]))},
			}
			perms[parts[i]] = rest
		}
		out = append(out, split)
	}
	out = upstream(out, outputs)
	a.look(out, outputs)
	return out
}

// splitParts looks for a Split behind a Transpose in parts of one that are squeezed: the Transpose's order, the
// dimension, the Squeezes.
func (a *acceleration) splitParts(n *onnxgraph.Node) (perm []int64, axis int, squeezes []*onnxgraph.Node) {
	if n.GetDomain() != "" || n.GetOpType() != "Split" || a.before(n.In(0), "Transpose") == nil || !a.isFloat(n.In(0)) {
		return nil, 0, nil
	}
	shape := a.typeOf(n.In(0)).Shape
	if axis = int(n.Int("axis", 0)); axis < 0 {
		axis += len(shape)
	}
	perm, err := onnxgraph.Permutation(a.makers[n.In(0)], len(shape))
	if err != nil {
		return nil, 0, nil
	}
	for _, part := range n.GetOutput() {
		if a.uses[part] != 1 || len(a.users[part]) != 1 || a.typeOf(part).Shape[axis] != (onnxgraph.Dim{Size: 1}) {
			return nil, 0, nil
		}
		squeeze := a.users[part][0]
		axes, ok := numbersOf(a.types.Values[squeeze.In(1)])
		if squeeze.GetDomain() != "" || squeeze.GetOpType() != "Squeeze" || !ok || len(axes) != 1 ||
			axes[0] != int64(axis) {
			return nil, 0, nil
		}
		squeezes = append(squeezes, squeeze)
	}
	return perm, axis, squeezes
}

// transposed is a shape with its dimensions in another order.
func transposed(s onnxgraph.Shape, perm []int64) onnxgraph.Shape {
	out := make(onnxgraph.Shape, len(s))
	for i, p := range perm {
		out[i] = s[p]
	}
	return out
}

func kernelLinearGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, weights, bias := n.In(0), n.In(1), n.In(2)
	outputs := []value{t.gradientOf(x), t.gradientOf(weights), t.gradientOf(bias)}
	return t.domainOp(graph.Domain, graph.LinearGrad, []string{dy[0], x, weights}, outputs, n.GetAttribute()...), nil
}

// kernelMatMulGradient: the gradients of an operand are products of the same kind, da = alpha·dy·bᵀ and db =
// alpha·aᵀ·dy, each written in the order in which the operand lies.
func kernelMatMulGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	a, b := n.In(0), n.In(1)
	permA, permB, permY, alpha := n.Ints("perm_a"), n.Ints("perm_b"), n.Ints("perm_y"), n.Float("alpha", 1)
	turned := func(perm []int64) []int64 {
		perm = slices.Clone(perm)
		last := len(perm) - 1
		perm[last], perm[last-1] = perm[last-1], perm[last]
		return perm
	}
	dx := make([]string, 2)
	if t.wanted[a] {
		attributes := productAttributes(inverse(permY), turned(permB), inverse(permA), alpha)
		dx[0] = t.domainOp(graph.Domain, graph.MatMul, []string{dy[0], b}, []value{t.gradientOf(a)}, attributes...)[0]
	}
	if t.wanted[b] {
		attributes := productAttributes(turned(permA), inverse(permY), inverse(permB), alpha)
		dx[1] = t.domainOp(graph.Domain, graph.MatMul, []string{a, dy[0]}, []value{t.gradientOf(b)}, attributes...)[0]
	}
	return dx, nil
}
