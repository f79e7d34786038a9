package runner

import (
	"runtime"
	"time"

	"ordo/runner/config"
	"ordo/runner/track"
)

// threads is what ONNX Runtime computes with: what the experiment says, or every core.
func threads(e config.Experiment) int {
	if e.Model.Threads > 0 {
		return e.Model.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// workers is how many goroutines render views. They work beside ONNX Runtime's threads, which lose more than their share
// when many others want their cores, so by default there is one for every four of them.
func workers(e config.Experiment) int {
	if e.Train.Workers > 0 {
		return e.Train.Workers
	}
	return max(1, threads(e)/4)
}

// spent is wall time of training steps.
type spent struct {
	steps                          int
	total, ort, wait, loss, target time.Duration
}

// add adds one step.
func (s *spent) add(step spent) {
	s.steps++
	s.total += step.total
	s.ort += step.ort
	s.wait += step.wait
	s.loss += step.loss
	s.target += step.target
}

func (s spent) share() track.TimeShare {
	if s.total == 0 {
		return track.TimeShare{}
	}
	of := func(d time.Duration) float64 { return float64(d) / float64(s.total) }
	return track.TimeShare{ONNXRuntime: of(s.ort), DataWait: of(s.wait), Loss: of(s.loss), Target: of(s.target),
		Rest: of(s.total - s.ort - s.wait - s.loss - s.target)}
}
