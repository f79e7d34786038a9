package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/lock"
	"ordo/runner/track"
)

// `make torture` sets these; a test without them takes a small sample.
var (
	tortureKills   = flag.Int("torture.kills", 4, "runs to kill again and again at random moments")
	tortureDamages = flag.Int("torture.damages", 30, "random damages to files of runs, sweeps and packed images")
	tortureTrials  = flag.Int("torture.trials", 6, "of a sweep whose processes are killed, a third as often")
	tortureSeed    = flag.Uint64("torture.seed", 1, "of the random choices")
	tortureDisks   = flag.Bool("torture.disks", false, "fill a file system, and make it read-only, in the middle of "+
		"runs; needs root")
)

// tortured are the trainings that are killed: everything that a checkpoint has to keep.
var tortured = [][]string{
	{"train.optimizer=adamw"},
	{"train.optimizer=sgd", "train.lr=0.1"},
	{"train.optimizer=lars", "train.lr=0.1"},
	{"train.micro_batch=6"},
	{"loss.invariance.kind=moco"},
	{"loss.invariance.kind=byol"},
	{"augment.std=[1e-38, 1e-38, 1e-38]", "train.skip_nonfinite=100000"},
	{"eval.every_epochs=1", "train.keep_best=knn.features", "train.checkpoint_minutes=0.001"},
}

// elsewhere skips what is about processes of their own, of which the race detector of this one sees nothing.
func elsewhere(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("processes of their own: tested without the race detector")
	}
}

// victim is a process of ordo.
type victim struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// start starts ordo as a process of its own.
func start(t *testing.T, args ...string) *victim {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A command that hangs is a failure of its own.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	v := &victim{cmd: exec.CommandContext(ctx, program, args...)}
	v.cmd.Env = append(os.Environ(), asCommand+"=1")
	v.cmd.Stdout, v.cmd.Stderr = &v.stdout, &v.stderr
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return v
}

// wait gives the exit status; -1 of one that was killed.
func (v *victim) wait() int {
	_ = v.cmd.Wait() // the status says it
	return v.cmd.ProcessState.ExitCode()
}

