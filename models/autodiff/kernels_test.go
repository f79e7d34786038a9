package autodiff_test

import (
	"fmt"
	"slices"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/zoo"
)

// expansion replaces the operators of domain ordo by ONNX Runtime's, so that a graph with them can be held against one
// without wherever ONNX Runtime runs. Images with the channels last are put in plain order in front of each, and back
// behind: a node that is given images in the wrong order computes something else.
type expansion struct {
	t       *testing.T
	b       *onnxgraph.Builder
	types   map[string]onnxgraph.TensorType
	indices map[string]string // of ONNX Runtime's max pools, in place of ours
	norms   map[string]string // what batch norms give, by their saved mean
	opset   int64
}

// expanded returns a training graph without ordo's own operators but the loss.
func expanded(t *testing.T, training *onnxgraph.Model) *onnxgraph.Model {
	t.Helper()
	m, err := onnxgraph.Decode(encode(t, training))
	if err != nil {
		t.Fatal(err)
	}
	e := &expansion{t: t, types: map[string]onnxgraph.TensorType{}, indices: map[string]string{},
		norms: map[string]string{}, opset: m.Opset("")}
	for _, list := range [][]*onnxgraph.ValueInfo{m.GetGraph().GetInput(), m.GetGraph().GetValueInfo(),
		m.GetGraph().GetOutput()} {
		for _, v := range list {
			if typ, err := v.TensorType(); err == nil {
				e.types[v.GetName()] = typ
			}
		}
	}
	e.b = onnxgraph.Extend(m)
	nodes := m.GetGraph().GetNode()
	m.Graph.Node = nil
	for _, n := range nodes {
		if n.GetDomain() != graph.Domain || n.GetOpType() == graph.Loss {
			e.b.Append(n)
			continue
		}
		e.expand(n)
	}
	return m
}

func (e *expansion) ints(values ...int64) string {
	return e.b.Initializer(onnxgraph.NewInts(e.b.Unique("expansion/ints"), values...))
}

func (e *expansion) declared(name string, typ onnxgraph.TensorType) string {
	e.types[name] = typ
	e.b.ValueInfo(name, typ)
	return name
}

// move copies images from one order to the other.
func (e *expansion) move(x, to string) string {
	typ := e.types[x]
	s := typ.Shape
	last := onnxgraph.TensorType{Elem: typ.Elem, Shape: onnxgraph.Shape{s[0], s[2], s[3], s[1]}}
	if to == "nhwc" {
		turned := e.declared(e.b.Op("Transpose", x+"/turned", []string{x}, onnxgraph.IntsAttr("perm", 0, 2, 3, 1)),
			last)
		return e.declared(e.b.Op("Reshape", x+"/nhwc", []string{turned, e.ints(0, s[1].Size, s[2].Size, s[3].Size)}),
			typ)
	}
	seen := e.declared(e.b.Op("Reshape", x+"/seen", []string{x, e.ints(0, s[2].Size, s[3].Size, s[1].Size)}), last)
	return e.declared(e.b.Op("Transpose", x+"/plain", []string{seen}, onnxgraph.IntsAttr("perm", 0, 3, 1, 2)), typ)
}

// give makes a value in plain order the output of a node, in the order in which that has it.
func (e *expansion) give(value, output string, images bool) {
	if images {
		value = e.move(value, "nhwc")
	}
	e.b.Append(&onnxgraph.Node{Name: "give/" + output, OpType: "Identity", Input: []string{value},
		Output: []string{output}})
}

// op adds a node of ONNX's domain or ONNX Runtime's own.
func (e *expansion) op(domain, op string, inputs []string, types []onnxgraph.TensorType,
	attributes ...*onnxgraph.Attribute) []string {
	n := &onnxgraph.Node{Name: e.b.Unique("expansion/" + op), OpType: op, Domain: domain, Input: inputs,
		Attribute: attributes}
	for _, typ := range types {
		name := ""
		if typ.Elem != 0 {
			name = e.declared(e.b.Unique("expansion/value"), typ)
		}
		n.Output = append(n.Output, name)
	}
	e.b.Append(n)
	return n.Output
}

