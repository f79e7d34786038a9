package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/forecast"
	"ordo/runner/sweep"
)

func TestDryRun(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := experiment(t, tiny), filepath.Join(t.TempDir(), "run")
	dry := func() (f forecast.Run) {
		t.Helper()
		r := ordo(t, "run", file, "--out", out, "--dry-run", "--json")
		r.check(t, exitOK)
		if err := json.Unmarshal([]byte(r.stdout), &f); err != nil {
			t.Fatalf("%v in %s", err, r.stdout)
		}
		return f
	}
	if f := dry(); f.Status != forecast.New || f.Steps != 4 || f.Folder != out || f.Name != "tiny" {
		t.Errorf("%+v", f)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("--dry-run left %s: %v", out, err)
	}
	ordo(t, "run", file, "--out", out).check(t, exitOK)
	if f := dry(); f.Status != "finished" || f.MinutesLeft != 0 {
		t.Errorf("%+v", f)
	}
	text := ordo(t, "run", file, "--out", out, "train.epochs=3", "--dry-run")
	text.check(t, exitOK)
	if !strings.Contains(text.stdout, "holds something else") || !strings.Contains(text.stdout, "3 epochs of 2 steps") {
		t.Errorf("stdout %s", text.stdout)
	}
	ordo(t, "run", file, "--dry-run", "--check").check(t, exitUsage, "exclude each other")
	ordo(t, "run", file, "--dry-run", "train.batch_size=25").check(t, exitConfig, "24 training images")
}

func TestSweepDryRun(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, roles)
	dry := func() (f sweep.Forecast) {
		t.Helper()
		r := ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--jobs", "2", "--dry-run", "--json")
		r.check(t, exitOK)
		if err := json.Unmarshal([]byte(r.stdout), &f); err != nil {
			t.Fatalf("%v in %s", err, r.stdout)
		}
		return f
	}
	f := dry()
	if len(f.Trials) != 4 || f.Timed != 2 || f.Finished != 0 || f.Trials[0].Views != 2 || f.Trials[3].Views != 4 ||
		f.Trials[0].Steps != 2 {
		t.Errorf("%+v", f)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("--dry-run left %s: %v", out, err)
	}
	ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--jobs", "2").check(t, exitOK)
	if f = dry(); f.Finished != 4 || f.Minutes != 0 {
		t.Errorf("%+v", f)
	}
	text := ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--dry-run")
	text.check(t, exitOK)
	if !strings.Contains(text.stdout, "4, 4 of them finished; 1 at once") {
		t.Errorf("stdout %s", text.stdout)
	}
	ordo(t, "sweep", file, "--dry-run", "--table").check(t, exitUsage, "exclude each other")
	ordo(t, "sweep", file, "--out", out, "--dry-run").check(t, exitFailure, "holds another sweep")
}
