package track

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
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
	write(t, f, 1, 2)
	found := Evaluation{Metrics: map[string]float64{"knn.features": 0.5}}
	if err := f.Eval(EvalLine{Step: 2, Evaluation: found}); err != nil {
		t.Fatal(err)
	}
	timing := Timing{Step: 2, Steps: 2, Seconds: 3, Share: TimeShare{ONNXRuntime: 0.5, Rest: 0.5}, PeakMemoryBytes: 7}
	if err := f.Timing(timing); err != nil {
		t.Fatal(err)
	}
	write(t, f, 3)
	at := f.Extents()
	write(t, f, 4)
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
	if err := f.Fits(at); err != nil {
		t.Fatal(err)
	}
	if err := f.Rewind(at); err != nil {
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
	if loss, terms := h.MeanLoss(2); loss != 3.5 || terms["a"] != 7 {
		t.Errorf("mean loss %v, terms %v", loss, terms)
	}
	if err := f.Rewind(nil); err != nil {
		t.Fatal(err)
	}
	if h := read(t, dir); len(h.Steps)+len(h.Evals) != 0 {
		t.Errorf("Rewind(nil) kept %v", h)
	}
}

// TestFits: metrics and times that were cut, changed or replaced belong to no checkpoint any more; the log is only said
// to be another.
func TestFits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: "h"})
	write(t, f, 1, 2)
	if err := errors.Join(f.Timing(Timing{Step: 2, Steps: 2}), f.Log("hello"), f.Sync()); err != nil {
		t.Fatal(err)
	}
	at := f.Extents()
	write(t, f, 3)
	if err := errors.Join(f.Log("more"), f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		file   string
		change func([]byte) []byte
		fits   bool
		log    bool
	}{
		{"as it was", metricsFile, func(b []byte) []byte { return b }, true, true},
		{"a line behind the checkpoint", metricsFile, func(b []byte) []byte { b[len(b)-3] ^= 1; return b }, true, true},
		{"a bit of a step", metricsFile, func(b []byte) []byte { b[9] ^= 1; return b }, false, true},
		{"cut", metricsFile, func(b []byte) []byte { return b[:20] }, false, true},
		{"gone", metricsFile, func([]byte) []byte { return nil }, false, true},
		{"a bit of a time", timingFile, func(b []byte) []byte { b[9] ^= 1; return b }, false, true},
		{"a bit of the log", logFile, func(b []byte) []byte { b[9] ^= 1; return b }, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.file)
			was, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.change(slices.Clone(was)), 0o600); err != nil {
				t.Fatal(err)
			}
			f := open(t, dir, Record{Hash: "h"})
			err = f.Fits(at)
			if (err == nil) != c.fits || err != nil && !strings.Contains(err.Error(), c.file) || f.LogFits(at) != c.log {
				t.Errorf("%v, the log %v", err, f.LogFits(at))
			}
			if err := errors.Join(f.Close(), os.WriteFile(path, was, 0o600)); err != nil {
				t.Fatal(err)
			}
		})
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
	if err != nil || strings.Count(string(log), "\n") != 2 || !strings.Contains(string(log), "Z level=INFO msg=hello\n") {
		t.Errorf("log %q, %v", log, err)
	}
}

