package augment

import "math"

// jpeg makes the view what a baseline JPEG file of the quality in [1, 100] makes of it, without writing one: entropy
// coding loses nothing, so only the rest is computed. As libjpeg does by default, colours are Y, Cb, Cr of 8 bits (JFIF),
// both chroma planes halved (4:2:0, 2x2 means), 8x8 blocks transformed, and the tables of the standard's annex K scaled
// by the quality; decoding interpolates chroma by the triangle filter ("fancy upsampling"). Quality changes in whole
// numbers.
func (c *canvas) jpeg(quality int) {
	w, h := c.width, c.height
	hw, hh := (w+1)/2, (h+1)/2
	y, cb, cr := c.channels()
	for i := range y {
		r, g, b := roundByte(255*y[i]), roundByte(255*cb[i]), roundByte(255*cr[i])
		y[i] = roundByte(0.299*r + 0.587*g + 0.114*b)
		cb[i] = roundByte(-0.168735892*r - 0.331264108*g + 0.5*b + 128)
		cr[i] = roundByte(0.5*r - 0.418687589*g - 0.081312411*b + 128)
	}
	half := [2][]float32{c.spare[:hw*hh], c.spare[hw*hh:][:hw*hh]}
	halve(half[0], cb, w, h)
	halve(half[1], cr, w, h)
	luminance, chrominance := quantiser(&luminanceSteps, quality), quantiser(&chrominanceSteps, quality)
	quantiseBlocks(y, w, h, &luminance)
	quantiseBlocks(half[0], hw, hh, &chrominance)
	quantiseBlocks(half[1], hw, hh, &chrominance)
	double(cb, half[0], w, h)
	double(cr, half[1], w, h)
	for i, v := range y {
		b, r := cb[i]-128, cr[i]-128
		y[i] = roundByte(v+1.402*r) * (1. / 255)
		cb[i] = roundByte(v-0.344136286*b-0.714136286*r) * (1. / 255)
		cr[i] = roundByte(v+1.772*b) * (1. / 255)
	}
}

// roundByte rounds to a whole number in [0, 255].
func roundByte(v float32) float32 { return float32(int32(max(0, min(255, v)) + 0.5)) }

// halve writes the means of 2x2 pixels of src, which is w x h; an odd last column or row counts twice. Halves are
// rounded down and up in turns along a row, so that nothing gets brighter.
func halve(dst, src []float32, w, h int) {
	hw := (w + 1) / 2
	for y := 0; y < h; y += 2 {
		a, b := src[y*w:][:w], src[min(y+1, h-1)*w:][:w]
		out := dst[y/2*hw:][:hw]
		for x := range out {
			l, r := 2*x, min(2*x+1, w-1)
			sum := int32(a[l] + a[r] + b[l] + b[r])
			out[x] = float32((sum + 1 + int32(x&1)) / 4)
		}
	}
}

// double writes the w x h pixels of which src is the half: each 9/16 of the nearest, 3/16 of the next ones beside and
// above or below it, and 1/16 of that between them; edges are repeated.
func double(dst, src []float32, w, h int) {
	hw, hh := (w+1)/2, (h+1)/2
	for y := range h {
		near := y / 2
		far := max(0, min(hh-1, near+2*(y&1)-1))
		a, b := src[near*hw:][:hw], src[far*hw:][:hw]
		out := dst[y*w:][:w]
		for x := range out {
			n := x / 2
			f := max(0, min(hw-1, n+2*(x&1)-1))
			sum := int32(3*(3*a[n]+b[n]) + 3*a[f] + b[f])
			out[x] = float32((sum + 8 - int32(x&1)) / 16)
		}
	}
}

// The quantisation steps of ITU-T T.81, tables K.1 and K.2, for quality 50.
var (
	luminanceSteps = [64]uint8{
		16, 11, 10, 16, 24, 40, 51, 61,
		12, 12, 14, 19, 26, 58, 60, 55,
		14, 13, 16, 24, 40, 57, 69, 56,
		14, 17, 22, 29, 51, 87, 80, 62,
		18, 22, 37, 56, 68, 109, 103, 77,
		24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101,
		72, 92, 95, 98, 112, 100, 103, 99,
	}
	chrominanceSteps = [64]uint8{
		17, 18, 24, 47, 99, 99, 99, 99,
		18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99,
		47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
	}
)

// quantiser scales the steps as libjpeg does.
func quantiser(steps *[64]uint8, quality int) (q [64]float32) {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	for i, s := range steps {
		q[i] = float32(max(1, min(255, (int(s)*scale+50)/100)))
	}
	return q
}

// quantiseBlocks transforms each 8x8 block of a plane, rounds its coefficients to multiples of q and transforms back to
// bytes. Blocks that reach over the right or lower edge are filled with the last column or row.
func quantiseBlocks(plane []float32, w, h int, q *[64]float32) {
	var block, turned [64]float32
	for top := 0; top < h; top += 8 {
		for left := 0; left < w; left += 8 {
			for y := range 8 {
				line := plane[min(top+y, h-1)*w:][:w]
				for x := range 8 {
					block[8*y+x] = line[min(left+x, w-1)] - 128
				}
			}
			cosines(&turned, &block)
			cosines(&block, &turned)
			for i, v := range block {
				block[i] = q[i] * roundHalf(v/q[i])
			}
			invertCosines(&turned, &block)
			invertCosines(&block, &turned)
			for y := range min(8, h-top) {
				line := plane[(top+y)*w+left:]
				for x := range min(8, w-left) {
					line[x] = roundByte(block[8*y+x] + 128)
				}
			}
		}
	}
}

// roundHalf rounds to the nearest whole number, halves away from 0.
func roundHalf(v float32) float32 {
	if v < 0 {
		return -float32(int32(0.5 - v))
	}
	return float32(int32(v + 0.5))
}

// cosineBasis[k][i] is c(k)/2 * cos((2i+1)k*pi/16), c(0) = 1/sqrt(2), else 1, for i < 4; the other half mirrors it.
var cosineBasis = func() (basis [8][4]float32) {
	for k := range basis {
		for i := range basis[k] {
			v := math.Cos(float64(2*i+1)*float64(k)*math.Pi/16) / 2
			if k == 0 {
				v /= math.Sqrt2
			}
			basis[k][i] = float32(v)
		}
	}
	return basis
}()

// cosines transforms the rows of src and writes them as columns: called twice it is the two-dimensional transform.
func cosines(dst, src *[64]float32) {
	for y := range 8 {
		in := src[8*y:][:8]
		var even, odd [4]float32
		for i := range even {
			even[i], odd[i] = in[i]+in[7-i], in[i]-in[7-i]
		}
		for k := 0; k < 8; k += 2 {
			e, o := &cosineBasis[k], &cosineBasis[k+1]
			dst[8*k+y] = e[0]*even[0] + e[1]*even[1] + e[2]*even[2] + e[3]*even[3]
			dst[8*(k+1)+y] = o[0]*odd[0] + o[1]*odd[1] + o[2]*odd[2] + o[3]*odd[3]
		}
	}
}

// invertCosines is the way back.
func invertCosines(dst, src *[64]float32) {
	for y := range 8 {
		in := src[8*y:][:8]
		for i := range 4 {
			var even, odd float32
			for k := 0; k < 8; k += 2 {
				even += cosineBasis[k][i] * in[k]
				odd += cosineBasis[k+1][i] * in[k+1]
			}
			dst[8*i+y], dst[8*(7-i)+y] = even+odd, even-odd
		}
	}
}
