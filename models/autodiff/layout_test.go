package autodiff_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/golden"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/onnxgraph/graphtext"
	"ordo/models/zoo"
)

// The order of a value in memory, as far as the checker knows.
const (
	plainOrder = "plain"
	lastOrder  = "channels last"
)

// activations are the inputs and outputs of ordo's operators that have the channels last, as their documentation says.
var activations = map[string][2][]int{
	"Conv": {{0}, {0}}, "ConvGrad": {{0, 1}, {0}}, "BatchNorm": {{0, 5}, {0}}, "BatchNormGrad": {{0, 1, 2, 6}, {0, 3}},
	"MaxPool": {{0}, {0, 1}}, "MaxPoolGrad": {{0, 1}, {0}}, "AveragePool": {{0}, {0}}, "AveragePoolGrad": {{0}, {0}},
	"ChannelScale": {{0}, {0}}, "ChannelScaleGrad": {{0, 1}, {0}},
}

// indifferent lists the operators that act on each element by itself.
var indifferent = strings.Fields("Add Mul Sub Div Sum Relu Sigmoid HardSigmoid HardSwish Gelu Where Greater Less And " +
	"Cast Abs Identity ReluGrad SigmoidGrad GeluGrad Activation ActivationGrad")

// checkOrders follows every value's order through a graph and returns what is wrong with the first node that is given
// images in the wrong order.
func checkOrders(m *onnxgraph.Model) error {
	types := map[string]onnxgraph.Shape{}
	g := m.GetGraph()
	for _, list := range [][]*onnxgraph.ValueInfo{g.GetInput(), g.GetValueInfo(), g.GetOutput()} {
		for _, v := range list {
			if typ, err := v.TensorType(); err == nil {
				types[v.GetName()] = typ.Shape
			}
		}
	}
	// Where there is one channel or one pixel both orders are the same.
	matters := func(name string) bool {
		s := types[name]
		return len(s) == 4 && s[1].Size != 1 && s[2].Size*s[3].Size != 1
	}
	orders := map[string]string{}
	orderOf := func(name string) string {
		if orders[name] == "" {
			return plainOrder
		}
		return orders[name]
	}
	for _, n := range g.GetNode() {
		wrong := func(name, want string) error {
			if matters(name) && orderOf(name) != want {
				return fmt.Errorf("%s %s takes %s, which is %s", n.GetOpType(), n.GetName(), name, orderOf(name))
			}
			return nil
		}
		in, out := slices.Repeat([]string{plainOrder}, len(n.GetInput())),
			slices.Repeat([]string{plainOrder}, len(n.GetOutput()))
		places, ours := activations[n.GetOpType()]
		switch {
		case n.GetDomain() == "ordo" && ours:
			for i, list := range [][]string{in, out} {
				for _, k := range places[i] {
					if k < len(list) {
						list[k] = lastOrder
					}
				}
			}
		case n.GetDomain() == "ordo" && n.GetOpType() == "Reorder":
			in[0], out[0] = lastOrder, plainOrder
			if n.Str("to", "") == "nhwc" {
				in[0], out[0] = plainOrder, lastOrder
			}
		case n.GetOpType() == "Shape":
			continue
		case n.GetOpType() == "Reshape":
			x, y := types[n.In(0)], types[n.Out(0)]
			if len(x) != 4 || len(y) != 4 {
				break
			}
			// Views, and Transposes that have become such.
			if viewed := (onnxgraph.Shape{x[0], x[2], x[3], x[1]}); orderOf(n.In(0)) == lastOrder &&
				slices.Equal(y, viewed) {
				in[0] = lastOrder
			} else if seen := (onnxgraph.Shape{x[0], x[3], x[1], x[2]}); slices.Equal(y, seen) {
				out[0] = lastOrder
			}
		case slices.Contains(indifferent, n.GetOpType()):
			order := ""
			for _, name := range n.GetInput() {
				if matters(name) && order == "" {
					order = orderOf(name)
				}
			}
			for k, name := range n.GetInput() {
				in[k] = order
				if count, ok := types[name].Elements(); order == lastOrder && len(types[name]) > 0 &&
					!(ok && count == 1) && !slices.Equal(types[name], types[n.Out(0)]) {
					return fmt.Errorf("%s %s broadcasts %s, with the channels last", n.GetOpType(), n.GetName(), name)
				}
			}
			out[0] = order
		}
		for k, name := range n.GetInput() {
			if err := wrong(name, in[k]); err != nil {
				return err
			}
		}
		for k, name := range n.GetOutput() {
			if matters(name) {
				orders[name] = out[k]
			}
		}
	}
	for _, v := range g.GetOutput() {
		if orders[v.GetName()] == lastOrder {
			return fmt.Errorf("output %s has the channels last", v.GetName())
		}
	}
	return nil
}

