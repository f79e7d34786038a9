package report

import (
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/inspect"
	"ordo/models/roles"
)

func TestModel(t *testing.T) {
	r := &inspect.Report{
		Parameters: 12, Frozen: 3, MultiplyAdds: 99, Tensors: []inspect.Tensor{{}, {Frozen: true}}, Unknown: 1,
		Ops:    []inspect.OpCount{{Op: "Conv", Count: 2}},
		Memory: []inspect.Memory{{Batch: 8, Forward: 1 << 20, Kept: 2 << 20, Peak: 3 << 20}},
	}
	forward := Model(r)
	r.Training = []inspect.OpCount{{Op: "ConvGrad", Count: 2}, {Op: "Loss", Count: 1}}
	training := Model(r)
	for text, says := range map[string][]string{
		forward: {"parameters: 12 trained in 1 tensors, 3 frozen in 1\n",
			"multiply-adds: 99", "operators: 2 Conv\n", "  1.0 MiB\n", "of 1 nodes"},
		training: {"operators of the training graph: 2 ConvGrad, 1 Loss\n",
			"forward     kept  training\n", "1.0 MiB  2.0 MiB  3.0 MiB\n"},
	} {
		for _, s := range says {
			if !strings.Contains(text, s) {
				t.Errorf("%q is missing in\n%s", s, text)
			}
		}
	}
	if strings.Contains(forward, "training") {
		t.Errorf("a forward graph trains:\n%s", forward)
	}
}

func TestTensors(t *testing.T) {
	m := &artifacts.Manifest{
		Tensors: []artifacts.Tensor{
			{Name: "val_7", Shape: []int64{1}, State: artifacts.Constant, Kind: roles.Number, Op: "Mul", Why: "made up"},
			{Name: "a", Shape: []int64{2, 3}, State: artifacts.Trained, Kind: roles.Weight, Op: "Conv", Why: "used"},
			{Name: "b", Shape: []int64{4}, State: artifacts.Trained, Kind: roles.Weight, Op: "Gemm", Why: "used"},
		},
		Untied: []roles.Untied{{Name: "n", Kind: roles.Scale, Names: []string{"n", "o", "p", "q", "r", "s"}}},
	}
	text := Tensors(m)
	for _, s := range []string{"trained         2      10  weight (Conv, Gemm): a, b; used\n",
		"constant        1       1  number (Mul): val_7; made up\n", "1 tensors", "are 6 now\n",
		"n (scale): n, o, p, q and 2 more\n"} {
		if !strings.Contains(text, s) {
			t.Errorf("%q is missing in\n%s", s, text)
		}
	}
	if strings.Index(text, "constant") < strings.Index(text, "trained") {
		t.Errorf("the constants stand first:\n%s", text)
	}
	m.Untied = nil
	m.Lost = roles.Lost{BatchNorms: 20, Biases: 3}
	if text := Tensors(m); !strings.Contains(text, "warning: the exporter has folded 20 batch norms") ||
		!strings.Contains(text, "left out 3 biases") {
		t.Errorf("what the exporter took out: %s", text)
	}
	if strings.Contains(Tensors(m), "untied") {
		t.Error("nothing was taken apart")
	}
}
