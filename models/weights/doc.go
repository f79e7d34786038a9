// Package weights puts the values of a weight file into a forward graph, tensor by tensor, by name.
//
// # Files
//
// A .safetensors file, or an .onnx model, whose stored tensors are taken. Values are float32, float16, bfloat16 or
// float64 and become float32. Tensors of integers are passed over: torch counts batches in num_batches_tracked, ONNX
// stores shapes. Of a safetensors file only the tensors that the graph needs are read, and nothing that its header
// claims is believed before it is held against the file's size.
//
// # Names
//
// A tensor belongs to the parameter of its name. If the graph has none, what frameworks put in front is taken off
// first, again and again while a name begins with it: "module." (torch's DataParallel), "backbone." and "encoder."
// (self-supervised libraries), "model.". Two tensors that come down to the same parameter are an error.
//
// # Strict and partial
//
// Strict, every parameter of the backbone must be there in its shape, and the file must hold nothing else, but for the
// classifier, which ordo's backbones leave out. Partial, what fits is taken and the rest keeps its initial values. In
// both, a file of which nothing fits is an error, and a [Report] says what was done. The projector is ordo's own: it is
// taken if the file has it, and it may be missing.
package weights
