package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// file is an open weight file.
type file struct {
	tensors []tensor
	close   func() error
}

// CheckPath says what is wrong with the name of a weight file.
func CheckPath(path string) error {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case safetensorsExt, onnxExt:
		return nil
	default:
		return fmt.Errorf("must end in %s or %s, got %q; safetensors.torch.save_file writes one of a torch state dict",
			safetensorsExt, onnxExt, path)
	}
}

// The ends of the names of weight files.
const (
	safetensorsExt = ".safetensors"
	onnxExt        = ".onnx"
)

// open reads the list of a file's float tensors.
func open(path string) (*file, error) {
	if err := CheckPath(path); err != nil {
		return nil, fmt.Errorf("its name %w", err)
	}
	if strings.EqualFold(filepath.Ext(path), onnxExt) {
		return openONNX(path)
	}
	return openSafetensors(path)
}

func openSafetensors(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	var tensors []tensor
	if err == nil {
		tensors, err = safetensors(f, info.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{tensors, f.Close}, nil
}

func openONNX(path string) (*file, error) {
	m, err := onnxgraph.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &file{storedTensors(m), func() error { return nil }}, nil
}

// storedTensors lists a model's float tensors; of those in Constant nodes, the parameters.
func storedTensors(m *onnxgraph.Model) []tensor {
	var tensors []tensor
	stored := slices.Clone(m.GetGraph().GetInitializer())
	for _, r := range roles.Of(m) {
		if r.Constant && (r.Kind.Trained() || r.Kind.Statistic()) {
			stored = append(stored, r.Tensor)
		}
	}
	for _, t := range stored {
		dtype := map[onnxgraph.DataType]string{
			onnxgraph.Float32: "F32", onnxgraph.Tensor_DOUBLE: "F64", onnxgraph.Tensor_FLOAT16: "F16",
			onnxgraph.Tensor_BFLOAT16: "BF16",
		}[t.GetDataType()]
		if dtype == "" {
			continue
		}
		tensors = append(tensors, tensor{t.GetName(), slices.Clone(t.GetDims()),
			func() ([]byte, error) { return storedValues(t, dtype) }})
	}
	return tensors
}

// storedValues returns a tensor's values as little-endian float32, from whichever field holds them.
func storedValues(t *onnxgraph.Tensor, dtype string) ([]byte, error) {
	switch {
	case t.RawData != nil:
		return toFloat32(dtype, t.RawData), nil
	case dtype == "F32":
		values, err := t.Floats()
		if err != nil {
			return nil, err
		}
		return onnxgraph.NewFloats(t.GetName(), t.GetDims(), values).RawData, nil
	case dtype == "F64":
		values := make([]float32, len(t.GetDoubleData()))
		for i, v := range t.GetDoubleData() {
			values[i] = float32(v)
		}
		return onnxgraph.NewFloats(t.GetName(), t.GetDims(), values).RawData, nil
	}
	var raw []byte // 16 bits, each in an integer of 32
	for _, v := range t.GetInt32Data() {
		raw = append(raw, byte(v), byte(v>>8))
	}
	return toFloat32(dtype, raw), nil
}
