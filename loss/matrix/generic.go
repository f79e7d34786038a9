package matrix

import "math"

// tileGeneric sets the tile c (rows stride apart), or adds to it, the product of 8 rows of a and a panel: c(i, j) is
// the sum over k < depth of a[i*down+k*right] * panel[k*tileCols+j]. It works in blocks of 4 x 2 sums, which is what 16
// registers hold.
func tileGeneric[T Float](c []T, stride int, a []T, down, right int, panel []T, depth int, add bool) {
	for i := 0; i < tileRows; i += 4 {
		a0, a1, a2, a3 := a[i*down:], a[(i+1)*down:], a[(i+2)*down:], a[(i+3)*down:]
		for j := 0; j < tileCols; j += 2 {
			var s00, s01, s10, s11, s20, s21, s30, s31 T
			for k, at := 0, 0; k < depth; k, at = k+1, at+right {
				b := panel[k*tileCols+j:][:2]
				y0, y1 := b[0], b[1]
				x0, x1, x2, x3 := a0[at], a1[at], a2[at], a3[at]
				s00 += x0 * y0
				s01 += x0 * y1
				s10 += x1 * y0
				s11 += x1 * y1
				s20 += x2 * y0
				s21 += x2 * y1
				s30 += x3 * y0
				s31 += x3 * y1
			}
			put(c[i*stride+j:], s00, s01, add)
			put(c[(i+1)*stride+j:], s10, s11, add)
			put(c[(i+2)*stride+j:], s20, s21, add)
			put(c[(i+3)*stride+j:], s30, s31, add)
		}
	}
}

func put[T Float](c []T, s0, s1 T, add bool) {
	if add {
		s0, s1 = c[0]+s0, c[1]+s1
	}
	c[0], c[1] = s0, s1
}

func dotGeneric[T Float](a, b []T) float64 {
	var s float64
	for i, x := range a {
		s += float64(x) * float64(b[i])
	}
	return s
}

func sumGeneric[T Float](x []T) float64 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return s
}

func addScaledGeneric[T Float](dst []T, scale T, x []T) {
	for i, v := range x {
		dst[i] += scale * v
	}
}

func expGeneric[T Float](dst []float64, x []T, scale, shift float64) {
	for i, v := range x {
		dst[i] = math.Exp((float64(v) - shift) * scale)
	}
}

func mulSumGeneric[T Float](dst []T, x, y []float64, z float64) {
	for i, v := range x {
		dst[i] = T(v * (y[i] + z))
	}
}
