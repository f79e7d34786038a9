package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/launch"
	"ordo/runner/lock"
)

// epochsText is a base whose trials can be stopped early.
const epochsText = "augment: {ordered: [{family: rotate}]}\ntrain: {epochs: 9}\neval: {every_epochs: 1}\n"

const tpeText = `base: base.yaml
method: tpe
run_cap: 14
parameters:
  train.lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
  train.warmup_epochs: {min: 0, max: 3}
  train.schedule: {values: [cosine, constant]}
`

const ashaText = `base: base.yaml
method: random
run_cap: 18
early_terminate: {type: asha}
parameters:
  train.lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
  seed: {value: 1}
`

// searchBench is a bench of trials that evaluate after every epoch.
func searchBench(t *testing.T, text string) *bench {
	t.Helper()
	b := newBench(t, text)
	b.write("base.yaml", epochsText)
	return b
}

// run runs the sweep in a folder of its own.
func (b *bench) run(out string, jobs int) Table {
	b.t.Helper()
	o := options(filepath.Join(b.dir, out))
	o.Jobs = jobs
	table, err := b.plan().Run(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	return table
}

// journal is the text of a sweep's journal.
func (b *bench) journal(out string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, out, journalFile))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// top is the best number of a table.
func top(t Table) (best float64) {
	for _, s := range t.Trials {
		best = max(best, s.all["knn_top1"])
	}
	return best
}

// TestTPE: what a search chooses is better than what it drew first, the same again, and the folder alone says so.
func TestTPE(t *testing.T) {
	b := searchBench(t, tpeText)
	table := b.run("out", 1)
	if table.Status != Finished || len(table.Trials) != 14 {
		t.Fatalf("%s, %d trials", table.Status, len(table.Trials))
	}
	if b.run("again", 1); b.journal("again") != b.journal("out") {
		t.Error("the same search decided otherwise")
	}
	b.calls()
	if again := b.run("out", 1); again.Text() != table.Text() || len(b.calls()) > 0 {
		t.Error("a finished search went on")
	}
	p, err := Open(b.out)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := p.Table(b.out)
	if err != nil || opened.Text() != table.Text() || p.Hash != b.plan().Hash {
		t.Errorf("its folder says %v\n%s\nnot\n%s", err, opened.Text(), table.Text())
	}
	status, err := p.Status(b.out)
	if err != nil || status.Total != 14 || status.Counts[Finished] != 14 {
		t.Errorf("status %+v, %v", status, err)
	}
	if _, err := p.Run(t.Context(), options(b.out)); err != nil || len(b.calls()) > 0 {
		t.Errorf("its folder in place of the file: %v", err)
	}
	known, total := b.plan().Chosen()
	first := b.plan().Trials[:known]
	if known != 10 || total != 14 || !slices.EqualFunc(first, table.Trials[:10], func(a Trial, s State) bool {
		return a.Hash == s.Hash && a.Folder == s.Folder
	}) {
		t.Error("the first ten trials are not those of the plan")
	}
	mean := func(all []State) (sum float64) {
		for _, s := range all {
			sum += s.all["knn_top1"] / float64(len(all))
		}
		return sum
	}
	if drawn, chosen := mean(table.Trials[:10]), mean(table.Trials[10:]); !(chosen > drawn) {
		t.Errorf("what was chosen has %v, what was drawn %v", chosen, drawn)
	}
}

// TestTPESeeds: a combination is run with every seed before another one is chosen.
func TestTPESeeds(t *testing.T) {
	b := searchBench(t, strings.Replace(tpeText, "14", "11", 1)+"seeds: [3, 5]\n")
	table := b.run("out", 1)
	if len(table.Rows) != 11 || len(table.Trials) != 22 || table.Status != Finished {
		t.Fatalf("%d rows of %d trials, %s", len(table.Rows), len(table.Trials), table.Status)
	}
	for i := 0; i < 22; i += 2 {
		a, b := table.Trials[i], table.Trials[i+1]
		if a.Seed != 3 || b.Seed != 5 || !slices.Equal(a.Values[:3], b.Values[:3]) {
			t.Fatalf("trials %v and %v", a.Overrides, b.Overrides)
		}
	}
	p, j := b.plan(), b.read("out")
	_, columns := p.estimator()
	seen := p.observe(j, columns)
	mean := (table.Trials[0].all["knn_top1"] + table.Trials[1].all["knn_top1"]) / 2
	if len(seen) != 11 || seen[0].Value != mean || seen[0].Failed || seen[0].Pending {
		t.Errorf("the first combination is known as %+v, want the mean %v", seen[0], mean)
	}
}

