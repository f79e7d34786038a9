package bench

import (
	"math"
	"os"
	"strings"
	"testing"
)

func TestSideBySide(t *testing.T) {
	t.Setenv(asBackbone, "1")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := TogetherOptions{
		Bench: Options{
			Experiment: experiment(t, "model.threads=2", "model.execution.spin_us=50"), Libraries: libraries(t),
		},
		Ordo: []string{program}, Processes: 2, Rounds: 3, Steps: 2,
	}
	r, err := SideBySide(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Processes != 2 || r.Threads != 2 || r.Spin != 50 || r.Batch != 60 || len(r.InTurn) != 3 || len(r.AtOnce) != 3 {
		t.Errorf("found %+v", r)
	}
	ratio := func(i int) float64 { return r.AtOnce[i] / r.InTurn[i] }
	if least := min(ratio(0), ratio(1), ratio(2)); r.Min <= 0 || math.Abs(r.Min-least) > 1e-12 || r.Min > r.Ratio ||
		r.Ratio > r.Max {
		t.Errorf("ratios %v, %v, %v: found %+v", ratio(0), ratio(1), ratio(2), r)
	}

	o.Bench.Experiment.Model.Precision = "auto"
	if _, err := SideBySide(t.Context(), o); err == nil || !strings.Contains(err.Error(), "precision") {
		t.Errorf("a precision that depends on the machine: %v", err)
	}
	o.Bench.Experiment.Model.Precision = "float32"
	o.Ordo = []string{"/bin/false"}
	if _, err := SideBySide(t.Context(), o); err == nil || !strings.Contains(err.Error(), "a process that trains") {
		t.Errorf("a process that ends at once: %v", err)
	}
}
