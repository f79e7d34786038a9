package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/runner/evaluation"
)

// fakeBatch is an sbatch that runs a job array on the spot, one task after the other; it writes down how it was called.
const fakeBatch = `#!/bin/sh
echo "$@" >> "$CALLS"
for a; do case $a in --array=*) array=${a#--array=};; -*) ;; *) script=${script:-$a}; offset=$a;; esac; done
i=${array%%-*}
while [ "$i" -le "${array##*-}" ]; do
	SLURM_ARRAY_TASK_ID=$i sh "$script" "$offset" >> "$CALLS" 2>&1 || exit 1
	i=$((i + 1))
done
echo 7
`

// batch puts it into the path, and gives what it wrote down.
func batch(t *testing.T) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sbatch"), []byte(fakeBatch), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("CALLS", filepath.Join(dir, "calls"))
	t.Setenv(asCommand, "1") // of the jobs
	return func() string { return read(t, filepath.Join(dir, "calls")) }
}

// TestEmbedArray: the shards of an array, one after the other, are what one process writes.
func TestEmbedArray(t *testing.T) {
	run := evaluated(t)
	calls := batch(t)
	dir := t.TempDir()
	whole, parts := filepath.Join(dir, "whole.csv"), filepath.Join(dir, "it's all.csv")
	ordo(t, "embed", run, "--split", "all", "--threads", "1", "--outputs", "features,embedding", "--out", whole).
		check(t, exitOK)
	array := []string{"embed", run, "--split", "all", "--threads", "1", "--outputs", "features,embedding", "--out", parts,
		"--launcher", "slurm", "--shard", "2", "--cpus", "2"}
	dry := ordo(t, append(array, "--dry-run")...)
	dry.check(t, exitOK)
	for _, want := range []string{"--requeue", "--shard=1/2", "--outputs=features --outputs=embedding", "$ sbatch ",
		"--cpus-per-task=2"} {
		if !strings.Contains(dry.stdout, want) {
			t.Errorf("the dry run says %q without %s", dry.stdout, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "it's*")); len(left) > 0 {
		t.Errorf("a dry run left %q", left)
	}
	r := ordo(t, array...)
	r.check(t, exitOK, "it's all-*-of-2.csv", "what they say: "+parts+".jobs/slurm/*.out")
	if r.stdout != "submitted 2 tasks as job 7\n" {
		t.Errorf("stdout %q, %s", r.stdout, calls())
	}
	first, second := read(t, filepath.Join(dir, "it's all-1-of-2.csv")), read(t, filepath.Join(dir, "it's all-2-of-2.csv"))
	_, rows, _ := strings.Cut(second, "\n")
	if first+rows != read(t, whole) {
		t.Errorf("the shards are not the whole: %d and %d bytes of %d", len(first), len(rows), len(read(t, whole)))
	}
}

// TestEvalArray: every target is a task of its own, whose result is where it is without a cluster.
func TestEvalArray(t *testing.T) {
	run := evaluated(t)
	calls := batch(t)
	dir := t.TempDir()
	rows, jobs := filepath.Join(dir, "rows.npz"), filepath.Join(dir, "jobs")
	ordo(t, "embed", run, "--split", "all", "--out", rows).check(t, exitOK)
	r := ordo(t, "eval", run, rows, "eval.knn.k=3", "--name", "again", "--threads", "1", "--launcher", "slurm",
		"--out", jobs)
	r.check(t, exitOK)
	if r.stdout != "submitted 2 tasks as job 7\n" {
		t.Fatalf("stdout %q, %s%s", r.stdout, r.stderr, calls())
	}
	for _, file := range []string{evaluation.File(run, "again"), filepath.Join(jobs, "2-rows.json")} {
		if found, err := evaluation.Read(file); err != nil || len(found.Metrics) == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	t.Chdir(dir)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ORDO_EVAL_KNN_K", "5")
	r = ordo(t, "eval", run, rows, "--launcher", "kubernetes", "--out", "jobs", "--image", "x", "--claim", "y",
		"--mount", filepath.Dir(here))
	r.check(t, exitOK)
	for _, want := range []string{"completions: 2", "workingDir: " + here, "name: ORDO_EVAL_KNN_K",
		"--out=jobs/2-rows.json", "ordo eval"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the manifest is %s without %q", r.stdout, want)
		}
	}
}

func TestLauncherErrors(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"embed x --out x.npz --launcher slurm", "number of shards"},
		{"embed x --out x.npz --launcher slurm --shard 1/2", "number of shards"},
		{"embed x --out x.npz --launcher slurm --shard 0", "--shard must be in"},
		{"embed x --out x.npz --launcher slurm --shard 2 --json", "--json is not for --launcher slurm"},
		{"embed x --out x.npz --launcher there --shard 2", "--launcher must be one of"},
		{"embed x --out x.npz --shard 2", "--shard"},
		{"embed x --out x.npz --dry-run", "--dry-run needs --launcher"},
		{"embed x --out x.npz --partition y", "--partition is for --launcher slurm"},
		{"eval x --launcher slurm", "--out is missing"},
		{"eval x y --launcher slurm --out z --markdown", "--markdown is not for --launcher slurm"},
		{"eval x --dry-run", "--dry-run needs --launcher"},
		{"eval x --image y", "--image is for --launcher kubernetes"},
		{"eval x y train.lr=1 --launcher slurm --out z", "unexpected argument"},
	} {
		ordo(t, strings.Fields(c.args)...).check(t, exitUsage, c.says)
	}
	run := t.TempDir()
	ordo(t, "eval", run, "--launcher", "slurm", "--out", filepath.Join(run, "z")).check(t, exitData)
}
