package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

type bytesState []byte

func (b bytesState) MarshalBinary() ([]byte, error) { return b, nil }

// written is a file that is read to its end and then written on.
type written struct {
	*strings.Reader
	bytes.Buffer
}

func (w *written) Read(p []byte) (int, error)  { return w.Reader.Read(p) }
func (w *written) Write(p []byte) (int, error) { return w.Buffer.Write(p) }

// file is a saved checkpoint.
func file(t testing.TB, onnx string, states map[string]string, order ...string) []byte {
	t.Helper()
	var kept []Kept
	for _, name := range order {
		kept = append(kept, Kept{name, bytesState(states[name])})
	}
	f := &written{Reader: strings.NewReader(onnx)}
	f.WriteString(onnx)
	if err := Seal(f, kept); err != nil {
		t.Fatal(err)
	}
	return f.Bytes()
}

func TestCheckpointComesApartAsItWasPutTogether(t *testing.T) {
	states := map[string]string{"optimizer": "moments", "target": "", "": "no name"}
	for _, order := range [][]string{nil, {"optimizer"}, {"optimizer", "target"}, {"target", "", "optimizer"}} {
		for _, onnx := range []string{"", "ONNX Runtime's part"} {
			data := file(t, onnx, states, order...)
			got, kept, err := split(data)
			if err != nil || string(got) != onnx || len(kept) != len(order) {
				t.Fatalf("%q with %q came back as %q with %q, %v", onnx, order, got, kept, err)
			}
			for _, name := range order {
				if string(kept[name]) != states[name] {
					t.Errorf("%q came back as %q", states[name], kept[name])
				}
			}
			for i := range data {
				damaged := bytes.Clone(data)
				damaged[i] ^= 1
				if _, _, err := split(damaged); err == nil {
					t.Errorf("byte %d of %d was changed and nobody noticed", i, len(data))
				}
				if _, _, err := split(data[:i]); err == nil {
					t.Errorf("cut to %d of %d bytes and nobody noticed", i, len(data))
				}
			}
		}
	}
}

// FuzzSplitKept feeds what the checksum would keep out.
func FuzzSplitKept(f *testing.F) {
	whole := file(f, "onnx", map[string]string{"a": "first", "b": "second"}, "a", "b")
	f.Add(whole[:len(whole)-len(keptMark)-sha256.Size])
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, body []byte) {
		parameters, kept, err := splitKept(body)
		if err != nil {
			return
		}
		total := len(parameters)
		for _, data := range kept {
			total += len(data)
		}
		if total > len(body) {
			t.Errorf("%d bytes of %d", total, len(body))
		}
	})
}
