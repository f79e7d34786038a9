package loss_test

import (
	"fmt"

	"ordo/loss"
)

// One image as it is and rotated twice, by a fifth of the range and by all of it. The embedding has the two the wrong
// way round, so the triplet loss wants the first nearer and the second further away.
func Example_order() {
	v := loss.Views{
		Images: 1,
		Family: []int{loss.BaseView, 0, 0},
		Scale:  []float64{0, 0.2, 1},
		Names:  []string{"rotate"},
	}
	embedding := loss.Output{Name: "embedding", Dim: 2, Grad: make([]float32, 6), Data: []float32{
		0, 0,
		2, 0,
		0, 1,
	}}
	o := loss.DefaultOptions()
	o.Invariance.Kind = loss.KindNone
	o.Order = loss.OrderOptions{Kind: loss.KindTriplet, Distance: loss.DistanceEuclidean, Margin: 0.5, ScaledMargin: true,
		Weight: 1}
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
	fmt.Printf("loss %.2f = 2 - 1 + 0.5 * (1 - 0.2)\n", values.Total)
	for view, scale := range v.Scale {
		fmt.Printf("scale %.1f: gradient %v\n", scale, embedding.Grad[2*view:2*view+2])
	}
	// Output:
	// loss 1.40 = 2 - 1 + 0.5 * (1 - 0.2)
	// scale 0.0: gradient [-1 1]
	// scale 0.2: gradient [1 0]
	// scale 1.0: gradient [0 -1]
}
