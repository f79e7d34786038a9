package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	photos, file := filepath.Join(dir, "my photos: new"), filepath.Join(dir, "photos.yaml")
	if err := os.Mkdir(photos, 0o700); err != nil {
		t.Fatal(err)
	}
	made := ordo(t, "config", "init", "--data", photos, "--out", file)
	made.check(t, exitOK)
	shown := ordo(t, "config", "show", file, "train.epochs=3")
	shown.check(t, exitOK)
	for _, want := range []string{photos, "epochs: 3 # override train.epochs=3", "lr: 0.002 # " + file + ":"} {
		if !strings.Contains(shown.stdout, want) {
			t.Errorf("no %q in\n%s", want, shown.stdout)
		}
	}
	said := ordo(t, "config", "check", file).stdout
	if !strings.Contains(said, file+": nothing is wrong; the run is runs/photos-") {
		t.Errorf("said %q", said)
	}
	var schema map[string]any
	if err := json.Unmarshal([]byte(ordo(t, "config", "schema").stdout), &schema); err != nil || schema["$schema"] == nil {
		t.Errorf("the schema: %v", err)
	}
	sweepFile, _ := sweepFile(t, roles)
	if said := ordo(t, "config", "check", sweepFile).stdout; !strings.Contains(said, "the sweep has 4 trials") {
		t.Errorf("said %q", said)
	}
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	file := experiment(t, "seeds: 1\ntrain: {epoch: 2}\n")
	bad, _ := sweepFile(t, "parameters: {seed: {values: []}}")
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"two faults", []string{"check", file}, exitConfig, []string{":1: ", "did you mean seed", ":2: ", "train.epochs"}},
		{"a bad sweep", []string{"check", bad}, exitConfig, []string{"seed.values"}},
		{"no file", []string{"show"}, exitUsage, []string{"an experiment file is missing"}},
		{"no data", []string{"init", "--out", filepath.Join(dir, "a.yaml")}, exitUsage, []string{"--data is missing"}},
		{"no images", []string{"init", "--data", filepath.Join(dir, "none"), "--out", filepath.Join(dir, "a.yaml")}, exitData,
			[]string{"none"}},
		{"a file there", []string{"init", "--data", dir, "--out", file}, exitFailure, []string{"is there already"}},
		{"another suffix", []string{"init", "--data", dir, "--out", "a.json"}, exitUsage, []string{".yaml"}},
		{"too much", []string{"schema", "all"}, exitUsage, []string{"unexpected"}},
	} {
		r := ordo(t, append([]string{"config"}, c.args...)...)
		if r.code != c.code || r.stdout != "" {
			t.Errorf("%s: exit status %d, want %d; stdout %q", c.name, r.code, c.code, r.stdout)
		}
		for _, says := range c.says {
			if !strings.Contains(r.stderr, says) {
				t.Errorf("%s: no %q in %q", c.name, says, r.stderr)
			}
		}
	}
}
