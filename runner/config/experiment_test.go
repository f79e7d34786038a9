package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/runner/config"
)

func TestYAML(t *testing.T) {
	for _, c := range []struct {
		name string
		e    config.Experiment
	}{
		{"default", parse(t, "seed: 1")},
		{"design", parse(t, design)},
		{"all", parse(t, design, "augment.invariant=[horizontal_flip, grayscale, {gaussian_blur: {p: 1}, views: [1]}, random_affine, {family: zoom, max: 0.5, views: [0]}]",
			"augment.roles={rotate: invariant}", "model.projector=[]", "train.lr=1e-7", "seed=18446744073709551615",
			"data.root='a: \"b\"'", "name='010'")},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.e.YAML()
			if err != nil {
				t.Fatal(err)
			}
			again, err := config.Parse("other.yaml", text, nil, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !reflect.DeepEqual(c.e, again) {
				t.Errorf("loading what YAML wrote gave\n%+v, want\n%+v", again, c.e)
			}
		})
	}
}

func TestHash(t *testing.T) {
	base := parse(t, design).Hash()
	if len(base) != 10 || strings.Trim(base, "0123456789abcdef") != "" {
		t.Errorf("Hash() = %q, want 10 hexadecimal digits", base)
	}
	for _, same := range []string{"name=other", "train.workers=3", "model.threads=2", "model.execution.arena=false", "model.kernels=stock", "train.momentum=0.90", "train.lr=0.002", "train.epochs=15.0", "augment.roles={}"} {
		if got := parse(t, design, same).Hash(); got != base {
			t.Errorf("%s changes the hash", same)
		}
	}
	for _, other := range []string{"seed=2", "data.seed=2", "data.root=elsewhere", "train.lr=0.0020001", "augment.roles.rotate=ordered",
		"augment.invariant.0.random_resized_crop.scale.0=0.5", "eval.every_epochs=4",
		"train.betas=[0.9, 0.99]", "train.clip_grad_norm=1", "train.optimizer=lars"} {
		if got := parse(t, design, other).Hash(); got == base {
			t.Errorf("%s doesn't change the hash", other)
		}
	}
}

var update = flag.Bool("update", false, "write what the tests compare with")

// TestStoredHashes: an experiment file has the same hash in every version. A change of these is a change of every run
// folder's name: a new key belongs into laterKeys instead.
func TestStoredHashes(t *testing.T) {
	var got strings.Builder
	for _, overrides := range [][]string{
		nil, {"loss.order.kind=none"}, {"loss.order.temperature=0.3", "loss.invariance.kind=none"}, {"train.optimizer=lars"},
		{"loss.terms=[{kind: care}]"},
	} {
		fmt.Fprintf(&got, "%s %q\n", parse(t, design, overrides...).Hash(), overrides)
	}
	compare(t, filepath.Join("testdata", "hashes.txt"), got.String())
}

// compare tells what differs between a text and a file, or writes the file with -update.
func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(wanted) || line != wanted[i] {
			t.Fatalf("%s:%d is no longer %q; if that is meant: go test ./runner/config -update", file, i+1, line)
		}
	}
	if got != string(want) {
		t.Errorf("%s has lines beyond %d; if that is meant: go test ./runner/config -update", file, strings.Count(got, "\n"))
	}
}

func TestPresetsHaveHashes(t *testing.T) {
	names := map[string]string{}
	for _, name := range append(augment.PresetNames(), "") {
		hash := parse(t, design, "augment.invariant=[]", "augment.preset="+strconv.Quote(name)).Hash()
		if other, ok := names[hash]; ok {
			t.Errorf("presets %q and %q have one hash", name, other)
		}
		names[hash] = name
	}
}

// TestKeys: the resolved file has exactly the keys that Keys lists, in that order, with those defaults.
func TestKeys(t *testing.T) {
	text, err := parse(t, "seed: 1").YAML()
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	var sections []string
	for line := range strings.Lines(string(text)) {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		sections = append(sections[:depth], key)
		if value != "" {
			written = append(written, strings.Join(sections, ".")+value)
		}
	}
	var listed []string
	for _, k := range config.Keys() {
		if k.Path == "name" {
			k.Default = "x"
		}
		if !strings.Contains(k.Path, ".INDEX.") && !strings.HasPrefix(k.Path, "augment.roles.") &&
			!strings.HasPrefix(k.Path, "loss.order.families.") {
			listed = append(listed, k.Path+" "+k.Default)
		}
	}
	if !slices.Equal(written, listed) {
		t.Errorf("YAML writes %q\nKeys lists %q", written, listed)
	}
	for _, want := range []config.Key{
		{Path: "augment.invariant.INDEX.color_jitter.p", Type: "a number", Default: "0.8"},
		{Path: "augment.invariant.INDEX.max", Type: "a number"},
		{Path: "augment.ordered.INDEX.levels", Type: "a whole number"},
		{Path: "augment.roles.rotate", Type: "text", Default: `""`},
		{Path: "model.projector", Type: "a list, each entry a whole number", Default: "[256, 64]"},
	} {
		if !slices.Contains(config.Keys(), want) {
			t.Errorf("Keys doesn't list %+v", want)
		}
	}
}
