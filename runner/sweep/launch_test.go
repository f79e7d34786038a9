package sweep

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/launch"
)

// fakeSlurm puts programs into the path that write down how they were called.
func fakeSlurm(t *testing.T, scripts map[string]string) (calls func() string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		text := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >> %s/calls\n%s\n", name, dir, script)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "calls")) // nothing was called
		return string(text)
	}
}

func TestSubmit(t *testing.T) {
	calls := fakeSlurm(t, map[string]string{"sbatch": "echo '17;cluster'", "scancel": ""})
	b := newBench(t, twoSeeds)
	p := b.plan()
	o := Options{Dir: b.out, Command: []string{"/opt/my tools/ordo", "sweep"}}
	s := launch.Slurm{Partition: "gpu", Time: "2:00:00", Memory: "8G", GPUs: "1", CPUs: 4, Parallel: 3,
		Extra: []string{"--nice=5"}}
	sub, err := p.Submit(t.Context(), o, s)
	if err != nil || fmt.Sprint(sub.Jobs, sub.Trials, sub.Left) != "[17] [1 2] 0" {
		t.Fatalf("%+v, %v", sub, err)
	}
	for _, want := range []string{
		"--array=1-2%3", "--requeue", "--signal=B:USR1@120", "--partition=gpu", "--time=2:00:00", "--mem=8G",
		"--gpus-per-task=1", "--cpus-per-task=4", "--nice=5", "slurm/job.sh 0\n",
	} {
		if !strings.Contains(calls(), want) {
			t.Errorf("called %s without %s", calls(), want)
		}
	}
	script, err := os.ReadFile(filepath.Join(b.out, "slurm", "job.sh"))
	if err != nil || !strings.Contains(string(script), "exec '/opt/my tools/ordo' sweep trial --requeue -- "+b.out) {
		t.Errorf("%s, %v", script, err)
	}
	jobs, err := p.Cancel(t.Context(), b.out)
	if err != nil || len(jobs) != 1 || !strings.Contains(calls(), "scancel --quiet --full 17") {
		t.Errorf("%v, %v: %s", jobs, err, calls())
	}
	// What is finished is not submitted again.
	if _, err := p.RunTrial(t.Context(), options(b.out), 1); err != nil {
		t.Fatal(err)
	}
	if sub, err = p.Submit(t.Context(), o, launch.Slurm{}); err != nil || fmt.Sprint(sub.Trials, sub.Left) != "[2] 1" {
		t.Errorf("%+v, %v", sub, err)
	}
	if _, err := p.Run(t.Context(), options(b.out)); err != nil {
		t.Fatal(err)
	}
	if sub, err = p.Submit(t.Context(), o, launch.Slurm{}); err != nil || len(sub.Jobs) != 0 || sub.Left != 2 {
		t.Errorf("%+v, %v", sub, err)
	}
}

func TestSubmitFails(t *testing.T) {
	b := newBench(t, twoSeeds)
	for _, c := range []struct {
		name, sbatch string
		slurm        launch.Slurm
		says         string
	}{
		{"a time without use", "", launch.Slurm{Time: "3"}, "at least 5 minutes"},
		{"no time", "", launch.Slurm{Time: "tomorrow"}, "at least 5 minutes"},
		{"refused", "echo 'invalid partition specified: x' >&2; exit 1", launch.Slurm{Partition: "x"}, "invalid partition"},
		{"nonsense", "echo hello", launch.Slurm{}, "no job's number"},
	} {
		fakeSlurm(t, map[string]string{"sbatch": c.sbatch})
		_, err := b.plan().Submit(t.Context(), Options{Dir: b.out, Command: []string{"ordo"}}, c.slurm)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	var f *fault.Error
	_, err := b.plan().Submit(t.Context(), Options{Dir: b.out, Command: []string{"ordo"}}, launch.Slurm{})
	if !errors.As(err, &f) || !strings.Contains(err.Error(), "there is no sbatch here") {
		t.Errorf("no sbatch: %v", err)
	}
}
