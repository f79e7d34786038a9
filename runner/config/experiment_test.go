package config_test

import (
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
		{"all",
			parse(t, design,
				"augment.invariant=[horizontal_flip, grayscale, {gaussian_blur: {p: 1}, views: [1]}, random_affine, "+
					"{family: zoom, max: 0.5, views: [0]}]",
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
	for _, same := range []string{"name=other", "train.workers=3", "model.threads=2", "model.execution.arena=false",
		"model.kernels=stock", "train.momentum=0.90", "train.lr=0.002", "train.epochs=15.0", "augment.roles={}",
		"train.guard_images=0", "train.stop_on_collapse=true", "eval.every_epochs=4", "eval.knn.k=5", "eval.families=[all]"} {
		if got := parse(t, design, same).Hash(); got != base {
			t.Errorf("%s changes the hash", same)
		}
	}
	for _, other := range []string{"seed=2", "data.seed=2", "data.root=elsewhere", "train.lr=0.0020001",
		"augment.roles.rotate=ordered",
		"augment.invariant.0.random_resized_crop.scale.0=0.5",
		"train.betas=[0.9, 0.99]", "train.clip_grad_norm=1", "train.optimizer=lars"} {
		if got := parse(t, design, other).Hash(); got == base {
			t.Errorf("%s doesn't change the hash", other)
		}
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

// TestKeys: the table has exactly the keys that the resolved file has, in that order, with those defaults.
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
		if !strings.Contains(k.Path, ".INDEX.") && !strings.Contains(k.Path, ".FAMILY") {
			listed = append(listed, k.Path+" "+k.Default)
		}
	}
	if !slices.Equal(written, listed) {
		t.Errorf("YAML writes %q\nKeys lists %q", written, listed)
	}
}

func TestKeysSay(t *testing.T) {
	for path, want := range map[string]string{
		"augment.invariant.INDEX.color_jitter.p": "a number, in [0, 1]; default 1",
		"augment.ordered.INDEX.levels":           "a whole number, in [1, 64]; default 3",
		"augment.ordered.INDEX.family":           "text, one of rotate, quarter_turn, ",
		"augment.roles.FAMILY":                   "text, one of ordered, invariant, absent; default \"\"",
		"data.root":                              "text; default \"\"",
		"model.projector":                        "a list, each entry a whole number, each in [1, 65536]; default [256, 64]",
		"loss.invariance.queue":                  "a whole number, in [1, 1048576] (moco); default 0, or 4096 (moco)",
		"loss.terms.INDEX.slices":                "a whole number, in [1, 65536] (lejepa); default 256 (lejepa)",
		"train.epochs":                           "a whole number, in [1, 100000]; default 15",
		"train.nesterov":                         "true or false; default false",
	} {
		found, _ := config.KeysOf(path)
		if len(found) != 1 || !strings.HasPrefix(found[0].Facts(), want) || !strings.HasSuffix(found[0].Sentence(), ".") {
			t.Errorf("%s: %+v, want %s", path, found, want)
		}
	}
}

func TestKeysOf(t *testing.T) {
	for _, c := range []struct {
		path  string
		count int
		near  string
	}{
		{"train.epochs", 1, ""}, {"eval", 12, ""}, {"augment.ordered.1.max", 1, ""},
		{"loss.order.families.rotate+blur", 4, ""},
		{"train.epoch", 0, "train.epochs"}, {"evl", 0, "eval"},
		{"augment.ordered.0.levls", 0, "augment.ordered.INDEX.levels"},
		{"bananas", 0, ""},
	} {
		found, near := config.KeysOf(c.path)
		if len(found) != c.count || near != c.near {
			t.Errorf("%s: %d keys and %q, want %d and %q", c.path, len(found), near, c.count, c.near)
		}
	}
}
