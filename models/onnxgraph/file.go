package onnxgraph

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"

	"ordo/models/fault"
	"ordo/models/whole"
)

// maxFile bounds a model file. Protobuf itself ends at 2 GiB.
const maxFile = math.MaxInt32

// maxDepth bounds how deep messages nest: a graph inside an attribute inside a node is three deep.
const maxDepth = 100

var errModel = errors.New("not an ONNX model")

// Decode reads a model from its serialized form. It checks the form only, see [Check], and reads no other files:
// tensors that are stored in those stay without data, which Check reports. Its error is of kind fault.Data.
func Decode(data []byte) (*Model, error) {
	m := &Model{}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(data, m); err != nil {
		return nil, fault.New(fault.Data, "%w: %w", errModel, err)
	}
	if m.GetGraph() == nil {
		return nil, fault.New(fault.Data, "%w: it holds no graph", errModel)
	}
	return m, nil
}

// DecodeWith reads a model whose tensors may be stored in files of the given names, and checks it, see [Check]. Its
// error is of kind fault.Data.
func DecodeWith(data []byte, files map[string][]byte) (*Model, error) {
	return decodeWith(data, func(m *Model) error { return loadFrom(m, files) })
}

func decodeWith(data []byte, load func(*Model) error) (*Model, error) {
	m, err := Decode(data)
	if err != nil {
		return nil, err
	}
	if err := load(m); err != nil {
		return nil, fault.Wrap(fault.Data, err)
	}
	if err := Check(m); err != nil {
		return nil, fault.New(fault.Data, "not a model that ordo can read: %w", err)
	}
	return m, nil
}

// ReadFile reads a model file, and the files beside it in which it stores tensors, and checks it, see [Check]. What is
// wrong with them is a fault of kind fault.Data.
func ReadFile(path string) (*Model, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	m, err := decodeWith(data, func(m *Model) error { return loadExternal(m, filepath.Dir(path)) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, errors.New("it is larger than 2 GiB, the limit of the format")
	}
	return os.ReadFile(path)
}

// Encode serializes the model. The same model gives the same bytes. Nodes that have the name of another before them are
// given one of their own first, which ONNX Runtime asks for: a step that adds a node can't know all others.
func (m *Model) Encode() ([]byte, error) {
	nameNodes(m.GetGraph())
	if size := proto.Size(m); size > maxFile {
		return nil, fault.New(fault.Config, "the model takes %d bytes, the format's limit is 2 GiB", size)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("onnxgraph: encode model: %w", err)
	}
	return data, nil
}

// nameNodes gives nodes whose name is taken by another before them that name with a number. A node without a name stays
// so. Nodes may belong to other graphs as well, so those that change are copied.
func nameNodes(g *Graph) {
	taken := map[string]bool{}
	for _, n := range g.GetNode() {
		taken[n.GetName()] = true
	}
	seen := map[string]bool{"": true}
	for i, n := range g.GetNode() {
		name := n.GetName()
		if name == "" || !seen[name] {
			seen[name] = true
			continue
		}
		for k := 1; taken[name]; k++ {
			name = n.GetName() + "_" + strconv.Itoa(k)
		}
		g.Node[i] = proto.CloneOf(n)
		g.Node[i].Name = name
		taken[name], seen[name] = true, true
	}
}

// WriteFile writes the model to a file, whole or not at all.
func (m *Model) WriteFile(path string) error {
	data, err := m.Encode()
	if err != nil {
		return err
	}
	return whole.WriteFile(path, data)
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
