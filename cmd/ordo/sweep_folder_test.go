package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
)

// TestSweepPlan: of very many trials the first and the last are listed.
func TestSweepPlan(t *testing.T) {
	file, _ := sweepFile(t, "parameters: {train.epochs: {value: 4}}\nseeds: 100\n")
	r := ordo(t, "sweep", "plan", file)
	r.check(t, exitOK, "100 trials")
	if n := strings.Count(r.stdout, "\n"); n != 1+planFirst+1+planLast || !strings.Contains(r.stdout, "60 more: --all") ||
		!strings.Contains(r.stdout, "seed=30\n") || strings.Contains(r.stdout, "seed=31\n") ||
		!strings.HasSuffix(r.stdout, "seed=100\n") {
		t.Errorf("%d lines: %s", n, r.stdout)
	}
	if r := ordo(t, "sweep", "plan", file, "--all"); strings.Count(r.stdout, "\n") != 101 || r.stderr != "" {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// TestSweepFolder: the commands that take a sweep's folder alone.
func TestSweepFolder(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := sweepFile(t, roles)
	if r := ordo(t, "sweep", "plan", file); r.code != exitOK || strings.Count(r.stdout, "\n") != 5 {
		t.Errorf("plan: %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	ordo(t, "sweep", "status", out).check(t, exitFailure, "no sweep in")
	ordo(t, "sweep", file, "--out", out).check(t, exitOK)
	if err := os.Remove(file); err != nil { // the folder has all
		t.Fatal(err)
	}
	if r := ordo(t, "sweep", "status", out); r.code != exitOK || !strings.Contains(r.stdout, "4 finished of 4") {
		t.Errorf("status: %s%s", r.stdout, r.stderr)
	}
	r := ordo(t, "sweep", "best", out)
	r.check(t, exitOK, "best row: order_accuracy.rotate.embedding")
	if _, err := os.Stat(filepath.Join(strings.TrimSpace(r.stdout), "encoder.onnx")); err != nil {
		t.Errorf("best: %q, %v", r.stdout, err)
	}
	var best map[string]any
	if r := ordo(t, "sweep", "best", out, "--json"); json.Unmarshal([]byte(r.stdout), &best) != nil ||
		best["folder"] == "" {
		t.Errorf("best as JSON: %s", r.stdout)
	}
	for format, says := range map[string]string{"text": "best", "latex": `\toprule`, "csv": "within_noise",
		"markdown": "| --- |"} {
		if r := ordo(t, "sweep", "table", out, "--format", format); r.code != exitOK || !strings.Contains(r.stdout, says) {
			t.Errorf("%s: %s%s", format, r.stdout, r.stderr)
		}
	}
	file = filepath.Join(t.TempDir(), "trials.parquet")
	ordo(t, "sweep", "table", out, "--parquet", file).check(t, exitOK)
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("%v", err)
	}
	if r := ordo(t, "sweep", "table", out, "--importance"); !strings.Contains(r.stdout, "can't be told from 2 finished") {
		t.Errorf("importance: %s%s", r.stdout, r.stderr)
	}
	if r := ordo(t, "sweep", "table", out, "--importance", "--json"); !strings.Contains(r.stdout, `"importance": {`) {
		t.Errorf("importance: %s%s", r.stdout, r.stderr)
	}
	ordo(t, "sweep", "table", out, "--importance", "--format", "csv").check(t, exitUsage, "exclude each other")
	html := pageOf(t, filepath.Join(out, "report.html"), "4 finished of 4 trials", `<section id="parallel">`,
		"seed-1/report.html")
	file = filepath.Join(t.TempDir(), "report.html")
	if r := ordo(t, "sweep", "report", out, "--out", file); r.code != exitOK || !strings.HasPrefix(r.stdout, file+" (") {
		t.Errorf("report: %s%s", r.stdout, r.stderr)
	}
	elsewhere := pageOf(t, file, "4 finished of 4 trials")
	if len(elsewhere) <= len(html) || strings.Contains(elsewhere, `href="./0`) {
		t.Error("a page elsewhere has links as if it were in the sweep's folder")
	}
	ordo(t, "sweep", "report", out, "--out", "x.pdf").check(t, exitUsage, ".html")
	ordo(t, "sweep", "report", t.TempDir()).check(t, exitFailure, "no sweep in")
	ordo(t, "sweep", "table", out, "--parquet", "x.csv").check(t, exitUsage, ".parquet")
	ordo(t, "sweep", "table", out, "--format", "xls").check(t, exitUsage, "must be one of")
	ordo(t, "sweep", "trial", out, "2").check(t, exitOK, "finished")
	ordo(t, "sweep", "trial", out, "9").check(t, exitConfig, "trials 1 to 4")
	ordo(t, "sweep", "trial", out, "x").check(t, exitUsage, "number")
	ordo(t, "sweep", "trial", out).check(t, exitUsage, "are wanted")
	ordo(t, "sweep", "stop", out).check(t, exitOK, "nothing works in")
	ordo(t, "sweep", out).check(t, exitOK)
	ordo(t, "sweep", out, "seed=1").check(t, exitUsage, "is a sweep's folder")
}
