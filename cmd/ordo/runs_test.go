package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/catalogue"
)

func TestRuns(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, dir := experiment(t, tiny), t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "sub", "two")
	ordo(t, "run", file, "--out", one).check(t, exitOK)
	ordo(t, "run", file, "seed=2", "--out", two).check(t, exitOK)
	stopped := filepath.Join(dir, "stopped") // as a killed run leaves it
	ordo(t, "run", file, "seed=3", "--out", stopped).check(t, exitOK)
	if err := os.Remove(filepath.Join(stopped, "result.json")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // so that names are short
	listed := ordo(t, "runs", ".")
	listed.check(t, exitOK)
	lines := strings.Split(strings.TrimSpace(listed.stdout), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "finished") || !strings.Contains(lines[1], "2/2") ||
		!strings.HasSuffix(lines[2], "  stopped") || !strings.HasPrefix(lines[2], "stopped") ||
		!strings.HasSuffix(lines[3], filepath.Join("sub", "two")) {
		t.Errorf("listed\n%s", listed.stdout)
	}
	var all []catalogue.Run
	if err := json.Unmarshal([]byte(ordo(t, "runs", dir, "--status", "finished", "--json").stdout), &all); err != nil ||
		len(all) != 2 || all[1].Seed != 2 || all[0].Numbers["knn_top1"] == 0 {
		t.Errorf("%v: %+v", err, all)
	}
	for _, c := range []struct {
		args string
		want []string // seeds, in order
	}{
		{"--where seed=2", []string{"2"}}, {"--where train.lr=2e-3 --sort seed", []string{"1", "2", "3"}},
		{"--where train.lr=0.5", nil}, {"--where augment.ordered.rotate.levels=2 --where seed=3.0", []string{"3"}},
		{"--where model.projector=[8] --sort status", []string{"1", "2", "3"}}, {"--where seed=1 --status stopped", nil},
		{"--sort folder", []string{"1", "3", "2"}},
	} {
		var some []catalogue.Run
		r := ordo(t, append([]string{"runs", dir, "--json"}, strings.Fields(c.args)...)...)
		if err := json.Unmarshal([]byte(r.stdout), &some); err != nil {
			t.Errorf("%s: %v, %s", c.args, err, r.stderr)
		}
		var got []string
		for _, x := range some {
			got = append(got, fmt.Sprint(x.Seed))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: seeds %v, want %v", c.args, got, c.want)
		}
	}
	if !strings.Contains(lines[1], all[0].Hash) {
		t.Errorf("no hash %s in %s", all[0].Hash, lines[1])
	}
	diff := ordo(t, "runs", "diff", one, two)
	diff.check(t, exitOK)
	for _, want := range []string{"seed      1  2", "knn.features", "intervals"} {
		if !strings.Contains(diff.stdout, want) {
			t.Errorf("no %q in\n%s", want, diff.stdout)
		}
	}
	removed := ordo(t, "runs", "rm", stopped, dir)
	removed.check(t, exitFailure, "holds no run, so it stays")
	if _, err := os.Stat(stopped); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", stopped, err)
	}
	if _, err := os.Stat(one); err != nil {
		t.Error(err)
	}
}

func TestRunsErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"runs", filepath.Join(t.TempDir(), "none")}, exitFailure, "none"},
		{[]string{"runs", "--sort", "luck"}, exitUsage, "--sort: no key is called \"luck\""},
		{[]string{"runs", "--sort", "train.epoch"}, exitUsage, "did you mean train.epochs?"},
		{[]string{"runs", "--where", "seed"}, exitUsage, "--where must be KEY=VALUE"},
		{[]string{"runs", "--where", "sed=1"}, exitUsage, "did you mean seed?"},
		{[]string{"runs", "--status", "lost"}, exitUsage, "--status must be one of"},
		{[]string{"runs", "--metric", "knn_top"}, exitUsage, "knn_top"},
		{[]string{"runs", "diff", "one"}, exitUsage, "name two run folders"},
		{[]string{"runs", "rm"}, exitUsage, "a run folder is missing"},
		{[]string{"runs", "rm", t.TempDir()}, exitFailure, "holds no run"},
	} {
		if r := ordo(t, c.args...); r.code != c.code || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
			t.Errorf("%v: exit status %d, stderr %q, want %d and %q", c.args, r.code, r.stderr, c.code, c.says)
		}
	}
	t.Chdir(t.TempDir())
	if first := ordo(t, "runs"); first.code != exitOK || first.stdout != "no runs in runs\n" {
		t.Errorf("where nothing was run: exit status %d, %q", first.code, first.stdout)
	}
	none := ordo(t, "runs", t.TempDir())
	if none.check(t, exitOK); !strings.HasPrefix(none.stdout, "no runs in ") {
		t.Errorf("said %q", none.stdout)
	}
}

func TestRunsVerify(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, dir := experiment(t, tiny), t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, out := range []string{one, two} {
		ordo(t, "run", file, "--out", out).check(t, exitOK)
	}
	if r := ordo(t, "runs", "verify", one, two); r.code != exitOK || strings.Count(r.stdout, "all files are") != 2 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	picture := filepath.Join(two, "order.svg")
	if err := os.WriteFile(picture, []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	ordo(t, "runs", "verify", one, two).check(t, exitData, "order.svg", "checksum")
	if err := os.Remove(picture); err != nil {
		t.Fatal(err)
	}
	ordo(t, "runs", "verify", two).check(t, exitData, "order.svg")
	if err := os.Remove(filepath.Join(two, "result.json")); err != nil {
		t.Fatal(err)
	}
	if r := ordo(t, "runs", "verify", two); r.code != exitOK || !strings.Contains(r.stdout, "is not finished") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	ordo(t, "runs", "verify", dir).check(t, exitFailure, "run.json")
	ordo(t, "runs", "verify").check(t, exitUsage, "a run folder is missing")
}
