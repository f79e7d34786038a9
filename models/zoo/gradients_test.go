package zoo_test

import (
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
	"ordo/models/zoo"
)

// draw gives count numbers even in [-1, 1), the same ones that the reference values were computed with: element i is
// the upper 24 bits of SplitMix64 from the FNV-1a hash of the name.
func draw(name string, count int) []float32 {
	h := fnv.New64a()
	h.Write([]byte(name))
	state := h.Sum64()
	values := make([]float32, count)
	for i := range values {
		state += 0x9e3779b97f4a7c15
		z := (state ^ state>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		values[i] = float32((z^z>>31)>>40)/(1<<23) - 1
	}
	return values
}

// drawWeights replaces a model's parameters by drawn ones that keep activations and gradients of the order of 1.
func drawWeights(m *onnxgraph.Model) {
	for _, p := range m.GetGraph().GetInitializer() {
		if p.GetDataType() != onnxgraph.Float32 {
			continue
		}
		name, inputs := p.GetName(), int64(1)
		for i, d := range p.GetDims() {
			if i > 0 {
				inputs *= d
			}
		}
		middle, scale := float32(0), float32(0.25)
		switch {
		case strings.HasSuffix(name, "running_var"):
			middle, scale = 1, 0.5
		case strings.HasSuffix(name, "layer_scale"):
			middle = 0.5
		case name == "cls_token" || name == "pos_embed":
			scale = 0.5
		case len(p.GetDims()) > 1:
			scale = float32(math.Sqrt(3 / float64(inputs)))
		case strings.HasSuffix(name, ".weight"):
			middle = 1
		}
		values := draw(name, int(p.GetDims()[0]*inputs))
		for i, v := range values {
			values[i] = middle + scale*v
		}
		p.RawData = onnxgraph.NewFloats(name, p.GetDims(), values).RawData
	}
}

// reader is a training session whose loss is the sum of features times dz. Its AdamW shows the gradients: with an
// epsilon that drowns √v, the first step changes a parameter by rate/epsilon times the gradient.
type reader struct {
	t          *testing.T
	trainer    *ort.Trainer
	images     *ort.Tensor
	parameters []graph.Parameter
	dz         []float32
	features   []float32 // of the last training step
}

const (
	readEpsilon = 1e14
	readScale   = 1e6 // makes a parameter's value drown in its gradient
)

func newReader(t *testing.T, m *onnxgraph.Model, batch, size int) *reader {
	t.Helper()
	a, err := autodiff.Build(m, autodiff.Options{
		Outputs: []string{graph.Features}, Optimizer: autodiff.OptimizerOptions{Beta1: 0.9, Beta2: 0.999,
			Epsilon: readEpsilon},
	})
	if err != nil {
		t.Fatal(err)
	}
	encode := func(m *onnxgraph.Model) []byte {
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	lib := orttest.Open(t)
	c, err := graph.Read(a.Training)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, parameters: c.Parameters}
	r.trainer, err = lib.NewTrainer(graph.Artifacts{
		Training: encode(a.Training), Eval: encode(a.Eval), Optimizer: encode(a.Optimizer), Checkpoint: a.Checkpoint,
	}, r.loss, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.trainer.Close)
	if r.images, err = lib.NewTensor(batch, 3, size, size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.images.Close)
	copy(r.images.Data(), draw("images", len(r.images.Data())))
	return r
}

func (r *reader) loss(outputs []ort.Output) error {
	if r.dz == nil {
		r.dz = draw("dz", len(outputs[0].Grad))
	}
	r.features = append(r.features[:0], outputs[0].Data...)
	copy(outputs[0].Grad, r.dz)
	return nil
}

func (r *reader) step(rate float32) {
	r.t.Helper()
	if _, err := r.trainer.Step(r.images, rate); err != nil {
		r.t.Fatal(err)
	}
}

// gradients does the first step and returns the gradients. The parameters have their values again after it.
func (r *reader) gradients() map[string][]float64 {
	r.t.Helper()
	read := func(name string) []float32 {
		values, err := r.trainer.Parameter(name)
		if err != nil {
			r.t.Fatal(err)
		}
		return values
	}
	before := map[string][]float32{}
	for _, p := range r.parameters {
		before[p.Name] = read(p.Name)
	}
	r.step(readScale * readEpsilon)
	gradients := map[string][]float64{}
	for _, p := range r.parameters {
		if p.Trainable {
			g := make([]float64, len(before[p.Name]))
			for i, w := range read(p.Name) {
				g[i] = (float64(before[p.Name][i]) - float64(w)) / readScale
			}
			gradients[p.Name] = g
		}
		if err := r.trainer.SetParameter(p.Name, before[p.Name]); err != nil {
			r.t.Fatal(err)
		}
	}
	return gradients
}

func norm[T float32 | float64](v []T) float64 {
	var s float64
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return math.Sqrt(s)
}

// readReference reads lines of a name and numbers.
func readReference(t *testing.T, path string) map[string][]float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reference := map[string][]float64{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		for _, f := range fields[1:] {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatal(err)
			}
			reference[fields[0]] = append(reference[fields[0]], v)
		}
	}
	return reference
}

