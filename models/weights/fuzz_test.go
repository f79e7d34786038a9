package weights

import (
	"bytes"
	"encoding/binary"
	"testing"

	"ordo/models/onnxgraph"
)

// FuzzSafetensors: whatever a file holds, there is an error or parameters that are whole.
func FuzzSafetensors(f *testing.F) {
	file := func(header string, data ...byte) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
	}
	f.Add(file(`{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 0, 0, 128, 63, 0, 0,
		0, 64))
	f.Add(
		file(
			`{"module.w":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},`+
				`"n":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}`,
			1,
			2,
			3,
			4,
			5,
			6,
			7,
			8,
			9,
			10,
			11,
			12,
		),
	)
	f.Add(
		file(
			`{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"v":{"dtype":"F64","shape":[1],"data_offsets":[4,12]}}`,
			1,
			2,
			3,
			4,
			5,
			6,
			7,
			8,
			9,
			10,
			11,
			12,
		),
	)
	f.Add(file(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,9223372036854775807]}}`))
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<63))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := safetensors(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		w := onnxgraph.NewFloats("w", []int64{2}, make([]float32, 2))
		r, err := load(&onnxgraph.Model{Graph: &onnxgraph.Graph{Initializer: []*onnxgraph.Tensor{w}}}, tensors,
			Options{})
		if err == nil && len(r.Matched) != 1 {
			t.Errorf("no error, but %s", r)
		}
		if err := w.Check(); err != nil {
			t.Error(err)
		}
	})
}
