package kernel_test

import (
	"fmt"

	"ordo/augment/kernel"
)

// Half as bright, then grey, then normalised to [-1, 1]: one pass over memory.
func ExampleNormalize() {
	red, green, blue := []float32{1, 0}, []float32{0, 1}, []float32{0, 0}
	view := make([]float32, 6)
	ops := []kernel.Op{{Kind: kernel.Scale, A: 0.5}, {Kind: kernel.Gray}}
	half, two := [3]float32{0.5, 0.5, 0.5}, [3]float32{2, 2, 2}
	kernel.Normalize(view, red, green, blue, ops, half, two, nil)
	fmt.Printf("%.3f\n", view[:2])
	// Output:
	// [-0.701 -0.413]
}

// Four pixels become two, each the mean of two, and more of the inner ones: a triangle of four pixels' width.
func ExampleFilter() {
	var f kernel.Filter
	f.Build(kernel.Bilinear, 2, 0, 2, true, 0, 4)
	for i := range f.Len() {
		first, weights := f.Taps(i)
		fmt.Printf("from pixel %d: %.3f\n", first, weights)
	}
	// Output:
	// from pixel 0: [0.429 0.429 0.143]
	// from pixel 1: [0.143 0.429 0.429]
}
