package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
	"ordo/runner/config"
	"ordo/runner/track"
)

const small = `
name: small
data: {source: orchard, image_size: 16, images: 48, test_images: 24}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment:
  invariant: [horizontal_flip, color_jitter]
  ordered: [{family: rotate, levels: 2}, {family: hue, levels: 1}]
train: {epochs: 3, batch_size: 12, warmup_epochs: 1}
eval: {knn: {k: 5}, order: {levels: 4}, every_epochs: 1}
`

func experiment(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(small), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// quiet is a Progress that only calls back.
type quiet struct {
	step func(Step)
	note []string
}

func (q *quiet) Reading(int, int)    {}
func (q *quiet) Evaluating(int, int) {}
func (q *quiet) Detail(string)       {}
func (q *quiet) Start(int, int)      {}
func (q *quiet) Step(s Step) {
	if q.step != nil {
		q.step(s)
	}
}
func (q *quiet) Note(text string) { q.note = append(q.note, text) }
func (q *quiet) End()             {}

func options(t testing.TB, dir string, overrides ...string) Options {
	t.Helper()
	return of(t, experiment(t, overrides...), dir)
}

// of are the options of an experiment's run.
func of(t testing.TB, e config.Experiment, dir string) Options {
	t.Helper()
	libraries := models.Libraries{ONNXRuntime: orttest.Path(t)}
	return Options{Experiment: e, Dir: dir, Libraries: libraries, Version: "test", Progress: &quiet{}}
}

func mustRun(t testing.TB, dir string, overrides ...string) track.Result {
	t.Helper()
	r, err := Run(context.Background(), options(t, dir, overrides...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func metrics(t testing.TB, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEqualRunsAreEqualBitForBit(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	first, second := mustRun(t, a), mustRun(t, b, "train.workers=3")
	if metrics(t, a) != metrics(t, b) || first.ParametersHash != second.ParametersHash {
		t.Error("two runs of one experiment differ")
	}
	if other := mustRun(t, filepath.Join(t.TempDir(), "c"), "seed=2"); other.ParametersHash == first.ParametersHash {
		t.Error("another seed gave the same parameters")
	}
	if first.Steps != 12 || first.Status != track.Finished || first.KNNTop1 == nil || len(first.Protocols) != 9 ||
		first.Untrained["knn.features"] == 0 ||
		first.OrderAccuracy["rotate"]["embedding"] <= 0 || first.OrderAccuracy["hue"]["features"] <= 0 {
		t.Errorf("%d steps, %d protocols, result %+v", first.Steps, len(first.Protocols), first)
	}
	share := first.TimeShare
	if share.ONNXRuntime <= 0 || share.DataWait < 0 || share.Loss <= 0 || share.Rest < 0 ||
		first.Seconds <= 0 || first.ImagesPerSecond <= 0 {
		t.Errorf("time %+v, %v s, %v images/s", share, first.Seconds, first.ImagesPerSecond)
	}
	for family, outputs := range first.Distances {
		for output, found := range outputs {
			if found.Distance[0] != 0 || found.Distance[3] < 1e-6 || found.Untrained[3] < 1e-6 {
				t.Errorf("distances of %s on the %s: %+v", family, output, found)
			}
		}
	}
	history, err := track.ReadHistory(a)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range history.Steps {
		if want := float32(experiment(t).Train.Rate(i, 4)); s.Rate != want || s.Step != i+1 {
			t.Errorf("step %d was taken at rate %v, want step %d at %v", s.Step, s.Rate, i+1, want)
		}
	}
	for name, p := range first.Protocols {
		rotate := strings.HasPrefix(name, "rotate.")
		if p.ImageSize != 16 || p.Framing != "circle" || (rotate && (p.Max != 180 || p.Role != "ordered")) {
			t.Errorf("%s: protocol %+v", name, p)
		}
	}
	if n := strings.Count(metrics(t, a), `"evaluation"`); n != 3 {
		t.Errorf("metrics have %d evaluations, want 3", n)
	}
	for _, name := range []string{
		"experiment.yaml", "run.json", "metrics.jsonl", "timing.jsonl", "last.ckpt", "encoder.onnx", "report.txt",
		"result.json", "graphs/training_model.onnx", "eval/end.json", "order.svg", "order.png", "robustness.svg",
	} {
		if info, err := os.Stat(filepath.Join(a, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing or empty: %v", name, err)
		}
	}
	encoder, err := onnxgraph.ReadFile(filepath.Join(a, "encoder.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, e := range encoder.GetMetadataProps() {
		said[e.GetKey()] = e.GetValue()
	}
	if said[models.MetaFraming] != "circle" || said[models.MetaImageSize] != "16" ||
		said[models.MetaMean] != "0.5,0.5,0.5" || !strings.HasPrefix(said[models.MetaClasses], `["`) ||
		!strings.Contains(said[models.MetaRun], experiment(t).Hash()) {
		t.Errorf("the encoder says %v", said)
	}
	resolved, err := config.Load(filepath.Join(a, "experiment.yaml"), nil, nil)
	if err != nil || resolved.Hash() != experiment(t).Hash() {
		t.Errorf("the resolved experiment has another hash, or %v", err)
	}
}

func TestInterruptedRunGoesOnBitForBit(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	want := mustRun(t, whole)
	for _, stops := range [][]int{{1}, {4}, {6}, {12}, {3, 4, 11}} {
		dir := filepath.Join(t.TempDir(), "stopped")
		for _, stop := range stops {
			ctx, cancel := context.WithCancel(context.Background())
			o := options(t, dir)
			o.Progress = &quiet{step: func(s Step) {
				if s.Number == stop {
					cancel()
				}
			}}
			if _, err := Run(ctx, o); !errors.Is(err, fault.Interrupted) {
				t.Fatalf("stopped after step %d: error %v", stop, err)
			}
			cancel()
		}
		got := mustRun(t, dir)
		if metrics(t, dir) != metrics(t, whole) || got.ParametersHash != want.ParametersHash || got.Loss != want.Loss {
			t.Errorf("stopped after %v: the run is another than without", stops)
		}
	}
}

// interrupt runs and stops after a step.
func interrupt(t *testing.T, o Options, after int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = &quiet{step: func(s Step) {
		if s.Number == after {
			cancel()
		}
	}}
	if _, err := Run(ctx, o); !errors.Is(err, fault.Interrupted) {
		t.Fatalf("stopped after step %d: error %v", after, err)
	}
}

// TestPausedRunGoesOnBitForBit: a run that pauses at the end of every epoch, and one that is asked again to pause where
// it is, ends as one that never paused, whatever the course of its learning rate.
func TestPausedRunGoesOnBitForBit(t *testing.T) {
	for _, overrides := range [][]string{
		{"train.schedule=cosine"},
		{"train.epochs=4", "train.checkpoint_minutes=0", "eval.every_epochs=2", "train.keep_best=knn.features"},
	} {
		whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
		want := mustRun(t, whole, overrides...)
		o := options(t, parts, overrides...)
		for _, until := range []int{1, 1, 2} {
			o.UntilEpoch = until
			_, err := Run(t.Context(), o)
			if !errors.Is(err, ErrPaused) || fault.KindOf(err) != fault.Interrupted {
				t.Fatalf("%v: until epoch %d: got %v", overrides, until, err)
			}
			last, err := track.LastStep(parts)
			if err != nil || last.Epoch != float64(until) {
				t.Errorf("%v: until epoch %d: the last line is of epoch %v, %v", overrides, until, last.Epoch, err)
			}
		}
		o.UntilEpoch = want.Epochs // is no pause: the run ends there
		got, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if metrics(t, whole) != metrics(t, parts) || got.ParametersHash != want.ParametersHash ||
			got.EncoderSHA256 != want.EncoderSHA256 {
			t.Errorf("%v: a run that was paused differs", overrides)
		}
	}
}

func TestRunKeepsItsThreads(t *testing.T) {
	want := mustRun(t, filepath.Join(t.TempDir(), "one"), "model.threads=1")
	dir := filepath.Join(t.TempDir(), "run")
	interrupt(t, options(t, dir, "model.threads=1"), 5)
	o := options(t, dir, "model.threads=2")
	notes := &quiet{}
	o.Progress = notes
	got, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got.ParametersHash != want.ParametersHash {
		t.Error("a run that began with one thread went on with two")
	}
	all := strings.Join(notes.note, "\n")
	if !strings.Contains(all, "going on after step 5 of 12") || !strings.Contains(all, "with 1 threads") {
		t.Errorf("notes %q", all)
	}
	if got.Seconds <= 0 || got.ImagesPerSecond <= 0 || len(got.Protocols) == 0 {
		t.Errorf("result of a resumed run: %+v", got)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log.txt"))
	if err != nil || !strings.Contains(string(log), "stopped: interrupted after step 5") ||
		!strings.Contains(string(log), "finished") {
		t.Errorf("log %q, %v", log, err)
	}
}

func TestInterruptionInTheLastEvaluation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	want := mustRun(t, filepath.Join(t.TempDir(), "whole"))
	interrupt(t, options(t, dir), 12)
	got := mustRun(t, dir)
	if got.ParametersHash != want.ParametersHash || got.Seconds <= 0 || *got.KNNTop1 != *want.KNNTop1 {
		t.Errorf("result %+v", got)
	}
}

func TestChangedDataAreNoticed(t *testing.T) {
	root := t.TempDir()
	picture := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 40 {
		picture.Set(i%16, i/16, color.RGBA{uint8(20 * i), 99, uint8(255 - i), 255})
		var b bytes.Buffer
		if err := png.Encode(&b, picture); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, []string{"a", "b"}[i%2], fmt.Sprintf("%d.png", i))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, b.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	set := []string{
		"data.source=folder", "data.images=0", "data.test_images=0", "data.root=" + root, "train.epochs=1",
		"data.cache.dir=" + t.TempDir(),
	}
	finished, unfinished := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	mustRun(t, finished, set...)
	interrupt(t, options(t, unfinished, set...), 1)
	for _, name := range []string{"a/0.png", "b/1.png"} {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{finished, unfinished} {
		_, err := Run(context.Background(), options(t, dir, set...))
		if !errors.Is(err, track.ErrOccupied) || !strings.Contains(err.Error(), "have changed") {
			t.Errorf("%s: error %v", dir, err)
		}
	}
}

// TestEveryOptimizerGoesOnBitForBit: its state is in the checkpoint, whether it is ONNX Runtime's or Go's.
func TestEveryOptimizerGoesOnBitForBit(t *testing.T) {
	seen := map[string]string{}
	for name, settings := range map[string][]string{
		"adamw":              {"train.clip_grad_norm=0.5"},
		"adamw without bias": {"train.exclude_bias_norm=true", "train.betas=[0.8, 0.99]"},
		"sgd":                {"train.optimizer=sgd", "train.nesterov=true", "train.lr=0.05"},
		"lars": {"train.optimizer=lars", "train.exclude_bias_norm=true", "train.lr=0.3",
			"train.weight_decay=1e-6"},
	} {
		settings = append(settings, "train.epochs=2")
		whole := filepath.Join(t.TempDir(), "whole")
		want := mustRun(t, whole, settings...)
		dir := filepath.Join(t.TempDir(), "stopped")
		ctx, cancel := context.WithCancel(context.Background())
		o := options(t, dir, settings...)
		o.Progress = &quiet{step: func(s Step) {
			if s.Number == 3 {
				cancel()
			}
		}}
		if _, err := Run(ctx, o); !errors.Is(err, fault.Interrupted) {
			t.Fatalf("%s: error %v", name, err)
		}
		cancel()
		got := mustRun(t, dir, settings...)
		if metrics(t, dir) != metrics(t, whole) || got.ParametersHash != want.ParametersHash {
			t.Errorf("%s: the run is another than without a stop", name)
		}
		if other, ok := seen[got.ParametersHash]; ok {
			t.Errorf("%s and %s gave the same parameters", name, other)
		}
		seen[got.ParametersHash] = name
	}
}

func TestFinishedRunIsNotRepeated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first := mustRun(t, dir, "train.epochs=1")
	before, err := os.Stat(filepath.Join(dir, "last.ckpt"))
	if err != nil {
		t.Fatal(err)
	}
	again := mustRun(t, dir, "train.epochs=1")
	if again.Seconds != first.Seconds || again.ParametersHash != first.ParametersHash {
		t.Error("the second call gave another result")
	}
	if after, err := os.Stat(filepath.Join(dir, "last.ckpt")); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("the second call touched the checkpoint")
	}
	if _, err := Run(context.Background(), options(t, dir, "train.epochs=2")); !errors.Is(err, track.ErrOccupied) {
		t.Errorf("another experiment in the same folder: %v", err)
	}
}

func TestRunThatCannotStartLeavesNothing(t *testing.T) {
	library, none := orttest.Path(t), filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		overrides []string
		library   string
		want      error
	}{
		"missing data":    {[]string{"data.source=folder", "data.root=" + none}, library, fault.Data},
		"batch too large": {[]string{"train.batch_size=49"}, library, fault.Config},
		"no library":      {nil, filepath.Join(t.TempDir(), "none.so"), nil},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		o := options(t, dir, c.overrides...)
		o.Libraries.ONNXRuntime = c.library
		_, err := Run(context.Background(), o)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the run folder is there: %v", name, err)
		}
	}
}

// Pixels of up to 1e38 overflow in the first convolution, at every step.
func TestNonFiniteStepsAreSkippedSoOften(t *testing.T) {
	wild := "augment.std=[1e-38, 1e-38, 1e-38]"
	dir := filepath.Join(t.TempDir(), "stops")
	_, err := Run(context.Background(), options(t, dir, wild))
	if !errors.Is(err, fault.Numeric) || !strings.Contains(err.Error(), "step 1") {
		t.Fatalf("error %v", err)
	}
	if _, err := track.ReadRecord(dir); err != nil {
		t.Errorf("the folder of a diverged run is gone: %v", err)
	}

	dir = filepath.Join(t.TempDir(), "skips")
	o := options(t, dir, wild, "train.skip_nonfinite=5")
	notes := &quiet{}
	o.Progress = notes
	// Epochs have four steps: the fifth skipped step is one that a checkpoint lies before.
	for range 2 {
		_, err := Run(context.Background(), o)
		if !errors.Is(err, fault.Numeric) || !strings.Contains(err.Error(), "step 6") {
			t.Fatalf("error %v", err)
		}
		history, err := track.ReadHistory(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range history.Steps {
			if !s.Skipped || s.Step != i+1 {
				t.Errorf("line %d is %+v", i+1, s)
			}
		}
		if len(history.Steps) != 5 {
			t.Errorf("%d steps, want the 5 that may be skipped", len(history.Steps))
		}
	}
	// Five, and the fifth again after resuming.
	if all := strings.Join(notes.note, "\n"); strings.Count(all, "is skipped") != 6 {
		t.Errorf("notes %q", all)
	}
}

func TestRolesAreEvaluatedAlike(t *testing.T) {
	for _, role := range []string{"absent", "invariant"} {
		dir := filepath.Join(t.TempDir(), role)
		r := mustRun(t, dir, "train.epochs=1", "augment.roles.rotate="+role)
		if _, ok := r.OrderAccuracy["rotate"]["embedding"]; !ok {
			t.Errorf("role %s: no order accuracy of rotate in %v", role, r.OrderAccuracy)
		}
	}
}

// TestJointFamilies: a joint family is trained, with a head of its own, evaluated and reported under its name.
func TestJointFamilies(t *testing.T) {
	const name = "rotate+blur"
	dir := filepath.Join(t.TempDir(), "joint")
	const ordered = "[{family: rotate, max: 90, levels: 2, with: [{family: blur}]}, {family: hue, levels: 1}]"
	r := mustRun(t, dir, "train.epochs=1", "augment.ordered="+ordered, "loss.order.families."+name+".output=own")
	for _, output := range []string{"features", "embedding"} {
		if a, ok := r.OrderAccuracy[name][output]; !ok || !(a >= 0 && a <= 1) || len(r.OrderAccuracy) != 2 {
			t.Errorf("order accuracies %v", r.OrderAccuracy)
		}
	}
	if !strings.Contains(metrics(t, dir), `"ranknet/accuracy/`+name+`"`) {
		t.Errorf("no accuracy of %s among\n%s", name, metrics(t, dir))
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.txt"))
	for _, want := range []string{"order, " + name + " ", "rotate+blur ordered"} {
		if err != nil || !strings.Contains(string(report), want) {
			t.Errorf("the report has no %q: %s, %v", want, report, err)
		}
	}
}

func TestDamagedCheckpointIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	o := options(t, dir)
	o.Progress = &quiet{step: func(Step) { cancel() }}
	if _, err := Run(ctx, o); !errors.Is(err, fault.Interrupted) {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "last.ckpt")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 4
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), options(t, dir)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(content) {
		t.Errorf("the checkpoint was touched: %v", err)
	}
}
