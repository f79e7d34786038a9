package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// same runs the assembly and the generic code, which write what they make to the slice that they get, and compares
// bit for bit; two NaN are equal.
func same(t *testing.T, n int, run func(dst []float32)) {
	t.Helper()
	if !simd {
		t.Skip("no assembly on this processor, or ORDO_SIMD=off")
	}
	defer func() { simd = true }()
	got, want := make([]float32, n), make([]float32, n)
	run(got)
	simd = false
	run(want)
	for i := range want {
		g, w := got[i], want[i]
		if math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
			t.Fatalf("value %d of %d: assembly %v (%#x), generic %v (%#x)", i, n, g, math.Float32bits(g), w, math.Float32bits(w))
		}
	}
}

// values are mostly in [0, 1], with the ends, equal neighbours, and now and then any float32 at all.
func values(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		switch r.IntN(12) {
		case 0:
			v[i] = float32(r.IntN(2))
		case 1:
			v[i] = v[max(0, i-1)]
		case 2:
			v[i] = float32(r.NormFloat64())
		case 3:
			if r.IntN(8) == 0 {
				v[i] = math.Float32frombits(r.Uint32())
			}
		default:
			v[i] = r.Float32()
		}
	}
	return v
}

func bytes(r *rand.Rand, n int) []uint8 {
	b := make([]uint8, n)
	for i := range b {
		b[i] = uint8(r.Uint32())
	}
	return b
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// seeds adds inputs that tests without fuzzing meet: sizes around every vector's length, and of images.
func seeds(f *testing.F) {
	for seed, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 100, 224, 255, 257, 512, 600,
		1025} {
		f.Add(uint64(seed), uint16(n))
	}
}

func FuzzPoint(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		n := int(size%2000) + 1
		r := source(seed)
		ops := make([]Op, r.IntN(7))
		for i := range ops {
			ops[i] = Op{OpKind(r.IntN(int(FromJFIF) + 1)), 2 * r.Float32(), r.Float32() - 0.5}
			if ops[i].Kind == Hue {
				ops[i].A = 6*r.Float32() - 3
			}
		}
		in, mask := values(r, 3*n), values(r, n)
		if r.IntN(2) == 0 {
			mask = nil
		}
		mean, gain := [3]float32{r.Float32(), r.Float32(), r.Float32()}, [3]float32{r.Float32(), 1, 4}
		same(t, 6*n, func(dst []float32) {
			copy(dst, in)
			Normalize(dst[3*n:], dst[:n], dst[n:2*n], dst[2*n:3*n], ops, mean, gain, mask)
		})
		same(t, 3*n+1, func(dst []float32) {
			copy(dst, in)
			dst[3*n] = float32(Luminance(dst[:n], dst[n:2*n], dst[2*n:3*n], ops))
		})
	})
}

func FuzzResample(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		n := int(size%600) + 1
		r := source(seed)
		inputs := r.IntN(500) + 1
		shape := Interpolation(r.IntN(2))
		var c Filter
		if low, high := r.IntN(inputs), inputs; r.IntN(2) == 0 {
			start, step := float64(low), float64(high-low)/float64(n)
			if r.IntN(2) == 0 {
				start, step = float64(high), -step
			}
			c.Build(shape, n, start, step, true, low, high)
		} else {
			c.Build(shape, n, 100*r.NormFloat64(), (r.Float64()-0.5)*8, false, 0, 0)
		}
		low, high := c.Span()
		line := values(r, 3*(high-low)+1)
		same(t, 3*n, func(dst []float32) { Columns(dst[:n], dst[n:2*n], dst[2*n:], line, &c) })
		same(t, 4*n, func(dst []float32) {
			ColumnsPacked(dst, line, &c)
			for i := range n {
				dst[4*i+3] = 0 // arbitrary
			}
		})

		in, mirrored := bytes(r, 3*n), r.IntN(2) == 0
		same(t, 3*n, func(dst []float32) { Unpack(dst[:n], dst[n:2*n], dst[2*n:], in, 1./255, mirrored) })
		same(t, 4*n, func(dst []float32) {
			UnpackPacked(dst, in, 1./255, mirrored)
			for i := range n {
				dst[4*i+3] = 0 // arbitrary
			}
		})

		taps := r.IntN(9)
		starts, weights := make([]int, taps), values(r, taps)
		src := bytes(r, n+100)
		for k := range starts {
			starts[k] = r.IntN(101)
		}
		same(t, n, func(dst []float32) { Rows(dst, src, starts, weights) })
		floats := values(r, n+100)
		same(t, n, func(dst []float32) { Combine(dst, floats, starts, weights) })
	})
}

func FuzzWarp(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		n := int(size%600) + 1
		r := source(seed)
		var g Grid
		g.Resize(r.IntN(60)+2, r.IntN(60)+2)
		copy(g.Pix, values(r, len(g.Pix)))
		side := func(n int) (from, step float64) {
			from, to := r.Float64()*float64(n-1), r.Float64()*float64(n-1)
			return from, (to - from) / float64(size%600+1)
		}
		x, dx := side(g.Width)
		y, dy := side(g.Height)
		same(t, 3*n, func(dst []float32) { g.Line(dst[:n], dst[n:2*n], dst[2*n:], x, y, dx, dy) })
		xs, ys := make([]float64, n), make([]float64, n)
		for i := range xs {
			xs[i], ys[i] = r.Float64()*float64(g.Width-1), r.Float64()*float64(g.Height-1)
		}
		same(t, 3*n, func(dst []float32) { g.Remap(dst[:n], dst[n:2*n], dst[2*n:], xs, ys) })
	})
}

