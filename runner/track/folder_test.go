package track

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
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
	found := Evaluation{Metrics: map[string]float64{"knn.features": 0.5}}
	if err := f.Eval(EvalLine{Step: 2, Evaluation: found}); err != nil {
		t.Fatal(err)
	}
	timing := Timing{Step: 2, Steps: 2, Seconds: 3, Share: TimeShare{ONNXRuntime: 0.5, Rest: 0.5}, PeakMemoryBytes: 7}
	if err := f.Timing(timing); err != nil {
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
	if !reflect.DeepEqual(h.Timing, []Timing{timing}) {
		t.Errorf("timing %+v", h.Timing)
	}
	if err := f.Timing(
		Timing{Step: 4, Steps: 2, Seconds: 1, Share: TimeShare{ONNXRuntime: 1}, PeakMemoryBytes: 5},
	); err != nil {
		t.Fatal(err)
	}
	want := Timing{Step: 4, Steps: 4, Seconds: 4, Share: TimeShare{ONNXRuntime: 0.625, Rest: 0.375}, PeakMemoryBytes: 7}
	if got := read(t, dir).Time(); got != want {
		t.Errorf("time %+v, want %+v", got, want)
	}
	if err := f.Rewind(9); err == nil || !strings.Contains(err.Error(), "ends at step 4") {
		t.Errorf("metrics that do not reach the checkpoint: %v", err)
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
	if again.Began().Threads != 3 {
		t.Errorf("goes on with %d threads, the run began with 3", again.Began().Threads)
	}
	if r, err := ReadRecord(dir); err != nil || r.Threads != 3 {
		t.Errorf("record %+v, %v", r, err)
	}

	for _, name := range []string{"thesis.tex", "graphs/training_model.onnx", ".experiment.yamlx"} {
		full := t.TempDir()
		if err := errors.Join(
			os.MkdirAll(filepath.Dir(filepath.Join(full, name)), 0o755),
			os.WriteFile(filepath.Join(full, name), nil, 0o600),
		); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(full, Record{}, nil); !errors.Is(err, ErrOccupied) ||
			!strings.Contains(err.Error(), strings.Split(name, "/")[0]) {
			t.Errorf("a folder with %s was taken: %v", name, err)
		}
		if left, err := os.ReadDir(full); err != nil || len(left) != 1 {
			t.Errorf("%s: the refused folder holds %v, %v", name, left, err)
		}
		if _, err := os.Stat(filepath.Join(full, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatAKilledProcessLeftIsNoObstacle(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".lock", ".experiment.yaml123", ".run.json9", "experiment.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, dir, Record{Hash: "h"})
	if err := f.Log("hello"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".last.ckpt77"), []byte("half a checkpoint"), 0o600); err != nil {
		t.Fatal(err)
	}
	f = open(t, dir, Record{Hash: "h"})
	if err := f.Log("again"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".experiment.yaml123", ".run.json9", ".last.ckpt77"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "log.txt"))
	if err != nil || strings.Count(string(log), "\n") != 2 || !strings.Contains(string(log), "Z hello\n") {
		t.Errorf("log %q, %v", log, err)
	}
}

// TestWarnings: those of every process, each once.
func TestWarnings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for range 2 {
		f := open(t, dir, Record{Hash: "h"})
		for _, text := range []string{"begins", Warning + "first", Warning + "second, warning: of two", "a warning: none"} {
			if err := f.Log(text); err != nil {
				t.Fatal(err)
			}
		}
		got, err := f.Warnings()
		if want := []string{"first", "second, warning: of two"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Of many that open a new folder at once, one gets it, and no loser removes it.
func TestOpenIsAlone(t *testing.T) {
	for range 4 {
		dir := filepath.Join(t.TempDir(), "run")
		var mu sync.Mutex
		var wg sync.WaitGroup
		var won []*Folder
		for range 16 {
			wg.Go(func() {
				if f, err := Open(dir, Record{Hash: "h"}, []byte("name: x\n")); err == nil {
					mu.Lock()
					won = append(won, f)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d of 16 have the folder", len(won))
		}
		if _, err := ReadRecord(dir); err != nil {
			t.Fatal(err)
		}
		if err := won[0].Close(); err != nil {
			t.Fatal(err)
		}
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
	want := Result{Status: Finished, Run: dir, Steps: 3}
	want.SetEvaluation(Evaluation{
		Metrics:   map[string]float64{"knn.features": 0.75, "rotate.order_accuracy.embedding": 0.9},
		Distances: map[string]map[string]Curve{"rotate": {"embedding": {Scales: []float64{0, 1}}}},
	})
	if want.OrderAccuracy["rotate"]["embedding"] != 0.9 || *want.KNNTop1 != 0.75 {
		t.Errorf("kNN %v, order accuracy %v", *want.KNNTop1, want.OrderAccuracy)
	}
	if err := f.Finish(want, []byte("table\n"), map[string][]byte{"order.svg": []byte("<svg/>")}); err != nil {
		t.Fatal(err)
	}
	got, err := ReadResult(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "report.txt")); err != nil || string(text) != "table\n" {
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
		if _, err := rewind(file, step, map[int]bool{}); err != nil {
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
