package artifacts_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"ordo/models/artifacts"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// network makes a small forward graph: images → convolution, ReLU, average (pooled [batch,4,1,1]) and its flat form
// (z).
func network(t testing.TB, change func(m *onnxgraph.Model)) *onnxgraph.Model {
	t.Helper()
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	values := make([]float32, 4*3*3*3)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	b.Initializer(onnxgraph.NewFloats("stem.weight", []int64{4, 3, 3, 3}, values))
	b.Initializer(onnxgraph.NewFloats("stem.bias", []int64{4}, []float32{1, 2, 3, 4}))
	b.Op("Conv", "y", []string{"x", "stem.weight", "stem.bias"}, onnxgraph.IntsAttr("kernel_shape", 3, 3))
	b.Op("Relu", "features", []string{"y"}) // a name that ordo needs
	b.Op("GlobalAveragePool", "pooled", []string{"features"})
	b.Op("Flatten", "z", []string{"pooled"})
	b.Output("z", onnxgraph.FloatType(onnxgraph.Batch(4)))
	b.Output("pooled", onnxgraph.FloatType(onnxgraph.Batch(4, 1, 1)))
	m := b.Model()
	if change != nil {
		change(m)
	}
	return m
}

// declared gives the input dimensions as they stand in a file.
func declared(dims ...int64) func(m *onnxgraph.Model) {
	return func(m *onnxgraph.Model) {
		oneOutput(m)
		shape := &onnxgraph.Dimensions{}
		for _, d := range dims {
			shape.Dim = append(shape.Dim, &onnxgraph.Dimensions_Dimension{
				Value: &onnxgraph.Dimensions_Dimension_DimValue{DimValue: d}})
		}
		m.Graph.Input[0].Type.GetTensorType().Shape = shape
	}
}

// keras flattens the convolution's output as Keras does: the batch, and the product of the other sizes.
func keras(m *onnxgraph.Model) {
	oneOutput(m)
	one := func(name string, v int64) *onnxgraph.Tensor { return onnxgraph.NewInts(name, v) }
	m.Graph.Initializer = append(m.Graph.Initializer, one("first", 0), one("second", 1), one("last", 1<<31-1))
	node := func(op, output string, inputs []string, a ...*onnxgraph.Attribute) *onnxgraph.Node {
		return &onnxgraph.Node{OpType: op, Name: output, Input: inputs, Output: []string{output}, Attribute: a}
	}
	integer := onnxgraph.IntAttr
	m.Graph.Node = append(m.Graph.Node[:2],
		node("Shape", "sizes", []string{"features"}),
		node("Cast", "sizes/int", []string{"sizes"}, integer("to", int64(onnxgraph.Int32))),
		node("Slice", "batch", []string{"sizes/int", "first", "second"}),
		node("Slice", "inner", []string{"sizes/int", "second", "last"}),
		node("ReduceProd", "product", []string{"inner"}, integer("keepdims", 1)),
		node("Concat", "flat", []string{"batch", "product"}, integer("axis", 0)),
		node("Cast", "flat/long", []string{"flat"}, integer("to", int64(onnxgraph.Int64))),
		node("Reshape", "z", []string{"features", "flat/long"}))
	m.Graph.Output[0] = onnxgraph.NewValueInfo("z", onnxgraph.FloatType(onnxgraph.Batch(144)))
}

// oneOutput leaves z alone.
func oneOutput(m *onnxgraph.Model) { m.Graph.Output = m.Graph.Output[:1] }

