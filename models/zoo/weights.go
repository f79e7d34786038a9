package zoo

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// stream is the random sequence of one parameter, a function of seed and name alone.
func (n *network) stream(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(n.seed, h.Sum64()))
}

// normal draws count values from a normal distribution about 0. torch's trunc_normal_ draws again what lies beyond ±2: that
// is 100 standard deviations where the originals use it, so it never happens.
func normal(r *rand.Rand, count int64, std float64) []float32 {
	w := make([]float32, count)
	for i := range w {
		v := std * r.NormFloat64()
		w[i] = float32(v)
	}
	return w
}

func constant(count int, v float32) []float32 { return slices.Repeat([]float32{v}, count) }

func elements(dims []int64) int64 {
	count := int64(1)
	for _, d := range dims {
		count *= d
	}
	return count
}
