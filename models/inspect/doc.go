// Package inspect tells what an ONNX graph is made of and what it costs: operators, parameters, multiply-adds, memory,
// and a picture.
//
// Multiply-adds count the products of Conv, ConvTranspose, Gemm, MatMul and Einsum in one forward pass of one image;
// everything else is small beside them. A training step takes about three times as many.
//
// Memory is that of float32 activations. "Kept" are the values of the forward pass that the backward pass reads again;
// "peak" is the most that is alive at once when the nodes run in their order and every value is freed after its last
// use. ONNX Runtime needs somewhat more: operators have scratch memory, and its arena keeps what it has once taken.
package inspect