// read reads a sweep's journal.
func (b *bench) read(out string) *journal {
	b.t.Helper()
	j, _, err := readJournal(filepath.Join(b.dir, out))
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

// TestTPEConditions: a key is there where its condition is met, and combinations that are excluded never.
func TestTPEConditions(t *testing.T) {
	b := searchBench(t, `base: base.yaml
method: tpe
run_cap: 14
parameters:
  augment: {parameters: {roles.rotate: {values: [absent, ordered]}}}
  loss.order.weight: {min: 1, max: 4, when: {augment.roles.rotate: ordered}}
  train.lr: {values: [1e-3, 1e-2, 1e-1], probabilities: [0.2, 0.4, 0.4]}
  train.weight_decay: {distribution: q_uniform, min: 0, max: 0.4, q: 0.1, when: {loss.order.weight: [2, 3]}}
exclude: [{train.lr: 1e-1, augment.roles.rotate: absent}]
`)
	table := b.run("out", 3)
	met := 0
	for _, s := range table.Trials {
		role, weight, rate, decay := s.Values[0], s.Values[1], s.Values[2], s.Values[3]
		if (weight == "") != (role == "absent") || (decay == "") != (weight != "2" && weight != "3") ||
			rate == "1e-1" && role == "absent" {
			t.Errorf("trial %d is %v", s.Number, s.Overrides)
		}
		if decay != "" {
			met++
		}
	}
	if met == 0 || table.Status != Finished {
		t.Errorf("%d trials met the conditions, %s", met, table.Status)
	}
}

// TestTPESpent: a search ends where nothing is left, and no combination is run twice.
func TestTPESpent(t *testing.T) {
	b := searchBench(t, "base: base.yaml\nmethod: tpe\nrun_cap: 20\n"+
		"parameters: {train.lr: {values: [0.1, 1e-1, 0.01, 1]}}\n")
	for range 2 {
		table := b.run("out", 2)
		if len(table.Trials) != 3 || table.Status != Finished || !b.read("out").spent {
			t.Errorf("%d trials, %s", len(table.Trials), table.Status)
		}
	}
}

// TestFailedObservation: a trial that fails is a bad one for the search, is tried again by the next call, and does not
// hold the others up.
func TestFailedObservation(t *testing.T) {
	b := searchBench(t, strings.Replace(tpeText, "14", "12", 1))
	t.Setenv(failVariable, "train.schedule=constant")
	o := options(b.out)
	table, err := b.plan().Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "of 12 trials failed") || len(table.Trials) != 12 {
		t.Fatalf("%v, %d trials", err, len(table.Trials))
	}
	p, j := b.plan(), b.read("out")
	_, columns := p.estimator()
	failed := 0
	for i, seen := range p.observe(j, columns) {
		if seen.Failed != (table.Trials[i].Status == Failed) {
			t.Errorf("trial %d is %s and known as %+v", i+1, table.Trials[i].Status, seen)
		}
		if seen.Failed {
			failed++
		}
	}
	b.calls()
	t.Setenv(failVariable, "")
	table, err = b.plan().Run(t.Context(), options(b.out))
	if err != nil || table.Status != Finished || len(b.calls()) != failed {
		t.Errorf("the next call: %v, %s", err, table.Status)
	}
}

