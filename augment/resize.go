package augment

import "math"

// tap is one value's place in a filter: weights[from:to] are those of the inputs first, first+1, ….
type tap struct{ first, from, to int }

// filter resizes one axis: a triangle filter that is widened where it minifies, normalised at every output
// (Pillow's algorithm, which torchvision calls antialias).
type filter struct {
	taps        []tap
	weights     []float32
	copies      bool // every output is the next input
	cubic       bool // Keys' cubic with a = -1/2, twice as wide, in place of the triangle
	first, last int  // inputs that any tap reads, last exclusive
}

// build makes the filter for n outputs, output i centred at start + (i+1/2)*step in input coordinates; a negative
// step mirrors. With clip the taps stay in [low, high) and the weights are normalised over what is left of them.
func (f *filter) build(n int, start, step float64, clip bool, low, high int) {
	width := max(math.Abs(step), 1)
	support := width
	if f.cubic {
		support = 2 * width
	}
	f.taps = grow(f.taps, n)
	f.weights = f.weights[:0]
	f.first, f.last = math.MaxInt, math.MinInt
	f.copies = true
	for i := range f.taps {
		centre := start + (float64(i)+0.5)*step
		from, to := int(math.Floor(centre-support+0.5)), int(math.Floor(centre+support+0.5))
		if clip {
			from, to = max(from, low), min(to, high)
		}
		weight := func(k int) float64 {
			x := math.Abs((float64(k) - centre + 0.5) / width)
			switch {
			case !f.cubic:
				return max(0, 1-x)
			case x < 1:
				return (1.5*x-2.5)*x*x + 1
			case x < 2:
				return ((-0.5*x+2.5)*x-4)*x + 2
			}
			return 0
		}
		const negligible = 1e-9 // of a weight: rounding's, where a pixel centre meets the filter's end
		for from < to-1 && math.Abs(weight(from)) < negligible {
			from++
		}
		for to-1 > from && math.Abs(weight(to-1)) < negligible {
			to--
		}
		sum := 0.0
		for k := from; k < to; k++ {
			sum += weight(k)
		}
		t := tap{first: from, from: len(f.weights)}
		for k := from; k < to; k++ {
			f.weights = append(f.weights, float32(weight(k)/sum))
		}
		t.to = len(f.weights)
		f.taps[i] = t
		f.copies = f.copies && to-from == 1 && from == f.taps[0].first+i
		f.first, f.last = min(f.first, from), max(f.last, to)
	}
}

// sampler reads images into views.
type sampler struct {
	columns, rows filter
	inside        []float32 // a filtered row of the image, RGB interleaved
	padded        []float32 // the same with what lies left and right of the image
	reduced       grid
	places        []float64 // where a free map reads
	lattices      [maxBends]lattice
}

// grid is an image of interleaved float32 RGB.
type grid struct {
	width, height int
	pix           []float32
}

// layout says where the values of a resized image go: channel c of pixel (x, y) to c*channel + y*row + x*column.
type layout struct{ channel, row, column int }

// resize applies the two filters to img and writes len(columns.taps) x len(rows.taps) pixels in [0, 1].
//
// Rows are combined first, into one line that stays in cache, then the line's columns into one row of the output.
func (s *sampler) resize(dst []float32, to layout, img Image, edge border) {
	// The image's columns that are read, directly or as reflections.
	low, high := s.columns.first, s.columns.last
	pad := low < 0 || high > img.Width
	if pad {
		low, high = img.Width, 0
		for x := s.columns.first; x < s.columns.last; x++ {
			if k, ok := edge.index(x, img.Width); ok {
				low, high = min(low, k), max(high, k+1)
			}
		}
		high = max(low, high)
		s.padded = grow(s.padded, 3*(s.columns.last-s.columns.first))
	}
	s.inside = grow(s.inside, 3*(high-low))
	for y, t := range s.rows.taps {
		line := s.inside
		clear(line)
		s.combine(line, img, low, t, edge)
		if pad {
			s.extend(line, low, img.Width, edge)
			line = s.padded
		}
		s.columns.apply(dst[y*to.row:], to, line)
	}
}

// extend writes to padded the columns that the taps read, of a line that holds the image's from column low on.
func (s *sampler) extend(line []float32, low, width int, edge border) {
	first, last := s.columns.first, s.columns.last
	for x := first; x < last; {
		to := s.padded[3*(x-first):]
		if x >= 0 && x < width {
			x += copy(to, line[3*(x-low):3*(min(last, width)-low)]) / 3
			continue
		}
		if k, ok := edge.index(x, width); ok {
			copy(to[:3], line[3*(k-low):])
		} else {
			clear(to[:3])
		}
		x++
	}
}

// combine adds the weighted rows of t, from column low on, to line.
func (s *sampler) combine(line []float32, img Image, low int, t tap, edge border) {
	const scale = 1. / 255
	row := func(k int) ([]uint8, float32) {
		y, ok := edge.index(k, img.Height)
		if !ok {
			return img.Pix[:len(line)], 0 // any row will do: it weighs nothing
		}
		return img.Pix[3*(y*img.Width+low):][:len(line)], s.rows.weights[t.from+k-t.first] * scale
	}
	k, end := t.first, t.first+t.to-t.from
	for ; k+4 <= end; k += 4 {
		a, wa := row(k)
		b, wb := row(k + 1)
		c, wc := row(k + 2)
		d, wd := row(k + 3)
		a, b, c, d = a[:len(line)], b[:len(line)], c[:len(line)], d[:len(line)]
		for i := range line {
			line[i] += wa*float32(a[i]) + wb*float32(b[i]) + wc*float32(c[i]) + wd*float32(d[i])
		}
	}
	if k+2 <= end {
		a, wa := row(k)
		b, wb := row(k + 1)
		a, b = a[:len(line)], b[:len(line)]
		for i := range line {
			line[i] += wa*float32(a[i]) + wb*float32(b[i])
		}
		k += 2
	}
	if k < end {
		a, wa := row(k)
		a = a[:len(line)]
		for i := range line {
			line[i] += wa * float32(a[i])
		}
	}
}

// apply filters one line, whose first pixel is input number f.first, into a row of the output.
func (f *filter) apply(dst []float32, to layout, line []float32) {
	if f.copies && to.column == 3 {
		copy(dst, line)
		return
	}
	at := 0
	for _, t := range f.taps {
		weights := f.weights[t.from:t.to]
		in := line[3*(t.first-f.first):][:3*len(weights)]
		var r, g, b float32
		for _, w := range weights {
			pixel := (*[3]float32)(in) // one bounds check for three values
			r += w * pixel[0]
			g += w * pixel[1]
			b += w * pixel[2]
			in = in[3:]
		}
		dst[at] = r
		dst[at+to.channel] = g
		dst[at+2*to.channel] = b
		at += to.column
	}
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
