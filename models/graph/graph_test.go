package graph_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// training is a training graph of one linear layer, w [3, 2], with a frozen parameter b [2].
func training(change func(b *onnxgraph.Builder)) *onnxgraph.Model {
	one := onnxgraph.Static(1)
	b := onnxgraph.NewBuilder("training", 17)
	b.Import(graph.Domain, 1)
	b.Import(graph.Microsoft, 1)
	b.Input(graph.Images, onnxgraph.FloatType(onnxgraph.Batch(3, 1, 1)))
	b.Input("w", onnxgraph.FloatType(onnxgraph.Static(3, 2)))
	b.Input("b", onnxgraph.FloatType(onnxgraph.Static(2)))
	b.Input(graph.Buffer("w"), onnxgraph.FloatType(onnxgraph.Static(3, 2)))
	b.Input(graph.LazyReset, onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: one})
	b.ValueInfo(graph.Features, onnxgraph.FloatType(onnxgraph.Batch(2)))
	b.Append(&onnxgraph.Node{OpType: graph.Loss, Domain: graph.Domain, Input: []string{graph.Features},
		Output: []string{"dz"}})
	b.Output(graph.GradNorm, onnxgraph.FloatType(one))
	b.Output(graph.Flag("w"), onnxgraph.TensorType{Elem: onnxgraph.Bool, Shape: one})
	b.Output(graph.Gradients, onnxgraph.FloatType(onnxgraph.Static(6)))
	b.Meta(graph.MetaViews, "3")
	if change != nil {
		change(b)
	}
	return b.Model()
}

func evaluation() *onnxgraph.Model {
	b := onnxgraph.NewBuilder("evaluation", 17)
	b.Input(graph.Images, onnxgraph.FloatType(onnxgraph.Batch(3, 1, 1)))
	b.Input("w", onnxgraph.FloatType(onnxgraph.Static(3, 2)))
	b.Input("b", onnxgraph.FloatType(onnxgraph.Static(2)))
	return b.Model()
}

