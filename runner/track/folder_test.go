package track

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/runner/eval"
)

func open(t *testing.T, dir string, r Record) *Folder {
	t.Helper()
	f, err := Open(dir, r, []byte("name: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func write(t *testing.T, f *Folder, steps ...int) {
	t.Helper()
	for _, s := range steps {
		if err := f.Step(Step{Step: s, Loss: float64(s), Terms: map[string]float64{"a": float64(2 * s)}}); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, dir string) History {
	t.Helper()
	h, err := ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRewindDropsWhatIsBehindTheCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: "h"})
	if err := f.Rewind(0); err != nil {
		t.Fatal(err)
	}
	write(t, f, 1, 2)
	if err := f.Eval(EvalLine{Step: 2, Eval: Evaluation{Protocols: []eval.Protocol{}}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Timing(Timing{Step: 2}); err != nil {
		t.Fatal(err)
	}
	write(t, f, 3, 4)
	if err := f.Timing(Timing{Step: 4}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// A crash cut the last line off.
	file := filepath.Join(dir, metricsFile)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(whole, `{"step":5,"lo`...), 0o600); err != nil {
		t.Fatal(err)
	}

	f = open(t, dir, Record{Hash: "h"})
	if err := f.Rewind(3); err != nil {
		t.Fatal(err)
	}
	if !f.HasEval(2) || f.HasEval(3) {
		t.Error("evaluations are not known after Rewind")
	}
	write(t, f, 4)
	h := read(t, dir)
	var steps []int
	for _, s := range h.Steps {
		steps = append(steps, s.Step)
	}
	if want := []int{1, 2, 3, 4}; !reflect.DeepEqual(steps, want) || len(h.Evals) != 1 || h.Evals[0].Step != 2 {
		t.Errorf("steps %v, evaluations %v, want steps %v and one evaluation", steps, h.Evals, want)
	}
	timing, err := os.ReadFile(filepath.Join(dir, timingFile))
	if err != nil || strings.Count(string(timing), "\n") != 1 {
		t.Errorf("timing %q, %v", timing, err)
	}
	if loss, terms := h.MeanLoss(2); loss != 3.5 || terms["a"] != 7 {
		t.Errorf("mean loss %v, terms %v", loss, terms)
	}
	if err := f.Rewind(0); err != nil {
		t.Fatal(err)
	}
	if h := read(t, dir); len(h.Steps)+len(h.Evals) != 0 {
		t.Errorf("Rewind(0) kept %v", h)
	}
}

func TestFolderIsOneRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: "h", Data: "d", Threads: 3})
	if _, err := Open(dir, Record{Hash: "h", Data: "d"}, nil); !errors.Is(err, ErrOccupied) {
		t.Errorf("a folder was opened twice: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		record Record
		says   string
	}{
		{Record{Hash: "other", Data: "d"}, "another experiment"},
		{Record{Hash: "h", Data: "other"}, "have changed"},
	} {
		if _, err := Open(dir, c.record, nil); !errors.Is(err, ErrOccupied) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.record, err, c.says)
		}
	}
	again := open(t, dir, Record{Hash: "h", Data: "d", Threads: 8})
	if again.Threads() != 3 {
		t.Errorf("goes on with %d threads, the run began with 3", again.Threads())
	}
	if r, err := ReadRecord(dir); err != nil || r.Threads != 3 {
		t.Errorf("record %+v, %v", r, err)
	}

	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(full, Record{}, nil); !errors.Is(err, ErrOccupied) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with other files was taken: %v", err)
	}
	if _, err := os.Stat(filepath.Join(full, "thesis.tex")); err != nil {
		t.Error(err)
	}
}

func TestAbandonRemovesOnlyWhatHoldsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	open(t, dir, Record{}).Abandon()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a run that never began is still there: %v", err)
	}
	f := open(t, dir, Record{})
	if err := os.WriteFile(f.Checkpoint(), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Abandon()
	f = open(t, dir, Record{})
	if !f.HasCheckpoint() {
		t.Error("a folder with a checkpoint was removed")
	}
	f.Abandon()
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a folder that was there before was removed: %v", err)
	}
}

func TestResultComesLast(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: "h"})
	if _, err := ReadResult(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a result before the end: %v", err)
	}
	top1 := 0.75
	want := Result{Status: Finished, Run: dir, Steps: 3}
	want.SetEvaluation(Evaluation{KNNTop1: &top1, Order: map[string]map[string]eval.OrderResult{"rotate": {"embedding": {Accuracy: 0.9}}}})
	if want.OrderAccuracy["rotate"]["embedding"] != 0.9 {
		t.Errorf("order accuracy %v", want.OrderAccuracy)
	}
	if err := f.Finish(want, []byte("table\n")); err != nil {
		t.Fatal(err)
	}
	got, err := ReadResult(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
	if text, err := os.ReadFile(ReportFile(dir)); err != nil || string(text) != "table\n" {
		t.Errorf("report %q, %v", text, err)
	}
}

func FuzzRewind(f *testing.F) {
	f.Add([]byte("{\"step\":1}\n{\"step\":2}\n{\"st"), 1)
	f.Add([]byte("\n\n"), 0)
	f.Add([]byte("{\"step\":-1,\"eval\":null}\n"), 9)
	f.Fuzz(func(t *testing.T, content []byte, step int) {
		file, err := os.Create(filepath.Join(t.TempDir(), metricsFile))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := rewind(file, step, map[int]bool{}); err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(content), string(kept)) || (len(kept) > 0 && kept[len(kept)-1] != '\n') {
			t.Errorf("kept %q of %q", kept, content)
		}
	})
}
