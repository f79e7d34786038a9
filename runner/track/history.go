package track

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"ordo/runner/eval"
)

// Step is a training step's line of metrics.jsonl.
type Step struct {
	Step     int                `json:"step"` // steps done, this one included
	Epoch    float64            `json:"epoch"`
	Rate     float32            `json:"lr"`
	Loss     float64            `json:"loss"`
	GradNorm float32            `json:"grad_norm"`
	Terms    map[string]float64 `json:"terms"` // values without their weights, and diagnostics as TERM/NAME
}

// Evaluation is what one evaluation found.
type Evaluation struct {
	KNNTop1   *float64                               `json:"knn_top1,omitempty"` // absent without labels
	Order     map[string]map[string]eval.OrderResult `json:"order,omitempty"`    // family → output
	Protocols []eval.Protocol                        `json:"protocols"`
}

// EvalLine is an evaluation's line of metrics.jsonl.
type EvalLine struct {
	Step  int        `json:"step"`
	Epoch float64    `json:"epoch"`
	Eval  Evaluation `json:"eval"`
}

// Timing is an epoch's line of timing.jsonl. An epoch that was interrupted has only the time since.
type Timing struct {
	Step            int       `json:"step"`
	Seconds         float64   `json:"seconds"`
	ImagesPerSecond float64   `json:"images_per_second"`
	Share           TimeShare `json:"time_share"`
}

// History is metrics.jsonl, read.
type History struct {
	Steps []Step
	Evals []EvalLine
}

// ReadHistory reads the metrics of the run in dir.
func ReadHistory(dir string) (History, error) {
	var h History
	file, err := os.Open(filepath.Join(dir, metricsFile))
	if err != nil {
		return h, fmt.Errorf("track: read metrics: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var l struct {
			Step
			Eval *Evaluation `json:"eval"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return h, fmt.Errorf("track: %s is damaged: %w", file.Name(), err)
		}
		if l.Eval != nil {
			h.Evals = append(h.Evals, EvalLine{Step: l.Step.Step, Epoch: l.Epoch, Eval: *l.Eval})
		} else {
			h.Steps = append(h.Steps, l.Step)
		}
	}
	if err := lines.Err(); err != nil {
		return h, fmt.Errorf("track: read metrics: %w", err)
	}
	return h, nil
}

// MeanLoss is the mean of the last n steps' loss, and of each term.
func (h History) MeanLoss(n int) (float64, map[string]float64) {
	last := h.Steps[max(0, len(h.Steps)-n):]
	var sum float64
	terms := map[string]float64{}
	count := map[string]int{}
	for _, s := range last {
		sum += s.Loss
		for name, v := range s.Terms {
			terms[name] += v
			count[name]++
		}
	}
	for name := range terms {
		terms[name] /= float64(count[name])
	}
	return sum / float64(max(1, len(last))), terms
}
