package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/golden"
	"ordo/runner/config"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
	"ordo/runner/guard"
	"ordo/runner/track"
)

// hostile is a name that would end a script, an attribute and a comment.
const hostile = `a"</script><script>alert('x')</script><!--`

// experiment is that of the made-up runs.
func experiment(t testing.TB, seed uint64, overrides ...string) config.Experiment {
	t.Helper()
	text := fmt.Sprintf("name: made-up\nseed: %d\naugment: {ordered: [{family: rotate}]}\n"+
		"data: {images: 48, test_images: 24, image_size: 16}\ntrain: {epochs: 2, batch_size: 12}", seed)
	e, err := config.Parse("x.yaml", []byte(text), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// found is what an evaluation of the made-up runs found: more is added to all numbers.
func found(more float64) evaluation.Result {
	at := func(values ...float64) evaluation.Spread {
		low, high := make([]float64, len(values)), make([]float64, len(values))
		for i, x := range values {
			low[i], high[i] = x/2, 2*x
		}
		return evaluation.Spread{Mean: values, Median: values, Low: low, High: high}
	}
	scales := []float64{0, 0.5, 1}
	untrained := at(0, 0.1, 0.1)
	p := eval.Protocol{Method: "1 - cosine", TestImages: 24, Max: 180, Unit: "degrees", Role: "ordered", Scales: scales}
	point := func(scale, value float64) evaluation.Point {
		return evaluation.Point{Scale: scale, Value: eval.Defined(value + more), Untrained: eval.Defined(0.3)}
	}
	r := evaluation.Result{Name: "end", Settings: "0123456789", Target: "RUN",
		Data: evaluation.Data{Train: 48, Test: 24, Classes: 2, ImageSize: 16, Framing: "circle"}, Pixels: 48,
		Metrics: []evaluation.Metric{
			{Group: evaluation.GroupClasses, Name: "knn", Output: "features", Value: eval.Defined(0.75 + more), Better: "higher",
				Interval: &evaluation.Interval{Low: eval.Defined(0.5), High: eval.Defined(0.9), Level: 0.95, Of: 24,
					Resamples: 1000, Method: "percentile bootstrap over images"},
				References: evaluation.References{Chance: eval.Defined(0.5), ChanceBy: "one class", Untrained: eval.Defined(0.6)},
				Protocol:   eval.Protocol{Method: "20-NN", TrainImages: 48, TestImages: 24}},
			{Group: evaluation.GroupFamily, Family: "rotate", Name: "order_accuracy", Output: "embedding",
				Value: eval.Defined(0.9 + more), Protocol: p,
				ByClass: []evaluation.Class{{Class: hostile, Images: 12, Value: 0.8}, {Class: "b", Images: 12, Value: 1}}},
			{Group: evaluation.GroupFamily, Family: "rotate", Name: "knn_transformed", Output: "features",
				Value: eval.Defined(0.7 + more), Protocol: p, Curve: []evaluation.Point{point(0, 0.75), point(1, 0.5)}},
		},
		Distances: []evaluation.Distance{{Family: "rotate", Output: "embedding", Scales: scales,
			Trained: at(0, 0.2+more, 0.4+more), Untrained: &untrained}},
	}
	return r
}

// write makes the folder of a run that is finished, or has come to its middle.
func write(t testing.TB, dir string, e config.Experiment, finished bool, more float64) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	yaml, err := e.YAML()
	must(err)
	f, err := track.Open(dir, track.Record{Name: hostile, Hash: e.Hash(), Seed: e.Seed, Data: "some", Ordo: "test",
		Threads: 1}, yaml)
	must(err)
	numbers := found(more).Numbers()
	for step := 1; step <= 8; step++ {
		epoch := float64(step) / 4
		must(f.Step(track.Step{Step: step, Epoch: epoch, Rate: 0.01, Loss: 4 / epoch, GradNorm: 1,
			Terms: map[string]float64{"ntxent": 2 / epoch, "ntxent/gradient_norm": 1 / epoch, "ranknet": 1, "spread": epoch}}))
		if step%4 > 0 {
			continue
		}
		var line guard.Reading
		line.Add(12, "embedding", guard.Spread{Deviation: eval.Defined(0.5 * epoch), Clustering: eval.Defined(0.1),
			Rank: eval.EffectiveRank{Rank: eval.Defined(7)}})
		must(f.Guard(track.GuardLine{Step: step, Epoch: epoch, Guard: line}))
		must(f.Timing(track.Timing{Step: step, Steps: 4, Seconds: 2}))
		must(f.Eval(track.EvalLine{Step: step, Epoch: epoch, Evaluation: numbers}))
		if !finished {
			must(f.Close())
			return
		}
	}
	must(found(more).Write(evaluation.File(dir, "end")))
	r := track.Result{Status: track.Finished, Name: e.Name, Hash: e.Hash(), Seed: e.Seed, Epochs: 2, Steps: 8, Seconds: 4,
		ImagesPerSecond: 24, Loss: 2, Parameters: 9, Warnings: []string{"there is " + hostile}}
	r.SetEvaluation(numbers)
	_, err = f.Finish(r, []byte("table\n"), nil)
	must(err)
	must(f.Close())
}

// made makes the page of folders without images.
func made(t testing.TB, dirs ...string) (string, []error) {
	t.Helper()
	m, err := Make(t.Context(), Options{Runs: dirs})
	if err != nil {
		t.Fatal(err)
	}
	return string(m.HTML), m.Damage
}

// contains looks for texts in a page.
func contains(t *testing.T, html string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(html, text) {
			t.Errorf("%q is not on the page", text)
		}
	}
}

