package autodiff

import (
	"math"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// Activations, layer norms and products with a factor for each channel become ordo's, whose gradients are computed in
// one pass. An activation may be several nodes: exporters write SiLU as x·σ(x), and GELU, before it was an operator, as
// x/2·(1 + erf(x/√2)).

// The kinds of graph.Activation.
const (
	hardSigmoid = "hard_sigmoid"
	hardSwish   = "hard_swish"
	sigmoid     = "sigmoid"
	silu        = "silu"
	gelu        = "gelu"
	geluTanh    = "gelu_tanh"
)

// pointwise replaces what acts on elements and rows by operators of domain ordo.
func (t *training) pointwise(nodes []*onnxgraph.Node, outputs []string) []*onnxgraph.Node {
	t.fastSoftmax = true
	p := &pointwise{training: t, uses: map[string]int{}, makers: map[string]*onnxgraph.Node{},
		merged: map[*onnxgraph.Node]bool{}}
	for _, n := range nodes {
		p.images = p.images || n.GetDomain() == graph.Domain && n.GetOpType() == graph.Conv
		for _, in := range n.GetInput() {
			p.uses[in]++
		}
		for _, out := range n.GetOutput() {
			p.makers[out] = n
		}
	}
	for _, name := range outputs {
		p.uses[name]++
	}
	replaced := map[*onnxgraph.Node]*onnxgraph.Node{}
	// From the end: the last node of several is met before those that it takes along.
	for _, n := range slices.Backward(nodes) {
		if !p.merged[n] && n.GetDomain() == "" && len(n.GetOutput()) > 0 &&
			t.typeOf(n.Out(0)).Elem == onnxgraph.Float32 {
			replaced[n] = p.replace(n)
		}
	}
	var out []*onnxgraph.Node
	for _, n := range nodes {
		switch {
		case replaced[n] != nil:
			out = append(out, replaced[n])
		case !p.merged[n]:
			out = append(out, n)
		}
	}
	return out
}

// pointwise is what training.pointwise knows of the forward nodes.
type pointwise struct {
	*training
	uses   map[string]int
	makers map[string]*onnxgraph.Node
	merged map[*onnxgraph.Node]bool // nodes that have become part of another
	images bool                     // there are convolutions with their channels last
}

// replace returns ordo's operator for a node and what is in front of it, nil if there is none.
func (p *pointwise) replace(n *onnxgraph.Node) *onnxgraph.Node {
	x := n.In(0)
	switch n.GetOpType() {
	case "HardSigmoid":
		return p.activation(n, hardSigmoid, x, n.Float("alpha", 0.2), n.Float("beta", 0.5))
	case "HardSwish":
		return p.activation(n, hardSwish, x)
	case "Sigmoid":
		return p.activation(n, sigmoid, x)
	case "Gelu":
		if n.Str("approximate", "none") == "tanh" {
			return p.activation(n, geluTanh, x)
		}
		return p.activation(n, gelu, x)
	case "Mul":
		return p.product(n)
	case "LayerNormalization":
		return p.layerNorm(n)
	}
	return nil
}

// activation makes the node that is all of y = f(x); slope is alpha and beta of a HardSigmoid.
func (p *pointwise) activation(end *onnxgraph.Node, kind, x string, slope ...float32) *onnxgraph.Node {
	n := &onnxgraph.Node{
		Name: end.GetName(), OpType: graph.Activation, Domain: graph.Domain, Input: []string{x},
		Output:    end.GetOutput()[:1],
		Attribute: []*onnxgraph.Attribute{onnxgraph.StringAttr("kind", kind)},
	}
	if len(slope) == 2 {
		n.Attribute = append(n.Attribute, onnxgraph.FloatAttr("alpha", slope[0]), onnxgraph.FloatAttr("beta", slope[1]))
	}
	return n
}

// before returns the node of an operator that makes a value for one use only.
func (p *pointwise) before(name, op string) *onnxgraph.Node {
	n := p.makers[name]
	if n == nil || p.merged[n] || n.GetDomain() != "" || n.GetOpType() != op || p.uses[name] != 1 {
		return nil
	}
	return n
}

// product: a multiplication that is the last node of an activation, or one with a factor for each channel.
func (p *pointwise) product(n *onnxgraph.Node) *onnxgraph.Node {
	for i, in := range n.GetInput() {
		x := n.In(1 - i)
		gate := p.before(in, "Sigmoid")
		kind := silu
		if gate == nil {
			gate, kind = p.before(in, "HardSigmoid"), hardSwish
			if gate != nil && (!near(gate.Float("alpha", 0.2), 1.0/6) || gate.Float("beta", 0.5) != 0.5) {
				gate = nil
			}
		}
		if gate != nil && gate.In(0) == x {
			p.merged[gate] = true
			return p.activation(n, kind, x)
		}
	}
	if m := p.gelu(n); m != nil {
		return m
	}
	return p.channelScale(n)
}

// gelu: a product of x, 1/2 and 1 + erf(x/√2), in any order.
func (p *pointwise) gelu(end *onnxgraph.Node) *onnxgraph.Node {
	scale, factors := float32(1), []string(nil)
	var taken []*onnxgraph.Node
	var collect func(n *onnxgraph.Node)
	collect = func(n *onnxgraph.Node) {
		for _, in := range n.GetInput() {
			if v, ok := p.number(in); ok {
				scale *= v
			} else if m := p.before(in, "Mul"); m != nil {
				taken = append(taken, m)
				collect(m)
			} else {
				factors = append(factors, in)
			}
		}
	}
	collect(end)
	if len(factors) != 2 || scale != 0.5 {
		return nil
	}
	for i, f := range factors {
		x := factors[1-i]
		sum := p.before(f, "Add")
		if sum == nil {
			continue
		}
		erf, one := p.withNumber(sum)
		if erf = p.only(erf, "Erf"); erf == "" || one != 1 {
			continue
		}
		function := p.makers[erf]
		inner := p.before(function.In(0), "Div")
		if inner == nil {
			inner = p.before(function.In(0), "Mul")
		}
		if inner == nil {
			continue
		}
		of, factor := p.withNumber(inner)
		if inner.GetOpType() == "Div" {
			of = inner.In(0)
			divisor, _ := p.number(inner.In(1))
			factor = 1 / divisor
		}
		if of == x && near(factor, math.Sqrt2/2) && slices.Equal(p.typeOf(x).Shape, p.typeOf(end.Out(0)).Shape) {
			for _, n := range append(taken, sum, function, inner) {
				p.merged[n] = true
			}
			return p.activation(end, gelu, x)
		}
	}
	return nil
}

// only returns the value if it is made by such an operator for one use only.
func (p *pointwise) only(name, op string) string {
	if p.before(name, op) == nil {
		return ""
	}
	return name
}

// number returns a stored number that changes no shape.
func (p *pointwise) number(name string) (float32, bool) {
	if len(p.typeOf(name).Shape) > 1 {
		return 0, false
	}
	v, ok := p.constant(name)
	return float32(v), ok
}

// withNumber returns the operands of a node with two, one of which is a number; "" if none is.
func (p *pointwise) withNumber(n *onnxgraph.Node) (string, float32) {
	for i, in := range n.GetInput() {
		if v, ok := p.number(in); ok && len(n.GetInput()) == 2 {
			return n.In(1 - i), v
		}
	}
	return "", 0
}

// near says whether a stored number is what was meant, however an exporter rounded it.
func near(v float32, want float64) bool { return math.Abs(float64(v)-want) < 1e-6*want }

// channelScale: images by a factor for each channel, as squeeze and excitation has them.
func (p *pointwise) channelScale(n *onnxgraph.Node) *onnxgraph.Node {
	if !p.images || len(n.GetInput()) != 2 {
		return nil
	}
	for i, x := range n.GetInput() {
		factor := n.In(1 - i)
		s, f := p.typeOf(x).Shape, p.typeOf(factor).Shape
		if p.isImages(x) && p.isImages(factor) && s[2].Size*s[3].Size > 1 && f[2].Size*f[3].Size == 1 &&
			slices.Equal(s[:2], f[:2]) {
			return p.node(graph.ChannelScale, n.GetName(), []string{x, factor}, n.GetOutput()[:1])
		}
	}
	return nil
}

// layerNorm: of fixed sizes, with parameters of just these, and with no user of the statistics.
func (p *pointwise) layerNorm(n *onnxgraph.Node) *onnxgraph.Node {
	x := p.typeOf(n.In(0)).Shape
	axis, err := onnxgraph.NormAxis(n, len(x))
	if err != nil {
		return nil
	}
	places, ok := x[axis:].Elements()
	for _, name := range n.GetInput()[1:] {
		ok = ok && places > 0 && (name == "" || slices.Equal(p.typeOf(name).Shape, x[axis:]))
	}
	for _, out := range n.GetOutput()[1:] {
		ok = ok && p.uses[out] == 0
	}
	if !ok {
		return nil
	}
	y, statistics := n.Out(0), onnxgraph.FloatType(reduced(x, from(axis, len(x))))
	return &onnxgraph.Node{
		Name: n.GetName(), OpType: graph.LayerNorm, Domain: graph.Domain, Input: n.GetInput(),
		Output: []string{y, p.hidden(y+"/saved_mean", statistics), p.hidden(y+"/saved_inv_std", statistics)},
		Attribute: []*onnxgraph.Attribute{
			onnxgraph.IntAttr("axis", int64(axis)), onnxgraph.FloatAttr("epsilon", n.Float("epsilon", 1e-5)),
		},
	}
}

func kernelActivationGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	return t.domainOp(graph.Domain, graph.ActivationGrad, []string{dy[0], x}, []value{t.gradientOf(x)},
		n.GetAttribute()...), nil
}

func kernelChannelScaleGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, factor := n.In(0), n.In(1)
	return t.domainOp(graph.Domain, graph.ChannelScaleGrad, []string{dy[0], x, factor},
		[]value{t.gradientOf(x), t.gradientOf(factor)},
		n.GetAttribute()...), nil
}

func kernelLayerNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, scale, bias := n.In(0), n.In(1), n.In(2)
	outputs := []value{t.gradientOf(x), t.gradientOf(scale), {}}
	if bias != "" {
		outputs[2] = t.gradientOf(bias)
	}
	made := t.domainOp(graph.Domain, graph.LayerNormGrad, []string{dy[0], x, scale, n.Out(1), n.Out(2)}, outputs,
		onnxgraph.IntAttr("axis", n.Int("axis", -1)))
	return made[:len(n.GetInput())], nil
}

// softmaxGradient: ordo's kernel runs on all threads, and along the last dimension alone.
func softmaxGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	y := n.Out(0)
	axis, rank := n.Int("axis", -1), int64(len(t.typeOf(y).Shape))
	if !t.fastSoftmax || axis != -1 && axis != rank-1 {
		return kernelOfY("SoftmaxGrad_13")(t, n, dy)
	}
	return t.domainOp(graph.Domain, graph.SoftmaxGrad, []string{dy[0], y}, []value{t.gradientOf(n.In(0))}), nil
}