func trainingWith(t *testing.T, m *onnxgraph.Model, k autodiff.Kernels, output string) *onnxgraph.Model {
	t.Helper()
	o := autodiff.DefaultOptions()
	o.Outputs, o.Kernels = []string{output}, &k
	a, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxgraph.Check(a.Training); err != nil {
		t.Error(err)
	}
	return a.Training
}

// count returns how many nodes of an operator a graph has; domain "" stands for ONNX's.
func count(m *onnxgraph.Model, domain, op string) int {
	n := 0
	for _, node := range m.GetGraph().GetNode() {
		if node.GetDomain() == domain && node.GetOpType() == op {
			n++
		}
	}
	return n
}

// TestOrdersOfBackbones: all images of a network have their channels last, from the first convolution to the average.
func TestOrdersOfBackbones(t *testing.T) {
	for _, name := range zoo.Names() {
		o := zoo.Options{Backbone: name}
		if slices.Contains(zoo.Keys(name), "stem") {
			o.Stem = "standard"
		}
		if name == zoo.DefaultOptions().Backbone {
			o = zoo.DefaultOptions()
		}
		m, err := zoo.Build(o, 64, 1)
		if err != nil {
			t.Fatal(err)
		}
		training := trainingWith(t, m, autodiff.Kernels{}, graph.Features)
		if err := checkOrders(training); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		convolutions := count(m, "", "Conv")
		if got := count(training, "ordo", "Conv"); got != convolutions {
			t.Errorf("%s: %d of %d convolutions are ordo's", name, got, convolutions)
		}
		if got := count(training, "com.microsoft", "BatchNormInternal"); got != 0 {
			t.Errorf("%s: %d batch norms are ONNX Runtime's", name, got)
		}
		// That of the images; and where a network's features are no averages, around these.
		if got := count(training, "ordo", "Reorder"); got != 1 && !strings.HasPrefix(name, "vit") && got > 3 {
			t.Errorf("%s: %d reorders", name, got)
		}
	}
}

