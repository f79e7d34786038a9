package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/track"
)

// TestPathsAreOneExperiment: however a folder below the working folder is written, the experiment is one.
func TestPathsAreOneExperiment(t *testing.T) {
	wd := t.TempDir()
	t.Chdir(wd)
	t.Setenv("HOME", wd)
	parse := func(root string, environ ...string) Experiment {
		t.Helper()
		e, err := Parse("x.yaml", []byte("data: {source: folder}"), []string{"data.root=" + root},
			append(environ, "HOME="+wd))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	want := parse("photos").Hash()
	for _, root := range []string{
		"./photos", "photos/", "a/../photos", filepath.Join(wd, "photos"), "~/photos", "${DIR}/photos", "${NAME}",
	} {
		e := parse(root, "DIR="+wd, "NAME=photos")
		if e.Data.Root != "photos" || e.Hash() != want {
			t.Errorf("%s: root %s, hash %s, want %s", root, e.Data.Root, e.Hash(), want)
		}
	}
	for root, want := range map[string]string{
		"/elsewhere/photos/": "/elsewhere/photos", "../photos": "../photos", "pho~tos": "pho~tos", "$RECYCLE": "$RECYCLE",
		"~other/x": "~other/x", "~": ".", wd: ".",
	} {
		if got := parse(root).Data.Root; got != want {
			t.Errorf("%s became %s, want %s", root, got, want)
		}
	}
}

func TestPathsThatCannotBeExpanded(t *testing.T) {
	_, err := Parse("x.yaml", []byte("data: {source: folder, root: \"${PHOTOS}/a\"}\nmodel: {weights: \"${W}\"}"), nil,
		[]string{"W="})
	for _, want := range []string{
		"x.yaml:1: data.root: ", "no variable PHOTOS", "x.yaml:2: model.weights: ", "no variable W",
	} {
		if fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestLoadRun: a run's paths are those of its working folder, and its bounds those of its own images.
func TestLoadRun(t *testing.T) {
	there, here := t.TempDir(), t.TempDir()
	run := filepath.Join(there, "run")
	for _, name := range []string{"set", "cache"} {
		if err := os.MkdirAll(filepath.Join(there, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := track.Open(run, track.Record{Paths: map[string]string{
		"data.root": filepath.Join(there, "set"), "data.cache.dir": filepath.Join(there, "cache"),
	}}, []byte("data: {source: folder, root: set, images: 5, cache: {dir: cache}}"))
	if err := errors.Join(err, folder.Close()); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	if err := os.Mkdir("set", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		overrides []string
		root      string
		images    int
	}{
		{"its own", nil, filepath.Join(there, "set"), 5},
		{"another key", []string{"data.on_error=skip"}, filepath.Join(there, "set"), 5},
		{"another folder", []string{"data.root=set"}, "set", 0},
		{"another folder and bound", []string{"data.root=set", "data.images=3"}, "set", 3},
		{"another source", []string{"data.source=bloodcells"}, filepath.Join(there, "set"), 0},
	} {
		e, err := LoadRun(run, c.overrides)
		if err != nil || e.Data.Root != c.root || e.Data.Images != c.images {
			t.Errorf("%s: root %s, %d images, %v", c.name, e.Data.Root, e.Data.Images, err)
		}
		if e.Data.Cache.Dir != filepath.Join(there, "cache") {
			t.Errorf("%s: cache in %s", c.name, e.Data.Cache.Dir)
		}
	}
	// The folders came from another machine, beside each other.
	if err := errors.Join(os.Remove(filepath.Join(there, "set")), os.Remove(filepath.Join(there, "cache"))); err != nil {
		t.Fatal(err)
	}
	if e, err := LoadRun(run, nil); err != nil || e.Data.Root != "set" || e.Data.Cache.Dir != "" {
		t.Errorf("moved: root %s, cache in %s, %v", e.Data.Root, e.Data.Cache.Dir, err)
	}
	// An edited experiment is not what was trained.
	if err := os.WriteFile(track.ExperimentFile(run), []byte("data: {source: orchard}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRun(run, nil); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "experiment.yaml") {
		t.Errorf("edited: %v", err)
	}
}
