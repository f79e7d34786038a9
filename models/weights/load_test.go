package weights_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/weights"
)

// stored is a tensor of a test's safetensors file.
type stored struct {
	name, dtype string
	shape       []int64
	data        []byte
}

func floats(name string, shape []int64, values ...float32) stored {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return stored{name, "F32", shape, data}
}

// encode writes a safetensors file.
func encode(tensors ...stored) []byte {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	for _, t := range tensors {
		header[t.name] = map[string]any{"dtype": t.dtype, "shape": t.shape,
			"data_offsets": []int{len(data), len(data) + len(t.data)}}
		data = append(data, t.data...)
	}
	text, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text, data)
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// graph has the parameters conv.weight [2], conv.bias [1] and projector.0.weight [1], all 0, and a list of integers.
func graph() *onnxgraph.Model {
	b := onnxgraph.NewBuilder("test", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Static(1)))
	x := "images"
	for _, p := range []struct {
		name string
		size int64
	}{{"conv.weight", 2}, {"conv.bias", 1}, {"projector.0.weight", 1}} {
		x = b.Op("Add", "sum", []string{x, b.Initializer(onnxgraph.NewFloats(p.name, []int64{p.size},
			make([]float32, p.size)))})
	}
	b.Initializer(onnxgraph.NewInts("shape", 1, 2))
	b.Output(x, onnxgraph.FloatType(onnxgraph.Static(2)))
	return b.Model()
}

