package ort_test

import (
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// withKernels puts our operators in the place of the stock ones, each between reorders.
func withKernels(t testing.TB, training []byte) []byte {
	t.Helper()
	m := new(onnxgraph.Model)
	if err := proto.Unmarshal(training, m); err != nil {
		t.Fatal(err)
	}
	var nodes []*onnxgraph.Node
	reorder := func(from, to, order string) {
		nodes = append(
			nodes,
			&onnxgraph.Node{
				Name:      "reorder/" + to,
				Domain:    "ordo",
				OpType:    "Reorder",
				Input:     []string{from},
				Output:    []string{to},
				Attribute: []*onnxgraph.Attribute{onnxgraph.StringAttr("to", order)},
			},
		)
	}
	rank := map[string]int{}
	for _, v := range m.Graph.ValueInfo {
		if typ, err := v.TensorType(); err == nil {
			rank[v.GetName()] = len(typ.Shape)
		}
	}
	replaced := map[string]int{}
	for _, n := range m.Graph.Node {
		var images []int // inputs that are reordered; the first output is reordered back
		own := &onnxgraph.Node{Name: n.GetName(), Domain: "ordo", OpType: n.GetOpType(), Input: slices.Clone(n.Input),
			Output: slices.Clone(n.Output), Attribute: n.Attribute}
		switch n.GetOpType() {
		case "Conv":
			images = []int{0}
		case "ConvGrad":
			images = []int{0, 1}
		case "BatchNormInternal":
			images, own.OpType = []int{0}, "BatchNorm"
			own.Output = []string{n.Output[0], n.Output[3], n.Output[4]}
			own.Attribute = []*onnxgraph.Attribute{onnxgraph.FloatAttr("epsilon", n.Float("epsilon", 0)),
				onnxgraph.FloatAttr("momentum", 1-n.Float("momentum", 0))}
		case "BatchNormalizationGrad":
			images, own.OpType = []int{0, 1, 2}, "BatchNormGrad"
			own.Input = []string{n.Input[0], n.Input[1], n.Input[1], n.Input[2], n.Input[3], n.Input[4]}
			own.Attribute = nil
		default:
			nodes = append(nodes, n)
			continue
		}
		replaced[own.OpType]++
		if rank[n.Input[0]] == 2 { // rows of channels, which have one order
			nodes = append(nodes, own)
			continue
		}
		for _, i := range images {
			to := own.Name + "/" + own.Input[i] + "/" + string(rune('a'+i))
			reorder(own.Input[i], to, "nhwc")
			own.Input[i] = to
		}
		nodes = append(nodes, own)
		if out := own.Output[0]; out != "" {
			own.Output[0] = out + "/nhwc"
			reorder(own.Output[0], out, "nchw")
		}
	}
	for _, op := range []string{"Conv", "ConvGrad", "BatchNorm", "BatchNormGrad"} {
		if replaced[op] == 0 {
			t.Fatalf("the graph has no %s to replace", op)
		}
	}
	m.Graph.Node = nodes
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTrainingWithKernels: in a training session the operators give the losses, gradient norms and statistics of the
// stock ones, and a step that fails leaves the statistics as they were.
func TestTrainingWithKernels(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	a := artifacts(t)
	type course struct {
		losses, norms []float64
		mean          []float32
	}
	steps := func(a graph.Artifacts) (c course) {
		var loss float64
		fail := false
		tr, err := rt.NewTrainer(a, func(outputs []ort.Output) error {
			err := towardsOne(&loss)(outputs)
			if fail {
				outputs[1].Grad[0] = float32(math.NaN())
			}
			return err
		}, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 2}})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		for i, n := range []int{12, 7, 1, 12} {
			x := images(t, rt, n)
			if fail = i == 3; fail {
				before := must[[]float32](t)(tr.Parameter("bn1.running_mean"))
				if _, err := tr.Step(x, 1e-3); err == nil {
					t.Error("a gradient of NaN is no error")
				}
				if after := must[[]float32](t)(tr.Parameter("bn1.running_mean")); !slices.Equal(before, after) {
					t.Error("a step that failed moved the statistics")
				}
				break
			}
			norm := must[float32](t)(tr.Step(x, 1e-3))
			c.losses, c.norms = append(c.losses, loss), append(c.norms, float64(norm))
		}
		c.mean = must[[]float32](t)(tr.Parameter("bn1.running_mean"))
		return c
	}
	stock := steps(a)
	a.Training = withKernels(t, a.Training)
	own := steps(a)
	for i := range stock.losses {
		for _, v := range [][2]float64{{own.losses[i], stock.losses[i]}, {own.norms[i], stock.norms[i]}} {
			if math.Abs(v[0]-v[1]) > 2e-4*v[1] {
				t.Errorf("step %d: %v, stock %v", i, v[0], v[1])
			}
		}
	}
	for i := range stock.mean {
		if math.Abs(float64(own.mean[i]-stock.mean[i])) > 1e-5 {
			t.Errorf("running mean %d: %v, stock %v", i, own.mean[i], stock.mean[i])
		}
	}
	if again := steps(
		a,
	); !slices.Equal(again.losses, own.losses) || !slices.Equal(again.norms, own.norms) ||
		!slices.Equal(again.mean, own.mean) {
		t.Errorf("a second run gave other bits: %v and %v", again.losses, own.losses)
	}
}
