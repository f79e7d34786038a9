package onnxgraph_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/onnxgraph/graphtext"
)

// small is a model of two layers, with everything that Check looks at.
func small() *onnxgraph.Model {
	b := onnxgraph.NewBuilder("small", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	w := b.Initializer(onnxgraph.NewFloats("w", []int64{2, 3, 3, 3}, make([]float32, 54)))
	x := b.Op("Conv", "conv", []string{"images", w}, onnxgraph.IntsAttr("strides", 2, 2), onnxgraph.IntAttr("group", 1))
	x = b.Op("Relu", "conv", []string{x})
	b.Append(&onnxgraph.Node{OpType: "Flatten", Input: []string{x}, Output: []string{"z"},
		Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("axis", 1)}})
	b.Output("z", onnxgraph.FloatType(onnxgraph.Batch(18)))
	return b.Model()
}

func TestFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small.onnx")
	m := small()
	if err := m.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	back, err := onnxgraph.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the model changed on its way through a file")
	}
	if err := m.WriteFile(filepath.Join(path, "under a file")); err == nil {
		t.Error("no error for a folder that is a file")
	}
}

// TestUnknownFieldsSurvive: field 25 of a model, its functions, is not in our schema.
func TestUnknownFieldsSurvive(t *testing.T) {
	data, err := small().Encode()
	if err != nil {
		t.Fatal(err)
	}
	extra := protowire.AppendBytes(protowire.AppendTag(nil, 25, protowire.BytesType), []byte("function"))
	m, err := onnxgraph.Decode(append(data, extra...))
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(again, extra) {
		t.Error("the unknown field is lost")
	}
}

func TestReadFileErrors(t *testing.T) {
	data, err := small().Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"cut.onnx": data[:len(data)/2], "empty.onnx": nil, "text.onnx": []byte("not a model at all"),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := onnxgraph.ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, it should name the file", name, err)
		}
	}
	if _, err := onnxgraph.ReadFile(filepath.Join(dir, "absent.onnx")); err == nil {
		t.Error("no error for a file that isn't there")
	}
}

