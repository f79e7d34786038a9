package verify_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
	"ordo/models/verify"
)

// vanishing is a network whose second batch norm sees means of 0, and whose biases in front of batch norms have no
// gradient: convolution, batch norm, convolution, batch norm, ReLU, average, linear layer.
func vanishing(t *testing.T, kernels *autodiff.Kernels) graph.Artifacts {
	t.Helper()
	b := onnxgraph.NewBuilder("vanishing", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 16, 16)))
	store := func(name string, dims ...int64) string {
		count, _ := onnxgraph.Static(dims...).Elements()
		values := make([]float32, count)
		for i := range values {
			values[i] = float32(math.Sin(float64(7*i+len(name)))) / 2
		}
		return b.Initializer(onnxgraph.NewFloats(name, dims, values))
	}
	fill := func(name string, v float32) string {
		return b.Initializer(onnxgraph.NewFloats(name, []int64{8}, slices.Repeat([]float32{v}, 8)))
	}
	norm := func(name, x string) string {
		return b.Op("BatchNormalization", name, []string{x, fill(name+".weight", 1), fill(name+".bias", 0),
			fill(name+".running_mean", 0), fill(name+".running_var", 1)})
	}
	x := norm("bn1", b.Op("Conv", "c1", []string{"images", store("c1.weight", 8, 3, 3, 3), store("c1.bias", 8)}))
	x = norm("bn2", b.Op("Conv", "c2", []string{x, store("c2.weight", 8, 8, 1, 1)}))
	x = b.Op("Flatten", "f", []string{b.Op("GlobalAveragePool", "p", []string{b.Op("Relu", "r", []string{x})})})
	b.Op("Gemm", "embedding", []string{x, store("fc.weight", 8, 4), store("fc.bias", 4)})
	b.Output("embedding", onnxgraph.FloatType(onnxgraph.Batch(4)))
	o := autodiff.DefaultOptions()
	o.Kernels = kernels
	built, err := autodiff.Build(b.Model(), o)
	if err != nil {
		t.Fatal(err)
	}
	a, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestZero: a running mean and gradients that are 0 but for rounding are right, whatever the rounding is.
func TestZero(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		o := verify.DefaultOptions()
		o.Seed = seed
		r := run(t, vanishing(t, nil), o)
		checkZero(t, r)
	}
}

func TestZeroWithKernels(t *testing.T) {
	lib := orttest.OpenWithKernels(t)
	r, err := verify.Run(t.Context(), lib, vanishing(t, &autodiff.Kernels{}), verify.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkZero(t, r)
}

func checkZero(t *testing.T, r *verify.Report) {
	t.Helper()
	if !r.OK {
		t.Errorf("right, but found wrong: %v", r.Failures)
	}
	for _, p := range r.Parameters {
		if zero := p.Name == "c1.bias" || p.Name == "bn1.bias"; zero && !(p.Largest < 1e-4) ||
			!(float64(p.Difference) < 0.02) {
			t.Errorf("%s: gradients of %v, off by %v", p.Name, p.Largest, p.Difference)
		}
	}
	for _, s := range r.Statistics {
		if !(float64(s.Moments) < 1e-5) {
			t.Errorf("%s is off by %v", s.Name, s.Moments)
		}
	}
}

// TestZeroOfReference: a reference's 0 and its rounding are the same, but nothing larger.
func TestZeroOfReference(t *testing.T) {
	images := array{[]int{4, 3, 16, 16}, make([]float32, 4*3*16*16)}
	for i := range images.data {
		images.data[i] = float32(i*i%101)/101 - 0.5
	}
	dz := array{[]int{4, 4}, make([]float32, 16)}
	sum := make([]float32, 4) // the gradient of the last bias
	for i := range dz.data {
		dz.data[i] = float32(i%5) - 1.5
		sum[i%4] += dz.data[i]
	}
	for _, c := range []struct {
		bias float32
		ok   bool
	}{{0, true}, {1e-8, true}, {1e-3, false}} {
		ref, err := verify.ReadReference(archive(t, map[string]array{
			"images": images, "dz": dz, "grad/fc.bias": {[]int{4}, sum},
			"grad/c1.bias": {[]int{8}, slices.Repeat([]float32{c.bias}, 8)},
		}))
		if err != nil {
			t.Fatal(err)
		}
		o := verify.DefaultOptions()
		o.Reference, o.Differences, o.Tolerance = ref, false, 2e-6
		r := run(t, vanishing(t, nil), o)
		if r.OK != c.ok {
			t.Errorf("a reference of %v: ok is %v, failures %v", c.bias, r.OK, r.Failures)
		}
	}
}

// TestLostGradient: a gradient that is wrong to be 0 is found.
func TestLostGradient(t *testing.T) {
	a := edited(t, func(g *onnxgraph.Graph) {
		n := accumulated(t, g, "fc1.weight")
		m := node(t, g, n.In(1))
		lost := &onnxgraph.Node{OpType: "Sub", Input: []string{n.In(1), n.In(1)}, Output: []string{"lost"}}
		n.Input[1] = "lost"
		g.Node = slices.Insert(slices.Clone(g.Node), slices.Index(g.Node, m)+1, lost)
	})
	r := run(t, a, verify.DefaultOptions())
	if said := strings.Join(r.Failures, "\n"); r.OK || !strings.Contains(said, "gradient of fc1.weight") {
		t.Errorf("it says %q", said)
	}
}

// TestZeroOutputs: outputs that are 0 but for rounding tell no scale for the steps, yet their gradients are right.
func TestZeroOutputs(t *testing.T) {
	b := onnxgraph.NewBuilder("constant", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	x := b.Op("LayerNormalization", "n", []string{"images", b.Initializer(onnxgraph.NewFloats("n.weight", []int64{8},
		slices.Repeat([]float32{1}, 8))), b.Initializer(onnxgraph.NewFloats("n.bias", []int64{8}, make([]float32, 8)))})
	b.Op("Flatten", "embedding", []string{b.Op("GlobalAveragePool", "p", []string{x})})
	b.Output("embedding", onnxgraph.FloatType(onnxgraph.Batch(3)))
	built, err := autodiff.Build(b.Model(), autodiff.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	a, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, a, verify.DefaultOptions()); !r.OK {
		t.Errorf("right, but found wrong: %v", r.Failures)
	}
}
