// Package kernel holds the loops over pixels of package augment: resampling, warping, blurring and operations on single
// pixels, as pure functions on slices.
//
// # Memory
//
// An image comes in as bytes, R, G, B of one pixel after the other. A view in the making is three planes of float32 in
// [0, 1], row after row, at the place where the normalised view is wanted. Between them lie, where a filter needs them,
// a line of the image's width, float32 R, G, B of one pixel after the other, short enough for the first cache; or a
// Grid, the image as float32 with four values a pixel, so that a pixel is one aligned load. Operations on single pixels
// run over blocks of 512, all of them on one block before the next one, and the last ones together with the
// normalisation that writes the view.
//
// # Exactness
//
// The generic code is the specification. The assembly gives the same bits, for any input: it works on several pixels at
// once, but on each of them in the same order. Nothing is fused: every product is rounded, by an explicit conversion in
// Go, before it is added. Sums over pixels are made in as many parts as the assembly has, see Luminance. Minima, maxima
// and limits are those of the processor's instructions, see lesser. The fuzz tests compare both ways bit for bit.
//
// # Assembly
//
// On amd64 with AVX2 the functions of kernels_amd64.s run; ORDO_SIMD=off in the environment switches them off. They are
// written by the program in _generate, a module of its own, since ordo does not need what it needs:
//
//	go generate ./augment/kernel
//
// A function nameAVX2 works on the first n values, n a multiple of its vectors' length, and the Go code that calls it
// does the rest. The callers check all lengths; the assembly trusts them.
package kernel
