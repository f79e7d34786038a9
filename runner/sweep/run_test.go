package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// trialCall is the line that a trial of the bench records.
func (b *bench) trialCall(t Trial) string {
	return strings.Join(t.Overrides, " ") + " --out " + filepath.Join(b.out, t.Folder) + " --json"
}

func TestRun(t *testing.T) {
	b := newBench(t, rolesText)
	p := b.plan()
	var events []string
	o := options(b.out)
	o.Progress = func(e Event) {
		events = append(events, fmt.Sprint(e.Trial.Number, " ", e.Status, " ", e.Ended, "/", e.Total))
		if e.Status == Finished && e.Numbers["loss"] != e.Numbers["seed"] {
			t.Errorf("the event has the numbers %v", e.Numbers)
		}
	}
	table, err := p.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, trial := range p.Trials {
		want = append(want, b.trialCall(trial))
	}
	if got := b.calls(); !slices.Equal(got, want) {
		t.Errorf("called %q\nwant %q", got, want)
	}
	if len(events) != 12 || events[0] != "1 running 0/6" || events[11] != "6 finished 6/6" {
		t.Errorf("events %q", events)
	}
	if table.Status != Finished || len(table.Rows) != 2 || table.Rows[0].Finished != 3 {
		t.Errorf("table %+v", table)
	}
	log, err := os.ReadFile(filepath.Join(b.out, p.Trials[0].Folder+".log"))
	if err != nil || !strings.HasPrefix(string(log), "$ ordo run "+b.out) || !strings.Contains(string(log), `"knn_top1"`) {
		t.Errorf("log %q, %v", log, err)
	}
	for _, name := range []string{csvFile, markdownFile} {
		if _, err := os.Stat(filepath.Join(b.out, name)); err != nil {
			t.Error(err)
		}
	}

	again, err := p.Run(t.Context(), options(b.out))
	if err != nil || again.Text() != table.Text() {
		t.Errorf("the second call: %v\n%s", err, again.Text())
	}
	if got := b.calls(); len(got) > 0 {
		t.Errorf("the second call ran %q", got)
	}
}

// TestFrozen: the base may change after the start; the trials read what was there.
func TestFrozen(t *testing.T) {
	b := newBench(t, rolesText)
	p := b.plan()
	b.write("base.yaml", "train: {epochs: 9}")
	if _, err := p.Run(t.Context(), options(b.out)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(b.out, "base", "base.yaml")); err != nil || string(got) != baseText {
		t.Errorf("base/base.yaml is %q, %v", got, err)
	}
}

// TestBaseExtends: the base may come over another file; the trials need only the sweep's folder, and another file below
// is another sweep.
func TestBaseExtends(t *testing.T) {
	b := newBench(t, strings.Replace(rolesText, "base.yaml", "mine.yaml", 1))
	b.write("mine.yaml", "extends: base.yaml\ntrain: {lr: 0.5}")
	p := b.plan()
	if err := os.Remove(filepath.Join(b.dir, "base.yaml")); err != nil {
		t.Fatal(err)
	}
	table, err := p.Run(t.Context(), options(b.out))
	if err != nil || table.Rows[0].Finished != 3 || table.Rows[0].Numbers["knn_top1"].Mean != 0.52 {
		t.Errorf("%v, %+v", err, table.Rows)
	}
	b.write("base.yaml", baseText+"seed: 3\naugment: {}\n")
	if _, err := NewPlan(b.file, nil, nil); err == nil || !strings.Contains(err.Error(), "base.yaml") {
		t.Errorf("a mistake below: %v", err)
	}
	b.write("base.yaml", "augment: {ordered: [{family: rotate}], base_views: 3}")
	if _, err := b.plan().Run(t.Context(), options(b.out)); err == nil ||
		!strings.Contains(err.Error(), "mine.yaml was edited") {
		t.Errorf("another file below: %v", err)
	}
	b.write("mine.yaml", "extends: base.yaml")
	if _, err := NewPlan(filepath.Join(b.dir, "mine.yaml"), nil, nil); err == nil ||
		!strings.Contains(err.Error(), "is an experiment file") {
		t.Errorf("an experiment in place of a sweep: %v", err)
	}
}

