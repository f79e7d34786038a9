package runner

import (
	"context"
	"errors"
	"os"
	"testing"

	"ordo/models/ort/orttest"
	"ordo/runner/config"
)

func TestBenchEndsWithItsContext(t *testing.T) {
	o := BenchOptions{Experiment: experiment(t), Library: orttest.Path(t), Steps: 1000}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Bench(ctx, o); !errors.Is(err, ErrInterrupted) && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestBenchLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := BenchOptions{Experiment: experiment(t), Library: orttest.Path(t), Steps: 2, Warmup: 1, Profile: true}
	r, err := Bench(context.Background(), o)
	if err != nil || len(r.Ops) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	o.Steps = 0
	if _, err := Bench(context.Background(), o); err == nil {
		t.Error("no error for 0 steps")
	}
	o.Steps, o.Experiment.Train.LR = 1, -1
	if _, err := Bench(context.Background(), o); !errors.Is(err, config.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}
