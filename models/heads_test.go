package models_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/ort/orttest"
	"ordo/models/verify"
)

// across are batches of four views, of which two are base views and the third the plain one, and heads that look at
// them.
func across(t testing.TB) (heads.Batch, []heads.Head) {
	t.Helper()
	b := heads.Batch{Views: 4, BaseViews: 2, PlainView: 2, Draws: 3}
	var list []heads.Head
	for _, text := range []string{
		"name: order, layers: [5, 3]",
		"name: augself, kind: pair, layers: [6, 3], views: 4",
		"name: equimod, kind: conditioned, input: embedding, layers: [8], encoding: 5, views: 4, base_views: 2, " +
			"plain_view: 2, parameters: 3",
	} {
		h, err := heads.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, h)
	}
	return b, list
}

func tensor(t testing.TB, rt *models.Runtime, r *rand.Rand, shape ...int) *models.Tensor {
	t.Helper()
	x, err := rt.NewTensor(shape...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	for i := range x.Data() {
		x.Data()[i] = float32(r.NormFloat64())
	}
	return x
}

// dense is x·Wᵀ + b for rows of n values.
func dense(x, w, b []float32, n int) []float32 {
	out := len(w) / n
	var y []float32
	for row := range len(x) / n {
		for o := range out {
			sum := float64(0)
			if b != nil {
				sum = float64(b[o])
			}
			for i := range n {
				sum += float64(x[row*n+i]) * float64(w[o*n+i])
			}
			y = append(y, float32(sum))
		}
	}
	return y
}

// normalised is batch norm of rows of n values by their own mean and variance, with weight 1 and bias 0.
func normalised(x []float32, n int) []float32 {
	rows := len(x) / n
	y := make([]float32, len(x))
	for c := range n {
		var mean, square float64
		for r := range rows {
			mean += float64(x[r*n+c]) / float64(rows)
		}
		for r := range rows {
			square += math.Pow(float64(x[r*n+c])-mean, 2) / float64(rows)
		}
		for r := range rows {
			y[r*n+c] = float32((float64(x[r*n+c]) - mean) / math.Sqrt(square+1e-5))
		}
	}
	return y
}

func relu(x []float32) []float32 {
	for i := range x {
		x[i] = max(x[i], 0)
	}
	return x
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i]-want[i])) <= 1e-4*max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestHeadsAcrossViews(t *testing.T) {
	rt := orttest.Open(t)
	batch, list := across(t)
	o := options("convnet")
	o.Projector = []int{8}
	o = o.With(list, batch)
	a, _, err := build(t, o, 16, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]models.Output{}
	trainer, err := rt.NewTrainer(a, func(outputs []models.Output) error {
		for _, out := range outputs {
			clear(out.Grad)
			out.Data, out.Grad = slices.Clone(out.Data), nil
			seen[out.Name] = out
		}
		return nil
	}, models.TrainerOptions{SessionOptions: models.SessionOptions{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	const n = 3
	r := rand.New(rand.NewPCG(1, 1))
	images, drawn := tensor(t, rt, r, 4*n, 3, 16, 16), tensor(t, rt, r, 4*n, 3)
	in := models.Inputs{Images: images, Draws: drawn}
	if err := trainer.Accumulate(in); err != nil {
		t.Fatal(err)
	}
	if err := trainer.Discard(); err != nil {
		t.Fatal(err)
	}
	for name, rows := range map[string]int{"features": 4 * n, "embedding": 4 * n, "order": 4 * n, "augself": 2 * n,
		"equimod": 2 * n} {
		if seen[name].Rows != rows {
			t.Errorf("%s has %d rows, want %d", name, seen[name].Rows, rows)
		}
	}
	p := func(name string) []float32 {
		t.Helper()
		values, err := trainer.Parameter(name)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	row := func(name string, v, i int) []float32 {
		out := seen[name]
		at := (v*n + i) * out.Columns
		return out.Data[at : at+out.Columns]
	}
	var x []float32
	for v := range 2 {
		for i := range n {
			x = append(append(x, row("features", v, i)...), row("features", 1-v, i)...)
		}
	}
	x = dense(x, p("augself.0.weight"), nil, len(x)/(2*n))
	x = dense(relu(normalised(x, 6)), p("augself.3.weight"), p("augself.3.bias"), 6)
	near(t, "augself", seen["augself"].Data, x)

	code := normalised(dense(drawn.Data()[:2*n*3], p("equimod.encoding.0.weight"), nil, 3), 5)
	x = nil
	for b := range 2 {
		for i := range n {
			x = append(append(x, row("embedding", 2, i)...), code[(b*n+i)*5:][:5]...)
		}
	}
	near(t, "equimod", seen["equimod"].Data, dense(x, p("equimod.0.weight"), p("equimod.0.bias"), 13))

	for what, c := range map[string]struct {
		in   models.Inputs
		says string
	}{
		"no parameters": {models.Inputs{Images: images}, "takes the input parameters too, [12, 3]"},
		"other parameters": {models.Inputs{Images: images, Draws: tensor(t, rt, r, 12, 2)},
			"parameters have shape [12 2]"},
		"not of four views": {models.Inputs{Images: tensor(t, rt, r, 10, 3, 16, 16), Draws: tensor(t, rt, r, 10, 3)},
			"the model takes 4 views of each image"},
		"images too large": {models.Inputs{Images: tensor(t, rt, r, 12, 3, 17, 17), Draws: drawn},
			"images have shape"},
		"fewer parameter rows": {models.Inputs{Images: images, Draws: tensor(t, rt, r, 8, 3)}, "[12, 3]"},
	} {
		if err := trainer.Accumulate(c.in); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	evaluatesAlone(t, trainer, r)

	report, err := verify.Run(context.Background(), rt, a, verify.DefaultOptions(), nil)
	if err != nil || !report.OK {
		t.Errorf("%v, %v", err, report)
	}
}

// evaluatesAlone: evaluation and the exported encoder know nothing of views and heads.
func evaluatesAlone(t *testing.T, trainer *models.Trainer, r *rand.Rand) {
	t.Helper()
	if got := strings.Join(trainer.EvalOutputs(), " "); got != "features embedding" {
		t.Errorf("evaluation gives %s", got)
	}
	rt := orttest.Open(t)
	one := tensor(t, rt, r, 1, 3, 16, 16)
	want, err := trainer.Eval(nil, one)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "encoder.onnx")
	if err := trainer.Export(file, models.Features, models.Embedding); err != nil {
		t.Fatal(err)
	}
	m, err := onnxgraph.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.GetGraph().GetInitializer() {
		if strings.HasPrefix(p.GetName(), "augself") || strings.HasPrefix(p.GetName(), "equimod") ||
			strings.HasPrefix(p.GetName(), "order") {
			t.Errorf("the encoder has %s", p.GetName())
		}
	}
	encoder, err := models.OpenEncoder(rt.Path(), file, models.EncoderOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := encoder.Run(nil, one.Data(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		near(t, "the encoder's "+encoder.Outputs()[i], got[i], want[i])
	}
	if err := encoder.Close(); err != nil {
		t.Error(err)
	}
}

// TestArtifactsTakeTheSameHeads: what `ordo artifacts build` makes of a forward graph and those heads, a training
// takes.
func TestArtifactsTakeTheSameHeads(t *testing.T) {
	rt := orttest.Open(t)
	batch, list := across(t)
	o := options("convnet")
	o.Projector = []int{8}
	forward, _, err := open(t, o, 16).ForwardGraph(1)
	if err != nil {
		t.Fatal(err)
	}
	with := artifacts.DefaultOptions()
	with.Features, with.Embedding, with.Heads = "features", "embedding", list
	f, err := artifacts.Build(forward, with)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a")
	if err := artifacts.Write(dir, f, artifacts.Source{}, "test"); err != nil {
		t.Fatal(err)
	}
	o = models.DefaultOptions()
	o.Artifacts = dir
	o = o.Resolved()
	a, _, err := build(t, o.With(list, batch), 16, models.BuildOptions{Optimizer: optimizer.DefaultOptions(),
		InGo: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if columns := open(t, o, 16).Columns(); columns["augself"] != 3 || columns["embedding"] != 8 ||
		columns["features"] != 64 {
		t.Error(columns)
	}
	report, err := verify.Run(context.Background(), rt, f.Artifacts, verify.DefaultOptions(), nil)
	if err != nil || !report.OK {
		t.Errorf("%v, %v", err, report)
	}
	if len(a.Optimizer) > 0 {
		t.Error("the optimizer is in the graph")
	}
	other := batch
	other.Views = 5
	if _, err := models.Open(o.With(list, other), 16); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(),
			"augself for batches of 4 views, 2 base views, plain view 2, 3 parameters, the experiment's have 5 views") {
		t.Errorf("other views: %v", err)
	}
	predictor, err := heads.Parse("name: predictor, input: embedding, output: prediction, layers: [32, 8]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := models.Open(o.With([]heads.Head{predictor}, batch), 16); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "has no output prediction, which the loss looks at") ||
		!reflect.DeepEqual(fault.Hints(err),
			[]fault.Hint{fault.BuildArtifacts{Heads: []string{"{name: predictor, input: embedding, layers: [32, " +
				"8]}"}}}) {
		t.Errorf("a missing head: %v", err)
	}
	o.Heads = list
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "heads: "+dir+" has its heads built in") {
		t.Errorf("heads beside artifacts: %v", err)
	}
}

func TestHeadOptions(t *testing.T) {
	for text, says := range map[string]string{
		"name: order, layers: [4], input: prediction": "heads[0].input: must be one of features, embedding",
		"name: projector, layers: [4]": "heads[0].output: " +
			`there is an output "embedding" already`,
		"name: a, kind: pair, views: 4, layers: [4]":                   "heads[0]: leave out views",
		"name: a, kind: conditioned, input: embedding, layers: [4, 4]": "",
		"name: a, kind: pair, layers: [4]":                             "",
	} {
		h, _ := heads.Parse(text) // without views it has faults of its own
		o := options("convnet")
		o.Heads = []heads.Head{h}
		if err := o.Validate(); err == nil && says != "" || err != nil &&
			(says == "" || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestLinearHead: ONNX Runtime's fusion of a head's gradient with the embedding's own fails where the loss gives it
// third or later.
func TestLinearHead(t *testing.T) {
	rt := orttest.Open(t)
	h, err := heads.Parse("name: predictor, input: embedding, layers: [64], bias: false")
	if err != nil {
		t.Fatal(err)
	}
	o := options("convnet")
	o.Heads = []heads.Head{h}
	a, _, err := build(t, o, 16, models.BuildOptions{Optimizer: optimizer.DefaultOptions(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify.Run(context.Background(), rt, a, verify.DefaultOptions(), nil)
	if err != nil || !report.OK {
		t.Errorf("%v, %v", err, report)
	}
}
