package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/standalone"
)

func TestExport(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	out := filepath.Join(t.TempDir(), "run")
	ordo(t, "run", experiment(t, tiny), "--out", out).check(t, exitOK)
	dir := t.TempDir()
	for _, c := range []struct{ args, says string }{
		{"", ": pixels uint8 [batch, height, width, 3] to features [batch, 64] and embedding [batch, 8]\n"},
		{"--outputs embedding --resize=false", ": pixels uint8 [batch, 16, 16, 3] to embedding [batch, 8]\n"},
		{"--outputs features --input float32 --range 1 --layout nchw",
			": pixels float32 [batch, 3, height, width] to features [batch, 64]\n"},
	} {
		file := filepath.Join(dir, "x.onnx")
		r := ordo(t, append([]string{"export", out, "--onnx", file}, strings.Fields(c.args)...)...)
		r.check(t, exitOK)
		if r.stdout != file+c.says {
			t.Errorf("%s: stdout %q", c.args, r.stdout)
		}
	}
	r := ordo(t, "export", out, "--onnx", filepath.Join(dir, "y.onnx"), "--json")
	r.check(t, exitOK)
	var s standalone.Summary
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil || s.Inside.ShortSide != 32 || s.Input != "pixels" {
		t.Errorf("stdout %q: %v", r.stdout, err)
	}
	ordo(t, "export", out, "--onnx", filepath.Join(dir, "no/x.onnx")).check(t, exitStorage, "no/x.onnx")
	if err := os.Remove(filepath.Join(out, "result.json")); err != nil {
		t.Fatal(err)
	}
	unfinished := ordo(t, "export", out, "--onnx", filepath.Join(dir, "z.onnx"))
	unfinished.check(t, exitData, "no finished run", "ordo run FILE")
	if found, _ := os.ReadDir(dir); len(found) != 2 {
		t.Errorf("the folder holds %v", found)
	}
}

func TestExportRefuses(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"", "a run folder is missing"},
		{"run", "--onnx is missing"},
		{"run more --onnx x.onnx", "unexpected argument \"more\""},
		{"run --onnx x.pb", "--onnx writes onnx files"},
		{"run --onnx x.onnx --input int8", "--input must be one of uint8, float32"},
		{"run --onnx x.onnx --layout chw", "--layout must be one of"},
		{"run --onnx x.onnx --range 2", "--range must be one of 1, 255"},
		{"run --onnx x.onnx --range 1", "white is 255 in uint8"},
		{"run --onnx x.onnx --outputs logits", "--outputs must be one of features, embedding"},
	} {
		ordo(t, strings.Fields("export "+c.args)...).check(t, exitUsage, c.says)
	}
}
