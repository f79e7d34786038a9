package heads_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
)

// build adds a head to an empty graph and gives the graph.
func build(t testing.TB, h heads.Head, in int, seed uint64) *onnxgraph.Graph {
	t.Helper()
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	b := onnxgraph.NewBuilder("test", 17)
	b.Input(h.Input, onnxgraph.FloatType(onnxgraph.Batch(int64(in))))
	h.Add(b, in, seed)
	b.Output(h.Resolved().Output, onnxgraph.FloatType(onnxgraph.Batch(int64(h.Layers[len(h.Layers)-1]))))
	m := b.Model()
	if err := onnxgraph.Check(m); err != nil {
		t.Fatal(err)
	}
	types, err := onnxgraph.Infer(m)
	if err != nil {
		t.Fatal(err)
	}
	out := h.Resolved().Output
	got, want := types.Of[out].Shape, onnxgraph.Batch(int64(h.Layers[len(h.Layers)-1]))
	if h.Kind == heads.Pair || h.Kind == heads.Conditioned {
		want[0] = got[0] // some of the rows
	}
	if !got.Equal(want) || got[0].Static() {
		t.Errorf("%s is %v, want %v", out, got, want)
	}
	return m.GetGraph()
}

func TestAdd(t *testing.T) {
	for _, c := range []struct {
		yaml   string
		ops    string
		params string
	}{
		{"name: classifier, layers: [3]", "Gemm", "classifier.0.weight[3 5] classifier.0.bias[3]"},
		{"name: classifier, layers: [3], bias: false", "Gemm", "classifier.0.weight[3 5]"},
		{"name: projector, layers: [4, 2]", "Gemm BatchNormalization Relu Gemm",
			"projector.0.weight[4 5] projector.1.weight[4] projector.1.bias[4] projector.1.running_mean[4] " +
				"projector.1.running_var[4] " +
				"projector.3.weight[2 4] projector.3.bias[2]"},
		{"name: order, layers: [4, 4, 1], batch_norm: false", "Gemm Relu Gemm Relu Gemm",
			"order.0.weight[4 5] order.0.bias[4] order.2.weight[4 4] order.2.bias[4] order.4.weight[1 4] " +
				"order.4.bias[1]"},
		{"name: order, layers: [4, 1], batch_norm: false, bias: false", "Gemm Relu Gemm",
			"order.0.weight[4 5] order.2.weight[1 4]"},
		{"name: a, kind: pair, layers: [2], views: 4", "Reshape Gather Gather Concat Reshape Gemm",
			"a.0.weight[2 10] a.0.bias[2]"},
		{"name: e, kind: conditioned, layers: [2], encoding: 3, views: 4, base_views: 2, plain_view: 3, parameters: 6",
			"Reshape Gather Reshape Reshape Gather Reshape Gemm BatchNormalization Concat Gemm",
			"e.encoding.0.weight[3 6] e.encoding.1.weight[3] e.encoding.1.bias[3] e.encoding.1.running_mean[3] " +
				"e.encoding.1.running_var[3] " +
				"e.0.weight[2 8] e.0.bias[2]"},
	} {
		t.Run(c.yaml, func(t *testing.T) {
			h, err := heads.Parse(c.yaml)
			if err != nil {
				t.Fatal(err)
			}
			g := build(t, h, 5, 1)
			var ops, params []string
			for _, n := range g.GetNode() {
				ops = append(ops, n.GetOpType())
			}
			for _, p := range g.GetInitializer() {
				if p.GetDataType() != onnxgraph.Float32 {
					continue // shapes and places
				}
				params = append(params, fmt.Sprint(p.GetName(), p.GetDims()))
			}
			if got := strings.Join(ops, " "); got != c.ops {
				t.Errorf("operators %s, want %s", got, c.ops)
			}
			if got := strings.Join(params, " "); got != c.params {
				t.Errorf("parameters %s\nwant       %s", got, c.params)
			}
		})
	}
}

// TestInitialWeights: evenly in ±1/√inputs, another sequence for another name or seed, the same for the same.
func TestInitialWeights(t *testing.T) {
	const count, inputs = 20000, 25
	w := heads.Evenly(1, "a.0.weight", count, inputs)
	var sum, square float64
	for _, v := range w {
		if math.Abs(float64(v)) > 0.2 {
			t.Fatalf("%v is outside of ±1/√25", v)
		}
		sum += float64(v)
		square += float64(v) * float64(v)
	}
	if mean := sum / count; math.Abs(mean) > 0.003 {
		t.Errorf("mean %v, want about 0", mean)
	}
	if variance := square / count; math.Abs(variance-0.04/3) > 3e-4 {
		t.Errorf("variance %v, want about %v", variance, 0.04/3)
	}
	if !slices.Equal(w, heads.Evenly(1, "a.0.weight", count, inputs)) {
		t.Error("the same seed and name give other values")
	}
	if slices.Equal(w, heads.Evenly(2, "a.0.weight", count, inputs)) ||
		slices.Equal(w, heads.Evenly(1, "b.0.weight", count, inputs)) {
		t.Error("another seed or name gives the same values")
	}
}

