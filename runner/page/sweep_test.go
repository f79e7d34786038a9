package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/golden"
	"ordo/runner/launch"
	"ordo/runner/sweep"
	"ordo/runner/track"
)

// sweepBench is a folder with a made-up sweep.
type sweepBench struct {
	t    testing.TB
	dir  string
	plan *sweep.Plan
}

const sweptExperiment = "augment: {ordered: [{family: rotate}]}\ntrain: {epochs: 4}\n"

// swept makes the folder of a sweep file, none of whose trials has begun.
func swept(t testing.TB, text string) *sweepBench {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{"base.yaml": sweptExperiment, "some.yaml": "base: base.yaml\n" + text} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := sweep.NewPlan(filepath.Join(root, "some.yaml"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &sweepBench{t: t, dir: filepath.Join(root, "sweep"), plan: plan}
	k := launch.Kubernetes{Image: "x", Claim: "x", Mount: root}
	if _, err := plan.Manifest(sweep.Options{Dir: b.dir}, k, true); err != nil { // which puts the folder in place
		t.Fatal(err)
	}
	return b
}

// begin makes the folder of a trial with an evaluation an epoch, of which each gave another number.
func (b *sweepBench) begin(trial sweep.Trial, numbers ...float64) *track.Folder {
	b.t.Helper()
	f, err := track.Open(filepath.Join(b.dir, trial.Folder), track.Record{Name: "x", Hash: trial.Hash, Seed: trial.Seed},
		[]byte(sweptExperiment))
	for i, x := range numbers {
		epoch := float64(i + 1)
		err = errors.Join(err, f.Step(track.Step{Step: i + 1, Epoch: epoch, Loss: 4 / epoch}),
			f.Eval(track.EvalLine{Step: i + 1, Epoch: epoch, Evaluation: track.Evaluation{
				Metrics: map[string]float64{"knn.features": x}}}))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// finish makes the folder of a trial that ended, with the last of the numbers.
func (b *sweepBench) finish(trial sweep.Trial, numbers ...float64) {
	b.t.Helper()
	f := b.begin(trial, numbers...)
	r := track.Result{Status: track.Finished, Hash: trial.Hash, Seed: trial.Seed, Epochs: len(numbers), Steps: 4,
		Seconds: 90, Loss: 1, Warnings: []string{"careful"}}
	r.SetEvaluation(track.Evaluation{Metrics: map[string]float64{"knn.features": numbers[len(numbers)-1]},
		Untrained: map[string]float64{"knn.features": 0.25}, Chance: map[string]float64{"knn.features": 0.125}})
	_, err := f.Finish(r, nil, nil)
	if err := errors.Join(err, f.Close()); err != nil {
		b.t.Fatal(err)
	}
}

// fail notes an attempt of a trial that ended with a status.
func (b *sweepBench) fail(trial sweep.Trial, exit int, lines ...string) {
	b.t.Helper()
	text, err := json.Marshal(sweep.Attempt{Failure: sweep.Failure{Exit: exit, Lines: lines}})
	if err == nil {
		err = os.WriteFile(filepath.Join(b.dir, trial.Folder+".attempts.jsonl"), append(text, '\n'), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// page makes the sweep's page.
func (b *sweepBench) page() string {
	b.t.Helper()
	m, err := Sweep(b.t.Context(), SweepOptions{Plan: b.plan, Dir: b.dir, Out: filepath.Join(b.dir, FileName)})
	if err != nil || len(m.Damage) > 0 {
		b.t.Fatal(err, m.Damage)
	}
	return string(m.HTML)
}

const twoByTwo = `method: grid
parameters:
  train.lr: {values: [0.001, 0.1]}
  augment.roles.rotate: {values: [absent, ordered]}
baseline: {augment.roles.rotate: absent}
seeds: 2
`

// TestSweepPage: what is said of a sweep with trials of every status is what testdata has.
func TestSweepPage(t *testing.T) {
	b := swept(t, twoByTwo)
	for i, numbers := range [][]float64{{0.25, 0.5}, {0.25, 0.5625}, {0.5, 0.75}, {0.5, 0.875}, {0.375, 0.625}} {
		b.finish(b.plan.Trials[i], numbers...)
	}
	if err := os.WriteFile(track.PageFile(filepath.Join(b.dir, b.plan.Trials[3].Folder)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.fail(b.plan.Trials[5], 4, "numeric", "<b>trouble</b>")
	running := b.begin(b.plan.Trials[6], 0.375)
	defer running.Close()
	html := b.page()
	for from, to := range map[string]string{script: "SCRIPT", plotScript: "SCRIPT", b.dir: "SWEEP", b.plan.Hash: "HASH"} {
		html = strings.ReplaceAll(html, from, to)
	}
	html = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(html, "<style></style>")
	html = regexp.MustCompile(`&#39;sha256-[^ "]*`).ReplaceAllString(html, "SHA-256")
	html = regexp.MustCompile(`(?s)<footer>.*</footer>`).ReplaceAllString(html, "")
	golden.Compare(t, filepath.Join("testdata", "sweep.html"), html)
	// The best row is 0.001, ordered: 0.8125 over the seeds, and its baseline's differences are 0.25 and 0.3125.
	contains(t, html, "1 failed, 5 finished, 1 pending, 1 running of 8 trials",
		"0.8125, 95 % interval [0.0184, 1.6066] over 2 seeds",
		"&#43;0.2812", "<a href=\"./"+b.plan.Trials[3].Folder+"/report.html\">4</a>", "&lt;b&gt;trouble&lt;/b&gt;",
		"untrained, mean over the trials", "<td>0.2500</td>", "can&#39;t be told from 3 finished combinations")
	if strings.Contains(html, b.plan.Trials[0].Folder+"/report.html") {
		t.Error("a link to a page that isn't there")
	}
}

// TestSweepPages: of sweeps of which little is there, there is a page that says so.
func TestSweepPages(t *testing.T) {
	one := "method: grid\nparameters: {train.epochs: {value: 4}}\n"
	for name, c := range map[string]struct {
		text  string
		lay   func(b *sweepBench)
		says  []string
		lacks []string
	}{
		"none began": {twoByTwo, func(*sweepBench) {},
			[]string{"8 pending of 8 trials", "can&#39;t be told from 0", "No trial was evaluated", `<section id="parallel">`},
			[]string{"best combination", `<section id="failures">`}},
		"all failed": {twoByTwo, func(b *sweepBench) {
			for _, trial := range b.plan.Trials {
				b.fail(trial, 1, "trouble")
			}
		}, []string{"8 failed of 8 trials", "Exit status 1 after 1 attempts"}, []string{"best combination"}},
		"one trial": {one, func(b *sweepBench) { b.finish(b.plan.Trials[0], 0.5, 0.75) },
			[]string{"1 finished of 1 trials", "0.7500, one seed: no interval", `class="best" data-trial="1"`},
			[]string{`<section id="groups">`, `<section id="importance">`, `<section id="parallel">`}},
		"one trial that said nothing": {one, func(b *sweepBench) { b.fail(b.plan.Trials[0], -1) },
			[]string{"1 failed of 1 trials", "(it said nothing)"}, nil},
		"equal results": {"method: grid\nparameters: {train.lr: {values: [1, 2, 3]}}\n", func(b *sweepBench) {
			for _, trial := range b.plan.Trials {
				b.finish(trial, 0.5)
			}
		}, []string{"3 finished of 3 trials", `<td>best</td>`}, []string{"NaN", "Inf"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := swept(t, c.text)
			c.lay(b)
			html := b.page()
			contains(t, html, c.says...)
			for _, text := range append(c.lacks, "NaN") {
				if body := strings.ReplaceAll(strings.ReplaceAll(html, script, ""), plotScript, ""); strings.Contains(body, text) {
					t.Errorf("%q is on the page", text)
				}
			}
		})
	}
}

// TestHostileSweep: values and what trials say are texts; a sweep's name can't be hostile.
func TestHostileSweep(t *testing.T) {
	b := swept(t, `method: grid
parameters:
  data.source: {value: folder}
  data.root: {values: ['"><script>alert(2)</script>', "javascript:alert(3)", 'a&b']}
`)
	for i, trial := range b.plan.Trials[:2] {
		b.finish(trial, 0.5, 0.5+float64(i)/4)
	}
	b.fail(b.plan.Trials[2], 1, "</pre><script>alert(4)</script>")
	html := b.page()
	if n := strings.Count(html, "<script"); n != 3 {
		t.Errorf("%d scripts", n)
	}
	if strings.Contains(html, `href="javascript`) || strings.Contains(html, "</pre><script>") {
		t.Error("a value is no text")
	}
	embedded(t, html)
	html = strings.ReplaceAll(strings.ReplaceAll(html, plotScript, ""), script, "")
	if at := regexp.MustCompile(`src="|url\([^d]|href="[^#.]|https?://`).FindString(html); at != "" {
		t.Errorf("the page asks for something: %q", at)
	}
}

func TestSweepErrors(t *testing.T) {
	b := swept(t, twoByTwo)
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := Sweep(ended, SweepOptions{Plan: b.plan, Dir: b.dir, Out: "x.html"}); !errors.Is(err, fault.Interrupted) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := Sweep(t.Context(), SweepOptions{Plan: b.plan, Dir: t.TempDir(), Out: "x.html"}); err == nil {
		t.Error("a folder without a sweep has a page")
	}
	// A metrics file that can't be read is said.
	b.finish(b.plan.Trials[0], 0.5)
	metrics := track.MetricsFile(filepath.Join(b.dir, b.plan.Trials[0].Folder))
	if err := os.WriteFile(metrics, []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Sweep(t.Context(), SweepOptions{Plan: b.plan, Dir: b.dir, Out: "x.html"})
	if err != nil || len(m.Damage) != 1 || !strings.Contains(string(m.HTML), "metrics.jsonl") {
		t.Errorf("%v, %v", err, m.Damage)
	}
}

func TestLinkTo(t *testing.T) {
	root := t.TempDir()
	for _, c := range [][3]string{
		{"a/x.html", "a", "./"}, {"x.html", "a/b c", "./a/b%20c/"}, {"a/b/x.html", "c", "./../../c/"},
	} {
		got, err := linkTo(filepath.Join(root, c[0]), filepath.Join(root, c[1]))
		if err != nil || got != c[2] {
			t.Errorf("from %s to %s: %q, %v", c[0], c[1], got, err)
		}
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		values []float64
		log    bool
		want   string
	}{
		{[]float64{0, 1}, false, "[0 0.2 0.4 0.6 0.8 1]"},
		{[]float64{0.731, 0.742}, false, "[0.732 0.734 0.736 0.738 0.74 0.742]"},
		{[]float64{1e-4, 1e-1}, true, "[0.0001 0.001 0.01 0.1]"}, {[]float64{3, 40}, true, "[5 10 20]"},
		{[]float64{2, 3}, true, "[2 2.45 3]"}, {nil, false, "[0 0.2 0.4 0.6 0.8 1]"},
		{[]float64{-5, 5}, false, "[-4 -2 0 2 4]"},
	} {
		var texts []string
		s := newScale(c.values, c.log)
		for _, x := range s.ticks() {
			texts = append(texts, tick(x))
			if y := s.of(x); y < -1e-9 || y > 1+1e-9 {
				t.Errorf("%v: the tick %g lies at %g", c.values, x, y)
			}
		}
		if got := fmt.Sprint(texts); got != c.want {
			t.Errorf("%v: ticks %s, want %s", c.values, got, c.want)
		}
	}
	for _, v := range []float64{0, 7, -1e-9} {
		if s := newScale([]float64{v}, false); !(s.low < s.high) || math.Abs(s.of(v)-0.5) > 1e-6 {
			t.Errorf("of %g alone: %+v", v, s)
		}
	}
}

func TestRanked(t *testing.T) {
	nan := math.NaN()
	numbers := []float64{1, 6, nan, 3, 6, 2}
	if got := fmt.Sprint(ranked(numbers, false)); got != "[q0 best none q2 best q1]" {
		t.Error(got)
	}
	if got := fmt.Sprint(ranked(numbers, true)); got != "[best q0 none q2 q0 q3]" {
		t.Error(got)
	}
	if got := fmt.Sprint(ranked([]float64{nan}, true)); got != "[none]" {
		t.Error(got)
	}
}

// BenchmarkSweep makes the page of a sweep of a thousand trials with 30 evaluations each.
func BenchmarkSweep(b *testing.B) {
	s := swept(b, `method: random
run_cap: 1000
parameters:
  train.lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  train.weight_decay: {distribution: log_uniform_values, min: 1e-6, max: 1e-2}
  augment.roles.rotate: {values: [absent, invariant, ordered]}
  loss.order.weight: {min: 0.1, max: 10.0}
  train.warmup_epochs: {min: 0, max: 3}
`)
	numbers := make([]float64, 30)
	for i, trial := range s.plan.Trials {
		for k := range numbers {
			numbers[k] = 0.5 + 0.4*math.Sin(float64(i))*float64(k)/30
		}
		s.finish(trial, numbers...)
	}
	b.ResetTimer()
	bytes := 0
	for b.Loop() {
		bytes = len(s.page())
	}
	b.ReportMetric(float64(bytes)/1e6, "MB/page")
}
