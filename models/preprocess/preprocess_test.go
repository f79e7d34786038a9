package preprocess_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
	"ordo/models/preprocess"
)

// network is a graph whose features are its input.
func network(opset int64, name string, inputs ...onnxgraph.TensorType) *onnxgraph.Model {
	b := onnxgraph.NewBuilder("network", opset)
	for i, in := range inputs {
		b.Input(name[i:], in)
	}
	b.Op("Flatten", "features", []string{name})
	b.Output("features", onnxgraph.FloatType(onnxgraph.Batch(12)))
	return b.Model()
}

func images(sizes ...int64) onnxgraph.TensorType {
	return onnxgraph.FloatType(onnxgraph.Batch(sizes...))
}

// run gives a picture, one channel of which is told, the others 0, to a graph of 2 x 2 pixels, and returns the first
// channel.
func run(t *testing.T, opset int64, o preprocess.Options, height, width int, red ...uint8) []float32 {
	t.Helper()
	o.Bytes, o.Range, o.Size = true, 255, 2
	if o.Std == [3]float64{} {
		o.Std = [3]float64{1, 1, 1}
	}
	m := network(opset, "images", images(3, 2, 2))
	if name, err := preprocess.Prepend(m, o); err != nil || name != "pixels" {
		t.Fatal(name, err)
	}
	if err := onnxgraph.Check(m); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.onnx")
	if err := m.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	pixels := make([]uint8, 3*len(red))
	for i, v := range red {
		pixels[3*i] = v
	}
	return orttest.Graph[uint8](t, file, "features")([]int64{1, int64(height), int64(width), 3}, pixels)[0][:4]
}

// TestByHand: small pictures whose views are worked out with a pencil.
func TestByHand(t *testing.T) {
	for name, c := range map[string]struct {
		o             preprocess.Options
		height, width int
		red           []uint8
		want          [4]float64
	}{
		"as it is": {preprocess.Options{}, 2, 2, []uint8{0, 51, 102, 255}, [4]float64{0, 0.2, 0.4, 1}},
		"resized":  {preprocess.Options{Resize: true}, 2, 2, []uint8{0, 51, 102, 255}, [4]float64{0, 0.2, 0.4, 1}},
		"the middle": {preprocess.Options{Resize: true}, 2, 4, []uint8{9, 51, 102, 9, 9, 0, 255, 9},
			[4]float64{0.2, 0.4, 0, 1}},
		// Three columns are left over; half of them, 1.5, is rounded to 2.
		"half a pixel": {preprocess.Options{Resize: true}, 2, 5, []uint8{9, 9, 51, 102, 9, 9, 9, 0, 255, 9},
			[4]float64{0.2, 0.4, 0, 1}},
		"magnified": {preprocess.Options{Resize: true}, 1, 1, []uint8{102}, [4]float64{0.4, 0.4, 0.4, 0.4}},
		// The weights of 4 to 2 are 1, 3, 3, 1; the edges cut the first and the last, and 7 is left.
		"minified": {preprocess.Options{Resize: true}, 4, 4, []uint8{
			70, 140, 210, 0, 70, 140, 210, 0, 70, 140, 210, 0, 70, 140, 210, 0,
		}, [4]float64{120. / 255, 110. / 255, 120. / 255, 110. / 255}},
		// In bytes 10·3/7 + 20·3/7 + 0/7 = 12.857 becomes 13.
		"reduced in bytes": {preprocess.Options{Resize: true, ShortSide: 2}, 4, 4, []uint8{
			10, 20, 0, 0, 10, 20, 0, 0, 10, 20, 0, 0, 10, 20, 0, 0,
		}, [4]float64{13. / 255, 3. / 255, 13. / 255, 3. / 255}},
		"not reduced": {preprocess.Options{Resize: true, ShortSide: 4}, 4, 4, []uint8{
			10, 20, 0, 0, 10, 20, 0, 0, 10, 20, 0, 0, 10, 20, 0, 0,
		}, [4]float64{90. / 7 / 255, 20. / 7 / 255, 90. / 7 / 255, 20. / 7 / 255}},
		"normalised": {preprocess.Options{
			Mean: [3]float64{0.2, 0, 0}, Std: [3]float64{0.5, 1, 1}, Mask: []float32{1, 1, 0, 0.5},
		}, 2, 2, []uint8{0, 51, 102, 255}, [4]float64{-0.4, 0, 0, 0.8}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, opset := range []int64{13, 17, 20} {
				for i, got := range run(t, opset, c.o, c.height, c.width, c.red...) {
					if math.Abs(float64(got)-c.want[i]) > 1e-6 {
						t.Errorf("opset %d: value %d is %g, want %g", opset, i, got, c.want[i])
					}
				}
			}
		})
	}
}

// TestPrependNames: a graph that has the name pixels keeps it.
func TestPrependNames(t *testing.T) {
	m := network(17, "pixels", images(3, 2, 2))
	name, err := preprocess.Prepend(m, preprocess.Options{Range: 1, Size: 2, Std: [3]float64{1, 1, 1}})
	if err != nil || name != "pixels_1" || onnxgraph.Check(m) != nil {
		t.Errorf("the input is %q: %v, %v", name, err, onnxgraph.Check(m))
	}
}

func TestPrependRefuses(t *testing.T) {
	bytes := onnxgraph.TensorType{Elem: onnxgraph.Tensor_UINT8, Shape: onnxgraph.Batch(3, 2, 2)}
	for name, c := range map[string]struct {
		m    *onnxgraph.Model
		says string
	}{
		"old":         {network(12, "images", images(3, 2, 2)), "opset 12"},
		"two inputs":  {network(17, "images", images(3, 2, 2), images(1)), "2 inputs"},
		"size":        {network(17, "images", images(3, 4, 4)), "[batch,3,2,2]"},
		"layout":      {network(17, "images", images(2, 2, 3)), "[batch,3,2,2]"},
		"bytes":       {network(17, "images", bytes), "uint8"},
		"any size":    {network(17, "images", images(3, -1, -1)), "[batch,3,2,2]"},
		"no channels": {network(17, "images", images(2, 2)), "[batch,3,2,2]"},
	} {
		_, err := preprocess.Prepend(c.m, preprocess.Options{Range: 1, Size: 2})
		if fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
