package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/sweep"
	"ordo/runner/track"
)

// TestSweepSearch: a search that stops trials early, with real trainings. What went on ends with the bits of a training
// that never paused.
func TestSweepSearch(t *testing.T) {
	elsewhere(t)
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, "")
	text := `base: tiny.yaml
method: tpe
run_cap: 12
early_terminate: {type: asha, eta: 2}
parameters:
  train.lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-1}
  train.epochs: {value: 3}
  eval.every_epochs: {value: 1}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ordo(t, "config", "check", file).check(t, exitOK)
	plan := ordo(t, "sweep", "plan", file)
	plan.check(t, exitOK, "10 of at most 12 trials are known; the others are chosen as it goes")
	if n := strings.Count(plan.stdout, "train.lr="); n != 10 {
		t.Errorf("the plan has %d trials:\n%s", n, plan.stdout)
	}
	ordo(t, "sweep", file, "--launcher", "slurm").check(t, exitConfig, "is run by one process")
	r := ordo(t, "sweep", file, "--out", out, "--json")
	r.check(t, exitOK, "paused after epoch 1, knn_top1 0.", "stopped after epoch ", "finished, knn_top1 0.")
	var table sweep.Table
	if err := json.Unmarshal([]byte(r.stdout), &table); err != nil {
		t.Fatal(err)
	}
	went := slices.IndexFunc(table.Trials, func(s sweep.State) bool { return s.Status == sweep.Finished })
	stopped := slices.IndexFunc(table.Trials, func(s sweep.State) bool {
		return s.Status == sweep.Stopped && s.Stop.Epoch > 0
	})
	if table.Status != sweep.Finished || len(table.Trials) != 12 || went < 0 || stopped < 0 {
		t.Fatalf("%s\n%s", r.stdout, r.stderr)
	}
	for what, says := range map[string]string{"status": " after epoch 1, 0.", "table": "stopped at 1"} {
		if r := ordo(t, "sweep", what, out); r.code != exitOK || !strings.Contains(r.stdout, says) {
			t.Errorf("%s: %s%s", what, r.stdout, r.stderr)
		}
	}
	ordo(t, "sweep", "trial", out, "1").check(t, exitConfig, "is run by one process")

	trial := table.Trials[went]
	paused, whole := filepath.Join(out, trial.Folder), filepath.Join(filepath.Dir(out), "whole")
	args := slices.Concat([]string{"run", filepath.Join(out, "base", "tiny.yaml")}, trial.Overrides,
		[]string{"--out", whole})
	ordo(t, args...).check(t, exitOK)
	got, err := track.ReadResult(paused)
	if err != nil {
		t.Fatal(err)
	}
	want, err := track.ReadResult(whole)
	if err != nil {
		t.Fatal(err)
	}
	if got.ParametersHash != want.ParametersHash || got.EncoderSHA256 != want.EncoderSHA256 ||
		got.Files["metrics.jsonl"] != want.Files["metrics.jsonl"] || got.Files["metrics.jsonl"] == "" {
		t.Error("a trial that paused differs from the same training without a pause")
	}
}

func TestRunUntilEpoch(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file := experiment(t, tiny)
	out := filepath.Join(t.TempDir(), "run")
	ordo(t, "run", file, "train.epochs=2", "--out", out, "--until-epoch", "1").
		check(t, exitStopped, "paused after epoch 1 of 2", "without --until-epoch")
	ordo(t, "run", file, "train.epochs=2", "--out", out).check(t, exitOK, "going on after step")
	for _, c := range []struct{ args, says string }{
		{"--until-epoch=0", "must be in"}, {"--dry-run", "exclude each other"},
	} {
		ordo(t, "run", file, "--until-epoch", "1", c.args).check(t, exitUsage, c.says)
	}
}