// TestCheckOrders: a graph without one of its reorders is refused, and so is one with a batch norm's images in plain
// order.
func TestCheckOrders(t *testing.T) {
	m, err := zoo.Build(zoo.DefaultOptions(), 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	training := trainingWith(t, m, autodiff.Kernels{}, graph.Features)
	for i, n := range training.GetGraph().GetNode() {
		if n.GetOpType() == "Reorder" {
			damaged, err := onnxgraph.Decode(encode(t, training))
			if err != nil {
				t.Fatal(err)
			}
			damaged.Graph.Node[i].OpType, damaged.Graph.Node[i].Domain, damaged.Graph.Node[i].Attribute = "Identity",
				"", nil
			if checkOrders(damaged) == nil {
				t.Errorf("nobody misses %s", n.GetName())
			}
		}
	}
}

func (g *opGraph) norm(name, x string, channels int64) string {
	return g.Op("BatchNormalization", name, []string{x, g.parameter(name+".scale", channels),
		g.parameter(name+".bias", channels),
		g.parameter(name+".mean", channels), g.parameter(name+".var", channels)})
}

// sharingNet has batch norms whose results are used more than once: three times behind a ReLU, and twice without one,
// and behind a residual with and without one.
func sharingNet() *onnxgraph.Model {
	g := &opGraph{onnxgraph.NewBuilder("sharing", 17), newRandom()}
	g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	conv := func(name, x string, from int64) string {
		return g.Op("Conv", name, []string{x, g.parameter(name+".weight", 4, from, 1, 1)})
	}
	x := g.Op("Relu", "a/relu", []string{g.norm("a/norm", conv("a", "images", 3), 4)})
	b := g.norm("b/norm", conv("b", x, 4), 4)
	c := g.Op("Relu", "c/relu", []string{g.Op("Add", "c/sum", []string{g.norm("c/norm", conv("c", x, 4), 4), x})})
	d := g.Op("Add", "d/sum", []string{g.norm("d/norm", conv("d", b, 4), 4), c})
	e := g.Op("Mul", "e", []string{g.Op("Mul", "bc", []string{b, c}), conv("f", d, 4)})
	return g.averages(g.Op("Mul", "g", []string{d, e}))
}

// TestSumsWithinBatchNorms: of several gradients a batch norm's takes two; what is more is summed before.
func TestSumsWithinBatchNorms(t *testing.T) {
	training := trainingWith(t, sharingNet(), autodiff.Kernels{}, "z")
	if got := count(training, "", "Sum"); got != 1 { // of a/relu, which has three
		t.Errorf("%d sums, want 1", got)
	}
	second := 0
	for _, n := range training.GetGraph().GetNode() {
		if n.GetOpType() == graph.BatchNormGrad && n.In(6) != "" {
			second++
		}
	}
	if second != 4 {
		t.Errorf("%d batch norms with two gradients, want 4", second)
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"z"}
	compareKernels(t, sharingNet(), o, 1e-4, 3, 3, 8, 8)
	o.Frozen = []string{"a.weight", "a/norm.scale", "a/norm.bias"}
	compareKernels(t, sharingNet(), o, 1e-4, 3, 3, 8, 8)
}

// residualNet is a small residual network: stem, max pool, a block with a batch norm on both ways, averages.
func residualNet() *onnxgraph.Model {
	g := &opGraph{onnxgraph.NewBuilder("residual", 17), newRandom()}
	g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	ints, norm := onnxgraph.IntsAttr, g.norm
	x := g.Op("Conv", "stem", []string{"images", g.parameter("stem.weight", 4, 3, 3, 3)}, ints("pads", 1, 1, 1, 1))
	x = g.Op("Relu", "stem/relu", []string{norm("stem/norm", x, 4)})
	x = g.Op("MaxPool", "pool", []string{x}, ints("kernel_shape", 2, 2), ints("strides", 2, 2))
	way := norm("block/norm", g.Op("Conv", "block", []string{x, g.parameter("block.weight", 4, 4, 3, 3)},
		ints("pads", 1, 1, 1, 1)), 4)
	short := norm("short/norm", g.Op("Conv", "short", []string{x, g.parameter("short.weight", 4, 4, 1, 1)}), 4)
	x = g.Op("Relu", "block/relu", []string{g.Op("Add", "sum", []string{way, short})})
	return g.averages(x)
}

// mixedNet has a convolution in groups between two others, squeeze and excitation, a scale for each channel, and a
// joint.
func mixedNet() *onnxgraph.Model {
	g := &opGraph{onnxgraph.NewBuilder("mixed", 17), newRandom()}
	g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 6, 6)))
	ints := onnxgraph.IntsAttr
	a := g.Op("Sigmoid", "a/sigmoid", []string{g.Op("Conv", "a", []string{"images", g.parameter("a.weight", 4, 3, 1, 1),
		g.parameter("a.bias", 4)})})
	b := g.Op("Conv", "grouped", []string{a, g.parameter("grouped.weight", 4, 2, 3, 3)}, ints("pads", 1, 1, 1, 1),
		onnxgraph.IntAttr("group", 2))
	squeezed := g.Op("ReduceMean", "squeezed", []string{b}, ints("axes", 2, 3), onnxgraph.IntAttr("keepdims", 1))
	gate := g.Op("Sigmoid", "gate", []string{g.Op("Conv", "excited", []string{squeezed,
		g.parameter("excited.weight", 4, 4, 1, 1)})})
	c := g.Op("Mul", "gated", []string{b, gate})
	c = g.Op("Mul", "scaled", []string{c, g.parameter("layer_scale", 4, 1, 1)})
	d := g.Op("Conv", "d", []string{g.Op("Concat", "joint", []string{a, c}, onnxgraph.IntAttr("axis", 1)),
		g.parameter("d.weight", 4, 8, 1, 1)})
	return g.averages(d)
}

