package launch

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ordo/models/fault"
	"ordo/models/golden"
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

func TestSlurmTimes(t *testing.T) {
	for text, want := range map[string]float64{
		"90": 90, "5:30": 5.5, "2:00:00": 120, "1-0": 1440, "1-12:30": 1440 + 750, "0-0:10:30": 10.5,
	} {
		if got, ok := slurmMinutes(text); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %g minutes, %v, want %g", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "1:2:3:4", "-5", "1--2", "1-", "infinite"} {
		if got, ok := slurmMinutes(text); ok {
			t.Errorf("%q is %g minutes", text, got)
		}
	}
	if at, ok := End(map[string]string{"SLURM_JOB_END_TIME": "1000"}); !ok || !at.Equal(time.Unix(940, 0)) {
		t.Errorf("%v, %v", at, ok)
	}
	if _, ok := End(nil); ok {
		t.Error("an end without a job")
	}
}

func TestRequeue(t *testing.T) {
	calls := fakeSlurm(t, map[string]string{"scontrol": ""})
	if err := Requeue(t.Context(), map[string]string{"SLURM_JOB_ID": "9", "SLURM_RESTART_COUNT": "3"}); err != nil {
		t.Error(err)
	}
	if calls() != "scontrol requeue 9\n" {
		t.Errorf("called %s", calls())
	}
	for _, environ := range []map[string]string{nil, {"SLURM_JOB_ID": "9", "SLURM_RESTART_COUNT": "200"}} {
		if err := Requeue(t.Context(), environ); err == nil {
			t.Errorf("requeued with %v", environ)
		}
	}
}

func TestRanges(t *testing.T) {
	for want, numbers := range map[string][]int{"": nil, "4": {4}, "1-3": {1, 2, 3}, "1,3-4,9": {1, 3, 4, 9}} {
		if got := ranges(numbers); got != want {
			t.Errorf("%v is %s, want %s", numbers, got, want)
		}
	}
}

// TestCases: every task runs its own words, whatever these are.
func TestCases(t *testing.T) {
	a := Array{Command: "eval", Name: "some", Tasks: []int{1, 2, 1001}, Of: 1001,
		Lines: Cases([][]string{{"echo", "it's", "$HOME"}, {"echo", "a b;c", "*"}})}
	script := filepath.Join(t.TempDir(), "job.sh")
	if err := os.WriteFile(script, []byte(a.script()), 0o600); err != nil {
		t.Fatal(err)
	}
	for task, want := range map[string]string{"1": "it's $HOME\n", "2": "a b;c *\n", "3": ""} {
		cmd := exec.Command("/bin/sh", script, "0")
		cmd.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID="+task)
		if out, err := cmd.Output(); err != nil || string(out) != want {
			t.Errorf("task %s says %q, want %q, %v", task, out, want, err)
		}
	}
	// More tasks than an array has are in several.
	text, err := Slurm{Time: "60"}.Script("jobs", a)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join("testdata", "slurm.txt"), strings.ReplaceAll(text, script, "SCRIPT"))
}

// TestSubmitArray: the script stands in the folder, and Cancel finds the jobs.
func TestSubmitArray(t *testing.T) {
	calls := fakeSlurm(t, map[string]string{"sbatch": "echo 7", "scancel": ""})
	dir := t.TempDir()
	a := Array{Command: "embed", Name: "some", Tasks: []int{1, 2}, Of: 2, Lines: Numbered([]string{"ordo", "x"})}
	jobs, err := Slurm{Parallel: 1}.Submit(t.Context(), dir, a)
	if err != nil || fmt.Sprint(jobs) != "[7]" || !strings.Contains(calls(), "--array=1-2%1 --job-name=some") {
		t.Fatalf("%v, %v, %s", jobs, err, calls())
	}
	text, err := os.ReadFile(filepath.Join(dir, "slurm", "job.sh"))
	if err != nil || !strings.Contains(string(text), "exec ordo x \"$n\"\n") {
		t.Errorf("%s, %v", text, err)
	}
	if jobs, err = Cancel(t.Context(), dir); err != nil || fmt.Sprint(jobs) != "[7]" {
		t.Errorf("%v, %v", jobs, err)
	}
	if jobs, err = Cancel(t.Context(), t.TempDir()); err != nil || jobs != nil {
		t.Errorf("nothing was submitted: %v, %v", jobs, err)
	}
	if _, err := (Slurm{Time: "1"}).Submit(t.Context(), dir, a); !errors.Is(err, fault.Config) {
		t.Errorf("%v", err)
	}
}

// TestManifest: a case a task, with what the pods' environment needs.
func TestManifest(t *testing.T) {
	k := Kubernetes{Image: "registry.example/ordo:1", Claim: "runs", Mount: "/mnt"}
	text, err := k.Manifest(Job{Array: Array{Command: "embed", Name: "All of it!", Hash: "0123", Of: 2,
		Lines: Cases([][]string{{"ordo", "embed", "--shard=1/2"}, {"ordo", "embed", "--shard=2/2"}})},
		Dir: "/mnt/work", Work: "/mnt/work", Environ: []string{"ORDO_DATA_ROOT=/mnt/a=b"}})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join("testdata", "job.yaml"), text)
	if _, err := k.Manifest(Job{Dir: "/mntx"}); !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), "/mntx") {
		t.Errorf("%v", err)
	}
}
