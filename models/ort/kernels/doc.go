// Package kernels holds operators of our own for ONNX Runtime's training graphs: convolutions over oneDNN, batch norm
// fused with what follows it, and pooling, all on images in channels-last order, in float32 or bfloat16; activations,
// layer norms and gradients of softmax, in one pass each; and matrix products.
//
// # Operators
//
// They are in the domain "ordo", version 1, and this is their one description; package autodiff makes the graphs that
// use them. Tensors have the shapes of ONNX's operators of that name, images [N, C, H, W]. X, Y, dX, dY and residuals
// of the first list lie in memory channels-last (N, H, W, C), whatever ONNX Runtime thinks. Weights, biases, statistics
// and their gradients are plain. An output in brackets may be left out, by an empty name.
//
//	Reorder(X) → Y
//	    to: nhwc or nchw, the order of Y in memory; X has the other
//	Conv(X, W [, B]) → Y
//	    kernel_shape, strides, pads, dilations, group as ONNX has them; precision: f32 or bf16;
//	    algorithm: auto (default), direct or winograd (an error where it cannot be); constant_weights 0 or 1: W is the
//	    same in every run, so that it is brought into the kernel's order once
//	ConvGrad(dY, X, W) → [dX], [dW], [dB]
//	    the attributes of its Conv
//	BatchNorm(X, scale, bias, running_mean, running_var [, residual]) → Y, saved_mean, saved_inv_std
//	    epsilon, momentum (the batch's share), relu 0 or 1
//	BatchNormGrad(dY, X, Y, scale, saved_mean, saved_inv_std [, dY2] [, bias]) → dX, dscale, dbias, [dresidual]
//	    relu; without it Y is not looked at, and X may stand there; nor is it with a bias
//	Normalize(X, scale, bias, mean, var [, residual]) → Y
//	    a batch norm in evaluation mode: epsilon, relu as BatchNorm
//	MaxPool(X) → Y, [index]
//	    kernel_shape (255 places at most), strides, pads, dilations, ceil_mode; index, of uint8, is where in its
//	    window each maximum was
//	MaxPoolGrad(dY, index) → dX
//	    the attributes of its MaxPool, and image_shape, [H, W] of X
//	AveragePool(X) → Y
//	    as MaxPool, and count_include_pad; a kernel as large as the image is the global one
//	AveragePoolGrad(dY) → dX
//	    the attributes of its AveragePool, and image_shape
//	ChannelScale(X, S) → Y
//	    X · S with a factor for each image and channel, S of shape [N, C, 1, 1]
//	ChannelScaleGrad(dY, X, S) → [dX], [dS]
//
// ConvBF16, ConvGradBF16, BatchNormBF16, BatchNormGradBF16, NormalizeBF16, MaxPoolBF16, MaxPoolGradBF16,
// AveragePoolBF16 and AveragePoolGradBF16 are these operators with X, Y, their gradients and residuals in bfloat16; all
// other inputs and outputs stay float32, and so do sums and what is computed inside.
//
// These are on tensors of any shape, in the order in memory that they have:
//
//	Round(X) → Y, Widen(X) → Y
//	    from float32 to bfloat16, to nearest and ties to even, and back
//	Activation(X) → Y
//	    kind: hard_sigmoid (with alpha and beta, 0.2 and 0.5), hard_swish, sigmoid, silu, gelu or gelu_tanh
//	ActivationGrad(dY, X) → dX
//	    the attributes of its Activation
//	LayerNorm(X, scale [, bias]) → Y, saved_mean, saved_inv_std
//	    axis (-1), epsilon (1e-5); scale and bias have a value for each place behind the axis
//	LayerNormGrad(dY, X, scale, saved_mean, saved_inv_std) → [dX], [dscale], [dbias]
//	    axis
//	SoftmaxGrad(dY, Y) → dX
//	    along the last dimension
//
// These have everything plain:
//
//	Linear(X, W [, B]) → Y
//	    Y = X·W + B for each row of X, which may have any number of dimensions; trans_w 0 or 1: W is [inputs, outputs]
//	    or [outputs, inputs]; precision: f32, or bf16 (an error without matrix units)
//	LinearGrad(dY, X, W) → [dX], [dW], [dB]
//	    the attributes of its Linear
//	MatMul(A, B) → Y
//	    alpha; perm_a, perm_b, perm_y: Transposes of the operands before, of the result behind; precision as Linear
//
// A MatMul's operands, as permuted, are [batch…, m, k] and [batch…, k, n] with the same batch: it broadcasts nothing.
// perm_y must leave rows or columns last in memory; perm_a and perm_b may be any, and cost next to nothing where they
// do so too. The gradients of a MatMul are MatMuls.
//
// With x̂ = (x − mean)/√(variance + epsilon) by the batch's mean and biased variance, BatchNorm computes
//
//	Y = relu?(scale·x̂ + bias + residual?)
//	running_mean, running_var ← (1 − momentum)·old + momentum·batch's, in place, with the biased variance
//
// as the stock operator does here. The gradient of Y is dY, or dY + dY2 where Y went to two operators, and dresidual is
// that gradient where Y > 0. A batch norm with relu and without residual gives its bias to BatchNormGrad in place of Y,
// which is then computed from X, to the bit, at less cost than reading it. Both take matrices [N, C] too, which have no
// other order. A dX may take the memory of dY, a dresidual the memory of dY2, a Y the memory of the residual, or of X
// where that isn't needed any more.
//
// Exponentials and the normal distribution are polynomials and quotients of these (pointwise_simd.h), as exact as
// float32 allows: the value of an activation is off by at most 2e-7·|x|, its slope by 5e-7.
//
// # Threads
//
// An operator cuts the batch into as many slices as the session has threads and runs them on ONNX Runtime's pool;
// oneDNN is never allowed a thread of its own. Sums over slices are taken in their order: for a number of threads, two
// runs give the same bits. Matrix products are cut by rows or columns of the result, or by the batch, and no sum among
// threads: their bits don't depend on the number.
//
// # Never silently slow
//
// oneDNN falls back to a reference kernel where it has no better one. Those are never used: [OneDNN.Supports] says
// beforehand that there is none, and the operator gives an error. Where its kernel for the gradient of a depthwise
// convolution is a general one, far slower than it need be, a loop of this package takes its place. Matrix products are
// loops of this package altogether: they read and write any order in memory, which oneDNN's would need copies for, at
// nine tenths of what the processor can multiply.
//
// # Winograd's algorithm
//
// Convolutions with kernels of 3×3, stride 1, no groups and no dilation, and numbers of channels and filters that are
// multiples of 16 (AVX-512) or 8 (AVX2) need a quarter of the products as F(4×4, 3×3) (winograd.h has the formulas). So
// do their gradients by the input, which are such convolutions of dY. Algorithm "auto" takes it where a model of the
// costs (winograd.cpp) says that it is faster than oneDNN's direct convolution, which is not so for small images that
// fill their tiles badly: 5 pixels, or 2. It computes in float32 in precision bf16 too, where it is mostly still faster
// than a direct convolution in bfloat16, and more exact.
//
// Its results are rounded otherwise. Relative L2 errors against float64 for inputs behind a ReLU (TestWinogradErrors),
// and how many times as fast as the direct convolution it is, by the processor time of one thread of a Zen 4 for 64
// images (32 where marked *):
//
//	channels, pixels   forward: direct, Winograd, times as fast   gradient by the input
//	 16, 32            1.5e-7   4.5e-7   1.6                      2.1e-7   5.1e-7   1.6
//	 32, 16            2.0e-7   5.3e-7   1.9                      3.0e-7   6.2e-7   1.9
//	 64,  8            2.7e-7   7.2e-7   2.2                      4.1e-7   8.5e-7   2.3
//	128,  4            3.7e-7   1.0e-6   1.8                      5.2e-7   1.2e-6   1.8
//	 64, 32 *          3.0e-7   6.7e-7   2.4                      4.2e-7   8.0e-7   2.5
//	128, 16 *          4.2e-7   8.8e-7   2.7                      5.9e-7   1.1e-6   2.8
//	256,  8 *          5.7e-7   1.3e-6   2.2                      8.1e-7   1.6e-6   2.3
//	512,  4            7.4e-7   2.0e-6   2.4                      1.0e-6   2.4e-6   2.5
//
// Against a direct convolution in bfloat16 the same layers are 1.0 to 1.4 times as fast; those of 16 channels are left
// to that. BenchmarkWinograd repeats the measurement.
//
// Their gradients by the weights have the same quarter of the products (winograd_weights_simd.h), or the 4/9 of
// F(2×2, 3×3) where images fill larger tiles badly. ConvGrad decides on each gradient apart. Errors and times as fast,
// likewise, as direct ones in float32 and bfloat16 (BenchmarkConvolutionWeights):
//
//	channels, pixels   errors: direct, Winograd   times as fast as float32, bfloat16
//	 16, 32            1.0e-6   5.9e-7            2.2   1.9
//	 32, 16            5.8e-7   6.3e-7            2.7   1.8
//	 64,  8            3.9e-7   6.1e-7            3.0   2.0
//	128,  4            2.6e-7   5.9e-7            3.1   1.7
//	 64, 32 *          7.9e-7   6.3e-7            3.1   1.7
//	128, 16 *          4.0e-7   6.2e-7            2.7   1.6
//	256,  8 *          2.8e-7   5.9e-7            2.7   1.4
//	512,  4            2.6e-7   5.9e-7            3.3   1.5
//	512,  2            1.4e-7   2.1e-7            2.0   1.4
//
// The 3.3 and 2.0 of 512 channels were taken on a machine with little else to do; next to other work they were 4 and 3,
// for the direct convolution reads and writes more.
//
// # Precision
//
// In precision bf16, X, W and dY of a convolution are rounded to bfloat16 (8 significant bits) and their products added
// up in float32. Depthwise convolutions and what Winograd's algorithm computes stay in float32. The operators on
// bfloat16 in memory have these numbers already; they don't use Winograd's algorithm, which would need more digits.
//
// # Matrix units
//
// A processor with AMX multiplies tiles of 16 by 32 and 32 by 16 numbers in bfloat16. oneDNN uses them for convolutions
// and their gradients by the input. Gradients by the weights of the operators on bfloat16 are loops of this package
// (tile_weights.h), as oneDNN's go image by image and fill their tiles badly where images are small; so are matrix
// products in precision bf16 (tile_product.cpp). What either gives doesn't depend on what the other left: a task loads
// its own configuration of the tiles and puts back what was there. BenchmarkConvolutionOfHalves, BenchmarkLinear and
// BenchmarkMatMul print how fast they are.
//
// # oneDNN
//
// oneDNN is opened at run time ([Open]); a process can have one open. Without it there are none of these operators.
package kernels
