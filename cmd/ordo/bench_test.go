package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/runner"
)

// benchExperiment is an experiment whose steps take milliseconds. Its data do not exist, which bench does not mind.
const benchExperiment = `
name: tiny
data: {source: cub200, root: nowhere, boxes: true, image_size: 16}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment: {ordered: [{family: rotate, levels: 2}]}
train: {batch_size: 8}
`

func TestBenchStep(t *testing.T) {
	realLibrary(t)
	file := filepath.Join(t.TempDir(), "tiny.yaml")
	if err := os.WriteFile(file, []byte(benchExperiment), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ordo(t, "bench", "step", file, "train.optimizer=lars", "train.exclude_bias_norm=true", "--steps=3", "--warmup=1", "--profile", "--json")
	r.check(t, exitOK)
	var found runner.BenchResult
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&found); err != nil {
		t.Fatal(err)
	}
	if found.Name != "tiny" || found.Steps != 3 || found.BatchSize != 8 || found.Views != 4 || found.Parameters < 1000 ||
		found.ImagesPerSec <= 0 || math.Abs(found.ViewsPerSec/found.ImagesPerSec-4) > 1e-9 ||
		found.FastestSeconds <= 0 || found.FastestSeconds > found.MedianSeconds || found.PeakMemory < 1<<20 {
		t.Errorf("found %+v", found)
	}
	share, calls := 0.0, map[string]float64{}
	for _, op := range found.Ops {
		share += op.Share
		calls[op.Op] = op.CallsStep
	}
	if math.Abs(share-1) > 1e-9 || calls["Loss"] != 1 || calls["ConvGrad"] != 5 || calls["AdamWOptimizer"] != 0 {
		t.Errorf("shares of the operators add up to %v, calls %v", share, calls)
	}

	r = ordo(t, "bench", "step", file, "--steps=1", "--warmup=0", "--profile")
	r.check(t, exitOK)
	for _, s := range []string{"images/s", "8 images, 4 views of each", "waiting for views", "operator", "ConvGrad", "AdamWOptimizer"} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	if r := ordo(t, "bench", "step", file, "--steps=1"); strings.Contains(r.stdout, "operator") {
		t.Errorf("operators without --profile in\n%s", r.stdout)
	}
}

func TestBenchStepRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"bench stop", exitUsage, "did you mean step?"},
		{"bench step", exitUsage, "an experiment file is missing"},
		{"bench step x.yaml --steps 0", exitUsage, "--steps must be in"},
		{"bench step x.yaml --rounds 0", exitUsage, "--rounds must be in"},
		{"bench step x.yaml --warmup -1", exitUsage, "--warmup must be in"},
		{"bench step " + missing, exitConfig, missing},
	} {
		ordo(t, strings.Fields(c.args)...).check(t, c.code, c.says)
	}
}

func TestFormatSeconds(t *testing.T) {
	for s, want := range map[float64]string{0: "0 µs", 1.25e-5: "12.5 µs", 0.0123456: "12.3 ms", 75.04: "75 s"} {
		if got := formatSeconds(s); got != want {
			t.Errorf("formatSeconds(%v) = %q, want %q", s, got, want)
		}
	}
}
