package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/guard"
	"ordo/runner/track"
)

// collapsing is an experiment of five epochs of four steps whose outputs become one: SimSiam without batch norm, at a
// rate that is far too high.
func collapsing(t testing.TB) config.Experiment {
	t.Helper()
	return onFolder(t, "data.images=64", "train.batch_size=16", "train.epochs=5", "train.lr=0.1",
		"loss.invariance.kind=simsiam", "loss.invariance.temperature=0", "loss.order.kind=none")
}

// collapses counts the warnings in a run's log.
func collapses(t testing.TB, dir string) int {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dir, "log.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), `level=WARN msg="the training collapses`)
}

func history(t testing.TB, dir string) track.History {
	t.Helper()
	h, err := track.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCollapseIsSaid(t *testing.T) {
	e := collapsing(t)
	whole := filepath.Join(t.TempDir(), "whole")
	want, err := Run(context.Background(), of(t, e, whole))
	if err != nil {
		t.Fatal(err)
	}
	said := collapses(t, whole)
	if len(want.Collapse) == 0 || said == 0 || said > len(want.Collapse) {
		t.Fatalf("said %d times: %+v", said, want.Collapse)
	}
	if w := strings.Join(want.Warnings, "\n"); strings.Count(w, guard.Collapses) != said {
		t.Errorf("warnings %q", w)
	}
	for _, f := range want.Collapse {
		if !f.Stands || f.Seen > 3 {
			t.Errorf("finding %+v", f)
		}
	}
	if kept, err := track.ReadResult(whole); err != nil || !reflect.DeepEqual(kept.Collapse, want.Collapse) {
		t.Errorf("result.json has %+v, %v", kept.Collapse, err)
	}
	if text, err := os.ReadFile(filepath.Join(whole, "report.txt")); err != nil ||
		strings.Count(string(text), "Collapsed since epoch") != len(want.Collapse) {
		t.Errorf("report %s, %v", text, err)
	}
	var steps []int
	for _, g := range history(t, whole).Guards {
		steps = append(steps, g.Step)
		if g.Guard.Images != 16 || len(g.Guard.Outputs) != 2 {
			t.Errorf("reading %+v", g)
		}
	}
	if want := []int{1, 4, 8, 12, 16, 20}; !reflect.DeepEqual(steps, want) {
		t.Errorf("readings of steps %v, want %v", steps, want)
	}
	// The warnings are of epochs 2 and 3.
	for _, stops := range [][]int{{1}, {4}, {8}, {3, 11}, {12, 13, 17}} {
		dir := filepath.Join(t.TempDir(), "stopped")
		for _, stop := range stops {
			interrupt(t, of(t, e, dir), stop)
		}
		got, err := Run(context.Background(), of(t, e, dir))
		if err != nil {
			t.Fatal(err)
		}
		if metrics(t, dir) != metrics(t, whole) || !reflect.DeepEqual(got.Collapse, want.Collapse) ||
			collapses(t, dir) != said {
			t.Errorf("stopped after %v: said %d times, not %d: %+v", stops, collapses(t, dir), said, got.Collapse)
		}
	}
}

func TestStopOnCollapse(t *testing.T) {
	e := collapsing(t)
	whole := filepath.Join(t.TempDir(), "whole")
	want, err := Run(context.Background(), of(t, e, whole))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "stops")
	e.Train.StopOnCollapse = true
	first := want.Collapse[0].Seen
	for _, what := range []string{"it collapses", "it is as it was"} {
		_, err := Run(context.Background(), of(t, e, dir))
		if !errors.Is(err, fault.Collapse) || !strings.Contains(err.Error(), "train.stop_on_collapse=false") ||
			!strings.Contains(err.Error(), "the embedding's") {
			t.Fatalf("%s: error %v", what, err)
		}
		if h := history(t, dir); len(h.Steps) != 4*first || len(h.Evals) != first-1 {
			t.Errorf("%s: stopped after step %d and %d evaluations, want after epoch %d", what, len(h.Steps), len(h.Evals),
				first)
		}
		if _, err := os.Stat(filepath.Join(dir, "last.ckpt")); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	e.Train.StopOnCollapse = false
	got, err := Run(context.Background(), of(t, e, dir))
	if err != nil {
		t.Fatal(err)
	}
	if metrics(t, dir) != metrics(t, whole) || got.ParametersHash != want.ParametersHash ||
		!reflect.DeepEqual(got.Collapse, want.Collapse) {
		t.Error("a run that went on is another than one that was not stopped")
	}
}

// TestGuardOnlyLooksOn: with and without it, a run gives the same weights, in micro-batches too. Small batches are not
// read.
func TestGuardOnlyLooksOn(t *testing.T) {
	for name, c := range map[string]struct {
		set      []string
		readings int
	}{
		"whole":     {[]string{"train.batch_size=16"}, 4},
		"in parts":  {[]string{"train.batch_size=24", "train.micro_batch=8"}, 4},
		"too small": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, without := filepath.Join(t.TempDir(), "with"), filepath.Join(t.TempDir(), "without")
			with := mustRun(t, dir, c.set...)
			none := mustRun(t, without, append(c.set, "train.guard_images=0")...)
			if with.ParametersHash != none.ParametersHash || with.Hash != none.Hash || with.Collapse != nil {
				t.Errorf("results %+v and %+v", with, none)
			}
			if got := len(history(t, dir).Guards); got != c.readings || len(history(t, without).Guards) != 0 {
				t.Errorf("%d readings, want %d", got, c.readings)
			}
		})
	}
}
