package augment

import (
	"fmt"
)

// checkRange wants lo <= v <= hi; NaN is refused.
func checkRange(path string, v, lo, hi float64) []error {
	if v >= lo && v <= hi {
		return nil
	}
	return []error{fmt.Errorf("%s: must be in [%v, %v], got %v", path, lo, hi, v)}
}

// checkPair wants 0 < v[0] <= v[1] <= hi; NaN is refused.
func checkPair(path string, v [2]float64, hi float64) []error {
	if v[0] > 0 && v[0] <= v[1] && v[1] <= hi {
		return nil
	}
	return []error{fmt.Errorf("%s: must be [low, high] with 0 < low <= high <= %v, got [%v, %v]", path, hi, v[0], v[1])}
}

// checkInterval wants -bound <= low <= high <= bound; NaN is refused.
func checkInterval(path string, low, high, bound float64) []error {
	if low >= -bound && low <= high && high <= bound {
		return nil
	}
	return []error{fmt.Errorf("%s: must be low, high with -%v <= low <= high <= %v, got %v, %v",
		path, bound, bound, low, high)}
}

// checkSize wants a size that the pixels of a view can have, or 0 for the view's own.
func checkSize(path string, size int) []error {
	if size == 0 || size >= minImageSize && size <= maxImageSize {
		return nil
	}
	return []error{fmt.Errorf("%s: must be in [%d, %d], or 0 for the view's size, got %d",
		path, minImageSize, maxImageSize, size)}
}
