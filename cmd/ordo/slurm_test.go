//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/track"
)

// `make test-slurm` sets it.
var realSlurm = flag.Bool("slurm", false, "start a Slurm of one machine and run sweeps on it; needs root, "+
	"slurmctld, slurmd, munged")

const slurmConf = `ClusterName=ordo
SlurmctldHost=%[1]s(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=%[2]s/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=%[2]s/state
SlurmdSpoolDir=%[2]s/spool
SlurmctldPidFile=%[2]s/slurmctld.pid
SlurmdPidFile=%[2]s/slurmd.pid
SlurmctldLogFile=%[2]s/slurmctld.log
SlurmdLogFile=%[2]s/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=10
ReturnToService=2
JobRequeue=1
MpiDefault=none
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=%[3]d State=UNKNOWN
PartitionName=main Nodes=%[1]s Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:2
`

// startSlurm starts a cluster of this machine, which ends with the test.
func startSlurm(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	key := make([]byte, 1024)
	for i := range key {
		key[i] = byte(rand.Uint32())
	}
	conf := filepath.Join(dir, "slurm.conf")
	for name, text := range map[string]string{"slurm.conf": fmt.Sprintf(slurmConf, host, dir, runtime.NumCPU()),
		"munge.key": string(key)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"state", "spool"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SLURM_CONF", conf)
	for _, args := range [][]string{
		{"munged", "--force", "--foreground", "--key-file=" + dir + "/munge.key", "--socket=" + dir + "/munge.socket",
			"--pid-file=" + dir + "/munged.pid", "--log-file=" + dir + "/munged.log", "--seed-file=" + dir + "/munged.seed"},
		{"slurmctld", "-D", "-c"},
		{"slurmd", "-D", "-c"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatalf("%v: install slurm-wlm and munge", err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		})
		time.Sleep(time.Second)
	}
	for {
		out, err := exec.Command("sinfo", "-h", "-o", "%t").Output()
		if err == nil && strings.HasPrefix(string(out), "idle") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestSlurmShards: the shards of an embedding that a real Slurm runs, of which one was warned, are the whole.
func TestSlurmShards(t *testing.T) {
	if !*realSlurm {
		t.Skip("starts a Slurm: -slurm, as root, with slurm-wlm and munge installed")
	}
	run := evaluated(t)
	t.Setenv(asCommand, "1") // of the jobs
	startSlurm(t)
	dir := t.TempDir()
	whole, parts := filepath.Join(dir, "whole.csv"), filepath.Join(dir, "part.csv")
	args := []string{"embed", run, "--split", "all", "--threads", "1", "data.images=2560", "data.test_images=2560"}
	ordo(t, append(args, "--out", whole)...).check(t, exitOK)
	ordo(t, append(args, "--out", parts, "--launcher", "slurm", "--shard", "4", "--cpus", "1")...).check(t, exitOK)
	warned := 0
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		queue, err := exec.Command("squeue", "-h", "-r", "-o", "%A %T").Output()
		if err != nil {
			t.Fatal(err)
		}
		if len(strings.TrimSpace(string(queue))) == 0 {
			break
		}
		if time.Since(began) > 10*time.Minute {
			t.Fatalf("still in the queue: %s", queue)
		}
		for line := range strings.Lines(string(queue)) {
			job, state, _ := strings.Cut(strings.TrimSpace(line), " ")
			if state == "RUNNING" && warned == 0 &&
				exec.Command("scancel", "--batch", "--signal=USR1", job).Run() == nil {
				warned++
			}
		}
	}
	var all strings.Builder
	for i := 1; i <= 4; i++ {
		text := read(t, filepath.Join(dir, fmt.Sprintf("part-%d-of-4.csv", i)))
		if i > 1 {
			_, text, _ = strings.Cut(text, "\n")
		}
		all.WriteString(text)
	}
	if all.String() != read(t, whole) {
		t.Error("the shards are not the whole")
	}
	t.Logf("4 shards, %d warned: equal to one process's file", warned)
}

// TestSlurm: a sweep on a real Slurm whose jobs are warned, requeued, cancelled and killed at random has the results of
// one that nobody disturbs, each once.
func TestSlurm(t *testing.T) {
	if !*realSlurm {
		t.Skip("starts a Slurm: -slurm, as root, with slurm-wlm and munge installed")
	}
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	startSlurm(t)
	file, out := sweepFile(t, "parameters: {train.epochs: {value: 400}}\nseeds: 8\n")
	alone := out + "-alone"
	ordo(t, "sweep", file, "model.threads=1", "--out", alone).check(t, exitOK)
	r := ordo(t, "sweep", file, "model.threads=1", "--out", out, "--launcher", "slurm", "--cpus", "1", "--json")
	r.check(t, exitOK)
	random := rand.New(rand.NewPCG(*tortureSeed, 4))
	counts := map[string]int{}
	var status struct {
		Counts map[string]int `json:"counts"`
	}
	for began := time.Now(); status.Counts["finished"] < 8; time.Sleep(time.Second) {
		if time.Since(began) > 20*time.Minute {
			t.Fatalf("after %v: %v", time.Since(began), status.Counts)
		}
		queue, err := exec.Command("squeue", "-h", "-o", "%A %T").Output()
		if err != nil {
			t.Fatal(err)
		}
		jobs := strings.Split(strings.TrimSpace(string(queue)), "\n")
		if jobs[0] == "" { // what was cancelled is not done
			ordo(t, "sweep", file, "model.threads=1", "--out", out, "--launcher", "slurm", "--cpus", "1").check(t, exitOK)
		} else if job, state, _ := strings.Cut(jobs[random.IntN(len(jobs))], " "); state == "RUNNING" &&
			time.Since(began) < 2*time.Minute {
			for _, c := range []struct {
				what string
				args []string
			}{
				{"warned", []string{"scancel", "--batch", "--signal=USR1", job}},
				{"requeued", []string{"scontrol", "requeue", job}},
				{"cancelled", []string{"scancel", job}},
				{"killed", []string{"scancel", "--batch", "--signal=KILL", job}},
			}[random.IntN(4):][:1] {
				if exec.Command(c.args[0], c.args[1:]...).Run() == nil {
					counts[c.what]++
				}
			}
		}
		r := ordo(t, "sweep", "status", out, "--json")
		if r.check(t, exitOK); json.Unmarshal([]byte(r.stdout), &status) != nil {
			t.Fatal(r.stdout)
		}
	}
	runs, err := filepath.Glob(filepath.Join(alone, "*", "result.json"))
	if err != nil || len(runs) != 8 {
		t.Fatalf("%v, %v", runs, err)
	}
	for _, run := range runs {
		name := filepath.Base(filepath.Dir(run))
		want, err := track.ReadResult(filepath.Dir(run))
		if err != nil {
			t.Fatal(err)
		}
		got, err := track.ReadResult(filepath.Join(out, name))
		if err != nil || got.ParametersHash != want.ParametersHash ||
			read(t, filepath.Join(out, name, "metrics.jsonl")) != read(t, filepath.Join(alone, name, "metrics.jsonl")) {
			t.Errorf("%s is another run: %v", name, err)
		}
		if n := strings.Count(read(t, filepath.Join(out, name, "log.txt")), "msg=finished"); n != 1 {
			t.Errorf("%s finished %d times", name, n)
		}
	}
	t.Logf("8 trials, jobs %v: equal to an undisturbed sweep's", counts)

	// Stopped: nothing requeues itself.
	file, out = sweepFile(t, "parameters: {train.epochs: {value: 20000}}\nseeds: 3\n")
	ordo(t, "sweep", file, "--out", out, "--launcher", "slurm").check(t, exitOK, "ordo sweep status")
	for { // until one trains
		if steps, _ := filepath.Glob(filepath.Join(out, "*", "last.ckpt")); len(steps) > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	ordo(t, "sweep", "stop", out).check(t, exitOK, "cancelled")
	for began := time.Now(); ; time.Sleep(time.Second) {
		queue, err := exec.Command("squeue", "-h", "-o", "%A").Output()
		if err == nil && len(strings.TrimSpace(string(queue))) == 0 {
			break
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("still in the queue: %s, %v", queue, err)
		}
	}
	if status := ordo(t, "sweep", "status", out); status.code != exitOK || strings.Contains(status.stdout, "running") {
		t.Errorf("status: %s", status.stdout)
	}
	ordo(t, "sweep", file, "--partition", "none", "--out", out).check(t, exitUsage, "is for --launcher slurm")
	ordo(t, "sweep", file, "--launcher", "slurm", "--partition", "none", "--out", out).check(t, exitFailure, "sbatch")
}
