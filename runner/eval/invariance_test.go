package eval

import (
	"math"
	"testing"
)

func TestInvarianceByHand(t *testing.T) {
	// Two images at two scales. Unit 0: 1, 3 at the origin and 1, 5 at the end: variance over scales 0 and 1, over
	// images 1 and 4. Unit 1 varies over scales only, unit 2 not at all.
	z := Orbit{Data: []float32{1, 0, 2, 3, 0, 2, 1, 2, 2, 5, 2, 2}, Scales: []float64{0, 1}, Images: 2, Dim: 3}
	r := must(InvarianceOf(z))(t)
	near(t, "normalised variance", r.NormalisedVariance.Number, (0.5/2.5+1)/2, 1e-12)
	if r.InfiniteUnits != 1 || r.ConstantUnits != 1 {
		t.Errorf("%d infinite, %d constant units", r.InfiniteUnits, r.ConstantUnits)
	}
	near(t, "pooled", r.PooledVariance.Number, (0.5+1)/2.5, 1e-12)

	// Two images at a right angle; one stays, the other turns by 60°.
	z = turns([]float64{0, 1}, []float64{0, 0}, []float64{0.5, 0.5 + 1.0/3})
	r = must(InvarianceOf(z))(t)
	near(t, "between", r.Between.Number, 1, 1e-6)
	near(t, "relative distance", r.RelativeDistance.Number, 0.25, 1e-6)
	// Cosines: own 1 and 0.5; of the first's origin with the second's end cos 150°, of the second's with the first's
	// end 0.
	near(t, "positive less negative", r.PositiveNegative.Number, (1+0.5)/2-(math.Cos(math.Pi*5/6)+0)/2, 1e-6)
	allNear(t, "by scale", r.DistanceByScale, []float64{0, 0.25}, 1e-6)
}

func TestInvarianceShowsOrderByNoise(t *testing.T) {
	scales := Grid(6)
	shake := moving(1, 40, scales, 1e-3, 0) // all in order, by a thousandth of half a turn
	if o := must(OrderOfImages(shake))(t); mean(o.Accuracy) < 0.99 {
		t.Errorf("order accuracy %g", mean(o.Accuracy))
	}
	r := must(InvarianceOf(shake))(t)
	if r.RelativeDistance.Number > 1e-5 || r.NormalisedVariance.Number > 1e-5 || r.PositiveNegative.Number < 0.9 {
		t.Errorf("distance %v, variance %v, cosines %v", r.RelativeDistance, r.NormalisedVariance, r.PositiveNegative)
	}
}

func TestInvarianceOfUnusualSets(t *testing.T) {
	one := must(InvarianceOf(turns([]float64{0, 1}, []float64{0, 0.5})))(t)
	if one.RelativeDistance.Defined || one.Between.Defined ||
		one.PositiveNegative.Defined || one.NormalisedVariance.Defined {
		t.Errorf("one image: %+v", one)
	}
	same := must(InvarianceOf(turns([]float64{0, 1}, []float64{0, 0}, []float64{0, 0})))(t)
	if same.RelativeDistance.Defined || same.PositiveNegative.Number != 0 || same.NormalisedVariance.Number != 1 {
		t.Errorf("one vector for all: %+v", same)
	}
	if _, err := InvarianceOf(turns([]float64{0}, []float64{0})); err == nil {
		t.Error("no scale beside the origin is no error")
	}
}
