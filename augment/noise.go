package augment

import (
	"math"
	"sync"

	"ordo/augment/kernel"
)

// noise adds independent Gaussian noise of standard deviation sigma to every value and clips (torchvision
// gaussian_noise).
func (c *canvas) noise(key uint64, sigma float64) {
	quantiles := normalQuantiles()
	r, g, b := c.channels()
	draws := rng{key: key}
	for _, plane := range [3][]float32{r, g, b} {
		for i := 0; i < len(plane); i += 2 {
			bits := draws.uint64()
			c.spare[i] = quantiles.at(uint32(bits >> 32))
			if i+1 < len(plane) {
				c.spare[i+1] = quantiles.at(uint32(bits))
			}
		}
		kernel.Add(plane, c.spare, float32(sigma))
	}
}

// quantileTable is the normal distribution's quantile function at 4097 places, evenly apart; the outermost stand for
// the tails, beyond 3.7 standard deviations.
type quantileTable [quantileCells + 1]float32

const quantileCells = 1 << 12

var normalQuantiles = sync.OnceValue(func() *quantileTable {
	var t quantileTable
	for i := range t {
		p := (float64(i) + 0.5) / (quantileCells + 1)
		t[i] = float32(math.Sqrt2 * math.Erfinv(2*p-1))
	}
	return &t
})

// at turns 32 random bits into a normal number: 12 choose the cell, 20 the place in it.
func (t *quantileTable) at(bits uint32) float32 {
	const rest = 32 - 12
	cell := bits >> rest
	return between(t[cell], t[cell+1], float32(bits&(1<<rest-1))*(1./(1<<rest)))
}
