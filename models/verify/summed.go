package verify

import (
	"math"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// rounding is the share of what was summed below which a sum is 0 but for rounding. Float32 rounds by 6e-8, and what is
// summed carries errors of its own; terms of random signs would have to be 1e10 to cancel so far.
const rounding = 1e-5

// summedOutput begins the names of outputs that say what a parameter's gradient was summed of.
const summedOutput = "verify/summed/"

// isZero says whether a gradient is 0 but for rounding.
func (g gradient) isZero() bool { return g.summed > 0 && largest(g.values) <= rounding*g.summed }

// summing adds to a training graph, for a gradient that is a sum, how large it would be if no term cancelled another:
// the mean over its elements of the sum of the terms' absolute values, or a bound for that.
type summing struct {
	b        *onnxgraph.Builder
	made     map[string]*onnxgraph.Node
	types    map[string]onnxgraph.TensorType
	elements string // the name of a stored list [-1]
}

func newSumming(b *onnxgraph.Builder, g *onnxgraph.Graph) *summing {
	s := &summing{b: b, made: map[string]*onnxgraph.Node{}, types: graph.Declared(g)}
	for _, n := range g.GetNode() {
		for _, out := range n.GetOutput() {
			s.made[out] = n
		}
	}
	s.elements = b.Initializer(onnxgraph.NewInts(b.Unique("verify/elements"), -1))
	return s
}

// of returns the name of a value [1], "" where the graph doesn't say what was summed. A gradient of elements many
// elements is the value gradient.
func (s *summing) of(gradient string, elements int64) string {
	var parts []string
	for todo := []string{gradient}; len(todo) > 0; todo = todo[1:] {
		n := s.made[todo[0]]
		if n == nil {
			return ""
		}
		switch n.GetOpType() {
		case "Reshape", "Identity", "Squeeze", "Unsqueeze", "Transpose", graph.Reorder, graph.Widen,
			graph.Round:
			todo = append(todo, n.In(0))
		case "Sum", "Add":
			todo = append(todo, n.GetInput()...)
		default:
			part := s.terms(n, todo[0], elements)
			if part == "" {
				return ""
			}
			parts = append(parts, part)
		}
		if len(parts)+len(todo) > maxParts {
			return ""
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return s.b.Op("Sum", summedOutput+"all", parts)
}

// maxParts bounds how many uses of a parameter are followed.
const maxParts = 64

// terms adds what one node sums in one of its outputs.
func (s *summing) terms(n *onnxgraph.Node, output string, elements int64) string {
	weights := n.Out(1) == output
	switch n.GetOpType() {
	case "ReduceSum":
		return s.scaled(s.size("ReduceL1", n.In(0)), 1/float64(elements))
	case "Gemm", "MatMul", "FusedMatMul":
		return s.product(n.In(0), n.In(1), elements)
	case graph.ConvGrad, graph.ConvGradBF16, graph.LinearGrad: // also ONNX Runtime's
		if weights {
			return s.product(n.In(0), n.In(1), elements)
		}
		return s.scaled(s.size("ReduceL1", n.In(0)), 1/float64(elements))
	case "BatchNormalizationGrad", "LayerNormalizationGrad", graph.BatchNormGrad,
		graph.BatchNormGradBF16, graph.LayerNormGrad:
		// A scale's terms have the normalised value as a factor, which is about 1.
		return s.scaled(s.size("ReduceL1", n.In(0)), 1/float64(elements))
	}
	return ""
}

// product bounds the sums of products of two matrices' elements by the lengths of both (Cauchy and Schwarz).
func (s *summing) product(x, y string, elements int64) string {
	lengths := s.b.Op("Mul", summedOutput+"product", []string{s.size("ReduceL2", x), s.size("ReduceL2", y)})
	return s.scaled(lengths, 1/math.Sqrt(float64(elements)))
}

// size is a norm of a value of any shape.
func (s *summing) size(norm, value string) string {
	if s.types[value].Elem == onnxgraph.BFloat16 {
		value = widened(s.b, value)
	}
	flat := s.b.Op("Reshape", summedOutput+"flat", []string{value, s.elements})
	return s.b.Op(norm, summedOutput+"norm", []string{flat}, onnxgraph.IntAttr("keepdims", 1))
}

func (s *summing) scaled(value string, by float64) string {
	factor := s.b.Initializer(onnxgraph.NewFloats(s.b.Unique(summedOutput+"factor"), []int64{1}, []float32{float32(by)}))
	return s.b.Op("Mul", summedOutput+"share", []string{value, factor})
}

// widened is a value of bfloat16 in float32.
func widened(b *onnxgraph.Builder, value string) string {
	name := b.Unique("verify/" + value)
	b.Append(&onnxgraph.Node{Name: name, OpType: graph.Widen, Domain: graph.Domain, Input: []string{value},
		Output: []string{name}})
	return name
}