func TestFailure(t *testing.T) {
	b := newBench(t, rolesText)
	p := b.plan()
	t.Setenv(failVariable, "seed=2")
	var failed []Event
	o := options(b.out)
	o.Progress = func(e Event) {
		if e.Status == Failed {
			failed = append(failed, e)
		}
	}
	table, err := p.Run(t.Context(), o)
	if err == nil || !strings.HasPrefix(err.Error(), "2 of 6 trials failed") {
		t.Fatalf("got %v, want 2 of 6 failed", err)
	}
	if got := len(b.calls()); got != 6 {
		t.Errorf("%d trials ran, want all 6", got)
	}
	lines := []string{"trouble 2", "trouble 3", "trouble 4", "trouble 5", "trouble 6"}
	if len(failed) != 2 || failed[0].Failed.Exit != 4 || !slices.Equal(failed[0].Failed.Lines, lines) {
		t.Errorf("failures %+v, want exit status 4 and %q", failed, lines)
	}
	state := table.Trials[1]
	if table.Status != "incomplete" || state.Status != Failed || !slices.Equal(state.Failure.Lines, lines) ||
		table.Rows[0].Finished != 2 {
		t.Errorf("table %+v", table)
	}

	t.Setenv(failVariable, "")
	table, err = p.Run(t.Context(), options(b.out))
	if err != nil || table.Status != Finished {
		t.Fatalf("the second call: %v, %+v", err, table)
	}
	if got, want := b.calls(), []string{b.trialCall(p.Trials[1]), b.trialCall(p.Trials[4])}; !slices.Equal(got, want) {
		t.Errorf("the second call ran %q, want the failed ones %q", got, want)
	}
	log, err := os.ReadFile(failed[0].Log)
	if err != nil || strings.Count(string(log), "$ ordo run") != 2 || !strings.Contains(string(log), "trouble 0") {
		t.Errorf("the log of the failure is gone: %q, %v", log, err)
	}
}

func TestNoProgram(t *testing.T) {
	b := newBench(t, "base: base.yaml\nmethod: grid\nparameters: {seed: {value: 1}}")
	o := options(b.out)
	o.Command = []string{filepath.Join(b.dir, "nothing")}
	table, err := b.plan().Run(t.Context(), o)
	if err == nil || table.Trials[0].Failure.Exit != -1 ||
		!strings.Contains(strings.Join(table.Trials[0].Failure.Lines, " "), "can't be started") {
		t.Errorf("got %v, %+v", err, table.Trials)
	}
}

// TestJobs: two trials run at once, never three, and each has its share of the cores.
func TestJobs(t *testing.T) {
	b := newBench(t, strings.Replace(rolesText, "train.epochs: {value: 3}", "model.threads: {values: [0, 3]}", 1))
	gate := filepath.Join(b.dir, "gate")
	t.Setenv(gateVariable, gate)
	p := b.plan()
	o := options(b.out)
	o.Jobs = 2
	running, most := 0, 0
	o.Progress = func(e Event) {
		if e.Status == Running {
			running++
		} else {
			running--
		}
		most = max(most, running)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := p.Run(t.Context(), o); err != nil {
			t.Error(err)
		}
	})
	b.await(2) // neither ends before the gate is open
	b.write("gate", "")
	wait.Wait()
	if most != 2 {
		t.Errorf("%d trials ran at once, want 2", most)
	}
	share := fmt.Sprintf(" model.threads=0 model.threads=%d ", max(1, runtime.GOMAXPROCS(0)/2))
	for _, call := range b.calls() {
		if strings.Contains(call, share) == strings.Contains(call, "model.threads=3") {
			t.Errorf("%q has the wrong number of threads", call)
		}
	}
}

func TestInterrupt(t *testing.T) {
	b := newBench(t, rolesText)
	gate := filepath.Join(b.dir, "gate")
	t.Setenv(gateVariable, gate)
	p := b.plan()
	o := options(b.out)
	o.Jobs = 2
	var last Event
	o.Progress = func(e Event) { last = e }
	why := errors.New("somebody pressed a key")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		b.await(2)
		cancel(why)
	}()
	table, err := p.Run(ctx, o)
	if !errors.Is(err, why) || last.Status != Interrupted {
		t.Errorf("got %v and last %s, want the cause", err, last.Status)
	}
	for i, s := range table.Trials {
		if want := map[bool]string{true: Interrupted, false: Pending}[i < 2]; s.Status != want {
			t.Errorf("trial %d is %s, want %s", s.Number, s.Status, want)
		}
	}
	for _, trial := range p.Trials[:2] {
		if got, err := os.ReadFile(filepath.Join(b.out, trial.Folder, "last.ckpt")); string(got) != "interrupt" {
			t.Errorf("trial %d left the checkpoint %q, %v", trial.Number, got, err)
		}
	}
	if got := len(b.calls()); got != 2 {
		t.Errorf("%d trials ran, want 2", got)
	}
	b.write("gate", "")
	if table, err := p.Run(t.Context(), o); err != nil || table.Status != Finished || len(b.calls()) != 6 {
		t.Errorf("the second call: %v, %s", err, table.Status)
	}
}

