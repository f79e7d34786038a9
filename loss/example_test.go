package loss_test

import (
	"fmt"

	"ordo/loss"
)

// Two images, each as two base views and as three views that are rotated further and further. The embedding of the
// first image turns with it, that of the second does not change at all.
func Example() {
	v := loss.Views{
		Images: 2,
		Family: []int{-1, -1, 0, 0, 0},
		Scale:  []float64{0, 0, 0, 0, 0.2, 0.2, 0.5, 0.5, 1, 1}, // row v*Images+n
		Names:  []string{"rotate"},
	}
	embedding := loss.Output{Name: "embedding", Dim: 2, Grad: make([]float32, 20), Data: []float32{
		1, 0, 0, -1,
		1, 0, 0, -1,
		0.8, 0.6, 0, -1,
		0, 1, 0, -1,
		-1, 0, 0, -1,
	}}
	o := loss.DefaultOptions()
	o.Invariance.Temperature = 0.2
	o.Order.Weight = 10
	l, err := loss.New(o)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := l.Compute(v, []loss.Output{embedding})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("total %.3f\n", values.Total)
	for _, t := range values.Terms {
		fmt.Printf("%s %.3f, weight %g\n", t.Name, t.Value, t.Weight)
		for _, d := range t.Diagnostics {
			fmt.Printf("  %s %.3f\n", d.Name, d.Value)
		}
	}
	// Output:
	// total 3.585
	// ntxent 0.013, weight 1
	//   positive_similarity 1.000
	//   negative_similarity 0.000
	//   gradient_norm 0.066
	// ranknet 0.357, weight 10
	//   value/rotate 0.357
	//   triplets/rotate 24.000
	//   accuracy/rotate 0.750
	//   accuracy 0.750
	//   gradient_norm 0.729
}
