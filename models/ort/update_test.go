package ort_test

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// withoutOptimizer makes artifacts for an optimizer in Go.
func withoutOptimizer(t testing.TB) graph.Artifacts {
	t.Helper()
	return build(t, func(o *autodiff.Options) { o.FlatGradients = true })
}

// inGo makes a trainer whose optimizer is Go's.
func inGo(t testing.TB, rt *ort.Runtime, a graph.Artifacts, loss ort.LossFunc, o optimizer.Options) *ort.Trainer {
	t.Helper()
	tr, err := rt.NewTrainer(a, loss, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 2}, Optimizer: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// TestAdamWInGoIsONNXRuntimes, also with clipping, which ONNX Runtime does in the optimizer graph.
func TestAdamWInGoIsONNXRuntimes(t *testing.T) {
	rt := orttest.Open(t)
	for _, clip := range []float64{0, 0.05} {
		var loss float64
		ours := optimizer.DefaultOptions()
		ours.ClipGradNorm = clip
		theirs, err := rt.NewTrainer(
			build(t, func(o *autodiff.Options) { o.Optimizer.ClipNorm = clip }),
			towardsOne(&loss),
			ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 2}},
		)
		if err != nil {
			t.Fatal(err)
		}
		defer theirs.Close()
		tr := inGo(t, rt, withoutOptimizer(t), towardsOne(&loss), ours)
		x := images(t, rt, 12)
		for step := range 20 {
			norm := must[float32](t)(tr.Step(x, 1e-3))
			if step == 0 && clip > 0 && float64(norm) < 2*clip {
				t.Fatalf("gradient norm %v: nothing to clip", norm)
			}
			must[float32](t)(theirs.Step(x, 1e-3))
		}
		a, b := everything(t, tr), everything(t, theirs)
		for i := range a {
			if math.Abs(float64(a[i]-b[i])) > 2e-5*(1+math.Abs(float64(b[i]))) {
				t.Fatalf("clip %v: value %d is %v in Go, %v in ONNX Runtime", clip, i, a[i], b[i])
			}
		}
	}
}

// goOptimizers are settings that only Go has.
func goOptimizers() map[string]optimizer.Options {
	nesterov, lars, adamw := optimizer.DefaultOptions(), optimizer.DefaultOptions(), optimizer.DefaultOptions()
	nesterov.Optimizer, nesterov.Nesterov, nesterov.ClipGradNorm = optimizer.SGD, true, 1
	lars.Optimizer, lars.ExcludeBiasNorm, lars.WeightDecay = optimizer.LARS, true, 1e-4
	adamw.ExcludeBiasNorm = true
	return map[string]optimizer.Options{"sgd": nesterov, "lars": lars, "adamw": adamw}
}

func TestOptimizersInGoGoOnBitForBit(t *testing.T) {
	rt := orttest.Open(t)
	for name, options := range goOptimizers() {
		t.Run(name, func(t *testing.T) {
			var loss float64
			x := images(t, rt, 8)
			file := filepath.Join(t.TempDir(), "last.ckpt")
			target := func(tr *ort.Trainer) *optimizer.Average {
				a := optimizer.NewAverage(everything(t, tr))
				if err := tr.Keep("target", a); err != nil {
					t.Fatal(err)
				}
				return a
			}
			step := func(tr *ort.Trainer, a *optimizer.Average) {
				must[float32](t)(tr.Step(x, 1e-2))
				a.Update(everything(t, tr), 0.9, 2)
			}
			tr := inGo(t, rt, withoutOptimizer(t), towardsOne(&loss), options)
			average := target(tr)
			for i := range 8 {
				if i == 4 {
					if err := tr.Save(file); err != nil {
						t.Fatal(err)
					}
				}
				step(tr, average)
			}
			again := withoutOptimizer(t)
			var err error
			if again.Checkpoint, again.Kept, err = checkpoint.ReadFile(file); err != nil || len(again.Kept) != 2 {
				t.Fatal(len(again.Kept), err)
			}
			second := inGo(t, rt, again, towardsOne(&loss), options)
			resumed := target(second)
			for range 4 {
				step(second, resumed)
			}
			if !sameBits(everything(t, tr), everything(t, second)) || !sameBits(average.Values(), resumed.Values()) {
				t.Error("training from the checkpoint is another than without it")
			}
			if err := second.Keep("target", resumed); err == nil {
				t.Error("a name was kept twice")
			}
			other := optimizer.DefaultOptions()
			other.Optimizer = map[string]string{"sgd": "lars", "lars": "adamw", "adamw": "sgd"}[name]
			if _, err := rt.NewTrainer(
				again,
				towardsOne(&loss),
				ort.TrainerOptions{Optimizer: other},
			); !errors.Is(
				err,
				optimizer.ErrState,
			) {
				t.Errorf("a checkpoint of %s for %s: error %v", name, other.Optimizer, err)
			}
		})
	}
}

func TestOptimizerInGoSeesChangedParameters(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	options := goOptimizers()["sgd"]
	options.Momentum, options.Nesterov = 0, false
	x := images(t, rt, 8)
	changed, fresh := inGo(
		t,
		rt,
		withoutOptimizer(t),
		towardsOne(&loss),
		options,
	), inGo(
		t,
		rt,
		withoutOptimizer(t),
		towardsOne(&loss),
		options,
	)
	initial := everything(t, changed)
	must[float32](t)(changed.Step(x, 0.1))
	setEverything(t, changed, initial)
	must[float32](t)(changed.Step(x, 0.1))
	must[float32](t)(fresh.Step(x, 0.1))
	if !sameBits(everything(t, changed), everything(t, fresh)) {
		t.Error("a step after SetParameter began at the parameters before")
	}
}