// TestASHA: the good trials go on, the others are stopped where they were compared, and none of these failed.
func TestASHA(t *testing.T) {
	b := searchBench(t, ashaText)
	stopped := map[int]int{}
	o := options(b.out)
	o.Progress = func(e Event) {
		switch e.Status {
		case Stopped:
			stopped[e.Epoch]++
		case Failed, Interrupted, Again:
			t.Errorf("%s is %s", e.Trial.Folder, e.Status)
		}
	}
	p := b.plan()
	table, err := p.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	finished, best := 0, Trial{}
	for _, s := range table.Trials {
		switch s.Status {
		case Finished:
			if finished++; s.all["knn_top1"] == top(table) {
				best = s.Trial
			}
		case Stopped:
			if got := lastEpoch(filepath.Join(b.out, s.Folder)); got != s.Stop.Epoch || s.Failure != nil {
				t.Errorf("%s stopped after epoch %d, and says %+v", s.Folder, got, s.Stop)
			}
		default:
			t.Errorf("%s is %s", s.Folder, s.Status)
		}
	}
	if finished < 2 || finished > 8 || stopped[1]+stopped[3]+finished != 18 || stopped[1] < 8 {
		t.Errorf("%d finished, stopped by epoch: %v", finished, stopped)
	}
	for _, trial := range p.Trials {
		if fakeTop1(trial.experiment, 9) > fakeTop1(p.Trials[best.Number-1].experiment, 9) {
			t.Errorf("%s was stopped, and would have been the best", trial.Folder)
		}
	}
	if text := table.Text(); table.Status != Finished || strings.Count(text, "stopped at 1") != stopped[1] {
		t.Errorf("%s:\n%s", table.Status, text)
	}
	status, err := p.Status(b.out)
	if err != nil || status.Counts[Stopped] != 18-finished || status.Minutes != nil ||
		!strings.Contains(status.Text(), "stopped after epoch 1, 0.") {
		t.Errorf("status %v, %v:\n%s", status.Counts, err, status.Text())
	}
	b.calls()
	if again, err := p.Run(t.Context(), o); err != nil || again.Text() != table.Text() || len(b.calls()) > 0 {
		t.Errorf("the next call ran something: %v", err)
	}
}

// TestEarlyByLoss: trials are compared by the means of their epochs, too, where little is good.
func TestEarlyByLoss(t *testing.T) {
	b := searchBench(t, strings.Replace(ashaText, "type: asha", "type: asha, min_epochs: 2, eta: 2", 1)+
		"metric: {name: loss, goal: minimize}\n")
	table := b.run("out", 2)
	most := map[int]float64{}
	for _, s := range table.Trials {
		if s.Stop != nil {
			most[s.Stop.Epoch] = max(most[s.Stop.Epoch], s.Stop.Value)
		}
	}
	if len(most) != 3 || most[2] == 0 || most[4] == 0 || most[8] == 0 || !(most[8] < most[2]) {
		t.Errorf("the worst that stopped, by epoch: %v", most)
	}
}

// TestMedianRule: a trial that is worse than half of the finished ones stops, those before are finished.
func TestMedianRule(t *testing.T) {
	b := searchBench(t, strings.Replace(ashaText, "type: asha",
		"type: median, min_epochs: 2, every_epochs: 3, min_trials: 4", 1))
	table := b.run("out", 1)
	stopped := 0
	for i, s := range table.Trials {
		switch {
		case s.Status == Stopped && i >= 4 && (s.Stop.Epoch-2)%3 == 0:
			stopped++
		case s.Status != Finished:
			t.Errorf("trial %d is %s, %+v", s.Number, s.Status, s.Stop)
		}
	}
	if stopped < 4 || stopped > 12 {
		t.Errorf("%d of 18 trials stopped", stopped)
	}
	for i, s := range table.Trials {
		if s.all["knn_top1"] == top(table) && s.Status != Finished {
			t.Errorf("trial %d is the best, and stopped", i+1)
		}
	}
}

// TestTarget: once a trial has it, nothing begins and nothing goes on, in a search that stops trials, too.
func TestSearchTarget(t *testing.T) {
	b := searchBench(t, strings.Replace(tpeText, "run_cap: 14", "run_cap: 60\nearly_terminate: {type: asha}", 1)+
		"metric: {name: knn_top1, goal: maximize, target: 0.93}\n")
	table := b.run("out", 1)
	j := b.read("out")
	if !j.reached || j.begun == 60 || top(table) < 0.93 || table.Status != Finished {
		t.Errorf("reached: %t, %d begun, best %v, %s", j.reached, j.begun, top(table), table.Status)
	}
	lines := strings.Split(strings.TrimSpace(b.journal("out")), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, `"target"`) })
	for _, l := range lines[at+1:] {
		if !strings.Contains(l, `"stop"`) {
			t.Errorf("after the target: %s", l)
		}
	}
	b.calls()
	if b.run("out", 3); len(b.calls()) > 0 || len(b.read("out").trials) != len(j.trials) {
		t.Error("the next call went on")
	}
}

