package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
)

// write puts files into a folder and goes there.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

const grandparent = `name: all
seed: 7
augment:
  invariant: [horizontal_flip]
  ordered:
    - {family: rotate, max: 90}
    - family: hue
      max: 0.3
  roles: {rotate: ordered, hue: absent}
train: {epochs: 3, lr: 0.01}
expect: {knn_top1: [0, 1]}
`

const parent = `extends: ../all.yaml
train:
  epochs: 4
`

const child = `extends: sub/some.yaml
augment:
  ordered: [{family: hue}, {family: rotate}]
  roles: {hue: ordered}
data:
`

// TestExtends: a file over a file over a file is the experiment of one file with all of it.
func TestExtends(t *testing.T) {
	write(t, map[string]string{"all.yaml": grandparent, "sub/some.yaml": parent, "mine.yaml": child})
	got, err := config.Load("mine.yaml", []string{"train.batch_size=50"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := `name: mine
seed: 7
augment:
  invariant: [horizontal_flip]
  ordered: [{family: hue}, {family: rotate}]
  roles: {rotate: ordered, hue: ordered}
train: {epochs: 4, lr: 0.01, batch_size: 50}
`
	want := parse(t, whole)
	if !reflect.DeepEqual(got, want) || got.Hash() != want.Hash() {
		t.Errorf("%+v, want %+v", got, want)
	}
	if text, err := got.YAML(); err != nil || bytes.Contains(text, []byte("extends")) {
		t.Errorf("%v, the resolved experiment extends something:\n%s", err, text)
	}
	if x, err := config.LoadExpect("mine.yaml"); x != nil || err != nil {
		t.Errorf("expects %+v of another file, %v", x, err)
	}
	shown, err := config.Show("mine.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"name: mine\n", "seed: 7 # all.yaml:2\n", "epochs: 4 # sub/some.yaml:3\n", "lr: 0.01 # all.yaml:10\n",
		"family: hue # mine.yaml:3\n", "max: 0.5\n", "hue: ordered # mine.yaml:4\n",
		"rotate: ordered # all.yaml:9\n",
	} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
}

// TestFlat: the text without other files is the same experiment.
func TestFlat(t *testing.T) {
	write(t, map[string]string{"all.yaml": grandparent, "sub/some.yaml": parent, "mine.yaml": child})
	flat, err := config.Flat("mine.yaml", []byte(child))
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Load("mine.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	got, err := config.Parse("mine.yaml", flat, nil, nil)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v:\n%s%+v\nwant %+v", err, flat, got, want)
	}
	if same, err := config.Flat("all.yaml", []byte(grandparent)); err != nil || string(same) != grandparent {
		t.Errorf("%v, one that extends none is now\n%s", err, same)
	}
}

func TestExtendsRefuses(t *testing.T) {
	files := map[string]string{
		"a.yaml": "extends: b.yaml", "b.yaml": "seed: 1\nextends: c.yaml", "c.yaml": "extends: ./b.yaml",
		"self.yaml": "seed: 2\nextends: self.yaml", "folder/x.yaml": "seed: 1", "text.yaml": "\tnot yaml: [",
		"empty.yaml": "", "list.yaml": "[1, 2]", "key.yaml": "seed: 1\ntrain:\n  epoch: 3",
		"value.yaml": "seed: 1\n\ntrain: {epochs: many}", "range.yaml": "train: {epochs: -1}",
		"sweep.yaml": "base: a.yaml\nmethod: grid\nparameters: {seed: {values: [1]}}", "twice.yaml": "seed: 1\nseed: 2",
		"0.yaml": "seed: 1",
	}
	for i := range 18 {
		files[fmt.Sprintf("%d.yaml", i+1)] = fmt.Sprintf("extends: %d.yaml", i)
	}
	write(t, files)
	for _, c := range []struct {
		name, text string
		says       []string
	}{
		{"missing", "seed: 1\nextends: none.yaml", []string{"x.yaml:2: extends: none.yaml: ", "no such file"}},
		{"a circle", "extends: a.yaml", []string{"c.yaml:1: extends: goes round in a circle: b.yaml → c.yaml → b.yaml"}},
		{"itself", "extends: self.yaml", []string{"self.yaml:2: extends: goes round in a circle: self.yaml → self.yaml"}},
		{"a folder", "extends: folder", []string{"x.yaml:1: extends: folder is a folder"}},
		{"not YAML", "extends: text.yaml", []string{"text.yaml: is not YAML"}},
		{"empty", "extends: empty.yaml", []string{"empty.yaml: is empty"}},
		{"a list", "extends: list.yaml", []string{"list.yaml: must be a map of keys"}},
		{"a sweep", "extends: sweep.yaml", []string{"sweep.yaml: is a sweep file"}},
		{"a key twice", "extends: twice.yaml", []string{"twice.yaml: is not YAML"}},
		{"no name", "extends: [a.yaml]", []string{"x.yaml:1: extends: must be the name of an experiment file"}},
		{"nothing", "extends:", []string{"x.yaml:1: extends: must be the name of an experiment file"}},
		{"an unknown key below", "extends: key.yaml",
			[]string{"key.yaml:3: train.epoch: unknown key; did you mean train.epochs?"}},
		{"a wrong type below", "extends: value.yaml", []string{"value.yaml:3: train.epochs: "}},
		{"out of range below", "extends: range.yaml", []string{"range.yaml:1: train.epochs: "}},
		{"out of range above", "extends: key.yaml\nseed: x", []string{"key.yaml:3: ", "x.yaml:2: seed"}},
		{"too many", "extends: 18.yaml", []string{"3.yaml:1: extends: more than 16 files"}},
	} {
		_, err := config.Parse("x.yaml", []byte(c.text), nil, nil)
		if !errors.Is(err, fault.Config) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q does not say %q", c.name, err, s)
			}
		}
		if _, err := config.Flat("x.yaml", []byte(c.text)); err != nil && !errors.Is(err, fault.Config) {
			t.Errorf("%s: flat: %v", c.name, err)
		}
	}
	if _, err := config.Parse("x.yaml", []byte("extends: 15.yaml"), nil, nil); err != nil {
		t.Error(err)
	}
	if e, err := config.Parse("x.yaml", []byte("extends: value.yaml\ntrain: {epochs: 2}"), nil, nil); err != nil ||
		e.Train.Epochs != 2 {
		t.Errorf("what is replaced isn't looked at: %v", err)
	}
	if _, err := config.Parse("x.yaml", []byte("seed: 1"), []string{"extends=a.yaml"}, nil); err == nil ||
		!strings.Contains(err.Error(), "extends: unknown key") {
		t.Errorf("an override: %v", err)
	}
}

// FuzzExtends: whatever the two files hold, it is a fault of kind Config or the experiment of their flat text.
func FuzzExtends(f *testing.F) {
	f.Add("seed: 2\ntrain: {epochs: 3}", "extends: base.yaml\ntrain: {lr: 0.1}")
	f.Add("augment: {ordered: [{family: hue}]}", "extends: base.yaml\naugment: {ordered: [{family: rotate}]}")
	f.Add("extends: mine.yaml", "extends: base.yaml")
	f.Add("a: &a {seed: 1}\n<<: *a", "<<: {extends: base.yaml}")
	f.Add("train:", "extends: base.yaml\ntrain:\ndata: {source: orchard}")
	f.Fuzz(func(t *testing.T, base, mine string) {
		write(t, map[string]string{"base.yaml": base, "mine.yaml": mine})
		e, err := config.Load("mine.yaml", nil, nil)
		if err != nil {
			if !errors.Is(err, fault.Config) || err.Error() == "" {
				t.Fatalf("%v is no fault of kind Config", err)
			}
			return
		}
		flat, err := config.Flat("mine.yaml", []byte(mine))
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("mine.yaml", flat, nil, nil)
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Fatalf("%v: %+v, flat %+v\n%s", err, e, again, flat)
		}
	})
}
