package heads

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"ordo/models/onnxgraph"
)

// The constants of batch norm are torch's; its momentum of 0.1 is ONNX's 0.9.
const (
	epsilon  = 1e-5
	momentum = 0.9
)

// Add adds the head, which must be valid, to a graph that has its input, a value [batch, in]. Its output is the head's
// Output, [batch, last layer].
func (h Head) Add(b *onnxgraph.Builder, in int, seed uint64) {
	h = h.Resolved()
	a := adder{b, seed}
	x, place := h.Input, 0
	name := func() string { place++; return fmt.Sprintf("%s.%d", h.Name, place-1) }
	for i, out := range h.Layers {
		last := i == len(h.Layers)-1
		layer := name()
		if last {
			a.linear(layer, h.Output, x, in, out, h.Bias)
			return
		}
		x = a.linear(layer, layer, x, in, out, h.Bias && !h.BatchNorm)
		if h.BatchNorm {
			x = a.norm(name(), x, out)
		}
		x = b.Op("Relu", name(), []string{x})
		in = out
	}
}

type adder struct {
	b    *onnxgraph.Builder
	seed uint64
}

// linear is y = x·Wᵀ + b, or without b.
func (a adder) linear(name, output, x string, in, out int, bias bool) string {
	dims := []int64{int64(out), int64(in)}
	inputs := []string{x, a.evenly(name+".weight", dims, in)}
	if bias {
		inputs = append(inputs, a.evenly(name+".bias", dims[:1], in))
	}
	return a.b.Op("Gemm", output, inputs, onnxgraph.IntAttr("transB", 1))
}

func (a adder) norm(name, x string, size int) string {
	inputs := []string{
		x, a.fill(name+".weight", size, 1), a.fill(name+".bias", size, 0),
		a.fill(name+".running_mean", size, 0), a.fill(name+".running_var", size, 1),
	}
	return a.b.Op("BatchNormalization", name, inputs, onnxgraph.FloatAttr("epsilon", epsilon), onnxgraph.FloatAttr("momentum", momentum))
}

func (a adder) fill(name string, size int, v float32) string {
	return a.b.Initializer(onnxgraph.NewFloats(name, []int64{int64(size)}, slices.Repeat([]float32{v}, size)))
}

// evenly stores a tensor of values from ±1/√inputs.
func (a adder) evenly(name string, dims []int64, inputs int) string {
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	return a.b.Initializer(onnxgraph.NewFloats(name, dims, Evenly(a.seed, name, int(count), inputs)))
}

// Evenly draws the initial values of a parameter of torch's Linear with that many inputs, evenly from ±1/√inputs: a function
// of seed and name.
func Evenly(seed uint64, name string, count, inputs int) []float32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	bound := 1 / math.Sqrt(float64(inputs))
	values := make([]float32, count)
	for i := range values {
		unit := 2*r.Float64() - 1 // exact, so that no machine rounds it differently
		values[i] = float32(bound * unit)
	}
	return values
}