func TestCheckFindsEveryFault(t *testing.T) {
	node := func(op string, in, out []string, a ...*onnxgraph.Attribute) *onnxgraph.Node {
		return &onnxgraph.Node{OpType: op, Input: in, Output: out, Attribute: a}
	}
	for _, c := range []struct {
		want  string
		spoil func(m *onnxgraph.Model)
	}{
		{"file format version 1 ", func(m *onnxgraph.Model) { m.IrVersion = 1 }},
		{`operator set "x" has version 0`, func(m *onnxgraph.Model) {
			m.OpsetImport = append(m.OpsetImport,
				&onnxgraph.OperatorSet{Domain: "x"})
		}},
		{"holds no graph", func(m *onnxgraph.Model) { m.Graph = nil }},
		{"53 values", func(m *onnxgraph.Model) {
			m.Graph.Initializer[0].RawData = nil
			m.Graph.Initializer[0].FloatData = make([]float32, 53)
		}},
		{"216 bytes of raw data", func(m *onnxgraph.Model) { m.Graph.Initializer[0].Dims[0] = 3 }},
		{"impossible shape", func(m *onnxgraph.Model) { m.Graph.Initializer[0].Dims[0] = math.MaxInt64 }},
		{"impossible shape", func(m *onnxgraph.Model) { m.Graph.Initializer[0].Dims[0] = -1 }},
		{"file of its own",
			func(m *onnxgraph.Model) { m.Graph.Initializer[0].DataLocation = onnxgraph.Tensor_EXTERNAL }},
		{"has no element type", func(m *onnxgraph.Model) {
			m.Graph.Initializer[0].RawData = nil
			m.Graph.Initializer[0].DataType = onnxgraph.Tensor_UNDEFINED
		}},
		{"initializer without a name", func(m *onnxgraph.Model) { m.Graph.Initializer[0].Name = "" }},
		{`graph input "images" is declared twice`, func(m *onnxgraph.Model) {
			m.Graph.Input = append(m.Graph.Input,
				m.Graph.Input[0])
		}},
		{`value "conv" is made twice`, func(m *onnxgraph.Model) {
			m.Graph.Node = append(m.Graph.Node, node("Relu", []string{"images"}, []string{"conv"}))
		}},
		{`domain "com.microsoft"`, func(m *onnxgraph.Model) { m.Graph.Node[0].Domain = "com.microsoft" }},
		{"has no operator", func(m *onnxgraph.Model) { m.Graph.Node[0].OpType = "" }},
		{"before node 1 makes it", func(m *onnxgraph.Model) {
			m.Graph.Node[0], m.Graph.Node[1] = m.Graph.Node[1],
				m.Graph.Node[0]
		}},
		{`uses "nothing", which nothing makes`, func(m *onnxgraph.Model) { m.Graph.Node[0].Input[0] = "nothing" }},
		{`attribute "group" twice`, func(m *onnxgraph.Model) {
			m.Graph.Node[0].Attribute = append(m.Graph.Node[0].Attribute, onnxgraph.IntAttr("group", 2))
		}},
		{`attribute "group" has no kind`,
			func(m *onnxgraph.Model) { m.Graph.Node[0].Attribute[1].Type = onnxgraph.Attribute_UNDEFINED }},
		{"control flow", func(m *onnxgraph.Model) { m.Graph.Node[0].Attribute[1].Type = onnxgraph.Attribute_GRAPH }},
		{"outside of a function", func(m *onnxgraph.Model) { m.Graph.Node[0].Attribute[1].RefAttrName = "x" }},
		{`attribute "value": tensor "t": 8 bytes`, func(m *onnxgraph.Model) {
			bad := onnxgraph.NewInts("t", 1)
			bad.Dims = []int64{2}
			m.Graph.Node = append(m.Graph.Node, node("Constant", nil, []string{"c"},
				onnxgraph.TensorAttr("value", bad)))
		}},
		{`graph output "y" is made by no node`, func(m *onnxgraph.Model) { m.Graph.Output[0].Name = "y" }},
		{"has no output", func(m *onnxgraph.Model) { m.Graph.Output = nil }},
	} {
		t.Run(c.want, func(t *testing.T) {
			m := small()
			if err := onnxgraph.Check(m); err != nil {
				t.Fatalf("before: %v", err)
			}
			c.spoil(m)
			if err := onnxgraph.Check(m); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	m := small()
	m.IrVersion = 99
	m.Graph.Node[0].Input[0] = "nothing"
	if err := onnxgraph.Check(m); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults in one model gave %v", err)
	}
}

func TestTensorFields(t *testing.T) {
	floats := []float32{1, -2, float32(math.Inf(1)), 0.1}
	for name, tensor := range map[string]*onnxgraph.Tensor{
		"raw":   onnxgraph.NewFloats("x", []int64{2, 2}, floats),
		"typed": {Name: "x", Dims: []int64{2, 2}, DataType: onnxgraph.Float32, FloatData: floats},
	} {
		if got, err := tensor.Floats(); err != nil || !slices.Equal(got, floats) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if _, err := tensor.Ints(); err == nil {
			t.Errorf("%s: a float tensor read as integers", name)
		}
		if err := tensor.Check(); err != nil {
			t.Error(err)
		}
	}
	ints := []int64{1, -2, math.MaxInt64}
	for name, tensor := range map[string]*onnxgraph.Tensor{
		"raw":   onnxgraph.NewInts("x", ints...),
		"typed": {Name: "x", Dims: []int64{3}, DataType: onnxgraph.Int64, Int64Data: ints},
	} {
		if got, err := tensor.Ints(); err != nil || !slices.Equal(got, ints) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		tensor.Dims[0] = 4
		if _, err := tensor.Ints(); err == nil {
			t.Errorf("%s: no error for a shape of more values than there are", name)
		}
	}
}

// TestInfer holds types against what the operators' definitions say, for a graph around one node.
func TestInfer(t *testing.T) {
	ints, integer := onnxgraph.IntsAttr, onnxgraph.IntAttr
	for _, c := range []struct {
		op     string
		inputs []string
		attrs  []*onnxgraph.Attribute
		want   string // the type, or part of the error
	}{
		{"Add", []string{"x", "row"}, nil, "float[batch,3,9,9]"},
		{"Add", []string{"x", "w"}, nil, "don't go together"},
		{"Add", []string{"x"}, nil, "too few inputs"},
		{"Add", []string{"v", "x"}, nil, "don't go together"},
		{"Conv", []string{"x", "w"}, nil, "float[batch,4,7,7]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{ints("strides", 2, 3), ints("pads", 1, 0, 1, 0)},
			"float[batch,4,5,3]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{ints("dilations", 4, 4)}, "float[batch,4,1,1]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{ints("dilations", 5, 5)}, "kernel of extent 11"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("auto_pad", "SAME_UPPER"),
			ints("strides", 2, 2)}, "float[batch,4,5,5]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("auto_pad", "ODD")}, `auto_pad "ODD"`},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{ints("strides", 0, 1)}, "must be in [1, 65536]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{ints("pads", -1, 0, 0, 0)}, "must be in [0, 65536]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{ints("kernel_shape", 2, 2)},
			"the weights' kernel is [3 3]"},
		{"Conv", []string{"x", "w"}, []*onnxgraph.Attribute{integer("group", 3)}, "in 3 groups"},
		{"Conv", []string{"x", "w", "v"}, nil, "bias of shape [3] for 4 channels"},
		{"Conv", []string{"x", "m"}, nil, "weights of shape [3,5]"},
		{"MaxPool", []string{"x"}, []*onnxgraph.Attribute{ints("kernel_shape", 2, 2), ints("strides", 2, 2)},
			"float[batch,3,4,4]"},
		{"MaxPool", []string{"x"}, []*onnxgraph.Attribute{ints("kernel_shape", 2, 2), ints("strides", 2, 2),
			integer("ceil_mode", 1)}, "float[batch,3,5,5]"},
		// The last window would begin in the padding, so it is left out.
		{"MaxPool", []string{"x"}, []*onnxgraph.Attribute{ints("kernel_shape", 4, 4), ints("strides", 6, 6),
			ints("pads", 0, 0, 3, 3), integer("ceil_mode", 1)}, "float[batch,3,2,2]"},
		{"AveragePool", []string{"x"}, nil, "kernel [] over"},
		{"GlobalAveragePool", []string{"x"}, nil, "float[batch,3,1,1]"},
		{"GlobalAveragePool", []string{"m"}, nil, "no spatial dimension"},
		{"BatchNormalization", []string{"x", "v", "v", "v", "v"}, nil, "float[batch,3,9,9]"},
		{"BatchNormalization", []string{"x", "v", "v", "v", "row"}, nil, "a parameter of shape [9]"},
		{"Relu", []string{"x"}, nil, "float[batch,3,9,9]"},
		{"Gemm", []string{"r", "m"}, nil, "float[batch,5]"},
		{"Gemm", []string{"m", "r"}, []*onnxgraph.Attribute{integer("transA", 1), integer("transB", 1)},
			"float[5,batch]"},
		{"Gemm", []string{"r", "m"}, []*onnxgraph.Attribute{integer("transB", 1)},
			"matrices of shapes [batch,3] and [5,3]"},
		{"Gemm", []string{"r", "m", "row"}, nil, "bias of shape [9]"},
		{"MatMul", []string{"x", "square"}, nil, "float[batch,3,9,2]"},
		{"MatMul", []string{"x", "row"}, nil, "float[batch,3,9]"},
		{"MatMul", []string{"row", "x"}, nil, "float[batch,3,9]"},
		{"MatMul", []string{"v", "v"}, nil, "float[]"},
		{"MatMul", []string{"x", "v"}, nil, "matrices of shapes"},
		{"Flatten", []string{"x"}, nil, "float[batch,243]"},
		{"Flatten", []string{"x"}, []*onnxgraph.Attribute{integer("axis", -1)}, "float[27*batch,9]"},
		{"Flatten", []string{"x"}, []*onnxgraph.Attribute{integer("axis", 0)}, "float[1,243*batch]"},
		{"Flatten", []string{"x"}, []*onnxgraph.Attribute{integer("axis", 5)}, "axis 5"},
		{"Reshape", []string{"x", "shape"}, nil, "float[batch,81,3]"},
		{"Reshape", []string{"row", "shape"}, nil, "[9] can't become [9,?,3]"},
		{"Reshape", []string{"x", "x"}, nil, "depends on the data"},
		{"ReduceMean", []string{"x"}, nil, "float[1,1,1,1]"},
		{"ReduceMean", []string{"x"}, []*onnxgraph.Attribute{ints("axes", -1, 1), integer("keepdims", 0)},
			"float[batch,9]"},
		{"ReduceMean", []string{"x"}, []*onnxgraph.Attribute{ints("axes", 4)}, "axis 4"},
		{"Transpose", []string{"x"}, nil, "float[9,9,3,batch]"},
		{"Transpose", []string{"x"}, []*onnxgraph.Attribute{ints("perm", 0, 2, 3, 1)}, "float[batch,9,9,3]"},
		{"Transpose", []string{"x"}, []*onnxgraph.Attribute{ints("perm", 0, 0, 3, 1)}, "not an order"},
		{"Transpose", []string{"x"}, []*onnxgraph.Attribute{ints("perm", 0, 1)}, "for 4 dimensions"},
		{"Shape", []string{"x"}, nil, "int64[4]"},
		{"Shape", []string{"x"}, []*onnxgraph.Attribute{integer("start", 1), integer("end", -1)}, "int64[2]"},
		{"Squeeze", []string{"u"}, nil, "float[batch]"},
		{"Squeeze", []string{"x"}, []*onnxgraph.Attribute{ints("axes", 1)}, "dimension 1 of"},
		{"Unsqueeze", []string{"r"}, []*onnxgraph.Attribute{ints("axes", 0, -1)}, "float[1,batch,3,1]"},
		{"Unsqueeze", []string{"r"}, []*onnxgraph.Attribute{ints("axes", 0, 0)}, "twice"},
		{"Concat", []string{"m", "m"}, []*onnxgraph.Attribute{integer("axis", 1)}, "float[3,10]"},
		{"Concat", []string{"m", "v"}, []*onnxgraph.Attribute{integer("axis", 1)}, "inputs of shapes"},
		{"Gather", []string{"m", "shape"}, []*onnxgraph.Attribute{integer("axis", 1)}, "float[3,3]"},
		{"Cast", []string{"x"}, []*onnxgraph.Attribute{integer("to", 7)}, "int64[batch,3,9,9]"},
		{"Less", []string{"x", "row"}, nil, "bool[batch,3,9,9]"},
		{"PRelu", []string{"row", "x"}, nil, "a slope of shape"},
		{"Where", []string{"v", "x", "row"}, nil, "don't go together"},
		{"CastLike", []string{"shape", "x"}, nil, "float[3]"},
		{"Cast", []string{"x"}, []*onnxgraph.Attribute{integer("to", 99)}, "element type 99"},
		{"Expand", []string{"m", "shape"}, nil, "the new shape [0,?,3]"},
		{"Expand", []string{"m", "x"}, nil, "depends on the data"},
		{"Expand", []string{"v", "two"}, nil, "float[2,9,3]"},
		{"Tile", []string{"m", "pair"}, nil, "float[6,15]"},
		{"Tile", []string{"r", "pair"}, nil, "float[2*batch,9]"},
		{"Tile", []string{"x", "pair"}, nil, "one a dimension"},
		{"ConstantOfShape", []string{"two"}, nil, "float[2,9,1]"},
		{"ConstantOfShape", []string{"x"}, nil, "depends on the data"},
		{"Range", []string{"one", "nine", "one"}, nil, "int64[8]"},
		{"Range", []string{"one", "x", "one"}, nil, "depends on the data"},
		{"Size", []string{"x"}, nil, "int64[]"},
		{"ArgMax", []string{"x"}, []*onnxgraph.Attribute{integer("axis", 1), integer("keepdims", 0)},
			"int64[batch,9,9]"},
		{"Gather", []string{"v", "nine"}, nil, "index 9 of dimension 0"},
		{"GatherElements", []string{"m", "v"}, nil, "indices of shape"},
		{"Concat", []string{"x", "x"}, []*onnxgraph.Attribute{integer("axis", 0)}, "float[2*batch,3,9,9]"},
		{"Slice", []string{"x", "pair", "two"}, nil, "of the same number"},
		{"Slice", []string{"x", "pair", "pair"}, nil, "the part from 2 to 2 of the size batch"},
		{"Split", []string{"x", "pair"}, []*onnxgraph.Attribute{integer("axis", 2)}, "1 outputs"},
		{"Split", []string{"x"}, nil, "its size must be fixed"},
		{"Einsum", []string{"x", "square"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "...ij,jk->...ik")},
			"float[batch,3,9,2]"},
		{"Einsum", []string{"m", "v"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "ij,i")}, "float[5]"},
		{"Einsum", []string{"m", "row"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "ij,i")},
			"i is 3 and 9"},
		{"Einsum", []string{"m"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "ij->ik")},
			"the result's letter"},
		{"Einsum", []string{"m"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "i->i")}, "for 2 dimensions"},
		{"Einsum", []string{"m"}, []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "i,j->i")}, "for 1 operands"},
		{"Softmax", []string{"x"}, nil, "float[batch,3,9,9]"},
		{"Constant", nil, []*onnxgraph.Attribute{onnxgraph.FloatAttr("value_float", 2)}, "float[]"},
		{"Constant", nil, []*onnxgraph.Attribute{onnxgraph.StringAttr("value_string", "x")}, "not supported"},
		{"Constant", nil, nil, "must have one attribute"},
		{"Det", []string{"x"}, nil, "this operator's shapes are not known"},
	} {
		t.Run(c.op+" "+c.want, func(t *testing.T) {
			b := onnxgraph.NewBuilder("test", 17)
			b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(3, 9, 9)))
			b.Input("r", onnxgraph.FloatType(onnxgraph.Batch(3)))
			b.Input("u", onnxgraph.FloatType(onnxgraph.Batch(1, 1)))
			for name, dims := range map[string][]int64{
				"w": {4, 3, 3, 3}, "v": {3}, "row": {9}, "m": {3, 5}, "square": {9, 2},
			} {
				b.Input(name, onnxgraph.FloatType(onnxgraph.Static(dims...)))
			}
			b.Initializer(onnxgraph.NewInts("shape", 0, -1, 3))
			b.Initializer(onnxgraph.NewInts("two", 2, 9, 1))
			b.Initializer(onnxgraph.NewInts("pair", 2, 3))
			b.Initializer(onnxgraph.NewIntegers("one", onnxgraph.Int64, nil, []int64{1}))
			b.Initializer(onnxgraph.NewIntegers("nine", onnxgraph.Int64, nil, []int64{9}))
			y := b.Op(c.op, "y", c.inputs, c.attrs...)
			types, err := onnxgraph.Infer(b.Model())
			switch {
			case err != nil && !strings.Contains(err.Error(), c.want):
				t.Errorf("error %v, want %s", err, c.want)
			case err == nil && types.Of[y].String() != c.want:
				t.Errorf("type %v, want %s", types.Of[y], c.want)
			}
		})
	}
}

