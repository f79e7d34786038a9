package ort_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
	"ordo/models/zoo"
)

const size = 16

// artifacts makes a small convolutional network with batch norm and a projector.
func artifacts(t testing.TB) graph.Artifacts { return build(t, func(*autodiff.Options) {}) }

func build(t testing.TB, change func(*autodiff.Options)) graph.Artifacts {
	t.Helper()
	m, err := zoo.Build(zoo.Options{Backbone: "convnet", Stem: "small", Width: 4, Projector: []int{8, 6}}, size, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"features", "embedding"}
	change(&o)
	built, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	a := graph.Artifacts{Checkpoint: built.Checkpoint}
	for dst, model := range map[*[]byte]*onnxgraph.Model{&a.Training: built.Training, &a.Eval: built.Eval,
		&a.Optimizer: built.Optimizer} {
		if model == nil {
			continue
		}
		if *dst, err = model.Encode(); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// towardsOne pulls all embeddings to 1: loss = mean (z-1)².
func towardsOne(loss *float64) ort.LossFunc {
	return func(outputs []ort.Output) error {
		clear(outputs[0].Grad)
		*loss = 0
		z := outputs[1]
		for i, v := range z.Data {
			d := v - 1
			*loss += float64(d*d) / float64(len(z.Data))
			z.Grad[i] = 2 * d / float32(len(z.Data))
		}
		return nil
	}
}

func trainer(t testing.TB, rt *ort.Runtime, loss ort.LossFunc) *ort.Trainer {
	t.Helper()
	tr, err := rt.NewTrainer(artifacts(t), loss, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func images(t testing.TB, rt *ort.Runtime, n int) *ort.Tensor {
	t.Helper()
	x, err := rt.NewTensor(n, 3, size, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range x.Data() {
		x.Data()[i] = float32(rng.NormFloat64())
	}
	return x
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTrainingLowersTheLossAndMovesStatistics(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	x := images(t, rt, 12)
	before := must[[]float32](t)(tr.Parameter("bn1.running_mean"))
	var first float64
	for i := range 60 {
		norm := must[float32](t)(tr.Step(x, 1e-2))
		if norm <= 0 {
			t.Fatalf("step %d: gradient norm %v", i, norm)
		}
		if i == 0 {
			first = loss
		}
	}
	if loss > first/4 {
		t.Errorf("the loss went from %v to %v", first, loss)
	}
	if slices.Equal(before, must[[]float32](t)(tr.Parameter("bn1.running_mean"))) {
		t.Error("the running mean did not move")
	}
}

func TestLossSeesEveryOutputInOrder(t *testing.T) {
	rt := orttest.Open(t)
	var seen []string
	tr := trainer(t, rt, func(outputs []ort.Output) error {
		for _, o := range outputs {
			seen = append(seen, fmt.Sprint(o.Name, o.Rows, o.Columns, len(o.Data), len(o.Grad)))
			clear(o.Grad)
		}
		return nil
	})
	must[float32](t)(tr.Step(images(t, rt, 5), 0))
	want := []string{fmt.Sprint("features", 5, 64, 320, 320), fmt.Sprint("embedding", 5, 6, 30, 30)}
	if !slices.Equal(seen, want) {
		t.Errorf("the loss saw %q, want %q", seen, want)
	}
}

// everything is all that a step can change.
func everything(t *testing.T, tr *ort.Trainer) []float32 {
	t.Helper()
	return must[[]float32](t)(tr.CopyParameters(false))
}

// setEverything is the reverse of everything.
func setEverything(t testing.TB, tr *ort.Trainer, values []float32) {
	t.Helper()
	for _, p := range tr.Parameters() {
		n := 1
		for _, d := range p.Shape {
			n *= int(d)
		}
		if err := tr.SetParameter(p.Name, values[:n]); err != nil {
			t.Fatal(err)
		}
		values = values[n:]
	}
	if len(values) != 0 {
		t.Fatalf("%d values too many", len(values))
	}
}

func TestFailedStepLeavesEverythingAsItWas(t *testing.T) {
	rt := orttest.Open(t)
	oops := errors.New("no loss today")
	nan := float32(math.NaN())
	cases := map[string]struct {
		loss  func(outputs []ort.Output) error
		poke  func(x []float32)
		want  error
		wants string
	}{
		"the loss fails": {loss: func([]ort.Output) error { return oops }, want: oops},
		"the loss panics": {
			loss:  func([]ort.Output) error { panic("out of range") },
			wants: "panic in the loss: out of range",
		},
		"a gradient is not finite": {
			loss: func(o []ort.Output) error { o[1].Grad[0] = nan; return nil },
			want: ort.ErrNonFinite,
		},
		"a gradient overflows": {
			loss: func(o []ort.Output) error { o[1].Grad[0] = 3e38; o[1].Grad[7] = 3e38; return nil },
			want: ort.ErrNonFinite,
		},
		"a pixel is not finite":  {poke: func(x []float32) { x[3] = nan }, want: ort.ErrNonFinite},
		"a pixel is an infinity": {poke: func(x []float32) { x[3] = float32(math.Inf(1)) }, want: ort.ErrNonFinite},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var value float64
			good := towardsOne(&value)
			bad := false
			run := func(withFailure bool) (after []float32) {
				tr := trainer(t, rt, func(outputs []ort.Output) error {
					if err := good(outputs); err != nil || !bad || c.loss == nil {
						return err
					}
					return c.loss(outputs)
				})
				x := images(t, rt, 8)
				for i := range 4 {
					if i == 2 && withFailure {
						before := everything(t, tr)
						broken := images(t, rt, 8)
						if c.poke != nil {
							c.poke(broken.Data())
						}
						bad = true
						_, err := tr.Step(broken, 1e-2)
						bad = false
						switch {
						case err == nil:
							t.Fatal("the step succeeded")
						case c.want != nil && !errors.Is(err, c.want):
							t.Fatalf("error %q, want %q", err, c.want)
						case !strings.Contains(err.Error(), c.wants):
							t.Fatalf("error %q, want %q", err, c.wants)
						}
						if !sameBits(before, everything(t, tr)) {
							t.Fatal("the failed step changed parameters or statistics")
						}
					}
					must[float32](t)(tr.Step(x, 1e-2))
				}
				return everything(t, tr)
			}
			// Moments are not to be read, but the steps after tell: they are those of a run without the failure.
			if !sameBits(run(false), run(true)) {
				t.Error("training after the failed step is not what it is without it")
			}
		})
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestSavedTrainingGoesOnBitForBit(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	x := images(t, rt, 8)
	file := filepath.Join(t.TempDir(), "last.ckpt")

	tr := trainer(t, rt, towardsOne(&loss))
	var want []float32
	for i := range 10 {
		if i == 5 {
			for name, v := range map[string]any{"step": int64(5), "rate": float32(0.5), "note": "half way"} {
				if err := tr.SetProperty(name, v); err != nil {
					t.Fatal(err)
				}
			}
			if err := tr.Save(file); err != nil {
				t.Fatal(err)
			}
		}
		must[float32](t)(tr.Step(x, 1e-2))
	}
	want = everything(t, tr)

	a := artifacts(t)
	var err error
	if a.Checkpoint, a.Kept, err = checkpoint.ReadFile(file); err != nil || a.Kept != nil {
		t.Fatal(a.Kept, err)
	}
	again, err := rt.NewTrainer(a, towardsOne(&loss), ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for name, v := range map[string]any{"step": int64(5), "rate": float32(0.5), "note": "half way"} {
		if got := must[any](t)(again.Property(name)); got != v {
			t.Errorf("property %s is %v, want %v", name, got, v)
		}
	}
	for range 5 {
		must[float32](t)(again.Step(x, 1e-2))
	}
	if !sameBits(want, everything(t, again)) {
		t.Error("the resumed training gave other parameters")
	}
}

func TestDamagedCheckpointIsNoticed(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	file := filepath.Join(t.TempDir(), "last.ckpt")
	if err := tr.Save(file); err != nil {
		t.Fatal(err)
	}
	whole := must[[]byte](t)(os.ReadFile(file))
	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, data := range map[string][]byte{"flipped bit": flipped, "cut": whole[:len(whole)-7],
		"half": whole[:len(whole)/2], "empty": nil} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := checkpoint.ReadFile(file); !errors.Is(err, fault.Data) {
			t.Errorf("%s: error %v, want a fault of the data", name, err)
		}
	}
}

func TestSaveLeavesNothingWhenItFails(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	dir := t.TempDir()
	if err := tr.Save(filepath.Join(dir, "missing", "last.ckpt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("save into a missing folder: %v", err)
	}
	// A folder stands where the file should go: the rename at the end fails.
	if err := os.Mkdir(filepath.Join(dir, "last.ckpt"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tr.Save(filepath.Join(dir, "last.ckpt")); err == nil {
		t.Error("a folder was replaced")
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEvalIsPerImageAndExportAgrees(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	x := images(t, rt, 6)
	for range 3 {
		must[float32](t)(tr.Step(x, 1e-2))
	}
	before := everything(t, tr)
	whole := must[[][]float32](t)(tr.Eval(nil, x))
	if !slices.Equal(tr.EvalOutputs(), []string{"features", "embedding"}) {
		t.Fatalf("outputs %v", tr.EvalOutputs())
	}
	if err := x.SetRows(2); err != nil {
		t.Fatal(err)
	}
	part := must[[][]float32](t)(tr.Eval(nil, x))
	for i := range part[1] {
		if math.Abs(float64(part[1][i]-whole[1][i])) > 1e-5 {
			t.Fatalf("value %d of the embedding is %v in a batch of 2, %v in a batch of 6", i, part[1][i], whole[1][i])
		}
	}
	if !sameBits(before, everything(t, tr)) {
		t.Error("evaluation changed parameters")
	}
	file := filepath.Join(t.TempDir(), "encoder.onnx")
	if err := tr.Export(file, "features", "embedding"); err != nil {
		t.Fatal(err)
	}
	m := must[*onnxgraph.Model](t)(onnxgraph.ReadFile(file))
	if len(m.Graph.Input) != 1 || len(m.Graph.Output) != 2 {
		t.Errorf("the exported graph has %d inputs and %d outputs", len(m.Graph.Input), len(m.Graph.Output))
	}
	if err := tr.Export(file); err == nil {
		t.Error("export without outputs succeeded")
	}
}

func TestParametersCanBeReadAndSet(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	trainable := must[int](t)(tr.ParameterCount(true))
	all := must[int](t)(tr.ParameterCount(false))
	count, frozen := 0, 0
	for _, p := range tr.Parameters() {
		n := 1
		for _, d := range p.Shape {
			n *= int(d)
		}
		count += n
		if !p.Trainable {
			frozen += n
		}
	}
	if all != count || trainable != count-frozen || frozen == 0 {
		t.Errorf("%d values, %d trainable; the list says %d, %d frozen", all, trainable, count, frozen)
	}
	values := everything(t, tr)
	for i := range values {
		values[i] += 0.25
	}
	setEverything(t, tr, values)
	if !sameBits(values, everything(t, tr)) {
		t.Error("SetParameter and CopyParameters disagree")
	}
	if err := tr.SetParameter("conv1.weight", []float32{1}); err == nil {
		t.Error("one value was taken for a convolution's weights")
	}
	if _, err := tr.Parameter("conv9.weight"); err == nil {
		t.Error("an unknown parameter was read")
	}
	if err := tr.SetProperty("x", 3.5); err == nil {
		t.Error("a float64 property was taken")
	}
	if _, err := tr.Property("never set"); err == nil {
		t.Error("an unknown property was read")
	}
}

func TestWrongBatchesAreRefused(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	for _, shape := range [][]int{{4, 3, size, size + 1}, {4, 1, size, size}, {4, 3, size}, {3 * size * size}} {
		x := must[*ort.Tensor](t)(rt.NewTensor(shape...))
		if _, err := tr.Step(x, 1e-3); err == nil || !strings.Contains(err.Error(), "images have shape") {
			t.Errorf("shape %v: error %v", shape, err)
		}
		if _, err := tr.Eval(nil, x); err == nil {
			t.Errorf("shape %v was evaluated", shape)
		}
		x.Close()
	}
	x := images(t, rt, 4)
	for _, rate := range []float32{-1, float32(math.NaN()), float32(math.Inf(1))} {
		if _, err := tr.Step(x, rate); err == nil {
			t.Errorf("learning rate %v was taken", rate)
		}
	}
	for _, shape := range [][]int{{}, {0}, {3, -1}} {
		if _, err := rt.NewTensor(shape...); err == nil {
			t.Errorf("a tensor of shape %v was made", shape)
		}
	}
	for _, rows := range []int{0, 5} {
		if err := x.SetRows(rows); err == nil {
			t.Errorf("SetRows(%d) of 4 succeeded", rows)
		}
	}
}

// edit decodes a graph, changes it and encodes it again.
func edit(t *testing.T, data []byte, change func(g *onnxgraph.Graph)) []byte {
	t.Helper()
	m := must[*onnxgraph.Model](t)(onnxgraph.Decode(data))
	change(m.Graph)
	return must[[]byte](t)(proto.Marshal(m))
}

func find(infos []*onnxgraph.ValueInfo, name string) int {
	return slices.IndexFunc(infos, func(v *onnxgraph.ValueInfo) bool { return v.Name == name })
}

func TestArtifactsThatDoNotFitAreRefused(t *testing.T) {
	rt := orttest.Open(t)
	cases := map[string]struct {
		change func(t *testing.T, a *graph.Artifacts)
		want   string
	}{
		"no training graph": {func(_ *testing.T, a *graph.Artifacts) { a.Training = nil }, "training graph is missing"},
		"not ONNX":          {func(_ *testing.T, a *graph.Artifacts) { a.Training = []byte("hello") }, "not an ONNX model"},
		"no checkpoint":     {func(_ *testing.T, a *graph.Artifacts) { a.Checkpoint = nil }, "checkpoint is empty"},
		"bad checkpoint":    {func(_ *testing.T, a *graph.Artifacts) { a.Checkpoint = a.Checkpoint[:100] }, "checkpoint"},
		"parameters of the evaluation graph swapped": {func(t *testing.T, a *graph.Artifacts) {
			a.Eval = edit(t, a.Eval, func(g *onnxgraph.Graph) {
				i, j := find(g.Input, "bn1.weight"), find(g.Input, "bn1.bias")
				g.Input[i], g.Input[j] = g.Input[j], g.Input[i]
			})
		}, "out of the order"},
		"a parameter missing in the evaluation graph": {func(t *testing.T, a *graph.Artifacts) {
			a.Eval = edit(t, a.Eval, func(g *onnxgraph.Graph) { g.Input = g.Input[:len(g.Input)-1] })
		}, "is no input"},
		"no reset flag": {func(t *testing.T, a *graph.Artifacts) {
			a.Training = edit(t, a.Training, func(g *onnxgraph.Graph) {
				i := find(g.Input, "lazy_reset_grad")
				g.Input = slices.Delete(g.Input, i, i+1)
			})
		}, "lazy_reset_grad is missing"},
		"buffer of another shape": {func(t *testing.T, a *graph.Artifacts) {
			a.Training = edit(t, a.Training, func(g *onnxgraph.Graph) {
				g.Input[find(g.Input, "bn1.weight_grad.accumulation.buffer")].Type = g.Input[find(g.Input, "bn3.weight")].Type
			})
		}, "its gradient buffer"},
		"parameter unknown to the checkpoint": {func(t *testing.T, a *graph.Artifacts) {
			a.Training = edit(
				t,
				a.Training,
				func(g *onnxgraph.Graph) { g.Input[find(g.Input, "bn1.running_var")].Name = "bn1.variance" },
			)
			a.Eval = edit(
				t,
				a.Eval,
				func(g *onnxgraph.Graph) { g.Input[find(g.Input, "bn1.running_var")].Name = "bn1.variance" },
			)
		}, "bn1.variance"},
		"no loss operator": {func(t *testing.T, a *graph.Artifacts) {
			a.Training = edit(t, a.Training, func(g *onnxgraph.Graph) {
				g.Node = slices.DeleteFunc(g.Node, func(n *onnxgraph.Node) bool { return n.OpType == "Loss" })
			})
		}, "no operator ordo::Loss"},
		"statistics as outputs": {func(t *testing.T, a *graph.Artifacts) {
			a.Training = edit(t, a.Training, func(g *onnxgraph.Graph) {
				i := slices.IndexFunc(g.Node, func(n *onnxgraph.Node) bool { return n.OpType == "BatchNormInternal" })
				g.Output = append(g.Output, &onnxgraph.ValueInfo{Name: g.Node[i].Output[1]})
			})
		}, "would not be updated"},
		"optimizer inputs in another order": {func(t *testing.T, a *graph.Artifacts) {
			a.Optimizer = edit(t, a.Optimizer, func(g *onnxgraph.Graph) { g.Input[2], g.Input[3] = g.Input[3], g.Input[2] })
		}, "its inputs are"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := artifacts(t)
			c.change(t, &a)
			tr, err := rt.NewTrainer(a, nil, ort.TrainerOptions{})
			if err == nil {
				tr.Close()
				t.Fatal("a session was made")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want it to say %q", err, c.want)
			}
		})
	}
}

func TestOpenRefusesWhatIsNoLibrary(t *testing.T) {
	path := orttest.Path(t)
	text := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{text, filepath.Join(t.TempDir(), "missing.so")} {
		if _, err := ort.Open(file); !errors.Is(err, fault.Library) || strings.Count(err.Error(), file) != 1 {
			t.Errorf("%s: error %v", file, err)
		}
	}
	rt := orttest.Open(t)
	if rt.Path() != path || rt.Version() == "" || !rt.HasTraining() {
		t.Errorf("path %s, version %q, training %v", rt.Path(), rt.Version(), rt.HasTraining())
	}
	if providers := must[[]string](t)(rt.Providers()); !slices.Contains(providers, "CPUExecutionProvider") {
		t.Errorf("providers %v", providers)
	}
	if _, err := ort.Open(text); err == nil {
		t.Errorf("a second library beside an open one: %v", err)
	}
	if err := rt.SetSeed(7); err != nil {
		t.Error(err)
	}
}

func TestStepsDoNotLeak(t *testing.T) {
	rt := orttest.Open(t)
	var loss float64
	tr := trainer(t, rt, towardsOne(&loss))
	x := images(t, rt, 16)
	var rows [][]float32
	orttest.NoLeak(t, func() {
		for range 5 {
			must[float32](t)(tr.Step(x, 1e-3))
			rows = must[[][]float32](t)(tr.Eval(rows, x))
		}
	})
}

func TestSessionsDoNotLeak(t *testing.T) {
	rt := orttest.Open(t)
	a := artifacts(t)
	var loss float64
	x := images(t, rt, 4)
	i := int64(0)
	orttest.NoLeak(t, func() {
		tr, err := rt.NewTrainer(a, towardsOne(&loss), ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 2}})
		if err != nil {
			t.Fatal(err)
		}
		must[float32](t)(tr.Step(x, 1e-3))
		if err := tr.SetProperty("i", i); err != nil {
			t.Fatal(err)
		}
		i++
		tr.Close()
	})
}

func BenchmarkStep(b *testing.B) {
	rt := orttest.Open(b)
	var loss float64
	tr := trainer(b, rt, towardsOne(&loss))
	x := images(b, rt, 32)
	for b.Loop() {
		must[float32](b)(tr.Step(x, 1e-3))
	}
	b.ReportMetric(32*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
