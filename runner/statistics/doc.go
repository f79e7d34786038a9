// Package statistics says how sure means and differences of a few runs are.
//
// A mean of n numbers has the interval
//
//	mean ± t(1-α/2, n-1) · s/√n,    s² = Σ(x-mean)²/(n-1)
//
// by Student's t, with α = [Level]. Two settings that were run with the same seeds are compared by the differences of
// their pairs, a mean like any other, and p is that of no difference. Several p are adjusted by Holm's method (1979),
// so that what is below the level is wrong in one of them at most as often as the level says.
//
// With two or three seeds intervals are wide, and that is what they are for.
package statistics
