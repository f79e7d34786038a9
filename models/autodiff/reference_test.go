package autodiff_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"

	"ordo/models/autodiff"
	"ordo/models/onnxgraph"
)

// reference holds what torch computed for a network, see testdata/README.md.
type reference struct {
	t     *testing.T
	file  *npz.Reader
	model *onnxgraph.Model
	size  int
}

func openReference(t *testing.T, name, graph string) *reference {
	t.Helper()
	dir := filepath.Join("testdata", name)
	m, err := onnxgraph.ReadFile(filepath.Join(dir, graph))
	if err != nil {
		t.Fatal(err)
	}
	file, err := npz.Open(filepath.Join(dir, "reference.npz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	typ, err := m.GetGraph().GetInput()[0].TensorType()
	if err != nil {
		t.Fatal(err)
	}
	return &reference{t, file, m, int(typ.Shape[3].Size)}
}

func (r *reference) array(name string) []float32 {
	r.t.Helper()
	var values []float32
	if err := r.file.Read(name+".npy", &values); err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	return values
}

// session builds the network's artifacts and opens them on the reference's images and output gradient.
func (r *reference) session() (*session, *autodiff.Graphs) {
	r.t.Helper()
	a, err := autodiff.Build(r.model, r.options())
	if err != nil {
		r.t.Fatal(err)
	}
	return r.open(a), a
}

func (r *reference) options() autodiff.Options {
	o := autodiff.DefaultOptions()
	o.Outputs = []string{"z"}
	o.Optimizer = gradientReader()
	return o
}

// open opens artifacts of the network on the reference's images and output gradient.
func (r *reference) open(a *autodiff.Graphs) *session {
	r.t.Helper()
	images := r.array("images")
	s := newSession(r.t, a, images, len(images)/(3*r.size*r.size), 3, r.size, r.size)
	dz := r.array("dz")
	s.dz = func(_ string, i int) float32 { return dz[i] }
	return s
}

// graphs are the networks as one of torch's exporters wrote them.
func graphs(exporter string) []string {
	var paths []string
	for _, network := range []string{"convnet", "resnet_tiny", "convnext", "vit", "windows"} {
		paths = append(paths, filepath.Join(network, exporter))
	}
	return paths
}

func TestGradientsAgreeWithTorch(t *testing.T) {
	for _, name := range slices.Concat(graphs("forward.onnx"), graphs("forward_dynamo.onnx")) {
		t.Run(name, func(t *testing.T) {
			r := openReference(t, filepath.Dir(name), filepath.Base(name))
			s, a := r.session()
			r.compare(s, a)
		})
		t.Run(name+"/kernels", func(t *testing.T) {
			r := openReference(t, filepath.Dir(name), filepath.Base(name))
			a := withKernels(t, r.model, r.options())
			r.compare(r.open(a), a)
		})
	}
}

// compare holds what a session computes against the reference.
func (r *reference) compare(s *session, a *autodiff.Graphs) {
	t := r.t
	t.Helper()
	outputs, err := s.trainer.Eval(nil, s.images)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "z in evaluation mode", outputs[0], r.array("z_eval"), 1e-5)

	gradients, norm := s.gradients(parameters(t, a))
	near(t, "z in training mode", s.outputs["z"], r.array("z"), 1e-5)
	var square, largest float64
	for _, p := range gradients {
		for _, g := range p {
			square += g * g
			largest = max(largest, math.Abs(g))
		}
	}
	if want := math.Sqrt(square); math.Abs(float64(norm)-want) > 1e-5*want {
		t.Errorf("norm of the gradients is %v, want %v", norm, want)
	}
	// A bias in front of a batch norm has no effect. Its gradient is rounding noise in torch's numbers as in
	// ours, so what is far below all other gradients is compared with those.
	for name, g := range gradients {
		within(t, "gradient of "+name, g, r.array("grad/"+name), 1e-4, 1e-3*largest)
	}
	var compared int
	for _, key := range r.file.Keys() {
		if strings.HasPrefix(key, "grad/") {
			compared++
		}
	}
	if compared != len(gradients) {
		t.Errorf("torch has gradients for %d parameters, we for %d", compared, len(gradients))
	}
}

// TestRunningStatistics: after a step the first batch norm's statistics are a tenth of the batch's, computed here by
// hand, and nine tenths of the old. The variance is biased, unlike torch's: divided by n, not n-1.
func TestRunningStatistics(t *testing.T) {
	for _, graph := range []string{"forward.onnx", "forward_dynamo.onnx"} {
		r := openReference(t, "convnet", graph)
		s, a := r.session()
		s.step(0)
		images, weights := r.array("images"), s.parameter("c1.weight")
		mean, variance := convolvedMoments(images, weights, 8, r.size)
		within(t, graph+": running mean", wide(s.parameter("b1.running_mean")), scaled(mean, 0.1, 0), 1e-5, 0)
		within(t, graph+": running variance", wide(s.parameter("b1.running_var")), scaled(variance, 0.1, 0.9), 1e-5, 0)
		for _, p := range parameters(t, a) {
			if running := strings.Contains(p.Name, "running"); running == p.Trainable {
				t.Errorf("%s: %s: trainable is %v", graph, p.Name, p.Trainable)
			}
		}
	}
}

// convolvedMoments is mean and biased variance over images and pixels of a 3x3 convolution, stride 1, padding 1.
func convolvedMoments(images, weights []float32, channels, size int) (mean, variance []float64) {
	count := len(images) / (3 * size * size)
	for c := range channels {
		var sum, square float64
		for n := range count {
			for y := range size {
				for x := range size {
					v := convolvedPixel(images[n*3*size*size:], weights[c*27:], size, x, y)
					sum += v
					square += v * v
				}
			}
		}
		pixels := float64(count * size * size)
		mean = append(mean, sum/pixels)
		variance = append(variance, square/pixels-sum/pixels*sum/pixels)
	}
	return mean, variance
}

func convolvedPixel(image, kernel []float32, size, x, y int) float64 {
	var v float64
	for i := range 3 {
		for ky := range 3 {
			for kx := range 3 {
				yy, xx := y+ky-1, x+kx-1
				if yy >= 0 && yy < size && xx >= 0 && xx < size {
					v += float64(image[(i*size+yy)*size+xx]) * float64(kernel[(i*3+ky)*3+kx])
				}
			}
		}
	}
	return v
}

// within fails unless every value is as near as tolerance times the largest reference value, or times floor if that is
// more.
func within(t *testing.T, what string, got []float64, want []float32, tolerance, floor float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	scale, worst := floor, 0.0
	for i, w := range want {
		scale = max(scale, math.Abs(float64(w)))
		worst = max(worst, math.Abs(got[i]-float64(w)))
	}
	if !(worst <= tolerance*scale) {
		t.Errorf("%s: off by %.2g of %.2g", what, worst, scale)
	}
}

// near fails unless the difference's L2 norm is at most tolerance times the reference's. For single values that would
// be more than float32 can give where a batch norm divides by the deviation of five rows.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	var difference, norm float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		difference += d * d
		norm += float64(w) * float64(w)
	}
	if !(difference <= tolerance*tolerance*norm) {
		t.Errorf("%s: off by %.2g of %.2g", what, math.Sqrt(difference), math.Sqrt(norm))
	}
}

func wide(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

func scaled(values []float64, by, plus float64) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		out[i] = float32(by*v + plus)
	}
	return out
}
