package autodiff_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/golden"
	"ordo/models/onnxgraph"
	"ordo/models/onnxgraph/graphtext"
	"ordo/models/ort/orttest"
)

// halfKernels have activations in bfloat16, but for convolutions in groups.
func halfKernels() autodiff.Kernels {
	one := func(c autodiff.Convolution) bool { return c.Groups == 1 }
	return autodiff.Kernels{Precision: autodiff.BFloat16, Stores: one}
}

// halfPlaces are the inputs and outputs that operators have in bfloat16.
var halfPlaces = map[string][2][]int{
	"ConvBF16": {{0}, {0}}, "ConvGradBF16": {{0, 1}, {0}}, "BatchNormBF16": {{0, 5}, {0}},
	"BatchNormGradBF16": {{0, 1, 2, 6}, {0, 3}}, "MaxPoolBF16": {{0}, {0}}, "MaxPoolGradBF16": {{0}, {0}},
	"AveragePoolBF16": {{0}, {0}}, "AveragePoolGradBF16": {{0}, {0}}, "Round": {{}, {0}}, "Widen": {{0}, {}},
}

// TestHalves: every value has one type, which is the one that its maker and all users have.
func TestHalves(t *testing.T) {
	for name, net := range map[string]*onnxgraph.Model{"residual": residualNet(), "mixed": mixedNet()} {
		training := trainingWith(t, net, halfKernels(), "z")
		half := map[string]bool{}
		var ops []string
		for _, n := range training.GetGraph().GetNode() {
			places := halfPlaces[n.GetOpType()]
			for k, in := range n.GetInput() {
				if in != "" && half[in] != slices.Contains(places[0], k) {
					t.Errorf("%s: %s %s takes %s, bfloat16 is %v", name, n.GetOpType(), n.GetName(), in, half[in])
				}
			}
			for k, out := range n.GetOutput() {
				half[out] = slices.Contains(places[1], k)
			}
			ops = append(ops, n.GetOpType())
		}
		for _, v := range training.GetGraph().GetValueInfo() {
			typ, err := v.TensorType()
			if err != nil || half[v.GetName()] != (typ.Elem == onnxgraph.BFloat16) {
				t.Errorf("%s: %s is declared as %v (%v), bfloat16 is %v", name, v.GetName(), typ, err, half[v.GetName()])
			}
		}
		for _, op := range []string{"ConvBF16", "ConvGradBF16"} {
			if !slices.Contains(ops, op) {
				t.Errorf("%s has no %s, but %q", name, op, ops)
			}
		}
		var text strings.Builder
		if err := graphtext.Print(&text, training); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", "kernels", name+"_bf16.txt"), text.String())
	}
}

// TestKernelsInHalves holds outputs, gradients and statistics of a step to those in float32. A gradient is a sum of
// products of numbers with 8 significant bits, and where numbers are near each other or zero, maxima and ReLUs let
// other ones through: of a residual block's few values that is a good part.
func TestKernelsInHalves(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	if !rt.Kernels().BF16() {
		t.Skip("the processor has no instructions for bfloat16")
	}
	build := func(t *testing.T, m *onnxgraph.Model, o autodiff.Options) *autodiff.Graphs {
		t.Helper()
		k := halfKernels()
		o.Kernels = &k
		a, err := autodiff.Build(m, o)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"z"}
	compareWith(t, build, mixedNet(), o, 2e-2, 5, 3, 6, 6)
	compareWith(t, build, residualNet(), o, 0.15, 16, 3, 8, 8)
	o.Frozen = []string{"stem.weight", "stem/norm.scale", "stem/norm.bias", "short/norm.bias"}
	compareWith(t, build, residualNet(), o, 0.15, 16, 3, 8, 8)
}
