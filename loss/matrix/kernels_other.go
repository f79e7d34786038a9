//go:build !amd64

package matrix

func tile[T Float](c []T, stride int, a []T, down, right int, panel []T, depth int, add bool) {
	tileGeneric(c, stride, a, down, right, panel, depth, add)
}

func dot[T Float](a, b []T) float64                           { return dotGeneric(a, b) }
func sum[T Float](x []T) float64                              { return sumGeneric(x) }
func addScaled[T Float](dst []T, scale T, x []T)              { addScaledGeneric(dst, scale, x) }
func exp[T Float](dst []float64, x []T, scale, shift float64) { expGeneric(dst, x, scale, shift) }
func mulSum[T Float](dst []T, x, y []float64, z float64)      { mulSumGeneric(dst, x, y, z) }
