package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/track"
)

// flip changes one bit in the middle of a file, and gives what was there.
func flip(t *testing.T, file string) []byte {
	t.Helper()
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	now := append([]byte(nil), was...)
	now[len(now)/2] ^= 1
	write(t, file, now)
	return was
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamageIsMendedOrRefused: graphs that are damaged are built again, a checkpoint that is damaged or another run's
// gives way to the one before, and metrics that were changed belong to none. What goes on gives the bits of an
// undisturbed run.
func TestDamageIsMendedOrRefused(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	want := mustRun(t, whole)
	begun, other := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "other")
	interrupt(t, options(t, begun), 5)
	interrupt(t, options(t, other, "seed=2"), 5)
	foreign, err := os.ReadFile(filepath.Join(other, "last.ckpt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		damage func(dir string)
		says   string // of the warning, or of the fault
		refuse bool
	}{
		{"nothing", func(string) {}, "", false},
		{"training graph", func(dir string) { flip(t, filepath.Join(dir, "graphs/training_model.onnx")) },
			"built again", false},
		{"evaluation graph", func(dir string) { flip(t, filepath.Join(dir, "graphs/eval_model.onnx")) }, "built again",
			false},
		{"no graph", func(dir string) { remove(t, filepath.Join(dir, "graphs/optimizer_model.onnx")) }, "built again", false},
		{"last checkpoint", func(dir string) { flip(t, filepath.Join(dir, "last.ckpt")) }, "before it, of step 4", false},
		{"another run's", func(dir string) { write(t, filepath.Join(dir, "last.ckpt"), foreign) }, "another run", false},
		{"cut", func(dir string) { write(t, filepath.Join(dir, "last.ckpt"), nil) }, "before it, of step 4", false},
		{"gone", func(dir string) { remove(t, filepath.Join(dir, "last.ckpt")) }, "", false},
		{"both", func(dir string) {
			flip(t, filepath.Join(dir, "last.ckpt"))
			flip(t, filepath.Join(dir, "last-1.ckpt"))
		}, "last.ckpt", true},
		{"metrics", func(dir string) { flip(t, filepath.Join(dir, "metrics.jsonl")) }, "metrics.jsonl", true},
		{"times", func(dir string) { // of the last checkpoint only
			file := filepath.Join(dir, "timing.jsonl")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)-4] ^= 1
			write(t, file, text)
		}, "before it, of step 4", false},
		{"record", func(dir string) { flip(t, filepath.Join(dir, "run.json")) }, "run.json", true},
		{"log", func(dir string) { flip(t, filepath.Join(dir, "log.txt")) }, "log.txt was changed", false},
		{"experiment", func(dir string) { flip(t, filepath.Join(dir, "experiment.yaml")) }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(begun)); err != nil {
				t.Fatal(err)
			}
			c.damage(dir)
			o := options(t, dir)
			notes := &quiet{}
			o.Progress = notes
			got, err := Run(context.Background(), o)
			if c.refuse {
				if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want a fault about %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.ParametersHash != want.ParametersHash || metrics(t, dir) != metrics(t, whole) {
				t.Error("the run isn't what it would have been")
			}
			if said := strings.Join(notes.note, "\n"); !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
			if err := track.CheckFiles(dir); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDamageTwice: a damaged checkpoint is not passed on in the place of the one that was gone back to.
func TestDamageTwice(t *testing.T) {
	want := mustRun(t, filepath.Join(t.TempDir(), "whole"))
	dir := filepath.Join(t.TempDir(), "run")
	for _, step := range []int{5, 6} { // each time within the second epoch, behind the checkpoint of step 4
		interrupt(t, options(t, dir), step)
		flip(t, filepath.Join(dir, "last.ckpt"))
	}
	if got := mustRun(t, dir); got.ParametersHash != want.ParametersHash {
		t.Error("the run isn't what it would have been")
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// TestBestCheckpoint: it is the one of the best evaluation, also where the run was interrupted.
func TestBestCheckpoint(t *testing.T) {
	keys := []string{"train.keep_best=knn.features", "eval.every_epochs=1", "train.epochs=4"}
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	want := mustRun(t, whole, keys...)
	for _, step := range []int{3, 9} {
		interrupt(t, options(t, parts, keys...), step)
	}
	got := mustRun(t, parts, keys...)
	if want.Best == nil || got.Best == nil || *got.Best != *want.Best {
		t.Fatalf("best %+v, with interruptions %+v", want.Best, got.Best)
	}
	for _, e := range history(t, whole).Evals {
		if v := e.Metrics["knn.features"]; v > want.Best.Value || v == want.Best.Value && e.Step < want.Best.Step {
			t.Errorf("%g after step %d is better than %+v", v, e.Step, want.Best)
		}
	}
	for _, name := range []string{"best.ckpt", "best.onnx"} {
		if want.Files[name] == "" || got.Files[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if want.Files["best.onnx"] != got.Files["best.onnx"] {
		t.Error("the best encoder is another one after interruptions")
	}
	if (want.Files["best.onnx"] == want.EncoderSHA256) != (want.Best.Step == want.Steps) {
		t.Error("the best encoder isn't that of its step")
	}
}

// TestCheckpointsWithinAnEpoch: after the minutes that are asked for, and to the same bits.
func TestCheckpointsWithinAnEpoch(t *testing.T) {
	want := mustRun(t, filepath.Join(t.TempDir(), "whole"))
	dir := filepath.Join(t.TempDir(), "run")
	got := mustRun(t, dir, "train.checkpoint_minutes=1e-9")
	if got.ParametersHash != want.ParametersHash || got.Hash != want.Hash {
		t.Error("checkpoints change a run")
	}
	if n := len(history(t, dir).Timing); n != want.Steps {
		t.Errorf("%d checkpoints in %d steps", n, want.Steps)
	}
}

// TestADamagedEncoderIsNoticed, and exported anew as the error says.
func TestADamagedEncoderIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, dir, "train.epochs=1")
	if _, err := track.CheckEncoder(dir); err != nil {
		t.Fatal(err)
	}
	was := flip(t, track.EncoderFile(dir))
	if _, err := track.CheckEncoder(dir); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "result.json")); err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, "train.epochs=1")
	if now, err := os.ReadFile(track.EncoderFile(dir)); err != nil || string(now) != string(was) {
		t.Errorf("the encoder isn't the same again: %v", err)
	}
	if _, err := track.CheckEncoder(dir); err != nil {
		t.Error(err)
	}
}
