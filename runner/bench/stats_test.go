package bench

import (
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 3: {3}, 2: {5, 1, 2}, 2.5: {4, 1, 2, 3}} {
		before := slices.Clone(values)
		if got := Median(values); got != want || !slices.Equal(values, before) {
			t.Errorf("median of %v is %v", before, got)
		}
	}
}

func TestRate(t *testing.T) {
	if got := Rate(3, 2*time.Second); got != 1.5 {
		t.Errorf("%v in a second, want 1.5", got)
	}
	if got := Rate(3, 0); got != 3e9 {
		t.Errorf("%v in a second, want 3e9", got)
	}
}