// embedded is the JSON that the page holds.
func embedded(t *testing.T, html string) string {
	t.Helper()
	_, rest, _ := strings.Cut(html, `<script type="application/json" id="data">`)
	text, _, ok := strings.Cut(rest, "</script>")
	if !ok || !json.Valid([]byte(text)) {
		t.Fatalf("no JSON: %.200q", text)
	}
	return text
}

// TestPage: what is said of a finished run, but for scripts and styles, is what testdata has.
func TestPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, experiment(t, 1), true, 0)
	html, damage := made(t, dir)
	if len(damage) > 0 {
		t.Errorf("damage %v", damage)
	}
	for from, to := range map[string]string{script: "SCRIPT", plotScript: "SCRIPT", dir: "RUN"} {
		html = strings.ReplaceAll(html, from, to)
	}
	html = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(html, "<style></style>")
	html = regexp.MustCompile(`&#39;sha256-[^ "]*`).ReplaceAllString(html, "SHA-256")
	golden.Compare(t, filepath.Join("testdata", "page.html"), html)
}

// TestNamesCannotBreakThePage: names of runs and classes are texts, in HTML as in JSON.
func TestNamesCannotBreakThePage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, experiment(t, 1), true, 0)
	html, _ := made(t, dir)
	if n := strings.Count(html, "<script"); n != 3 {
		t.Errorf("%d scripts", n)
	}
	if strings.Contains(html, "<!--") || strings.Contains(embedded(t, html), "<") {
		t.Error("a name is no text")
	}
	contains(t, html, "a&#34;&lt;/script&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&lt;!--")
}

// TestNoRequests: nothing on the page is to be fetched, and a policy says so.
func TestNoRequests(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, experiment(t, 1), true, 0)
	html, _ := made(t, dir)
	contains(t, html, `content="default-src &#39;none&#39;; img-src data:;`)
	html = strings.ReplaceAll(html, plotScript, "")
	if at := regexp.MustCompile(`(src|href)="[^#]|url\([^d]|https?://`).FindString(html); at != "" {
		t.Errorf("the page asks for something: %q", at)
	}
}

