package autodiff_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/zoo"
)

func zooModel(t testing.TB, o zoo.Options) *onnxgraph.Model {
	t.Helper()
	m, err := zoo.Build(o, 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func resnet() zoo.Options {
	return zoo.Options{Backbone: "resnet18", Stem: "standard", Width: 4, Projector: []int{16, 8}}
}

func buildZoo(t testing.TB, o zoo.Options, outputs ...string) *autodiff.Graphs {
	t.Helper()
	options := autodiff.DefaultOptions()
	options.Outputs = outputs
	a, err := autodiff.Build(zooModel(t, o), options)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func names(values []*onnxgraph.ValueInfo) []string {
	var list []string
	for _, v := range values {
		list = append(list, v.GetName())
	}
	return list
}

// TestContract holds the graphs against what ONNX Runtime's training API asks of them.
func TestContract(t *testing.T) {
	a := buildZoo(t, resnet(), "features", "embedding")
	for _, m := range []*onnxgraph.Model{a.Training, a.Eval} {
		if err := onnxgraph.Check(m); err != nil {
			t.Error(err)
		}
	}
	want := []string{"images"}
	var buffers, flags []string
	for _, p := range parameters(t, a) {
		want = append(want, p.Name)
		if p.Trainable {
			buffers = append(buffers, p.Name+"_grad.accumulation.buffer")
			flags = append(flags, p.Name+"_grad.accumulation.out")
		}
	}
	if got := names(a.Eval.GetGraph().GetInput()); !slices.Equal(got, want) {
		t.Errorf("evaluation graph's inputs: %v", got)
	}
	want = slices.Concat(want, buffers, []string{"lazy_reset_grad"})
	if got := names(a.Training.GetGraph().GetInput()); !slices.Equal(got, want) {
		t.Errorf("training graph's inputs: %v", got)
	}
	if got := names(a.Training.GetGraph().GetOutput()); !slices.Equal(got, append([]string{"grad_norm"}, flags...)) {
		t.Errorf("training graph's outputs: %v", got)
	}
	if got := names(a.Eval.GetGraph().GetOutput()); !slices.Equal(got, []string{"features", "embedding"}) {
		t.Errorf("evaluation graph's outputs: %v", got)
	}
	typed := map[string]bool{}
	for _, v := range a.Training.GetGraph().GetValueInfo() {
		typed[v.GetName()] = true
	}
	for _, v := range a.Training.GetGraph().GetOutput() {
		typed[v.GetName()] = true
	}
	losses := 0
	for _, n := range a.Training.GetGraph().GetNode() {
		for _, out := range n.GetOutput() {
			if out != "" && !typed[out] {
				t.Errorf("%s of %s has no declared type", out, n.GetOpType())
			}
		}
		switch n.GetOpType() {
		case "Loss":
			losses++
			if !slices.Equal(n.GetInput(), []string{"features", "embedding"}) || len(n.GetOutput()) != 2 ||
				n.GetDomain() != "ordo" {
				t.Errorf("loss node: %v", n)
			}
		case "BatchNormalization":
			t.Error("a batch norm is not in training form")
		case "ConvGrad":
			if n.In(1) == "images" && n.Out(0) != "" {
				t.Error("the gradient of the images is computed")
			}
		}
	}
	if losses != 1 {
		t.Errorf("%d loss nodes", losses)
	}
	for _, n := range a.Eval.GetGraph().GetNode() {
		if n.GetOpType() == "BatchNormalization" && (len(n.GetOutput()) != 1 || n.Int("training_mode", 0) != 0) {
			t.Errorf("batch norm %s is not in evaluation form", n.GetName())
		}
	}
	optimizer := []string{"learning_rate", "step", "params", "gradients", "first_order_moments", "second_order_moments"}
	if got := names(a.Optimizer.GetGraph().GetInput()); !slices.Equal(got, optimizer) {
		t.Errorf("optimizer graph's inputs: %v", got)
	}
}

// TestUnreachedParametersAreFrozen: with the loss on the features alone the projector isn't trained, but stays an
// input, for the evaluation graph needs it.
func TestUnreachedParametersAreFrozen(t *testing.T) {
	a := buildZoo(t, resnet(), "features")
	for _, p := range parameters(t, a) {
		frozen := strings.HasPrefix(p.Name, "projector") || strings.Contains(p.Name, "running")
		if p.Trainable == frozen {
			t.Errorf("%s: trainable is %v", p.Name, p.Trainable)
		}
	}
	c, err := checkpoint.Decode(a.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.Trainable) + len(c.Frozen); got != len(parameters(t, a)) {
		t.Errorf("the checkpoint holds %d parameters of %d", got, len(parameters(t, a)))
	}
	images := make([]float32, 2*3*32*32)
	for i := range images {
		images[i] = float32(i%11) / 11
	}
	s := newSession(t, a, images, 2, 3, 32, 32)
	if norm := s.step(1e-3); !(norm > 0) {
		t.Errorf("norm of the gradients is %v", norm)
	}
}

// TestEmbeddingIsFeatures: without a projector both outputs are one value, and the loss gets it twice.
func TestEmbeddingIsFeatures(t *testing.T) {
	a := buildZoo(t, zoo.Options{Backbone: "convnet", Stem: "small", Width: 2}, "features", "embedding")
	images := make([]float32, 2*3*32*32)
	for i := range images {
		images[i] = float32(i%7) / 7
	}
	s := newSession(t, a, images, 2, 3, 32, 32)
	both := s.step(0)
	s.dz = func(name string, _ int) float32 { return map[string]float32{"features": 2}[name] }
	if once := s.step(0); once != both || !(once > 0) {
		t.Errorf("the norm is %v with a gradient of 1 for each and %v with 2 for one", both, once)
	}
	if !slices.Equal(s.outputs["features"], s.outputs["embedding"]) {
		t.Error("the outputs differ")
	}
}

func TestExposeGradients(t *testing.T) {
	o := autodiff.DefaultOptions()
	o.ExposeGradients = true
	a, err := autodiff.Build(zooModel(t, zoo.DefaultOptions()), o)
	if err != nil {
		t.Fatal(err)
	}
	outputs := names(a.Training.GetGraph().GetOutput())
	for _, p := range parameters(t, a) {
		if got := slices.Contains(outputs, graph.GradOutput+p.Name); got != p.Trainable {
			t.Errorf("gradient of %s is an output: %v", p.Name, got)
		}
	}
	s := newSession(t, a, make([]float32, 2*3*32*32), 2, 3, 32, 32)
	s.step(1e-3)
}

func TestBuildTwiceGivesTheSameBytes(t *testing.T) {
	m := zooModel(t, resnet())
	before := encode(t, m)
	var first []byte
	for i := range 2 {
		a, err := autodiff.Build(m, autodiff.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(encode(t, a.Training), encode(t, a.Eval), encode(t, a.Optimizer), a.Checkpoint)
		if i == 0 {
			first = all
		} else if !bytes.Equal(all, first) {
			t.Error("the artifacts differ")
		}
	}
	if !bytes.Equal(encode(t, m), before) {
		t.Error("Build changed the forward graph")
	}
}

// TestFlatGradients: the training graph has the gradients as one output, and there is no optimizer graph.
func TestFlatGradients(t *testing.T) {
	m, err := zoo.Build(zoo.DefaultOptions(), 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.FlatGradients = true
	a, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxgraph.Check(a.Training); err != nil {
		t.Error(err)
	}
	values := int64(0)
	for _, p := range parameters(t, a) {
		if n, _ := onnxgraph.Static(p.Shape...).Elements(); p.Trainable {
			values += n
		}
	}
	outputs := a.Training.GetGraph().GetOutput()
	last := outputs[len(outputs)-1]
	if last.GetName() != graph.Gradients ||
		last.GetType().GetTensorType().GetShape().GetDim()[0].GetDimValue() != values {
		t.Errorf("the last output is %v, want %s of %d values", last, graph.Gradients, values)
	}
	if a.Optimizer != nil {
		t.Errorf("there is an optimizer graph %v", a.Optimizer)
	}
}

func TestClippingGraphIsValid(t *testing.T) {
	m, err := zoo.Build(zoo.DefaultOptions(), 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := autodiff.DefaultOptions()
	o.Optimizer.ClipNorm = 1
	a, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxgraph.Check(a.Optimizer); err != nil {
		t.Error(err)
	}
	read := 0
	for _, n := range a.Optimizer.GetGraph().GetNode() {
		if n.GetOpType() == "SequenceAt" {
			read++
		}
	}
	trained := 0
	for _, p := range parameters(t, a) {
		if p.Trainable {
			trained++
		}
	}
	if read != trained {
		t.Errorf("%d gradients are clipped, of %d", read, trained)
	}
}

func TestBuildErrors(t *testing.T) {
	float := onnxgraph.FloatType
	for _, c := range []struct {
		want    string
		outputs []string
		build   func(g *opGraph)
	}{
		{`outputs: must name`, []string{}, nil},
		{`"y" is named twice`, []string{"y", "y"}, nil},
		{`"z" is not an output of the graph: it has ["y"]`, []string{"z"}, nil},
		{"depend on no parameter", nil, func(g *opGraph) { g.out("Relu", "images") }},
		{`node "odd" (Shape)`, nil, func(g *opGraph) {
			g.out("Conv", "images", g.parameter("w", 4, 3, 1, 1))
			g.Append(&onnxgraph.Node{Name: "odd", OpType: "Shape", Input: []string{"absent"}, Output: []string{"s"}})
		}},
		{"depend on no parameter", []string{"n"}, func(g *opGraph) {
			x := g.out("Conv", "images", g.parameter("w", 4, 3, 1, 1))
			s := g.Op("Shape", "s", []string{x})
			g.Append(&onnxgraph.Node{OpType: "Cast", Input: []string{s}, Output: []string{"n"},
				Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("to", 1)}})
			g.Output("n", float(onnxgraph.Static(4)))
		}},
		{`(Acosh): ordo has no gradient for this operator`, nil, func(g *opGraph) {
			g.out("Acosh", g.Op("Conv", "x", []string{"images", g.parameter("w", 4, 3, 1, 1)}))
		}},
		{"gradients are computed in float alone", nil, func(g *opGraph) {
			x := g.Op("Cast", "wide", []string{g.Op("Conv", "x", []string{"images", g.parameter("w", 4, 3, 1, 1)})},
				onnxgraph.IntAttr("to", 11))
			g.Append(&onnxgraph.Node{OpType: "Cast", Input: []string{x}, Output: []string{"y"},
				Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("to", 1)}})
			g.Output("y", float(onnxgraph.Batch(4, size, size)))
		}},
		{`equation takes a diagonal`, nil, func(g *opGraph) {
			x := g.Op("Conv", "x", []string{"images", g.parameter("w", 4, 3, 1, 1)})
			g.Append(&onnxgraph.Node{OpType: "Einsum", Input: []string{x}, Output: []string{"y"},
				Attribute: []*onnxgraph.Attribute{onnxgraph.StringAttr("equation", "bcii->bc")}})
			g.Output("y", float(onnxgraph.Batch(4)))
		}},
		{`parameter "w_grad": the name is reserved`, nil, func(g *opGraph) {
			g.out("Conv", "images",
				g.parameter("w_grad", 4, 3, 1, 1))
		}},
		{`graph input "x_grad": the name is reserved`, nil, func(g *opGraph) {
			g.Input("x_grad", float(onnxgraph.Batch(1)))
			g.out("Conv", "images", g.parameter("w", 4, 3, 1, 1))
		}},
		{"not an initializer", nil, func(g *opGraph) {
			mean := g.Op("Relu", "mean", []string{g.parameter("m", 3)})
			g.out("BatchNormalization", "images", g.parameter("s", 3), g.parameter("b", 3), mean, g.parameter("v", 3))
		}},
		{"their sizes must be fixed", nil, func(g *opGraph) {
			x := g.Op("Conv", "x", []string{"images", g.parameter("w", 4, 3, 1, 1)})
			g.Append(&onnxgraph.Node{OpType: "ReduceMean", Input: []string{x}, Output: []string{"y"},
				Attribute: []*onnxgraph.Attribute{onnxgraph.IntsAttr("axes", 0)}})
			g.Output("y", float(onnxgraph.Static(1, 4, size, size)))
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			g := &opGraph{onnxgraph.NewBuilder("test", 17), newRandom()}
			g.Input("images", float(onnxgraph.Batch(3, size, size)))
			if c.build == nil {
				g.out("Conv", "images", g.parameter("w", 4, 3, 1, 1))
			} else {
				c.build(g)
			}
			o := autodiff.DefaultOptions()
			if o.Outputs = c.outputs; c.outputs == nil {
				o.Outputs = []string{"y"}
			}
			if _, err := autodiff.Build(g.Model(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	g := onnxgraph.NewBuilder("old", 11)
	g.Input("x", float(onnxgraph.Batch(3)))
	g.Output(g.Op("Relu", "y", []string{"x"}), float(onnxgraph.Batch(3)))
	if _, err := autodiff.Build(g.Model(), autodiff.DefaultOptions()); err == nil ||
		!strings.Contains(err.Error(), "opset 11, supported are 13 to 23") {
		t.Errorf("for an old opset: %v", err)
	}
}

// TestFixedBatchErrors: what a free batch can't be put into is refused, and the error names the node.
func TestFixedBatchErrors(t *testing.T) {
	ints := onnxgraph.IntsAttr
	for _, c := range []struct {
		want  string
		batch int64
		build func(g *opGraph)
	}{
		{`(Reshape): [49,batch,4] can't become [49,2,2]: the new shape has a fixed number of images built in`, 1,
			func(g *opGraph) {
				x := g.Op("Reshape", "flat", []string{"images", g.ints("s", 1, -1, 49)})
				x = g.Op("Transpose", "turned", []string{g.Op("MatMul", "m", []string{g.parameter("w", 4, 3), x})},
					ints("perm", 2, 0, 1))
				g.Op("Reshape", "y", []string{x, g.ints("ambiguous", 49, 2, 2)})
			}},
		{`(Add): inputs of shapes [batch,3,7,7] and [2,1,1,1]: the exported batch is built into one of them`, 2,
			func(g *opGraph) {
				g.Op("Add", "y", []string{"images", g.parameter("w", 2, 1, 1, 1)})
			}},
		{`(Gather): it takes elements at fixed places along the size batch`, 2, func(g *opGraph) {
			g.Op("Gather", "y", []string{"images", g.ints("i", 1, 0)})
		}},
		{`output "y" has the shape [3,7,7]: the free batch is lost`, 2, func(g *opGraph) {
			g.Op("ReduceMean", "y", []string{"images"}, ints("axes", 0), onnxgraph.IntAttr("keepdims", 0))
		}},
		{`value "y" has the shape [batch,3,7,7] for a free batch, but is declared as [2,3,7,8]`, 2, func(g *opGraph) {
			g.Op("Relu", "y", []string{"images"})
			g.ValueInfo("y", onnxgraph.FloatType(onnxgraph.Static(2, 3, 7, 8)))
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			g := &opGraph{onnxgraph.NewBuilder("test", 17), newRandom()}
			g.Input("images", onnxgraph.FloatType(onnxgraph.Static(c.batch, 3, size, size)))
			c.build(g)
			g.Output("y", onnxgraph.FloatType(onnxgraph.Batch(1)))
			o := autodiff.DefaultOptions()
			o.Outputs = []string{"y"}
			_, err := autodiff.Build(g.Model(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), "export it with a free batch dimension") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestDropout: in training the elements that are kept are scaled by 1/(1 − ratio), those of the gradient alike; a seed
// fixes which; in evaluation there is none.
func TestDropout(t *testing.T) {
	const rows, columns, ratio = 4, 50, 0.25
	images := make([]float32, rows*3)
	for i := range images {
		images[i] = float32(i + 1)
	}
	train := func(seed int64) (*session, *autodiff.Graphs) {
		g := &opGraph{onnxgraph.NewBuilder("dropout", 17), newRandom()}
		g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 1, 1)))
		x := g.Op("Gemm", "product", []string{g.Op("Flatten", "x", []string{"images"}), g.parameter("w", 3, columns)})
		g.Op("Dropout", "z", []string{x, g.numbers("ratio", nil, ratio),
			g.Initializer(onnxgraph.NewIntegers("mode", onnxgraph.Bool, nil, []int64{0}))})
		g.Output("z", onnxgraph.FloatType(onnxgraph.Batch(columns)))
		o := autodiff.Options{Outputs: []string{"z"}, Optimizer: gradientReader(), DropoutSeed: seed}
		a, err := autodiff.Build(g.Model(), o)
		if err != nil {
			t.Fatal(err)
		}
		return newSession(t, a, images, rows, 3, 1, 1), a
	}
	s, a := train(7)
	gradients, _ := s.gradients(parameters(t, a))
	z := slices.Clone(s.outputs["z"])
	eval, err := s.trainer.Eval(nil, s.images)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 3*columns)
	dropped := 0
	for i, v := range z {
		if v == 0 {
			dropped++
			continue
		}
		if math.Abs(float64(v)-float64(eval[0][i])/(1-ratio)) > 1e-5*math.Abs(float64(v)) {
			t.Errorf("element %d is %v in training, %v in evaluation", i, v, eval[0][i])
		}
		for k := range 3 {
			want[k*columns+i%columns] += images[i/columns*3+k] / (1 - ratio)
		}
	}
	if dropped < len(z)/8 || dropped > len(z)/2 {
		t.Errorf("%d of %d elements were dropped", dropped, len(z))
	}
	within(t, "gradient", gradients["w"], want, 1e-5, 0)
	s.step(0)
	if slices.Equal(s.outputs["z"], z) {
		t.Error("two steps drop the same elements")
	}
	again, _ := train(7)
	if again.step(0); !slices.Equal(again.outputs["z"], z) {
		t.Error("the same seed drops other elements")
	}
	other, _ := train(8)
	if other.step(0); slices.Equal(other.outputs["z"], z) {
		t.Error("another seed drops the same elements")
	}
}

func TestOptionsValidate(t *testing.T) {
	if err := autodiff.DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
	err := autodiff.OptimizerOptions{Beta1: 1, Beta2: -1, Epsilon: 0, WeightDecay: 2, ClipNorm: -1}.Validate()
	want := `beta1: must be in [0, 1), got 1
beta2: must be in [0, 1), got -1
weight_decay: must be in [0, 1], got 2
clip_norm: must be at least 0, got -1
epsilon: must be above 0, got 0`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want\n%s", err, want)
	}
}

// TestAdamW holds three steps against the formula in OptimizerOptions. The model is linear in its weights, so their
// gradient is the same in every step: the images' sum.
func TestAdamW(t *testing.T) {
	g := &opGraph{onnxgraph.NewBuilder("linear", 17), newRandom()}
	g.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 1, 1)))
	x := g.Op("Flatten", "x", []string{"images"})
	g.Op("Gemm", "z", []string{x, g.parameter("w", 3, 1)})
	g.Output("z", onnxgraph.FloatType(onnxgraph.Batch(1)))
	o := autodiff.Options{Outputs: []string{"z"}, Optimizer: autodiff.OptimizerOptions{Beta1: 0.8, Beta2: 0.95,
		Epsilon: 0.1, WeightDecay: 0.2}}
	a, err := autodiff.Build(g.Model(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, a, []float32{1, -2, 0.1, 2, -1, 0.1}, 2, 3, 1, 1)
	gradient := []float64{3, -3, 0.2}
	w := wide(s.parameter("w"))
	const rate = 0.05
	var m, v [3]float64
	for step := 1; step <= 3; step++ {
		s.step(rate)
		for i, g := range gradient {
			w[i] -= rate * o.Optimizer.WeightDecay * w[i]
			m[i] = o.Optimizer.Beta1*m[i] + (1-o.Optimizer.Beta1)*g
			v[i] = o.Optimizer.Beta2*v[i] + (1-o.Optimizer.Beta2)*g*g
			unbiased := math.Sqrt(v[i] / (1 - math.Pow(o.Optimizer.Beta2, float64(step))))
			w[i] -= rate * m[i] / (1 - math.Pow(o.Optimizer.Beta1, float64(step))) / (unbiased + o.Optimizer.Epsilon)
		}
		within(t, fmt.Sprintf("weights after step %d", step), w, s.parameter("w"), 1e-6, 0)
	}
}

// TestCheckpointOfONNXRuntime reads what ONNX Runtime saves after a step.
func TestCheckpointOfONNXRuntime(t *testing.T) {
	a := buildZoo(t, zoo.DefaultOptions(), "embedding")
	images := make([]float32, 4*3*32*32)
	for i := range images {
		images[i] = float32(i%13) / 13
	}
	s := newSession(t, a, images, 4, 3, 32, 32)
	s.step(1e-3)
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := s.trainer.Save(path); err != nil {
		t.Fatal(err)
	}
	data, _, err := checkpoint.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Trainable)+len(c.Frozen) != len(parameters(t, a)) {
		t.Errorf("%d and %d parameters", len(c.Trainable), len(c.Frozen))
	}
	for _, p := range slices.Concat(c.Trainable, c.Frozen) {
		values := make([]float32, len(p.Data)/4)
		if _, err := binary.Decode(p.Data, binary.LittleEndian, values); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(values, s.parameter(p.Name)) {
			t.Errorf("%s differs", p.Name)
		}
	}
}

func FuzzBuild(f *testing.F) {
	for _, c := range allCases() {
		data, err := c.model(f).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnxgraph.Decode(data)
		if err != nil {
			return
		}
		o := autodiff.DefaultOptions()
		o.Outputs = []string{"z"}
		a, err := autodiff.Build(m, o)
		if err != nil {
			return
		}
		for _, m := range []*onnxgraph.Model{a.Training, a.Eval} {
			if err := onnxgraph.Check(m); err != nil {
				t.Error(err)
			}
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	m := zooModel(b, zoo.Options{Backbone: "resnet18", Stem: "small", Projector: []int{512, 128}})
	var bytes int
	for b.Loop() {
		a, err := autodiff.Build(m, autodiff.DefaultOptions())
		if err != nil {
			b.Fatal(err)
		}
		bytes = len(a.Checkpoint)
	}
	b.ReportMetric(float64(bytes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}

func ExampleBuild() {
	forward, err := zoo.Build(zoo.Options{Backbone: "convnet", Stem: "small", Projector: []int{64}}, 32, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := autodiff.Build(forward, autodiff.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	contract, err := graph.Read(a.Training)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range contract.Parameters[:4] {
		fmt.Println(p.Name, p.Shape, p.Trainable)
	}
	// Output:
	// conv1.weight [16 3 3 3] true
	// bn1.weight [16] true
	// bn1.bias [16] true
	// bn1.running_mean [16] false
}
