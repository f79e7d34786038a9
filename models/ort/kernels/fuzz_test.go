package kernels_test

import (
	"testing"

	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/orttest"
)

// FuzzBatchNorm holds batch norms over any shape, and all forms of their gradient, against the definition.
func FuzzBatchNorm(f *testing.F) {
	rt := orttest.OpenWithKernels(f)
	f.Add([]byte{4, 16, 5, 5, 1, 1, 2})
	f.Add([]byte{9, 64, 9, 3, 1, 0, 3})
	f.Add([]byte{2, 70, 7, 9, 0, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 7 {
			return
		}
		in := func(i, least, most int) int { return least + int(data[i])%(most-least+1) }
		c := normCase{in(0, 2, 12), in(1, 1, 150), in(2, 3, 12), in(3, 3, 12), in(4, 0, 1) == 1, in(5, 0, 1) == 1, 0}
		checkNorm(t, rt, c, in(6, 1, 4))
	})
}

// FuzzConvolution holds convolutions of any shape against the definition.
func FuzzConvolution(f *testing.F) {
	rt := orttest.OpenWithKernels(f)
	f.Add([]byte{4, 16, 16, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2})
	f.Add([]byte{5, 3, 8, 9, 7, 7, 5, 2, 1, 3, 0, 1, 2, 1, 1, 0, 3})
	f.Add([]byte{2, 11, 11, 6, 6, 5, 5, 2, 2, 2, 2, 2, 2, 1, 1, 200, 4})
	f.Add([]byte{4, 15, 31, 7, 7, 2, 2, 0, 0, 1, 1, 1, 1, 0, 0, 0, 2}) // by Winograd's algorithm
	f.Add([]byte{2, 31, 15, 10, 5, 2, 2, 0, 0, 0, 2, 1, 0, 0, 0, 0, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 17 {
			return
		}
		in := func(i, least, most int) int { return least + int(data[i])%(most-least+1) }
		c := kernels.Convolution{
			Batch:    in(0, 1, 6),
			Channels: in(1, 1, 40),
			Filters:  in(2, 1, 40),
			Height:   in(3, 1, 12),
			Width:    in(4, 1, 12),
			Kernel:   [2]int{in(5, 1, 7), in(6, 1, 7)},
			Strides:  [2]int{in(7, 1, 3), in(8, 1, 3)},
			Pads: [4]int{
				in(9, 0, 4),
				in(10, 0, 4),
				in(11, 0, 4),
				in(12, 0, 4),
			},
			Dilations: [2]int{in(13, 1, 3), in(14, 1, 3)},
			Groups:    1,
		}
		switch groups := in(15, 0, 255); {
		case groups >= 200: // depthwise
			c.Groups, c.Filters = c.Channels, c.Channels
		case groups >= 100:
			c.Groups = 1 + groups%5
			c.Channels, c.Filters = c.Channels/c.Groups*c.Groups+c.Groups, c.Filters/c.Groups*c.Groups+c.Groups
		}
		threads := in(16, 1, 4)
		for i := range c.Pads {
			c.Pads[i] %= (c.Kernel[i%2]-1)*c.Dilations[i%2] + 1
		}
		if (c.Kernel[0]-1)*c.Dilations[0] >= c.Height+c.Pads[0]+c.Pads[2] ||
			(c.Kernel[1]-1)*c.Dilations[1] >= c.Width+c.Pads[1]+c.Pads[3] {
			return
		}
		_, unsupported := rt.Kernels().Supports(c)
		e := newExample(c, 1)
		want := e.exact()
		g := newGraph(t, rt)
		e.inputs(g)
		results, err := g.session(threads, e.ours(g)...).Run(g.inputs)
		if err != nil {
			// What is refused when it runs must be refused before, which is for the pass that makes graphs to ask.
			if unsupported == nil {
				t.Fatalf("%s: %v", name(c), err)
			}
			return
		}
		defer ort.Release(results)
		check(t, results, want, 2e-5)
	})
}
