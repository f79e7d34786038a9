package loss

// batch is an output's rows as a loss's kernel reads them, and the place of their gradient.
type batch[T float] struct {
	data, grad  []T     // [V*images, dim], view-major; a kernel that can do without a gradient takes nil
	images, dim int     // N and D
	base        []int   // the views that are compared; nil where the kernel finds them by itself
	weight      float64 // of the gradient that is added to grad
}

// newBatch returns an output's rows.
func newBatch(out Output, v Views, base []int, weight float64) batch[float32] {
	return batch[float32]{data: out.Data, grad: out.Grad, images: v.Images, dim: out.Dim, base: base, weight: weight}
}

// at returns where row n of a view begins.
func (b batch[T]) at(view, n int) int { return (view*b.images + n) * b.dim }

// view returns the rows of a view, [images, dim].
func (b batch[T]) view(view int) []T { return b.data[view*b.images*b.dim:][:b.images*b.dim] }
