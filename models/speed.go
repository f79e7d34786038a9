package models

import (
	"fmt"
	"math"
	"time"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// StepOperations is the number of floating point operations of the convolutions and matrix products, forward and backward, of a
// training step on a batch of rows images: a product and its addition are two. All else is small beside them.
func StepOperations(a Artifacts, rows int) (float64, error) {
	m, err := onnxgraph.Decode(a.Training)
	if err != nil {
		return 0, fmt.Errorf("models: training graph: %w", err)
	}
	g := m.GetGraph()
	shapes := map[string]onnxgraph.Shape{}
	for _, list := range [][]*onnxgraph.ValueInfo{g.GetInput(), g.GetValueInfo(), g.GetOutput()} {
		for _, v := range list {
			if t, err := v.TensorType(); err == nil {
				shapes[v.GetName()] = t.Shape
			}
		}
	}
	for _, t := range g.GetInitializer() {
		shapes[t.GetName()] = t.Type().Shape
	}
	elements := func(s onnxgraph.Shape) float64 {
		n := 1.0
		for _, d := range s {
			n *= float64(max(d.Size, 1))
			if d.Param != "" {
				n *= float64(rows)
			}
		}
		return n
	}
	total := 0.0
	for _, n := range g.GetNode() {
		a := shapes[n.In(0)]
		switch op := n.GetOpType(); {
		case op == "Conv" && len(shapes[n.In(1)]) > 1:
			total += 2 * elements(shapes[n.Out(0)]) * elements(shapes[n.In(1)][1:])
		case op == "ConvGrad" && len(shapes[n.In(2)]) > 1:
			for k := range 2 {
				if n.Out(k) != "" {
					total += 2 * elements(a) * elements(shapes[n.In(2)][1:])
				}
			}
		case (op == "MatMul" || op == "Gemm" || op == "FusedMatMul") && len(a) > 1:
			summed := len(a) - 1
			if n.Int("transA", 0) != 0 {
				summed--
			}
			total += 2 * elements(shapes[n.Out(0)]) * elements(a[summed:summed+1])
		}
	}
	return total, nil
}

// Sides of the matrices that MatrixPeak multiplies, and how often.
const (
	peakSide  = 1024
	peakTimes = 12
)

// MatrixPeak measures the floating point operations a second that ONNX Runtime reaches in a large product of float32 matrices: the
// best of some.
func MatrixPeak(rt *Runtime, threads int) (float64, error) {
	square := onnxgraph.FloatType(onnxgraph.Static(peakSide, peakSide))
	b := onnxgraph.NewBuilder("peak", 17)
	b.Input("a", square)
	b.Input("b", square)
	b.Op("MatMul", "c", []string{"a", "b"})
	b.Output("c", square)
	graph, err := b.Model().Encode()
	if err != nil {
		return 0, fmt.Errorf("models: %w", err)
	}
	s, err := rt.NewSession(graph, TrainerOptions{Threads: threads})
	if err != nil {
		return 0, fmt.Errorf("models: measure matrix products: %w", err)
	}
	defer s.Close()
	var in []*Tensor
	for range 2 {
		t, err := rt.NewTensor(peakSide, peakSide)
		if err != nil {
			return 0, fmt.Errorf("models: measure matrix products: %w", err)
		}
		defer t.Close()
		for i := range t.Data() {
			t.Data()[i] = float32(i%7) - 3
		}
		in = append(in, t)
	}
	fastest := math.Inf(1)
	for range peakTimes {
		began := time.Now()
		out, err := s.Run(in)
		if err != nil {
			return 0, fmt.Errorf("models: measure matrix products: %w", err)
		}
		fastest = min(fastest, time.Since(began).Seconds())
		ort.Release(out)
	}
	return 2 * math.Pow(peakSide, 3) / fastest, nil
}
