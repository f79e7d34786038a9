package main

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
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
	saved, err := os.ReadFile(evaluation.File(run, "default"))
	if err != nil || string(saved) != text {
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
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no target", nil, exitUsage, []string{"a run folder or an ONNX file is missing"}},
		{"nothing there", []string{"nowhere"}, exitData, []string{"nowhere", "no such file or folder"}},
		{"no run", []string{empty}, exitData, []string{"no finished run", empty}},
		{"no experiment", []string{text}, exitConfig, []string{"no run folder", "experiment file"}},
		{"no ONNX model", []string{text, text}, exitData, []string{text, "is no encoder"}},
		{"a key of training", []string{empty, "train.epochs=3"}, exitUsage, []string{"train.epochs=3", "eval.KEY=VALUE"}},
		{"name", []string{empty, "--name", "../x"}, exitUsage, []string{"--name", "letters"}},
		{"two forms", []string{empty, "--json", "--csv"}, exitUsage, []string{"exclude each other"}},
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
