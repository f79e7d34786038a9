package optimizer_test

import (
	"fmt"

	"ordo/models/optimizer"
)

func Example() {
	options := optimizer.DefaultOptions()
	options.Optimizer, options.Momentum, options.WeightDecay = optimizer.SGD, 0.5, 0
	o, err := optimizer.New(options, []optimizer.Part{{Size: 2, Rank: 1}}, 1)
	if err != nil {
		panic(err)
	}
	target := optimizer.NewAverage([]float32{1, 2})
	values := []float32{1, 2}
	for _, tau := range []float64{0.5, 0.75} {
		o.Step(values, []float32{1, -1}, 0.1)
		target.Update(values, tau, 1)
	}
	fmt.Printf("%.3f, target %.4f\n", values, target.Values())
	// Output: [0.750 2.250], target [0.9000 2.1000]
}
