package autodiff

import (
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// Activations in bfloat16. Where Kernels.Stores says so, ordo's operators on images have their activations and the
// gradients of these in bfloat16: half the memory and half of what is read and written, which is all that matters once
// matrix units do the products. They compute in float32; weights, their gradients and statistics are float32
// throughout. Between a value in one type and a user of the other stands ordo::Round or ordo::Widen, one for all such
// users.
//
// Which operators do so is the smallest cut (cut.go) of a graph whose source stands for bfloat16 and whose sink for
// float32, where every operator but those of halves is. What is counted are the bytes that are read and written beyond
// those of an operator in bfloat16.

// half is an operator with its activations in bfloat16: its name, and which inputs and outputs are activations.
type half struct {
	name    string
	in, out []int
}

var halves = map[string]half{
	graph.Conv:            {graph.ConvBF16, []int{0}, []int{0}},
	graph.ConvGrad:        {graph.ConvGradBF16, []int{0, 1}, []int{0}},
	graph.BatchNorm:       {graph.BatchNormBF16, []int{0, 5}, []int{0}},
	graph.BatchNormGrad:   {graph.BatchNormGradBF16, []int{0, 1, 2, 6}, []int{0, 3}},
	graph.Normalize:       {graph.NormalizeBF16, []int{0, 5}, []int{0}},
	graph.MaxPool:         {graph.MaxPoolBF16, []int{0}, []int{0}},
	graph.MaxPoolGrad:     {graph.MaxPoolGradBF16, []int{0}, []int{0}},
	graph.AveragePool:     {graph.AveragePoolBF16, []int{0}, []int{0}},
	graph.AveragePoolGrad: {graph.AveragePoolGradBF16, []int{0}, []int{0}},
}

// stores is the attribute of a convolution that can have its activations in bfloat16, until halve has looked at it.
const stores = "stores"

// Bytes for each element.
const (
	convertBytes = 6 // of a Round or Widen
	wideBytes    = 2 // of an activation in float32, beyond those of one in bfloat16
	roundBytes   = 6 // of one that a convolution has to round by itself
)

// halve decides which operators have their activations in bfloat16.
func (t *training) halve() {
	g := t.b.Model().GetGraph()
	nodes := g.GetNode()
	chosen := t.chooseHalves(nodes)
	rename := map[string]string{}  // of values that are made in bfloat16
	rounded := map[string]string{} // of values in float32, by Round
	wide := map[string]bool{}      // values that are needed in float32
	for _, v := range g.GetOutput() {
		wide[v.GetName()] = true
	}
	for i, n := range nodes {
		for k, in := range n.GetInput() {
			if !chosen[i] || !slices.Contains(halves[n.GetOpType()].in, k) {
				wide[in] = true
			}
		}
	}
	var out []*onnxgraph.Node
	for i, n := range nodes {
		// Other graphs have nodes with the same lists.
		n.Output, n.Attribute = slices.Clone(n.GetOutput()), slices.Clone(n.GetAttribute())
		n.Attribute = slices.DeleteFunc(n.Attribute, func(a *onnxgraph.Attribute) bool {
			return n.GetDomain() == graph.Domain && a.GetName() == stores
		})
		if !chosen[i] {
			out = append(out, n)
			continue
		}
		h := halves[n.GetOpType()]
		for _, k := range h.in {
			in := n.In(k)
			if in == "" {
				continue
			}
			if rename[in] == "" && rounded[in] == "" {
				rounded[in] = t.halfOf(in)
				out = append(out, convert(graph.Round, in, rounded[in]))
			}
			n.Input[k] = rename[in] + rounded[in]
		}
		n.OpType = h.name
		out = append(out, n)
		for _, k := range h.out {
			name := n.Out(k)
			if name == "" {
				continue
			}
			rename[name] = t.halfOf(name)
			n.Output[k] = rename[name]
			if wide[name] {
				out = append(out, convert(graph.Widen, rename[name], name))
			}
		}
	}
	g.Node = out
	g.ValueInfo = slices.DeleteFunc(g.GetValueInfo(), func(v *onnxgraph.ValueInfo) bool {
		return rename[v.GetName()] != "" && !wide[v.GetName()]
	})
}

func convert(op, from, to string) *onnxgraph.Node {
	return &onnxgraph.Node{Name: op + "/" + to, OpType: op, Domain: graph.Domain, Input: []string{from},
		Output: []string{to}}
}

// halfOf declares a value's form in bfloat16.
func (t *training) halfOf(name string) string {
	typ := t.typeOf(name)
	typ.Elem = onnxgraph.BFloat16
	name = t.b.Unique(name + "/bf16")
	t.declare(name, typ)
	return name
}

// chooseHalves says of every node whether it has its activations in bfloat16.
func (t *training) chooseHalves(nodes []*onnxgraph.Node) []bool {
	const source, sink = 0, 1
	c := newCut(2 + len(nodes)).values()
	for i, n := range nodes {
		h, ok := halves[n.GetOpType()]
		convolution := n.GetOpType() == graph.Conv || n.GetOpType() == graph.ConvGrad
		if ok = ok && n.GetDomain() == graph.Domain && (!convolution || n.Int(stores, 0) == 1); !ok {
			h = half{}
		}
		for k, in := range n.GetInput() {
			switch {
			case in == "" || t.typeOf(in).Elem != onnxgraph.Float32:
			case !slices.Contains(h.in, k):
				c.use(in, sink)
			default:
				c.use(in, 2+i)
				bytes := int64(wideBytes)
				if convolution {
					bytes = roundBytes
				}
				c.connect(source, 2+i, bytes*t.elements(in))
			}
		}
		for k, name := range n.GetOutput() {
			if name != "" && slices.Contains(h.out, k) {
				c.made[name] = 2 + i
				c.connect(source, 2+i, wideBytes*t.elements(name))
			}
		}
		if !ok {
			c.connect(2+i, sink, unlimited)
		}
	}
	c.copies(sink, func(name string) int64 { return convertBytes * t.elements(name) })
	return c.source(source, sink)[2 : 2+len(nodes)]
}

// elements of a value, with a nominal batch where it is free.
func (t *training) elements(name string) int64 {
	n := int64(1)
	for _, d := range t.typeOf(name).Shape {
		if !d.Static() {
			n *= nominalBatch
		}
		n *= max(d.Size, 1)
	}
	return n
}

// roundProducts lets ordo's matrix products round what they multiply to bfloat16.
func (t *training) roundProducts() {
	for _, n := range t.b.Model().GetGraph().GetNode() {
		switch n.GetOpType() {
		case graph.Linear, graph.LinearGrad, graph.MatMul:
			if n.GetDomain() == graph.Domain {
				n.Attribute = append(slices.Clone(n.GetAttribute()), onnxgraph.StringAttr("precision", BFloat16))
			}
		}
	}
}