func parse(t testing.TB, yaml string) artifacts.Options {
	t.Helper()
	o, err := artifacts.ParseOptions([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestBuild(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		change     func(*onnxgraph.Model)
		outputs    string
		trained    string
		frozen     string
	}{
		{"one output", "", oneOutput, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a chosen output", "features: z", nil, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"an output that is no matrix", "features: pooled", nil, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"both chosen", "{features: pooled, embedding: z}", nil, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"both the same", "{features: z, embedding: z}", nil, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a third output", "{features: z, outputs: [pooled]}", nil, "features:4 embedding:4 pooled:4",
			"stem.weight stem.bias", ""},
		{"swapped names", "{features: embedding, embedding: z}", func(m *onnxgraph.Model) {
			m.Graph.Output[1].Name, m.Graph.Node[2].Output[0], m.Graph.Node[3].Input[0] = "embedding", "embedding",
				"embedding"
		}, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"heads",
			"heads: [{name: projector, layers: [6, 2]}, {name: predictor, input: embedding, layers: [2], bias: false}]",
			oneOutput,
			"features:4 embedding:2 prediction:2",
			"stem.weight stem.bias projector.0.weight projector.1.weight projector.1.bias projector.3.weight " +
				"projector.3.bias predictor.0.weight",
			"projector.1.running_mean projector.1.running_var"},
		{"frozen", "{freeze: ['stem.*'], heads: [{name: projector, layers: [2]}]}", oneOutput, "features:4 embedding:2",
			"projector.0.weight projector.0.bias", "stem.weight stem.bias"},
		{"frozen by a question mark", "freeze: ['?tem.bias']", oneOutput, "features:4 embedding:4", "stem.weight",
			"stem.bias"},
		{"normalised", "{mean: [0.1, 0.2, 0.3], std: [1, 2, 3]}", oneOutput, "features:4 embedding:4",
			"stem.weight stem.bias", ""},
		{"a fixed batch", "", func(m *onnxgraph.Model) {
			oneOutput(m)
			m.Graph.Input[0] = onnxgraph.NewValueInfo("x", onnxgraph.FloatType(onnxgraph.Static(5, 3, 8, 8)))
			m.Graph.Initializer = append(m.Graph.Initializer, onnxgraph.NewInts("shape", 5, 4))
			m.Graph.Node[3] = &onnxgraph.Node{OpType: "Reshape", Input: []string{"pooled", "shape"},
				Output: []string{"z"}}
		}, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a free image size", "image_size: 8", func(m *onnxgraph.Model) {
			oneOutput(m)
			free := onnxgraph.Batch(3, 0, 0)
			free[2], free[3] = onnxgraph.Dim{Param: "h"}, onnxgraph.Dim{Param: "w"}
			m.Graph.Input[0] = onnxgraph.NewValueInfo("x", onnxgraph.FloatType(free))
		}, "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a free batch, said as -1", "", declared(-1, 3, 8, 8), "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a free batch, said as 0", "", declared(0, 3, 8, 8), "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a free size, said as -1", "image_size: 8", declared(-1, 3, -1, -1), "features:4 embedding:4",
			"stem.weight stem.bias", ""},
		{"a free size, said as 0", "image_size: 8", declared(1, 3, 0, 0), "features:4 embedding:4",
			"stem.weight stem.bias", ""},
		{"a free width", "image_size: 8", declared(-1, 3, 8, -1), "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a free width, no size", "", declared(-1, 3, 8, -1), "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"a free height, no size", "", declared(-1, 3, -1, 8), "features:4 embedding:4", "stem.weight stem.bias", ""},
		{"Keras' shape arithmetic", "", keras, "features:144 embedding:144", "stem.weight stem.bias", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := network(t, c.change)
			before := proto.CloneOf(m)
			f, err := artifacts.Build(m, parse(t, c.yaml))
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(m, before) {
				t.Error("the forward graph was changed")
			}
			if _, err := f.Contract(); err != nil {
				t.Error(err)
			}
			var outputs, trained, frozen []string
			for _, o := range f.Outputs {
				outputs = append(outputs, fmt.Sprintf("%s:%d", o.Name, o.Columns))
			}
			for _, p := range f.Parameters {
				if p.Trainable {
					trained = append(trained, p.Name)
				} else {
					frozen = append(frozen, p.Name)
				}
			}
			for _, x := range []struct {
				what, want string
				got        []string
			}{{"outputs", c.outputs, outputs}, {"trained", c.trained, trained}, {"frozen", c.frozen, frozen}} {
				if got := strings.Join(x.got, " "); got != x.want {
					t.Errorf("%s: %s, want %s", x.what, got, x.want)
				}
			}
			if want := (artifacts.Input{Name: "images", Channels: 3, Height: 8, Width: 8}); f.Input != want {
				t.Errorf("input %+v, want %+v", f.Input, want)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	input := func(typ onnxgraph.TensorType) func(*onnxgraph.Model) {
		return func(m *onnxgraph.Model) {
			oneOutput(m)
			m.Graph.Input[0] = onnxgraph.NewValueInfo("x", typ)
		}
	}
	for _, c := range []struct {
		name, yaml string
		change     func(*onnxgraph.Model)
		says       string
	}{
		{"two outputs", "", nil, "z, pooled: say which are the features"},
		{"no such features", "features: w", nil, `features: the graph has no output "w", it has: z, pooled`},
		{"no such embedding", "{features: z, embedding: w}", nil, `embedding: the graph has no output "w"`},
		{"no such output", "{features: z, outputs: [w]}", nil, `outputs[0]: the graph has no output "w"`},
		{"frozen nothing", "freeze: ['layer*']", oneOutput,
			`freeze[0]: "layer*" matches no parameter: they are called as stem.weight, stem.bias`},
		{"frozen all", "freeze: ['*']", oneOutput, "depend on no parameter"},
		{"two inputs", "", func(m *onnxgraph.Model) {
			oneOutput(m)
			m.Graph.Input = append(m.Graph.Input, onnxgraph.NewValueInfo("mask",
				onnxgraph.FloatType(onnxgraph.Batch(1))))
		}, "one input, the images, but it has 2: x, mask"},
		{"grey images", "", input(onnxgraph.FloatType(onnxgraph.Batch(1, 8, 8))),
			"must be float[batch,3,height,width]"},
		{"oblong images", "", input(onnxgraph.FloatType(onnxgraph.Batch(3, 8, 9))), "must be square"},
		{"free image size", "", input(onnxgraph.FloatType(append(onnxgraph.Batch(3), onnxgraph.Unknown,
			onnxgraph.Unknown))), "its image size is free"},
		{"two free sizes", "", declared(-1, 3, -1, 0), "its image size is free"},
		{"a fixed height", "image_size: 9", declared(-1, 3, 8, -1), "its image size is fixed"},
		{"a size below -1", "", declared(-2, 3, 8, 8), "dimension 0 is -2"},
		{"an old opset", "", func(m *onnxgraph.Model) { m.OpsetImport[0].Version = 12 },
			"opset 12, supported are 13 to 23"},
		{"a new opset", "", func(m *onnxgraph.Model) { m.OpsetImport[0].Version = 24 },
			"opset 24, supported are 13 to 23"},
		{"another image size", "image_size: 9", oneOutput, "its image size is fixed"},
		{"a head's name is taken", "heads: [{name: stem, layers: [2]}]", oneOutput,
			`has a parameter "stem.weight" already`},
		{"a head's output is taken", "heads: [{name: h, output: y, layers: [2]}]", oneOutput,
			`has a value "y" already`},
		{"a parameter has a needed name", "", func(m *onnxgraph.Model) {
			oneOutput(m)
			m.Graph.Node[1].Output[0], m.Graph.Node[2].Input[0] = "r", "r"
			m.Graph.Initializer[1].Name, m.Graph.Node[0].Input[2] = "features", "features"
		}, `a parameter that is called "features"`},
		{"a batch that can't be freed", "", func(m *onnxgraph.Model) {
			oneOutput(m)
			m.Graph.Input[0] = onnxgraph.NewValueInfo("x", onnxgraph.FloatType(onnxgraph.Static(5, 3, 8, 8)))
			m.Graph.Initializer = append(m.Graph.Initializer, onnxgraph.NewInts("shape", 20, 1))
			m.Graph.Node[3] = &onnxgraph.Node{OpType: "Reshape", Input: []string{"pooled", "shape"},
				Output: []string{"z"}}
		}, "exported for batches of 5 images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := artifacts.Build(network(t, c.change), parse(t, c.yaml)); err == nil ||
				!strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestOptionsRefuse(t *testing.T) {
	for yaml, says := range map[string]string{
		"feature: z": "field feature not found",
		"heads: [{name: a, layers: [1]}, {name: a, layers: [1], output: b}]": "heads[1].name: a head before it",
		"heads: [{name: a, layers: [1]}, " +
			"{name: b, layers: [1], output: a}]": "heads[1].output: there is an output",
		"heads: [{name: a, layers: [1], input: b}]": "heads[0].input: must be one of features, embedding",
		"heads: [{name: p, input: embedding, layers: [1]}, " +
			"{name: projector, layers: [1]}]": "heads[0].input: must be one of features,",
		"heads: [{name: features, layers: [1]}]": "there is an output \"features\" already",
		"{embedding: z, " +
			"heads: [{name: projector, layers: [1]}]}": "there is an output \"embedding\" already",
		"heads: [{name: a}]":                   "heads[0].layers: must be",
		"mean: [1, 2, 3]":                      "mean and std must have 3 numbers each or none, got 3 and 0",
		"{mean: [1, 2], std: [1, 2]}":          "got 2 and 2",
		"{mean: [1, 2, 3], std: [1, 0, 1]}":    "std[1]: must be in (0",
		"{mean: [1, .nan, 3], std: [1, 1, 1]}": "mean[1]: must be",
		"freeze: ['']":                         "freeze[0]: must be a pattern",
		"image_size: -1":                       "image_size: must be",
		"optimizer: {beta1: 2}":                "optimizer.beta1: must be",
		"outputs: [features]":                  "\"features\" is there already",
		"heads: 3":                             "cannot unmarshal",
	} {
		if _, err := artifacts.ParseOptions([]byte(yaml)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error %v, want one that says %q", yaml, err, says)
		}
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add([]byte("features: z\nheads:\n- {name: projector, layers: [8, 2]}\nfreeze: ['a*']\nmean: [0,0,0]\nstd: " +
		"[1,1,1]\n"))
	f.Add([]byte("heads: [{name: order, input: embedding, layers: [1]}]"))
	f.Add([]byte(": ["))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := artifacts.ParseOptions(text)
		if err == nil && o.Validate() != nil {
			t.Error("ParseOptions passed what Validate refuses")
		}
	})
}

// TestNormalisation: the graph with constants gives for images what the graph without gives for normalised images.
func TestNormalisation(t *testing.T) {
	lib := orttest.Open(t)
	eval := func(yaml string, images []float32) []float32 {
		t.Helper()
		f, err := artifacts.Build(network(t, oneOutput), parse(t, yaml))
		if err != nil {
			t.Fatal(err)
		}
		tr, err := lib.NewTrainer(f.Artifacts, func([]ort.Output) error { return nil },
			ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		in, err := lib.NewTensor(1, 3, 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		copy(in.Data(), images)
		out, err := tr.Eval(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(out[0])
	}
	mean, std := []float32{0.5, 0.25, 0.75}, []float32{0.5, 2, 0.25}
	images, normal := make([]float32, 192), make([]float32, 192)
	for i := range images {
		images[i] = float32(i%17) / 17
		normal[i] = (images[i] - mean[i/64]) / std[i/64]
	}
	got, want := eval("{mean: [0.5, 0.25, 0.75], std: [0.5, 2, 0.25]}", images), eval("", normal)
	for i, w := range want {
		if math.Abs(float64(got[i]-w)) > 1e-5*math.Abs(float64(w)) {
			t.Errorf("feature %d is %v, want %v", i, got[i], w)
		}
	}
}

func Example() {
	forward, err := onnxgraph.ReadFile(filepath.Join("..", "autodiff", "testdata", "convnet", "forward.onnx"))
	if err != nil {
		panic(err)
	}
	o := artifacts.DefaultOptions()
	projector := heads.Default()
	projector.Name, projector.Layers = heads.Projector, []int{32, 8}
	o.Heads = []heads.Head{projector}
	f, err := artifacts.Build(forward, o)
	if err != nil {
		panic(err)
	}
	for _, out := range f.Outputs {
		fmt.Println(out.Name, out.Columns)
	}
	// Output:
	// features 12
	// embedding 8
}
