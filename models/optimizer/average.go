package optimizer

import (
	"errors"
	"fmt"
	"math"
)

// Average is an exponential moving average of a model's values: the weights of a target network (Grill et al. 2020; He et
// al. 2020). Not for concurrent use.
type Average struct {
	values []float32
}

// NewAverage starts an average at a copy of the values.
func NewAverage(values []float32) *Average { return &Average{append([]float32(nil), values...)} }

// Values are the average's, which change with Update.
func (a *Average) Values() []float32 { return a.values }

// Update moves the average to τa + (1−τ)w, with τ in [0, 1], by so many goroutines; the result does not depend on them.
func (a *Average) Update(values []float32, tau float64, workers int) {
	if len(values) != len(a.values) {
		panic(fmt.Sprintf("optimizer: %d values for an average of %d", len(values), len(a.values)))
	}
	keep, share := float32(tau), float32(1-tau)
	blocks := (len(values) + blockSize - 1) / blockSize
	parallel(blocks, workers, func(i int) {
		end := min((i+1)*blockSize, len(values))
		w, v := a.values[i*blockSize:end], values[i*blockSize:end]
		for k := range w {
			w[k] = float32(keep*w[k]) + float32(share*v[k])
		}
	})
}

// Schedules of AverageOptions.
const (
	AverageCosine   = "cosine"
	AverageConstant = "constant"
)

// AverageOptions say how fast an average follows.
type AverageOptions struct {
	Momentum float64 `yaml:"momentum"` // τ of the first step, in [0, 1]; default 0.996 as BYOL
	Schedule string  `yaml:"schedule"` // cosine (default): grows to 1 at the last step; constant
}

// DefaultAverageOptions returns BYOL's.
func DefaultAverageOptions() AverageOptions {
	return AverageOptions{Momentum: 0.996, Schedule: AverageCosine}
}

// Validate returns every fault, joined, each starting with its key.
func (o AverageOptions) Validate() error {
	var faults []error
	if !(o.Momentum >= 0 && o.Momentum <= 1) {
		faults = append(faults, fmt.Errorf("momentum: must be in [0, 1], got %v", o.Momentum))
	}
	if o.Schedule != AverageCosine && o.Schedule != AverageConstant {
		faults = append(faults, fmt.Errorf("schedule: must be %s or %s, got %q", AverageCosine, AverageConstant, o.Schedule))
	}
	return errors.Join(faults...)
}

// Tau returns τ for step k of total, counted from 0. The cosine is BYOL's (Grill et al. 2020, section 3.3):
//
//	τ = 1 − (1−τ₀) · (cos(πk/total) + 1)/2
func (o AverageOptions) Tau(k, total int) float64 {
	if o.Schedule == AverageConstant {
		return o.Momentum
	}
	if k >= total {
		return 1
	}
	return 1 - (1-o.Momentum)*(math.Cos(math.Pi*float64(k)/float64(total))+1)/2
}