// TestReduceKnown: what is reduced of known sizes is known.
func TestReduceKnown(t *testing.T) {
	for _, c := range []struct {
		op   string
		ints []int64
		want string
	}{
		{"ReduceProd", []int64{3, 9, 9}, "243*batch"}, {"ReduceSum", []int64{3, 4}, ""}, {"ReduceProd", nil, "batch"},
	} {
		b := onnxgraph.NewBuilder("test", 17)
		b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(c.ints...)))
		b.Op("Shape", "sizes", []string{"x"})
		b.Op(c.op, "all", []string{"sizes"})
		b.Op("Cast", "numbers", []string{b.Op("Constant", "v", nil, onnxgraph.IntsAttr("value_ints", 3, 5, 2))},
			onnxgraph.IntAttr("to", int64(onnxgraph.Float32)))
		for _, op := range []string{"ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin"} {
			b.Op(op, op, []string{"numbers"}, onnxgraph.IntAttr("keepdims", 0))
			b.Op(op, op+"/ints", []string{"v"})
		}
		types, err := onnxgraph.Infer(b.Model())
		if err != nil {
			t.Fatal(err)
		}
		if got := types.Values["all"]; len(got) > 0 != (c.want != "") || len(got) > 0 && got[0].String() != c.want {
			t.Errorf("%s of [batch %v] is %v, want %s", c.op, c.ints, got, c.want)
		}
		for op, want := range map[string]int64{"ReduceProd": 30, "ReduceSum": 10, "ReduceMax": 5, "ReduceMin": 2} {
			if got := types.Floats[op]; len(got) != 1 || got[0] != float32(want) {
				t.Errorf("%s of floats is %v, want %d", op, got, want)
			}
			if got := types.Values[op+"/ints"]; len(got) != 1 || got[0] != (onnxgraph.Dim{Size: want}) {
				t.Errorf("%s of integers is %v, want %d", op, got, want)
			}
		}
	}
}

