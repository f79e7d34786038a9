package inspect

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/onnxgraph"
)

// block is a box of the picture: a node and what follows it without a branch, such as Conv, BatchNorm, Relu.
type block struct {
	lines  []string // one an operator
	names  []string // of the nodes
	out    string   // the value that it gives
	shape  string
	kind   string // picks the colour
	params int64
	frozen int64
	from   []int // blocks whose values it takes, in the order of the inputs
	// branches: nothing follows in the same box, for several things follow, or it is the input.
	branches bool
}

// maxLines of a block, beyond which it is no longer taken in at a glance.
const maxLines = 6

// blocks are those of the float values that depend on the graph's inputs. Shape arithmetic and what is done to
// parameters alone are left out of a picture.
func (r *Report) blocks() []block {
	list := []block{}
	of := map[string]int{} // value → block
	for _, v := range r.Inputs {
		of[v.Name] = len(list)
		list = append(list, block{lines: []string{v.Name}, out: v.Name, shape: r.shapeOf(v.Name), kind: "input",
			branches: true})
	}
	uses := r.uses(of)
	isOutput := map[string]bool{}
	for _, v := range r.Outputs {
		isOutput[v.Name] = true
	}
	made := map[string][]string{} // value that is made of parameters alone → those
	for _, n := range r.graph.GetNode() {
		from := sources(n, of)
		out := n.Out(0)
		if len(from) == 0 || !r.float(out) {
			for _, in := range n.GetInput() {
				made[out] = append(made[out], r.parameters(in, made)...)
			}
			continue
		}
		i := from[0]
		if b := &list[i]; len(from) > 1 || b.branches || uses[b.out] > 1 || isOutput[b.out] ||
			len(b.lines) >= maxLines || isHeavy(n) {
			i = len(list)
			list = append(list, block{from: from, kind: kindOf(n.GetOpType())})
		}
		b := &list[i]
		b.lines = append(b.lines, r.title(n))
		b.names = append(b.names, n.GetName())
		b.out, b.shape = out, r.shapeOf(out)
		for _, o := range n.GetOutput()[1:] {
			b.branches = b.branches || uses[o] > 0
		}
		for k, in := range n.GetInput() {
			if n.GetOpType() == "BatchNormalization" && k >= 3 {
				continue // running statistics: no weights
			}
			for _, name := range r.parameters(in, made) {
				p := r.params[name]
				count, _ := onnxgraph.Static(p.Shape...).Elements()
				if p.Frozen {
					b.frozen += count
				} else {
					b.params += count
				}
			}
		}
		for _, o := range n.GetOutput() {
			if o != "" && r.float(o) {
				of[o] = i
			}
		}
	}
	for _, v := range r.Outputs {
		if i, ok := of[v.Name]; ok {
			list = append(list, block{lines: []string{v.Name}, out: v.Name, shape: r.shapeOf(v.Name), kind: "output",
				from: []int{i}})
		}
	}
	return list
}

// parameters are those that a value is made of, if it is made of nothing else.
func (r *Report) parameters(name string, made map[string][]string) []string {
	if _, ok := r.params[name]; ok {
		return []string{name}
	}
	return made[name]
}

// uses counts how many nodes take each value on the way that the picture shows.
func (r *Report) uses(inputs map[string]int) map[string]int {
	reached := map[string]bool{}
	for name := range inputs {
		reached[name] = true
	}
	uses := map[string]int{}
	for _, n := range r.graph.GetNode() {
		if !r.float(n.Out(0)) || !slices.ContainsFunc(n.GetInput(), func(in string) bool { return reached[in] }) {
			continue
		}
		for _, in := range n.GetInput() {
			uses[in]++
		}
		for _, o := range n.GetOutput() {
			reached[o] = true
		}
	}
	return uses
}

// sources lists the blocks that a node takes values of, each once.
func sources(n *onnxgraph.Node, of map[string]int) []int {
	var from []int
	for _, in := range n.GetInput() {
		if i, ok := of[in]; ok && !slices.Contains(from, i) {
			from = append(from, i)
		}
	}
	return from
}

func (r *Report) float(name string) bool {
	t, ok := r.types[name]
	return !ok || t.Elem == onnxgraph.Float32
}

func (r *Report) shapeOf(name string) string {
	t, ok := r.types[name]
	if !ok {
		return "?"
	}
	parts := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		parts[i] = d.String()
	}
	return strings.Join(parts, "×")
}

// isHeavy: what a block begins with.
func isHeavy(n *onnxgraph.Node) bool {
	switch kindOf(n.GetOpType()) {
	case "conv", "linear", "pool":
		return true
	}
	return false
}

// kindOf sorts the operators into those that are alike at a glance.
func kindOf(op string) string {
	switch op {
	case "Conv", "ConvTranspose":
		return "conv"
	case "Gemm", "MatMul", "Einsum":
		return "linear"
	case "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceMax", "ReduceSum":
		return "pool"
	case "BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization":
		return "norm"
	case "Add", "Sub", "Mul", "Div", "Concat", "Sum":
		return "join"
	}
	return "other"
}

// title is an operator with what matters of its attributes.
func (r *Report) title(n *onnxgraph.Node) string {
	by := func(list []int64) string {
		text := make([]string, len(list))
		for i, v := range list {
			text[i] = fmt.Sprint(v)
		}
		return strings.Join(text, "×")
	}
	name := strings.TrimSuffix(n.GetOpType(), "alization")
	shape := r.types[n.In(1)].Shape
	switch op := n.GetOpType(); op {
	case "Conv", "ConvTranspose":
		if sizes, ok := shape.Sizes(); ok && len(sizes) > 2 {
			name += " " + by(sizes[2:]) + fmt.Sprintf(", %d → %d", sizes[1]*n.Int("group", 1), sizes[0])
		}
		if s := n.Ints("strides"); slices.ContainsFunc(s, func(v int64) bool { return v > 1 }) {
			name += ", stride " + by(s[:1])
		}
		if g := n.Int("group", 1); g > 1 {
			name += fmt.Sprintf(", %d groups", g)
		}
	case "Gemm", "MatMul":
		if sizes, ok := shape.Sizes(); ok && len(sizes) == 2 {
			if n.Int("transB", 0) != 0 {
				slices.Reverse(sizes)
			}
			name = fmt.Sprintf("%s %d → %d", name, sizes[0], sizes[1])
		}
	case "MaxPool", "AveragePool":
		name += " " + by(n.Ints("kernel_shape"))
		if s := n.Ints("strides"); len(s) > 0 {
			name += ", stride " + by(s[:1])
		}
	}
	return name
}
