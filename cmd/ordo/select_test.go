package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/selection"
)

// smallSelection is an experiment with one candidate, and images enough for five folds.
const smallSelection = `
data: {image_size: 16, per_class: 10, test_images: 24}
model: {backbone: convnet, width: 4, projector: [8]}
augment: {ordered: [{family: rotate, levels: 1}], roles: {rotate: absent}}
loss: {order: {kind: relative_scale, weight: 0.1}, invariance: {views: queries}}
train: {epochs: 1, batch_size: 24}
eval: {knn: {k: 3}, order: {levels: 4}, family_images: 20, resamples: 20}
`

func TestSelect(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	t.Setenv(asCommand, "1")
	file, out := experiment(t, smallSelection), filepath.Join(t.TempDir(), "select")
	dry := ordo(t, "select", file, "--seeds", "2", "--compare", "--out", out, "--dry-run")
	dry.check(t, exitOK, "tiny: up to 15 runs for rotate (2 of them for comparators alone), each 4 steps on 96 images, "+
		"3 views of each; about a minute")
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Fatalf("--dry-run left %s: %v", out, err)
	}
	r := ordo(t, "select", file, "--seeds", "2", "--compare", "--out", out, "--json")
	r.check(t, exitOK, "[0/15] pilot/pilot: running", "seed-2/rotate-ordered: finished, accuracy 0.")
	var found selection.Result
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	if len(found.Families) != 1 || found.Seeds != 2 || found.Runs < 9 {
		t.Errorf("found %+v", found)
	}
	f := found.Families[0]
	for _, name := range []string{"broken", "forgetting", "class_of_scale", "class_relevance", "gain", "agree"} {
		if _, ok := f.Screens[name]; !ok {
			t.Errorf("no screen %s", name)
		}
	}
	for _, name := range []string{"essl_invariant", "essl_predicted", "single_task", "rotation_probe", "local_dimension"} {
		if _, ok := f.Comparators[name]; !ok {
			t.Errorf("no comparator %s", name)
		}
	}
	for _, role := range f.Roles {
		if len(role.Seeds) != 2 || !(role.Outcome > 0) || len(role.Kept) != 3 {
			t.Errorf("role %+v", role)
		}
	}
	again := ordo(t, "select", file, "--seeds", "2", "--compare", "--out", out)
	again.check(t, exitOK)
	if strings.Contains(again.stderr, "running") || !strings.Contains(again.stdout, "rotate: "+f.Verdict) {
		t.Errorf("the second call trained: %s, and said\n%s", again.stderr, again.stdout)
	}
	another := selection.LeaveOut
	if f.Verdict == another {
		another = selection.Undecided
	}
	for _, c := range []struct {
		expects string
		code    int
		says    string
	}{
		{"verdicts: {rotate: [" + f.Verdict + "]}", exitOK, "ok"},
		{"verdicts: {rotate: [" + another + "]}", exitFailure, "outside"},
	} {
		if err := os.WriteFile(file, []byte(smallSelection+"expect: {"+c.expects+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := ordo(t, "select", file, "--seeds", "2", "--compare", "--out", out, "--check")
		if r.code != c.code || !strings.Contains(r.stdout, c.says) {
			t.Errorf("%s: exit status %d, stderr %s, stdout\n%s", c.expects, r.code, r.stderr, r.stdout)
		}
	}
	ordo(t, "run", filepath.Join(out, "selected.yaml"), "--out", filepath.Join(out, "selected")).check(t, exitOK)
	ordo(t, "select", file, "--seeds", "3", "--out", out).check(t, exitFailure, "another question", "--out")
}

// photographs writes n pictures of noise into one folder.
func photographs(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		m := image.NewRGBA(image.Rect(0, 0, 20, 20))
		for k := range m.Pix {
			m.Pix[k] = uint8(r.Uint32())
		}
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.png", i)), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Images without labels have screens, and --screens says so.
func TestSelectWithoutLabels(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	t.Setenv(asCommand, "1")
	file, out := experiment(t, smallSelection), filepath.Join(t.TempDir(), "select")
	photos := photographs(t, 50)
	args := []string{"select", file, "data.source=folder", "data.root=" + photos, "data.per_class=0", "data.test_images=0",
		"--out", out}
	ordo(t, args...).check(t, exitData, "no labels", "--screens")
	r := ordo(t, append(args, "--screens")...)
	r.check(t, exitOK, "up to 1 runs")
	if !strings.Contains(r.stdout, "broken") || strings.Contains(r.stdout, "undecided") {
		t.Errorf("said\n%s", r.stdout)
	}
	args[len(args)-1] += "-2"
	r = ordo(t, append(args, "--labels", "no", "--seeds", "2")...)
	r.check(t, exitOK, "up to 7 runs")
	if !strings.Contains(r.stdout, "R² absent") || !strings.Contains(r.stdout, "rotate: undecided. R² of the scale is") {
		t.Errorf("said\n%s", r.stdout)
	}
}

func TestSelectErrors(t *testing.T) {
	file := experiment(t, smallSelection)
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"nothing", nil, exitUsage, "an experiment file is missing; or name images with --data"},
		{"two bases", []string{file, "--data", "photos"}, exitUsage, "keep one"},
		{"one seed", []string{file, "--seeds", "1"}, exitUsage, "--seeds must be in [2, 100]"},
		{"no jobs", []string{file, "--jobs", "0"}, exitUsage, "--jobs must be in"},
		{"no budget", []string{file, "--budget", "soon"}, exitUsage,
			`a time such as 30m or a number of runs such as 40, got "soon"`},
		{"a missing file", []string{file + "x"}, exitConfig, "there is no such file"},
		{"no such family", []string{file, "--families", "rotat"}, exitConfig, "rotat"},
		{"checked and dry", []string{file, "--check", "--dry-run"}, exitUsage, "exclude each other"},
		{"checked and screens", []string{file, "--check", "--screens"}, exitUsage, "exclude each other"},
		{"fast and screens", []string{file, "--fast", "--screens"}, exitUsage, "exclude each other"},
		{"labels", []string{file, "--labels", "maybe"}, exitUsage, `--labels must be yes or no, got "maybe"`},
		{"nothing to compare", []string{file, "--labels", "no", "--check"}, exitUsage, "leave one out"},
		{"nothing to check", []string{file, "--check"}, exitConfig, "has no section `expect`"},
		{"numbers to check", []string{experiment(t, smallSelection+"expect: {knn_top1: [0, 1]}"), "--check"}, exitConfig,
			"expects no verdicts"},
		{"another family", []string{experiment(t, smallSelection+"expect: {verdicts: {hue: [ordered]}}"), "--check"},
			exitConfig, "the experiment has no family hue"},
		{"screens and comparators", []string{file, "--compare", "--screens"}, exitConfig, "keep one of the two"},
		{"few images", []string{file, "train.batch_size=97"}, exitConfig, "train.batch_size: is 97"},
		{"no such folder", []string{"--data", filepath.Join(t.TempDir(), "none")}, exitData, "none"},
	} {
		r := ordo(t, append([]string{"select"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
			t.Errorf("%s: exit status %d, stderr %q, want %d and %q", c.name, r.code, r.stderr, c.code, c.says)
		}
	}
}
