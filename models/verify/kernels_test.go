package verify_test

import (
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/ort/orttest"
	"ordo/models/verify"
	"ordo/models/zoo"
)

// TestKernels: the gradients and running statistics of a residual network by ordo's own operators stand against finite
// differences and the moments of the batch norms' inputs.
func TestKernels(t *testing.T) {
	lib := orttest.OpenWithKernels(t)
	m, err := zoo.Build(zoo.Options{Backbone: "resnet18", Stem: "standard", Width: 4}, 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.Outputs, o.Kernels = []string{graph.Features}, &autodiff.Kernels{}
	built, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	a, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify.Run(t.Context(), lib, a, verify.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range report.Failures {
		t.Error(fault)
	}
	if len(report.Statistics) != 40 {
		t.Errorf("%d running statistics were compared, want two for each of 20 batch norms", len(report.Statistics))
	}
}
