package tracker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ordo/models/fault"
	"ordo/models/golden"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
	"ordo/runner/tracker/tensorboard"
)

// stopped makes the folder of a run that was stopped after 6 steps, of which it skipped the last.
func stopped(t *testing.T) string {
	t.Helper()
	dir := runDir(t)
	folder := openFolder(t, dir)
	folder.write(1, 5, 0)
	err := errors.Join(folder.Step(track.Step{Step: 6, Epoch: 1.2, Rate: 0.1, Skipped: true}), folder.Close(),
		os.Chtimes(track.MetricsFile(dir), time.Time{}, ended.Add(12*time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCSV(t *testing.T) {
	dir := stopped(t)
	var table bytes.Buffer
	if err := WriteCSV(&table, []string{dir, dir}); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(table.String(), dir, "RUN")
	head, all, _ := strings.Cut(text, "\n")
	if once := all[:len(all)/2]; once+once != all {
		t.Error("the same run twice is not the same table twice")
	}
	golden.Compare(t, filepath.Join("testdata", "small.csv"), head+"\n"+all[:len(all)/2])
}

func TestWandb(t *testing.T) {
	dir, into := stopped(t), filepath.Join(t.TempDir(), "a", "b")
	largest, err := WriteWandb(dir, into)
	if err != nil || largest != filepath.Join(into, "history.jsonl") {
		t.Fatal(largest, err)
	}
	golden.Compare(t, filepath.Join("testdata", "history.jsonl"), content(t, largest))
	var settings struct {
		Epochs string            `json:"train.epochs"`
		Ordo   map[string]string `json:"ordo"`
	}
	if err := json.Unmarshal([]byte(content(t, filepath.Join(into, "config.json"))), &settings); err != nil ||
		settings.Epochs != "3" || settings.Ordo["hash"] != experiment(t).Hash() {
		t.Errorf("settings %+v, %v", settings, err)
	}
	if text := content(t, filepath.Join(into, "summary.json")); text != "{}\n" {
		t.Errorf("a run without a result has the summary %s", text)
	}
}

func TestEvents(t *testing.T) {
	dir := runDir(t)
	folder := openFolder(t, dir)
	folder.write(1, 10, 0)
	if _, err := WriteEvents(dir, ""); err == nil || !strings.Contains(err.Error(), "a process works in") {
		t.Errorf("into the folder of a run that is at work: %v", err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second is written in the first's place
		if _, err := WriteEvents(dir, ""); err != nil {
			t.Fatal(err)
		}
		checkBoard(t, dir, 10)
	}
	into := t.TempDir()
	file, err := WriteEvents(dir, into)
	if err != nil {
		t.Fatal(err)
	}
	own := content(t, filepath.Join(track.TensorBoardDir(dir), tensorboard.FileName))
	if content(t, file) != own {
		t.Error("the same run has other events elsewhere")
	}
	events, _, err := tensorboard.Parse([]byte(own))
	if err != nil || !events[0].Time.Equal(ended.Add(2*time.Second)) || events[0].Step != 1 {
		t.Errorf("the first event is %+v (%v)", events[0], err)
	}
}

func TestSendErrors(t *testing.T) {
	dir, none := stopped(t), t.TempDir()
	atWorkDir := runDir(t)
	openFolder(t, atWorkDir)
	for _, c := range []struct {
		name string
		o    SendOptions
		kind fault.Kind
		says string
	}{
		{"no run", SendOptions{Dir: none, URI: "http://127.0.0.1:1"}, fault.Config, none},
		{"at work", SendOptions{Dir: atWorkDir, URI: "http://127.0.0.1:1"}, fault.Other, "a process works in"},
		{"no server", SendOptions{Dir: dir}, fault.Config, "names no MLflow server"},
		{"no variable", SendOptions{Dir: dir, URI: "env"}, fault.Config, "MLFLOW_TRACKING_URI"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Send(t.Context(), c.o)
			if fault.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v of kind %q", err, fault.KindOf(err))
			}
		})
	}
	if _, err := os.Stat(track.MLflowFile(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is kept of a server that nobody named: %v", err)
	}
}

// TestOldTimes: lines of times that don't say when they ended are laid before those that do, and before the last
// change.
func TestOldTimes(t *testing.T) {
	c := clock{{Step: 10, Steps: 10, Seconds: 10}, {Step: 20, Steps: 10, Seconds: 5}, {Step: 25, Steps: 5, Seconds: 20}}
	c.fill(time.Unix(1000, 0))
	for step, want := range map[int]int64{1: 966, 10: 975, 20: 980, 22: 988, 25: 1000} {
		if at, ok := c.at(step); !ok || at.Unix() != want {
			t.Errorf("step %d was done at %d, %v, want %d", step, at.Unix(), ok, want)
		}
	}
	if _, ok := c.at(26); ok {
		t.Error("a step without a time has one")
	}
}

// TestMany: an evaluation of more numbers than MLflow takes at once, and more parameters.
func TestMany(t *testing.T) {
	f := &fake{}
	server := serve(t, f, "")
	dir := runDir(t)
	folder := openFolder(t, dir)
	numbers := map[string]float64{}
	for i := range 2345 {
		numbers[fmt.Sprintf("family%d.knn.features", i)] = float64(i)
	}
	folder.write(1, 4, 0)
	if err := folder.Eval(track.EvalLine{Step: 4, Evaluation: track.Evaluation{Metrics: numbers}}); err != nil {
		t.Fatal(err)
	}
	folder.write(5, 5, 0)
	e := experiment(t, "track.mlflow.uri="+server.URL, "track.mlflow.experiment=other",
		"data.root="+strings.Repeat("é", 600), "data.source=folder")
	told := begin(t, folder, quick, e)
	told.Stop(nil)
	r := f.runs[0]
	if len(f.refused) != 1 || f.experiments[0] != "other" || len(r.Params) != len(e.Settings()) ||
		r.Params["data.root"] != strings.Repeat("é", 499)+"…" {
		t.Errorf("refused %q; %d parameters, want %d; %s", f.refused, len(r.Params), len(e.Settings()), r.Params["data.root"])
	}
	for name, x := range numbers {
		if got := r.told("evaluation." + name); got != fmt.Sprintf("4=%v", x) {
			t.Errorf("%s is %q, want %v", name, got, x)
		}
	}
	if r.told("terms.order/value/rotate-blur") == "" || r.Status != mlflow.Finished {
		t.Errorf("names were not changed for MLflow, or %s", r.Status)
	}
}