// TestControlFlow: a node that holds graphs is named with its operator, once.
func TestControlFlow(t *testing.T) {
	m := small()
	m.Graph.Node = append(m.Graph.Node, &onnxgraph.Node{Name: "which", OpType: "If", Input: []string{"images"},
		Output: []string{"chosen"}, Attribute: []*onnxgraph.Attribute{
			{Name: "then_branch", Type: onnxgraph.Attribute_GRAPH}, {Name: "else_branch", Type: onnxgraph.Attribute_GRAPH}}})
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, err = onnxgraph.DecodeWith(data, nil)
	if !errors.Is(err, fault.Data) {
		t.Fatal(err)
	}
	for _, s := range []string{`node "which" (If)`, "then_branch, else_branch", "control flow"} {
		if strings.Count(err.Error(), s) != 1 {
			t.Errorf("%q is not once in: %v", s, err)
		}
	}
	if strings.Contains(err.Error(), "not an ONNX model") {
		t.Errorf("it is one: %v", err)
	}
}

// TestNodeNames: nodes that share a name get one of their own when the model is written, and other graphs keep theirs.
func TestNodeNames(t *testing.T) {
	b := onnxgraph.NewBuilder("test", 17)
	b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(2)))
	shared := &onnxgraph.Node{Name: "y", OpType: "Neg", Input: []string{"x"}, Output: []string{"a"}}
	for _, n := range []*onnxgraph.Node{
		{Name: "y", OpType: "Relu", Input: []string{"x"}, Output: []string{"b"}}, shared,
		{Name: "y_1", OpType: "Relu", Input: []string{"a"}, Output: []string{"c"}},
		{OpType: "Relu", Input: []string{"b"}, Output: []string{"d"}},
		{OpType: "Relu", Input: []string{"d"}, Output: []string{"e"}},
		{Name: "y", OpType: "Relu", Input: []string{"e"}, Output: []string{"f"}},
	} {
		b.Append(n)
	}
	b.Output("f", onnxgraph.FloatType(onnxgraph.Batch(2)))
	data, err := b.Model().Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnxgraph.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range m.GetGraph().GetNode() {
		names = append(names, n.GetName())
	}
	if want := []string{"y", "y_2", "y_1", "", "", "y_3"}; !slices.Equal(names, want) {
		t.Errorf("nodes are called %q, want %q", names, want)
	}
	if shared.GetName() != "y" {
		t.Error("a node was changed that may be another graph's")
	}
	if again, err := b.Model().Encode(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("written again, it is another (%v)", err)
	}
}

