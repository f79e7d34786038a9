package runner

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"

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

func cpuName() string { return cpuid.CPU.BrandName }

// PeakMemory is the process's largest resident size so far, in bytes.
func PeakMemory() int64 {
	// Linux's resource usage begins with that of the process that started this one.
	if peak := statusBytes("VmHWM"); peak > 0 {
		return peak
	}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss
	}
	return u.Maxrss << 10
}

// residentMemory is the process's resident size, in bytes; 0 where the system doesn't tell.
func residentMemory() int64 { return statusBytes("VmRSS") }

// statusBytes is a size that Linux knows of the process, or 0.
func statusBytes(key string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
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
