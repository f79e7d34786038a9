package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShow: every value that was set says where, and the text is an experiment file again.
func TestShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "some.yaml")
	text := `seed: 3
data: {image_size: 16}
augment:
  invariant:
    - horizontal_flip
  ordered:
    - family: rotate
      max: 90
model:
  projector: [32, 16]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	shown, err := Show(file, []string{"train.epochs=2", "augment.ordered.0.levels=4"}, []string{"ORDO_TRAIN_LR=0.01"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"seed: 3 # " + file + ":1\n", "image_size: 16 # " + file + ":2\n", "max: 90 # " + file + ":8\n",
		"[32, 16] # " + file + ":10\n", "epochs: 2 # override train.epochs=2\n", "lr: 0.01 # ORDO_TRAIN_LR\n",
		"levels: 4 # override augment.ordered.0.levels=4\n", "batch_size: 200\n",
	} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	again, err := Parse("some.yaml", shown, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Load(file, []string{"train.epochs=2", "augment.ordered.0.levels=4"}, []string{"ORDO_TRAIN_LR=0.01"})
	if err != nil || again.Hash() != e.Hash() {
		t.Errorf("%v, or the text is another experiment:\n%s", err, shown)
	}
}

// TestDifferences: what changed, by name and not by place.
func TestDifferences(t *testing.T) {
	load := func(text string) Experiment {
		e, err := Parse("some.yaml", []byte(text), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	a := load("augment: {invariant: [horizontal_flip], ordered: [{family: rotate}, {family: hue, max: 0.2}]}\nseed: 1")
	b := load("augment: {invariant: [horizontal_flip], ordered: [{family: hue, max: 0.3}], roles: {hue: absent}}\nseed: 2")
	got := map[string]string{}
	for _, d := range Differences(a, b) {
		got[d.Key] = d.First + " " + d.Second
	}
	want := map[string]string{"seed": "1 2", "augment.ordered.rotate.family": "rotate ",
		"augment.ordered.rotate.max":    "180 ",
		"augment.ordered.rotate.levels": "3 ", "augment.ordered.hue.max": "0.2 0.3", "augment.roles.hue": " absent"}
	if !maps.Equal(got, want) {
		t.Errorf("differences %v, want %v", got, want)
	}
	if d := Differences(a, a); len(d) > 0 {
		t.Errorf("an experiment differs from itself: %v", d)
	}
}
