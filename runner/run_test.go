package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/loss"
	"ordo/models"
	"ordo/models/ort/orttest"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/track"
)

const small = `
name: small
data: {source: orchard, image_size: 16, images: 48, test_images: 24}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment:
  invariant: [horizontal_flip, {color_jitter: {p: 0.8}}]
  ordered: [{family: rotate, levels: 2}, {family: hue, levels: 1}]
train: {epochs: 3, batch_size: 12, warmup_epochs: 1}
eval: {knn: {k: 5}, order: {levels: 4}, every_epochs: 1}
`

func experiment(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(small), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// quiet is a Progress that only calls back.
type quiet struct {
	step func(Step)
	note []string
}

func (q *quiet) Start(int, int) {}
func (q *quiet) Step(s Step) {
	if q.step != nil {
		q.step(s)
	}
}
func (q *quiet) Note(text string) { q.note = append(q.note, text) }
func (q *quiet) End()             {}

func options(t testing.TB, dir string, overrides ...string) Options {
	return Options{Experiment: experiment(t, overrides...), Dir: dir, Library: orttest.Path(t), Version: "test", Progress: &quiet{}}
}

func mustRun(t testing.TB, dir string, overrides ...string) track.Result {
	t.Helper()
	r, err := Run(context.Background(), options(t, dir, overrides...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func metrics(t testing.TB, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEqualRunsAreEqualBitForBit(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	first, second := mustRun(t, a), mustRun(t, b, "train.workers=3")
	if metrics(t, a) != metrics(t, b) || first.ParametersHash != second.ParametersHash {
		t.Error("two runs of one experiment differ")
	}
	if other := mustRun(t, filepath.Join(t.TempDir(), "c"), "seed=2"); other.ParametersHash == first.ParametersHash {
		t.Error("another seed gave the same parameters")
	}
	if first.Steps != 12 || first.Status != track.Finished || first.KNNTop1 == nil || len(first.Protocols) != 5 ||
		first.OrderAccuracy["rotate"]["embedding"] <= 0 || first.OrderAccuracy["hue"]["features"] <= 0 {
		t.Errorf("result %+v", first)
	}
	share := first.TimeShare
	if sum := share.ONNXRuntime + share.DataWait + share.Loss + share.Rest; math.Abs(sum-1) > 1e-9 {
		t.Errorf("shares of time %+v add up to %v", share, sum)
	}
	if strings.Count(metrics(t, a), `"eval"`) != 3 {
		t.Errorf("metrics have %d evaluations, want 3", strings.Count(metrics(t, a), `"eval"`))
	}
	for _, name := range []string{"experiment.yaml", "run.json", "metrics.jsonl", "timing.jsonl", "last.ckpt", "encoder.onnx", "report.txt",
		"result.json", "graphs/training_model.onnx"} {
		if info, err := os.Stat(filepath.Join(a, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing or empty: %v", name, err)
		}
	}
	resolved, err := config.Load(filepath.Join(a, "experiment.yaml"), nil, nil)
	if err != nil || resolved.Hash() != experiment(t).Hash() {
		t.Errorf("the resolved experiment has another hash, or %v", err)
	}
}

func TestInterruptedRunGoesOnBitForBit(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	want := mustRun(t, whole)
	for _, stops := range [][]int{{1}, {4}, {6}, {12}, {3, 4, 11}} {
		dir := filepath.Join(t.TempDir(), "stopped")
		for _, stop := range stops {
			ctx, cancel := context.WithCancel(context.Background())
			o := options(t, dir)
			o.Progress = &quiet{step: func(s Step) {
				if s.Number == stop {
					cancel()
				}
			}}
			if _, err := Run(ctx, o); !errors.Is(err, ErrInterrupted) {
				t.Fatalf("stopped after step %d: error %v", stop, err)
			}
			cancel()
		}
		got := mustRun(t, dir)
		if metrics(t, dir) != metrics(t, whole) || got.ParametersHash != want.ParametersHash || got.Loss != want.Loss {
			t.Errorf("stopped after %v: the run is another than without", stops)
		}
	}
}

func TestFinishedRunIsNotRepeated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first := mustRun(t, dir, "train.epochs=1")
	before, err := os.Stat(filepath.Join(dir, "last.ckpt"))
	if err != nil {
		t.Fatal(err)
	}
	if again := mustRun(t, dir, "train.epochs=1"); again.Seconds != first.Seconds || again.ParametersHash != first.ParametersHash {
		t.Error("the second call gave another result")
	}
	if after, err := os.Stat(filepath.Join(dir, "last.ckpt")); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("the second call touched the checkpoint")
	}
	if _, err := Run(context.Background(), options(t, dir, "train.epochs=2")); !errors.Is(err, track.ErrOccupied) {
		t.Errorf("another experiment in the same folder: %v", err)
	}
}

func TestRunThatCannotStartLeavesNothing(t *testing.T) {
	library := orttest.Path(t)
	for name, c := range map[string]struct {
		overrides []string
		library   string
		want      error
	}{
		"missing data":        {[]string{"data.source=folder", "data.root=" + filepath.Join(t.TempDir(), "none")}, library, data.ErrData},
		"batch too large":     {[]string{"train.batch_size=49"}, library, config.ErrInvalid},
		"no library":          {nil, filepath.Join(t.TempDir(), "none.so"), nil},
		"no ordered, no pair": {[]string{"augment.base_views=1"}, library, nil},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(t, dir, c.overrides...)
		o.Library = c.library
		_, err := Run(context.Background(), o)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the run folder is there: %v", name, err)
		}
	}
}

func TestDivergenceIsASentence(t *testing.T) {
	r := &run{step: 6}
	for _, cause := range []error{models.ErrNonFinite, loss.ErrNonFinite} {
		err := r.diverged(fmt.Errorf("wrapped: %w", cause))
		if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "step 7") || !strings.Contains(err.Error(), "train.lr") {
			t.Errorf("error %v", err)
		}
	}
	if err := r.diverged(fs.ErrClosed); errors.Is(err, ErrDiverged) {
		t.Errorf("error %v", err)
	}
}

func TestRolesAreEvaluatedAlike(t *testing.T) {
	for _, role := range []string{"absent", "invariant"} {
		dir := filepath.Join(t.TempDir(), role)
		r := mustRun(t, dir, "train.epochs=1", "augment.roles.rotate="+role)
		if _, ok := r.OrderAccuracy["rotate"]["embedding"]; !ok {
			t.Errorf("role %s: no order accuracy of rotate in %v", role, r.OrderAccuracy)
		}
	}
}

func TestDamagedCheckpointIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	o := options(t, dir)
	o.Progress = &quiet{step: func(Step) { cancel() }}
	if _, err := Run(ctx, o); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "last.ckpt")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 4
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), options(t, dir)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(content) {
		t.Errorf("the checkpoint was touched: %v", err)
	}
}