// TestSearchKilled: a search that is killed at any moments, with what it runs, decides as one that never was.
func TestSearchKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere the trials of a killed sweep go on")
	}
	text := strings.Replace(tpeText, "run_cap: 14", "run_cap: 12\nearly_terminate: {type: asha}", 1)
	b := searchBench(t, text)
	want := b.run("whole", 1)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	lines := func() int {
		text, err := os.ReadFile(filepath.Join(b.out, journalFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	kills := 0
	for done := false; !done; {
		b.until("the lock of what was killed", func() bool {
			_, held := lock.Held(filepath.Join(b.out, lockFile))
			return !held
		})
		from := lines() + 1 + r.IntN(5) // where to kill it
		killed := exec.Command(program, b.file, b.out)
		killed.Env = append(os.Environ(), asVariable+"=sweep")
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- killed.Wait() }()
		b.until("the search to go on", func() bool {
			select {
			case err := <-ended:
				if done = err == nil; !done {
					panic(err)
				}
				return true
			default:
				return lines() >= from
			}
		})
		if done {
			break
		}
		if err := killed.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		kills++
		if err := <-ended; err != nil {
			t.Log("killed: ", err)
		}
	}
	if kills < 5 {
		t.Errorf("it was killed only %d times", kills)
	}
	if got := b.journal("out"); got != b.journal("whole") {
		t.Errorf("after %d kills it decided\n%s\nnot\n%s", kills, got, b.journal("whole"))
	}
	table, err := b.plan().Table(b.out)
	if err != nil || table.Text() != strings.ReplaceAll(want.Text(), "whole", "out") || table.Status != Finished {
		t.Errorf("after %d kills, %v:\n%s", kills, err, table.Text())
	}
	t.Logf("%d kills", kills)
}

// TestSearchInterrupted: a search by several workers that is told to stop leaves nothing behind when it goes on.
func TestSearchInterrupted(t *testing.T) {
	b := searchBench(t, strings.Replace(tpeText, "run_cap: 14", "run_cap: 12\nearly_terminate: {type: asha, eta: 2}", 1))
	calls := 0
	for n := 4; ; n += 5 {
		ctx, cancel := context.WithCancel(t.Context())
		o := options(b.out)
		o.Jobs = 3
		seen := 0
		o.Progress = func(Event) {
			if seen++; seen == n {
				cancel()
			}
		}
		_, err := b.plan().Run(ctx, o)
		cancel()
		calls++
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || calls > 40 {
			t.Fatal(err)
		}
	}
	table, err := b.plan().Table(b.out)
	if err != nil || table.Status != Finished || len(table.Trials) != 12 || calls < 3 {
		t.Errorf("after %d calls: %v, %s, %d trials", calls, err, table.Status, len(table.Trials))
	}
	for i, j := range b.read("out").trials {
		if j.state != Finished && j.state != Stopped {
			t.Errorf("trial %d is %q", i+1, j.state)
		}
	}
}

func TestSearchFaults(t *testing.T) {
	rate := "parameters: {train.lr: {min: 0.1, max: 1.0}}\n"
	for _, c := range []struct{ name, text, says string }{
		{"no cap", "method: tpe\n" + rate, "run_cap: is missing"},
		{"bases", "method: tpe\nrun_cap: 3\n" + rate, ""},
		{"drawn seed", "method: tpe\nrun_cap: 3\nparameters: {seed: {min: 1, max: 9}}\n", "seed: can't be drawn"},
		{"excluded seed", "method: tpe\nrun_cap: 3\nseeds: 2\nexclude: [{seed: 1}]\n" + rate,
			"exclude[0]: can't be about the seed"},
		{"many", "method: tpe\nrun_cap: 9999\nseeds: 2\n" + rate, "more than 10000 trials"},
		{"everything excluded", "method: tpe\nrun_cap: 3\nparameters: {train.lr: {values: [0.1]}}\n" +
			"exclude: [{train.lr: 0.1}]\n", "leaves nothing to run"},
		{"a bad value", "method: tpe\nrun_cap: 3\nparameters: {train.lr: {min: -2.0, max: -1.0}}\n", "train.lr: drawn"},
		{"no type", "method: grid\nearly_terminate: {eta: 3}\n" + rate, "early_terminate: needs a type"},
		{"no map", "method: grid\nearly_terminate: asha\n" + rate, "early_terminate: must be a map"},
		{"hyperband", "method: grid\nearly_terminate: {type: hyperband}\n" + rate, "write asha"},
		{"a type", "method: grid\nearly_terminate: {type: x}\n" + rate, `must be asha or median, got "x"`},
		{"eta", "method: grid\nearly_terminate: {type: asha, eta: 1}\n" + rate, "eta: must be a whole number in [2, 100]"},
		{"a key of another", "method: grid\nearly_terminate: {type: median, eta: 2}\n" + rate, "eta: is not for median"},
		{"W&B's key", "method: grid\nearly_terminate: {type: asha, min_iter: 2}\n" + rate, `"min_iter" is no key here`},
		{"only at the end", "method: random\nrun_cap: 2\nearly_terminate: {type: asha}\n" +
			"metric: {name: evaluation.probe.features, goal: maximize}\n" + rate, "is measured at a training's end only"},
		{"never evaluated", "method: random\nrun_cap: 2\nearly_terminate: {type: asha, min_epochs: 2}\n" +
			"parameters: {train.lr: {min: 0.1, max: 1.0}, eval.every_epochs: {value: 0}}\n", "eval.every_epochs is 0"},
		{"between evaluations", "method: random\nrun_cap: 2\nearly_terminate: {type: asha, min_epochs: 2, eta: 2}\n" +
			"parameters: {train.lr: {min: 0.1, max: 1.0}, eval.every_epochs: {value: 4}}\n",
			"after epoch 2, and eval.every_epochs is 4"},
		{"too late", "method: random\nrun_cap: 2\nearly_terminate: {type: asha, min_epochs: 9}\n" + rate,
			"none is ever compared"},
		{"fine", "method: random\nrun_cap: 2\nearly_terminate: {type: median, min_epochs: 4}\n" + rate, ""},
	} {
		base := "base: base.yaml\n"
		if c.name == "bases" {
			base, c.says = "base: [base.yaml, other.yaml]\n", "must be one file for tpe"
		}
		b := searchBench(t, base+c.text)
		b.write("other.yaml", epochsText)
		_, err := NewPlan(b.file, nil, nil)
		said := errors.Is(err, fault.Config) && strings.Contains(err.Error(), c.says)
		if c.says == "" && err != nil || c.says != "" && !said {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
	}
}

// TestSearchNeedsAProcess: schedulers that run trials by themselves can't decide.
func TestSearchNeedsAProcess(t *testing.T) {
	for _, text := range []string{tpeText, ashaText} {
		b := searchBench(t, text)
		_, submit := b.plan().Submit(t.Context(), options(b.out), launch.Slurm{})
		_, manifest := b.plan().Manifest(options(b.out), launch.Kubernetes{Image: "x", Claim: "y", Mount: b.dir}, true)
		_, trial := b.plan().RunTrial(t.Context(), options(b.out), 1)
		for i, err := range []error{submit, manifest, trial} {
			if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), "is run by one process") {
				t.Errorf("%d: got %v", i, err)
			}
		}
	}
}

