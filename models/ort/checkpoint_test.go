package ort

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

type bytesState []byte

func (b *bytesState) MarshalBinary() ([]byte, error) { return *b, nil }
func (b *bytesState) UnmarshalBinary(data []byte) error {
	*b = bytes.Clone(data)
	return nil
}

// file is what Save writes.
func file(t testing.TB, onnx string, states map[string]string, order ...string) []byte {
	t.Helper()
	var tr Trainer
	for _, name := range order {
		b := bytesState(states[name])
		tr.kept = append(tr.kept, kept{name, &b})
	}
	more, mark, err := tr.trailer()
	if err != nil {
		t.Fatal(err)
	}
	body := append([]byte(onnx), more...)
	sum := sha256.Sum256(body)
	return append(append(body, sum[:]...), mark...)
}

func TestCheckpointComesApartAsItWasPutTogether(t *testing.T) {
	states := map[string]string{"optimizer": "moments", "target": "", "": "no name"}
	for _, order := range [][]string{nil, {"optimizer"}, {"optimizer", "target"}, {"target", "", "optimizer"}} {
		for _, onnx := range []string{"", "ONNX Runtime's part"} {
			data := file(t, onnx, states, order...)
			got, kept, err := splitCheckpoint(data)
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
				if _, _, err := splitCheckpoint(damaged); err == nil {
					t.Errorf("byte %d of %d was changed and nobody noticed", i, len(data))
				}
				if _, _, err := splitCheckpoint(data[:i]); err == nil {
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
		checkpoint, kept, err := splitKept(body)
		if err != nil {
			return
		}
		total := len(checkpoint)
		for _, data := range kept {
			total += len(data)
		}
		if total > len(body) {
			t.Errorf("%d bytes of %d", total, len(body))
		}
	})
}
