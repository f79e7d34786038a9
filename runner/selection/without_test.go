package selection

import (
	"strings"
	"testing"

	"ordo/models/graph"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
)

// TestWithout: what needs no training stands beside the trials, and a base that is no better is told.
func TestWithout(t *testing.T) {
	var pilot evaluation.Result
	for name, n := range map[string][3]float64{"knn": {0.4, 0.3, 0.25}, "probe": {0.5, 0.5, 0.25}} {
		pilot.Metrics = append(pilot.Metrics, evaluation.Metric{Group: evaluation.GroupClasses, Name: name,
			Output: graph.Features, Value: eval.Defined(0.9), References: evaluation.References{
				Untrained: eval.Defined(n[0]), Pixels: eval.Defined(n[1]), Chance: eval.Defined(n[2])}})
	}
	w := without(pilot)
	if w.Untrained == nil || *w.Untrained != 0.45 || *w.Pixels != 0.4 || *w.Chance != 0.25 {
		t.Fatalf("%+v", w)
	}
	for base, says := range map[float64]string{
		0.7: "untrained network 0.450, raw pixels 0.400, chance 0.250.", 0.42: "no better than an untrained network",
		0: "chance 0.250.",
	} {
		if text := w.text(base); !strings.Contains(text, says) || base != 0.42 && strings.Contains(text, "no better") {
			t.Errorf("beside %g: %q", base, text)
		}
	}
	if text := without(evaluation.Result{}).text(0.5); text != "" {
		t.Errorf("of nothing: %q", text)
	}
}
