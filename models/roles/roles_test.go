package roles_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/roles"
	"ordo/models/zoo"
)

// net is a graph under construction.
type net struct {
	*onnxgraph.Builder
}

// varied stores a tensor whose elements differ.
func (n net) varied(name string, dims ...int64) string {
	count, _ := onnxgraph.Static(dims...).Elements()
	values := make([]float32, count)
	for i := range values {
		values[i] = float32(math.Sin(float64(3*i + 1)))
	}
	return n.Initializer(onnxgraph.NewFloats(name, dims, values))
}

// filled stores a tensor of one value.
func (n net) filled(name string, v float32, dims ...int64) string {
	count, _ := onnxgraph.Static(dims...).Elements()
	return n.Initializer(onnxgraph.NewFloats(name, dims, slices.Repeat([]float32{v}, int(count))))
}

// node adds a node of one output.
func (n net) node(op string, inputs ...string) string { return n.Op(op, strings.ToLower(op), inputs) }

// model is images → convolution → what layers adds → output.
func model(layers func(n net, x string) string) *onnxgraph.Model {
	n := net{onnxgraph.NewBuilder("test", 17)}
	n.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	x := n.Op("Conv", "stem", []string{"images", n.varied("stem.weight", 4, 3, 1, 1)})
	y := layers(n, x)
	n.Output(y, onnxgraph.FloatType(onnxgraph.Batch(4, 8, 8)))
	return n.Model()
}

