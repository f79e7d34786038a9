package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ordo/runner/launch"
	"ordo/runner/sweep"
	"ordo/runner/track"
)

func TestLiveRows(t *testing.T) {
	number := 0.91234
	l := sweep.Look{Name: "roles", Total: 9, Left: 90 * time.Second, Waiting: 3,
		Counts: map[string]int{sweep.Finished: 3, sweep.Failed: 1, sweep.Running: 2, sweep.Pending: 3},
		Running: []sweep.LookTrial{
			{Folder: "005-rotate-ordered-seed-2", Epoch: 3.4, Epochs: 15, Number: &number, Left: 70 * time.Second},
			{Folder: "006-rotate-ordered-seed-3"},
		}}
	got := strings.Join(liveRows(l, "order_accuracy.rotate.embedding", 79), "\n")
	want := "roles  44% [=============                 ] 4/9 1m30s left 1 failed 3 waiting\n" +
		"005-rotate-ordered-seed-2  22% [=    ] epoch 3.4/15 embedding 0.9123 1m10s left\n" +
		"006-rotate-ordered-seed-3   0% [                              ]"
	if got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	for _, columns := range []int{1, 10, 30, 59, 79, 200} {
		for _, line := range liveRows(l, "knn_top1", columns) {
			if n := utf8.RuneCountInString(line); n > columns {
				t.Errorf("%d letters in %d columns: %q", n, columns, line)
			}
		}
	}
	l.Running = slices.Repeat(l.Running, 20)
	if rows := liveRows(l, "knn_top1", 79); len(rows) != mostRows+2 || rows[mostRows+1] != "… and 28 more" {
		t.Errorf("%d rows, the last %q", len(rows), rows[len(rows)-1])
	}
}

// TestDrawLines: what was drawn is taken away whole, also where the terminal has broken its lines meanwhile.
func TestDrawLines(t *testing.T) {
	var stderr strings.Builder
	columns := 40
	g := &global{stderr: &stderr, stderrIsTTY: true, columns: func() int { return columns }}
	said := func(want string) {
		t.Helper()
		if stderr.String() != want {
			t.Errorf("%q, want %q", stderr.String(), want)
		}
		stderr.Reset()
	}
	g.drawLines([]string{strings.Repeat("a", 30), "b"})
	said("\r\x1b[K" + strings.Repeat("a", 30) + "\nb")
	g.note("c")
	said("\r\x1b[1A\x1b[Jc\n")
	g.drawLines([]string{strings.Repeat("a", 30), "b"})
	stderr.Reset()
	columns = 20 // the first line has two rows now
	g.wipe()
	said("\r\x1b[2A\x1b[J")
	g.wipe()
	said("")
}

// laidSweep makes the folder of a sweep none of whose trials has begun.
func laidSweep(t *testing.T, text string) (*sweep.Plan, string) {
	t.Helper()
	file, out := sweepFile(t, text)
	plan, err := sweep.NewPlan(file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := launch.Kubernetes{Image: "x", Claim: "x", Mount: filepath.Dir(out)}
	if _, err := plan.Manifest(sweep.Options{Dir: out}, k, true); err != nil {
		t.Fatal(err)
	}
	return plan, out
}

// TestLive: on a terminal a table of what runs stands below the lines, and nothing of it stays.
func TestLive(t *testing.T) {
	plan, out := laidSweep(t, "parameters: {train.epochs: {value: 4}}\nseeds: 2\n")
	running, err := track.Open(filepath.Join(out, plan.Trials[0].Folder), track.Record{Hash: plan.Trials[0].Hash},
		[]byte("train: {epochs: 4}\n"))
	if err == nil {
		err = errors.Join(running.Step(track.Step{Step: 1, Epoch: 2, Loss: 1}), err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	var stderr strings.Builder
	g := &global{stderr: &stderr, stderrIsTTY: true, columns: func() int { return 80 }}
	progress, end := sweepProgress(t.Context(), g, plan, out, 1)
	progress(sweep.Event{Trial: plan.Trials[0], Status: sweep.Running, Total: 2})
	progress(sweep.Event{Trial: plan.Trials[1], Status: sweep.Failed, Ended: 1, Total: 2,
		Failed: sweep.Failure{Exit: 4, Lines: []string{"trouble"}}, Log: "some.log"})
	end()
	said := stderr.String()
	for _, want := range []string{"[1/2] " + plan.Trials[1].Folder +
		": failed with exit status 4, log some.log\n    trouble\n", plan.Trials[0].Folder, " 50% [", "epoch 2.0/4", "0/2"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
	if !strings.HasSuffix(said, "\x1b[J") || strings.Contains(said, ": running") {
		t.Errorf("%q", said)
	}
}

// TestWatchStatus: what another process does is seen, and the status is printed when all have ended.
func TestWatchStatus(t *testing.T) {
	plan, out := laidSweep(t, "parameters: {train.epochs: {value: 4}}\nseeds: 2\n")
	for _, trial := range plan.Trials {
		text := `{"exit": 4, "lines": ["trouble of it"]}` + "\n"
		if err := os.WriteFile(filepath.Join(out, trial.Folder+".attempts.jsonl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := ordo(t, "sweep", "status", out, "--watch")
	r.check(t, exitOK, "[2/2] ", "0 running, 0 waiting, 2 failed")
	if !strings.Contains(r.stdout, "2 failed of 2") || !strings.Contains(r.stdout, "trouble of it") {
		t.Errorf("stdout %q", r.stdout)
	}
	// Told to stop, it says how far the sweep is.
	plan, out = laidSweep(t, "parameters: {train.epochs: {value: 4}}\n")
	r = ordoInterrupted(t, os.Interrupt, "0 running, 1 waiting", "sweep", "status", out, "--watch")
	if r.code != exitOK || !strings.Contains(r.stdout, "1 pending of 1") || len(plan.Trials) != 1 {
		t.Errorf("%d, %q", r.code, r.stdout)
	}
}
