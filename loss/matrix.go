package loss

// The blocks of the two matrix products of NT-Xent. Rows come in blocks of blockRows; every block has all its rows, the
// surplus ones being zero, so that the kernels have no remainders: blockRows is a multiple of both tile sides.
const blockRows = 32

// products writes a·bᵀ to dst: a and b are [blockRows, dim], dst is [blockRows, blockRows]. It works in tiles of 4 x 2
// sums, which is what 16 registers hold.
func products(dst, a, b []float64, dim int) {
	for i := 0; i < blockRows; i += 4 {
		a0 := a[i*dim:][:dim]
		a1 := a[(i+1)*dim:][:dim]
		a2 := a[(i+2)*dim:][:dim]
		a3 := a[(i+3)*dim:][:dim]
		for j := 0; j < blockRows; j += 2 {
			b0 := b[j*dim:][:dim]
			b1 := b[(j+1)*dim:][:dim]
			var s00, s01, s10, s11, s20, s21, s30, s31 float64
			for p, y0 := range b0 {
				y1 := b1[p]
				x0, x1, x2, x3 := a0[p], a1[p], a2[p], a3[p]
				s00 += x0 * y0
				s01 += x0 * y1
				s10 += x1 * y0
				s11 += x1 * y1
				s20 += x2 * y0
				s21 += x2 * y1
				s30 += x3 * y0
				s31 += x3 * y1
			}
			d := dst[i*blockRows+j:]
			d[0], d[1] = s00, s01
			d[blockRows], d[blockRows+1] = s10, s11
			d[2*blockRows], d[2*blockRows+1] = s20, s21
			d[3*blockRows], d[3*blockRows+1] = s30, s31
		}
	}
}

// accumulate adds w·b to dst: dst and b are [blockRows, dim], w is [blockRows, blockRows] and holds weight (i, j) at
// i*down + j*right, so that down = 1, right = blockRows means the transposed of down = blockRows, right = 1.
func accumulate(dst, w, b []float64, dim, down, right int) {
	for i := 0; i < blockRows; i += 2 {
		d0 := dst[i*dim:][:dim]
		d1 := dst[(i+1)*dim:][:dim]
		for j := 0; j < blockRows; j += 4 {
			b0 := b[j*dim:][:dim]
			b1 := b[(j+1)*dim:][:dim]
			b2 := b[(j+2)*dim:][:dim]
			b3 := b[(j+3)*dim:][:dim]
			at := i*down + j*right
			w00, w01, w02, w03 := w[at], w[at+right], w[at+2*right], w[at+3*right]
			at += down
			w10, w11, w12, w13 := w[at], w[at+right], w[at+2*right], w[at+3*right]
			for p, y0 := range b0 {
				y1, y2, y3 := b1[p], b2[p], b3[p]
				d0[p] += w00*y0 + w01*y1 + (w02*y2 + w03*y3)
				d1[p] += w10*y0 + w11*y1 + (w12*y2 + w13*y3)
			}
		}
	}
}
