package zoo

import (
	"hash/fnv"
	"math/rand/v2"
)

// normal draws count values of a parameter from a normal distribution about 0: a function of seed and name. torch's
// trunc_normal_ draws again what lies beyond ±2: that is 100 standard deviations where the originals use it, so it
// never happens.
func normal(seed uint64, name string, count int, std float64) []float32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	w := make([]float32, count)
	for i := range w {
		v := std * r.NormFloat64()
		w[i] = float32(v)
	}
	return w
}