// without leaves attributes out.
func without(n *onnxgraph.Node, names ...string) []*onnxgraph.Attribute {
	return slices.DeleteFunc(slices.Clone(n.GetAttribute()),
		func(a *onnxgraph.Attribute) bool { return slices.Contains(names, a.GetName()) })
}

func (e *expansion) expand(n *onnxgraph.Node) {
	const microsoft = "com.microsoft"
	if e.expandProduct(n) || e.pointwise(n) {
		return
	}
	if n.GetOpType() != graph.Reorder && n.Str("layout", "") != "nhwc" {
		e.t.Errorf("node %s (%s) has no layout", n.GetName(), n.GetOpType())
	}
	in := func(k int) string { return e.move(n.In(k), "nchw") }
	typ := func(k int) onnxgraph.TensorType { return e.types[n.Out(k)] }
	window := without(n, "layout", "precision", "image_shape")
	switch n.GetOpType() {
	case graph.Reorder:
		e.give(e.move(n.In(0), n.Str("to", "")), n.Out(0), false)
	case graph.Conv:
		y := e.op("", "Conv", append([]string{in(0)}, n.GetInput()[1:]...), []onnxgraph.TensorType{typ(0)}, window...)
		e.give(y[0], n.Out(0), true)
	case graph.ConvGrad:
		made := e.op(microsoft, "ConvGrad", []string{in(0), in(1), n.In(2)},
			[]onnxgraph.TensorType{typ(0), typ(1), typ(2)}, window...)
		for k, out := range n.GetOutput() {
			if out != "" {
				e.give(made[k], out, k == 0)
			}
		}
	case graph.BatchNorm:
		channels := typ(1)
		y := e.op(microsoft, "BatchNormInternal", append([]string{in(0)}, n.GetInput()[1:5]...),
			[]onnxgraph.TensorType{typ(0), channels, channels, channels, channels},
			n.Attr("epsilon", onnxgraph.Attribute_FLOAT), onnxgraph.FloatAttr("momentum", 1-n.Float("momentum", 0)),
			onnxgraph.IntAttr("training_mode", 1))
		e.give(y[3], n.Out(1), false)
		e.give(y[4], n.Out(2), false)
		if n.In(5) != "" {
			y = e.op("", "Add", []string{y[0], in(5)}, []onnxgraph.TensorType{typ(0)})
		}
		if n.Int("relu", 0) != 0 {
			y = e.op("", "Relu", y[:1], []onnxgraph.TensorType{typ(0)})
		}
		e.give(y[0], n.Out(0), true)
		e.norms[n.Out(1)] = n.Out(0)
	case graph.BatchNormGrad:
		dy := in(0)
		if n.In(6) != "" {
			dy = e.op("", "Add", []string{dy, in(6)}, []onnxgraph.TensorType{typ(0)})[0]
		}
		if n.Int("relu", 0) != 0 {
			y := n.In(2)
			if n.In(7) != "" {
				y = e.norms[n.In(4)]
			}
			dy = e.op(microsoft, "ReluGrad", []string{dy, e.move(y, "nchw")}, []onnxgraph.TensorType{typ(0)})[0]
		}
		made := e.op(microsoft, "BatchNormalizationGrad", []string{dy, in(1), n.In(3), n.In(4), n.In(5)},
			[]onnxgraph.TensorType{typ(0), typ(1), typ(2)}, onnxgraph.FloatAttr("epsilon", 1e-5))
		for k, value := range made {
			e.give(value, n.Out(k), k == 0)
		}
		if n.Out(3) != "" {
			e.give(dy, n.Out(3), true)
		}
	case graph.MaxPool:
		index := onnxgraph.TensorType{Elem: onnxgraph.Int64, Shape: typ(0).Shape}
		made := e.op("", "MaxPool", []string{in(0)}, []onnxgraph.TensorType{typ(0), index}, window...)
		e.give(made[0], n.Out(0), true)
		e.indices[n.Out(1)] = made[1]
	case graph.MaxPoolGrad:
		dx := e.op("", "MaxPoolGrad", []string{in(0), e.indices[n.In(1)]}, []onnxgraph.TensorType{typ(0)},
			onnxgraph.IntsAttr("kernel_shape", n.Ints("kernel_shape")...))
		e.give(dx[0], n.Out(0), true)
	case graph.AveragePool:
		if slices.Max(n.Ints("dilations")) == 1 { // opset 18 and before have none
			window = without(n, "layout", "dilations")
		}
		y := e.op("", "AveragePool", []string{in(0)}, []onnxgraph.TensorType{typ(0)}, window...)
		e.give(y[0], n.Out(0), true)
	case graph.AveragePoolGrad:
		e.averagePoolGrad(n, in(0))
	default:
		e.t.Errorf("operator %s is not known", n.GetOpType())
	}
}

