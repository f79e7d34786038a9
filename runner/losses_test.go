package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"ordo/loss"
	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/runner/config"
	"ordo/runner/track"
)

// losses are the settings of every kind of loss, and of what its views need.
func losses() map[string][]string {
	return map[string][]string{
		"ntxent": {"train.micro_batch=4"},
		"moco":   {"loss.invariance.kind=moco", "loss.invariance.queue=40", "loss.invariance.momentum=0.9"},
		"moco, parts": {"loss.invariance.kind=moco", "loss.invariance.queue=40", "loss.invariance.momentum=0.9",
			"train.micro_batch=6"},
		"vicreg":          {"loss.invariance.kind=vicreg"},
		"barlow_twins":    {"loss.invariance.kind=barlow_twins", "train.micro_batch=12"},
		"simsiam":         {"loss.invariance.kind=simsiam"},
		"byol":            {"loss.invariance.kind=byol", "train.optimizer=sgd"},
		"byol, parts":     {"loss.invariance.kind=byol", "train.micro_batch=3"},
		"lejepa, parts":   {"loss.invariance.kind=lejepa", "loss.invariance.slices=40", "train.micro_batch=3"},
		"order, own head": {"loss.order.kind=rank_n_contrast", "loss.order.output=own"},
		"orders": {"loss.order.kind=chain", "loss.order.distance=euclidean", "loss.order.margin=0.1",
			"loss.terms=[{kind: listmle, output: features}, {kind: soft_spearman, anchors: all}, " +
				"{kind: triplet, scaled_margin: true}]"},
		"essl": {"loss.terms=[{kind: essl}]",
			"augment.ordered=[{family: quarter_turn, levels: 4, sampling: stratified}, {family: hue, levels: 1}]"},
		"augself": {"loss.terms=[{kind: augself}]",
			"augment.invariant=[random_resized_crop, horizontal_flip, color_jitter]"},
		"care":    {"loss.terms=[{kind: care}]", "augment.shared=4"},
		"equimod": {"loss.terms=[{kind: equimod}]", "augment.plain_view=true"},
		"all in parts": {"loss.invariance.kind=byol", "train.micro_batch=4", "augment.plain_view=true", "augment.shared=6",
			"loss.terms=[{kind: equimod}, {kind: care}, {kind: essl}, {kind: augself}]",
			"augment.invariant=[random_resized_crop, horizontal_flip, color_jitter]",
			"augment.ordered=[{family: quarter_turn, levels: 2}, {family: hue, levels: 1}]"},
	}
}

// TestEveryLossGoesOnBitForBit: it trains, an interrupted run gives the same as one that was not, and with the same
// numbers of threads every run is the same.
func TestEveryLossGoesOnBitForBit(t *testing.T) {
	seen := map[string]string{}
	for name, settings := range losses() {
		t.Run(name, func(t *testing.T) {
			settings = append(settings, "train.epochs=2", "loss.invariance.temperature=0", "eval.every_epochs=0")
			whole := filepath.Join(t.TempDir(), "whole")
			want := mustRun(t, whole, settings...)
			dir := filepath.Join(t.TempDir(), "stopped")
			interrupt(t, options(t, dir, settings...), 3)
			got := mustRun(t, dir, settings...)
			if metrics(t, dir) != metrics(t, whole) || got.ParametersHash != want.ParametersHash {
				t.Error("the run is another than without a stop")
			}
			history, err := track.ReadHistory(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range history.Steps {
				if math.IsNaN(s.Loss) || !(s.GradNorm > 0) {
					t.Errorf("step %d: loss %v, gradients %v", s.Step, s.Loss, s.GradNorm)
				}
			}
			if other, ok := seen[got.ParametersHash]; ok {
				t.Errorf("%s gave the same parameters", other)
			}
			seen[got.ParametersHash] = name
		})
	}
}

// withoutBatchNorm makes a folder of artifacts without batch norm, so that micro-batches change nothing but the order
// of sums.
func withoutBatchNorm(t testing.TB) string {
	t.Helper()
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 16, 16)))
	x := "images"
	for i, channels := range [][2]int64{{3, 4}, {4, 8}} {
		name := fmt.Sprintf("conv%d", i)
		dims := []int64{channels[1], channels[0], 3, 3}
		w := heads.Evenly(1, name, int(dims[0]*dims[1]*9), int(9*dims[1]))
		weight := b.Initializer(onnxgraph.NewFloats(name+".weight", dims, w))
		x = b.Op("Conv", name, []string{x, weight}, onnxgraph.IntsAttr("strides", 2, 2))
		x = b.Op("Relu", name+"/relu", []string{x})
	}
	b.Op("Flatten", "features", []string{x})
	b.Output("features", onnxgraph.FloatType(onnxgraph.Batch(8*3*3)))
	o := artifacts.DefaultOptions()
	for _, text := range []string{
		"name: projector, layers: [16, 8], batch_norm: false",
		"name: predictor, input: embedding, output: prediction, layers: [16, 8], batch_norm: false",
	} {
		h, err := heads.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Heads = append(o.Heads, h)
	}
	f, err := artifacts.Build(b.Model(), o)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "artifacts")
	if err := artifacts.Write(dir, f, artifacts.Source{}, "test"); err != nil {
		t.Fatal(err)
	}
	return dir
}

