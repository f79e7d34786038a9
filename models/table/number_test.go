package table

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		format string
		x      float64
		want   string
	}{
		{"%.3f", -0.0004, "0.000"}, {"%+.3f", -0.0004, "0.000"}, {"%+.3f", 0.0004, "0.000"}, {"%+.3f", 0, "0.000"},
		{"%+.3f", -0.0005001, "-0.001"}, {"%.3f", -12, "-12.000"}, {"%+.1f points", -0.01, "0.0 points"},
		{"%.4f", math.NaN(), "NaN"}, {"%+.4f", math.Inf(-1), "-Inf"}, {"%.2g", -1e-9, "-1e-09"},
		{"%.4f", math.Copysign(0, -1), "0.0000"},
	} {
		if got := Number(c.format, c.x); got != c.want {
			t.Errorf("%s of %g is %q, want %q", c.format, c.x, got, c.want)
		}
	}
}