// TestSearchHash: what a search decides by makes it another one.
func TestSearchHash(t *testing.T) {
	both := strings.Replace(tpeText, "run_cap: 14", "run_cap: 14\nearly_terminate: {type: asha}", 1)
	b := searchBench(t, both)
	hash := b.plan().Hash
	for _, c := range []struct {
		name, old, new string
		same           bool
	}{
		{"jobs", "method:", "jobs: 2\nmethod:", true},
		{"layout", "method:", "\n\nmethod:", true},
		{"method", "tpe", "random", false},
		{"goal", "method:", "metric: {name: knn_top1, goal: minimize}\nmethod:", false},
		{"rule", "asha", "median", false},
		{"rungs", "type: asha", "type: asha, eta: 2", false},
		{"bounds", "max: 3", "max: 4", false},
		{"seed", "method:", "search_seed: 2\nmethod:", false},
	} {
		b.write("roles.yaml", strings.Replace(both, c.old, c.new, 1))
		if got := b.plan().Hash; (got == hash) != c.same {
			t.Errorf("%s: the hash is %s, it was %s", c.name, got, hash)
		}
	}
}

// TestJournal: what a crash cut is no line; what is damaged is a fault.
func TestJournal(t *testing.T) {
	whole := `{"what":"begin","trial":1,"until":2}
{"what":"pause","trial":1,"epoch":2,"value":0.5}
{"what":"begin","trial":2,"until":2}
{"what":"fail","trial":2}
{"what":"go on","trial":1}
{"what":"finish","trial":1,"value":0.75}
{"what":"target","trial":1,"value":0.75}
{"what":"spent"}
`
	dir := t.TempDir()
	path := filepath.Join(dir, journalFile)
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(whole + `{"what":"begin","tri`)
	j, err := openJournal(dir)
	if err != nil || j.begun != 2 || !j.reached || !j.spent || j.trials[0].state != Finished ||
		*j.trials[0].value != 0.75 || j.trials[1].state != Failed {
		t.Fatalf("%+v, %v", j, err)
	}
	if err := j.note(dir, entry{What: finishes, Trial: 2}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != whole+`{"what":"finish","trial":2}`+"\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if err := j.note(dir, entry{What: pauses, Trial: 1}); err == nil {
		t.Error("a finished trial paused")
	}
	for _, line := range []string{
		"{", "null", `{"what":"x","trial":1}`, `{"what":"begin"}`, `{"what":"begin","trial":4}`, `{"what":"begin","trial":1}`,
		`{"what":"pause","trial":2,"epoch":1}`, `{"what":"go on","trial":1}`,
		`{"what":"pause","trial":3,"epoch":1,"value":1}`,
	} {
		write(whole + line + "\n")
		if _, _, err := readJournal(dir); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), journalFile+":9: ") {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

// FuzzJournal: any text is a fault of kind Data, or trials of which each is in one state.
func FuzzJournal(f *testing.F) {
	f.Add(`{"what":"begin","trial":1,"values":["0.1"],"until":2}` + "\n" +
		`{"what":"pause","trial":1,"epoch":2,"value":0.5}` + "\n")
	f.Add(`{"what":"begin","trial":1}` + "\n" + `{"what":"finish","trial":1,"value":1}` + "\n" + `{"what":"spent"}`)
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, journalFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		j, _, err := readJournal(dir)
		if err != nil {
			if !errors.Is(err, fault.Data) {
				t.Fatalf("%v is no fault of kind Data", err)
			}
			return
		}
		if len(j.trials) != j.begun || len(j.values) != j.begun {
			t.Fatalf("%d trials, %d values, %d begun", len(j.trials), len(j.values), j.begun)
		}
		for _, trial := range j.trials {
			if _, ok := trial.last(); !ok && (trial.state == Paused || trial.state == Stopped) {
				t.Fatalf("%+v is somewhere and nowhere", trial)
			}
		}
	})
}

