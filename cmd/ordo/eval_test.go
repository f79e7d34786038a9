package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/evaluation"
)

const evaluable = `
data: {image_size: 16, images: 120, test_images: 90}
model: {backbone: convnet, width: 4, projector: [8]}
augment:
  invariant: [horizontal_flip, {family: brightness, max: 1.5}]
  ordered: [{family: rotate, levels: 2}, {family: zoom, levels: 1}]
  roles: {zoom: absent}
train: {epochs: 1, batch_size: 12}
eval: {knn: {k: 3}, order: {levels: 5}, train_images: 60, test_images: 60, family_images: 30, resamples: 50}
`

// evaluated trains a small run and returns its folder.
func evaluated(t *testing.T) string {
	t.Helper()
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	out := filepath.Join(t.TempDir(), "run")
	ordo(t, "run", experiment(t, evaluable), "--out", out).check(t, exitOK)
	return out
}

// evaluate runs ordo eval and reads what it prints as JSON.
func evaluate(t *testing.T, args ...string) (evaluation.Result, string) {
	t.Helper()
	r := ordo(t, append([]string{"eval", "--json", "--threads", "1"}, args...)...)
	r.check(t, exitOK)
	var result evaluation.Result
	if err := json.Unmarshal([]byte(r.stdout), &result); err != nil {
		t.Fatalf("stdout %.300q: %v", r.stdout, err)
	}
	return result, r.stdout
}

// named finds a metric.
func named(t *testing.T, r evaluation.Result, name, output, family string) evaluation.Metric {
	t.Helper()
	for _, m := range r.Metrics {
		if m.Name == name && m.Output == output && m.Family == family {
			return m
		}
	}
	t.Fatalf("there is no metric %s of %s %s", name, output, family)
	return evaluation.Metric{}
}

