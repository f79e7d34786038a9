package matrix

import "math"

// tileGeneric sets the tile c (rows stride apart), or adds to it, the product of 8 rows of a and a panel: c(i, j) is
// the sum over k < depth <= depthBlock of a[i*down+k*right] * panel[k*tileCols+j]. It works in blocks of 4 x 2 sums,
// which is what 16 registers hold.
func tileGeneric[T Float](c []T, stride int, a []T, down, right int, panel []T, depth int, add bool) {
	var columns [depthBlock][4]T // of a, for four rows: the inner loop then needs few checks of bounds
	for i := 0; i < tileRows; i += 4 {
		left := columns[:depth]
		for k := range left {
			at := i*down + k*right
			left[k] = [4]T{a[at], a[at+down], a[at+2*down], a[at+3*down]}
		}
		for j := 0; j < tileCols; j += 2 {
			s := sums(left, panel[j:])
			for r := range 4 {
				to := c[(i+r)*stride+j:][:2]
				if add {
					s[r][0] += to[0]
					s[r][1] += to[1]
				}
				to[0], to[1] = s[r][0], s[r][1]
			}
		}
	}
}

// sums returns the products of four rows and the first two columns of b.
func sums[T Float](left [][4]T, b []T) [4][2]T {
	var s00, s01, s10, s11, s20, s21, s30, s31 T
	for k := range left {
		x := &left[k]
		y := b[k*tileCols:][:2]
		y0, y1 := y[0], y[1]
		s00 += x[0] * y0
		s01 += x[0] * y1
		s10 += x[1] * y0
		s11 += x[1] * y1
		s20 += x[2] * y0
		s21 += x[2] * y1
		s30 += x[3] * y0
		s31 += x[3] * y1
	}
	return [4][2]T{{s00, s01}, {s10, s11}, {s20, s21}, {s30, s31}}
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
