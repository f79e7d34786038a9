package onnxgraph

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"google.golang.org/protobuf/proto"
)

// maxFile bounds a model file. Protobuf itself ends at 2 GiB.
const maxFile = math.MaxInt32

// maxDepth bounds how deep messages nest: a graph inside an attribute inside a node is three deep.
const maxDepth = 100

// ErrModel is wrapped by the error for what isn't a model, or isn't a sound one.
var ErrModel = errors.New("not an ONNX model")

// Decode reads a model from its serialized form. It checks the form only, see [Check], and reads no other files: tensors that
// are stored in those stay without data, which Check reports.
func Decode(data []byte) (*Model, error) {
	m := &Model{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("onnxgraph: %w: %w", ErrModel, err)
	}
	if m.GetGraph() == nil {
		return nil, fmt.Errorf("onnxgraph: %w: it holds no graph", ErrModel)
	}
	return m, nil
}

// ReadFile reads a model file, and the files beside it in which it stores tensors, and checks it, see [Check].
func ReadFile(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("onnxgraph: read model: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("onnxgraph: read model: %s is larger than 2 GiB, the limit of the format", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("onnxgraph: read model: %w", err)
	}
	m, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := loadExternal(m, filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrModel, err)
	}
	if err := Check(m); err != nil {
		return nil, fmt.Errorf("onnxgraph: %s: %w: %w", path, ErrModel, err)
	}
	return m, nil
}

// Encode serializes the model. The same model gives the same bytes.
func (m *Model) Encode() ([]byte, error) {
	if size := proto.Size(m); size > maxFile {
		return nil, fmt.Errorf("onnxgraph: the model takes %d bytes, the format's limit is 2 GiB", size)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("onnxgraph: encode model: %w", err)
	}
	return data, nil
}

// WriteFile writes the model to a file, whole or not at all.
func (m *Model) WriteFile(path string) error {
	data, err := m.Encode()
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("onnxgraph: write model: %w", err)
	}
	return nil
}

// Opset is the version of a domain's operators that the model uses, 0 if it uses none. The domain "" is ONNX's own.
func (m *Model) Opset(domain string) int64 {
	for _, o := range m.GetOpsetImport() {
		if d := o.GetDomain(); d == domain || (domain == "" && d == "ai.onnx") {
			return o.GetVersion()
		}
	}
	return 0
}
