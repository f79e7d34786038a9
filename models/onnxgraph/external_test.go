package onnxgraph_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/models/onnxgraph"
)

// outside puts the weights of the small model into a file beside it, behind 8 other bytes, and returns the model's
// path.
func outside(t testing.TB, dir string, spoil func(m *onnxgraph.Model, w *onnxgraph.Tensor)) string {
	t.Helper()
	m := small()
	w := m.GetGraph().GetInitializer()[0]
	data := make([]byte, 8, 8+54*4)
	for i := range 54 {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
	}
	if err := os.MkdirAll(filepath.Join(dir, "weights"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "weights", "all.bin"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	w.RawData, w.DataLocation = nil, onnxgraph.Tensor_EXTERNAL
	place(w, "weights/all.bin", "8", "216")
	if spoil != nil {
		spoil(m, w)
	}
	path := filepath.Join(dir, "model.onnx")
	if err := m.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func place(t *onnxgraph.Tensor, location, offset, length string) {
	t.ExternalData = nil
	for _, e := range [][2]string{{"location", location}, {"offset", offset}, {"length", length}} {
		if e[1] != "" {
			t.ExternalData = append(t.ExternalData, &onnxgraph.StringEntry{Key: e[0], Value: e[1]})
		}
	}
}

func TestExternalData(t *testing.T) {
	for name, spoil := range map[string]func(*onnxgraph.Model, *onnxgraph.Tensor){
		"as it is":     nil,
		"no length":    func(_ *onnxgraph.Model, w *onnxgraph.Tensor) { place(w, "./weights/all.bin", "8", "") },
		"shared bytes": shareWeights,
	} {
		t.Run(name, func(t *testing.T) {
			m, err := onnxgraph.ReadFile(outside(t, t.TempDir(), spoil))
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range m.GetGraph().GetInitializer() {
				values, err := w.Floats()
				if err != nil {
					t.Fatal(err)
				}
				want := make([]float32, 54)
				for i := range want {
					want[i] = float32(i)
				}
				if !slices.Equal(values, want) {
					t.Errorf("%s: %v", w.GetName(), values)
				}
			}
		})
	}
}

// shareWeights adds a second tensor with the bytes of the first.
func shareWeights(m *onnxgraph.Model, w *onnxgraph.Tensor) {
	second := &onnxgraph.Tensor{Name: "second", Dims: w.GetDims(), DataType: w.GetDataType(),
		DataLocation: onnxgraph.Tensor_EXTERNAL}
	place(second, "weights/all.bin", "8", "216")
	m.Graph.Initializer = append(m.Graph.Initializer, second)
}

func TestHostileExternalData(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(location, offset, length string) func(*onnxgraph.Model, *onnxgraph.Tensor) {
		return func(_ *onnxgraph.Model, w *onnxgraph.Tensor) { place(w, location, offset, length) }
	}
	cases := map[string]struct {
		want  string
		spoil func(*onnxgraph.Model, *onnxgraph.Tensor)
	}{
		"absolute":      {"not a path inside", at(secret, "0", "216")},
		"parent":        {"not a path inside", at("../secret", "0", "216")},
		"hidden parent": {"not a path inside", at("weights/../../secret", "0", "216")},
		"backslashes":   {"not a path inside", at(`..\secret`, "0", "216")},
		"drive":         {"not a path inside", at(`C:secret`, "0", "216")},
		"nothing":       {"not a path inside", at("", "0", "216")},
		"a folder":      {"not a regular file", at("weights", "0", "216")},
		"the folder":    {"not a regular file", at(".", "0", "216")},
		"absent":        {"weights/other.bin", at("weights/other.bin", "0", "216")},
		"a file as one": {"not a regular file", at("model.onnx/x", "0", "216")},
		"behind":        {"asked of a file of 224", at("weights/all.bin", "9", "216")},
		"far behind":    {"asked of a file of 224", at("weights/all.bin", strconv.Itoa(math.MaxInt64), "216")},
		"in front":      {"asked of a file of 224", at("weights/all.bin", "-1", "216")},
		"no number":     {"not a number", at("weights/all.bin", "0x8", "216")},
		"short":         {"212 bytes for type float[2,3,3,3]", at("weights/all.bin", "8", "212")},
		"huge": {"asked of a file of 224", func(_ *onnxgraph.Model, w *onnxgraph.Tensor) {
			w.Dims = []int64{1 << 30, 1 << 20}
			place(w, "weights/all.bin", "8", "")
		}},
		"impossible": {"impossible type", func(_ *onnxgraph.Model, w *onnxgraph.Tensor) {
			w.Dims = []int64{1 << 31,
				1 << 31, 1 << 31}
		}},
		"strings": {"impossible type",
			func(_ *onnxgraph.Model, w *onnxgraph.Tensor) { w.DataType = onnxgraph.Tensor_STRING }},
		"overlap": {"overlap with another", func(m *onnxgraph.Model, w *onnxgraph.Tensor) {
			shareWeights(m, w)
			m.Graph.Initializer[1].ExternalData[1].Value = "4"
		}},
		"overlap within": {"overlap with another", func(m *onnxgraph.Model, w *onnxgraph.Tensor) {
			shareWeights(m, w)
			m.Graph.Initializer[1].Dims = []int64{2}
			place(m.Graph.Initializer[1], "weights/all.bin", "100", "8")
		}},
		"of a constant": {"not a path inside", func(m *onnxgraph.Model, _ *onnxgraph.Tensor) {
			value := onnxgraph.NewInts("", 1)
			value.RawData, value.DataLocation = nil, onnxgraph.Tensor_EXTERNAL
			place(value, "/etc/hostname", "0", "8")
			m.Graph.Node = append(m.Graph.Node, &onnxgraph.Node{
				OpType: "Constant", Output: []string{"c"},
				Attribute: []*onnxgraph.Attribute{onnxgraph.TensorAttr("value", value)},
			})
		}},
	}
	if runtime.GOOS != "windows" {
		link := func(_ *onnxgraph.Model, w *onnxgraph.Tensor) { place(w, "linked/all.bin", "8", "216") }
		cases["a link to a folder"] = struct {
			want  string
			spoil func(*onnxgraph.Model, *onnxgraph.Tensor)
		}{"symbolic links are not followed", link}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inner := filepath.Join(dir, "model")
			path := outside(t, inner, c.spoil)
			if err := os.Symlink("weights", filepath.Join(inner, "linked")); err != nil && !os.IsExist(err) {
				t.Log(err)
			}
			if _, err := onnxgraph.ReadFile(path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzExternalData: whatever a model says about where a tensor is, nothing outside of its folder is read.
func FuzzExternalData(f *testing.F) {
	f.Add("weights/all.bin", "8", "216")
	f.Add("../secret", "0", "")
	f.Add("weights/../../secret", "-1", "1e9")
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(strings.Repeat("secret__", 27)), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, location, offset, length string) {
		path := outside(t, filepath.Join(dir, "model"), func(_ *onnxgraph.Model, w *onnxgraph.Tensor) {
			place(w, strings.ToValidUTF8(location, ""), strings.ToValidUTF8(offset, ""),
				strings.ToValidUTF8(length, ""))
		})
		m, err := onnxgraph.ReadFile(path)
		if err == nil && strings.Contains(string(m.GetGraph().GetInitializer()[0].GetRawData()), "secret") {
			t.Error("a file outside of the model's folder was read")
		}
	})
}
