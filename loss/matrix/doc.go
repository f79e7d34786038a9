// Package matrix has the few dense kernels that the losses and the nearest neighbours need: products of row-major
// matrices and elementwise work on vectors, in pure Go, with assembly where the processor has AVX2 or AVX-512.
//
// # Products
//
// A product has a left factor, which is read where it lies, and a right factor, which is packed first, because it is
// read many times and in an order that a row-major matrix does not have:
//
//	var right matrix.Packed[float32]
//	right.Pack(b)                  // b is [depth, cols]
//	matrix.Mul(dst, a, &right)     // dst = a·b, with a [rows, depth]
//	matrix.AddMul(dst, a, &right)  // dst += a·b
//
// Transposing is free: a·bᵀ is Pack(b.T()), and aᵀ·b is Mul(dst, a.T(), &right). A factor that is used many times is
// packed once, and Part gives the products of its parts.
//
// # Numbers
//
// Elements are float32 or float64, and so are the sums of a product: in one chain over up to 256 terms (depthBlock),
// the sums of such chains added up. With unit roundoff u (2⁻²⁴ for float32) an element is off by at most
//
//	(min(depth, 256) + depth/256 + 1) · u · Σ|a||b|
//
// (Higham 2002, section 3.1), and in practice by the square root of that number of u: a cosine of two unit rows of 128
// values by about 1e-7. Every element is summed in the same order, wherever in a matrix it is: equal rows give equal
// products. Sums over vectors (Dot, Sum) are taken in float64 whatever the elements are. NaN and infinities propagate
// as they do in scalar code; nothing is skipped because a factor is zero.
//
// # Assembly
//
// The generic Go code in generic.go is the specification, and what other processors run. Assembly differs from it in
// the last bits, as it fuses multiplications and additions and sums vectors in another order. On one kind of processor
// results are the same from run to run. ORDO_SIMD=off in the environment switches assembly off. It is written by
// _generate, a module of its own: `go generate` runs it.
package matrix
