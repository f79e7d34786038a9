package eval_test

import (
	"fmt"
	"math"

	"ordo/runner/eval"
)

func ExampleKNN() {
	train := eval.Rows{Data: []float32{1, 0.1, 1, -0.1, 0, 2, 0.1, 3}, Dim: 2, Labels: []int{0, 0, 1, 1}}
	test := eval.Rows{Data: []float32{5, 1, 1, 5, 1, 0.9}, Dim: 2, Labels: []int{0, 1, 1}}
	o := eval.KNNOptions{K: 3, Temperature: 0.1}
	told, err := eval.KNN(train, test, 2, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", told.Top1)
	// Output:
	// 0.667
}

// One image at four scales: its embedding turns further and further, but stays behind at the last scale.
func ExampleOrderOfImages() {
	scales := eval.Grid(4)
	var z []float32
	for _, degrees := range []float64{0, 40, 90, 80} {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		z = append(z, float32(cos), float32(sin))
	}
	r, err := eval.OrderOfImages(eval.Orbit{Data: z, Scales: scales, Images: 1, Dim: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("accuracy %.3f of %d pairs, Spearman %.1f\n", r.Accuracy[0], r.Pairs, r.Spearman[0])
	fmt.Printf("distance %.2f\n", r.Distance)
	// Output:
	// accuracy 0.667 of 3 pairs, Spearman 0.5
	// distance [[0.00] [0.23] [1.00] [0.83]]
}
