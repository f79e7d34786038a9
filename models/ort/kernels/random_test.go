package kernels_test

import (
	"math/rand/v2"
	"testing"

	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// ofChance calls use with shapes that nobody would think of, each once.
func ofChance(t *testing.T, seed uint64, use func(c kernels.Convolution, threads int)) {
	rng := rand.New(rand.NewPCG(seed, 12))
	between := func(least, most int) int { return least + rng.IntN(most-least+1) }
	for range 150 {
		c := kernels.Convolution{
			Batch: between(1, 9), Channels: between(2, 48), Filters: between(1, 48),
			Height: between(4, 14), Width: between(4, 14),
			Kernel: [2]int{between(1, 5), between(1, 5)}, Strides: [2]int{between(1, 3), between(1, 3)},
			Dilations: [2]int{1, 1}, Groups: 1,
		}
		if rng.IntN(4) == 0 {
			c.Dilations = [2]int{between(1, 2), between(1, 2)}
		}
		for i := range c.Pads {
			c.Pads[i] = rng.IntN((c.Kernel[i%2]-1)*c.Dilations[i%2] + 1)
		}
		switch rng.IntN(4) {
		case 0:
			c.Groups, c.Filters = c.Channels, c.Channels
		case 1:
			c.Groups = between(2, 4)
			c.Channels, c.Filters = c.Groups*between(1, 12), c.Groups*between(1, 12)
		}
		if h, w := outSize(c); h < 1 || w < 1 || (c.Kernel[0]-1)*c.Dilations[0] >= c.Height+c.Pads[0]+c.Pads[2] ||
			(c.Kernel[1]-1)*c.Dilations[1] >= c.Width+c.Pads[1]+c.Pads[3] {
			continue
		}
		use(c, between(1, 4))
	}
}

func TestConvolutionsOfChance(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	ofChance(t, 11, func(c kernels.Convolution, threads int) {
		if _, err := rt.Kernels().Supports(c); err != nil {
			t.Errorf("%s: %v", name(c), err)
			return
		}
		t.Run(name(c), func(t *testing.T) { compare(t, rt, newExample(c, 1), threads, 1e-5) })
	})
}

func TestConvolutionsOfHalvesOfChance(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	needBF16(t, rt)
	ofChance(t, 13, func(c kernels.Convolution, threads int) {
		c.Precision, c.Stored = kernels.BF16, true
		if _, err := rt.Kernels().Supports(c); err == nil { // of grouped ones oneDNN has but some
			t.Run(name(c), func(t *testing.T) { checkConvolutionOfHalves(t, rt, c, threads) })
		} else if c.Groups == 1 && rt.Kernels().AMX() {
			t.Errorf("%s: %v", name(c), err)
		}
	})
}
