// Package verify tells whether training artifacts compute what they should.
//
// [Run] opens the artifacts in ONNX Runtime and looks at them in three ways, all on a model whose loss is
//
//	L = Σ over outputs z and their elements of z·dz
//
// with fixed numbers dz, so that the gradient that the graph must give depends on nothing but the graph.
//
// # Finite differences
//
// For each trained parameter p with gradient g, the slope of L along a direction u is measured and compared with the
// slope that the gradient claims:
//
//	(L(p + εu) − L(p − εu)) / 2ε   against   Σ u·g
//
// u is the gradient's own direction, each element weighted at random by a factor in [0, 1], plus as much again in
// random directions as a random direction has: of length one together. The graphs compute in float32, so a step must be
// neither too small, where rounding drowns the difference, nor too large, where the loss bends. So L is summed in
// float64, the step begins where it changes the outputs by less than a hundredth, and it is halved, five times at most,
// until successive slopes agree twice; of the two that agree best the error of order ε² is eliminated (Richardson
// 1911). What remains is the error
//
//	|measured − claimed| / max(|g|, floor)
//
// where |g| is the gradient's length and the floor a thousandth of the largest gradient's. A gradient that is 0 but for
// rounding, as that of a bias in front of a batch norm, is compared with what was summed: if it is less than 1e-5 of
// the sum of its terms' absolute values, with 0.03 of that. Float32 and the bends of ReLU and max pool leave errors of
// 1e-5 to 1e-2; a wrong rule makes errors of 0.1 and more.
//
// # A reference
//
// A [Reference] has images, dz and what another program computed from them. The largest deviation of each gradient is
// divided by the largest element of that gradient, by a thousandth of the largest of all if that is more, or by what
// was summed, see above.
//
// # Running statistics
//
// The input of each batch norm is read out and its moments are computed in float64. After a step the running mean must
// be momentum·old + (1−momentum)·mean and the variance likewise, with the biased variance (divided by n) that ONNX
// demands; torch's is divided by n−1. Errors are relative to the largest element; those of a mean to 1−momentum times
// the largest deviation of a channel, if that is more, as a mean may be 0 but for rounding.
package verify
