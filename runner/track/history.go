package track

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ordo/models/fault"
	"ordo/runner/eval"
	"ordo/runner/guard"
	"ordo/runner/lock"
)

// Step is a training step's line of metrics.jsonl.
type Step struct {
	Step     int                `json:"step"` // steps done, this one included
	Epoch    float64            `json:"epoch"`
	Rate     float32            `json:"lr"`
	Loss     float64            `json:"loss"`
	GradNorm float32            `json:"grad_norm"`
	Terms    map[string]float64 `json:"terms"` // values without their weights, and diagnostics as TERM/NAME
	// Skipped says that the gradients were not finite: nothing was changed, and the rest is 0.
	Skipped bool `json:"skipped,omitempty"`
}

// Evaluation is what one evaluation found: numbers by METRIC.OUTPUT or FAMILY.METRIC.OUTPUT, for example knn.features
// and rotate.order_accuracy.embedding. What is undefined is absent.
type Evaluation struct {
	Metrics   map[string]float64 `json:"evaluation"`
	Untrained map[string]float64 `json:"untrained,omitempty"` // the network before its first training step
	Pixels    map[string]float64 `json:"pixels,omitempty"`    // what the view's pixels have, reduced by averaging areas
	Chance    map[string]float64 `json:"chance,omitempty"`

	Protocols map[string]eval.Protocol    `json:"protocols"` // by METRIC or FAMILY.METRIC
	Distances map[string]map[string]Curve `json:"distances"` // family → output
}

// Curve is the mean distance, 1 - cosine, of a family's views from the untouched images.
type Curve struct {
	Scales    []float64 `json:"scales"`
	Distance  []float64 `json:"distance"`
	Untrained []float64 `json:"untrained,omitempty"`
}

// EvalLine is an evaluation's line of metrics.jsonl.
type EvalLine struct {
	Step  int     `json:"step"`
	Epoch float64 `json:"epoch"`
	Evaluation
}

// GuardLine is a guard's line of metrics.jsonl: of the first step, whose forward pass is that of the untrained network,
// and of every epoch's last.
type GuardLine struct {
	Step  int           `json:"step"`
	Epoch float64       `json:"epoch"`
	Guard guard.Reading `json:"guard"`
}

// Timing is a line of timing.jsonl: the training steps of an epoch, or of the part of it up to or since an
// interruption.
type Timing struct {
	Step            int       `json:"step"`  // the last one
	Steps           int       `json:"steps"` // how many
	Seconds         float64   `json:"seconds"`
	Share           TimeShare `json:"time_share"`
	PeakMemoryBytes int64     `json:"peak_memory_bytes"` // of the process so far
	Ended           time.Time `json:"ended,omitzero"`    // when the last one was done
}

// History is metrics.jsonl and timing.jsonl, read.
type History struct {
	Steps  []Step
	Evals  []EvalLine
	Guards []GuardLine
	Timing []Timing
}

// ReadHistory reads the history of the run in dir. That of a finished run must be what its result knows.
func ReadHistory(dir string) (History, error) {
	var h History
	err := CheckFiles(dir, metricsFile, timingFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return h, err
	}
	if err := readLines(filepath.Join(dir, metricsFile), h.addMetrics); err != nil {
		return h, err
	}
	return h, readLines(filepath.Join(dir, timingFile), h.addTiming)
}

