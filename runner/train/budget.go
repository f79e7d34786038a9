package train

import (
	"runtime"
	"time"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
)

// Threads is what ONNX Runtime computes with: what the experiment says, or every core.
func Threads(e config.Experiment) int {
	if e.Model.Threads > 0 {
		return e.Model.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// Workers is how many goroutines render views: what the experiment says, or one for every four of [Threads], at least
// one. They work beside ONNX Runtime's threads, which lose more than their share when many others want their cores.
func Workers(e config.Experiment) int {
	if e.Train.Workers > 0 {
		return e.Train.Workers
	}
	return max(1, Threads(e)/4)
}

// EpochSteps is how many steps an epoch on n images has. Fewer images than a batch are a fault of kind Config.
func EpochSteps(t config.Train, n int) (int, error) {
	if n < t.BatchSize {
		return 0, fault.New(fault.Config, "train.batch_size: is %d, but the data set has only %d training images",
			t.BatchSize, n).Advise("lower it")
	}
	return n / t.BatchSize, nil
}

// Times are what the wall time of training steps went into.
type Times struct {
	Steps  int
	Total  time.Duration // more than the sum of those below
	ORT    time.Duration // ONNX Runtime and the optimizer, without the loss that is called from inside the graph
	Wait   time.Duration // for views
	Loss   time.Duration
	Target time.Duration // the network of averaged weights: its forward pass and its update
}

// Add adds the times of other steps.
func (t *Times) Add(other Times) {
	t.Steps += other.Steps
	t.Total += other.Total
	t.ORT += other.ORT
	t.Wait += other.Wait
	t.Loss += other.Loss
	t.Target += other.Target
}

// Share gives the parts as shares of the total; without steps all are 0.
func (t Times) Share() track.TimeShare {
	if t.Total == 0 {
		return track.TimeShare{}
	}
	of := func(d time.Duration) float64 { return float64(d) / float64(t.Total) }
	return track.TimeShare{
		ONNXRuntime: of(t.ORT), DataWait: of(t.Wait), Loss: of(t.Loss), Target: of(t.Target),
		Rest: of(t.Total - t.ORT - t.Wait - t.Loss - t.Target),
	}
}

// ImagesPerSecond is the speed of steps on batches of n images; 0 without steps.
func (t Times) ImagesPerSecond(n int) float64 {
	if t.Steps == 0 {
		return 0
	}
	return float64(t.Steps*n) / t.Total.Seconds()
}