// TestKill: a sweep that is killed takes its trials along, and the next call runs what isn't finished.
func TestKill(t *testing.T) {
	b := newBench(t, rolesText)
	gate := filepath.Join(b.dir, "gate")
	p := b.plan()
	// Two trials are finished when the third one waits.
	t.Setenv(gateVariable, gate)
	b.write("gate", "")
	stop, cancel := context.WithCancel(t.Context())
	o := options(b.out)
	o.Progress = func(e Event) {
		if e.Ended == 2 {
			cancel()
		}
	}
	if _, err := p.Run(stop, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := len(b.calls()); got != 2 {
		t.Fatalf("%d trials ran, want 2", got)
	}
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	killed := exec.Command(program, b.file, b.out)
	killed.Env = append(os.Environ(), asVariable+"=sweep")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	b.await(1)
	if _, err := p.Run(t.Context(), options(b.out)); err == nil ||
		!strings.Contains(err.Error(), "another sweep works in") {
		t.Errorf("a second sweep beside the first gave %v", err)
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed

	b.calls()
	want := []string{
		b.trialCall(p.Trials[2]),
		b.trialCall(p.Trials[3]),
		b.trialCall(p.Trials[4]),
		b.trialCall(p.Trials[5]),
	}
	if runtime.GOOS == "linux" {
		b.awaitFile(filepath.Join(b.out, p.Trials[2].Folder, "last.ckpt"))
	} else {
		want = want[1:] // the orphan goes on to its end
	}
	b.write("gate", "")
	b.until("the trial of the killed sweep to stop, which holds the lock until then", func() bool {
		_, err = p.Run(t.Context(), options(b.out))
		return err == nil || !strings.Contains(err.Error(), "another sweep works in")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.calls(); !slices.Equal(got, want) {
		t.Errorf("the next call ran %q\nwant %q", got, want)
	}
	table, err := p.Table(b.out)
	if err != nil || table.Status != Finished || len(table.Trials) != 6 {
		t.Errorf("%v, %+v", err, table)
	}
}

func TestOccupied(t *testing.T) {
	b := newBench(t, rolesText)
	if _, err := b.plan().Run(t.Context(), options(b.out)); err != nil {
		t.Fatal(err)
	}
	b.calls()
	for _, c := range []struct{ name, old, new, says string }{
		{"a seed more", "[1, 2, 3]", "[1, 2, 3, 4]",
			"2 trials added, (augment.roles.rotate=absent seed=4 train.epochs=3), " +
				"(augment.roles.rotate=ordered seed=4 train.epochs=3)"},
		{"a value less", "[absent, ordered]", "[absent]", "3 trials gone, "},
		{"another value", "value: 3", "value: 4", "train.epochs=4), …; 6 trials gone, "},
		{"another order", "[1, 2, 3]", "[2, 1, 3]", "the same values, in another order"},
	} {
		b.write("roles.yaml", strings.Replace(rolesText, c.old, c.new, 1))
		_, err := b.plan().Run(t.Context(), options(b.out))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.says)
		}
	}
	b.write("roles.yaml", rolesText)
	b.write("base.yaml", "data: {seed: 7}\n"+baseText)
	if _, err := b.plan().Run(t.Context(), options(b.out)); err == nil ||
		!strings.Contains(err.Error(), "the base experiment base.yaml was edited") {
		t.Errorf("another base: got %v", err)
	}

	foreign := filepath.Join(b.dir, "foreign")
	if err := os.MkdirAll(filepath.Join(foreign, "thesis"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := b.plan().Run(t.Context(), options(foreign)); err == nil ||
		!strings.Contains(err.Error(), "holds thesis and no sweep") {
		t.Errorf("somebody's folder: got %v", err)
	}
	if left, err := os.ReadDir(foreign); err != nil || len(left) != 1 {
		t.Errorf("something was put into somebody's folder: %v, %v", left, err)
	}
	if got := b.calls(); len(got) > 0 {
		t.Errorf("trials ran: %q", got)
	}
}

// TestHalfWritten: what a kill leaves of the first moments is no obstacle.
func TestHalfWritten(t *testing.T) {
	b := newBench(t, "base: base.yaml\nmethod: grid\nparameters: {seed: {value: 1}}")
	if err := os.MkdirAll(filepath.Join(b.out, baseDir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out/.lock", "out/.sweep.json123", "out/base/.base.yaml1"} {
		b.write(name, "{")
	}
	if _, err := b.plan().Run(t.Context(), options(b.out)); err != nil {
		t.Fatal(err)
	}
}

func TestRunOptions(t *testing.T) {
	b := newBench(t, rolesText)
	o := options(b.out)
	o.Jobs = -1
	if _, err := b.plan().Run(t.Context(), o); err == nil {
		t.Error("-1 jobs were taken")
	}
	if _, err := os.Stat(b.out); !os.IsNotExist(err) {
		t.Errorf("a folder was left behind: %v", err)
	}
}
