package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/sweep"
)

// asCommand makes the test binary the ordo command: a sweep starts its own program again.
const asCommand = "ORDO_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
	}
	os.Exit(m.Run())
}

// sweepFile writes a sweep over the tiny experiment, and returns its path and a folder for it.
func sweepFile(t *testing.T, text string) (file, out string) {
	t.Helper()
	t.Setenv(asCommand, "1")
	dir := filepath.Dir(experiment(t, tiny))
	file = filepath.Join(dir, "roles.yaml")
	if err := os.WriteFile(file, []byte("base: tiny.yaml\nmethod: grid\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, filepath.Join(dir, "sweep")
}

const roles = `metric: {name: order_accuracy.rotate.embedding, goal: maximize}
parameters:
  augment.roles.rotate: {values: [invariant, ordered]}
  seed: {values: [1, 2]}
`

func TestSweep(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, roles)
	r := ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--jobs", "2", "--json")
	r.check(t, exitOK, "[0/4] 001-rotate-invariant-seed-1: running",
		"[4/4] ", "finished, order_accuracy.rotate.embedding 0.")
	var table sweep.Table
	if err := json.Unmarshal([]byte(r.stdout), &table); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	best := 0
	for _, row := range table.Rows {
		for _, path := range []string{"knn_top1", "order_accuracy.rotate.embedding", "loss"} {
			if s := row.Numbers[path]; s == nil || s.N != 2 || s.Std == nil {
				t.Errorf("row %v has %s = %v, want the mean of two", row.Values, path, s)
			}
		}
		if row.Best {
			best++
		}
	}
	if table.Status != sweep.Finished || len(table.Rows) != 2 || best != 1 {
		t.Errorf("table %+v", table)
	}
	again := ordo(t, "sweep", file, "train.epochs=1", "--out", out)
	again.check(t, exitOK)
	only := ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--table")
	only.check(t, exitOK)
	if strings.Contains(again.stderr, "running") || only.stdout != again.stdout ||
		!strings.Contains(only.stdout, "best") ||
		!strings.HasSuffix(only.stdout, "sweep folder: "+out+"/\n") {
		t.Errorf("the second call said %q and\n%s, --table\n%s", again.stderr, again.stdout, only.stdout)
	}
	ordo(t, "sweep", file, "--out", out).check(t, exitFailure, "holds another sweep")
}

func TestSweepFailure(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, roles)
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	r := ordo(t, "sweep", file, "data.source=idx", "data.root="+nowhere, "--out", out)
	r.check(t, exitFailure, "4 of 4 trials failed", "[4/4] 004-rotate-ordered-seed-2: failed with exit status 4", nowhere)
	if !strings.Contains(r.stdout, "0 of 2") {
		t.Errorf("the table says\n%s", r.stdout)
	}
	log, err := os.ReadFile(filepath.Join(out, "001-rotate-invariant-seed-1.log"))
	if err != nil || !strings.Contains(string(log), nowhere) {
		t.Errorf("log %q, %v", log, err)
	}
}

func TestSweepWithoutLibrary(t *testing.T) {
	t.Setenv(install.EnvLibrary, filepath.Join(t.TempDir(), "none.so"))
	file, out := sweepFile(t, roles)
	ordo(t, "sweep", file, "--out", out).check(t, exitLibrary, "none.so")
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a folder was left behind: %v", err)
	}
}

func TestSweepErrors(t *testing.T) {
	file, out := sweepFile(t, "parameters: {train.epoch: {values: [1, 2]}}")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no file", nil, exitUsage, "a sweep file is missing"},
		{"no jobs", []string{file, "--jobs", "0"}, exitUsage, "--jobs must be in [1, 256]"},
		{"a missing file", []string{file + "x"}, exitConfig, "there is no such file"},
		{"a bad key", []string{file, "--out", out}, exitConfig,
			"roles.yaml:3: train.epoch: unknown key; did you mean train.epochs?"},
		{"an experiment file", []string{filepath.Join(filepath.Dir(file), "tiny.yaml")}, exitConfig,
			"`ordo run "},
	} {
		r := ordo(t, append([]string{"sweep"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
			t.Errorf("%s: exit status %d, stderr %q, want %d and %q", c.name, r.code, r.stderr, c.code, c.says)
		}
	}
	good, out := sweepFile(t, "parameters: {seed: {values: [1, 2, 1]}}")
	ordo(t, "sweep", good, "--out", out, "--table").check(t, exitFailure, "was not started there",
		"left out 1 of 3 combinations")
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a folder was left behind: %v", err)
	}
}

// Ctrl-C reaches the whole process group of a terminal; the trial must hear of it once, and leave a checkpoint.
func TestInterruptedSweep(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, "parameters: {seed: {values: [1, 2]}}")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "sweep", file, "train.epochs=4000", "--out", out)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the exit status says it
	}()
	metrics := filepath.Join(out, "001-seed-1", "metrics.jsonl")
	for {
		if info, err := os.Stat(metrics); err == nil && info.Size() > 0 {
			break
		}
		select {
		case <-ended:
			t.Fatalf("it ended before it was interrupted: %v, stderr %s", cmd.ProcessState, stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted ||
		!strings.Contains(stderr.String(), "001-seed-1: interrupted") ||
		strings.Contains(stderr.String(), "002") {
		t.Errorf("exit status %d, stderr %s", code, stderr.String())
	}
	if _, err := os.Stat(filepath.Join(out, "001-seed-1", "last.ckpt")); err != nil {
		t.Error(err)
	}
}