// ordoProcess runs ordo to its end in a process of its own, so that a crash is seen as one.
func ordoProcess(t *testing.T, args ...string) result {
	t.Helper()
	v := start(t, args...)
	return result{v.wait(), v.stdout.String(), v.stderr.String()}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTortureByKills: a run that is killed at random moments, however often, ends in the same bits.
func TestTortureByKills(t *testing.T) {
	elsewhere(t)
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	random := rand.New(rand.NewPCG(*tortureSeed, 1))
	file := experiment(t, tiny)
	type undisturbed struct {
		result  track.Result
		metrics string
		took    time.Duration
	}
	whole := map[int]undisturbed{}
	kills := 0
	for i := range *tortureKills {
		kind := i % len(tortured)
		args := append([]string{"run", file, "train.epochs=6", "--json"}, tortured[kind]...)
		if whole[kind].took == 0 {
			out, began := filepath.Join(t.TempDir(), "whole"), time.Now()
			r := ordoProcess(t, append(args, "--out", out)...)
			r.check(t, exitOK)
			was := undisturbed{metrics: read(t, filepath.Join(out, "metrics.jsonl")), took: time.Since(began)}
			if err := json.Unmarshal([]byte(r.stdout), &was.result); err != nil {
				t.Fatal(err)
			}
			whole[kind] = was
		}
		want := whole[kind]
		out := filepath.Join(t.TempDir(), "run")
		for attempt := 0; ; attempt++ {
			v := start(t, append(args, "--out", out)...)
			if attempt < 8 { // then it may end
				time.Sleep(time.Duration(random.Int64N(int64(want.took) * 2 / 3)))
				_ = v.cmd.Process.Kill() // it may have ended
			}
			if code := v.wait(); code == -1 {
				kills++
				continue
			} else if code != exitOK {
				t.Fatalf("%v, after %d kills: exit status %d, %s", tortured[kind], attempt, code, v.stderr.String())
			}
			var got track.Result
			if err := json.Unmarshal(v.stdout.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.ParametersHash != want.result.ParametersHash || got.EncoderSHA256 != want.result.EncoderSHA256 ||
				!reflect.DeepEqual(got.Evaluation, want.result.Evaluation) || !reflect.DeepEqual(got.Best, want.result.Best) ||
				got.Files["best.onnx"] != want.result.Files["best.onnx"] ||
				read(t, filepath.Join(out, "metrics.jsonl")) != want.metrics {
				t.Errorf("%v is another run after %d kills", tortured[kind], attempt)
			}
			if err := track.CheckFiles(out); err != nil {
				t.Error(err)
			}
			if left, err := filepath.Glob(filepath.Join(out, ".*[0-9]")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			break
		}
	}
	t.Logf("%d runs, %d kills: the same bits", *tortureKills, kills)
}

// TestTortureBySweeps: a sweep whose coordinator and workers are killed at random moments has every trial once, in the
// bits of an undisturbed one.
func TestTortureBySweeps(t *testing.T) {
	elsewhere(t)
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	random := rand.New(rand.NewPCG(*tortureSeed, 6))
	file, out := sweepFile(t, fmt.Sprintf("parameters: {train.epochs: {value: 20}}\nseeds: %d\njobs: 2\n", *tortureTrials))
	alone := out + "-alone"
	began := time.Now()
	ordo(t, "sweep", file, "--out", alone).check(t, exitOK)
	took := time.Since(began)
	kills := map[string]int{}
	for attempt := 0; ; attempt++ {
		v := start(t, "sweep", file, "--out", out)
		if attempt < *tortureTrials/3 {
			time.Sleep(took / time.Duration(*tortureTrials/3+1))
			if workers := working(t, out); random.IntN(2) == 0 && len(workers) > 0 {
				kills["worker"]++
				_ = syscall.Kill(workers[random.IntN(len(workers))], syscall.SIGKILL) // it may have ended
				time.Sleep(took / time.Duration(*tortureTrials+1))
			}
			kills["coordinator"]++
			_ = v.cmd.Process.Kill() // it may have ended
		}
		// A failed trial is one whose worker was killed: the same command tries it again.
		if code := v.wait(); code == exitOK {
			break
		}
		if attempt > 3**tortureTrials {
			t.Fatalf("after %d attempts: %s", attempt, v.stderr.String())
		}
	}
	runs, err := filepath.Glob(filepath.Join(alone, "*", "result.json"))
	if err != nil || len(runs) != *tortureTrials {
		t.Fatalf("%d trials, %v", len(runs), err)
	}
	for _, run := range runs {
		name := filepath.Base(filepath.Dir(run))
		want, err := track.ReadResult(filepath.Dir(run))
		if err != nil {
			t.Fatal(err)
		}
		got, err := track.ReadResult(filepath.Join(out, name))
		if err != nil || got.ParametersHash != want.ParametersHash || got.Hash != want.Hash ||
			read(t, filepath.Join(out, name, "metrics.jsonl")) != read(t, filepath.Join(alone, name, "metrics.jsonl")) {
			t.Errorf("%s is another run: %v", name, err)
		}
	}
	folders, err := filepath.Glob(filepath.Join(out, "*-seed-*", "run.json"))
	if err != nil || len(folders) != len(runs) {
		t.Errorf("%d folders, %v", len(folders), err)
	}
	t.Logf("%d trials, kills %v: each once, in the same bits", len(runs), kills)
}

// working lists the processes that work on a sweep's trials.
func working(t *testing.T, dir string) (all []int) {
	t.Helper()
	locks, err := filepath.Glob(filepath.Join(dir, "*", ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range locks {
		if h, held := lock.Held(path); held && h.PID > 0 {
			all = append(all, h.PID)
		}
	}
	return all
}

// A damage changes a file; other is the same file of another run, or "".
type damage struct {
	name string
	do   func(random *rand.Rand, path, other string) error
}

var damages = []damage{
	{"a bit", func(r *rand.Rand, path, _ string) error {
		return rewrite(path, func(b []byte) []byte {
			if len(b) > 0 {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			return b
		})
	}},
	{"a bit, again", func(r *rand.Rand, path, _ string) error {
		return rewrite(path, func(b []byte) []byte {
			if len(b) > 0 {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			return b
		})
	}},
	{"cut", func(r *rand.Rand, path, _ string) error {
		return rewrite(path, func(b []byte) []byte { return b[:r.IntN(len(b)+1)] })
	}},
	{"zeros", func(r *rand.Rand, path, _ string) error {
		return rewrite(path, func(b []byte) []byte {
			from := r.IntN(len(b) + 1)
			clear(b[from:min(len(b), from+1+r.IntN(512))])
			return b
		})
	}},
	{"more", func(_ *rand.Rand, path, _ string) error {
		return rewrite(path, func(b []byte) []byte { return append(b, "more"...) })
	}},
	{"empty", func(_ *rand.Rand, path, _ string) error { return os.WriteFile(path, nil, 0o600) }},
	{"{}", func(_ *rand.Rand, path, _ string) error { return os.WriteFile(path, []byte("{}\n"), 0o600) }},
	{"gone", func(_ *rand.Rand, path, _ string) error { return os.Remove(path) }},
	{"another's", func(_ *rand.Rand, path, other string) error {
		text, err := os.ReadFile(other)
		if err != nil {
			text = []byte("another's")
		}
		return os.WriteFile(path, text, 0o600)
	}},
}

// rewrite changes a file in place of its links: another name of it stays as it is.
func rewrite(path string, change func([]byte) []byte) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, change(text), 0o600)
}

// scene is a folder to damage, and the commands that are called after that. What they give must be noticed to be wrong,
// or be what they give of the undamaged folder.
type scene struct {
	name     string
	folder   string // undamaged
	other    string // of another run
	commands []sceneCommand
}

type sceneCommand struct {
	args   func(dir, out string) []string
	result func(t *testing.T, r result, dir, out string) string // all that must be the same
}

// TestTortureByDamage: whatever happens to a file of a run, a sweep or a set of packed images, the next command says so
// or gives what it would have given.
func TestTortureByDamage(t *testing.T) {
	elsewhere(t)
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	random := rand.New(rand.NewPCG(*tortureSeed, 2))
	scenes := tortureScenes(t)
	noticed, same := 0, 0
	undamaged := map[string]string{}
	for i := range *tortureDamages {
		s := scenes[i%len(scenes)]
		files := filesBelow(t, s.folder)
		file := files[random.IntN(len(files))]
		d := damages[random.IntN(len(damages))]
		for k, c := range s.commands {
			dir, out := filepath.Join(t.TempDir(), "damaged"), filepath.Join(t.TempDir(), "out")
			perform := func() (result, string) {
				r := ordoProcess(t, c.args(dir, out)...)
				if r.code != exitOK {
					return r, ""
				}
				return r, c.result(t, r, dir, out)
			}
			key := fmt.Sprint(s.name, k)
			if undamaged[key] == "" {
				copyTo(t, s.folder, dir)
				r, found := perform()
				r.check(t, exitOK)
				undamaged[key] = found
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				_ = os.RemoveAll(out) // it may not be there
			}
			copyTo(t, s.folder, dir)
			chance := rand.New(rand.NewPCG(*tortureSeed, uint64(i)))
			if err := d.do(chance, filepath.Join(dir, file), filepath.Join(s.other, file)); err != nil {
				t.Fatal(err)
			}
			r, found := perform()
			what := fmt.Sprintf("%s, %s of %s, command %v", s.name, d.name, file, c.args("DIR", "OUT"))
			crashed := r.code < 0 || strings.Contains(r.stderr, "goroutine ") || strings.Contains(r.stderr, "panic:")
			switch {
			case crashed:
				t.Errorf("%s: crashed with %d: %s", what, r.code, r.stderr)
			case r.code != exitOK:
				noticed++
				if !strings.Contains(r.stderr, "ordo: ") || strings.Contains(r.stderr, "onnxruntime/core") {
					t.Errorf("%s: says %s", what, r.stderr)
				}
			case found != undamaged[key]:
				t.Errorf("%s: a wrong answer without a word: %s", what, r.stderr)
			case strings.Contains(r.stderr, track.Warning):
				noticed++
			default:
				same++
			}
		}
	}
	t.Logf("%d damages: %d commands noticed, %d gave what they would have given", *tortureDamages, noticed, same)
}

// filesBelow lists the files of a folder.
func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%s holds %v: %v", dir, all, err)
	}
	slices.Sort(all)
	return all
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// tortureScenes makes the folders to damage: an interrupted and a finished run, a sweep, and packed images.
func tortureScenes(t *testing.T) []scene {
	t.Helper()
	file, dir := experiment(t, tiny), t.TempDir()
	var runs [2]struct{ interrupted, finished string }
	for i := range runs {
		seed := fmt.Sprintf("seed=%d", i+1)
		runs[i].finished = filepath.Join(dir, fmt.Sprint("finished", i))
		runs[i].interrupted = filepath.Join(dir, fmt.Sprint("interrupted", i))
		ordo(t, "run", file, "train.epochs=4", seed, "--out", runs[i].finished).check(t, exitOK)
		ordoInterrupted(t, os.Interrupt, ": step 2", "run", file, "train.epochs=4", seed, "train.checkpoint_minutes=1e-9",
			"--out", runs[i].interrupted)
	}
	sweep, sweepOut := sweepFile(t, "parameters: {seed: {values: [1, 2]}}")
	ordo(t, "sweep", sweep, "--out", sweepOut).check(t, exitOK)

	pictures := filepath.Join(dir, "pictures")
	for split, n := range map[string]int{"train": 24, "test": 12} {
		copyTo(t, photographs(t, n), filepath.Join(pictures, split, "some"))
	}
	cache := filepath.Join(dir, "cache")
	packed := func(cache, out string) []string {
		return []string{"run", file, "data.source=folder", "data.root=" + pictures, "data.cache.dir=" + cache, "--out", out,
			"train.epochs=1", "data.images=0", "data.test_images=0", "--json"}
	}
	ordo(t, packed(cache, filepath.Join(dir, "packed"))...).check(t, exitOK)

	run := func(dir, _ string) []string {
		return []string{"run", file, "train.epochs=4", "seed=1", "--out", dir, "--json"}
	}
	embed := func(dir, out string) []string { return []string{"embed", dir, "--out", out + ".npz"} }
	eval := func(dir, out string) []string { return []string{"eval", dir, "--out", out + ".json", "--csv"} }
	embedded := func(t *testing.T, _ result, _, out string) string { return read(t, out+".npz") }
	printed := func(_ *testing.T, r result, dir, _ string) string { return strings.ReplaceAll(r.stdout, dir, "DIR") }
	trained := func(t *testing.T, r result, dir, _ string) string {
		return fromResult(t, r) + read(t, filepath.Join(dir, "metrics.jsonl"))
	}
	finished := func(t *testing.T, r result, _, _ string) string { return fromResult(t, r) }
	return []scene{
		{"interrupted run", runs[0].interrupted, runs[1].interrupted, []sceneCommand{{run, trained}}},
		{"finished run", runs[0].finished, runs[1].finished,
			[]sceneCommand{{run, finished}, {embed, embedded}, {eval, printed}}},
		{"sweep", sweepOut, filepath.Join(dir, "none"), []sceneCommand{{
			func(dir, _ string) []string { return []string{"sweep", sweep, "--out", dir} }, printed}}},
		{"packed images", cache, filepath.Join(dir, "none"), []sceneCommand{{
			packed, func(t *testing.T, r result, _, out string) string {
				return fromResult(t, r) + read(t, filepath.Join(out, "metrics.jsonl"))
			}}}},
	}
}

// fromResult is what a run's result says of its weights, and not of its time.
func fromResult(t *testing.T, r result) string {
	t.Helper()
	var found track.Result
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(found.Evaluation)
	if err != nil {
		t.Fatal(err)
	}
	return found.Status + found.Hash + found.ParametersHash + found.EncoderSHA256 + string(text)
}
