package statistics

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("%s is %.8f, want %.8f", what, got, want)
	}
}

// The quantile of Student's t with 3 degrees of freedom is 3.182446 in every table; its distribution has a closed form:
// ½ + ((t/√3)/(1+t²/3) + atan(t/√3))/π.
func TestSummaryAndDifference(t *testing.T) {
	x, y := []float64{0.91, 0.93, 0.90, 0.95}, []float64{0.90, 0.90, 0.91, 0.92}
	s := Summarise(x)
	near(t, "mean", s.Mean, 0.9225)
	near(t, "deviation", *s.Std, math.Sqrt(1.475e-3/3))
	near(t, "low", *s.Low, 0.9225-3.182446*math.Sqrt(1.475e-3/3)/2)
	near(t, "high", *s.High, 0.9225+3.182446*math.Sqrt(1.475e-3/3)/2)
	d := Paired(x, y)
	near(t, "difference", d.Value, 0.015)
	at := 0.015 / (math.Sqrt(1.1e-3/3) / 2) / math.Sqrt(3)
	near(t, "p", *d.P, 1-2/math.Pi*(at/(1+at*at)+math.Atan(at)))
	if d.N != 4 || d.Sure() {
		t.Errorf("%+v is sure", d)
	}
	for _, c := range []struct {
		name string
		x, y []float64
		sure bool
	}{
		{"one pair", []float64{1}, []float64{0}, false},
		{"equal pairs", []float64{1, 1}, []float64{1, 1}, false},
		{"the same difference", []float64{1, 2}, []float64{0, 1}, true},
		{"far apart", []float64{5, 6, 7}, []float64{1, 2.1, 2.9}, true},
		{"far apart, below", []float64{1, 2.1, 2.9}, []float64{5, 6, 7}, true},
	} {
		if got := Paired(c.x, c.y); got.Sure() != c.sure {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if (*Difference)(nil).Sure() {
		t.Error("nothing is sure")
	}
	if one := Summarise([]float64{3}); one.Mean != 3 || one.Std != nil || one.Low != nil || one.N != 1 {
		t.Errorf("one number: %+v", one)
	}
}

func TestHolm(t *testing.T) {
	// statsmodels' multipletests(…, method="holm")
	want := []float64{0.04, 0.09, 0.09, 0.025, 0.8}
	for i, got := range Holm([]float64{0.01, 0.04, 0.03, 0.005, 0.8}) {
		near(t, "adjusted", got, want[i])
	}
}