// onFolder is the small experiment on the artifacts of withoutBatchNorm.
func onFolder(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	text := strings.Replace(small, "model: {backbone: convnet, width: 4, projector: [16, 8]}",
		"model: {artifacts: "+withoutBatchNorm(t)+", threads: 1}", 1)
	e, err := config.Parse("small.yaml", []byte(text), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestMicroBatchesGiveTheGradientOfTheBatch: for a network without batch norm, the loss and the gradient of steps in
// parts are those of steps in one go, and so is what is trained.
func TestMicroBatchesGiveTheGradientOfTheBatch(t *testing.T) {
	e := onFolder(t, "train.optimizer=sgd", "train.weight_decay=0", "train.lr=0.01", "train.warmup_epochs=0",
		"eval.every_epochs=0")
	train := func(e config.Experiment) ([]track.Step, []float32) {
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := Run(context.Background(), of(t, e, dir)); err != nil {
			t.Fatal(err)
		}
		history, err := track.ReadHistory(dir)
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnxgraph.ReadFile(track.EncoderFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, p := range m.GetGraph().GetInitializer() {
			if values, err := p.Floats(); err == nil {
				all = append(all, values...)
			}
		}
		return history.Steps, all
	}
	for _, kind := range []string{"ntxent", "vicreg", "byol"} {
		e.Loss.Invariance = loss.InvarianceOptions{Kind: kind, Weight: 1}
		e.Train.MicroBatch = 0
		want, trained := train(e)
		for _, micro := range []int{1, 3, 12} {
			e.Train.MicroBatch = micro
			steps, parameters := train(e)
			for i, got := range steps {
				if d := math.Abs(got.Loss/want[i].Loss - 1); d > 1e-5 {
					t.Errorf("%s, micro-batches of %d, step %d: loss %v, want %v",
						kind, micro, got.Step, got.Loss, want[i].Loss)
				}
				if d := math.Abs(float64(got.GradNorm/want[i].GradNorm - 1)); d > 1e-5*float64(1+i) {
					t.Errorf("%s, micro-batches of %d, step %d: gradient norm %v, want %v",
						kind, micro, got.Step, got.GradNorm, want[i].GradNorm)
				}
				if len(got.Terms) != len(want[i].Terms) {
					t.Errorf("terms %v, want %v", got.Terms, want[i].Terms)
				}
			}
			for i, v := range parameters {
				if math.Abs(float64(v-trained[i])) > 1e-4 {
					t.Fatalf("%s, micro-batches of %d: parameter %d is %v, want %v", kind, micro, i, v, trained[i])
				}
			}
		}
	}
}

// Pixels of up to 1e38 overflow in the first convolution, of every micro-batch.
func TestNonFiniteMicroBatchesAreSkipped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "skips")
	o := options(t, dir, "augment.std=[1e-38, 1e-38, 1e-38]", "train.skip_nonfinite=5", "train.micro_batch=4",
		"loss.invariance.kind=moco", "loss.invariance.temperature=0", "loss.invariance.queue=24")
	if _, err := Run(context.Background(), o); !errors.Is(err, fault.Numeric) || !strings.Contains(err.Error(), "step 6") {
		t.Fatalf("error %v", err)
	}
	history, err := track.ReadHistory(dir)
	if err != nil || len(history.Steps) != 5 {
		t.Fatalf("%d steps, want the 5 that may be skipped; %v", len(history.Steps), err)
	}
}

// TestOwnHeadsTakeTheirPlace: a head of the experiment stands for the one that the runner would add, and must fit the
// loss.
func TestOwnHeadsTakeTheirPlace(t *testing.T) {
	byol := []string{
		"loss.invariance.kind=byol", "loss.invariance.temperature=0", "train.epochs=1", "eval.every_epochs=0",
	}
	plain := mustRun(t, filepath.Join(t.TempDir(), "a"), byol...)
	const head = "model.heads=[{name: p, input: embedding, output: prediction, layers: [8], bias: false}]"
	linear := mustRun(t, filepath.Join(t.TempDir(), "b"), append(byol, head)...)
	if got, want := linear.Parameters-plain.Parameters, 8*8-(8*32+2*32+32*8+8); got != want {
		t.Errorf("%d parameters more, want %d", got, want)
	}
	for text, says := range map[string]string{
		"model.heads=[{name: p, input: embedding, output: prediction, layers: [9]}]":          "prediction must have 8",
		"model.heads=[{name: p, kind: pair, output: prediction, layers: [8]}]":                "model.heads[0].kind",
		"model.heads=[{name: p, kind: conditioned, input: embedding, layers: [8]}]":           "needs augment.plain_view",
		"model.heads=[{name: p, output: prediction, layers: [8], views: 4}]":                  "leave out views",
		"model.heads=[{name: p, input: prediction, output: order, layers: [8]}]":              "model.heads[0].input",
		"model.heads=[{name: p, output: prediction, layer: [8]}]":                             "did you mean layers?",
		"model.heads=[{name: p, kind: pair, output: a, layers: [8]}, {name: p, layers: [8]}]": "model.heads[1].name",
	} {
		_, err := config.Parse("small.yaml", []byte(small), append(byol[:2:2], text), nil)
		if err == nil {
			_, err = Run(context.Background(), options(t, filepath.Join(t.TempDir(), "c"), append(byol[:2:2], text)...))
		}
		if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestArtifactsLackAHead: the sentence says how to build it.
func TestArtifactsLackAHead(t *testing.T) {
	e := onFolder(t, "loss.terms=[{kind: care}, {kind: augself}]", "augment.shared=4",
		"augment.invariant=[random_resized_crop, horizontal_flip, color_jitter]")
	_, err := Run(context.Background(), of(t, e, filepath.Join(t.TempDir(), "run")))
	const head = "{name: augself, kind: pair, layers: [512, 512, 8], views: 5}"
	if !errors.Is(err, fault.Config) || !strings.Contains(fmt.Sprint(err, fault.Hints(err)), head) {
		t.Error(err)
	}
}
