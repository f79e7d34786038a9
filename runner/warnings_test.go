package runner

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"ordo/runner/track"
)

// greySet makes a folder of images of one class and without colour.
func greySet(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "only"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		picture := image.NewGray(image.Rect(0, 0, 16, 16))
		for k := range picture.Pix {
			picture.SetGray(k%16, k/16, color.Gray{uint8(k * (i + 1))})
		}
		file, err := os.Create(filepath.Join(root, "only", fmt.Sprintf("%02d.png", i)))
		if err == nil {
			err = png.Encode(file, picture)
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestWarningsAreInTheResult: all that was warned of, each once, however often the run was interrupted.
func TestWarningsAreInTheResult(t *testing.T) {
	overrides := []string{
		"data.source=folder", "data.root=" + greySet(t), "data.images=0", "data.test_images=0", "data.cache.kind=memory",
		fmt.Sprintf("model.threads=%d", runtime.GOMAXPROCS(0)+1), "train.epochs=2",
		"augment.invariant=[horizontal_flip]",
	}
	whole, stopped := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "stopped")
	want := mustRun(t, whole, overrides...).Warnings
	for i, words := range []string{"one class only", "no colour", "threads on"} {
		if len(want) != 3 || !strings.Contains(want[i], words) || strings.HasPrefix(want[i], track.Warning) {
			t.Fatalf("warnings %q, want one of %s", want, words)
		}
	}
	kept, err := track.ReadResult(whole)
	if err != nil || !reflect.DeepEqual(kept.Warnings, want) {
		t.Errorf("result.json has %q, %v", kept.Warnings, err)
	}
	report, err := os.ReadFile(filepath.Join(whole, "report.txt"))
	if err != nil || strings.Count(string(report), "Warning: ") != len(want) {
		t.Errorf("report %s, %v", report, err)
	}
	interrupt(t, options(t, stopped, overrides...), 3)
	got, err := Run(context.Background(), options(t, stopped, overrides...))
	if err != nil || !reflect.DeepEqual(got.Warnings, want) {
		t.Errorf("a run that went on has %q, %v, want %q", got.Warnings, err, want)
	}
	none := mustRun(t, filepath.Join(t.TempDir(), "none"), "augment.invariant=[]").Warnings
	if none == nil || len(none) > 0 {
		t.Errorf("without a reason: %#v", none)
	}
}
