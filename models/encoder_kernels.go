package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"ordo/models/autodiff"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// fastSession runs an encoder's graph with ordo's operators.
type fastSession struct {
	rt      *ort.Runtime
	session *ort.Session
	shape   []int // of an image
	half    bool  // in bfloat16
}

// The most by which outputs of images of chance may differ from those of ONNX Runtime's operators, relative to their
// length: far more than rounding, far less than a mistake.
const (
	fastTolerance = 1e-3
	halfTolerance = 0.1
)

// accelerate lets ordo's operators run the graph, after it has been held against ONNX Runtime's. What doesn't fit stays
// as it is, and the text says why.
func (e *Encoder) accelerate(library string, o EncoderOptions) (why string, err error) {
	if e.input.Layout != LayoutNCHW || e.input.Type != TypeFloat32 ||
		slices.ContainsFunc(e.outputs, func(out encoderOutput) bool { return out.half }) {
		return "its images or rows are not float32 with their channels first", nil
	}
	rt, err := ort.Open(library)
	if err != nil {
		return "", err
	}
	f := &fastSession{rt: rt, shape: []int{3, e.input.Size, e.input.Size}}
	if why, err = f.open(e, o); why == "" && err == nil {
		why, err = e.agrees(f)
	}
	if why != "" || err != nil {
		f.close()
		return why, err
	}
	e.fast = f
	err = e.session.Destroy()
	e.session = nil
	return "", err
}

func (f *fastSession) open(e *Encoder, o EncoderOptions) (why string, err error) {
	if err := f.rt.EnableKernels(o.OneDNN); err != nil {
		return "", err
	}
	k, _, err := kernelsFor(f.rt.Kernels(), o.Precision)
	if err != nil {
		return "", err
	}
	f.half = k.Precision == autodiff.BFloat16
	data, err := os.ReadFile(e.file)
	if err != nil {
		return "", fault.Reading(fault.Data, e.file, err)
	}
	m, err := onnxgraph.Decode(data)
	if err != nil {
		return err.Error(), nil // such as tensors in files beside it
	}
	g := m.GetGraph()
	var outputs []*onnxgraph.ValueInfo
	for _, out := range e.outputs {
		i := slices.IndexFunc(g.Output, func(v *onnxgraph.ValueInfo) bool { return v.GetName() == out.name })
		outputs = append(outputs, g.Output[i])
	}
	g.Output = outputs
	for _, in := range g.Input {
		if t, err := in.TensorType(); err == nil && len(t.Shape) == 4 {
			size := int64(e.input.Size)
			batch := t.Shape[0]
			t.Shape = onnxgraph.Shape{batch, {Size: 3}, {Size: size}, {Size: size}}
			*in = *onnxgraph.NewValueInfo(in.GetName(), t)
		}
	}
	m, err = autodiff.Inference(m, *k)
	if err != nil {
		return err.Error(), nil
	}
	if !slices.ContainsFunc(m.GetGraph().GetNode(), func(n *onnxgraph.Node) bool {
		return n.GetDomain() == graph.Domain
	}) {
		return "it has no operator that ordo does faster", nil
	}
	if data, err = m.Encode(); err != nil {
		return "", err
	}
	if f.session, err = f.rt.NewSession(data, ort.SessionOptions{Threads: o.Threads}); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

// agrees holds the session against ONNX Runtime's operators.
func (e *Encoder) agrees(f *fastSession) (why string, err error) {
	n := max(2, e.input.Batch)
	images := make([]float32, n*e.pixels())
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	want, err := e.piece(make([][]float32, len(e.Outputs())), images, n)
	if err != nil {
		return "", err
	}
	got, err := f.run(e, make([][]float32, len(want)), images, n)
	if err != nil {
		return err.Error(), nil
	}
	tolerance := fastTolerance
	if f.half {
		tolerance = halfTolerance
	}
	for i, w := range want {
		var difference, length float64
		for k, x := range w {
			d := float64(got[i][k] - x)
			difference, length = difference+d*d, length+float64(x)*float64(x)
		}
		if !(math.Sqrt(difference) <= tolerance*math.Sqrt(length)) {
			return fmt.Sprintf("ordo's operators give another %s, by %.2g of its length", e.Outputs()[i],
				math.Sqrt(difference/length)), nil
		}
	}
	return "", nil
}

// run appends the rows of n images, of which the last may be missing.
func (f *fastSession) run(e *Encoder, dst [][]float32, images []float32, n int) ([][]float32, error) {
	in, err := f.rt.NewTensor(append([]int{n}, f.shape...)...)
	if err != nil {
		return dst, err
	}
	defer in.Close()
	if e.convert.same {
		copy(in.Data(), images)
	} else {
		e.convert.arrange(in.Data(), images, e.input)
	}
	results, err := f.session.Run([]*ort.Tensor{in})
	if err != nil {
		return dst, err
	}
	defer ort.Release(results)
	count, to := len(images)/e.pixels(), 0
	for i, o := range e.taken {
		dst[to] = append(dst[to], results[i].Data[:count*o.columns()]...)
		to++
	}
	return dst, nil
}

func (f *fastSession) close() {
	if f.session != nil {
		f.session.Close()
	}
	f.rt.Close()
}
