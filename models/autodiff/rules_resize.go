package autodiff

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// padGradient: padding with a constant is undone by cutting off what was added and padding with zeros what was cut off.
// The other modes copy pixels, so along each dimension they are a matrix [output, input] with a one in each row.
func padGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	typ := t.typeOf(x)
	p, err := t.types.PaddingOf(n, typ.Shape)
	if err != nil {
		return nil, err
	}
	if p.Mode == "constant" {
		pads := make([]int64, 0, 2*len(p.Before))
		for _, side := range [][]int64{p.Before, p.After} {
			for _, v := range side {
				pads = append(pads, -v)
			}
		}
		return []string{t.op("Pad", x+graph.Gradient, typ, []string{dy[0], t.ints(pads...)})}, nil
	}
	matrices := map[int]matrix{}
	for axis, d := range typ.Shape {
		before, after := p.Before[axis], p.After[axis]
		if before == 0 && after == 0 {
			continue // so, too, every free size
		}
		if matrices[axis], err = padMatrix(p.Mode, d.Size, before, after); err != nil {
			return nil, err
		}
	}
	dx, err := t.separableGradient(x, dy[0], matrices)
	return []string{dx}, err
}

func padMatrix(mode string, size, before, after int64) (matrix, error) {
	m, err := newMatrix(before+size+after, size)
	if err != nil {
		return m, err
	}
	for o := range m.rows {
		i := o - before
		switch mode {
		case "edge":
			i = min(max(i, 0), size-1)
		case "reflect":
			if i < 0 {
				i = -i
			}
			if i >= size {
				i = 2*(size-1) - i
			}
		}
		*m.at(o, i) = 1
	}
	return m, nil
}

// resizeGradient: along each dimension, resizing is a matrix [output, input] of the weights that each input pixel has
// in each output.
func resizeGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x := n.In(0)
	in := t.typeOf(x).Shape
	r, err := t.types.ResizingOf(n, in)
	if err != nil {
		return nil, err
	}
	s, err := newSampling(n)
	if err != nil {
		return nil, err
	}
	if slices.Equal(r.Out, in) {
		return dy, nil // ONNX Runtime copies then, whatever the scales
	}
	matrices := map[int]matrix{}
	for axis, d := range in {
		if r.Out[axis] == d && r.Scales[axis] == 1 {
			continue
		}
		if !d.Static() {
			return nil, fmt.Errorf("resizing of the free size %v", d)
		}
		if matrices[axis], err = s.matrix(d.Size, r.Out[axis].Size, r.Scales[axis]); err != nil {
			return nil, err
		}
	}
	dx, err := t.separableGradient(x, dy[0], matrices)
	return []string{dx}, err
}

// sampling says how a Resize makes an output pixel of input pixels. It calculates as ONNX Runtime does, in float32 but
// for one formula, for where coordinates are rounded to pixels the last bit decides.
type sampling struct {
	mode, coordinates, nearest string
	cubic                      float32
	excludeOutside             bool
}

func newSampling(n *onnxgraph.Node) (sampling, error) {
	s := sampling{
		mode:           n.Str("mode", "nearest"),
		coordinates:    n.Str("coordinate_transformation_mode", "half_pixel"),
		nearest:        n.Str("nearest_mode", "round_prefer_floor"),
		cubic:          n.Float("cubic_coeff_a", -0.75),
		excludeOutside: n.Int("exclude_outside", 0) != 0,
	}
	if n.Int("antialias", 0) != 0 && s.mode != "nearest" {
		return s, errors.New("antialias is not supported")
	}
	for _, known := range []struct {
		attribute, value string
		values           []string
	}{
		{"mode", s.mode, []string{"nearest", "linear", "cubic"}},
		{"coordinate_transformation_mode", s.coordinates, []string{
			"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
		}},
		{"nearest_mode", s.nearest, []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
	} {
		if !slices.Contains(known.values, known.value) {
			return s, fmt.Errorf("%s %q is not supported, only %q", known.attribute, known.value, known.values)
		}
	}
	return s, nil
}

// matrix holds the weights of `in` input pixels in each of `out` output pixels.
func (s sampling) matrix(in, out int64, scale float32) (matrix, error) {
	m, err := newMatrix(out, in)
	if err != nil || in == 0 {
		return m, err
	}
	for o := range out {
		at := s.coordinate(o, in, out, scale)
		switch s.mode {
		case "nearest":
			*m.at(o, clamp(s.round(at), in)) = 1
		case "linear":
			at = min(max(at, 0), float32(in-1))
			i := int64(at)
			*m.at(o, i) += 1 - (at - float32(i))
			*m.at(o, clamp(i+1, in)) += at - float32(i)
		case "cubic":
			s.addCubic(m, o, at)
		}
	}
	return m, nil
}

func clamp(i, size int64) int64 { return min(max(i, 0), size-1) }

// coordinate is the position of an output pixel in the input.
func (s sampling) coordinate(o, in, out int64, scale float32) float32 {
	at := float32(o)
	switch s.coordinates {
	case "asymmetric":
		return at / scale
	case "align_corners":
		if out == 1 {
			return 0
		}
		return at * float32(in-1) / float32(out-1)
	case "pytorch_half_pixel":
		if out == 1 {
			return 0
		}
	case "half_pixel_symmetric":
		adjustment := float32(out) / (scale * float32(in))
		offset := float32(in) / 2 * (1 - adjustment)
		return float32(float64(offset) + (float64(at)+0.5)/float64(scale) - 0.5)
	}
	return (at+0.5)/scale - 0.5
}

// round is the nearest pixel.
func (s sampling) round(at float32) int64 {
	v := float64(at)
	switch s.nearest {
	case "floor":
		return int64(math.Floor(v))
	case "ceil":
		return int64(math.Ceil(v))
	case "round_prefer_ceil":
		return int64(math.Floor(v + 0.5))
	}
	return int64(math.Ceil(v - 0.5))
}

// addCubic adds the weights of the four pixels around a coordinate (Keys, Cubic convolution interpolation for digital
// image processing, 1981, equation 4 with a = cubic_coeff_a).
func (s sampling) addCubic(m matrix, o int64, at float32) {
	first := math.Floor(float64(at))
	f, a := float64(at)-first, float64(s.cubic)
	outer := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
	inner := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
	weights := []float64{outer(f + 1), inner(f), inner(1 - f), outer(2 - f)}
	sum := 0.0
	for k := range weights {
		if i := int64(first) - 1 + int64(k); s.excludeOutside && (i < 0 || i >= m.columns) {
			weights[k] = 0
		}
		sum += weights[k]
	}
	for k, w := range weights {
		*m.at(o, clamp(int64(first)-1+int64(k), m.columns)) += float32(w / sum)
	}
}