func kinds(m *onnxgraph.Model) string {
	var list []string
	for _, r := range roles.Of(m) {
		if name := r.Tensor.GetName(); name != "stem.weight" {
			list = append(list, name+": "+string(r.Kind))
		}
	}
	return strings.Join(list, ", ")
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers func(n net, x string) string
		want   string
	}{
		{"layers", func(n net, x string) string {
			x = n.node("Conv", x, n.varied("onnx::Conv_7", 4, 4, 1, 1), n.varied("onnx::Conv_8", 4))
			x = n.node("PRelu", x, n.varied("slope", 4, 1, 1))
			x = n.node("MatMul", x, n.varied("onnx::MatMul_9", 8, 8))
			return n.node("LayerNormalization", x, n.varied("n.weight", 8), n.varied("n.bias", 8))
		}, "onnx::Conv_7: weight, onnx::Conv_8: bias, slope: slope, onnx::MatMul_9: weight, n.weight: scale, n.bias: shift"},
		{"a batch norm", func(n net, x string) string {
			return n.node("BatchNormalization", x, n.filled("w", 1, 4), n.filled("b", 0, 4), n.filled("m", 0, 4),
				n.filled("v", 1, 4))
		}, "w: scale, b: shift, m: running mean, v: running variance"},
		{"the scale of a softmax", func(n net, x string) string {
			s := n.filled("val_51", 0.7, 1)
			return n.node("MatMul", n.node("Mul", x, s), n.node("Mul", n.node("Relu", x), s))
		}, "val_51: number"},
		{"numbers of TensorFlow's", func(n net, x string) string {
			x = n.node("Add", x, n.filled("norm/batchnorm/add/y:0", 1e-3, 1))
			x = n.node("Mul", x, n.filled("const_fold_opt__20", 1./6, 1, 1, 1, 1))
			return n.node("Add", x, n.filled("hswish/Const_1:0", 3))
		}, "norm/batchnorm/add/y:0: number, const_fold_opt__20: number, hswish/Const_1:0: number"},
		{"weights of one element", func(n net, x string) string {
			x = n.node("Mul", x, n.filled("lab.scale", 1, 1))
			x = n.node("Add", x, n.filled("learnable_affine_block_0.w_0", 0, 1))
			x = n.node("Add", x, n.filled("block/ReadVariableOp:0", 0, 1))
			return n.node("Pow", x, n.filled("gem.p", 3, 1))
		}, "lab.scale: scale, learnable_affine_block_0.w_0: bias, block/ReadVariableOp:0: bias, gem.p: operand"},
		{"a weight of one element in a layer", func(n net, x string) string {
			return n.node("PRelu", n.node("MatMul", x, n.filled("onnx::MatMul_3", 2, 1, 1)), n.filled("onnx::PRelu_4", 1, 1))
		}, "onnx::MatMul_3: weight, onnx::PRelu_4: slope"},
		{"rotary positions", func(n net, x string) string {
			x = n.node("Add", n.node("Mul", x, n.varied("rope.cos", 8, 8)), n.node("Mul", x, n.varied("sin_3", 8, 8)))
			return n.node("Mul", x, n.varied("val_7", 1, 1, 8, 8))
		}, "rope.cos: table, sin_3: table, val_7: table"},
		{"angles", func(n net, x string) string {
			angles := n.node("MatMul", n.varied("val_3", 8, 1), n.varied("periods_of_it", 1, 8))
			return n.node("Mul", x, n.node("Cos", n.node("Mul", angles, n.varied("speed", 8))))
		}, "val_3: table, periods_of_it: weight, speed: table"},
		{"a mask", func(n net, x string) string {
			return n.node("Add", x, n.Initializer(onnxgraph.NewFloats("val_9", []int64{1, 2, 1, 1}, []float32{0, -100})))
		}, "val_9: mask"},
		{"sines as positions", func(n net, x string) string {
			values := make([]float32, 64)
			for i := range 32 {
				values[2*i], values[2*i+1] = float32(math.Sin(float64(i)/3)), float32(math.Cos(float64(i)/3))
			}
			return n.node("Add", x, n.Initializer(onnxgraph.NewFloats("val_9", []int64{8, 8}, values)))
		}, "val_9: table"},
		{"positions, tokens and layer scales", func(n net, x string) string {
			x = n.node("Concat", n.varied("cls_token", 1, 4, 8, 8), x)
			x = n.node("Mul", x, n.varied("onnx::Mul_5", 4, 1, 1))
			x = n.node("Add", x, n.varied("val_6", 4, 1, 1))
			return n.node("Add", x, n.varied("pos_embed", 4, 8, 8))
		}, "cls_token: token, onnx::Mul_5: scale, val_6: bias, pos_embed: embedding"},
		{"a bias in the embedding of patches", func(n net, x string) string {
			return n.node("Add", n.node("MatMul", x, n.varied("b.weight", 8, 8)), n.varied("patch_embed.norm.bias", 8))
		}, "b.weight: weight, patch_embed.norm.bias: bias"},
		{"what fills up", func(n net, x string) string {
			x = n.node("Concat", n.filled("val_3", 0, 1, 4, 8, 8), x)
			return n.node("InstanceNormalization", x, n.filled("val_8", 1, 4), n.filled("val_9", 0, 4))
		}, "val_3: number, val_8: filler, val_9: filler"},
		{"a rotary embedding under that name", func(n net, x string) string {
			x = n.node("Mul", x, n.varied("rope.pos_embed", 8, 8))
			x = n.node("Add", x, n.node("Relu", n.node("Mul", x, n.varied("blocks.0.rotary_emb.embed", 8, 8))))
			return n.node("MatMul", x, n.varied("rope.proj.weight", 8, 8))
		}, "rope.pos_embed: table, blocks.0.rotary_emb.embed: table, rope.proj.weight: weight"},
		{"wavelengths of positions", func(n net, x string) string {
			return n.node("Sin", n.node("Div", x, n.varied("/pos_embed/Constant_19_output_0", 8)))
		}, "/pos_embed/Constant_19_output_0: table"},
		{"positions beside each other", func(n net, x string) string {
			p := n.node("MatMul", n.varied("/a/Constant_4_output_0", 1, 4, 4, 3), n.varied("a.pos.weight", 3, 8))
			q := n.node("MatMul", n.varied("a.rel_indices", 1, 4, 4, 3), n.varied("b.pos.weight", 3, 8))
			return n.node("Add", x, n.node("Add", p, q))
		}, "/a/Constant_4_output_0: table, a.pos.weight: weight, a.rel_indices: table, b.pos.weight: weight"},
		{"keys without a bias", func(n net, x string) string {
			b := n.node("Concat", n.varied("a.q_bias", 4), n.filled("a.k_bias", 0, 4), n.filled("a.v_bias", 0, 4))
			b = n.node("Reshape", b, n.Initializer(onnxgraph.NewInts("shape", 12, 1, 1)))
			return n.node("Add", n.node("Concat", x, x, x), b)
		}, "a.q_bias: bias, a.k_bias: filler, a.v_bias: bias"},
		{"settings", func(n net, x string) string {
			low := n.filled("low", 0)
			return n.node("Clip", x, low, n.filled("high.weight", 6))
		}, "low: setting, high.weight: setting"},
		{"a table that is looked up", func(n net, x string) string {
			rows := n.Initializer(onnxgraph.NewInts("rows", 0, 1, 0, 1))
			table := n.node("Gather", n.varied("bias_table", 2, 8), rows)
			return n.node("Add", x, n.node("Reshape", table, n.Initializer(onnxgraph.NewInts("shape", 4, 1, 8))))
		}, "bias_table: bias"},
		{"a weight that is normalised", func(n net, x string) string {
			w := n.varied("c.weight", 4, 4, 1, 1)
			length := n.node("Add", n.node("ReduceL2", w), n.filled("val_2", 1e-6))
			w = n.node("Mul", n.node("Div", w, length), n.varied("c.g", 4, 1, 1, 1))
			return n.node("Conv", x, w)
		}, "c.weight: weight, val_2: number, c.g: weight"},
		{"a filter", func(n net, x string) string {
			return n.node("Conv", x, n.varied("pool.filt", 4, 4, 1, 1))
		}, "pool.filt: filter"},
		{"used by no output", func(n net, x string) string {
			n.node("Mul", x, n.varied("aside.weight", 4, 1, 1))
			return n.node("Relu", x)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kinds(model(c.layers)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestNormalisation: what the images go through before the first layer is no parameter, unless its name says so.
func TestNormalisation(t *testing.T) {
	n := net{onnxgraph.NewBuilder("test", 17)}
	n.Input("x", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	x := n.node("Sub", "x", n.varied("normalize.mean", 1, 3, 1, 1))
	x = n.node("Div", x, n.varied("onnx::Div_12", 3, 1, 1))
	x = n.node("Add", x, n.varied("prompt.weight", 3, 8, 8))
	x = n.node("Conv", x, n.varied("c.weight", 4, 3, 1, 1))
	n.Output(x, onnxgraph.FloatType(onnxgraph.Batch(4, 8, 8)))
	want := "normalize.mean: normalisation, onnx::Div_12: normalisation, prompt.weight: bias, c.weight: weight"
	if got := kinds(n.Model()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestZoo: all that the built-in backbones store as float32 is a parameter, in its order.
func TestZoo(t *testing.T) {
	for _, name := range zoo.Names() {
		m, err := zoo.Build(zoo.Options{Backbone: name, Stem: "standard", Projector: []int{8, 4}}, 64, 1)
		if err != nil {
			t.Fatal(name, err)
		}
		var want, got []string
		for _, s := range m.GetGraph().GetInitializer() {
			if s.GetDataType() == onnxgraph.Float32 {
				want = append(want, s.GetName())
			}
		}
		for _, p := range roles.Parameters(m) {
			got = append(got, p.GetName())
		}
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %d parameters %v, want %d", name, len(got), got, len(want))
		}
		for _, r := range roles.Of(m) {
			name := r.Tensor.GetName()
			statistic := strings.HasSuffix(name, ".running_mean") || strings.HasSuffix(name, ".running_var")
			if !r.Constant && (statistic != r.Kind.Statistic() || name == graph.Images) {
				t.Errorf("%s is of kind %s", name, r.Kind)
			}
		}
	}
}

// TestKinds: every kind is one of parameters or says why it is none.
func TestKinds(t *testing.T) {
	for _, k := range []roles.Kind{roles.Weight, roles.Embedding, roles.Bias, roles.Scale, roles.Shift, roles.Token,
		roles.Slope, roles.Operand, roles.Mean, roles.Variance, roles.Number, roles.Table, roles.Mask, roles.Filter,
		roles.Filler, roles.Normalisation, roles.Setting} {
		if k.Why() == "" || k.Trained() && k.Statistic() {
			t.Errorf("%s: why %q", k, k.Why())
		}
	}
}
