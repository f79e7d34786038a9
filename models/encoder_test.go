package models_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
)

// wish is how a graph of TestEncoderTakes takes its images.
type wish struct {
	elem  onnxgraph.DataType
	nhwc  bool
	batch int64 // 0: free
	size  int64 // 0: free
	norm  models.Normalisation
	meta  map[string]string
	tail  func(b *onnxgraph.Builder, features string) // further outputs
}

// shown is the normalisation of the images of these tests.
var shown = models.Normalisation{Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5}, Range: 1}

const (
	side = 8
	many = 5 // images
)

func free(size int64, name string) onnxgraph.Dim {
	if size == 0 {
		return onnxgraph.Dim{Param: name}
	}
	return onnxgraph.Dim{Size: size}
}

// graph writes a small network that undoes the wish first: whatever it is, the features are the same.
func (w wish) graph(t *testing.T) string {
	t.Helper()
	b := onnxgraph.NewBuilder("encoder", 17)
	n, s, three := free(w.batch, "batch"), free(w.size, "side"), onnxgraph.Dim{Size: 3}
	shape := onnxgraph.Shape{n, three, s, s}
	if w.nhwc {
		shape = onnxgraph.Shape{n, s, s, three}
	}
	b.Input("pictures", onnxgraph.TensorType{Elem: w.elem, Shape: shape})
	x := b.Op("Cast", "float", []string{"pictures"}, onnxgraph.IntAttr("to", int64(onnxgraph.Float32)))
	if w.nhwc {
		x = b.Op("Transpose", "planes", []string{x}, onnxgraph.IntsAttr("perm", 0, 3, 1, 2))
	}
	var gain, offset []float32 // to (pixel - 0.5) / 0.5
	for c := range 3 {
		gain = append(gain, float32(w.norm.Std[c]/w.norm.Range/0.5))
		offset = append(offset, float32((w.norm.Mean[c]/w.norm.Range-0.5)/0.5))
	}
	x = b.Op("Mul", "scaled", []string{x, b.Initializer(onnxgraph.NewFloats("gain", []int64{1, 3, 1, 1}, gain))})
	x = b.Op("Add", "moved", []string{x, b.Initializer(onnxgraph.NewFloats("offset", []int64{1, 3, 1, 1}, offset))})
	weights := make([]float32, 4*3*3*3)
	for i := range weights {
		weights[i] = float32(i%7-3) / 10
	}
	x = b.Op("Conv", "conv", []string{x, b.Initializer(onnxgraph.NewFloats("w", []int64{4, 3, 3, 3}, weights))},
		onnxgraph.IntsAttr("kernel_shape", 3, 3), onnxgraph.IntsAttr("strides", 2, 2))
	x = b.Op("Relu", "relu", []string{x})
	x = b.Op("GlobalAveragePool", "pooled", []string{x})
	x = b.Op("Flatten", "features", []string{x})
	b.Output(x, onnxgraph.FloatType(onnxgraph.Shape{n, {Size: 4}}))
	if w.tail != nil {
		w.tail(b, x)
	}
	for key, value := range w.meta {
		b.Meta(key, value)
	}
	file := filepath.Join(t.TempDir(), "encoder.onnx")
	if err := b.Model().WriteFile(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// photographs are images whose pixels are whole numbers of 255ths, normalised as shown.
func photographs() []float32 {
	images := make([]float32, many*3*side*side)
	for i := range images {
		images[i] = (float32(i*37%256)/255 - 0.5) / 0.5
	}
	return images
}

// features opens a graph and encodes the photographs.
func features(t *testing.T, file string, o models.EncoderOptions) (*models.Encoder, []float32) {
	t.Helper()
	o.Threads, o.Images = 1, shown
	e, err := models.OpenEncoder(orttest.Open(t).Path(), file, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	rows, err := e.Run(nil, photographs(), many)
	if err != nil {
		t.Fatal(err)
	}
	return e, rows[0]
}

// TestEncoderTakes: however a graph takes its images, the rows are those of the plain one.
func TestEncoderTakes(t *testing.T) {
	const half, bytes = onnxgraph.Tensor_FLOAT16, onnxgraph.Tensor_UINT8
	raw := models.Normalisation{Std: [3]float64{1, 1, 1}, Range: 255}
	imagenet := models.Normalisation{Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}, Range: 1}
	caffe := models.Normalisation{Mean: [3]float64{104, 117, 123}, Std: [3]float64{1, 1, 1}, Range: 255}
	plain := wish{elem: onnxgraph.Float32, size: side, norm: shown}
	e, want := features(t, plain.graph(t), models.EncoderOptions{})
	if in := e.Input(); in != (models.Input{Layout: "nchw", Type: "float32", Size: side, Normalisation: shown}) {
		t.Errorf("the plain input is %+v", in)
	}
	given := func(n models.Normalisation) models.EncoderOptions {
		return models.EncoderOptions{Given: models.InputOptions{Normalisation: &n}}
	}
	sized := models.EncoderOptions{Given: models.InputOptions{Size: side}}
	for name, c := range map[string]struct {
		wish
		o models.EncoderOptions
	}{
		"nhwc":        {wish{elem: onnxgraph.Float32, nhwc: true, size: side, norm: shown}, models.EncoderOptions{}},
		"fixed batch": {wish{elem: onnxgraph.Float32, batch: 3, size: side, norm: shown}, models.EncoderOptions{}},
		"batch of one": {wish{elem: onnxgraph.Float32, batch: 1, nhwc: true, size: side, norm: shown},
			models.EncoderOptions{}},
		"free size":      {wish{elem: onnxgraph.Float32, norm: shown}, sized},
		"unsaid size":    {wish{elem: onnxgraph.Float32, norm: shown}, models.EncoderOptions{Unsaid: sized.Given}},
		"ImageNet":       {wish{elem: onnxgraph.Float32, size: side, norm: imagenet}, given(imagenet)},
		"caffe, nhwc":    {wish{elem: onnxgraph.Float32, size: side, nhwc: true, norm: caffe}, given(caffe)},
		"bytes":          {wish{elem: bytes, size: side, norm: raw}, models.EncoderOptions{}},
		"bytes, nhwc":    {wish{elem: bytes, nhwc: true, batch: 2, norm: raw}, sized},
		"half, ImageNet": {wish{elem: half, size: side, norm: imagenet}, given(imagenet)},
		"metadata": {wish{elem: onnxgraph.Float32, nhwc: true, norm: imagenet, meta: map[string]string{
			models.MetaLayout: "nhwc", models.MetaImageSize: "8", models.MetaMean: "0.485,0.456, 0.406",
			models.MetaStd: "0.229,0.224,0.225", models.MetaRange: "1",
		}}, models.EncoderOptions{Unsaid: models.InputOptions{Size: 99, Layout: "nchw"}}},
		"given before metadata": {wish{elem: onnxgraph.Float32, size: side, norm: caffe, meta: map[string]string{
			models.MetaMean: "0.5", models.MetaStd: "0.1",
		}}, given(caffe)},
	} {
		t.Run(name, func(t *testing.T) {
			e, got := features(t, c.graph(t), c.o)
			tolerance := 1e-5
			if c.elem == half {
				tolerance = 2e-3
			}
			for i := range want {
				if d := float64(got[i] - want[i]); !(d < tolerance && d > -tolerance) {
					t.Fatalf("value %d is %g, want %g; input %+v", i, got[i], want[i], e.Input())
				}
			}
			if len(got) != len(want) || e.Input().Batch != int(c.batch) || e.Input().Normalisation != c.norm {
				t.Errorf("%d values, input %+v", len(got), e.Input())
			}
		})
	}
}

// TestDescribe: what is written into a file is found in it.
func TestDescribe(t *testing.T) {
	file := wish{elem: onnxgraph.Float32, norm: shown}.graph(t)
	want := models.Input{Layout: "nchw", Type: "float32", Size: side, Framing: "circle",
		Normalisation: models.Normalisation{Mean: [3]float64{0.1, 1. / 3, 0.7}, Std: [3]float64{1, 0.3, 0.25}, Range: 1}}
	for range 2 { // a second time replaces the first
		if err := models.Describe(file, want, map[string]string{models.MetaRun: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if e, _ := features(t, file, models.EncoderOptions{}); e.Input() != want {
		t.Errorf("%+v, want %+v", e.Input(), want)
	}
}

// TestEncoderOutputs: rows are taken, also with axes of 1 and of other floats, and what is none is left.
func TestEncoderOutputs(t *testing.T) {
	w := wish{elem: onnxgraph.Float32, size: side, norm: shown, tail: func(b *onnxgraph.Builder, x string) {
		rows := onnxgraph.Batch(4)
		for name, elem := range map[string]onnxgraph.DataType{
			"half": onnxgraph.Tensor_FLOAT16, "double": onnxgraph.Tensor_DOUBLE, "whole": onnxgraph.Int64,
		} {
			b.Output(b.Op("Cast", name, []string{x}, onnxgraph.IntAttr("to", int64(elem))),
				onnxgraph.TensorType{Elem: elem, Shape: rows})
		}
		b.Output("pooled", onnxgraph.FloatType(append(rows, onnxgraph.Static(1, 1)...)))
		b.Output("relu", onnxgraph.FloatType(append(rows, onnxgraph.Static(3, 3)...)))
	}}
	file := w.graph(t)
	e, want := features(t, file, models.EncoderOptions{})
	rows, err := e.Run(nil, photographs(), many)
	if err != nil {
		t.Fatal(err)
	}
	got := e.Outputs()
	slices.Sort(got)
	if strings.Join(got, " ") != "double features half pooled" || !slices.Equal(e.Columns(), []int{4, 4, 4, 4}) {
		t.Errorf("outputs %v, columns %v", got, e.Columns())
	}
	for o, values := range rows {
		for i := range want {
			if d := values[i] - want[i]; d > 1e-3 || d < -1e-3 || len(values) != len(want) {
				t.Fatalf("%s: %v, want %v", e.Outputs()[o], values, want)
			}
		}
	}
	left := strings.Join(e.Left(), "; ")
	if !strings.Contains(left, "whole") || !strings.Contains(left, "relu [?, 4, 3, 3]") || len(e.Left()) != 2 {
		t.Errorf("left %s", left)
	}
	if e, _ := features(t, file, models.EncoderOptions{Outputs: []string{"pooled"}}); len(e.Outputs()) != 1 ||
		len(e.Left()) != 0 {
		t.Errorf("of one output: %v, %v", e.Outputs(), e.Left())
	}
	_, err = models.OpenEncoder(orttest.Open(t).Path(), file, models.EncoderOptions{Images: shown,
		Outputs: []string{"features", "relu"}})
	if !errors.Is(err, fault.Data) || !strings.Contains(fmt.Sprint(err), "relu [?, 4, 3, 3]") {
		t.Errorf("of an output that is no row: %v", err)
	}
}

func TestEncoderRefuses(t *testing.T) {
	library := orttest.Open(t).Path()
	plain := wish{elem: onnxgraph.Float32, size: side, norm: shown}
	caffe := models.Normalisation{Mean: [3]float64{104, 117, 123}, Std: [3]float64{1, 1, 1}, Range: 255}
	said := func(o models.InputOptions) models.EncoderOptions { return models.EncoderOptions{Given: o} }
	for name, c := range map[string]struct {
		change func(w *wish)
		o      models.EncoderOptions
		kind   fault.Kind
		says   string
	}{
		"free size":      {func(w *wish) { w.size = 0 }, models.EncoderOptions{}, fault.Config, "any size"},
		"another size":   {func(*wish) {}, said(models.InputOptions{Size: 9}), fault.Config, "8 pixels a side, not of 9"},
		"another layout": {func(*wish) {}, said(models.InputOptions{Layout: "nhwc"}), fault.Config, "can't be nhwc"},
		"three by three": {func(w *wish) { w.size = 3 }, models.EncoderOptions{}, fault.Config, "which axis"},
		"whole numbers": {func(w *wish) { w.elem = onnxgraph.Int64 }, models.EncoderOptions{}, fault.Data,
			"neither float32"},
		"bytes with mean": {func(w *wish) { w.elem = onnxgraph.Tensor_UINT8 },
			said(models.InputOptions{Normalisation: &caffe}), fault.Config, "0 to 255"},
		"no such output": {func(*wish) {}, models.EncoderOptions{Outputs: []string{"z"}}, fault.Config, "no output z"},
		"metadata": {func(w *wish) { w.meta = map[string]string{models.MetaLayout: "chwn", models.MetaStd: "0"} },
			models.EncoderOptions{}, fault.Data, "ordo.std"},
		"framing": {func(w *wish) { w.meta = map[string]string{models.MetaFraming: "square"} }, models.EncoderOptions{},
			fault.Data, "ordo.framing"},
		"metadata of another size": {func(w *wish) { w.meta = map[string]string{models.MetaImageSize: "16"} },
			models.EncoderOptions{}, fault.Config, "not of 16"},
		"too small": {func(w *wish) { w.size = 0 }, said(models.InputOptions{Size: 1}), fault.Data, "can't be run"},
	} {
		t.Run(name, func(t *testing.T) {
			w := plain
			c.change(&w)
			c.o.Images = shown
			_, err := models.OpenEncoder(library, w.graph(t), c.o)
			if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
		})
	}
	b := onnxgraph.NewBuilder("two", 17)
	b.Input("a", onnxgraph.FloatType(onnxgraph.Batch(3, side, side)))
	b.Input("b", onnxgraph.FloatType(onnxgraph.Batch(3, side, side)))
	b.Output(b.Op("Add", "features", []string{"a", "b"}), onnxgraph.FloatType(onnxgraph.Batch(3, side, side)))
	file := filepath.Join(t.TempDir(), "two.onnx")
	if err := b.Model().WriteFile(file); err != nil {
		t.Fatal(err)
	}
	if _, err := models.OpenEncoder(library, file, models.EncoderOptions{}); !errors.Is(err, fault.Data) ||
		!strings.Contains(err.Error(), "a, b") {
		t.Errorf("two inputs: %v", err)
	}
}

func TestParseNormalisation(t *testing.T) {
	if n, err := models.ParseNormalisation("", "", ""); n != nil || err != nil {
		t.Errorf("of nothing: %v, %v", n, err)
	}
	n, err := models.ParseNormalisation("0.5", "0.1,0.2,0.3", "")
	want := models.Normalisation{Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.1, 0.2, 0.3}, Range: 1}
	if err != nil || *n != want {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err = models.ParseNormalisation("", "", "255"); err != nil || n.Std[0] != 1 || n.Mean[2] != 0 || n.Range != 255 {
		t.Errorf("%+v, %v", n, err)
	}
	for _, c := range [][4]string{
		{"0.4,0.5", "", "", "mean"}, {"123", "", "1", "mean"}, {"x", "", "", "mean"}, {"", "0", "", "std"},
		{"", "nan", "", "std"}, {"", "inf", "", "std"}, {"", "", "2", "range"}, {"nan", "", "", "mean"},
	} {
		if _, err := models.ParseNormalisation(c[0], c[1], c[2]); !errors.Is(err, fault.Config) ||
			!strings.Contains(err.Error(), c[3]) {
			t.Errorf("%q: %v", c, err)
		}
	}
}
