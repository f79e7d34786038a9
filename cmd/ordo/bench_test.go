package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/runner/bench"
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
	r := ordo(t, "bench", "step", file, "train.optimizer=lars", "train.exclude_bias_norm=true",
		"--steps=3", "--warmup=1", "--profile", "--json")
	r.check(t, exitOK)
	var found bench.Result
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
	for _, s := range []string{"images/s", "8 images, 4 views of each", "waiting for views", "operator",
		"ConvGrad", "AdamWOptimizer",
		"GFLOP/s of multiply-adds", "of the machine's multiply-adds", "bound by", "\nall "} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	if strings.Contains(r.stdout, "drift") {
		t.Errorf("the drift of one step in\n%s", r.stdout)
	}
	r = ordo(t, "bench", "step", file, "--steps=20")
	if !strings.Contains(r.stdout, "drift ") || strings.Contains(r.stdout, "operator") {
		t.Errorf("no drift, or operators without --profile, in\n%s", r.stdout)
	}
}

// TestBenchStepBeside: with a Python that isn't one, whose torch takes 8 s for steps.
func TestBenchStepBeside(t *testing.T) {
	realLibrary(t)
	t.Setenv(asCommand, "1")
	dir := t.TempDir()
	file, python := filepath.Join(dir, "tiny.yaml"), filepath.Join(dir, "python")
	const script = `#!/bin/sh
read o
echo '{"python": "3", "torch": "2", "parameters": 44292, "threads": 2, "before": 5000}'
while read q; do echo '{"seconds": 8, "peak": 9000}'; done`
	for path, text := range map[string]string{file: benchExperiment, python: script} {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r := ordo(t, "bench", "step", file, "model.backbone=resnet18", "model.threads=2", "--steps=1",
		"--beside", python, "--rounds=2", "--markdown")
	r.check(t, exitOK)
	for _, s := range []string{
		"resnet18, 8 images of 16 px, 4 views of each", "| operator | share |", "\n| ConvGrad | ", "\n| all | 100.0 % | ",
		"times the speed of torch, plain (median of 2 rounds of 2 steps on 32 rows; torch 2, Python 3; 2 threads each)",
		"\n| ordo | ", "\n| torch, channels last | 8 | 8 | ", " | 8.79 KiB | 3.91 KiB |\n",
	} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	r = ordo(t, "bench", "step", file, "model.backbone=resnet18", "model.threads=1", "--steps=1",
		"--beside", python, "--rounds=1")
	r.check(t, exitFailure, "torch, plain computes with 2 threads, ordo with 1")
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
		{"bench step x.yaml --json --markdown", exitUsage, "exclude each other"},
		{"bench backbone-steps", exitFailure, "EOF"},
		{"bench step x.yaml --warmup -1", exitUsage, "--warmup must be in"},
		{"bench step " + missing, exitConfig, missing},
	} {
		ordo(t, strings.Fields(c.args)...).check(t, c.code, c.says)
	}
}
