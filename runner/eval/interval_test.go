package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBootstrapOfKnownSets(t *testing.T) {
	o := DefaultBootstrapOptions()
	same := must(BootstrapMean(slices.Repeat([]float64{0.25}, 20), o))(t)
	if same.Low != Defined(0.25) || same.High != Defined(0.25) || same.Images != 20 || same.Resamples != 1000 {
		t.Errorf("equal values: %+v", same)
	}
	if one := must(BootstrapMean([]float64{3}, o))(t); one.Low.Defined || one.High.Defined {
		t.Errorf("one image: %+v", one)
	}
	// Of 0 and 1 a resample's mean is 0, 1/2 or 1 with 1/4, 1/2, 1/4.
	if two := must(BootstrapMean([]float64{0, 1}, o))(t); two.Low != Defined(0) || two.High != Defined(1) {
		t.Errorf("two images: %+v", two)
	}
	values := gaussianValues(1, 60)
	o.Seed = 5
	five := must(BootstrapMean(values, o))(t)
	o.Seed = 6
	if six := must(BootstrapMean(values, o))(t); six.Low == five.Low {
		t.Error("the seed changes nothing")
	}
	o.Level = 0.5
	half := must(BootstrapMean(values, o))(t)
	if half.Low.Number < five.Low.Number || half.High.Number > five.High.Number {
		t.Errorf("half %+v in %+v", half, five)
	}
	all := onProcessors(t, func() BootstrapInterval { return must(BootstrapMean(values, o))(t) })
	if all[0] != all[1] || all[0] != all[2] {
		t.Error("the interval depends on the number of processors")
	}
}

func gaussianValues(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 10))
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return v
}

// The interval of a mean holds the truth about as often as it says.
func TestBootstrapCovers(t *testing.T) {
	o := BootstrapOptions{Resamples: 300, Level: 0.9, Seed: 1}
	held := 0
	const sets = 400
	for i := range uint64(sets) {
		b := must(BootstrapMean(gaussianValues(i+1, 50), o))(t)
		if b.Low.Number <= 0 && b.High.Number >= 0 {
			held++
		}
	}
	if share := float64(held) / sets; math.Abs(share-0.9) > 0.05 {
		t.Errorf("a 90 %% interval holds the truth in %g", share)
	}
}

func TestBootstrapRatioAndDifference(t *testing.T) {
	o := DefaultBootstrapOptions()
	base := gaussianValues(1, 80)
	twice, shifted := make([]float64, len(base)), make([]float64, len(base))
	for i := range base {
		base[i] = 3 + base[i]
		twice[i], shifted[i] = 2*base[i], base[i]+0.125
	}
	r := must(BootstrapRatio(twice, base, o))(t)
	near(t, "ratio", r.Low.Number, 2, 1e-12)
	near(t, "ratio", r.High.Number, 2, 1e-12)
	d := must(BootstrapDifference(shifted, base, o))(t)
	near(t, "difference", d.Mean, 0.125, 1e-12)
	near(t, "what the images share is no uncertainty", d.Interval.High.Number-d.Interval.Low.Number, 0, 1e-12)
	none := must(BootstrapRatio(base, make([]float64, len(base)), o))(t)
	if none.Low.Defined || none.Undefined != o.Resamples {
		t.Errorf("over zeros: %+v", none)
	}
	few := make([]float64, len(base))
	few[0] = 1 // about 37 % of the resamples lack it
	if some := must(BootstrapRatio(base, few, o))(t); !some.Low.Defined || some.Undefined < 250 || some.Undefined > 500 {
		t.Errorf("over one that is not zero: %+v", some)
	}
	if _, err := BootstrapDifference(base, base[1:], o); err == nil {
		t.Error("different numbers of images are no error")
	}
	// Any statistic: R² whose mean is that of the resample.
	s := must(Bootstrap(len(base), func(drawn []int) Value {
		return DeterminationOf(pick(base, drawn), pick(shifted, drawn), 1).Pooled
	}, o))(t)
	if !(s.Low.Number > 0.9 && s.High.Number < 1 && s.Low.Number < s.High.Number) {
		t.Errorf("R²: %+v", s)
	}
}
