package runner

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/nonfinite"
	"ordo/runner/track"
)

// wild makes the first batch norm's variance overflow.
const wild = "augment.std=[1e-38, 1e-38, 1e-38]"

func replay(t *testing.T, dir string) (Replayed, error) {
	t.Helper()
	o := options(t, dir)
	return Replay(context.Background(), ReplayOptions{Dir: dir, Libraries: o.Libraries, Progress: o.Progress})
}

// TestReplay: the step is kept once, with all that it needs, and taken again it names the operator.
func TestReplay(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		sum  bool // of the batch
	}{
		{"stops", nil, true},
		{"skips", []string{"train.skip_nonfinite=5"}, true},
		{"in micro-batches", []string{"train.micro_batch=6"}, false},
		{"beside a network of averaged weights", []string{"loss.invariance.kind=byol"}, true},
		{"with draws", []string{"model.heads=[{name: aug, kind: pair, layers: [4]}]"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			_, err := Run(context.Background(), options(t, dir, append([]string{wild}, c.keys...)...))
			if !errors.Is(err, fault.Numeric) {
				t.Fatal(err)
			}
			found, err := replay(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			f := found.Found
			if found.Step != 1 || found.Changed != "" || f == nil || f.Part != nonfinite.Forward ||
				!strings.Contains(f.Operator, "BatchNorm") || !strings.Contains(found.Text(), "bn1") || len(f.Takes) == 0 {
				t.Errorf("found %+v: %s", f, found.Text())
			}
			var kept Captured
			if err := track.ReadSealed(track.NonFiniteFile(dir), &kept); err != nil {
				t.Fatal(err)
			}
			batch, err := os.Stat(track.NonFiniteBatch(dir))
			if (err == nil) != c.sum || err == nil && batch.Size() != 128+5*12*3*16*16*4 {
				t.Errorf("the batch: %v, %v", batch, err)
			}
			if kept.Step != 1 || len(kept.Images) != 12 || kept.Images[0].ID == "" || len(kept.Views) != 5 ||
				len(kept.Views[4].Scales) != 12 || (kept.Batch != "") != c.sum || len(kept.Graphs) < 2 {
				text, _ := json.Marshal(kept)
				t.Errorf("kept %s", text)
			}
		})
	}
}

func TestNothingToReplay(t *testing.T) {
	sound, diverged := filepath.Join(t.TempDir(), "sound"), filepath.Join(t.TempDir(), "diverged")
	mustRun(t, sound, "train.epochs=1")
	if _, err := replay(t, sound); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "kept no step") {
		t.Errorf("of a sound run: %v", err)
	}
	_, err := Run(context.Background(), options(t, diverged, wild))
	if !errors.Is(err, fault.Numeric) {
		t.Fatal(err)
	}
	for _, name := range []string{"nonfinite/step.json", "nonfinite/state.ckpt", "graphs/training_model.onnx",
		"run.json"} {
		file := filepath.Join(diverged, name)
		was := flip(t, file)
		if _, err := replay(t, diverged); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("damaged %s: %v", name, err)
		}
		write(t, file, was)
	}
	// The state of another run.
	foreign, err := os.ReadFile(filepath.Join(sound, "last.ckpt"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(diverged, "nonfinite/state.ckpt"), foreign)
	_, err = replay(t, diverged)
	if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "not the state of before") {
		t.Errorf("another run's state: %v", err)
	}
}
