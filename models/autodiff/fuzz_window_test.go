package autodiff_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// choices draws from the bytes of a fuzz input, zeros after its end.
type choices struct{ bytes []byte }

func (c *choices) below(n int64) int64 {
	if len(c.bytes) == 0 {
		return 0
	}
	v := int64(c.bytes[0]) % n
	c.bytes = c.bytes[1:]
	return v
}

func (c *choices) list(n int, low, high int64) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = low + c.below(high-low+1)
	}
	return v
}

// windowed draws a graph of a convolution with a kernel of one pixel and an operator that slides a window, resizes or
// pads; and the shape of its images.
func windowed(c *choices) (*onnxgraph.Model, []int) {
	g := &opGraph{onnxgraph.NewBuilder("fuzz", 13+c.below(10)), newRandom()}
	rank := int(1 + c.below(3))
	sizes := c.list(rank, 1, 9)
	group := 1 + c.below(3)
	channels := group * (1 + c.below(2))
	// The images are always flat; their pixels are laid out anew for one or three dimensions.
	last := len(sizes) - 1
	height := int64(1)
	for _, s := range sizes[:last] {
		height *= s
	}
	shape := onnxgraph.Static(2, 3, height, sizes[last])
	if c.below(2) == 0 {
		shape[0] = onnxgraph.Dim{Param: "batch"}
	}
	g.Input("images", onnxgraph.FloatType(shape))
	x := g.Op("Conv", "first", []string{"images", g.parameter("first.weight", channels, 3, 1, 1),
		g.parameter("first.bias", channels)})
	x = g.Op("Reshape", "laid", []string{x, g.ints("layout", append([]int64{-1, channels}, sizes...)...)})
	kernel := c.list(rank, 1, 4)
	var a []*onnxgraph.Attribute
	if c.below(2) == 0 {
		a = append(a, onnxgraph.IntsAttr("strides", c.list(rank, 1, 3)...))
	}
	if c.below(2) == 0 {
		a = append(a, onnxgraph.IntsAttr("dilations", c.list(rank, 1, 3)...))
	}
	if c.below(2) == 0 {
		a = append(a, onnxgraph.IntsAttr("pads", c.list(2*rank, 0, 3)...))
	} else if mode := c.below(4); mode > 0 {
		a = append(a, onnxgraph.StringAttr("auto_pad", []string{"", "VALID", "SAME_UPPER", "SAME_LOWER"}[mode]))
	}
	inputs := []string{x}
	op := []string{"Conv", "ConvTranspose", "AveragePool", "MaxPool", "Pad", "Resize"}[c.below(6)]
	switch op {
	case "Conv", "ConvTranspose":
		weights := []int64{2 * group, channels / group}
		if op == "ConvTranspose" {
			weights = []int64{channels, 2}
			if c.below(3) == 0 {
				a = append(a, onnxgraph.IntsAttr("output_padding", c.list(rank, 0, 2)...))
			}
			if c.below(3) == 0 {
				a = append(a, onnxgraph.IntsAttr("output_shape", c.list(rank, 1, 20)...))
			}
		}
		a = append(a, onnxgraph.IntAttr("group", group))
		inputs = append(inputs, g.parameter("w", append(weights, kernel...)...), g.parameter("b", 2*group))
	case "AveragePool", "MaxPool":
		a = append(a, onnxgraph.IntsAttr("kernel_shape", kernel...), onnxgraph.IntAttr("ceil_mode", c.below(2)))
		if op == "AveragePool" {
			a = append(a, onnxgraph.IntAttr("count_include_pad", c.below(2)))
		}
	case "Pad":
		a = []*onnxgraph.Attribute{onnxgraph.StringAttr("mode", []string{"constant", "reflect", "edge",
			"wrap"}[c.below(4)])}
		inputs = append(inputs, g.ints("pads", c.list(2*(rank+2), -2, 4)...))
	case "Resize":
		a = []*onnxgraph.Attribute{
			onnxgraph.StringAttr("mode", []string{"nearest", "linear", "cubic"}[c.below(3)]),
			onnxgraph.StringAttr("coordinate_transformation_mode", []string{"half_pixel", "align_corners", "asymmetric",
				"pytorch_half_pixel"}[c.below(4)]),
		}
		scales := []float32{1, 1}
		for range rank {
			scales = append(scales, float32(1+c.below(30))/10)
		}
		inputs = append(inputs, "", g.Initializer(onnxgraph.NewFloats("scales", []int64{int64(len(scales))}, scales)))
	}
	g.Append(&onnxgraph.Node{Name: "operator", OpType: op, Input: inputs, Output: []string{"y"}, Attribute: a})
	g.Append(&onnxgraph.Node{OpType: "Flatten", Input: []string{"y"}, Output: []string{"z"}})
	m := g.Model()
	m.Graph.Output = []*onnxgraph.ValueInfo{onnxgraph.NewValueInfo("z", onnxgraph.FloatType(nil))}
	return m, []int{2, 3, int(height), int(sizes[last])}
}

// FuzzWindows: whatever the geometry, Build doesn't panic, and what it builds runs, with the gradient that differences
// along one direction tell.
func FuzzWindows(f *testing.F) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 400 {
		data := make([]byte, 48)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, shape := windowed(&choices{data})
		o := autodiff.DefaultOptions()
		o.Outputs = []string{"z"}
		o.Optimizer = gradientReader()
		a, err := autodiff.Build(m, o)
		if err != nil {
			return
		}
		elements := 1
		for _, d := range shape {
			elements *= d
		}
		random := rand.New(rand.NewPCG(7, 8))
		images := make([]float32, elements)
		for i := range images {
			images[i] = float32(random.NormFloat64())
		}
		s := newSession(t, a, images, shape...)
		s.dz = func(_ string, i int) float32 { return float32(i%5) - 1.5 }
		gradients, _ := s.gradients(parameters(t, a))
		operator := m.GetGraph().GetNode()[2]
		if operator.GetOpType() == "MaxPool" {
			return // a step may cross a kink
		}
		var slope, scale float64
		direction := map[string][]float32{}
		for _, p := range parameters(t, a) {
			for _, g := range gradients[p.Name] {
				d := random.NormFloat64()
				direction[p.Name] = append(direction[p.Name], float32(d))
				slope += g * d
				scale += math.Abs(g * d)
			}
		}
		const h = 1.0 / 64
		loss := func(sign float32) (l float64) {
			for name, d := range direction {
				w := s.parameter(name)
				moved := append([]float32(nil), w...)
				for i := range moved {
					moved[i] += sign * h * d[i]
				}
				s.set(name, moved)
				defer s.set(name, w)
			}
			s.step(0)
			for i, z := range s.outputs["z"] {
				l += float64(z) * (float64(i%5) - 1.5)
			}
			return l
		}
		if got := (loss(1) - loss(-1)) / (2 * h); math.Abs(got-slope) > 1e-3*scale+1e-3 {
			t.Errorf("%v\ngradient %v, differences %v", operator, slope, got)
		}
	})
}
