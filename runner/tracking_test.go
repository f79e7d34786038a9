package runner

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/runner/track"
	"ordo/runner/tracker/tensorboard"
)

// toldSteps are the steps of which the event file has a loss, in its order.
func toldSteps(t *testing.T, dir string) []int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(track.TensorBoardDir(dir), tensorboard.FileName))
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := tensorboard.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	for _, e := range events {
		if slices.ContainsFunc(e.Scalars, func(s tensorboard.Scalar) bool { return s.Tag == "loss" }) {
			steps = append(steps, e.Step)
		}
	}
	return steps
}

// TestTrackersChangeNothing: a run that tells others, of whom one refuses all, and that is interrupted, is the run that
// tells nobody, but for a warning.
func TestTrackersChangeNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	plain, told := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "told")
	want := mustRun(t, plain)
	tracked := []string{"track.tensorboard=true", "track.mlflow.uri=" + server.URL}
	interrupt(t, options(t, told, tracked...), 6)
	if got := toldSteps(t, told); len(got) != 6 {
		t.Errorf("the interrupted run told of %v", got)
	}
	// The checkpoint before the last is taken, so steps that were told are taken again.
	if err := os.Rename(filepath.Join(told, "last-1.ckpt"), filepath.Join(told, "last.ckpt")); err != nil {
		t.Fatal(err)
	}
	got := mustRun(t, told, tracked...)
	if metrics(t, told) != metrics(t, plain) || got.ParametersHash != want.ParametersHash {
		t.Error("a run that is tracked is another run")
	}
	if got := toldSteps(t, told); !slices.Equal(got, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) {
		t.Errorf("told of %v", got)
	}
	if n := len(slices.DeleteFunc(got.Warnings, func(w string) bool { return !strings.Contains(w, "401") })); n != 1 {
		t.Errorf("warnings %q", got.Warnings)
	}
	if err := track.CheckFiles(told); err != nil {
		t.Error(err)
	}
}

// TestFinishedRunIsToldAfterwards: the same command with a tracker more trains nothing, and tells.
func TestFinishedRunIsToldAfterwards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, dir)
	o := options(t, dir, "track.tensorboard=true")
	o.Progress = &quiet{step: func(Step) { t.Error("a step was taken") }}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if got := toldSteps(t, dir); len(got) != 12 {
		t.Errorf("told of %v", got)
	}
}
