package loss

import "ordo/loss/matrix"

// columnMeans sets mean to the means of the columns of z, [N, D], counted in float64.
func columnMeans[T float](mean []float64, z []T) {
	dim := len(mean)
	clear(mean)
	for at := 0; at < len(z); at += dim {
		for i, x := range z[at:][:dim] {
			mean[i] += float64(x)
		}
	}
	rows := float64(len(z) / dim)
	for i := range mean {
		mean[i] /= rows
	}
}

// columnProducts sets product to the products of the columns of a and b, both [N, D] and taken without their
// means, counted in float64. For b = a these are N times the variances.
func columnProducts[T float](product []float64, a, b []T, meanA, meanB []float64) {
	dim := len(product)
	clear(product)
	meanA, meanB = meanA[:dim], meanB[:dim]
	for at := 0; at < len(a); at += dim {
		rowA, rowB := a[at:][:dim], b[at:][:dim]
		for i := range product {
			product[i] += (float64(rowA[i]) - meanA[i]) * (float64(rowB[i]) - meanB[i])
		}
	}
}

// lowerRows is how many rows of a symmetric product are computed at once, up to the block on the diagonal.
const lowerRows = 64

// lowerProducts sets the lower triangle of zᵀz, [D, D], for z [N, D]. What it leaves above it is not said.
func lowerProducts[T float](to []T, z matrix.Matrix[T], right *matrix.Packed[T]) {
	right.Pack(z)
	product := matrix.Of(to, z.Cols, z.Cols)
	for from := 0; from < z.Cols; from += lowerRows {
		rows := min(lowerRows, z.Cols-from)
		part := right.Part(0, 0, z.Rows, from+rows)
		matrix.Mul(product.Part(from, 0, rows, from+rows), z.Part(0, from, z.Rows, rows).T(), &part)
	}
}