// averages ends a network.
func (g *opGraph) averages(x string) *onnxgraph.Model {
	g.Append(&onnxgraph.Node{Name: "z", OpType: "Flatten", Input: []string{g.Op("GlobalAveragePool", "mean",
		[]string{x})}, Output: []string{"z"}})
	g.Output("z", onnxgraph.FloatType(onnxgraph.Batch(4)))
	return g.Model()
}

// ungrouped are kernels for convolutions in one group alone.
func ungrouped() autodiff.Kernels {
	return autodiff.Kernels{Precision: autodiff.BFloat16,
		Supports: func(c autodiff.Convolution) bool { return c.Groups == 1 }}
}

func TestPrintedTrainingGraphs(t *testing.T) {
	for name, training := range map[string]*onnxgraph.Model{
		"residual": trainingWith(t, residualNet(), autodiff.Kernels{}, "z"),
		"mixed":    trainingWith(t, mixedNet(), ungrouped(), "z"),
	} {
		if err := checkOrders(training); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var text strings.Builder
		if err := graphtext.Print(&text, training); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", "kernels", name+".txt"), text.String())
	}
}

// TestKernelsOfMixedNetworks: networks that have both kinds of operators give the same.
func TestKernelsOfMixedNetworks(t *testing.T) {
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"z"}
	compareKernels(t, residualNet(), o, 1e-4, 3, 3, 8, 8)
	compareKernels(t, mixedNet(), o, 1e-4, 3, 3, 6, 6)
	o.Frozen = []string{"stem.weight", "stem/norm.scale", "stem/norm.bias", "short/norm.bias"}
	compareKernels(t, residualNet(), o, 1e-4, 1, 3, 8, 8)
	o.Frozen = []string{"grouped.weight", "a.weight"}
	compareKernels(t, mixedNet(), o, 1e-4, 1, 3, 6, 6)
}

// TestUnsupportedConvolutions: where no convolution is supported, the graph is ONNX Runtime's alone.
func TestUnsupportedConvolutions(t *testing.T) {
	none := autodiff.Kernels{Supports: func(autodiff.Convolution) bool { return false }}
	for _, m := range []*onnxgraph.Model{residualNet(), mixedNet()} {
		stock := autodiff.DefaultOptions()
		stock.Outputs = []string{"z"}
		a, err := autodiff.Build(m, stock)
		if err != nil {
			t.Fatal(err)
		}
		if string(encode(t, trainingWith(t, m, none, "z"))) != string(encode(t, a.Training)) {
			t.Error("the training graphs differ")
		}
	}
}

// TestKernelsChangeTheTrainingGraphOnly: evaluation graph, optimizer, checkpoint and parameters are the same bytes.
func TestKernelsChangeTheTrainingGraphOnly(t *testing.T) {
	o := autodiff.DefaultOptions()
	m := zooModel(t, resnet())
	stock, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Kernels = &autodiff.Kernels{}
	fast, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	if string(encode(t, stock.Eval)) != string(encode(t, fast.Eval)) ||
		string(encode(t, stock.Optimizer)) != string(encode(t, fast.Optimizer)) ||
		string(stock.Checkpoint) != string(fast.Checkpoint) {
		t.Error("evaluation graph, optimizer graph or checkpoint differ")
	}
	if !slices.Equal(names(stock.Training.GetGraph().GetInput()), names(fast.Training.GetGraph().GetInput())) ||
		!slices.Equal(names(stock.Training.GetGraph().GetOutput()), names(fast.Training.GetGraph().GetOutput())) {
		t.Error("inputs or outputs of the training graph differ")
	}
	if !strings.Contains(strings.Join(names(fast.Training.GetGraph().GetValueInfo()), " "), "/nhwc") {
		t.Error("nothing was reordered")
	}
}