func TestNonFiniteGradientLeavesOptimizerInGo(t *testing.T) {
	rt := orttest.Open(t)
	run := func(fail bool) []float32 {
		var loss float64
		good, bad := towardsOne(&loss), false
		tr := inGo(t, rt, withoutOptimizer(t), func(o []ort.Output) error {
			err := good(o)
			if bad {
				o[1].Grad[0] = float32(math.Inf(1))
			}
			return err
		}, goOptimizers()["lars"])
		x := images(t, rt, 8)
		for range 3 {
			must[float32](t)(tr.Step(x, 0.1))
			if bad = fail; bad {
				if _, err := tr.Step(x, 0.1); !errors.Is(err, ort.ErrNonFinite) {
					t.Fatalf("error %v", err)
				}
			}
			bad = false
		}
		return everything(t, tr)
	}
	if !sameBits(run(false), run(true)) {
		t.Error("training after refused steps is another than without them")
	}
}

func TestArtifactsWithoutOptimizerNeedGradients(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	none := artifacts(t)
	none.Optimizer = nil
	short := withoutOptimizer(t)
	short.Training = edit(t, short.Training, func(g *onnxgraph.Graph) {
		g.Output[find(g.Output, "gradients")].Type = onnxgraph.NewValueInfo(
			"x",
			onnxgraph.FloatType(onnxgraph.Static(3)),
		).Type
	})
	bad := optimizer.DefaultOptions()
	bad.Eps = 0
	for _, c := range []struct {
		a       graph.Artifacts
		options optimizer.Options
		want    string
	}{
		{none, optimizer.DefaultOptions(), "no output gradients"},
		{short, optimizer.DefaultOptions(), "output gradients has shape [3]"},
		{withoutOptimizer(t), bad, "eps: must be"},
	} {
		if _, err := rt.NewTrainer(
			c.a,
			towardsOne(&loss),
			ort.TrainerOptions{Optimizer: c.options},
		); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestExecution(t *testing.T) {
	rt := orttest.Open(t)
	train := func(e ort.Execution) []float32 {
		var loss float64
		tr, err := rt.NewTrainer(
			artifacts(t),
			towardsOne(&loss),
			ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1, Execution: e}},
		)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		x := images(t, rt, 8)
		for range 3 {
			must[float32](t)(tr.Step(x, 1e-3))
		}
		return everything(t, tr)
	}
	want := train(ort.Execution{})
	if !sameBits(want, train(ort.DefaultExecution())) {
		t.Error("the default gives other bits than none given")
	}
	for _, spin := range []int{0, 1000} {
		e := ort.DefaultExecution()
		e.Spin = spin
		if !sameBits(want, train(e)) {
			t.Errorf("threads that look for work for %d µs give other bits", spin)
		}
	}
	for _, level := range []string{"none", "basic", "extended", "all"} {
		for i, v := range train(ort.Execution{Provider: ort.CPU, Optimization: level}) {
			if math.Abs(float64(v-want[i])) > 1e-4 {
				t.Fatalf("optimization %s without arena: value %d is %v, want %v", level, i, v, want[i])
			}
		}
	}
	built := must[[]string](t)(rt.Providers())
	if strings.Contains(strings.Join(built, " "), "CUDA") {
		t.Skip("this library has CUDA")
	}
	var loss float64
	e := ort.DefaultExecution()
	e.Provider = ort.CUDA
	_, err := rt.NewTrainer(
		artifacts(t),
		towardsOne(&loss),
		ort.TrainerOptions{SessionOptions: ort.SessionOptions{Execution: e}},
	)
	if hints := fault.Hints(
		err,
	); !errors.Is(err, fault.Library) || len(hints) != 1 ||
		hints[0] != fault.Hint(fault.InstallLibrary{GPU: true}) {
		t.Errorf("error %v, hints %v", err, hints)
	}
}

func TestExecutionValidate(t *testing.T) {
	if err := ort.DefaultExecution().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		e    ort.Execution
		keys []string
	}{
		{ort.Execution{Provider: "tpu", Device: -1, Optimization: "most"}, []string{"provider", "device", "optimization"}},
		{ort.Execution{Provider: ort.CPU, Device: 1, Optimization: "all"}, []string{"device"}},
		{ort.Execution{Provider: ort.CUDA, Device: 64, Optimization: "all"}, []string{"device"}},
		{ort.Execution{Provider: ort.CPU, Optimization: "all", Spin: -1}, []string{"spin_us"}},
		{ort.Execution{Provider: ort.CPU, Optimization: "all", Spin: 1_000_001}, []string{"spin_us"}},
	} {
		err := c.e.Validate()
		if err == nil {
			t.Errorf("%+v: no fault", c.e)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.keys) {
			t.Errorf("%+v: faults %q", c.e, lines)
			continue
		}
		for i, key := range c.keys {
			if !strings.HasPrefix(lines[i], key+": must be ") {
				t.Errorf("fault %q is not of %s", lines[i], key)
			}
		}
	}
}
