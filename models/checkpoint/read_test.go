package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
)

// stored is a small checkpoint.
func stored(t testing.TB) (*Parameters, []byte) {
	t.Helper()
	p := &Parameters{}
	for _, name := range []string{"a", "layer.weight"} {
		raw := &onnxgraph.Tensor{Name: name, Dims: []int64{2, 1}, DataType: onnxgraph.Float32,
			FloatData: []float32{1, -2}}
		trained, err := NewTensor(raw)
		if err != nil {
			t.Fatal(err)
		}
		frozen, err := NewTensor(onnxgraph.NewFloats(name+".mean", []int64{3}, []float32{3, 4, 5}))
		if err != nil {
			t.Fatal(err)
		}
		p.Trainable, p.Frozen = append(p.Trainable, trained), append(p.Frozen, frozen)
	}
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return p, data
}

func TestDecode(t *testing.T) {
	want, data := stored(t)
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]Tensor{got.Trainable, got.Frozen} {
		for i := range list {
			tensor := &list[i]
			if at := int(tensor.Offset); !slices.Equal(data[at:at+len(tensor.Data)], tensor.Data) {
				t.Errorf("%s does not begin at %d", tensor.Name, at)
			}
			tensor.Offset = 0
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestDamaged: cut anywhere, it is an error; with any byte changed, an error or parameters, never a panic.
func TestDamaged(t *testing.T) {
	_, data := stored(t)
	for n := range data {
		// The last bytes are the first tensor's data or padding: what is read of them is read in full.
		if _, err := Decode(data[:n]); err == nil && n < len(data)-8 {
			t.Fatalf("no error for the first %d of %d bytes", n, len(data))
		}
		changed := slices.Clone(data)
		changed[n] ^= 0xff
		if p, err := Decode(changed); (p == nil) == (err == nil) {
			t.Fatalf("byte %d changed: %v, %v", n, p, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	_, data := stored(f)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data)
		if err != nil {
			return
		}
		again, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(again); err != nil {
			t.Error(err)
		}
	})
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	none, damaged := filepath.Join(dir, "none"), filepath.Join(dir, "damaged")
	if err := os.WriteFile(damaged, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{none: "no such file", damaged: "not written by ordo: remove it"} {
		_, _, err := ReadFile(path)
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), says) ||
			strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", path, err)
		}
	}
}
