// Package kernels holds operators of our own for ONNX Runtime's training graphs: convolutions over oneDNN, batch norm fused with what
// follows it, and pooling, all on images in channels-last order; and matrix products.
//
// # Operators
//
// They are in the domain "ordo", version 1. Tensors keep their shape [N, C, H, W]; what is X, Y, dX, dY or a residual below lies in memory
// channels-last (N, H, W, C), whatever ONNX Runtime thinks. Weights, biases, statistics and their gradients are plain. An output in
// brackets may be left out, by an empty name.
//
//	Reorder(X) → Y                       to "nhwc" or "nchw", from the other
//	Conv(X, W [, B]) → Y                 kernel_shape, strides, pads, dilations, group as ONNX has them; precision "f32" or "bf16"
//	ConvGrad(dY, X, W) → [dX], [dW], [dB]  the same
//	BatchNorm(X, scale, bias, running_mean, running_var [, residual]) → Y, saved_mean, saved_inv_std
//	                                     epsilon, momentum (the batch's share), relu 0 or 1
//	BatchNormGrad(dY, X, Y, scale, saved_mean, saved_inv_std) → dX, dscale, dbias, [dresidual]
//	                                     relu; without it Y is not looked at, and X may stand there
//	MaxPool(X) → Y, [index]              kernel_shape (255 places at most), strides, pads, dilations, ceil_mode; index is of uint8
//	MaxPoolGrad(dY, index) → dX          the same and image_shape, [H, W] of X
//	AveragePool(X) → Y                   as MaxPool, and count_include_pad; a kernel as large as the image is the global one
//	AveragePoolGrad(dY) → dX             the same and image_shape
//	Linear(X, W [, B]) → Y               trans_w 0 or 1: W is [inputs, outputs] or [outputs, inputs]; rows of X in any number of dimensions
//	LinearGrad(dY, X, W) → [dX], [dW], [dB]  the same
//	MatMul(A, B) → Y                     alpha; perm_a, perm_b, perm_y: Transposes of the operands before, of the result behind
//
// The last three have everything plain. A MatMul's operands, as permuted, are [batch…, m, k] and [batch…, k, n] with the same batch: it
// broadcasts nothing. perm_y must leave rows or columns last in memory; perm_a and perm_b may be any, and cost next to nothing where
// they do so too. The gradients of a MatMul are MatMuls.
//
// With x̂ = (x − mean)/√(variance + epsilon) by the batch's mean and biased variance, BatchNorm is Y = relu?(scale·x̂ + bias + residual?),
// and it updates the running statistics in place, as the stock operator does here, with the biased variance. dresidual is the gradient
// where Y > 0. Both take matrices [N, C] too, which have no other order. A dX may take the memory of dY, a Y that of the residual.
//
// # Threads
//
// An operator cuts the batch into as many slices as the session has threads and runs them on ONNX Runtime's pool; oneDNN is never allowed a
// thread of its own. Sums over slices are taken in their order: for a number of threads, two runs give the same bits. Matrix products
// are cut by rows or columns of the result, or by the batch, and no sum among threads: their bits don't depend on the number.
//
// # Never silently slow
//
// oneDNN falls back to a reference kernel where it has no better one. Those are never used: [Library.Supports] says beforehand that there
// is none, and the operator gives an error. Where its kernel for the gradient of a depthwise convolution is a general one, far slower
// than it need be, a loop of this package takes its place. Matrix products are loops of this package altogether: they read and write any
// order in memory, which oneDNN's would need copies for, at nine tenths of what the processor can multiply.
//
// # Library
//
// oneDNN is opened at run time ([Open]); a process can have one open. Without it there are none of these operators. A last word on bf16: X, W
// and dY are rounded to bfloat16 (8 significant bits) and their products added up in float32; depthwise convolutions and
// matrix products stay in float32.
package kernels