func values(t testing.TB, m *onnxgraph.Model, name string) []float32 {
	t.Helper()
	for _, p := range m.GetGraph().GetInitializer() {
		if p.GetName() == name {
			v, err := p.Floats()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

func strict() weights.Options {
	return weights.Options{Strict: true, Optional: []string{"projector."}, Ignored: []string{"fc."}}
}

func TestLoad(t *testing.T) {
	two, one := []int64{2}, []int64{1}
	conv, bias := floats("conv.weight", two, 3, 4), floats("conv.bias", one, 5)
	for name, c := range map[string]struct {
		file    []byte
		o       weights.Options
		want    []float32 // conv.weight
		report  string
		refused string // in the error
	}{
		"strict": {
			encode(conv, bias, stored{"bn.num_batches_tracked", "I64", nil, make([]byte, 8)},
				floats("fc.weight", one, 1)), strict(),
			[]float32{3, 4},
			"2 of 3 parameters taken; 1 missing in the file: projector.0.weight; 1 of the classifier left out", "",
		},
		"prefixes": {
			encode(floats("module.backbone.conv.weight", two, 3, 4), floats("encoder.conv.bias", one, 1),
				floats("module.fc.bias", one, 1)), strict(),
			[]float32{3, 4},
			"2 of 3 parameters taken; 1 missing in the file: projector.0.weight; 1 of the classifier left out", "",
		},
		"our own head": {
			encode(conv, bias, floats("projector.0.weight", one, 1)), strict(), []float32{3, 4},
			"3 of 3 parameters taken", "",
		},
		"missing": {encode(conv), strict(), nil, "",
			"it doesn't fit the model: 1 missing in the file: conv.bias; to take"},
		"unexpected": {encode(conv, bias, floats("head.weight", one, 1)), strict(), nil, "",
			"1 unexpected in the file: head.weight"},
		"mismatch": {encode(conv, floats("conv.bias", two, 1, 2)), strict(), nil, "",
			"1 of another shape: conv.bias is [2] in the file, [1] in the model"},
		"partial": {
			encode(conv, floats("conv.bias", two, 1, 2), floats("a", one, 1), floats("b", one, 1), floats("c", one, 1),
				floats("d", one, 1), floats("e", one, 1), floats("f", one, 1)),
			weights.Options{}, []float32{3, 4},
			"1 of 3 parameters taken; 1 of another shape: conv.bias is [2] in the file, [1] in the model; " +
				"1 missing in the file: projector.0.weight; 6 unexpected in the file: a, b, c, d, e and 1 more", "",
		},
		"nothing fits": {encode(floats("other", one, 1)), weights.Options{}, nil, "", "is it of another backbone?"},
		"no tensors":   {encode(), weights.Options{}, nil, "", "is it of another backbone?"},
		"twice": {encode(conv, floats("module.conv.weight", two, 1, 2)), weights.Options{}, nil, "",
			`are the model's "conv.weight": keep one`},
		"not finite": {encode(conv, floats("conv.bias", one, float32(math.NaN()))), weights.Options{}, nil, "",
			`"conv.bias" holds values that are not finite`},
		"half": {
			encode(stored{"conv.weight", "F16", two, []byte{0x00, 0xc2, 0x01, 0x00}}), weights.Options{},
			[]float32{-3, 0x1p-24}, "1 of 3 parameters taken; 2 missing in the file: conv.bias, projector.0.weight", "",
		},
		"brain": {
			encode(stored{"conv.weight", "BF16", two, []byte{0x40, 0xc0, 0x80, 0x3f}}), weights.Options{},
			[]float32{-3, 1}, "1 of 3 parameters taken; 2 missing in the file: conv.bias, projector.0.weight", "",
		},
		"double": {
			encode(stored{"conv.weight", "F64", two, binary.LittleEndian.AppendUint64(make([]byte, 8),
				math.Float64bits(-1.5))}), weights.Options{},
			[]float32{0, -1.5}, "1 of 3 parameters taken; 2 missing in the file: conv.bias, projector.0.weight", "",
		},
		"not of floats": {encode(stored{"conv.weight", "I32", two, make([]byte, 8)}), weights.Options{}, nil, "",
			"is it of another backbone?"},
	} {
		t.Run(name, func(t *testing.T) {
			m := graph()
			r, err := weights.Load(m, write(t, "w.safetensors", c.file), c.o)
			if c.refused != "" {
				if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("got %v, want an error with %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := values(t, m, "conv.weight"); !slices.Equal(got, c.want) {
				t.Errorf("values %v, want %v", got, c.want)
			}
			if r.String() != c.report {
				t.Errorf("got %q, want %q", r, c.report)
			}
			if err := onnxgraph.Check(m); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHalf holds 16-bit floats against their definition.
func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xbc00: -1, 0x7bff: 65504, 0x0400: 0x1p-14, 0x03ff: 1023 * 0x1p-24, 0x8001: -0x1p-24,
		0x3555: 0.33325195,
	} {
		m := graph()
		file := encode(stored{"conv.bias", "F16", []int64{1}, binary.LittleEndian.AppendUint16(nil, bits)})
		if _, err := weights.Load(m, write(t, "w.safetensors", file), weights.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := values(t, m, "conv.bias")[0]; got != want {
			t.Errorf("%#04x is %v, want %v", bits, got, want)
		}
	}
}

func TestLoadONNX(t *testing.T) {
	const raw, field = "raw data", "typed field"
	for dtype, c := range map[onnxgraph.DataType]struct{ raw, field *onnxgraph.Tensor }{
		onnxgraph.Float32: {
			&onnxgraph.Tensor{RawData: floats("", nil, -3, 1).data}, &onnxgraph.Tensor{FloatData: []float32{-3, 1}},
		},
		onnxgraph.Tensor_DOUBLE: {
			&onnxgraph.Tensor{RawData: []byte{0, 0, 0, 0, 0, 0, 8, 0xc0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
			&onnxgraph.Tensor{DoubleData: []float64{-3, 1}},
		},
		onnxgraph.Tensor_FLOAT16: {
			&onnxgraph.Tensor{RawData: []byte{0, 0xc2, 0, 0x3c}}, &onnxgraph.Tensor{Int32Data: []int32{0xc200, 0x3c00}},
		},
		onnxgraph.Tensor_BFLOAT16: {
			&onnxgraph.Tensor{RawData: []byte{0x40, 0xc0, 0x80, 0x3f}},
			&onnxgraph.Tensor{Int32Data: []int32{0xc040, 0x3f80}},
		},
	} {
		for how, p := range map[string]*onnxgraph.Tensor{raw: c.raw, field: c.field} {
			p.Name, p.Dims, p.DataType = "conv.weight", []int64{2}, dtype
			source := graph()
			source.Graph.Initializer[0] = p
			data, err := source.Encode()
			if err != nil {
				t.Fatal(err)
			}
			m := graph()
			if _, err := weights.Load(m, write(t, "w.onnx", data), weights.Options{Strict: true}); err != nil {
				t.Fatal(err)
			}
			if got := values(t, m, "conv.weight"); !slices.Equal(got, []float32{-3, 1}) {
				t.Errorf("%v in %s: %v", dtype, how, got)
			}
		}
	}
}

// TestLoadConstants: the weights of a file may be Constant nodes; its numbers are none.
func TestLoadConstants(t *testing.T) {
	source := graph()
	b := onnxgraph.NewBuilder("nodes", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(2)))
	w := source.Graph.Initializer[0]
	w.Dims, w.RawData, w.DataType = []int64{2}, floats("", nil, -3, 1).data, onnxgraph.Float32
	half := onnxgraph.NewFloats("half", nil, []float32{0.5})
	x := b.Op("Mul", "y", []string{"images", b.Op("Constant", w.GetName(), nil, onnxgraph.TensorAttr("value", w))})
	b.Op("Mul", "z", []string{x, b.Op("Constant", "half", nil, onnxgraph.TensorAttr("value", half))})
	b.Output("z", onnxgraph.FloatType(onnxgraph.Batch(2)))
	data, err := b.Model().Encode()
	if err != nil {
		t.Fatal(err)
	}
	m := graph()
	r, err := weights.Load(m, write(t, "w.onnx", data), weights.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unexpected) > 0 {
		t.Errorf("it found %v, too", r.Unexpected)
	}
	if got := values(t, m, w.GetName()); !slices.Equal(got, []float32{-3, 1}) {
		t.Errorf("%v", got)
	}
}

func TestLoadErrors(t *testing.T) {
	header := func(text string, data int) []byte {
		return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), []byte(text), make([]byte, data))
	}
	for _, c := range []struct {
		file []byte
		want string
	}{
		{nil, "it has only 0 bytes"},
		{[]byte{1, 0, 0, 0, 0, 0, 0}, "it has only 7 bytes"},
		{binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "its header should be of 18446744073709551615 bytes"},
		{binary.LittleEndian.AppendUint64(nil, 1), "its header should be of 1 bytes, the file has 8"},
		{header(`[]`, 0), "not a JSON object"},
		{header(`{"a": `, 0), "header"},
		{header(`{} {}`, 0), "follows its end"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4), "1 data_offsets, must be 2"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4), "3 data_offsets, must be 2"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`,
			4), `"a" is there twice`},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}`, 4), "more"},
		{header(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4), "header"},
		{header(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "but 4 bytes of data"},
		{header(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 4), "but 4 bytes of data"},
		{header(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}`, 4),
			"but 4 bytes of data"},
		{header(`{"a":{"dtype":"F32","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,4]}}`, 4),
			"but 4 bytes of data"},
		{header(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]}}`, 4), "but 4 bytes of data"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 4), "are said to be at bytes 4 to 8 of 4"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4), "are said to be at bytes -4 to 0"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}`, 4),
			"are said to be at bytes 0 to 9223372036854775807 of 4"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`,
			6), "after others that end at 4"},
		{header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 5), "1 bytes of data belong to no tensor"},
	} {
		_, err := weights.Load(graph(), write(t, "w.safetensors", c.file), weights.Options{})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want an error with %q", c.file, err, c.want)
		}
	}
	for name, want := range map[string]string{"w.pth": "must end in .safetensors or .onnx",
		"w.onnx": "not an ONNX model"} {
		if _, err := weights.Load(graph(), write(t, name, []byte("PK")), weights.Options{}); !errors.Is(err,
			fault.Data) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
	for _, name := range []string{"absent.safetensors", "absent.onnx"} {
		if _, err := weights.Load(graph(), filepath.Join(t.TempDir(), name), weights.Options{}); !errors.Is(err,
			fault.Data) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	folder := filepath.Join(t.TempDir(), "w.safetensors")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := weights.Load(graph(), folder, weights.Options{}); !errors.Is(err, fault.Data) {
		t.Errorf("for a folder: %v", err)
	}
}

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "pretrained.safetensors")
	if err := os.WriteFile(path, encode(floats("conv.weight", []int64{2}, 3, 4), floats("fc.bias", []int64{1}, 5)),
		0o600); err != nil {
		fmt.Println(err)
		return
	}
	report, err := weights.Load(graph(), path, weights.Options{Ignored: []string{"fc."}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report)
	// Output:
	// 1 of 3 parameters taken; 2 missing in the file: conv.bias, projector.0.weight; 1 of the classifier left out
}