func TestUnfinished(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, experiment(t, 1), false, 0)
	torn, err := os.OpenFile(filepath.Join(dir, "metrics.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`{"step":5,"ep`); err != nil {
		t.Fatal(err)
	}
	_ = torn.Close() // it is read below
	html, damage := made(t, dir)
	if len(damage) > 0 {
		t.Errorf("damage %v", damage)
	}
	contains(t, html, "stopped, epoch 1 of 2", "the run is not finished", "trained, mean", "Learning rate")
}

// TestDamage: a file that can't be read is said, and the rest is shown.
func TestDamage(t *testing.T) {
	for _, c := range []struct{ file, text, says string }{
		{"run.json", "{", "run.json"},
		{"experiment.yaml", "train: [", "experiment.yaml"},
		{"experiment.yaml", "", "experiment.yaml"},
		{"metrics.jsonl", "{\n", "metrics.jsonl"},
		{"metrics.jsonl", "", "metrics.jsonl"},
		{"timing.jsonl", "[]\n", "timing.jsonl"},
		{"result.json", "nonsense", "result.json"},
		{"eval/end.json", "{}}", "end.json"},
	} {
		t.Run(c.file+" "+c.text, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			write(t, dir, experiment(t, 1), true, 0)
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			html, damage := made(t, dir)
			if c.file == "experiment.yaml" && c.text == "" { // an empty file is the defaults
				return
			}
			if len(damage) == 0 || !strings.Contains(errors.Join(damage...).Error(), c.says) {
				t.Errorf("damage %v", damage)
			}
			contains(t, html, c.says, `<section id="settings">`)
		})
	}
	if _, err := Make(t.Context(), Options{Runs: []string{t.TempDir()}}); !errors.Is(err, fault.Data) {
		t.Errorf("no run: %v", err)
	}
}

// TestShortLists: lists of an evaluation that differ in length are cut to the shortest.
func TestShortLists(t *testing.T) {
	c := newCurve("", "", "", "", line{X: []float64{1, 2, 3}, Y: []float64{1, 2}, Low: []float64{1}, High: nil})
	if len(c.X) != 0 || len(c.Y) != 0 {
		t.Errorf("%+v", c.line)
	}
}

func TestSeveral(t *testing.T) {
	root := t.TempDir()
	var dirs []string
	for i, more := range []float64{0, 0.02, 0.05, 0.08} {
		dir := filepath.Join(root, fmt.Sprintf("run%d", i))
		overrides := []string{}
		if i >= 2 {
			overrides = append(overrides, "train.lr=0.5")
		}
		write(t, dir, experiment(t, uint64(1+i%2), overrides...), true, more)
		dirs = append(dirs, dir)
	}
	html, damage := made(t, dirs...)
	if len(damage) > 0 {
		t.Errorf("damage %v", damage)
	}
	// The differences are 0.05 and 0.06: 0.055 ± 12.7062 · 0.00707107 / √2.
	contains(t, html, "4 runs side by side", "run2, run3 less run0, run1", "train.lr", "seed",
		"<tr><th scope=\"row\">knn, features</th><td>&#43;0.055</td><td>[-0.009, &#43;0.119]</td><td>2</td></tr>",
		"0.750 [0.500, 0.900]")
	var data struct {
		Charts []struct {
			Lines []struct {
				Name   string
				Colour int
			}
		}
	}
	if err := json.Unmarshal([]byte(embedded(t, html)), &data); err != nil {
		t.Fatal(err)
	}
	for _, c := range data.Charts {
		for i, l := range c.Lines {
			if len(c.Lines) != 4 || l.Name != fmt.Sprintf("run%d", i) || l.Colour != i {
				t.Errorf("lines %+v", c.Lines)
			}
		}
	}
	html, _ = made(t, dirs[0], dirs[1])
	contains(t, html, "Over 2 seeds", "<td>0.760</td><td>0.014</td><td>2</td>")
	html, _ = made(t, dirs[0], dirs[3])
	contains(t, html, "They have no seed in common")
	html, _ = made(t, dirs[0], dirs[2])
	contains(t, html, "<td>&#43;0.050</td><td>–</td><td>1</td>")
	html, _ = made(t, dirs[0], dirs[0])
	contains(t, html, "run0 (2)", "Their experiments are the same")
}

// TestWithout: images that are asked for and can't be shown are said, on the page and to whoever listens.
func TestWithout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, experiment(t, 1), true, 0)
	var heard []string
	o := Options{Runs: []string{dir}, Images: 5}
	o.Watch.Note = func(text string) { heard = append(heard, text) }
	m, err := Make(t.Context(), o) // it has no encoder
	if err != nil || len(heard) != 1 || !strings.Contains(heard[0], "encoder.onnx") {
		t.Fatalf("%q, %v", heard, err)
	}
	contains(t, string(m.HTML), "maps, ways over scale and neighbours are left out")
	o.Without = fs.ErrNotExist
	if m, err = Make(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	contains(t, string(m.HTML), "left out: file does not exist")
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := Make(ended, o); !errors.Is(err, fault.Interrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.html")
	if err := (Made{HTML: []byte("x")}).Write(file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
	if err := (Made{}).Write(filepath.Join(file, "y.html")); err == nil {
		t.Error("a file is a folder")
	}
}

// FuzzFolder: whatever metrics and an evaluation hold, there is a page.
func FuzzFolder(f *testing.F) {
	end, err := json.Marshal(found(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"step":1,"epoch":0.5,"loss":1,"terms":{"a":1,"a/b":2,"a/b/c":3}}`+"\n", string(end))
	f.Add("{\"step\":0,\"epoch\":0,\"guard\":{}}\n{\"evaluation\":{\"knn.features\":1}}\n", `{"metrics":[{}]}`)
	f.Add("", `{"distances":[{"scales":[0,1],"trained":{"median":[1]},"pixels":{}}],"metrics":[{"group":"family"}]}`)
	dir := filepath.Join(f.TempDir(), "run")
	write(f, dir, experiment(f, 1), true, 0)
	f.Fuzz(func(t *testing.T, metrics, end string) {
		for name, text := range map[string]string{"metrics.jsonl": metrics, "eval/end.json": end} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		html, _ := made(t, dir)
		embedded(t, html)
	})
}