// FuzzDecode: whatever the bytes, no panic; and what decodes encodes again, is checked, typed and printed.
func FuzzDecode(f *testing.F) {
	data, err := small().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte{0x3a, 0})
	arithmetic, err := shapeArithmetic().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(arithmetic)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnxgraph.Decode(data)
		if err != nil {
			return
		}
		if _, err := m.Encode(); err != nil {
			t.Fatal(err)
		}
		if err := graphtext.Print(&bytes.Buffer{}, m); err != nil {
			t.Fatal(err)
		}
		if onnxgraph.Check(m) != nil {
			return
		}
		types, err := onnxgraph.Infer(m)
		if err != nil {
			return
		}
		for _, n := range m.GetGraph().GetNode() {
			for _, out := range n.GetOutput() {
				if _, ok := types.Of[out]; !ok && out != "" {
					t.Errorf("no type for %q", out)
				}
			}
		}
	})
}

// shapeArithmetic is x.reshape(x.shape[0], -1) as an exporter writes it.
func shapeArithmetic() *onnxgraph.Model {
	b := onnxgraph.NewBuilder("arithmetic", 17)
	b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(4, 3)))
	shape := b.Op("Shape", "shape", []string{"x"})
	zero := b.Op("Constant", "zero", nil, onnxgraph.IntAttr("value_int", 0))
	first := b.Op("Gather", "first", []string{shape, zero})
	axes := b.Initializer(onnxgraph.NewInts("axes", 0))
	batch := b.Op("Unsqueeze", "batch_size", []string{first, axes})
	rest := b.Op("Constant", "rest", nil, onnxgraph.IntsAttr("value_ints", -1))
	target := b.Op("Concat", "target", []string{batch, rest}, onnxgraph.IntAttr("axis", 0))
	y := b.Op("Reshape", "y", []string{"x", target})
	b.Output(y, onnxgraph.FloatType(onnxgraph.Batch(12)))
	return b.Model()
}

func ExampleInfer() {
	types, err := onnxgraph.Infer(shapeArithmetic())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(types.Values["batch_size"])
	fmt.Println(types.Of["y"])
	// Output:
	// [batch]
	// float[batch,12]
}

func BenchmarkInfer(b *testing.B) {
	build := onnxgraph.NewBuilder("chain", 17)
	build.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	x := "images"
	for range 1000 {
		x = build.Op("Relu", "x", []string{x})
	}
	m := build.Model()
	for b.Loop() {
		if _, err := onnxgraph.Infer(m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "nodes/s")
}
