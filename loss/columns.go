package loss

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

// columnProducts sets product to the products of the columns of a and those of b, both [N, D] and taken without their
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
