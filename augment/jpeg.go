package augment

// jpeg makes the view what a baseline JPEG file of the quality in [1, 100] makes of it, without writing one: entropy
// coding loses nothing, so only the rest is computed, in libjpeg's fixed-point arithmetic and to the byte. Colours are
// Y, Cb, Cr of 8 bits (JFIF), both chroma planes are halved (4:2:0, 2x2 means), 8x8 blocks transformed and quantised by
// the tables of the standard's annex K scaled by the quality; decoding interpolates chroma by the triangle filter
// ("fancy upsampling"). Those are libjpeg's defaults. Quality changes in whole numbers.
func (c *canvas) jpeg(quality int) {
	w, h := c.width, c.height
	hw, hh := (w+1)/2, (h+1)/2
	y, cb, cr := c.channels()
	const half, centre = 1 << 15, 128 << 16
	for i := range y {
		r, g, b := int32(nearestByte(y[i])), int32(nearestByte(cb[i])), int32(nearestByte(cr[i]))
		y[i] = float32((19595*r + 38470*g + 7471*b + half) >> 16)
		cb[i] = float32((-11059*r - 21709*g + 32768*b + centre + half - 1) >> 16)
		cr[i] = float32((32768*r - 27439*g - 5329*b + centre + half - 1) >> 16)
	}
	halves := [2][]float32{c.spare[:hw*hh], c.spare[hw*hh:][:hw*hh]}
	halve(halves[0], cb, w, h)
	halve(halves[1], cr, w, h)
	luminance, chrominance := quantiser(&luminanceSteps, quality), quantiser(&chrominanceSteps, quality)
	quantiseBlocks(y, w, h, &luminance)
	quantiseBlocks(halves[0], hw, hh, &chrominance)
	quantiseBlocks(halves[1], hw, hh, &chrominance)
	double(cb, halves[0], w, h)
	double(cr, halves[1], w, h)
	for i, v := range y {
		l, b, r := int32(v), int32(cb[i])-128, int32(cr[i])-128
		y[i] = fromByte(l + (91881*r+half)>>16)
		cb[i] = fromByte(l + (-22554*b-46802*r+half)>>16)
		cr[i] = fromByte(l + (116130*b+half)>>16)
	}
}

func nearestByte(v float32) uint8 { return uint8(255*clamp01(v) + 0.5) }

func fromByte(v int32) float32 { return float32(max(0, min(255, v))) / 255 }

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
func quantiser(steps *[64]uint8, quality int) (q [64]int32) {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	for i, s := range steps {
		q[i] = int32(max(1, min(255, (int(s)*scale+50)/100)))
	}
	return q
}

// quantiseBlocks transforms each 8x8 block of a plane of bytes, rounds its coefficients to multiples of q and
// transforms back to bytes. Blocks that reach over the right or lower edge are filled with the last column or row.
func quantiseBlocks(plane []float32, w, h int, q *[64]int32) {
	var block, turned [64]int32
	for top := 0; top < h; top += 8 {
		for left := 0; left < w; left += 8 {
			for y := range 8 {
				line := plane[min(top+y, h-1)*w:][:w]
				for x := range 8 {
					block[8*y+x] = int32(line[min(left+x, w-1)]) - 128
				}
			}
			cosines(&turned, &block, cosineBits-spareBits)
			cosines(&block, &turned, cosineBits+spareBits)
			for i, v := range block {
				block[i] = q[i] * divideRounded(v, 8*q[i])
			}
			invertCosines(&turned, &block, cosineBits-spareBits)
			invertCosines(&block, &turned, cosineBits+spareBits+3)
			for y := range min(8, h-top) {
				line := plane[(top+y)*w+left:]
				for x := range min(8, w-left) {
					line[x] = float32(max(0, min(255, block[8*y+x]+128)))
				}
			}
		}
	}
}

// divideRounded rounds to the nearest, halves away from 0.
func divideRounded(v, by int32) int32 {
	if v < 0 {
		return -((by/2 - v) / by)
	}
	return (v + by/2) / by
}

// The cosine transform of eight values in fixed point: coefficients are 8 times too large after both passes of the way
// there, and between the two passes, either way, values have spareBits of fraction. The factors are those that Loeffler,
// Ligtenberg and Moschytz's flow graph (1989) has in all with constants rounded to cosineBits, so they are not all the
// nearest to sqrt(2)*cos(k*pi/16).
const (
	cosineBits = 13
	spareBits  = 2
)

// oddFactors[k][i] is that of coefficient 2k+1 for the difference of value i and value 7-i.
var oddFactors = [4][4]int32{
	{11363, 9633, 6437, 2260},
	{9633, -2259, -11362, -6436},
	{6437, -11362, 2261, 9633},
	{2260, -6436, 9633, -11363},
}

// evenFactors are those of coefficients 2 and 6.
var evenFactors = [2][2]int32{{10703, 4433}, {4433, -10704}}

// cosines transforms the rows of src, divides by 2^shift and writes them as columns: called twice it is the
// two-dimensional transform.
func cosines(dst, src *[64]int32, shift int) {
	half := int32(1) << (shift - 1)
	for y := range 8 {
		in := src[8*y:][:8]
		a, b, c, d := in[0]+in[7], in[1]+in[6], in[2]+in[5], in[3]+in[4]
		odd := [4]int32{in[0] - in[7], in[1] - in[6], in[2] - in[5], in[3] - in[4]}
		dst[y] = ((a+b+c+d)<<cosineBits + half) >> shift
		dst[32+y] = ((a-b-c+d)<<cosineBits + half) >> shift
		dst[16+y] = ((a-d)*evenFactors[0][0] + (b-c)*evenFactors[0][1] + half) >> shift
		dst[48+y] = ((a-d)*evenFactors[1][0] + (b-c)*evenFactors[1][1] + half) >> shift
		for k := range oddFactors {
			f := &oddFactors[k]
			dst[8*(2*k+1)+y] = (odd[0]*f[0] + odd[1]*f[1] + odd[2]*f[2] + odd[3]*f[3] + half) >> shift
		}
	}
}

// invertCosines is the way back, from the columns of src to rows.
func invertCosines(dst, src *[64]int32, shift int) {
	half := int32(1) << (shift - 1)
	for y := range 8 {
		s0, s1, s2, s3 := src[y], src[8+y], src[16+y], src[24+y]
		s4, s5, s6, s7 := src[32+y], src[40+y], src[48+y], src[56+y]
		p, q := (s0+s4)<<cosineBits, (s0-s4)<<cosineBits
		r, t := s2*evenFactors[0][0]+s6*evenFactors[1][0], s2*evenFactors[0][1]+s6*evenFactors[1][1]
		even := [4]int32{p + r, q + t, q - t, p - r}
		out := dst[8*y:][:8]
		for i, e := range even {
			o := s1*oddFactors[0][i] + s3*oddFactors[1][i] + s5*oddFactors[2][i] + s7*oddFactors[3][i]
			out[i], out[7-i] = (e+o+half)>>shift, (e-o+half)>>shift
		}
	}
}