// TestWarnings: those of every process, each once.
func TestWarnings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for range 2 {
		f := open(t, dir, Record{Hash: "h"})
		for _, text := range []string{"begins", Warning + "first", Warning + "second, \"warning\": of two",
			"a warning: none", "no\nTIME level=WARN msg=record", "none level=WARN msg=either", Warning + "third\nand more"} {
			if err := f.Log(text); err != nil {
				t.Fatal(err)
			}
		}
		got, err := f.Warnings()
		if want := []string{"first", `second, "warning": of two`, "third"}; err != nil || !slices.Equal(got, want) {
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
	if len(f.Checkpoints()) != 1 {
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
	finished, err := f.Finish(want, []byte("table\n"), map[string][]byte{"order.svg": []byte("<svg/>")})
	if err != nil {
		t.Fatal(err)
	}
	want.Files = finished.Files
	names := []string{"experiment.yaml", "metrics.jsonl", "order.svg", "report.txt", "run.json", "timing.jsonl"}
	if got := slices.Sorted(maps.Keys(want.Files)); !slices.Equal(got, names) {
		t.Errorf("checksums of %v, want those of %v", got, names)
	}
	got, err := ReadResult(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "report.txt")); err != nil || string(text) != "table\n" {
		t.Errorf("report %q, %v", text, err)
	}
}

// finishedRun makes the folder of a finished run.
func finishedRun(t *testing.T, hash string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	f := open(t, dir, Record{Hash: hash, Threads: 2})
	write(t, f, 1, 2)
	if _, err := f.Finish(Result{Status: Finished, Hash: hash, Steps: 2}, []byte("table\n"), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEveryByteCounts: none of a sealed file can change unnoticed, nor any of a file that the result has a sum of.
func TestEveryByteCounts(t *testing.T) {
	dir := finishedRun(t, "h")
	for _, c := range []struct {
		file string
		read func() error
	}{
		{recordFile, func() error { _, err := ReadRecord(dir); return err }},
		{resultFile, func() error { _, err := ReadResult(dir); return err }},
		{experimentFile, func() error { return CheckExperiment(dir) }},
		{metricsFile, func() error { _, err := ReadHistory(dir); return err }},
		{reportFile, func() error { return CheckFiles(dir) }},
	} {
		if err := c.read(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, c.file)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range was { // a bit of each byte
			now := slices.Clone(was)
			now[at] ^= 1 << (at % 8)
			if err := os.WriteFile(path, now, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.read(); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("%s, byte %d: %v", c.file, at, err)
			}
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestResultIsThisRuns: that of another run, one that says too little, and one from before there were checksums.
func TestResultIsThisRuns(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "{}", "forged": `{"status":"finished","knn_top1":7}`, "sealed of nothing": "", "another run's": "",
	} {
		dir := finishedRun(t, "h")
		path := filepath.Join(dir, resultFile)
		var err error
		switch name {
		case "sealed of nothing":
			err = WriteSealed(path, map[string]string{"status": Finished})
		case "another run's":
			var other []byte
			if other, err = os.ReadFile(filepath.Join(finishedRun(t, "other"), resultFile)); err == nil {
				err = os.WriteFile(path, other, 0o600)
			}
		default:
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadResult(dir); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), resultFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestThreadsOfARecord: a folder that somebody sent can't ask for thousands.
func TestThreadsOfARecord(t *testing.T) {
	dir := t.TempDir()
	for threads, good := range map[int]bool{-1: false, 0: true, 4096: true, 100000: false} {
		if err := WriteSealed(filepath.Join(dir, recordFile), Record{Threads: threads}); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadRecord(dir); (err == nil) != good {
			t.Errorf("%d threads: %v", threads, err)
		}
	}
}

// TestAnExperimentThatWasChanged is refused, or written again where it is known.
func TestAnExperimentThatWasChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := open(t, dir, Record{Hash: "h"}).Close(); err != nil {
		t.Fatal(err)
	}
	path := ExperimentFile(dir)
	if err := os.WriteFile(path, []byte("name: y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Record{Hash: "h"}, []byte("name: z\n")); !errors.Is(err, fault.Data) {
		t.Errorf("with another text: %v", err)
	}
	open(t, dir, Record{Hash: "h"})
	if text, err := os.ReadFile(path); err != nil || string(text) != "name: x\n" {
		t.Errorf("the experiment is %q, %v", text, err)
	}
}

// TestLinksAreNotWrittenThrough: a folder that somebody sent has no other file changed.
func TestLinksAreNotWrittenThrough(t *testing.T) {
	for _, name := range []string{metricsFile, timingFile, logFile, lockFile} {
		dir, other := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "precious")
		if err := open(t, dir, Record{Hash: "h"}).Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		err := errors.Join(os.WriteFile(other, []byte("precious"), 0o600), os.Remove(path), os.Symlink(other, path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Record{Hash: "h"}, []byte("name: x\n")); fault.KindOf(err) != fault.Storage ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(other); err != nil || string(text) != "precious" {
			t.Errorf("%s: the other file holds %q, %v", name, text, err)
		}
	}
}

// TestCheckpointsRotate: the newest first, no more than asked for, and the newest never away.
func TestCheckpointsRotate(t *testing.T) {
	for _, keep := range []int{1, 2, 3} {
		f := open(t, filepath.Join(t.TempDir(), "run"), Record{})
		for step := range 5 {
			if err := f.Rotate(keep); err != nil {
				t.Fatal(err)
			}
			if got := f.Checkpoints(); step > 0 && (len(got) == 0 || got[0] != f.Checkpoint()) {
				t.Errorf("before step %d there are %v", step, got)
			}
			if err := renameio.WriteFile(f.Checkpoint(), []byte{byte(step)}, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // again, as nothing new
				if err := f.KeepBest(); err != nil {
					t.Fatal(err)
				}
			}
			var got, want []byte
			for back, file := range f.Checkpoints() {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got, want = append(got, text...), append(want, byte(step-back))
			}
			if len(got) != min(keep, step+1) || !slices.Equal(got, want) {
				t.Errorf("keep %d, step %d: %v, want %v", keep, step, got, want)
			}
		}
		if err := f.DropEarlier(); err != nil {
			t.Fatal(err)
		}
		if got := f.Checkpoints(); len(got) != 1 {
			t.Errorf("keep %d: %v are left", keep, got)
		}
		if left, err := filepath.Glob(filepath.Join(f.Dir(), ".*0")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}
