package orchard

import "math"

// Every product in this package that isn't exact goes through mul. Go may fuse x*y + z into one operation
// that rounds once, and does so on arm64 but not on amd64; an explicit conversion forbids it, and makes the
// pictures the same everywhere. For the same reason nothing but Sqrt, Floor and Abs is taken from package
// math: these are exact on every machine.

func mul(a, b float64) float64 { return float64(a * b) }

func sq(a float64) float64 { return float64(a * a) }

// lerp goes from a at t = 0 to b at t = 1.
func lerp(a, b, t float64) float64 { return a + mul(b-a, t) }

func clamp01(x float64) float64 { return max(0, min(1, x)) }

// smoothstep rises from 0 at a to 1 at b with flat ends; b < a makes it fall.
func smoothstep(a, b, x float64) float64 {
	t := clamp01((x - a) / (b - a))
	return mul(sq(t), 3-mul(2, t))
}

// sincos returns the sine and cosine of an angle in turns, to about 1e-7.
func sincos(turns float64) (sin, cos float64) {
	return sine(turns), sine(turns + 0.25)
}

func sine(turns float64) float64 {
	t := turns - math.Floor(turns+0.5) // [-0.5, 0.5)
	if t > 0.25 {
		t = 0.5 - t
	} else if t < -0.25 {
		t = -0.5 - t
	}
	x := mul(t, 2*math.Pi) // [-pi/2, pi/2]: the Taylor series up to x^11 is good to 6e-8
	x2 := sq(x)
	p := -1.0 / 39916800
	for _, c := range [...]float64{1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1} {
		p = c + mul(p, x2)
	}
	return mul(x, p)
}

// rgb is a colour, each channel in [0, 1].
type rgb struct{ r, g, b float64 }

func (c rgb) scaled(k float64) rgb { return rgb{mul(c.r, k), mul(c.g, k), mul(c.b, k)} }

func mix(a, b rgb, t float64) rgb {
	return rgb{lerp(a.r, b.r, t), lerp(a.g, b.g, t), lerp(a.b, b.b, t)}
}

// yiq returns the colour with the given luma (0.299 R + 0.587 G + 0.114 B), chroma and hue in turns: red is
// near 0.04, green near 0.62, blue near 0.43. Two colours that differ only in hue are the same in grey.
func yiq(luma, chroma, hue float64) rgb {
	s, c := sincos(hue)
	i, q := mul(chroma, c), mul(chroma, s)
	return rgb{
		r: luma + mul(0.956, i) + mul(0.621, q),
		g: luma - mul(0.272, i) - mul(0.647, q),
		b: luma - mul(1.106, i) + mul(1.703, q),
	}
}

// stream is a sequence of random numbers (SplitMix64), a pure function of its keys.
type stream struct{ state uint64 }

func newStream(keys ...uint64) *stream {
	s := &stream{}
	for _, k := range keys {
		s.state = mix64(s.state ^ mix64(k+0x9e3779b97f4a7c15))
	}
	return s
}

func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s *stream) next() uint64 {
	s.state += 0x9e3779b97f4a7c15
	return mix64(s.state)
}

// uniform draws from [a, b).
func (s *stream) uniform(a, b float64) float64 {
	return lerp(a, b, mul(float64(s.next()>>11), 1.0/(1<<53)))
}

func (s *stream) coin(p float64) bool { return s.uniform(0, 1) < p }

// noise is value noise: smooth, in [-1, 1], with features of size 1.
func noise(key uint64, x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	tx, ty := smoothstep(0, 1, x-fx), smoothstep(0, 1, y-fy)
	ix, iy := int64(fx), int64(fy)
	top := lerp(lattice(key, ix, iy), lattice(key, ix+1, iy), tx)
	bottom := lerp(lattice(key, ix, iy+1), lattice(key, ix+1, iy+1), tx)
	return lerp(top, bottom, ty)
}

func lattice(key uint64, x, y int64) float64 {
	h := mix64(key ^ uint64(x)*0x9e3779b97f4a7c15 ^ uint64(y)*0xc2b2ae3d27d4eb4f)
	return mul(float64(h>>11), 1.0/(1<<52)) - 1
}
