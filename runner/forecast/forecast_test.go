package forecast

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/golden"
	"ordo/models/ort/orttest"
	"ordo/runner/config"
	"ordo/runner/track"
)

func TestText(t *testing.T) {
	r := Run{
		Name: "demo", Hash: "26a1d36c4d", Folder: "runs/demo-26a1d36c4d", Status: New, Source: "folder", Images: 2400,
		TestImages: 600,
		Pace: Pace{Views: 8, BatchSize: 100, Epochs: 8, EpochSteps: 24, Steps: 192, StepSeconds: 0.24, Minutes: 0.96,
			Backbone: "convnet", Parameters: 111248, Memory: 300 << 20, Checkpoint: 1 << 20, Kept: 2, Disk: 2 << 20},
		MinutesLeft: 0.96,
		Packs:       []Pack{{"packed/folder-train-1.ordo", true, 12 << 20}, {"packed/folder-test-1.ordo", false, 0}},
	}
	golden.Compare(t, filepath.Join("testdata", "new.txt"), r.Text())
	r.Status, r.Epoch, r.Minutes, r.Packs = "stopped", 6, 400, nil
	r.MinutesLeft = Left(r.Minutes, r.Status, r.Epoch, r.Epochs)
	golden.Compare(t, filepath.Join("testdata", "stopped.txt"), r.Text())
}

func TestMinutes(t *testing.T) {
	for m, want := range map[float64]string{0: "no time", 0.2: "about a minute", 1.1: "about 2 minutes",
		119: "about 119 minutes", 121: "about 2.0 hours"} {
		if got := Minutes(m); got != want {
			t.Errorf("%v: %q, want %q", m, got, want)
		}
	}
}

func TestLeft(t *testing.T) {
	for _, c := range []struct {
		status string
		epoch  float64
		epochs int
		want   float64
	}{
		{New, 0, 8, 10}, {"stopped", 2, 8, 7.5}, {"running", 8, 8, 0}, {"finished", 8, 8, 0}, {Taken, 0, 8, 0},
		{"stopped", 9, 8, 0}, {"stopped", 1, 0, 10},
	} {
		if got := Left(10, c.status, c.epoch, c.epochs); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	is := func(at, hash, status string) {
		t.Helper()
		if got, _, err := Look(at, hash); err != nil || got != status {
			t.Errorf("%s, %v, want %s", got, err, status)
		}
	}
	is(dir, "1", New)
	is(filepath.Join(dir, "nowhere"), "1", New)
	full := filepath.Join(dir, "full")
	if err := errors.Join(os.Mkdir(full, 0o755), os.WriteFile(filepath.Join(full, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	is(full, "1", Taken)
	is(filepath.Join(full, "x"), "1", Taken)
	run := filepath.Join(dir, "run")
	f, err := track.Open(run, track.Record{Name: "a", Hash: "1"}, []byte("seed: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	is(run, "1", "running")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	is(run, "1", "stopped")
	is(run, "2", Taken)
}

// TestMeasure: numbers that are a training's, and nothing on the disk.
func TestMeasure(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	e, err := config.Parse("x.yaml", []byte(`
data: {image_size: 16, images: 25, test_images: 24}
model: {backbone: convnet, width: 4, projector: [8]}
augment: {ordered: [{family: rotate, levels: 2}]}
train: {epochs: 2, batch_size: 12}
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := models.Libraries{ONNXRuntime: orttest.Path(t)}
	r, err := Of(t.Context(), Options{Experiment: e, Dir: filepath.Join(t.TempDir(), "run"), Libraries: l})
	if err != nil {
		t.Fatal(err)
	}
	if r.Images != 25 || r.EpochSteps != 2 || r.Steps != 4 || r.Views != 4 || r.Status != New ||
		r.MinutesLeft != r.Minutes || !(r.StepSeconds > 0) || r.Checkpoint < int64(4*r.Parameters) ||
		r.Disk <= r.Checkpoint || len(r.Packs) > 0 {
		t.Errorf("%+v", r)
	}
	longer := e
	longer.Train.Epochs = 4
	if p, err := r.Pace.Of(longer, 49); err != nil || p.Steps != 16 || p.Minutes != 4*r.Minutes ||
		p.Disk != r.Disk+12*metricsLine {
		t.Errorf("%+v, %v", p, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if _, err := Measure(t.Context(), e, l, 11); !errors.Is(err, fault.Config) {
		t.Errorf("fewer images than a batch: %v", err)
	}
}
