package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ordo/runner"
)

func TestBar(t *testing.T) {
	facts := []string{"epoch  3.4/15", "loss 0.123", " 2m10s left", " 812 img/s"}
	for _, c := range []struct {
		name    string
		b       bar
		columns int
		want    string
	}{
		{"wide", bar{"demo", 42, 100, facts}, 99,
			"demo  42% [============                  ] epoch  3.4/15 loss 0.123  2m10s left  812 img/s"},
		{"60 columns", bar{"demo", 42, 100, facts}, 59, " 42% [=   ] epoch  3.4/15 loss 0.123  2m10s left  812 img/s"},
		{"40 columns", bar{"demo", 42, 100, facts}, 39, " 42% [==     ] epoch  3.4/15 loss 0.123"},
		{"a long name", bar{strings.Repeat("name-", 9), 1, 2, facts[:1]}, 40, "name-name-nam…  50% [==  ] epoch  3.4/15"},
		{"narrow", bar{"demo", 42, 100, facts}, 13, " 42% [==    ]"},
		{"all", bar{"", 3, 3, nil}, 20, "100% [=============]"},
		{"more than all", bar{"", 4, 3, nil}, 20, "100% [=============]"},
		{"nothing yet", bar{"", 0, 0, nil}, 20, "  0% [             ]"},
	} {
		got := c.b.line(c.columns)
		if n := utf8.RuneCountInString(got); n > c.columns {
			t.Errorf("%s: %q has %d letters", c.name, got, n)
		}
		if got != c.want {
			t.Errorf("%s:\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

func TestLeft(t *testing.T) {
	for _, c := range []struct {
		took        time.Duration
		done, total int
		want        string
	}{
		{time.Minute, 1, 2, "1m00s left"}, {time.Second, 1, 2, "1s left"}, {time.Hour, 1, 3, "2h00m left"},
		{time.Hour, 1, 25 * 24, "25 days left"}, {time.Second, 2, 2, "0s left"}, {time.Second, 0, 2, ""},
		{time.Second, 3, 2, ""},
	} {
		if got := left(c.took, c.done, c.total); got != c.want {
			t.Errorf("%v: %q", c, got)
		}
	}
}

// TestTerminal: what the environment wants of a terminal.
func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		name         string
		is           bool
		env          map[string]string
		bars, colour bool
	}{
		{"a terminal", true, nil, true, true},
		{"a pipe", false, nil, false, false},
		{"dumb", true, map[string]string{"TERM": "dumb"}, false, false},
		{"NO_COLOR", true, map[string]string{"NO_COLOR": "1"}, true, false},
		{"CLICOLOR=0", true, map[string]string{"CLICOLOR": "0"}, true, false},
		{"CLICOLOR=1", true, map[string]string{"CLICOLOR": "1"}, true, true},
	} {
		var stderr strings.Builder
		g := &global{stderr: &stderr, env: c.env}
		g.terminal(c.is, func() (int, error) { return 0, errors.New("unknown") })
		g.note("warning: careful")
		want := "warning: careful\n"
		if c.colour {
			want = "\x1b[33mwarning:\x1b[0m careful\n"
		}
		if g.redraws() != c.bars || stderr.String() != want || g.columns() != 80 {
			t.Errorf("%s: bars %t, %q", c.name, g.redraws(), stderr.String())
		}
	}
}

// TestRunProgress: on a terminal a bar that a note doesn't spoil, elsewhere lines at a pace that can be read.
func TestRunProgress(t *testing.T) {
	now := time.Unix(0, 0)
	show := func(g *global) string {
		var stderr strings.Builder
		g.stderr, g.columns = &stderr, func() int { return 60 }
		clock := func() time.Time { return now }
		base := runProgress{g: g, name: "demo", now: clock, reading: newReading(g), encoding: newEncoding(g)}
		var p runner.Progress = &lineProgress{runProgress: base}
		if g.redraws() {
			p = &barProgress{runProgress: base}
		}
		p.Start(0, 40)
		for i := range 40 {
			now = now.Add(time.Second)
			p.Step(runner.Step{Number: i + 1, Epoch: float64(i+1) / 4, Loss: 0.5, ImagesPerSecond: 10})
			if i == 20 {
				p.Note("a note")
				p.Detail("a detail")
			}
		}
		p.End()
		return stderr.String()
	}
	lines := show(&global{})
	if n := strings.Count(lines, "demo: step "); n != 9 || !strings.Contains(lines, "step 4 of 40") ||
		!strings.Contains(lines, "step 40 of 40") || !strings.Contains(lines, "\na note\n") {
		t.Errorf("%d lines:\n%s", n, lines)
	}
	bars := show(&global{stderrIsTTY: true})
	if !strings.Contains(bars, "\r\x1b[Ka note\n") || !strings.HasSuffix(bars, "\r\x1b[K") ||
		!strings.Contains(bars, "100% [=====]") || strings.Contains(bars, "detail") {
		t.Errorf("%q", bars)
	}
	if quiet := show(&global{stderrIsTTY: true, quiet: true}); quiet != "" {
		t.Errorf("quiet says %q", quiet)
	}
	if more := show(&global{verbose: true}); !strings.Contains(more, "\na detail\n") {
		t.Errorf("no detail in %q", more)
	}
}

// TestTrials: a line for each, and on a terminal a bar below that the next line takes the place of.
func TestTrials(t *testing.T) {
	var stderr strings.Builder
	g := &global{stderr: &stderr, stderrIsTTY: true, columns: func() int { return 60 }}
	now := time.Unix(0, 0)
	all := newTrials(g)
	all.now = func() time.Time { return now }
	all.say(1, 3, "b: running")
	now = now.Add(time.Minute)
	all.say(2, 3, "b: finished")
	all.say(3, 3, "c: finished")
	want := "[1/3] b: running\n" +
		"\r\x1b[Ktrials  33% [=========                     ] 1/3" +
		"\r\x1b[K[2/3] b: finished\n" +
		"\r\x1b[Ktrials  66% [===================           ] 2/3 1m00s left" +
		"\r\x1b[K[3/3] c: finished\n"
	if stderr.String() != want {
		t.Errorf("%q, want\n%q", stderr.String(), want)
	}
}

// TestReadingBar: a bar for images, once they take a while.
func TestReadingBar(t *testing.T) {
	var stderr strings.Builder
	g := &global{stderr: &stderr, stderrIsTTY: true, columns: func() int { return 60 }}
	now := time.Unix(0, 0)
	r := newReading(g)
	r.now = func() time.Time { return now }
	for done := 1; done <= 4; done++ {
		r.image(done, 4)
		now = now.Add(800 * time.Millisecond)
	}
	want := "\r\x1b[Kimages decoded  75% [============     ] 3/4 1s left 2 img/s\r\x1b[K"
	if stderr.String() != want {
		t.Errorf("%q, want\n%q", stderr.String(), want)
	}
}

// TestQuietAndVerbose: results alone, or what else only the log has.
func TestQuietAndVerbose(t *testing.T) {
	realLibrary(t)
	file, out := experiment(t, tiny), filepath.Join(t.TempDir(), "run")
	quiet := ordo(t, "run", file, "--out", out, "--quiet")
	quiet.check(t, exitOK)
	if quiet.stderr != "" || !strings.Contains(quiet.stdout, "run folder: "+out) {
		t.Errorf("stdout %q, stderr %q", quiet.stdout, quiet.stderr)
	}
	ordo(t, "-q", "run", file, "train.epochs=3", "--out", out).check(t, exitFailure, "another experiment")
	verbose := ordo(t, "run", file, "--out", out+"2", "-v")
	verbose.check(t, exitOK, "ONNX Runtime: ", "checkpoint of step 2: ", "24 training and 24 test images")
	log, err := os.ReadFile(filepath.Join(out, "log.txt"))
	if err != nil || !strings.Contains(string(log), "checkpoint of step 2: ") {
		t.Errorf("%v, the log of a quiet run says %q", err, log)
	}
}