func TestRead(t *testing.T) {
	c, err := graph.Read(training(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &graph.Contract{
		Inputs: []string{graph.Images}, Images: []int64{0, 3, 1, 1}, Views: 3,
		Outputs: []graph.Output{{Name: graph.Features, Columns: 2}},
		Parameters: []graph.Parameter{{Name: "w", Shape: []int64{3, 2}, Trainable: true},
			{Name: "b", Shape: []int64{2}}},
		FlatGradients: true,
	}
	if !reflect.DeepEqual(c, want) || c.Trained() != 1 || c.Parameters[0].Size() != 6 {
		t.Errorf("got %+v, want %+v", c, want)
	}
	norm := func(domain, op string) func(b *onnxgraph.Builder) {
		return func(b *onnxgraph.Builder) {
			b.Append(&onnxgraph.Node{
				OpType: op, Domain: domain, Input: []string{"x", "s", "c", "mean", "var"},
				Output: []string{"y", "m", "v", "sm", "sv"},
			})
		}
	}
	for _, kernels := range []bool{false, true} {
		change := norm("", graph.StockBatchNorm)
		if kernels {
			change = norm(graph.Domain, graph.BatchNorm)
		}
		c, err := graph.Read(training(change))
		if err != nil || !slices.Equal(c.Statistics, []string{"mean", "var"}) || c.Kernels != kernels {
			t.Errorf("kernels %v: %+v, %v", kernels, c, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	drop := func(list *[]*onnxgraph.ValueInfo, name string) {
		*list = slices.DeleteFunc(*list, func(v *onnxgraph.ValueInfo) bool { return v.GetName() == name })
	}
	for _, c := range []struct {
		says   string
		change func(b *onnxgraph.Builder)
	}{
		{"input images must be", func(b *onnxgraph.Builder) { drop(&b.Model().Graph.Input, graph.Images) }},
		{"input lazy_reset_grad is missing", func(b *onnxgraph.Builder) {
			drop(&b.Model().Graph.Input,
				graph.LazyReset)
		}},
		{"belongs to no parameter", func(b *onnxgraph.Builder) { drop(&b.Model().Graph.Input, "w") }},
		{"its gradient buffer", func(b *onnxgraph.Builder) {
			drop(&b.Model().Graph.Input, "w")
			b.Input("w", onnxgraph.FloatType(onnxgraph.Static(2, 3)))
		}},
		{"input parameters must be [batch, columns]", func(b *onnxgraph.Builder) {
			b.Input(graph.Draws, onnxgraph.FloatType(onnxgraph.Batch()))
		}},
		{"is not float32", func(b *onnxgraph.Builder) {
			b.Input("x", onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: onnxgraph.Static(1)})
		}},
		{"dimension 1 is not fixed", func(b *onnxgraph.Builder) {
			b.Input("x", onnxgraph.FloatType(onnxgraph.Shape{{Size: 1}, {Param: "n"}}))
		}},
		{"larger than anything", func(b *onnxgraph.Builder) {
			b.Input("x",
				onnxgraph.FloatType(onnxgraph.Static(1<<20, 1<<20)))
		}},
		{"output grad_norm is missing", func(b *onnxgraph.Builder) { drop(&b.Model().Graph.Output, graph.GradNorm) }},
		{"output gradients has shape", func(b *onnxgraph.Builder) {
			b.Input("x", onnxgraph.FloatType(onnxgraph.Static(1)))
			b.Input(graph.Buffer("x"), onnxgraph.FloatType(onnxgraph.Static(1)))
		}},
		{"there is no operator ordo::Loss", func(b *onnxgraph.Builder) { b.Model().Graph.Node = nil }},
		{"more than one operator", func(b *onnxgraph.Builder) { b.Append(proto.CloneOf(b.Model().Graph.Node[0])) }},
		{"0 inputs", func(b *onnxgraph.Builder) { b.Model().Graph.Node[0].Input = nil }},
		{"needs 5 inputs", func(b *onnxgraph.Builder) {
			b.Append(&onnxgraph.Node{OpType: graph.BatchNorm, Domain: graph.Domain, Output: []string{"y"}})
		}},
		{"among its metadata", func(b *onnxgraph.Builder) { b.Meta(graph.MetaPlainView, "x") }},
	} {
		t.Run(c.says, func(t *testing.T) {
			if _, err := graph.Read(training(c.change)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

// TestArtifacts: what was read of graphs is read once, and anew of other bytes.
func TestArtifacts(t *testing.T) {
	a, err := graph.Encode(training(nil), evaluation(), nil, []byte{1})
	if err != nil {
		t.Fatal(err)
	}
	read := func() (*graph.Contract, *onnxgraph.Model) {
		t.Helper()
		c, err := a.Contract()
		m, err2 := a.Model()
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return c, m
	}
	c, m := read()
	if again, same := read(); again != c || same != m {
		t.Error("the contract is read twice")
	}
	a.Eval = nil
	if _, same := read(); same != m {
		t.Error("without an evaluation graph the training graph is decoded again")
	}
	was := a
	other := training(func(b *onnxgraph.Builder) { b.Meta(graph.MetaViews, "5") })
	if a.Training, err = other.Encode(); err != nil {
		t.Fatal(err)
	}
	if c, _ := read(); c.Views != 5 {
		t.Errorf("the contract of other bytes: %+v", c)
	}
	if c, err := was.Contract(); err != nil || c.Views != 3 {
		t.Errorf("a copy changed: %+v, %v", c, err)
	}
	a.Training = a.Training[:20]
	if _, err := a.Contract(); err == nil {
		t.Error("half a graph is taken")
	}
	a.Training = nil
	if _, err := a.Contract(); err == nil || !strings.Contains(err.Error(), "training graph is missing") {
		t.Errorf("without a training graph: %v", err)
	}
	wrong := evaluation()
	wrong.Graph.Input[1].Name = "v"
	if _, err := graph.Encode(training(nil), wrong, nil, nil); err == nil ||
		!strings.Contains(err.Error(), "evaluation graph: input v") {
		t.Errorf("another evaluation graph: %v", err)
	}
	if _, err := graph.Encode(training(nil), nil, evaluation(), nil); err == nil ||
		!strings.Contains(err.Error(), "optimizer graph") {
		t.Errorf("another optimizer graph: %v", err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	files := graph.Files{graph.TrainingFile: {1}, graph.CheckpointFile: {}, graph.ManifestFile: {3}}
	if err := files.Write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := graph.ReadFiles(dir)
	if err != nil || !reflect.DeepEqual(read, files) {
		t.Errorf("read %v, %v", read, err)
	}
	if got := read.Missing(graph.TrainingFile, graph.EvalFile, graph.OptimizerFile); got != graph.EvalFile {
		t.Errorf("missing is %q", got)
	}
	if a := read.Artifacts(); !reflect.DeepEqual(a.Files(), graph.Files{graph.TrainingFile: {1},
		graph.CheckpointFile: {}}) {
		t.Errorf("artifacts %+v", a)
	}
	none := filepath.Join(dir, "none")
	if err := files.Write(none); !errors.Is(err, fault.Storage) {
		t.Errorf("into a folder that isn't there: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, graph.EvalFile), 0o755); err != nil {
		t.Fatal(err)
	}
	for what, path := range map[string]string{"no folder": none, "a file": filepath.Join(dir, graph.TrainingFile),
		"a folder in place of a file": dir} {
		if _, err := graph.ReadFiles(path); !errors.Is(err, fault.Data) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestNames(t *testing.T) {
	if p, ok := graph.BufferOf(graph.Buffer("w")); p != "w" || !ok {
		t.Errorf("buffer of %q, %v", p, ok)
	}
	for name, want := range map[string]bool{
		graph.Buffer("w"): true, graph.Flag("w"): true, "w" + graph.Gradient: true, graph.LazyReset: true, "w": false,
		"grad": false,
	} {
		if graph.IsReserved(name) != want {
			t.Errorf("%s is reserved: %v", name, !want)
		}
	}
}

// TestOperators: the names are those under which the kernels are registered.
func TestOperators(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "ort", "kernels", "register.cpp"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadFile("operators.go")
	if err != nil {
		t.Fatal(err)
	}
	find := func(pattern string, in []byte) (list []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(in, -1) {
			list = append(list, string(m[1]))
		}
		slices.Sort(list)
		return list
	}
	registered := append(find(`(?m)^\s*\{"(\w+)", make_`, text), find(`"(\w+BF16)"`, text)...)
	slices.Sort(registered)
	known := find(`(?m)^\t\w+ += "(\w+)"(?: //.*)?$`, names)
	if len(known) == 0 || !slices.Equal(registered, known) {
		t.Errorf("registered are %v, known are %v", registered, known)
	}
}