func FuzzSymmetric(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		n := int(size%600) + 1
		r := source(seed)
		weights := values(r, r.IntN(14)+1)
		src := values(r, n+100)
		before, after := make([]int, len(weights)-1), make([]int, len(weights)-1)
		for k := range before {
			before[k], after[k] = r.IntN(101), r.IntN(101)
		}
		same(t, n, func(dst []float32) { Symmetric(dst, src, weights, 50, before, after) })
	})
}

// A filter's weights sum to 1, also at the edges, and reproduce a linear ramp where the edges are far.
func TestFilterReproducesARamp(t *testing.T) {
	for _, shape := range []Interpolation{Bilinear, Bicubic} {
		for _, step := range []float64{0.3, 1, 1.7, 4.2, -0.6, -2.5} {
			var f Filter
			f.Build(shape, 20, 50, step, false, 0, 0)
			for i := range f.Len() {
				first, weights := f.Taps(i)
				sum, place := 0.0, 0.0
				for k, w := range weights {
					sum += float64(w)
					place += float64(w) * (float64(first+k) + 0.5)
				}
				want, tolerance := 50+(float64(i)+0.5)*step, 1e-5
				if math.Abs(step) > 1 { // a widened filter's taps do not lie symmetrically about its centre
					tolerance = 0.1 * math.Abs(step)
				}
				if math.Abs(sum-1) > 1e-6 || math.Abs(place-want) > tolerance {
					t.Errorf("shape %d, step %v, output %d: weights %v sum to %v, centre %v, want %v", shape, step, i, weights, sum,
						place, want)
				}
			}
		}
	}
}

// Clipped filters never read outside, however small the box is.
func TestFilterStaysInsideItsBox(t *testing.T) {
	for _, shape := range []Interpolation{Bilinear, Bicubic} {
		for inputs := 1; inputs < 12; inputs++ {
			for n := 1; n < 20; n++ {
				var f Filter
				f.Build(shape, n, 3, float64(inputs)/float64(n), true, 3, 3+inputs)
				if low, high := f.Span(); low < 3 || high > 3+inputs {
					t.Fatalf("%d of %d inputs: reads [%d, %d)", n, inputs, low, high)
				}
				for i, first := range f.first {
					if first < 0 || int(first)+f.taps > f.high-f.low {
						t.Fatalf("%d of %d inputs: output %d reads %d from %d on", n, inputs, i, f.taps, first)
					}
				}
			}
		}
	}
}

func TestHueOfGreyIsGrey(t *testing.T) {
	r, g, b := []float32{0, 0.3, 1}, []float32{0, 0.3, 1}, []float32{0, 0.3, 1}
	Apply(r, g, b, []Op{{Kind: Hue, A: 1.3}})
	if want := []float32{0, 0.3, 1}; !slices.Equal(r, want) || !slices.Equal(g, want) || !slices.Equal(b, want) {
		t.Errorf("grey became %v, %v, %v", r, g, b)
	}
}

func FuzzDetail(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, seed uint64, size uint16) {
		n := int(size%600) + 1
		r := source(seed)
		above, row, below := values(r, n), values(r, n), values(r, n)
		rest := 4*r.Float32() - 2
		near, far := make([]float32, n), make([]float32, n)
		for i := range near {
			near[i], far[i] = float32(r.IntN(256)), float32(r.IntN(256))
		}
		same(t, (n+1)/2, func(dst []float32) { Halve(dst, near, far) })
		same(t, 2*n, func(dst []float32) { Double(dst, near, far) })
		same(t, 2*n-1, func(dst []float32) { Double(dst, near, far) })
		same(t, n, func(dst []float32) {
			copy(dst, row)
			Add(dst, above, rest)
		})
		same(t, n, func(dst []float32) { Sharpen(dst, above, row, below, rest) })
		same(t, n, func(dst []float32) {
			b := make([]uint8, n)
			Bytes(b, row, 0.001)
			for i, v := range b {
				dst[i] = float32(v)
			}
		})
		for i, v := range row {
			if v != v {
				row[i] = 0
			}
		}
		same(t, 2, func(dst []float32) {
			low, high := Range(row)
			dst[0], dst[1] = low+0, high+0 // -0 is 0
		})
		var block [64]float32
		var steps [64]int32
		for i := range block {
			block[i], steps[i] = float32(r.IntN(256)), int32(r.IntN(255)+1)
		}
		same(t, 64, func(dst []float32) {
			b := block
			Quantize(&b, &steps)
			copy(dst, b[:])
		})
	})
}

func TestPower(t *testing.T) {
	for _, p := range []float32{1. / 16, 0.5, 1, 2.2, 16} {
		for i := range 2000 {
			v := float32(i) / 1999
			if i%3 == 0 {
				v *= 1e-4
			}
			if got, want := power(v, p), math.Pow(float64(v), float64(p)); math.Abs(float64(got)-want) > 5e-7 {
				t.Fatalf("%v to the power of %v is %v, want %v", v, p, got, want)
			}
		}
		if power(1, p) != 1 || power(0, p) != 0 {
			t.Errorf("power %v: 0 and 1 do not stay", p)
		}
	}
}
