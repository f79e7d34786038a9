package eval_test

import (
	"fmt"
	"math"

	"ordo/runner/eval"
)

// ring is n rows that stand evenly on a circle, labelled by quarter.
func ring(n int, from float64) eval.Rows {
	r := eval.Rows{Dim: 2}
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + from) / float64(n))
		r.Data = append(r.Data, float32(cos), float32(sin))
		r.Labels = append(r.Labels, 4*i/n)
	}
	return r
}

func ExampleFitProbe() {
	probe, err := eval.FitProbe(ring(40, 0.5), eval.DefaultProbeOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := probe.Classify(ring(12, 0.5))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f of %d rows, penalty %g, chosen by %d rows\n", result.Top1, result.Rows, probe.Penalty, probe.HeldOut)
	interval, err := eval.BootstrapMean(result.Correct, eval.DefaultBootstrapOptions())
	fmt.Println(interval.Low, interval.High, interval.Method, err)
	// Output:
	// 1.00 of 12 rows, penalty 0.001, chosen by 8 rows
	// 1 1 percentile bootstrap over images <nil>
}

// The angle of a row is read from it: the error is in degrees, and R² says how much of the variance is left.
func ExampleFitRidge() {
	sample := func(n int, from float64) eval.Sample {
		degrees := make([]float64, n)
		for i := range degrees {
			degrees[i] = 360 * (float64(i) + from) / float64(n)
		}
		return eval.Sample{Rows: ring(n, from), Targets: eval.Angles(degrees), Columns: 2, Cyclic: true}
	}
	ridge, err := eval.FitRidge(sample(30, 0), eval.DefaultRidgeOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := ridge.Evaluate(sample(9, 0.3))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("R² %.3f pooled, %.3f per dimension; %.1f° off, %.0f° where nothing is seen\n",
		r.Pooled.Number, r.PerDimension.Number, r.Degrees.Number, r.DegreesConstant.Number)
	// Output:
	// R² 1.000 pooled, 1.000 per dimension; 0.0° off, 90° where nothing is seen
}

// All images turn by a quarter of a circle over the family's scales, which a linear map a scale predicts.
func ExampleRetrieve() {
	turning := func(images int, from float64) eval.Orbit {
		o := eval.Orbit{Scales: eval.Grid(5), Images: images, Dim: 2}
		for _, s := range o.Scales {
			o.Data = append(o.Data, ring(images, from+s*float64(images)/4).Data...)
		}
		return o
	}
	maps, err := eval.FitScaleMaps(turning(20, 0), eval.DefaultRidgeOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	test := turning(7, 0.5)
	predicted, err := maps.Predict(test.At(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	found, _ := eval.Retrieve(predicted, test)
	gain, _ := eval.PredictionGain(predicted, test)
	fmt.Printf("MRR %.2f, chance %.2f; gain over no change %.2f\n", found.MRR, found.ChanceMRR, gain.Gain.Number)
	// Output:
	// MRR 1.00, chance 0.46; gain over no change 1.00
}

func ExampleRankMe() {
	line := eval.Rows{Data: []float32{1, 2, 2, 4, -3, -6}, Dim: 2}
	for _, rows := range []eval.Rows{ring(8, 0), line, {Data: make([]float32, 6), Dim: 2}} {
		r, err := eval.RankMe(rows, eval.DefaultRankMeOptions())
		fmt.Printf("%v of %d %v\n", r.Rank, r.Attainable, err)
	}
	// Output:
	// 2 of 2 <nil>
	// 1 of 2 <nil>
	// undefined of 2 <nil>
}
