package preprocess

import (
	"fmt"
	"slices"
	"strconv"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
)

// Options say what the graph's input is and what becomes of it. There are no defaults.
type Options struct {
	Bytes         bool    // the input is uint8; or else float32
	ChannelsFirst bool    // the input is [batch, 3, height, width]; or else [batch, height, width, 3]
	Range         float64 // what white is in the input: 255, or of floats also 1

	// Resize takes pictures of any size, all of one size in a batch; without it they are squares of Size pixels, and
	// nothing is resampled.
	Resize    bool
	ShortSide int // pixels of the short side to which larger pictures are reduced first; 0: they aren't

	Size int        // side of the network's square input, in pixels
	Mean [3]float64 // of red, green and blue, in [0, 1]
	Std  [3]float64 // the same, divides; above 0
	Mask []float32  // [Size, Size], what each pixel is multiplied with in the end; nil: nothing
}

// Input is the wished name of the graph's new input.
const Input = "pixels"

// minOpset is the oldest whose operators are as they are used here.
const minOpset = 13

// prefix begins the names of the values that are added.
const prefix = Input + "."

// Prepend makes the one input of a graph, float32 [batch, 3, Size, Size], a value that is made of a new input, and
// returns the name of that: Input, with a number behind it where the graph has that name. What is wrong with the graph
// is a fault of kind fault.Data.
func Prepend(m *onnxgraph.Model, o Options) (string, error) {
	in, err := network(m, o.Size)
	if err != nil {
		return "", err
	}
	batch := in.Shape[0]
	g := m.GetGraph()
	name, count := g.GetInput()[0].GetName(), len(g.GetNode())
	b := onnxgraph.Extend(m)
	a := &adder{Builder: b, o: o}
	pixels := b.Unique(Input)
	g.Input = nil
	b.Input(pixels, o.inputType(batch))
	b.ValueInfo(name, in)
	x := pixels
	if o.Resize {
		x = a.resize(x)
	} else {
		x = a.cast(a.planes(x), onnxgraph.Float32)
		if o.Range != 1 {
			x = a.add("Mul", "unit", []string{x, a.float(1 / o.Range)})
		}
	}
	a.normalise(x)
	added := g.Node[count:]
	added[len(added)-1].Output[0] = name
	g.Node = slices.Concat(added, g.Node[:count])
	return pixels, nil
}

// network checks that a graph takes images as ordo's encoders do, and returns its input's type.
func network(m *onnxgraph.Model, size int) (onnxgraph.TensorType, error) {
	if v := m.Opset(""); v < minOpset {
		return onnxgraph.TensorType{}, fault.New(fault.Data, "the graph uses opset %d, it must be %d at least", v, minOpset)
	}
	inputs := m.GetGraph().GetInput()
	if len(inputs) != 1 {
		return onnxgraph.TensorType{}, fault.New(fault.Data, "the graph has %d inputs, not one", len(inputs))
	}
	t, err := inputs[0].TensorType()
	if err != nil {
		return t, fault.Wrap(fault.Data, err)
	}
	want := onnxgraph.Static(3, int64(size), int64(size))
	if t.Elem != onnxgraph.Float32 || len(t.Shape) != 4 || !t.Shape[1:].Equal(want) {
		return t, fault.New(fault.Data, "the graph's input %s is %v, not float[batch,3,%d,%d]", inputs[0].GetName(), t, size,
			size)
	}
	return t, nil
}

func (o Options) inputType(batch onnxgraph.Dim) onnxgraph.TensorType {
	height, width := onnxgraph.Dim{Param: "height"}, onnxgraph.Dim{Param: "width"}
	if !o.Resize {
		height = onnxgraph.Dim{Size: int64(o.Size)}
		width = height
	}
	t := onnxgraph.TensorType{Elem: onnxgraph.Float32}
	if o.Bytes {
		t.Elem = onnxgraph.Tensor_UINT8
	}
	t.Shape = onnxgraph.Shape{batch, height, width, {Size: 3}}
	if o.ChannelsFirst {
		t.Shape = onnxgraph.Shape{batch, {Size: 3}, height, width}
	}
	return t
}

// adder adds nodes. Values are known by their names.
type adder struct {
	*onnxgraph.Builder
	o Options
}

func (a *adder) add(op, name string, inputs []string, attributes ...*onnxgraph.Attribute) string {
	return a.Op(op, prefix+name, inputs, attributes...)
}

func (a *adder) cast(x string, to onnxgraph.DataType) string {
	return a.add("Cast", "cast", []string{x}, onnxgraph.IntAttr("to", int64(to)))
}

// double64 casts to float64, in which whole numbers are exact.
func (a *adder) double64(x string) string { return a.cast(x, onnxgraph.Tensor_DOUBLE) }

// constant stores a tensor under a name that says its value, once.
func (a *adder) constant(name string, make func(name string) *onnxgraph.Tensor) string {
	if name = prefix + name; !a.Has(name) {
		a.Initializer(make(name))
	}
	return name
}

// whole is an int64 scalar.
func (a *adder) whole(v int) string {
	return a.constant(strconv.Itoa(v), func(name string) *onnxgraph.Tensor {
		return onnxgraph.NewIntegers(name, onnxgraph.Int64, nil, []int64{int64(v)})
	})
}

// list is an int64 list of numbers.
func (a *adder) list(name string, v ...int64) string {
	return a.constant(name, func(name string) *onnxgraph.Tensor { return onnxgraph.NewInts(name, v...) })
}

// axis is a list of one number.
func (a *adder) axis(v int64) string { return a.list(fmt.Sprintf("axis%d", v), v) }

// double is a float64 scalar.
func (a *adder) double(v float64) string {
	return a.constant(fmt.Sprintf("double%g", v), func(name string) *onnxgraph.Tensor {
		return onnxgraph.NewDouble(name, v)
	})
}

// float is a float32 scalar.
func (a *adder) float(v float64) string {
	return a.constant(fmt.Sprintf("float%g", v), func(name string) *onnxgraph.Tensor {
		return onnxgraph.NewFloats(name, nil, []float32{float32(v)})
	})
}

// normalise makes planes in [0, 1] the network's input.
func (a *adder) normalise(x string) {
	var mean, gain [3]float32
	for c := range 3 {
		mean[c], gain[c] = float32(a.o.Mean[c]), float32(1/a.o.Std[c])
	}
	channels := []int64{1, 3, 1, 1}
	store := func(name string, dims []int64, values []float32) string {
		return a.Initializer(onnxgraph.NewFloats(a.Unique(prefix+name), dims, values))
	}
	x = a.add("Sub", "centred", []string{x, store("mean", channels, mean[:])})
	x = a.add("Mul", "scaled", []string{x, store("gain", channels, gain[:])})
	if side := int64(a.o.Size); a.o.Mask != nil {
		a.add("Mul", "framed", []string{x, store("mask", []int64{1, 1, side, side}, a.o.Mask)})
	}
}
