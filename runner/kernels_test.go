package runner

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/ort/orttest"
)

// withKernels are options of a run with the fast kernels.
func withKernels(t *testing.T, dir string, overrides ...string) Options {
	t.Helper()
	o := options(t, dir, append([]string{"model.kernels=fast", "train.epochs=1"}, overrides...)...)
	o.Libraries.OneDNN = orttest.OpenWithKernels(t).Kernels().Path()
	return o
}

func TestRunsWithFastKernels(t *testing.T) {
	var hashes []string
	for range 2 {
		o := withKernels(t, filepath.Join(t.TempDir(), "run"))
		r, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, r.ParametersHash)
		a, err := models.ReadGraphs(filepath.Join(o.Dir, "graphs"))
		if err != nil {
			t.Fatal(err)
		}
		if c, err := a.Contract(); err != nil || !c.Kernels {
			t.Errorf("the training graph has no fast kernels (%v)", err)
		}
	}
	if hashes[0] != hashes[1] {
		t.Error("two runs of one experiment differ")
	}
}

// TestRunGoesOnWithoutOneDNN: a run that began with the fast kernels ends on a machine without, and says so.
func TestRunGoesOnWithoutOneDNN(t *testing.T) {
	t.Run("zoo", func(t *testing.T) {
		testGoesOnWithoutOneDNN(t, withKernels(t, filepath.Join(t.TempDir(), "run"), "model.kernels=auto"))
	})
	t.Run("folder", func(t *testing.T) {
		o := withKernels(t, filepath.Join(t.TempDir(), "run"))
		o.Experiment = onFolder(t, "model.kernels=auto", "train.epochs=1")
		testGoesOnWithoutOneDNN(t, o)
	})
}

func testGoesOnWithoutOneDNN(t *testing.T, o Options) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = &quiet{step: func(s Step) {
		if s.Number == 2 {
			cancel()
		}
	}}
	if _, err := Run(ctx, o); !errors.Is(err, fault.Interrupted) {
		t.Fatal(err)
	}
	a, err := models.ReadGraphs(filepath.Join(o.Dir, "graphs"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := a.Contract(); err != nil || !c.Kernels {
		t.Errorf("the training graph has no fast kernels (%v)", err)
	}
	progress := &quiet{}
	o.Libraries.OneDNN, o.Progress = "", progress
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(progress.note, "\n"), "began with the fast kernels") {
		t.Errorf("notes: %q", progress.note)
	}
}

func TestRunWithoutOneDNN(t *testing.T) {
	o := options(t, filepath.Join(t.TempDir(), "run"), "train.epochs=1")
	progress := &quiet{}
	o.Progress = progress
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	told := slices.DeleteFunc(slices.Clone(progress.note), func(note string) bool {
		return !strings.Contains(note, "fast kernels")
	})
	if len(told) != 1 || !strings.Contains(told[0], "oneDNN is not installed") {
		t.Errorf("notes on kernels: %q", told)
	}
}
