package track

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
)

// TestTail: lines come as they are written, each once and whole.
func TestTail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: "h"})
	tail := NewTail(dir)
	next := func(steps, timing int) {
		t.Helper()
		h, err := tail.Next()
		if err != nil || len(h.Steps) != steps || len(h.Timing) != timing {
			t.Fatalf("%d steps and %d times, %v; want %d and %d", len(h.Steps), len(h.Timing), err, steps, timing)
		}
	}
	next(0, 0)
	write(t, f, 1, 2)
	next(2, 0)
	next(0, 0)
	if err := f.Timing(Timing{Step: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.metrics.Write([]byte(`{"step":3,`)); err != nil {
		t.Fatal(err)
	}
	next(0, 1)
	if _, err := f.metrics.Write([]byte("\"loss\":3}\n")); err != nil {
		t.Fatal(err)
	}
	next(1, 0)
	// A line that is longer than what is read at once.
	found := map[string]float64{strings.Repeat("x", 3*pieceBytes): 1}
	if err := f.Eval(EvalLine{Step: 3, Evaluation: Evaluation{Metrics: found}}); err != nil {
		t.Fatal(err)
	}
	h, err := tail.Next()
	if err != nil || len(h.Evals) != 1 || len(h.Evals[0].Metrics) != 1 {
		t.Errorf("%d evaluations, %v", len(h.Evals), err)
	}
	if _, err := f.metrics.Write([]byte("{\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Next(); fault.KindOf(err) != fault.Data {
		t.Errorf("a damaged line: %v", err)
	}
}

// TestTrackersHaveNoChecksums: they go on behind the end.
func TestTrackersHaveNoChecksums(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: "h"})
	if err := os.Mkdir(TensorBoardDir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(TensorBoardDir(dir), "events"), MLflowFile(dir)}
	change := func(text string) {
		for _, file := range files {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	change("a")
	result, err := f.Finish(Result{Status: Finished, Steps: 1}, nil, nil)
	if err != nil || len(result.Files) != 5 {
		t.Fatalf("checksums of %v, %v", result.Files, err)
	}
	change("b")
	if err := CheckFiles(dir); err != nil {
		t.Error(err)
	}
}
