package eval

import (
	"fmt"
	"math"
	"slices"
)

// BootstrapInterval resamples the test images of one training: it says how far the number may be off because these
// images were drawn and not others. Of other seeds it says nothing.

// BootstrapOptions sets a bootstrap over images.
type BootstrapOptions struct {
	Resamples int     `yaml:"resamples"` // default 1000, range [10, 1000000]
	Level     float64 `yaml:"level"`     // of the interval; default 0.95, range (0, 1)
	Seed      uint64  `yaml:"seed"`      // draws the resamples; default 1
}

// DefaultBootstrapOptions returns the defaults.
func DefaultBootstrapOptions() BootstrapOptions {
	return BootstrapOptions{Resamples: 1000, Level: 0.95, Seed: 1}
}

// Validate returns all faults of the options, joined.
func (o BootstrapOptions) Validate() error {
	var faults []error
	if o.Resamples < minResamples || o.Resamples > maxResamples {
		faults = append(faults, fmt.Errorf("resamples: must be in [%d, %d], got %d", minResamples, maxResamples, o.Resamples))
	}
	return invalid(append(faults, levelFaults(o.Level)...))
}

func levelFaults(level float64) []error {
	if level > 0 && level < 1 {
		return nil
	}
	return []error{fmt.Errorf("level: must be in (0, 1), got %g", level)}
}

// BootstrapInterval is a percentile interval over images.
type BootstrapInterval struct {
	Low       Value   `json:"low"` // undefined where no resample has a value, or there is one image
	High      Value   `json:"high"`
	Level     float64 `json:"level"`
	Method    string  `json:"method"` // "percentile bootstrap over images"
	Images    int     `json:"images"`
	Resamples int     `json:"resamples"`
	Undefined int     `json:"undefined,omitempty"` // resamples that have no value; the interval is of the others
}

// Bootstrap resamples images with replacement (Efron 1979) and returns the percentiles of the statistic of what was
// drawn, between two of them by straight line. Any statistic will do whose images do not depend on each other: it
// gets the numbers of the drawn images in [0, images), and is called from several goroutines. Errors: options out of
// range (fault.Config).
func Bootstrap(images int, statistic func(drawn []int) Value, o BootstrapOptions) (BootstrapInterval, error) {
	if err := o.Validate(); err != nil {
		return BootstrapInterval{}, err
	}
	if images < 1 {
		return BootstrapInterval{}, fmt.Errorf("eval: bootstrap of %d images", images)
	}
	r := BootstrapInterval{Level: o.Level, Method: "percentile bootstrap over images",
		Images: images, Resamples: o.Resamples}
	if images == 1 {
		return r, nil
	}
	all := make([]Value, o.Resamples)
	parallel(o.Resamples, func(i int) {
		draw := draws(o.Seed, uint64(i))
		drawn := make([]int, images)
		for j := range drawn {
			drawn[j] = draw.IntN(images)
		}
		all[i] = statistic(drawn)
	})
	var values []float64
	for _, v := range all {
		if v.Defined && finite(v.Number) {
			values = append(values, v.Number)
		}
	}
	r.Undefined = len(all) - len(values)
	if len(values) > 0 {
		slices.Sort(values)
		r.Low = Defined(quantile(values, (1-o.Level)/2))
		r.High = Defined(quantile(values, (1+o.Level)/2))
	}
	return r, nil
}

// BootstrapMean is the interval of the mean of one value an image. Errors: values that are not finite (fault.Numeric).
func BootstrapMean(values []float64, o BootstrapOptions) (BootstrapInterval, error) {
	if err := checkFinite("bootstrap", values); err != nil {
		return BootstrapInterval{}, err
	}
	return Bootstrap(len(values), func(drawn []int) Value {
		var sum float64
		for _, i := range drawn {
			sum += values[i]
		}
		return Defined(sum / float64(len(drawn)))
	}, o)
}

// BootstrapRatio is the interval of the ratio of two means, above over below, each with one value an image. Where the
// values below add up to 0 it is undefined. Errors: values that are not finite (fault.Numeric).
func BootstrapRatio(above, below []float64, o BootstrapOptions) (BootstrapInterval, error) {
	if err := sameImages(above, below); err != nil {
		return BootstrapInterval{}, err
	}
	return Bootstrap(len(above), func(drawn []int) Value {
		var a, b float64
		for _, i := range drawn {
			a += above[i]
			b += below[i]
		}
		return ratio(a, b)
	}, o)
}

// Difference is how much better one of two is, image by image.
type Difference struct {
	Mean     float64           `json:"mean"`
	Interval BootstrapInterval `json:"interval"`
}

// BootstrapDifference is the mean of a - b with its interval: two models on the same images, which takes what the
// images have in common out of the uncertainty. Errors: values that are not finite (fault.Numeric).
func BootstrapDifference(a, b []float64, o BootstrapOptions) (Difference, error) {
	if err := sameImages(a, b); err != nil {
		return Difference{}, err
	}
	d := make([]float64, len(a))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	interval, err := BootstrapMean(d, o)
	if err != nil {
		return Difference{}, err
	}
	return Difference{Mean: mean(d), Interval: interval}, nil
}

func sameImages(a, b []float64) error {
	if len(a) != len(b) {
		return fmt.Errorf("eval: %d images paired with %d", len(a), len(b))
	}
	if err := checkFinite("bootstrap", a); err != nil {
		return err
	}
	return checkFinite("bootstrap", b)
}

// quantile is at share q of rising values, as numpy's default (Hyndman and Fan 1996, type 7).
func quantile(rising []float64, q float64) float64 {
	at := q * float64(len(rising)-1)
	low := min(int(at), len(rising)-1)
	high := min(low+1, len(rising)-1)
	return rising[low] + (at-float64(low))*(rising[high]-rising[low])
}

// Quantiles returns the values' quantiles at these shares, as numpy's default.
func Quantiles(values []float64, shares ...float64) []float64 {
	rising := slices.Sorted(slices.Values(values))
	q := make([]float64, len(shares))
	for i, s := range shares {
		q[i] = quantile(rising, s)
	}
	return q
}

// sampleDeviation is the deviation of a sample of at least two.
func sampleDeviation(values []float64, mean float64) float64 {
	var sum float64
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// GroupMean is the mean over the images of one group, such as a class.
type GroupMean struct {
	Group  int     `json:"group"`
	Images int     `json:"images"`
	Mean   float64 `json:"mean"`
}

// ByGroup returns the means of one value an image over the images of every group, groups rising: any measure by class.
func ByGroup(values []float64, groups []int) []GroupMean {
	sums := map[int]*GroupMean{}
	var all []int
	for i, v := range values {
		g := sums[groups[i]]
		if g == nil {
			g = &GroupMean{Group: groups[i]}
			sums[g.Group] = g
			all = append(all, g.Group)
		}
		g.Images++
		g.Mean += v
	}
	slices.Sort(all)
	means := make([]GroupMean, len(all))
	for i, g := range all {
		means[i] = *sums[g]
		means[i].Mean /= float64(means[i].Images)
	}
	return means
}

// PerImage returns the mean of one value a row over the rows of every image, images rising: what an interval over
// images needs where an image has several rows.
func PerImage(values []float64, images []int) []float64 {
	groups := ByGroup(values, images)
	means := make([]float64, len(groups))
	for i, g := range groups {
		means[i] = g.Mean
	}
	return means
}