// averagePoolGrad spreads every average's gradient, divided by the number of pixels that it is of, over its window: the
// gradient of a convolution with ones.
func (e *expansion) averagePoolGrad(n *onnxgraph.Node, dy string) {
	out, in := e.types[n.In(0)].Shape, n.Ints("image_shape")
	kernel, strides, pads, dilations := n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads"), n.Ints("dilations")
	count := func(dim int, o int64) float32 {
		hit := float32(0)
		for k := range kernel[dim] {
			i := o*strides[dim] - pads[dim] + k*dilations[dim]
			if n.Int("count_include_pad", 0) != 0 || i >= 0 && i < in[dim] {
				hit++
			}
		}
		return hit
	}
	var shares []float32
	for y := range out[2].Size {
		for x := range out[3].Size {
			shares = append(shares, 1/(count(0, y)*count(1, x)))
		}
	}
	channels := out[1].Size
	share := e.b.Initializer(onnxgraph.NewFloats(e.b.Unique("expansion/shares"),
		[]int64{1, 1, out[2].Size, out[3].Size}, shares))
	ones := e.b.Initializer(onnxgraph.NewFloats(e.b.Unique("expansion/ones"),
		[]int64{channels, 1, kernel[0], kernel[1]},
		slices.Repeat([]float32{1}, int(channels*kernel[0]*kernel[1]))))
	each := e.op("", "Mul", []string{dy, share}, []onnxgraph.TensorType{e.types[n.In(0)]})
	attributes := append(without(n, "layout", "image_shape", "count_include_pad"), onnxgraph.IntAttr("group", channels))
	x := e.op("com.microsoft", "ConvGrad", []string{each[0], e.zeros(dy, in), ones},
		[]onnxgraph.TensorType{e.types[n.Out(0)]}, attributes...)
	e.give(x[0], n.Out(0), true)
}

// zeros are images like those of a value, of another size.
func (e *expansion) zeros(like string, size []int64) string {
	s := e.types[like].Shape
	sizes := func(n int64) []onnxgraph.TensorType {
		return []onnxgraph.TensorType{{Elem: onnxgraph.Int64, Shape: onnxgraph.Static(n)}}
	}
	all := e.op("", "Shape", []string{like}, sizes(4))
	batch := e.op("", "Gather", []string{all[0], e.ints(0)}, sizes(1))
	shape := e.op("", "Concat", []string{batch[0], e.ints(s[1].Size, size[0], size[1])}, sizes(4),
		onnxgraph.IntAttr("axis", 0))
	typ := onnxgraph.FloatType(append(onnxgraph.Shape{s[0], s[1]}, onnxgraph.Static(size...)...))
	return e.op("", "ConstantOfShape", shape, []onnxgraph.TensorType{typ})[0]
}

// withKernels builds a graph with ordo's operators and replaces these by ONNX Runtime's again.
func withKernels(t *testing.T, m *onnxgraph.Model, o autodiff.Options) *autodiff.Graphs {
	t.Helper()
	o.Kernels = &autodiff.Kernels{}
	a, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	a.Training = expanded(t, a.Training)
	return a
}

// compareKernels runs a step of a graph with ordo's operators and one without, on the same images and output gradients,
// and compares outputs, gradients and running statistics.
func compareKernels(t *testing.T, m *onnxgraph.Model, o autodiff.Options, tolerance float64, shape ...int) {
	t.Helper()
	compareWith(t, withKernels, m, o, tolerance, shape...)
}

