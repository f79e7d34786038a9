package models

import (
	"fmt"
	"math"
	"time"

	"ordo/models/graph"
	"ordo/models/limits"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// StepOperations is the number of floating point operations of the convolutions and matrix products, forward and
// backward, of a training step on a batch of rows images, see ort.Operations. All else is small beside them.
func StepOperations(a Artifacts, rows int) (float64, error) {
	m, err := a.Model()
	if err != nil {
		return 0, fmt.Errorf("models: %w", err)
	}
	g := m.GetGraph()
	sizes := map[string][]int64{} // an unknown dimension is -1
	know := func(name string, shape onnxgraph.Shape) {
		known := make([]int64, len(shape))
		for i, d := range shape {
			if known[i] = d.Size; d.Param != "" {
				known[i] = max(d.Size, 1) * int64(rows)
			}
		}
		sizes[name] = known
	}
	for name, t := range graph.Declared(g) {
		know(name, t.Shape)
	}
	for _, t := range g.GetInitializer() {
		know(t.GetName(), t.Type().Shape)
	}
	of := func(names []string) [][]int64 {
		var all [][]int64
		for _, name := range names {
			if name != "" {
				all = append(all, sizes[name])
			}
		}
		return all
	}
	total := 0.0
	for _, n := range g.GetNode() {
		if n.GetOpType() == "Reshape" {
			complete(sizes[n.Out(0)], sizes[n.In(0)])
		}
		total += ort.Operations(n.GetOpType(), of(n.GetInput()), of(n.GetOutput()))
	}
	return total, nil
}

// complete fills in the dimension that a reshaped value takes from what is left of another, as that has as many
// elements.
func complete(reshaped, from []int64) {
	all, others, unknown := int64(1), int64(1), -1
	for _, d := range from {
		all *= d
	}
	for i, d := range reshaped {
		if d < 0 {
			unknown = i
		} else {
			others *= d
		}
	}
	if unknown >= 0 && all > 0 && others > 0 {
		reshaped[unknown] = all / others
	}
}

// Limits are what a machine can do at most, with a number of threads.
type Limits struct {
	MultiplyAdd   float64 // float32 operations a second of multiply-adds, each of which is two, see package limits
	HalfAdd       float64 // those of bfloat16 in matrix units; 0: there are none
	MatrixProduct float64 // those of ONNX Runtime in a product of large float32 matrices
	Memory        float64 // bytes a second, see package limits
}

// MeasureLimits takes about two seconds.
func MeasureLimits(rt *Runtime, threads int) (Limits, error) {
	l := Limits{MultiplyAdd: limits.MultiplyAdd(threads), HalfAdd: limits.HalfMultiplyAdd(threads),
		Memory: limits.Memory(threads)}
	for _, side := range productSides {
		product, err := matrixProduct(rt, threads, side)
		if err != nil {
			return Limits{}, fmt.Errorf("models: measure matrix products: %w", err)
		}
		l.MatrixProduct = max(l.MatrixProduct, product)
	}
	return l, nil
}

// productSides are those of the matrices that are multiplied: the larger ones keep many threads busy, and the smaller
// ones fit the gaps that other work leaves.
var productSides = []int{512, 1024}

// productTime is for the repetitions with matrices of one size.
const productTime = 200 * time.Millisecond

// matrixProduct is the best of many repetitions.
func matrixProduct(rt *Runtime, threads, side int) (float64, error) {
	square := onnxgraph.FloatType(onnxgraph.Static(int64(side), int64(side)))
	b := onnxgraph.NewBuilder("product", 17)
	b.Input("a", square)
	b.Input("b", square)
	b.Op("MatMul", "c", []string{"a", "b"})
	b.Output("c", square)
	product, err := b.Model().Encode()
	if err != nil {
		return 0, err
	}
	s, err := rt.NewSession(product, SessionOptions{Threads: threads})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	var in []*Tensor
	for range 2 {
		t, err := rt.NewTensor(side, side)
		if err != nil {
			return 0, err
		}
		defer t.Close()
		for i := range t.Data() {
			t.Data()[i] = float32(i%7) - 3
		}
		in = append(in, t)
	}
	fastest := math.Inf(1)
	for begin := time.Now(); time.Since(begin) < productTime; {
		began := time.Now()
		out, err := s.Run(in)
		if err != nil {
			return 0, err
		}
		fastest = min(fastest, time.Since(began).Seconds())
		ort.Release(out)
	}
	return 2 * math.Pow(float64(side), 3) / fastest, nil
}
