package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
)

const twoSeeds = "base: base.yaml\nmethod: grid\nparameters: {train.lr: {value: 0.1}}\nseeds: 2\n"

// TestRetries: a trial that fails is tried as often as the file says, one that is stopped goes on, and one whose
// experiment is wrong is not tried again.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name, exits, retries string
		fails                bool
		calls                int // of every trial
	}{
		{"none", "1", "0", true, 1},
		{"two of two", "1 7", "2", false, 3},
		{"three of two", "1 1 1", "2", true, 3},
		{"stopped, which counts not", "75 130 75 1", "1", false, 5},
		{"a wrong experiment", "3", "5", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, twoSeeds+"retries: "+c.retries+"\n")
			t.Setenv(exitsVariable, c.exits)
			table, err := b.plan().Run(t.Context(), options(b.out))
			if (err != nil) != c.fails || err != nil && !strings.Contains(err.Error(), "2 of 2 trials failed") {
				t.Errorf("%v", err)
			}
			if n := len(b.calls()); n != 2*c.calls {
				t.Errorf("%d calls of two trials, want %d of each", n, c.calls)
			}
			for _, s := range table.Trials {
				failed := s.Status == Failed && s.Attempts == c.calls && s.Failure != nil
				if c.fails && !failed || !c.fails && s.Status != Finished {
					t.Errorf("trial %+v", s)
				}
			}
		})
	}
}

func TestFailFast(t *testing.T) {
	b := newBench(t, strings.Replace(twoSeeds, "seeds: 2", "seeds: 9\nfail_fast: true", 1))
	t.Setenv(failVariable, "seed=2")
	table, err := b.plan().Run(t.Context(), options(b.out))
	if err == nil || !strings.Contains(err.Error(), "1 of 9 trials failed") {
		t.Errorf("%v", err)
	}
	if n := len(b.calls()); n != 2 {
		t.Errorf("%d trials ran", n)
	}
	if table.Trials[0].Status != Finished || table.Trials[1].Status != Failed || table.Trials[2].Status != Pending {
		t.Errorf("trials %+v", table.Trials[:3])
	}
}

// TestRunTrial: one trial by its number, from the folder alone, and beside what runs elsewhere.
func TestRunTrial(t *testing.T) {
	b := newBench(t, twoSeeds)
	if err := b.plan().freeze(b.out); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.file); err != nil { // the folder has all
		t.Fatal(err)
	}
	p, err := Open(b.out)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(exitsVariable, "75")
	if exit, err := p.RunTrial(t.Context(), options(b.out), 2); exit != 75 || err != nil {
		t.Errorf("%d, %v", exit, err)
	}
	if table, err := p.Table(""); err != nil || table.Trials[1].Status != Interrupted ||
		table.Trials[0].Status != Pending {
		t.Errorf("table %+v, %v", table.Trials, err)
	}
	for range 2 { // again it is finished already
		if exit, err := p.RunTrial(t.Context(), options(b.out), 2); exit != 0 || err != nil {
			t.Errorf("%d, %v", exit, err)
		}
	}
	if n := len(b.calls()); n != 2 {
		t.Errorf("%d calls", n)
	}
	for _, number := range []int{0, 3} {
		if _, err := p.RunTrial(t.Context(), options(b.out), number); !errors.Is(err, fault.Config) {
			t.Errorf("trial %d: %v", number, err)
		}
	}
	// The rest is run from the folder.
	if table, err := p.Run(t.Context(), options("")); err != nil || table.Status != Finished {
		t.Errorf("%s, %v", table.Status, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	b := newBench(t, twoSeeds)
	if _, err := Open(b.out); err == nil || !strings.Contains(err.Error(), "no sweep in") {
		t.Errorf("nothing: %v", err)
	}
	if err := b.plan().freeze(b.out); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"base/base.yaml": "was changed", planFile: "damaged"} {
		path := filepath.Join(b.out, name)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append([]byte(" "), was...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(b.out); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTarget: once a trial is good enough no other begins, in this call and the next.
func TestTarget(t *testing.T) {
	for goal, c := range map[string]struct {
		target string
		calls  int
	}{"maximize": {"2", 2}, "minimize": {"1", 1}} {
		b := newBench(t, "base: base.yaml\nmethod: grid\nmetric: {name: loss, goal: "+goal+", target: "+c.target+"}\n"+
			"parameters: {train.lr: {value: 0.1}}\nseeds: 5\n")
		for range 2 {
			if _, err := b.plan().Run(t.Context(), options(b.out)); err != nil {
				t.Error(err)
			}
		}
		if n := len(b.calls()); n != c.calls {
			t.Errorf("%s: %d trials ran, want %d", goal, n, c.calls)
		}
	}
	b := newBench(t, "base: base.yaml\nmethod: grid\nmetric: {name: loss, goal: minimize, target: low}\n"+
		"parameters: {seed: {value: 1}}\n")
	if _, err := NewPlan(b.file, nil, nil); err == nil || !strings.Contains(err.Error(), "metric.target") {
		t.Errorf("no number: %v", err)
	}
}
