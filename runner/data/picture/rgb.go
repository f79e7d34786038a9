package picture

import (
	"image"
	"image/color"

	"ordo/augment"
)

// toRGB lays a picture over the background, on a canvas of the given size.
func toRGB(s still, width, height int, background [3]uint8) augment.Image {
	m := augment.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	b := s.Bounds()
	if s.at != (image.Point{}) || b.Dx() < width || b.Dy() < height {
		for i := range width * height {
			copy(m.Pix[3*i:3*i+3], background[:])
		}
	}
	row := rows(s, background)
	columns := min(b.Dx(), width-s.at.X)
	for y := range min(b.Dy(), height-s.at.Y) {
		row(m.Pix[3*((s.at.Y+y)*width+s.at.X):][:3*columns], y)
	}
	return m
}

// rows returns the function that writes row y of the picture, counted from its top, as RGB over the background.
func rows(s still, background [3]uint8) func(dst []uint8, y int) {
	over := func(dst []uint8, r, g, b, a uint8) {
		dst[0] = blend(r, background[0], a)
		dst[1] = blend(g, background[1], a)
		dst[2] = blend(b, background[2], a)
	}
	bounds := s.Bounds()
	switch m := s.Image.(type) {
	case *image.YCbCr:
		return newYCC(s, m).row
	case *image.NYCbCrA:
		ycc := newYCC(s, &m.YCbCr)
		return func(dst []uint8, y int) {
			ycc.row(dst, y)
			for i, a := range m.A[y*m.AStride:][:len(dst)/3] {
				over(dst[3*i:], dst[3*i], dst[3*i+1], dst[3*i+2], a)
			}
		}
	case *image.Gray:
		return func(dst []uint8, y int) {
			for i, v := range m.Pix[y*m.Stride:][:len(dst)/3] {
				dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
			}
		}
	case *image.Gray16:
		return func(dst []uint8, y int) {
			for i := range len(dst) / 3 {
				v := m.Pix[y*m.Stride+2*i]
				dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
			}
		}
	case *image.Paletted:
		var palette [256][3]uint8
		for i, c := range m.Palette {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			over(palette[i][:], n.R, n.G, n.B, n.A)
		}
		return func(dst []uint8, y int) {
			for i, v := range m.Pix[y*m.Stride:][:len(dst)/3] {
				copy(dst[3*i:3*i+3], palette[v][:])
			}
		}
	case *image.RGBA: // its colours are multiplied by alpha
		return func(dst []uint8, y int) {
			for i := range len(dst) / 3 {
				p := m.Pix[y*m.Stride+4*i:][:4]
				for c := range 3 {
					dst[3*i+c] = p[c] + blend(background[c], 0, 255-p[3])
				}
			}
		}
	case *image.NRGBA:
		return func(dst []uint8, y int) {
			for i := range len(dst) / 3 {
				p := m.Pix[y*m.Stride+4*i:][:4]
				over(dst[3*i:], p[0], p[1], p[2], p[3])
			}
		}
	case *image.NRGBA64:
		return func(dst []uint8, y int) {
			for i := range len(dst) / 3 {
				p := m.Pix[y*m.Stride+8*i:][:8]
				over(dst[3*i:], p[0], p[2], p[4], p[6])
			}
		}
	case *image.CMYK:
		return func(dst []uint8, y int) {
			for i := range len(dst) / 3 {
				p := m.Pix[y*m.Stride+4*i:][:4]
				for c := range 3 {
					dst[3*i+c] = blend(255-p[c], 0, 255-p[3])
				}
			}
		}
	}
	return func(dst []uint8, y int) { // RGBA64, and whatever there may be
		for i := range len(dst) / 3 {
			r, g, b, a := s.At(bounds.Min.X+i, bounds.Min.Y+y).RGBA()
			clear := 255 - uint8(a>>8)
			dst[3*i] = uint8(r>>8) + blend(background[0], 0, clear)
			dst[3*i+1] = uint8(g>>8) + blend(background[1], 0, clear)
			dst[3*i+2] = uint8(b>>8) + blend(background[2], 0, clear)
		}
	}
}

// blend returns v at opacity a over w, rounded to nearest.
func blend(v, w, a uint8) uint8 {
	return uint8((uint32(v)*uint32(a) + uint32(w)*uint32(255-a) + 127) / 255)
}