// compareWith is compareKernels with artifacts that are built in another way.
func compareWith(t *testing.T, build func(*testing.T, *onnxgraph.Model, autodiff.Options) *autodiff.Graphs,
	m *onnxgraph.Model, o autodiff.Options, tolerance float64, shape ...int) {
	t.Helper()
	o.Optimizer = gradientReader()
	stock, err := autodiff.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	count := 1
	for _, d := range shape {
		count *= d
	}
	random := newRandom()
	images := make([]float32, count)
	for i := range images {
		images[i] = float32(random.NormFloat64())
	}
	var outputs [2]map[string][]float32
	var gradients [2]map[string][]float64
	var statistics [2]map[string][]float32
	for i, a := range []*autodiff.Graphs{stock, build(t, m, o)} {
		// Optimized, ONNX Runtime would take the Transposes of an expansion through a cubic Resize, which it then can't
		// do.
		s := newSessionWith(t, a, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1,
			Execution: ort.Execution{Provider: ort.CPU, Optimization: "none", Arena: true}}}, images, shape...)
		s.dz = func(name string, i int) float32 { return float32((i*7919+len(name))%17)/8 - 1 }
		gradients[i], _ = s.gradients(parameters(t, a))
		outputs[i], statistics[i] = s.outputs, map[string][]float32{}
		for _, p := range parameters(t, a) {
			if !p.Trainable {
				statistics[i][p.Name] = s.parameter(p.Name)
			}
		}
		s.trainer.Close()
	}
	overall := 0.0
	for _, g := range gradients[0] {
		overall = max(overall, largest(g))
	}
	for name, g := range gradients[0] {
		within(t, "gradient of "+name, gradients[1][name], narrow(g), tolerance, 1e-3*overall)
	}
	for name, v := range outputs[0] {
		near(t, name, outputs[1][name], v, tolerance)
	}
	for name, v := range statistics[0] {
		within(t, name, wide(statistics[1][name]), v, tolerance, 1e-2)
	}
}

func narrow(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(v)
	}
	return out
}

// TestKernelsOfRules: every test graph gives the same with ordo's operators where they can be.
func TestKernelsOfRules(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			o := autodiff.DefaultOptions()
			o.Outputs = []string{"z"}
			batch := c.batch
			if batch == 0 {
				batch = 3
			}
			compareKernels(t, c.model(t), o, 1e-4, batch, 3, size, size)
		})
	}
}

// TestKernelsOfBackbones: so does a backbone of every kind.
func TestKernelsOfBackbones(t *testing.T) {
	for _, o := range kinds() {
		t.Run(fmt.Sprint(o.Backbone, "/", o.Stem, "/", o.Width), func(t *testing.T) {
			compareBackbone(t, withKernels, o,
				4)
		})
	}
}

// kinds are small backbones, one of each kind.
func kinds() []zoo.Options {
	return []zoo.Options{
		zoo.DefaultOptions(),
		{Backbone: "resnet18", Stem: "small", Width: 4},
		{Backbone: "resnet18", Stem: "standard", Width: 4},
		{Backbone: "resnet18", Stem: "small", Width: 16}, // wide enough for Winograd's algorithm
		{Backbone: "resnet50", Stem: "small", Width: 4},
		{Backbone: "mobilenet_v3_small", Stem: "small"},
		{Backbone: "efficientnet_b0", Stem: "small"},
		{Backbone: "convnext_tiny", Stem: "small"},
		{Backbone: "vit_tiny", Stem: "small", PatchSize: 4},
	}
}

func compareBackbone(t *testing.T, build func(*testing.T, *onnxgraph.Model, autodiff.Options) *autodiff.Graphs,
	o zoo.Options, batch int) {
	t.Helper()
	m, err := zoo.Build(o, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	options := autodiff.DefaultOptions()
	options.Outputs = []string{graph.Features}
	// Many layers of batch norms over few pixels make much of rounding errors, by which a ReLU may open or not.
	compareWith(t, build, m, options, 3e-2, batch, 3, 16, 16)
}
