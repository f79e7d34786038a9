package augment

import "ordo/augment/kernel"

// sampler reads images into views.
type sampler struct {
	columns, rows kernel.Filter
	inside        []float32 // a filtered row of the image, RGB interleaved
	padded        []float32 // the same with what lies left and right of the image
	starts        []int     // of the image rows that are combined to one, in its bytes
	weights       []float32 // theirs
	grid          kernel.Grid
}

// resize applies the two filters to img: put gets the output's rows in turn, each as a line of pixels whose columns
// are still the image's.
//
// Rows are combined first, into one line that stays in cache, then the line's columns into one row of the output.
func (s *sampler) resize(img Image, edge border, put func(y int, line []float32)) {
	// The image's columns that are read, directly or as reflections.
	first, last := s.columns.Span()
	low, high := first, last
	pad := low < 0 || high > img.Width
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
		put(y, line)
	}
}

// combine filters the image's rows to row y of the output, from column low on.
func (s *sampler) combine(line []float32, img Image, low, y int, edge border) {
	const scale = 1. / 255
	first, weights := s.rows.Taps(y)
	s.starts, s.weights = s.starts[:0], s.weights[:0]
	for k, w := range weights {
		if at, ok := edge.index(first+k, img.Height); ok {
			s.starts = append(s.starts, 3*(at*img.Width+low))
			s.weights = append(s.weights, w*scale)
		}
	}
	kernel.Rows(line, img.Pix, s.starts, s.weights)
}

// extend writes to padded the columns that the filter reads, of a line that holds the image's from column low on.
func (s *sampler) extend(line []float32, low, width int, edge border) {
	first, last := s.columns.Span()
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