// FuzzEarly: any section is a fault, or gives rungs that rise and end.
func FuzzEarly(f *testing.F) {
	f.Add("{type: asha, min_epochs: 2, eta: 4}", 30)
	f.Add("{type: median, min_epochs: 1, every_epochs: 2, min_trials: 3}", 7)
	f.Add("[1, 2]", 1)
	f.Add("{type: asha, min_epochs: 1000000, eta: 100}", 1<<30)
	f.Fuzz(func(t *testing.T, section string, epochs int) {
		file, err := parseFile("s.yaml", []byte("base: b\nmethod: grid\nparameters: {seed: {value: 1}}\n"+
			"early_terminate: "+section))
		if err != nil {
			if !errors.Is(err, fault.Config) || err.Error() == "" {
				t.Fatalf("%v is no fault of kind Config", err)
			}
			return
		}
		e := file.Early
		if e == nil || epochs < 1 || epochs > 1<<40 {
			return
		}
		at := 0
		for range 100 {
			next := e.next(at, epochs)
			if next == epochs {
				return
			}
			if next <= at || next > epochs {
				t.Fatalf("%+v: after epoch %d comes %d of %d", *e, at, next, epochs)
			}
			at = next
		}
		if e.Type == ruleASHA {
			t.Fatalf("%+v: a hundred rungs of %d epochs", *e, epochs)
		}
	})
}

func ExamplePlan_Chosen() {
	dir, err := os.MkdirTemp("", "search")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{"base.yaml": epochsText, "search.yaml": tpeText} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			fmt.Println(err)
			return
		}
	}
	plan, err := NewPlan(filepath.Join(dir, "search.yaml"), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	known, total := plan.Chosen()
	fmt.Println(known, "of", total, "trials are known before the first one has run")
	// Output:
	// 10 of 14 trials are known before the first one has run
}
