package loss

import "math"

// standardColumns gives the columns of a batch mean 0 and deviation 1 over the rows of its base views, and all other
// rows the same shift and factor: as a linear probe that was fitted to untouched images sees them.
type standardColumns[T float] struct {
	base       []int     // the base views
	data, grad []T       // [V*N, D] the standard rows, and the gradient by them
	mean       []float64 // [D] of a column
	inverse    []float64 // [D] one over its deviation
	part       []float64 // [D] of one view
	sum, along []float64 // [D] of the gradient, and of its products with the standard rows
}

// forward returns b with standard rows and a gradient of zeros in place of its own.
func (s *standardColumns[T]) forward(b batch[T], v Views) batch[T] {
	s.base = appendBase(s.base[:0], v)
	s.data, s.grad = sized(s.data, len(b.data)), sized(s.grad, len(b.data))
	clear(s.grad)
	s.mean, s.inverse, s.part = grow(s.mean, b.dim), grow(s.inverse, b.dim), sized(s.part, b.dim)
	views := float64(len(s.base))
	for _, view := range s.base {
		columnMeans(s.part, b.view(view))
		for p, x := range s.part {
			s.mean[p] += x / views
		}
	}
	for _, view := range s.base {
		columnProducts(s.part, b.view(view), b.view(view), s.mean, s.mean)
		for p, x := range s.part {
			s.inverse[p] += x / (views * float64(b.images))
		}
	}
	for p, variance := range s.inverse {
		s.inverse[p] = 1 / math.Sqrt(variance+barlowEps)
	}
	for at := 0; at < len(b.data); at += b.dim {
		to := s.data[at:][:b.dim]
		for p, x := range b.data[at:][:b.dim] {
			to[p] = add(T(0), (float64(x)-s.mean[p])*s.inverse[p])
		}
	}
	b.data, b.grad = s.data, s.grad
	return b
}

// backward adds to b's gradient what that of forward's batch makes of it. A base view's row has a part in mean and
// deviation, so that it loses the mean of all rows' gradients and what lies along the standard rows.
func (s *standardColumns[T]) backward(b batch[T]) {
	s.sum, s.along = grow(s.sum, b.dim), grow(s.along, b.dim)
	for at := 0; at < len(s.grad); at += b.dim {
		standard, to := s.data[at:][:b.dim], b.grad[at:][:b.dim]
		for p, g := range s.grad[at:][:b.dim] {
			s.sum[p] += float64(g)
			s.along[p] += float64(g) * float64(standard[p])
			to[p] = add(to[p], s.inverse[p]*float64(g))
		}
	}
	n := float64(len(s.base) * b.images)
	for _, view := range s.base {
		from := b.at(view, 0)
		for at := from; at < from+b.images*b.dim; at += b.dim {
			standard, to := s.data[at:][:b.dim], b.grad[at:][:b.dim]
			for p, y := range standard {
				to[p] = add(to[p], -s.inverse[p]/n*(s.sum[p]+s.along[p]*float64(y)))
			}
		}
	}
}