// TestGradientsAreTorchs holds a training step of four images against torch's in float64, with the same drawn weights,
// and loss = sum(features·dz): the first four features of each image in training and in evaluation mode, and of every
// parameter's gradient its norm and its product with a drawn direction.
func TestGradientsAreTorchs(t *testing.T) {
	const batch = 4
	for _, c := range []struct {
		name string
		size int
		// tolerance is what float32 leaves of the numbers. Where a rounding moves one of many inputs of a ReLU across
		// 0, the gradient jumps: torch in float32 differs from torch in float64 by 4e-3 for resnet50.
		tolerance float64
	}{
		{"resnet34", 16, 1e-2}, {"resnet50", 16, 1e-2}, {"mobilenet_v3_small", 32, 1e-4}, {"efficientnet_b0", 32, 1e-4},
		{"convnext_tiny", 32, 1e-5}, {"vit_tiny", 16, 1e-5},
	} {
		t.Run(c.name, func(t *testing.T) {
			reference := readReference(t, filepath.Join("testdata", "gradients", c.name+".txt"))
			m := build(t, zoo.Options{Backbone: c.name, Stem: "small"}, c.size)
			drawWeights(m)
			r := newReader(t, m, batch, c.size)
			evaluated, err := r.trainer.Eval(nil, r.images)
			if err != nil {
				t.Fatal(err)
			}
			gradients := r.gradients()
			for name, got := range map[string][]float32{"features": r.features,
				"evaluated": evaluated[slices.Index(r.trainer.EvalOutputs(), graph.Features)]} {
				want := reference[name]
				for i, v := range want {
					at := i/4*(len(got)/batch) + i%4
					if d := math.Abs(float64(got[at]) - v); d > c.tolerance*norm(want) {
						t.Errorf("%s %d of image %d: %v, want %v", name, i%4, i/4, got[at], v)
					}
				}
			}
			var largest float64
			for name, g := range gradients {
				largest = max(largest, norm(g))
				if reference["grad/"+name] == nil {
					t.Errorf("torch has no gradient of %s", name)
				}
			}
			worst := 0.0
			for name, want := range reference {
				name, isGradient := strings.CutPrefix(name, "grad/")
				if !isGradient {
					continue
				}
				g := gradients[name]
				direction := draw(name+"/d", len(g))
				var product float64
				for i := range g {
					product += g[i] * float64(direction[i])
				}
				// A gradient that is 0 but for rounding is held against the largest of the network.
				scale := max(want[1], 1e-3*largest)
				off := max(math.Abs(product-want[0])/norm(direction), math.Abs(norm(g)-want[1])) / scale
				if worst = max(worst, off); !(off <= c.tolerance) {
					t.Errorf("gradient of %s: product %v, want %v; norm %v, want %v", name, product, want[0], norm(g),
						want[1])
				}
			}
			t.Logf("largest difference of a gradient: %.1e of its norm", worst)
		})
	}
}
