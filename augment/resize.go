package augment

import "ordo/augment/kernel"

// sampler reads images into views.
type sampler struct {
	columns, rows kernel.Filter
	inside        []float32 // a filtered row of the image, RGB interleaved
	padded        []float32 // the same with what lies left and right of the image
	starts        []int     // of the image rows that are combined to one, in its bytes
	weights       []float32 // theirs
	grid          grid
	places        []float64 // where a free map reads
	lattices      [maxBends]lattice
}

// picture is what a sampler writes: planes, or a grid of pixels.
type picture interface {
	// filter makes row y of a line of pixels R, G, B.
	filter(y int, line []float32, f *kernel.Filter)
	// unpack makes a piece of row y, from column x on, of as many pixels in bytes.
	unpack(x, y int, pix []uint8, mirrored bool)
}

func (c *canvas) filter(y int, line []float32, f *kernel.Filter) {
	red, green, blue := c.row(y)
	kernel.Columns(red, green, blue, line, f)
}

func (c *canvas) unpack(x, y int, pix []uint8, mirrored bool) {
	red, green, blue := c.row(y)
	end := x + len(pix)/3
	kernel.Unpack(red[x:end], green[x:end], blue[x:end], pix, byteScale, mirrored)
}

// grid is a kernel.Grid that is a picture.
type grid struct{ kernel.Grid }

func (g *grid) filter(y int, line []float32, f *kernel.Filter) {
	kernel.ColumnsPacked(g.Pix[4*y*g.Width:], line, f)
}

func (g *grid) unpack(x, y int, pix []uint8, mirrored bool) {
	kernel.UnpackPacked(g.Pix[4*(y*g.Width+x):][:len(pix)/3*4], pix, byteScale, mirrored)
}

const byteScale = 1. / 255

// resize applies the two filters to img.
//
// Rows are combined first, into one line that stays in cache, then the line's columns into one row of the output.
// Where both filters only copy, the bytes go straight to their places.
func (s *sampler) resize(to picture, img Image, edge border) {
	first, last := s.columns.Span()
	pad := first < 0 || last > img.Width
	if s.copies(img, pad, edge) {
		s.copy(to, img)
		return
	}
	// The image's columns that are read, directly or as reflections.
	low, high := first, last
	if pad {
		low, high = img.Width, 0
		for x := first; x < last; x++ {
			if k, ok := edge.index(x, img.Width); ok {
				low, high = min(low, k), max(high, k+1)
			}
		}
		high = max(low, high)
		s.padded = grow(s.padded, 3*(last-first)+1)
	}
	s.inside = grow(s.inside, 3*(high-low)+1)
	for y := range s.rows.Len() {
		s.combine(s.inside[:3*(high-low)], img, low, y, edge)
		line := s.inside
		if pad {
			s.extend(line, low, img.Width, edge)
			line = s.padded
		}
		to.filter(y, line, &s.columns)
	}
}

// copies says whether every output is one pixel of img, and the columns are in the image's order or all of them inside
// and in the other one.
func (s *sampler) copies(img Image, pad bool, edge border) bool {
	step := s.columns.Copies()
	if step == 0 || s.rows.Copies() == 0 {
		return false
	}
	top, bottom := s.rows.Span()
	return !pad && top >= 0 && bottom <= img.Height || edge == borderReflect && (step > 0 || !pad)
}

// copy is resize in that case.
func (s *sampler) copy(to picture, img Image) {
	first, last := s.columns.Span()
	turned := s.columns.Copies() < 0
	for y := range s.rows.Len() {
		k, _ := s.rows.Taps(y)
		k, _ = borderReflect.index(k, img.Height)
		row := img.Pix[3*k*img.Width:][:3*img.Width]
		for x := first; x < last; {
			from, n, mirrored := reflectedRun(x, last, img.Width)
			to.unpack(x-first, y, row[3*from:3*(from+n)], mirrored != turned)
			x += n
		}
	}
}

// reflectedRun returns the longest run of neighbouring pixels of n that stand at the places from x on and before last
// in a row that is mirrored at its edges: the first of them in the image, their number, and whether they are mirrored.
func reflectedRun(x, last, n int) (from, count int, mirrored bool) {
	k := x % (2 * n)
	if k < 0 {
		k += 2 * n
	}
	if k < n {
		return k, min(n-k, last-x), false
	}
	count = min(2*n-k, last-x)
	return 2*n - k - count, count, true
}

// extend writes to padded the columns that the filter reads, of a line that holds the image's from column low on.
func (s *sampler) extend(line []float32, low, width int, edge border) {
	first, last := s.columns.Span()
	to := s.padded[:3*(last-first)]
	if edge == borderZero {
		clear(to)
		if from, end := max(first, 0), min(last, width); from < end {
			copy(to[3*(from-first):], line[3*(from-low):3*(end-low)])
		}
		return
	}
	for x := first; x < last; {
		from, n, mirrored := reflectedRun(x, last, width)
		run, out := line[3*(from-low):3*(from+n-low)], to[3*(x-first):][:3*n]
		if mirrored {
			for i := 0; i < len(run); i += 3 {
				a, b := run[i:][:3], out[len(out)-3-i:][:3]
				b[0], b[1], b[2] = a[0], a[1], a[2]
			}
		} else {
			copy(out, run)
		}
		x += n
	}
}

// combine filters the image's rows to row y of the output, from column low on.
func (s *sampler) combine(line []float32, img Image, low, y int, edge border) {
	first, weights := s.rows.Taps(y)
	s.starts, s.weights = s.starts[:0], s.weights[:0]
	for k, w := range weights {
		if at, ok := edge.index(first+k, img.Height); ok {
			s.starts = append(s.starts, 3*(at*img.Width+low))
			s.weights = append(s.weights, w*byteScale)
		}
	}
	kernel.Rows(line, img.Pix, s.starts, s.weights)
}

// index returns the pixel of a row or column of n pixels that stands at place k, which may lie outside; false if
// none does.
func (e border) index(k, n int) (int, bool) {
	if uint(k) < uint(n) {
		return k, true
	}
	if e == borderZero {
		return 0, false
	}
	k %= 2 * n
	if k < 0 {
		k += 2 * n
	}
	if k >= n {
		k = 2*n - 1 - k
	}
	return k, true
}
