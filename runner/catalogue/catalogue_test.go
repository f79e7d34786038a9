package catalogue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/runner/config"
	"ordo/runner/track"
)

// begun makes the folder of a run that has taken a step; it stays open until the test ends or it is closed.
func begun(t *testing.T, dir string) *track.Folder {
	t.Helper()
	e := config.Default()
	e.Name = "some"
	text, err := e.YAML()
	if err != nil {
		t.Fatal(err)
	}
	f, err := track.Open(dir, track.Record{Name: e.Name, Hash: e.Hash(), Seed: e.Seed}, text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it may be closed already
	if err := f.Step(track.Step{Step: 1, Epoch: 0.5}); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStatuses(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "run")
	f := begun(t, dir)
	is := func(status string, epoch float64) {
		t.Helper()
		all, err := List(t.Context(), root)
		if err != nil || len(all) != 1 || all[0].Folder != dir || all[0].Status != status || all[0].Epoch != epoch ||
			all[0].Epochs != config.Default().Train.Epochs || all[0].Trouble != "" {
			t.Errorf("%v: %+v, want %s at %g", err, all, status, epoch)
		}
	}
	is(Running, 0.5)
	if err := Remove(dir); err == nil || !strings.Contains(err.Error(), "a process works in") {
		t.Errorf("removed a running one: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	is(Stopped, 0.5)
	damaged := filepath.Join(dir, "result.json")
	if err := os.WriteFile(damaged, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := List(t.Context(), root); err != nil || !strings.Contains(all[0].Trouble, "result.json") ||
		all[0].Status != Stopped {
		t.Errorf("%v: %+v", err, all)
	}
	if err := Remove(dir); err != nil {
		t.Error(err)
	}
	if all, err := List(t.Context(), root); err != nil || len(all) > 0 {
		t.Errorf("%v: %+v", err, all)
	}
}
