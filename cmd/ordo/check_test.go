package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/expect"
	"ordo/runner/track"
)

const (
	warned    = "warning: "
	wide      = "expect: {minutes: 3, seeds: 2, knn_top1: [0, 1], order_accuracy.rotate.embedding: [null, 1]}\n"
	narrow    = "expect: {knn_top1: [0, 1], loss: [-2, -1]}\n"
	otherwise = "expect: {order_accuracy.hue.embedding: [0, 1]}\n"
)

func TestRunCheck(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	out := filepath.Join(t.TempDir(), "run")
	good := experiment(t, tiny+wide)
	r := ordo(t, "run", good, "--out", out, "--check")
	r.check(t, exitOK, good+": ranges from 2 seeds, about 3 min on 2 cores\n")
	for _, s := range []string{
		"run folder: ", "expected by " + good, "\nknn_top1 ", "  1.0000  ok\n", " any  1.0000  ok\n",
	} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	if strings.Contains(r.stderr, warned) {
		t.Errorf("stderr %s", r.stderr)
	}

	// Another file with the same experiment has the same run, whose result is compared at once.
	bad := experiment(t, tiny+narrow)
	r = ordo(t, "run", bad, "--out", out, "--check", "--json")
	r.check(t, exitFailure, "1 of 2 numbers", bad)
	var got struct {
		track.Result
		Check expect.Report
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	if got.Name != "tiny" || got.Check.Failed != 1 || len(got.Check.Checks) != 2 || got.Check.Checks[1].Metric != "loss" ||
		got.Check.Checks[1].Status != expect.Outside || *got.Check.Checks[1].Value != got.Loss {
		t.Errorf("%+v", got.Check)
	}
	if strings.Contains(r.stderr, "step ") {
		t.Errorf("it was trained anew: %s", r.stderr)
	}
	r = ordo(t, "run", bad, "--out", out, "--json")
	r.check(t, exitOK)
	if strings.Contains(r.stdout, `"check"`) {
		t.Errorf("without --check: %s", r.stdout)
	}
}

// TestRunCheckWarns: what a file expects is of the file as it is written.
func TestRunCheckWarns(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file := experiment(t, tiny+wide)
	for _, c := range []struct {
		args   []string
		warned bool
	}{
		{nil, false},
		{[]string{"train.workers=1"}, false},
		{[]string{"train.epochs=2"}, false},
		{[]string{"seed=2"}, true},
		{[]string{"eval.knn.k=2"}, true},
	} {
		r := ordo(t, append([]string{"run", file, "--check", "--out", filepath.Join(t.TempDir(), "run")}, c.args...)...)
		r.check(t, exitOK)
		if strings.Contains(r.stderr, warned+file) != c.warned {
			t.Errorf("%q: stderr %s", c.args, r.stderr)
		}
	}
	t.Setenv("ORDO_TRAIN_EPOCHS", "1")
	ordo(t, "run", file, "--check", "--out", filepath.Join(t.TempDir(), "run")).check(t, exitOK, warned+file)
}

func TestCheckRefuses(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct{ text, says string }{
		{tiny, "has no section `expect`"},
		{tiny + otherwise, "has no family hue"},
		{tiny + "expect: {knn: [0, 1]}", "expect.knn: is no number of a result"},
		{tiny + "expect: {knn_top1: [1, 0]}", "expect.knn_top1"},
	} {
		file := experiment(t, c.text)
		ordo(t, "run", file, "--out", out, "--check").check(t, exitConfig, c.says)
		sweepFile := filepath.Join(filepath.Dir(file), "sweep.yaml")
		section := strings.TrimPrefix(c.text, tiny)
		text := "base: base.yaml\nmethod: grid\nparameters: {seed: {values: [1, 2]}}\n" + section
		for name, text := range map[string]string{"base.yaml": tiny, "sweep.yaml": text} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ordo(t, "sweep", sweepFile, "--out", out, "--check").check(t, exitConfig, c.says)
	}
	ordo(t, "run", experiment(t, tiny+"expect: {verdicts: {rotate: [ordered]}}"), "--out", out, "--check").
		check(t, exitConfig, "expects verdicts and no numbers", "ordo select")
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("something was begun: %v", err)
	}
	// A section that --check would refuse for what it is compared with disturbs no other run.
	ordo(t, "run", experiment(t, tiny+otherwise), "--out", out).check(t, exitOK)
}

func TestSweepCheck(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, roles+`expect:
  knn_top1: [0, 1]
  rotate=ordered: {order_accuracy.rotate.features: [2, 3]}
`)
	r := ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--check")
	r.check(t, exitFailure, warned+file, "1 of 3 numbers are not what "+file)
	for _, s := range []string{"expected by ", "  rotate=invariant  ", "  outside\n"} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	r = ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--check", "--table", "--json")
	r.check(t, exitFailure)
	var got struct{ Check expect.Report }
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || got.Check.Failed != 1 ||
		got.Check.Checks[2].Group != "rotate=ordered" {
		t.Errorf("%+v, %v", got, err)
	}
	ordo(t, "sweep", file, "train.epochs=1", "--out", out, "--table").check(t, exitOK)
}

func TestWhereOnly(t *testing.T) {
	overrides, environ := whereOnly(
		[]string{"seed=2", "data.root=x", "data.roots=y"}, []string{"HOME=/", "ORDO_DATA_ROOT=z", "ORDO_SEED=3"})
	if !slices.Equal(overrides, []string{"data.root=x"}) || !slices.Equal(environ, []string{"ORDO_DATA_ROOT=z"}) {
		t.Errorf("%q and %q", overrides, environ)
	}
}
