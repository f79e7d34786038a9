package inspect_test

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/heads"
	"ordo/models/inspect"
	"ordo/models/onnxgraph"
	"ordo/models/zoo"
)

func backbone(t testing.TB, o zoo.Options, size int) *onnxgraph.Model {
	t.Helper()
	m, err := zoo.Build(o, size, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCounts: torchvision's documentation gives resnet18 1.81 GFLOPs (multiply-adds, with the classifier's 0.0005).
func TestCounts(t *testing.T) {
	r, err := inspect.Graph(backbone(t, zoo.Options{Backbone: "resnet18", Stem: "standard"}, 224), nil)
	if err != nil {
		t.Fatal(err)
	}
	// 7x7 stem: 112²·64·147; first stage: 4·56²·64·576; and for each later one 3 of four convolutions as much as a
	// whole one of the first stage, one of them half as much, and a 1x1 one.
	const stage = 56 * 56 * 64 * 576
	want := int64(112*112*64*147 + 4*stage + 3*(3*stage+stage/2+28*28*128*64))
	if r.MultiplyAdds != want {
		t.Errorf("%d multiply-adds, want %d", r.MultiplyAdds, want)
	}
	if want := int64(11689512 - 513000); r.Parameters != want {
		t.Errorf("%d parameters, want %d", r.Parameters, want)
	}
	if want := int64(2 * (64*5 + 128*5 + 256*5 + 512*5)); r.Frozen != want {
		t.Errorf("%d frozen values, want %d running statistics", r.Frozen, want)
	}
	ops := map[string]int{}
	for _, o := range r.Ops {
		ops[o.Op] = o.Count
	}
	if ops["Conv"] != 20 || ops["Add"] != 8 || ops["MaxPool"] != 1 {
		t.Errorf("operators %v", r.Ops)
	}
}

// products is a graph of matrix products.
func products() *onnxgraph.Model {
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("x", onnxgraph.FloatType(onnxgraph.Batch(7, 5)))
	b.Initializer(onnxgraph.NewFloats("w", []int64{5, 3}, make([]float32, 15)))
	b.Initializer(onnxgraph.NewFloats("v", []int64{2, 9}, make([]float32, 18)))
	b.Op("MatMul", "y", []string{"x", "w"})
	b.Op("Transpose", "t", []string{"y"}, onnxgraph.IntsAttr("perm", 0, 2, 1))
	b.Op("MatMul", "z", []string{"t", "y"})
	b.Op("Flatten", "f", []string{"z"}, onnxgraph.IntAttr("axis", 1))
	b.Op("Gemm", "out", []string{"f", "v"}, onnxgraph.IntAttr("transB", 1))
	b.Output("out", onnxgraph.FloatType(onnxgraph.Batch(2)))
	return b.Model()
}

func TestMatrixProducts(t *testing.T) {
	r, err := inspect.Graph(products(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(7*3*5 + 3*3*7 + 2*9); r.MultiplyAdds != want {
		t.Errorf("%d multiply-adds, want %d", r.MultiplyAdds, want)
	}
}

func build(t testing.TB, o artifacts.Options) (eval, training *onnxgraph.Model) {
	t.Helper()
	m, err := onnxgraph.ReadFile(filepath.Join("..", "autodiff", "testdata", "convnet", "forward.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := artifacts.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	var err1, err2 error
	eval, err1 = onnxgraph.Decode(f.Eval)
	training, err2 = onnxgraph.Decode(f.Training)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return eval, training
}

func TestArtifacts(t *testing.T) {
	o := artifacts.DefaultOptions()
	o.Freeze = []string{"c1.*"}
	r, err := inspect.Graph(build(t, o))
	if err != nil {
		t.Fatal(err)
	}
	frozen := map[string]bool{}
	for _, p := range r.Tensors {
		frozen[p.Name] = p.Frozen
	}
	for name, want := range map[string]bool{"c1.weight": true, "b1.running_mean": true, "b1.weight": false,
		"fc1.weight": false} {
		if got, ok := frozen[name]; !ok || got != want {
			t.Errorf("%s: frozen %v (known %v), want %v", name, got, ok, want)
		}
	}
	if len(r.Training) == 0 || len(r.Inputs) != 1 || len(r.Outputs) != 2 || r.Unknown != 0 {
		t.Errorf("%+v", r)
	}
	// Memory grows with the batch, the training step holds at least what it keeps, and keeps at least the convolutions'
	// outputs that batch norm's gradient needs: 8·16² and 16·4² numbers an image.
	for i, m := range r.Memory {
		if m.Kept < int64(m.Batch)*4*(8*16*16+16*4*4) || m.Peak < m.Kept || m.Forward <= 0 {
			t.Errorf("memory %+v", m)
		}
		if i > 0 && (m.Forward <= r.Memory[i-1].Forward || m.Kept <= r.Memory[i-1].Kept) {
			t.Errorf("a larger batch takes less: %+v", r.Memory)
		}
	}
}

// TestSVG: well-formed, every operator of the way from the images to the outputs is in it, frozen blocks are dashed,
// and names can't break out.
func TestSVG(t *testing.T) {
	o := artifacts.DefaultOptions()
	o.Freeze = []string{"c1.*", "b1.*"}
	h := heads.Default()
	h.Name, h.Layers = "projector", []int{8, 4}
	o.Heads = []heads.Head{h}
	r, err := inspect.Graph(build(t, o))
	if err != nil {
		t.Fatal(err)
	}
	svg := string(r.SVG(`<&"title">`))
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for text, count := range map[string]int{
		"&lt;&amp;&#34;title&#34;&gt;": 1, `bold">images<`: 1, `bold">features<`: 1, `bold">embedding<`: 1,
		">Conv 3×3, 3 → 8<": 1, ">Conv 3×3, 8 → 16, stride 2<": 1, ">BatchNorm<": 3, ">Relu<": 4, "stroke-dasharray": 1,
		">Gemm 12 → 8<": 1,
	} {
		if got := strings.Count(svg, text); got != count {
			t.Errorf("%q is %d times in the picture, want %d", text, got, count)
		}
	}
}

// FuzzGraph: whatever passes for a model gives a report and a picture, or an error.
func FuzzGraph(f *testing.F) {
	data, err := products().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for at := 20; at < len(data); at += len(data) / 7 {
		bad := append([]byte{}, data...)
		bad[at] ^= 3
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnxgraph.Decode(data)
		if err != nil || onnxgraph.Check(m) != nil {
			return
		}
		r, err := inspect.Graph(m, nil)
		if err != nil {
			return
		}
		if svg := r.SVG("x"); len(svg) == 0 {
			t.Error("no picture")
		}
	})
}