func TestDefaults(t *testing.T) {
	for yaml, want := range map[string]heads.Head{
		"name: projector, layers: [8]": {Name: "projector", Input: "features", Output: "embedding", Layers: []int{8},
			BatchNorm: true, Bias: true},
		"{name: order, input: embedding, layers: [8], batch_norm: false}": {
			Name: "order", Input: "embedding", Output: "order", Layers: []int{8}, Bias: true},
		"name: order, output: scale, layers: [1], bias: false": {Name: "order", Input: "features", Output: "scale",
			Layers: []int{1}, BatchNorm: true},
	} {
		h, err := heads.Parse(yaml)
		if got := h.Resolved(); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: %+v (%v), want %+v", yaml, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for yaml, says := range map[string]string{
		"":                                  "name: must be 1 to 64",
		"name: order":                       "layers: must be 1 to 16 sizes",
		"name: a.b, layers: [1]":            "letters, digits or _",
		"name: order, layers: [0]":          "layers[0]: must be in [1, 65536], got 0",
		"name: order, layers: [70000]":      "65536",
		"name: order, layer: [1]":           `no key "layer"`,
		"name: order, layers: many":         "many",
		"name: order, layers: [1], bias: 3": "!!int",
		"name: a, kind: pair, layers: [1]":  "views: must be in [2, 4096]",
		"name: a, kind: both, layers: [1]":  "kind: must be perceptron, pair or conditioned",
		"name: a, layers: [1], views: 3":    "views: must be left out for a head of kind perceptron",
		"name: a, kind: pair, layers: [1], views: 3, parameters: 2": "parameters: must be left out",
		"name: a, kind: conditioned, layers: [1], views: 3, " +
			"base_views: 2, plain_view: 1, parameters: 2": "plain_view: must be in [2, 2]",
		"name: a, kind: conditioned, layers: [1], views: 3, " +
			"base_views: 3, plain_view: 3, parameters: 2": "base_views: must be in [1, 2]",
		"name: a, kind: conditioned, layers: [1], views: 3, " +
			"base_views: 1, plain_view: 1": "parameters: must be in [1, 65536]",
		"name: a, kind: conditioned, layers: [1], views: 3, " +
			"base_views: 1, plain_view: 1, parameters: 1, encoding: -1": "encoding: must be in [1, 65536]",
		"name: order, input: '', layers: [1]":  "input: must be",
		"[1, 2]":                               "not a head",
		"name: order, layers: [1":              "not a head",
		"name: x, layers: [1], output: '../y'": "output: must be",
	} {
		if _, err := heads.Parse(yaml); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error %v, want one that says %q", yaml, err, says)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("name: projector, layers: [256, 64]")
	f.Add("{name: order, input: embedding, output: o, layers: [1], batch_norm: false, bias: false}")
	f.Add("{name: &a x, layers: *a}")
	f.Add("{name: a, kind: pair, layers: [512, 9], views: 5}")
	f.Add("{name: e, kind: conditioned, input: embedding, layers: [2], encoding: 3, views: 4, base_views: 2, " +
		"plain_view: 3, parameters: 6}")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := heads.Parse(text)
		if err != nil {
			return
		}
		for _, n := range append([]int{h.Encoding, h.Views, h.Draws}, h.Layers...) {
			if n > 64 {
				return // valid, but slow to build
			}
		}
		build(t, h, 3, 1)
	})
}

func Example() {
	h, err := heads.Parse("{name: projector, layers: [256, 64]}")
	if err != nil {
		panic(err)
	}
	b := onnxgraph.NewBuilder("head", 17)
	b.Input(graph.Features, onnxgraph.FloatType(onnxgraph.Batch(512)))
	h.Add(b, 512, 1)
	for _, p := range b.Model().GetGraph().GetInitializer() {
		fmt.Println(p.GetName(), p.GetDims())
	}
	// Output:
	// projector.0.weight [256 512]
	// projector.1.weight [256]
	// projector.1.bias [256]
	// projector.1.running_mean [256]
	// projector.1.running_var [256]
	// projector.3.weight [64 256]
	// projector.3.bias [64]
}

// TestStringIsWhatParseReads: an error shows a head so that it can be pasted.
func TestStringIsWhatParseReads(t *testing.T) {
	for _, text := range []string{
		"{name: projector, layers: [256, 64]}",
		"{name: p, input: embedding, output: prediction, layers: [8], batch_norm: false, bias: false}",
		"{name: a, kind: pair, layers: [512, 9], views: 5}",
		"{name: e, kind: conditioned, input: embedding, layers: [2], encoding: 3, views: 4, base_views: 2, " +
			"plain_view: 3, parameters: 6}",
	} {
		h, err := heads.Parse(text)
		if err != nil || h.String() != text {
			t.Errorf("%v of %s, %v", h, text, err)
		}
	}
}

func TestValidateList(t *testing.T) {
	for says, list := range map[string][]string{
		"": {"name: a, layers: [2]", "name: b, input: a, layers: [2]", "name: c, kind: pair, layers: [2], views: 3"},
		`heads[1].name: a head before it is called "a" too`: {"name: a, layers: [2]",
			"name: a, output: b, layers: [2]"},
		`heads[1].output: there is an output "a" already`: {"name: a, layers: [2]",
			"name: b, output: a, layers: [2]"},
		`heads[0].input: must be one of features, embedding, got "b"`: {"name: a, input: b, layers: [2]"},
		`heads[1].input: must be one of features, embedding, got "c"`: {"name: c, kind: pair, layers: [2], views: 3",
			"name: a, input: c, layers: [2]"},
		"heads[1].views: the head a is for 3 views, this one for 4 views": {"name: a, kind: pair, layers: [2], views: 3",
			"name: b, kind: pair, layers: [2], views: 4"},
		"heads[1].views: the head a is for 3 views, 1 base views, plain view": {"name: a, kind: conditioned, layers: [2], " +
			"views: 3, base_views: 1, plain_view: 1, parameters: " +
			"4", "name: b, kind: conditioned, layers: [2], views: 3, base_views: 1, plain_view: 2, parameters: 4"},
	} {
		var all []heads.Head
		for _, text := range list {
			h, err := heads.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, h)
		}
		err := heads.ValidateList(all, []string{"features", "embedding"})
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v", list, err)
		}
	}
}
