package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestViews(t *testing.T) {
	out := filepath.Join(t.TempDir(), "views.png")
	r := ordo(t, "views", experiment(t, tiny), "seed=3", "--out", out, "--images", "2", "--steps", "3")
	r.check(t, exitOK)
	if r.stdout != out+"\n" {
		t.Errorf("stdout %q", r.stdout)
	}
	checkPNG(t, out)
}

func TestViewsRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"", exitUsage, "an experiment file is missing"},
		{"x.yaml", exitUsage, "--out is missing"},
		{"x.yaml --out x.png --images 0", exitUsage, "--images must be in [1, 64], got 0"},
		{"x.yaml --out x.png --steps 1", exitUsage, "--steps must be in [2, 64], got 1"},
		{"x.yaml --out x.png --size 7", exitUsage, "--size must be in [8, 1024], or 0, got 7"},
		{"x.yaml --out x.png --split both", exitUsage, "--split must be one of train, test"},
		{dir + "/none.yaml --out x.png", exitConfig, "none.yaml"},
		{experiment(t, tiny) + " data.source=folder data.root=" + dir + "/none --out x.png", exitData, "none"},
		{experiment(t, tiny) + " --out " + dir + "/no/x.png", exitStorage, "no/x.png"},
	} {
		ordo(t, strings.Fields("views "+c.args)...).check(t, c.code, c.says)
	}
}
