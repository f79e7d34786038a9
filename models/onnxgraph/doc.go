// Package onnxgraph reads, builds, checks and types ONNX graphs.
//
// An ONNX model is a protobuf message: a list of nodes (operators with named inputs, named outputs and attributes), the
// initializers (tensors that are stored in the file: weights and constants), and the types of the graph's inputs and
// outputs. Values are known by name; every name is assigned once, and a node only uses what comes before it.
//
// The message types are generated from onnx.proto, our own schema of the part of the format that ordo needs; fields
// that it doesn't list survive a read and a write. On top of them:
//
//   - [Decode], [ReadFile], [Model.Encode], [Model.WriteFile]: files, with bounds, whole or not at all.
//   - [NewFloats], [NewInts], [Tensor.Floats], [Tensor.Ints]: tensors, whichever of the format's fields holds the data.
//   - [Builder]: nodes with unique names.
//   - [Check]: every fault of a graph at once.
//   - [Infer]: the type of every value. A free dimension keeps its name, "batch" for one, and small integer tensors
//     (shape arithmetic, as exporters write it) are followed through, so that a Reshape to [Shape(x)[0], 24] is known
//     to be [batch, 24].
package onnxgraph

//go:generate protoc --proto_path=.. --go_out=.. --go_opt=paths=source_relative onnxgraph/onnx.proto