func TestEval(t *testing.T) {
	run := evaluated(t)
	result, text := evaluate(t, run, "eval.families=[hue]")
	saved, err := evaluation.Read(evaluation.File(run, "default"))
	var printed evaluation.Result
	if err = errors.Join(err, json.Unmarshal([]byte(text), &printed)); err != nil || !reflect.DeepEqual(saved, printed) {
		t.Errorf("what is saved differs from what is printed (%v)", err)
	}
	for _, name := range []string{"end.json", "default-order.svg", "default-order.png", "default-robustness.svg"} {
		if info, err := os.Stat(filepath.Join(run, "eval", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := strings.Join(result.Families(), " "); got != "rotate zoom brightness hue" {
		t.Errorf("families %s", got)
	}
	checkMetrics(t, result)

	old := runtime.GOMAXPROCS(1)
	_, again := evaluate(t, run, "--families", "hue")
	runtime.GOMAXPROCS(old)
	if again != text {
		t.Error("another number of processors gives other numbers")
	}
	other, _ := evaluate(t, run, "eval.knn.k=5", "--name", "five")
	if other.Settings == result.Settings {
		t.Error("other settings have the same hash")
	}

	// The same encoder by itself has the same numbers, and no untrained network.
	alone, _ := evaluate(t, filepath.Join(run, "encoder.onnx"), filepath.Join(run, "experiment.yaml"), "--families", "hue")
	for _, m := range alone.Metrics {
		if m.Name == "overlap_untrained" {
			t.Error("an encoder that is no run's has an untrained network")
		}
		own := named(t, result, m.Name, m.Output, m.Family)
		if own.Value != m.Value || own.References.Pixels != m.References.Pixels {
			t.Errorf("%s of %s %s: %v from the run, %v from the file", m.Name, m.Output, m.Family, own.Value, m.Value)
		}
		if m.References.Untrained.Defined || m.Gain != nil {
			t.Errorf("%s: an untrained network from nowhere", m.Name)
		}
	}

	// A run differs from itself by nothing.
	same, _ := evaluate(t, run, "--against", run)
	for _, m := range same.Metrics {
		if m.Against != nil && m.Against.Value.Number != 0 {
			t.Errorf("%s of %s %s: differs from itself by %v", m.Name, m.Output, m.Family, m.Against.Value)
		}
	}
}

// checkMetrics checks what must hold of all metrics.
func checkMetrics(t *testing.T, result evaluation.Result) {
	t.Helper()
	for _, m := range result.Metrics {
		what := m.Name + " of " + m.Output + " " + m.Family
		if m.Protocol.Method == "" || m.Protocol.TestImages == 0 || m.Output != "features" && m.Output != "embedding" {
			t.Errorf("%s: %+v", what, m)
		}
		if m.Interval != nil && m.Interval.Low.Number > m.Interval.High.Number {
			t.Errorf("%s: interval %+v", what, m.Interval)
		}
		if m.Gain == nil || !m.Value.Defined {
			continue
		}
		if d := m.Value.Number - m.References.Untrained.Number; math.Abs(d-m.Gain.Value.Number) > 1e-12 {
			t.Errorf("%s: gain %v, want %g", what, m.Gain.Value, d)
		}
	}
	for _, name := range []string{
		"order_accuracy", "order_kendall", "scale_r2", "scale_r2_relative", "scale_r2_beyond", "predicted_mrr",
		"predicted_gain", "relative_distance", "normalised_variance", "knn_transformed", "probe_transformed",
	} {
		for _, family := range result.Families() {
			m := named(t, result, name, "features", family)
			if !m.References.Untrained.Defined || !m.References.Pixels.Defined || !m.References.Chance.Defined {
				t.Errorf("%s of %s lacks a reference: %+v", name, family, m.References)
			}
		}
	}
	rotate := named(t, result, "scale_r2_degrees", "embedding", "rotate")
	if rotate.Protocol.Role != "ordered" || rotate.References.Chance.Number < 10 || rotate.References.Chance.Number > 180 {
		t.Errorf("%+v", rotate)
	}
	zoom := named(t, result, "knn_transformed", "features", "zoom")
	if zoom.Protocol.Role != "absent" || len(zoom.Curve) != 5 {
		t.Errorf("%+v", zoom)
	}
	order := named(t, result, "order_accuracy", "features", "hue")
	if len(order.ByClass) == 0 || order.Protocol.Role != "" || order.References.Chance.Number != 0.5 {
		t.Errorf("%+v", order)
	}
	for _, name := range []string{
		"knn", "probe", "rankme", "lidar", "self_clustering", "overlap_untrained", "overlap_pixels",
	} {
		named(t, result, name, "features", "")
	}
}

// equal checks that metrics that both have are the same numbers and intervals, and returns how many these are.
func equal(t *testing.T, what string, want, got evaluation.Result) int {
	t.Helper()
	both := 0
	for _, m := range got.Metrics {
		i := slices.IndexFunc(want.Metrics, func(w evaluation.Metric) bool {
			return w.Name == m.Name && w.Output == m.Output && w.Family == m.Family
		})
		if i < 0 {
			continue
		}
		both++
		w := want.Metrics[i]
		if w.Value != m.Value || !reflect.DeepEqual(w.Interval, m.Interval) || w.References.Chance != m.References.Chance ||
			!reflect.DeepEqual(w.Details, m.Details) {
			t.Errorf("%s: %s of %s %s is %v %+v, want %v %+v", what, m.Name, m.Output, m.Family, m.Value, m.Interval, w.Value,
				w.Interval)
		}
	}
	return both
}

// TestEvalOfOneEncoder: a run, its ONNX file and its embeddings have the same numbers.
func TestEvalOfOneEncoder(t *testing.T) {
	run := evaluated(t)
	file, dir := filepath.Join(run, "experiment.yaml"), t.TempDir()
	want, _ := evaluate(t, run)
	alone, _ := evaluate(t, filepath.Join(run, "encoder.onnx"), file)
	if n := equal(t, "the ONNX file", want, alone); n < 100 || n != len(alone.Metrics) {
		t.Errorf("the ONNX file has %d of %d metrics in common with the run", n, len(alone.Metrics))
	}
	if alone.Settings != want.Settings || alone.Encoder != want.Encoder || !reflect.DeepEqual(alone.Input, want.Input) {
		t.Errorf("settings %s and %s, input %+v", alone.Settings, want.Settings, alone.Input)
	}

	embed := func(split string) string {
		out := filepath.Join(dir, split+".npz")
		ordo(t, "embed", run, "--split", split, "--out", out).check(t, exitOK)
		return out
	}
	all, train, test := embed("all"), embed("train"), embed("test")
	t.Setenv(install.EnvLibrary, filepath.Join(dir, "none")) // rows need no ONNX Runtime
	rows, _ := evaluate(t, all, file)
	pair, _ := evaluate(t, test, file, "--train", train)
	for what, r := range map[string]evaluation.Result{"embeddings": rows, "two files of embeddings": pair} {
		if n := equal(t, what, want, r); n < 12 || n != len(r.Metrics) {
			t.Errorf("%s have %d of %d metrics in common with the run", what, n, len(r.Metrics))
		}
	}
	for _, name := range []string{"knn", "probe", "rankme"} {
		if m := named(t, rows, name, "embedding", ""); m.References.Pixels.Defined || m.References.Untrained.Defined {
			t.Errorf("%s of rows has %+v", name, m.References)
		}
	}
	if len(rows.Embeddings) != 1 || len(pair.Embeddings) != 2 || rows.Encoder != "" || len(rows.Notes) == 0 ||
		rows.Data.Train != 120 || pair.Data.Test != 90 {
		t.Errorf("embeddings %+v and %+v, notes %q", rows.Embeddings, pair.Embeddings, rows.Notes)
	}
	same, _ := evaluate(t, all, file, "--against", all, "--outputs", "features")
	m := named(t, same, "knn", "features", "")
	if m.Against == nil || m.Against.Value.Number != 0 || same.Columns["embedding"] != 0 {
		t.Errorf("beside itself: %+v", m)
	}
	// Rows of test images alone have no classes that were learnt.
	alone, _ = evaluate(t, test, "eval.resamples=20")
	for _, m := range alone.Metrics {
		if m.Group != evaluation.GroupLabelFree {
			t.Errorf("without training rows there is %s", m.Name)
		}
	}
	r := ordo(t, "eval", all, file)
	r.check(t, exitOK)
	if !strings.Contains(r.stdout, "Classes (12)") || strings.Contains(r.stdout, "Views:") {
		t.Errorf("the table of rows:\n%s", r.stdout)
	}
}

// TestEvalFolder: an encoder and a folder of images are enough, and what the encoder gets changes no reference.
func TestEvalFolder(t *testing.T) {
	encoder := filepath.Join(evaluated(t), "encoder.onnx")
	images := map[string][]byte{}
	for _, split := range []string{"train", "test"} {
		for i := range 12 {
			shade := color.Gray{Y: uint8(10 * i)}
			images[fmt.Sprintf("%s/dark/%d.png", split, i)] = sourcetest.PNG(t, 20, 18, shade)
			shade.Y += 130
			images[fmt.Sprintf("%s/light/%d.png", split, i)] = sourcetest.PNG(t, 20, 18, shade)
		}
	}
	args := []string{encoder, "--data", sourcetest.Write(t, images), "--families", "brightness", "--outputs", "features",
		"data.cache.kind=memory", "eval.resamples=20"}
	plain, _ := evaluate(t, args...)
	if knn := named(t, plain, "knn", "features", ""); knn.Value.Number < 0.5 || knn.References.Pixels.Number < 0.5 {
		t.Errorf("dark and light are told by %+v", knn)
	}
	if plain.Columns["embedding"] != 0 || plain.Data.ImageSize != 16 || plain.Data.Framing != "circle" ||
		plain.Families()[0] != "brightness" || plain.Input.Mean[0] != 0.5 {
		t.Errorf("columns %v, data %+v, input %+v", plain.Columns, plain.Data, plain.Input)
	}
	for _, m := range plain.Metrics {
		if m.Name == "lidar" {
			t.Error("LiDAR without random transformations")
		}
	}
	other, _ := evaluate(t, append(args, "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225")...)
	if other.Settings == plain.Settings || other.Input.Std[2] != 0.225 {
		t.Errorf("settings %s, input %+v", other.Settings, other.Input)
	}
	changed := 0
	for _, m := range other.Metrics {
		was := named(t, plain, m.Name, m.Output, m.Family)
		if was.References.Pixels != m.References.Pixels {
			t.Errorf("%s of pixels was %v and is %v", m.Name, was.References.Pixels, m.References.Pixels)
		}
		if was.Value != m.Value {
			changed++
		}
	}
	if changed == 0 {
		t.Error("another normalisation changes nothing")
	}
	ordo(t, "eval", encoder, "--data", "x", "--image-size", "32").check(t, exitConfig, "16 pixels", "32")
	ordo(t, append([]string{"eval", "--layout", "nhwc"}, args...)...).check(t, exitConfig, "nhwc")
}

func TestEvalTables(t *testing.T) {
	run := evaluated(t)
	for _, c := range []struct {
		flag string
		says []string
	}{
		{"--name=table", []string{"tiny (", "95 % interval", "untrained", "pixels", "Classes (12)",
			"rotate (ordered, max 180 degrees, 5 scales)", "zoom (absent", "brightness (invariant", "Without labels",
			"bootstrap", filepath.Join(run, "eval", "table.json")}},
		{"--full", []string{"order_kendall", "normalised_variance"}},
		{"--markdown", []string{"## rotate (ordered", "| metric | output |", "| --- |"}},
		{"--latex", []string{`\begin{tabular}`, `order\_accuracy & features`, `95 \% interval`, `\bottomrule`}},
	} {
		r := ordo(t, "eval", run, c.flag)
		r.check(t, exitOK)
		for _, s := range c.says {
			if !strings.Contains(r.stdout, s) {
				t.Errorf("%s: %q is missing in\n%s", c.flag, s, r.stdout)
			}
		}
	}
	r := ordo(t, "eval", run, "--csv")
	r.check(t, exitOK)
	lines, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	if err != nil || len(lines) < 100 || lines[0][0] != "group" {
		t.Errorf("%d lines of CSV, %v", len(lines), err)
	}
	// Other settings of the evaluation are no other run.
	file := experiment(t, evaluable)
	again := ordo(t, "run", file, "eval.knn.k=7", "--out", run)
	again.check(t, exitOK, "ordo eval "+run+" eval.KEY=VALUE", "without training")
	if strings.Contains(again.stderr, "step 1") || !strings.Contains(again.stdout, "references: ordo eval "+run) {
		t.Errorf("stdout %q, stderr %q", again.stdout, again.stderr)
	}
}

func TestEvalRefuses(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	empty, text := t.TempDir(), experiment(t, tiny)
	rows, sheet := filepath.Join(empty, "rows.npz"), filepath.Join(empty, "rows.csv")
	for _, file := range []string{rows, sheet} {
		if err := os.WriteFile(file, []byte("1,2"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no target", nil, exitUsage, []string{"run folder", "ONNX file", "embeddings file", "missing"}},
		{"nothing there", []string{"nowhere"}, exitData, []string{"nowhere", "no such file or folder"}},
		{"no run", []string{empty}, exitData, []string{"no finished run", empty}},
		{"no experiment", []string{text}, exitConfig, []string{"no run folder", "experiment file"}},
		{"no ONNX model", []string{text, text}, exitData, []string{text, "is no encoder"}},
		{"a key of training", []string{empty, "train.epochs=3"}, exitUsage, []string{"train.epochs=3", "eval.KEY=VALUE"}},
		{"name", []string{empty, "--name", "../x"}, exitUsage, []string{"--name", "letters"}},
		{"two forms", []string{empty, "--json", "--csv"}, exitUsage, []string{"exclude each other"}},
		{"rows of another kind", []string{sheet}, exitData, []string{sheet, "numpy.savez"}},
		{"rows that are none", []string{rows}, exitData, []string{rows, "no embeddings file"}},
		{"images of rows", []string{rows, "data.root=x"}, exitConfig, []string{rows, "no images"}},
		{"families of rows", []string{rows, "--families", "rotate"}, exitUsage, []string{"--families", rows}},
		{"train beside a run", []string{text, text, "--train", rows}, exitUsage, []string{"--train", "embeddings files"}},
		{"layout of rows", []string{rows, "--layout", "nhwc"}, exitUsage, []string{"--layout", "ONNX files"}},
		{"layout", []string{text, "--layout", "chwn"}, exitUsage, []string{"--layout", "nhwc"}},
		{"mean", []string{text, "--mean", "1,2"}, exitUsage, []string{"--mean", "three"}},
		{"range", []string{text, "--range", "2"}, exitUsage, []string{"--range", "255"}},
		{"family", []string{text, text, "--families", "spin"}, exitConfig, []string{"spin", "rotate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ordo(t, append([]string{"eval"}, c.args...)...)
			r.check(t, c.code, c.says...)
			if r.stdout != "" {
				t.Errorf("stdout %q", r.stdout)
			}
		})
	}
}
