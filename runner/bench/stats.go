package bench

import (
	"slices"
	"time"
)

// Median is the middle one of the values when they are sorted, the mean of the two middle ones where their number is
// even, and 0 of none. The values stay in their order.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Rate is how many things are done in a second, where n took the given time. No time counts as a nanosecond.
func Rate(n int, took time.Duration) float64 {
	return float64(n) / max(took, time.Nanosecond).Seconds()
}
