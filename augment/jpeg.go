package augment

import "ordo/augment/kernel"

// jpeg makes the view what a baseline JPEG file of the quality in [1, 100] makes of it, without writing one: entropy
// coding loses nothing, so only the rest is computed, in libjpeg's fixed-point arithmetic and to the byte. Colours are
// Y, Cb, Cr of 8 bits (JFIF), both chroma planes are halved (4:2:0, 2x2 means), 8x8 blocks transformed and quantised by
// the tables of the standard's annex K scaled by the quality; decoding interpolates chroma by the triangle filter
// ("fancy upsampling"). Those are libjpeg's defaults. Quality changes in whole numbers.
func (c *canvas) jpeg(quality int) {
	w, h := c.width, c.height
	hw, hh := (w+1)/2, (h+1)/2
	c.point(kernel.Op{Kind: kernel.ToJFIF})
	y, cb, cr := c.channels()
	halves := [2][]float32{c.spare[:hw*hh], c.spare[hw*hh:][:hw*hh]}
	halve(halves[0], cb, w, h)
	halve(halves[1], cr, w, h)
	luminance, chrominance := quantiser(&luminanceSteps, quality), quantiser(&chrominanceSteps, quality)
	quantiseBlocks(y, w, h, &luminance)
	quantiseBlocks(halves[0], hw, hh, &chrominance)
	quantiseBlocks(halves[1], hw, hh, &chrominance)
	double(cb, halves[0], w, h)
	double(cr, halves[1], w, h)
	c.point(kernel.Op{Kind: kernel.FromJFIF})
}

// halve writes the means of 2x2 pixels of src, which is w x h; an odd last column or row counts twice.
func halve(dst, src []float32, w, h int) {
	hw := (w + 1) / 2
	for y := 0; y < h; y += 2 {
		kernel.Halve(dst[y/2*hw:][:hw], src[y*w:][:w], src[min(y+1, h-1)*w:][:w])
	}
}

// double writes the w x h pixels of which src is the half; edges are repeated.
func double(dst, src []float32, w, h int) {
	hw, hh := (w+1)/2, (h+1)/2
	for y := range h {
		near := y / 2
		far := max(0, min(hh-1, near+2*(y&1)-1))
		kernel.Double(dst[y*w:][:w], src[near*hw:][:hw], src[far*hw:][:hw])
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

// quantiseBlocks does to each 8x8 block of a plane of bytes what the file does. Blocks that reach over the right or
// lower edge are filled with the last column or row.
func quantiseBlocks(plane []float32, w, h int, q *[64]int32) {
	var block [64]float32
	for top := 0; top < h; top += 8 {
		for left := 0; left < w; left += 8 {
			n := min(8, w-left)
			for y := range 8 {
				row := block[8*y:][:8]
				copy(row, plane[min(top+y, h-1)*w+left:][:n])
				for x := n; x < 8; x++ {
					row[x] = row[n-1]
				}
			}
			kernel.Quantize(&block, q)
			for y := range min(8, h-top) {
				copy(plane[(top+y)*w+left:][:n], block[8*y:])
			}
		}
	}
}