// addMetrics adds a line of metrics.jsonl.
func (h *History) addMetrics(text []byte) error {
	var l struct {
		Step
		Evaluation
		Guard *guard.Reading `json:"guard"`
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	switch {
	case l.Metrics != nil:
		h.Evals = append(h.Evals, EvalLine{Step: l.Step.Step, Epoch: l.Epoch, Evaluation: l.Evaluation})
	case l.Guard != nil:
		h.Guards = append(h.Guards, GuardLine{Step: l.Step.Step, Epoch: l.Epoch, Guard: *l.Guard})
	default:
		h.Steps = append(h.Steps, l.Step)
	}
	return nil
}

// addTiming adds a line of timing.jsonl.
func (h *History) addTiming(text []byte) error {
	var t Timing
	err := json.Unmarshal(text, &t)
	h.Timing = append(h.Timing, t)
	return err
}

// maxLine is how long a line of the .jsonl files can be.
const maxLine = 1 << 24

func readLines(path string, read func(text []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fault.Reading(fault.Other, path, err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	lines.Split(wholeLines)
	for lines.Scan() {
		if err := read(lines.Bytes()); err != nil {
			return damaged(path, err)
		}
	}
	return fault.Reading(fault.Other, path, lines.Err())
}

// wholeLines leaves out what is behind the last line's end: a process that works on the run, or was killed, may be in
// the middle of it.
func wholeLines(data []byte, atEOF bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF {
		return len(data), nil, nil
	}
	return 0, nil, nil
}

// Time adds up the timing of all processes that worked on the run. What a killed process did after its last checkpoint
// was done again and is not in it.
func (h History) Time() Timing {
	var sum Timing
	for _, t := range h.Timing {
		sum.Step = t.Step
		sum.Steps += t.Steps
		sum.Seconds += t.Seconds
		sum.Share.ONNXRuntime += t.Seconds * t.Share.ONNXRuntime
		sum.Share.DataWait += t.Seconds * t.Share.DataWait
		sum.Share.Loss += t.Seconds * t.Share.Loss
		sum.Share.Target += t.Seconds * t.Share.Target
		sum.Share.Rest += t.Seconds * t.Share.Rest
		sum.PeakMemoryBytes = max(sum.PeakMemoryBytes, t.PeakMemoryBytes)
	}
	if sum.Seconds > 0 {
		share := &sum.Share
		for _, s := range []*float64{&share.ONNXRuntime, &share.DataWait, &share.Loss, &share.Target, &share.Rest} {
			*s /= sum.Seconds
		}
	}
	return sum
}

// MeanLoss is the mean of the last n steps' loss, and of each term, without the skipped ones.
func (h History) MeanLoss(n int) (float64, map[string]float64) {
	last := h.Steps[max(0, len(h.Steps)-n):]
	var sum float64
	terms := map[string]float64{}
	count := map[string]int{}
	steps := 0
	for _, s := range last {
		if s.Skipped {
			continue
		}
		steps++
		sum += s.Loss
		for name, v := range s.Terms {
			terms[name] += v
			count[name]++
		}
	}
	for name := range terms {
		terms[name] /= float64(count[name])
	}
	return sum / float64(max(1, steps)), terms
}

// tailBytes is how much of metrics.jsonl is read for its last line: an evaluation's may be long.
const tailBytes = 1 << 18

// LastStep reads the last whole line of the run's metrics, whatever it is about: how far the run has come. Without one,
// the error wraps fs.ErrNotExist.
func LastStep(dir string) (Step, error) {
	name := filepath.Join(dir, metricsFile)
	f, err := os.Open(name)
	if err != nil {
		return Step{}, fault.Reading(fault.Other, name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Step{}, fault.Reading(fault.Other, name, err)
	}
	text := make([]byte, min(info.Size(), tailBytes))
	if _, err := f.ReadAt(text, info.Size()-int64(len(text))); err != nil && !errors.Is(err, io.EOF) {
		return Step{}, fault.Reading(fault.Other, name, err)
	}
	lines := bytes.Split(text, []byte("\n"))
	for _, line := range slices.Backward(lines[:len(lines)-1]) { // what is behind the last line's end isn't whole
		var s Step
		if json.Unmarshal(line, &s) == nil && s.Step > 0 {
			return s, nil
		}
	}
	return Step{}, fault.New(fault.Other, "%s has no step yet: %w", name, fs.ErrNotExist)
}

// InUse says whether a process has the folder open.
func InUse(dir string) bool {
	_, held := lock.Held(filepath.Join(dir, lockFile))
	return held
}
