package kernel

import "math"

// Interpolation is the shape of a resampling filter.
type Interpolation int

// The shapes reach one (Bilinear) or two (Bicubic) pixels to each side where they magnify, and proportionally more
// where they minify, which torchvision calls antialias.
const (
	Bilinear Interpolation = iota // triangle
	Bicubic                       // Keys' cubic with a = -1/2, as Pillow's
)

// Filter resamples one axis: every output is a weighted sum of consecutive inputs, the same number for each. Build
// makes it, on the memory that it has from the last time.
type Filter struct {
	taps      int
	first     []int32   // by output: the first of its inputs, counted from low
	weights   []float32 // taps for each output
	counts    []int32   // by output, while it is built: weights that are not 0
	low, high int
}

// Build makes the filter of n outputs, output i centred at start + (i+1/2)*step, where input k covers [k, k+1); a
// negative step mirrors. With clip the outputs read only inputs in [low, high). The weights of an output sum to 1.
// This is Pillow's algorithm.
func (f *Filter) Build(shape Interpolation, n int, start, step float64, clip bool, low, high int) {
	width := max(math.Abs(step), 1)
	support := width
	if shape == Bicubic {
		support = 2 * width
	}
	room := int(math.Ceil(2*support)) + 1
	f.first, f.counts = grow(f.first, n), grow(f.counts, n)
	f.weights = grow(f.weights, n*room)
	f.taps, f.low, f.high = 1, math.MaxInt32, math.MinInt32
	for i := range n {
		centre := start + (float64(i)+0.5)*step
		from, to := int(math.Floor(centre-support+0.5)), int(math.Floor(centre+support+0.5))
		if clip {
			from, to = max(from, low), min(to, high)
		}
		from, count := shape.weigh(f.weights[i*room:][:to-from], from, centre-0.5, 1/width)
		f.first[i], f.counts[i] = int32(from), int32(count)
		f.taps = max(f.taps, count)
		f.low, f.high = min(f.low, from), max(f.high, from+count)
	}
	// From room to taps weights an output. An output with fewer begins earlier where it would end behind high.
	for i := range n {
		count := int(f.counts[i])
		from := min(int(f.first[i]), f.high-f.taps)
		lead := int(f.first[i]) - from
		to := f.weights[i*f.taps:][:f.taps]
		copy(to[lead:], f.weights[i*room:][:count])
		clear(to[:lead])
		clear(to[lead+count:])
		f.first[i] = int32(from - f.low)
	}
}

// weigh writes the weights of the inputs from, from+1, … of an output centred at centre, normalised and without the
// zeros at both ends, and returns the first of them and their number.
func (shape Interpolation) weigh(weights []float32, from int, centre, narrow float64) (first, count int) {
	const negligible = 1e-9 // rounding's, where an input's centre meets the filter's end
	sum := 0.0
	for k := range weights {
		x := math.Abs((float64(from+k) - centre) * narrow)
		w := 0.0
		switch {
		case shape == Bilinear:
			w = max(0, 1-x)
		case x < 1:
			w = (1.5*x-2.5)*x*x + 1
		case x < 2:
			w = ((-0.5*x+2.5)*x-4)*x + 2
		}
		if count == 0 {
			if math.Abs(w) < negligible && k < len(weights)-1 {
				continue
			}
			first = from + k
		}
		weights[count] = float32(w)
		count++
		sum += w
	}
	for count > 1 && math.Abs(float64(weights[count-1])) < negligible {
		count--
	}
	for k := range weights[:count] {
		weights[k] = float32(float64(weights[k]) / sum)
	}
	return first, count
}

// Len returns the number of outputs.
func (f *Filter) Len() int { return len(f.first) }

// Span returns the inputs that the outputs read, last exclusive.
func (f *Filter) Span() (first, last int) { return f.low, f.high }

// Taps returns the inputs of output i, the first of them and a weight for each, without zeros at the ends.
func (f *Filter) Taps(i int) (first int, weights []float32) {
	weights = f.weights[i*f.taps:][:f.taps]
	first = f.low + int(f.first[i])
	for len(weights) > 1 && weights[0] == 0 {
		first, weights = first+1, weights[1:]
	}
	for len(weights) > 1 && weights[len(weights)-1] == 0 {
		weights = weights[:len(weights)-1]
	}
	return first, weights
}

// Copies returns 1 if every output is the next input, -1 if it is the one before, and 0 if neither holds.
func (f *Filter) Copies() int {
	if f.taps != 1 {
		return 0
	}
	step := int32(1)
	if len(f.first) > 1 && f.first[1] < f.first[0] {
		step = -1
	}
	for i, first := range f.first {
		if first != f.first[0]+int32(i)*step {
			return 0
		}
	}
	return int(step)
}

// grow returns a slice of length n on buf's memory, or on new memory with room to spare. Its content is arbitrary.
func grow[T any](buf []T, n int) []T {
	if cap(buf) < n {
		return make([]T, n, n+n/2)
	}
	return buf[:n]
}
