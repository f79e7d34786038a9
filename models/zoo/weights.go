package zoo

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// stream is the random sequence of one parameter, a function of seed and name alone.
func (n *network) stream(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(n.seed, h.Sum64()))
}

// kaimingNormal draws the weights [out, in, height, width] of a convolution: normal, variance 2/(out·height·width).
func kaimingNormal(r *rand.Rand, dims []int64) []float32 {
	std := math.Sqrt(2 / float64(dims[0]*dims[2]*dims[3]))
	w := make([]float32, dims[0]*dims[1]*dims[2]*dims[3])
	for i := range w {
		w[i] = float32(std * r.NormFloat64())
	}
	return w
}

func constant(count int, v float32) []float32 { return slices.Repeat([]float32{v}, count) }
