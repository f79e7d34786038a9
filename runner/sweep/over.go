package sweep

import (
	"math"
	"strings"

	"ordo/models/graph"
	"ordo/runner/track"
)

// Over is the metric over the epochs of a run: where it is evaluated between them, and of the loss the mean over each
// epoch. There is nothing of a metric that is measured at the end only.
func (m Metric) Over(h track.History) (epochs, values []float64) {
	if m.Name == "loss" {
		return losses(h.Steps)
	}
	name := m.Evaluated()
	for _, e := range h.Evals {
		if x, ok := e.Metrics[name]; ok && name != "" {
			epochs, values = append(epochs, e.Epoch), append(values, x)
		}
	}
	return epochs, values
}

// Evaluated is what the metric, a path into a run's result, is called in its evaluations; "" where they don't have it.
func (m Metric) Evaluated() string {
	if rest, ok := strings.CutPrefix(m.Name, "order_accuracy."); ok {
		if family, output, ok := strings.Cut(rest, "."); ok {
			return family + ".order_accuracy." + output
		}
		return ""
	}
	if m.Name == "knn_top1" {
		return "knn." + graph.Features
	}
	if rest, ok := strings.CutPrefix(m.Name, "evaluation."); ok {
		return rest
	}
	return ""
}

// losses are the means of the loss over the epochs, the last of which may be not whole.
func losses(steps []track.Step) (epochs, values []float64) {
	sum, n := 0., 0
	for i, s := range steps {
		if !s.Skipped {
			sum, n = sum+s.Loss, n+1
		}
		last := i+1 == len(steps) || math.Floor(steps[i+1].Epoch-1e-9) > math.Floor(s.Epoch-1e-9)
		if last && n > 0 {
			epochs, values = append(epochs, s.Epoch), append(values, sum/float64(n))
			sum, n = 0, 0
		}
	}
	return epochs, values
}
