package augment

import "math/bits"

// Random numbers are counter-based: draw n of a stream is a hash of the stream's key and n, and the key is a hash
// of everything that the draw may depend on. There is no state to save, share or advance, so a view can be rendered
// alone, in any order and on any goroutine. Every transformation has a stream of its own, named by what it is: one
// that is added or removed leaves the others' draws as they were.

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014; constants: Stafford's variant 13): a bijection in
// which every input bit reaches every output bit.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// golden is 2^64 / golden ratio, SplitMix64's increment: it keeps small words off mix's fixed point 0.
const golden = 0x9e3779b97f4a7c15

// fold hashes one more word into a key. It does not commute: fold(fold(h, a), b) and fold(fold(h, b), a) differ.
func fold(h, word uint64) uint64 { return mix(h ^ mix(word+golden)) }

// foldString hashes text into a key (FNV-1a, then fold).
func foldString(h uint64, text string) uint64 {
	f := uint64(14695981039346656037)
	for i := range len(text) {
		f = (f ^ uint64(text[i])) * 1099511628211
	}
	return fold(h, f)
}

// rng reads one stream.
type rng struct{ key, n uint64 }

func (r *rng) uint64() uint64 {
	r.n++
	return mix(r.key ^ mix(r.n*golden))
}

// float is uniform on the 2^53 multiples of 2^-53 in [0, 1).
func (r *rng) float() float64 { return float64(r.uint64()>>11) * (1.0 / (1 << 53)) }

func (r *rng) uniform(low, high float64) float64 { return low + (high-low)*r.float() }

// intn is uniform in [0, n), up to a bias of n/2^64.
func (r *rng) intn(n int) int {
	high, _ := bits.Mul64(r.uint64(), uint64(n))
	return int(high)
}

// chance is true with probability p; it always takes one draw.
func (r *rng) chance(p float64) bool { return r.float() < p }
