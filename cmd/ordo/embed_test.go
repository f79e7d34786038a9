package main

import (
	"encoding/json"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/embed"
	"ordo/runner/neighbours"
)

// TestEmbedAndNeighbours: an encoder in ONNX makes embeddings of a folder, of which one test image is in training too,
// and neighbours find it.
func TestEmbedAndNeighbours(t *testing.T) {
	run := evaluated(t)
	encoder, dir := filepath.Join(run, "encoder.onnx"), t.TempDir()
	files := map[string][]byte{}
	for i := range 9 {
		for j, split := range []string{"train", "test"} {
			shade := color.RGBA{uint8(25 * i), uint8(9 * i), uint8(200 - 20*i + 9*j), 255}
			files[fmt.Sprintf("%s/x/%d.png", split, i)] = sourcetest.PNG(t, 20, 18, shade)
		}
	}
	files["test/x/same.png"] = files["train/x/4.png"]
	root := sourcetest.Write(t, files)
	rows := filepath.Join(dir, "rows.npz")
	r := ordo(t, "embed", encoder, "--data", root, "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5",
		"data.cache.kind=memory", "--out", rows, "--json")
	r.check(t, exitOK)
	var s embed.Summary
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil || s.Images != 19 || s.Rows != 19 || s.Split != "all" ||
		len(s.Outputs) != 2 || s.Target != encoder {
		t.Errorf("%q: %+v, %v", r.stdout, s, err)
	}
	r = ordo(t, "embed", encoder, "--data", root, "data.cache.kind=memory", "--family", "rotate", "--scales", "0,0.5",
		"--outputs", "embedding", "--dtype", "float16", "--out", filepath.Join(dir, "turned.npy"))
	r.check(t, exitOK)
	if !strings.Contains(r.stdout, "19 of 19 images (split all), embedding [38, 8]") {
		t.Errorf("stdout %q", r.stdout)
	}

	sheet := filepath.Join(dir, "twice.png")
	r = ordo(t, "neighbours", rows, "--duplicates", "--threshold", "1e-6", "--data", root, "--sheet", sheet, "--json")
	r.check(t, exitOK)
	var found neighbours.Result
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || found.Duplicates == nil ||
		len(found.Duplicates.Pairs) != 1 {
		t.Fatalf("%q: %v", r.stdout, err)
	}
	if p := found.Duplicates.Pairs[0]; p.Image.ID != "test/x/same.png" || p.Near.ID != "train/x/4.png" ||
		p.Near.Split != "train" || p.Near.Class != "x" {
		t.Errorf("the pair is %+v", p)
	}
	if info, err := os.Stat(sheet); err != nil || info.Size() == 0 {
		t.Errorf("the sheet: %v", err)
	}
	r = ordo(t, "neighbours", rows, "--of", "test/x/same.png", "--k", "2")
	r.check(t, exitOK)
	if lines := strings.Split(strings.TrimSpace(r.stdout), "\n"); len(lines) != 3 ||
		strings.Join(strings.Fields(lines[1]), " ") != "test/x/same.png 0.0000 train/x/4.png x train" {
		t.Errorf("stdout %q", r.stdout)
	}
	r = ordo(t, "neighbours", rows, "--outliers", "3")
	r.check(t, exitOK)
	if strings.Count(r.stdout, "\n") != 4 || !strings.Contains(r.stdout, "mean distance") {
		t.Errorf("stdout %q", r.stdout)
	}
}

func TestEmbedRefuses(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	empty := t.TempDir()
	rows := filepath.Join(empty, "rows.npz")
	if err := os.WriteFile(rows, []byte("1,2"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"embed x.onnx --out x.csv --dtype int8", exitUsage, "float32, float16"},
		{"embed x.onnx --out x.npz --shard 5/4", exitUsage, "1/4 to 4/4"},
		{"embed x.onnx --out x.npz --family rotate", exitUsage, "--scales"},
		{"embed x.onnx --out x.npz --layout chwn", exitUsage, "nhwc"},
		{"embed x.onnx --out x.npz --mean 1,2", exitUsage, "three"},
		{"embed x.onnx --out x.npz --neighbours -1", exitUsage, "--neighbours must be in"},
		{"embed nowhere.onnx --out x.npz", exitData, "nowhere.onnx"},
		{"embed " + rows + " --out x.npz", exitConfig, "an embeddings file already"},
		{"embed " + empty + "/rows.csv --out x.npz", exitData, "rows.csv"},
		{"neighbours", exitUsage, "an embeddings file is missing"},
		{"neighbours " + rows, exitData, "no embeddings file"},
		{"neighbours " + rows + " --sheet x.png", exitUsage, "--run or --data"},
		{"neighbours " + rows + " --sheet x.jpg --data x", exitUsage, "end the name in .png"},
		{"neighbours " + rows + " --of a --duplicates", exitUsage, "exclude each other"},
		{"neighbours " + rows + " --threshold 3", exitUsage, "[0, 2]"},
		{"neighbours " + rows + " --k 0", exitUsage, "--k must be"},
	} {
		r := ordo(t, strings.Fields(c.args)...)
		r.check(t, c.code, c.says)
		if r.stdout != "" {
			t.Errorf("%s: stdout %q", c.args, r.stdout)
		}
	}
}
