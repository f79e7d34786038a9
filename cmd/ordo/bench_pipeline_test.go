package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/runner/bench/pipeline"
)

const pipelineExperiment = `
name: tiny
data: {image_size: 16, images: 48, test_images: 24}
augment: {invariant: [horizontal_flip], ordered: [{family: rotate, levels: 2}]}
`

func TestBenchPipeline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tiny.yaml")
	if err := os.WriteFile(file, []byte(pipelineExperiment), 0o600); err != nil {
		t.Fatal(err)
	}
	quick := []string{"bench", "pipeline", file, "--seconds=0.002", "--rounds=1"}
	r := ordo(t, append(quick, "--op=blur,zoom", "--json", "data.cache.kind=packed")...)
	r.check(t, exitOK)
	var found pipeline.Result
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&found); err != nil {
		t.Fatal(err)
	}
	if found.Name != "tiny" || found.Images != 48 || found.Kept != "packed" ||
		len(found.Operations) != 6 || found.Beside != nil {
		t.Errorf("found %+v", found)
	}

	r = ordo(t, append(quick, "--beside", filepath.Join(t.TempDir(), "python3"))...)
	r.check(t, exitOK)
	for _, s := range []string{"48 training images of orchard, in memory", "images/s on one worker", "GB/s",
		"at most", "can't be started",
		"views/s of 16 x 16 pixels", "horizontal_flip", "rotate", "plan"} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
}

func TestBenchPipelineRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tiny.yaml")
	if err := os.WriteFile(file, []byte(pipelineExperiment), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"bench pipeline", exitUsage, "an experiment file is missing"},
		{"bench pipeline x.yaml --seconds 0", exitUsage, "--seconds must be in"},
		{"bench pipeline x.yaml --rounds 0", exitUsage, "--rounds must be in"},
		{"bench pipeline " + file + " --op blurr", exitConfig, "no operation is called"},
		{"bench pipeline " + file + " data.source=folder data.root=" + file + "/none", exitData, "none"},
		{"bench pipeline " + file + " data.cache.kind=packed data.cache.dir=" + file + "/below",
			exitStorage, "data.cache.dir"},
	} {
		ordo(t, strings.Fields(c.args)...).check(t, c.code, c.says)
	}
}
