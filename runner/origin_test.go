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

// TestAForeignFolderIsRefused: graphs that are damaged, and the checkpoint of a run with another seed.
func TestAForeignFolderIsRefused(t *testing.T) {
	dir, other := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "other")
	interrupt(t, options(t, dir), 5)
	interrupt(t, options(t, other, "seed=2"), 5)
	refused := func(what string, words ...string) {
		t.Helper()
		_, err := Run(context.Background(), options(t, dir))
		if !errors.Is(err, fault.Data) {
			t.Fatalf("%s: %v", what, err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want %q", what, err, word)
			}
		}
	}
	for _, name := range []string{"training_model.onnx", "eval_model.onnx", "optimizer_model.onnx"} {
		file := filepath.Join(dir, "graphs", name)
		was := flip(t, file)
		refused(name, name, "checksum")
		write(t, file, was)
	}
	file := filepath.Join(dir, "last.ckpt")
	own := flip(t, file)
	foreign, err := os.ReadFile(filepath.Join(other, "last.ckpt"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, foreign)
	refused("checkpoint", "last.ckpt", "another run")
	write(t, file, own)
	if _, err := Run(context.Background(), options(t, dir)); err != nil {
		t.Error(err)
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