// ycc converts rows of YCbCr to RGB.
type ycc struct {
	m      *image.YCbCr
	video  bool
	rgb    bool // the planes are red, green and blue
	halfX  bool // chroma has half the columns
	halfY  bool // … half the rows
	smooth bool // chroma is enlarged by the triangle filter
	cb, cr []uint8
	sum    []int32
}

// newYCC reads planes that have the properties of s.
func newYCC(s still, m *image.YCbCr) *ycc {
	c := &ycc{m: m, video: s.video, rgb: s.rgb}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		c.halfX, c.halfY, c.smooth = true, true, true
	case image.YCbCrSubsampleRatio422:
		c.halfX, c.smooth = true, true
	case image.YCbCrSubsampleRatio440:
		c.halfY, c.smooth = true, true
	}
	width := m.Rect.Dx() + 1
	c.cb, c.cr, c.sum = make([]uint8, width), make([]uint8, width), make([]int32, width)
	return c
}

func (c *ycc) row(dst []uint8, y int) {
	m := c.m
	width := len(dst) / 3
	luma := m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y+y):][:width]
	if c.smooth {
		c.enlarge(c.cb, m.Cb, y)
		c.enlarge(c.cr, m.Cr, y)
	} else {
		for x := range width {
			at := m.COffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)
			c.cb[x], c.cr[x] = m.Cb[at], m.Cr[at]
		}
	}
	for x, l := range luma {
		switch {
		case c.rgb:
			dst[3*x], dst[3*x+1], dst[3*x+2] = l, c.cb[x], c.cr[x]
		case c.video:
			dst[3*x], dst[3*x+1], dst[3*x+2] = videoToRGB(l, c.cb[x], c.cr[x])
		default:
			dst[3*x], dst[3*x+1], dst[3*x+2] = color.YCbCrToRGB(l, c.cb[x], c.cr[x])
		}
	}
}

// enlarge writes row y of a chroma plane at full resolution: 3/4 of the nearer sample and 1/4 of the farther one in
// each direction, with libjpeg's rounding, which alternates.
func (c *ycc) enlarge(dst, plane []uint8, y int) {
	columns, lines := c.m.Rect.Dx(), c.m.Rect.Dy()
	if c.halfX {
		columns = (columns + 1) / 2
	}
	near, far, weight := y, y, int32(1) // rows, and what the sums of columns are multiples of
	if c.halfY {
		lines = (lines + 1) / 2
		near = y / 2
		far = min(max(near+2*(y%2)-1, 0), lines-1)
		weight = 4
	}
	sum := c.sum[:columns]
	a, b := plane[near*c.m.CStride:][:columns], plane[far*c.m.CStride:][:columns]
	for i := range sum {
		sum[i] = int32(a[i])
		if c.halfY {
			sum[i] = 3*int32(a[i]) + int32(b[i])
		}
	}
	if !c.halfX {
		for i, v := range sum {
			dst[i] = uint8((v + 1 + int32(y%2)) / weight)
		}
		return
	}
	// libjpeg adds 1 on even and 2 on odd columns to quarters, and 8 and 7 to sixteenths.
	even, odd := int32(1), int32(2)
	if c.halfY {
		even, odd = 8, 7
	}
	for i, v := range sum {
		left, right := sum[max(i-1, 0)], sum[min(i+1, columns-1)]
		dst[2*i] = uint8((3*v + left + even) / (4 * weight))
		if 2*i+1 < len(dst) {
			dst[2*i+1] = uint8((3*v + right + odd) / (4 * weight))
		}
	}
}

// videoToRGB converts a colour of BT.601 in the range of video: luma 16 to 235, chroma 16 to 240.
func videoToRGB(y, cb, cr uint8) (r, g, b uint8) {
	// In units of 1/65536: 255/219, and 255/224 times 1.402, 0.344136, 0.714136 and 1.772.
	l := 76309*(int32(y)-16) + 1<<15
	u, v := int32(cb)-128, int32(cr)-128
	return clamp(l + 104597*v), clamp(l - 25675*u - 53279*v), clamp(l + 132201*u)
}

func clamp(v int32) uint8 { return uint8(min(max(v>>16, 0), 255)) }
