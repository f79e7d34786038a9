package optimizer

import "fmt"

// Average is an exponential moving average of a model's values: the weights of a target network (Grill et al. 2020; He
// et al. 2020). Not for concurrent use.
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
