package verify_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npy"

	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
	"ordo/models/verify"
)

// The networks of which torch's values are at hand, see the folders' READMEs.
const (
	convnet = "../autodiff/testdata/convnet"
	vit     = "../artifacts/testdata/official/vit"
)

// build makes artifacts of the small convolutional network.
func build(t testing.TB, options string) *artifacts.Folder {
	t.Helper()
	m, err := onnxgraph.ReadFile(filepath.Join(convnet, "forward.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := artifacts.ParseOptions([]byte(options))
	if err != nil {
		t.Fatal(err)
	}
	f, err := artifacts.Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func reference(t testing.TB, file string) *verify.Reference {
	t.Helper()
	r, err := verify.OpenReference(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(t testing.TB, a graph.Artifacts, o verify.Options) *verify.Report {
	t.Helper()
	r, err := verify.Run(t.Context(), orttest.Open(t), a, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGoodArtifacts(t *testing.T) {
	official, err := artifacts.Read(vit)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		artifacts graph.Artifacts
		reference string
		compared  int // parameters
	}{
		{"built", build(t, "").Artifacts, filepath.Join(convnet, "reference.npz"), 11},
		{"frozen", build(t, "freeze: ['c1.*']").Artifacts, filepath.Join(convnet, "reference.npz"), 10},
		{"official", official.Artifacts, vit + ".npz", 20},
		{"with heads, without a reference",
			build(t, "heads: [{name: projector, layers: [8, 4]}, {name: order, layers: [3]}]").Artifacts, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := verify.DefaultOptions()
			if c.reference != "" {
				o.Reference = reference(t, c.reference)
			}
			r := run(t, c.artifacts, o)
			if !r.OK || len(r.Failures) > 0 {
				t.Errorf("refused: %s", strings.Join(r.Failures, "\n"))
			}
			compared := 0
			for _, p := range r.Parameters {
				if p.Reference.Is() {
					compared++
				}
				if !p.Difference.Is() {
					t.Errorf("%s has no finite difference", p.Name)
				}
			}
			if compared != c.compared {
				t.Errorf("%d gradients compared with the reference, want %d", compared, c.compared)
			}
			if !(r.GradNorm > 0) || len(r.Parameters) == 0 {
				t.Errorf("gradient norm %v of %d parameters", r.GradNorm, len(r.Parameters))
			}
			for _, s := range r.Statistics {
				if !(float64(s.Moments) < 1e-5) {
					t.Errorf("%s is off by %v of the moments", s.Name, s.Moments)
				}
			}
			if text := r.Text(); !strings.Contains(text, "finite differences") ||
				!strings.Contains(text, r.Parameters[0].Name) {
				t.Errorf("text:\n%s", text)
			}
		})
	}
}

// edited changes the training graph of the small network.
func edited(t *testing.T, change func(g *onnxgraph.Graph)) graph.Artifacts {
	t.Helper()
	a := build(t, "").Artifacts
	m, err := onnxgraph.Decode(a.Training)
	if err != nil {
		t.Fatal(err)
	}
	change(m.GetGraph())
	if a.Training, err = m.Encode(); err != nil {
		t.Fatal(err)
	}
	return a
}

func node(t *testing.T, g *onnxgraph.Graph, output string) *onnxgraph.Node {
	t.Helper()
	for _, n := range g.GetNode() {
		if n.Out(0) == output {
			return n
		}
	}
	t.Fatalf("no node makes %q", output)
	return nil
}

// accumulated is the node that takes the gradient of a parameter.
func accumulated(t *testing.T, g *onnxgraph.Graph, parameter string) *onnxgraph.Node {
	return node(t, g, parameter+"_grad.accumulation.out")
}

// TestWrongGradients: what is wrong in the graph is found, where it is wrong.
func TestWrongGradients(t *testing.T) {
	double := edited(t, func(g *onnxgraph.Graph) {
		n := accumulated(t, g, "c2.weight")
		twice := &onnxgraph.Node{OpType: "Add", Input: []string{n.In(1), n.In(1)}, Output: []string{"twice"}}
		n.Input[1] = "twice"
		g.Node = append([]*onnxgraph.Node{}, g.Node...)
		for i, other := range g.Node {
			if other == n {
				g.Node = append(g.Node[:i:i], append([]*onnxgraph.Node{twice}, g.Node[i:]...)...)
				break
			}
		}
	})
	o := verify.DefaultOptions()
	r := run(t, double, o)
	if said := strings.Join(r.Failures, "\n"); r.OK || !strings.Contains(said, "gradient of c2.weight is off by") ||
		!strings.Contains(said, "grad_norm is") || len(r.Failures) != 2 {
		t.Errorf("without a reference: %s", said)
	}
	o.Reference, o.Differences = reference(t, filepath.Join(convnet, "reference.npz")), false
	r = run(t, double, o)
	if said := strings.Join(r.Failures, "\n"); r.OK || !strings.Contains(said,
		"gradient of c2.weight is off by 1.0e+00 of the reference") {
		t.Errorf("with a reference: %s", said)
	}
	for _, p := range r.Parameters {
		if wrong := float64(p.Reference) > 1e-4; wrong != (p.Name == "c2.weight") {
			t.Errorf("%s: error %v", p.Name, p.Reference)
		}
	}
}

// archive makes an .npz file of float32 arrays.
func archive(t testing.TB, arrays map[string]array) []byte {
	t.Helper()
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	for name, a := range arrays {
		w, err := z.Create(name + ".npy")
		if err == nil {
			err = write(w, a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

type array struct {
	shape []int
	data  []float32
}

// write writes an array with its shape, which npy.Write has no way to be told.
func write(w interface{ Write([]byte) (int, error) }, a array) error {
	var flat bytes.Buffer
	if err := npy.Write(&flat, a.data); err != nil {
		return err
	}
	dims := ""
	for _, d := range a.shape {
		dims += fmt.Sprintf("%d, ", d)
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", dims)
	header += strings.Repeat(" ", 117-len(header)) + "\n"
	_, err := w.Write(append([]byte("\x93NUMPY\x01\x00\x76\x00"+header), flat.Bytes()[flat.Len()-4*len(a.data):]...))
	return err
}

// TestStatisticsOfReference: torch's variance is unbiased, and a reference that follows ONNX instead is found to
// differ.
func TestStatisticsOfReference(t *testing.T) {
	a := build(t, "").Artifacts
	images := array{[]int{3, 3, 16, 16}, make([]float32, 3*3*16*16)}
	for i := range images.data {
		images.data[i] = float32(i*i%101)/101 - 0.5
	}
	dz := array{[]int{3, 12}, make([]float32, 36)}
	dz.data[0] = 1
	// What the graphs give is known to be right by the moments, so it serves as the reference here.
	lib := orttest.Open(t)
	tr, err := lib.NewTrainer(a, func(outputs []ort.Output) error {
		for _, o := range outputs {
			clear(o.Grad)
		}
		outputs[1].Grad[0] = 1
		return nil
	}, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	in, err := lib.NewTensor(images.shape...)
	if err != nil {
		t.Fatal(err)
	}
	copy(in.Data(), images.data)
	p, err := tr.Probe(ort.Inputs{Images: in})
	in.Close()
	tr.Close()
	if err != nil {
		t.Fatal(err)
	}
	const n = 3 * 16 * 16 // values a channel of the first batch norm
	biased := p.Statistics["b1.running_var"]
	unbiased, before := make([]float32, len(biased)), make([]float32, len(biased))
	for i, v := range biased {
		before[i] = 1
		unbiased[i] = 0.9 + (v-0.9)*n/(n-1)
	}
	for _, c := range []struct {
		name  string
		after []float32
		ok    bool
		note  string
	}{
		{"torch's", unbiased, true, "grad"},
		{"wrong", append([]float32{5}, unbiased[1:]...), false, "grad"},
		{"still", before, true, "equal those before it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := verify.ReadReference(archive(t, map[string]array{
				"images": images, "dz": dz, "grad/fc2.bias": {[]int{12}, dz.data[:12]},
				"buffer_before/b1.running_var": {[]int{8}, before}, "buffer_after/b1.running_var": {[]int{8}, c.after},
			}))
			if err != nil {
				t.Fatal(err)
			}
			o := verify.DefaultOptions()
			o.Differences, o.Reference = false, r
			report, err := verify.Run(t.Context(), lib, a, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			if report.OK != c.ok || !strings.Contains(strings.Join(report.Notes, "\n"), c.note) {
				t.Errorf("ok is %v, want %v; failures %q, notes %q", report.OK, c.ok, report.Failures, report.Notes)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	lib := orttest.Open(t)
	a := build(t, "").Artifacts
	images := array{[]int{2, 3, 16, 16}, make([]float32, 2*3*16*16)}
	for _, c := range []struct {
		name   string
		arrays map[string]array
		says   string
	}{
		{"other images", map[string]array{"images": {[]int{1, 3, 8, 8}, make([]float32, 192)},
			"dz": {[]int{1, 12}, make([]float32, 12)}}, "its images are [1 3 8 8]"},
		{"dz of another size", map[string]array{"images": images, "dz": {[]int{2, 3}, make([]float32, 6)}},
			"dz for output embedding is [2 3]"},
		{"dz of no output", map[string]array{"images": images, "dz/order": {[]int{2, 3}, make([]float32, 6)}},
			"it has dz/order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := verify.ReadReference(archive(t, c.arrays))
			if err != nil {
				t.Fatal(err)
			}
			o := verify.DefaultOptions()
			o.Reference = r
			if _, err := verify.Run(t.Context(), lib, a, o, nil); !errors.Is(err, fault.Data) ||
				!strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
	o := verify.DefaultOptions()
	o.Tolerance, o.Batch = 0, 1
	if _, err := verify.Run(t.Context(), lib, a, o, nil); err == nil ||
		!strings.Contains(err.Error(), "tolerance: must") || !strings.Contains(err.Error(), "batch: must") {
		t.Errorf("bad options: %v", err)
	}
}

func TestReadReferenceRefuses(t *testing.T) {
	good := archive(t, map[string]array{"images": {[]int{1, 3, 1, 1}, []float32{1, 2, 3}},
		"dz": {[]int{1, 1}, []float32{1}}})
	if _, err := verify.ReadReference(good); err != nil {
		t.Fatal(err)
	}
	raw := func(content string) []byte {
		var file bytes.Buffer
		z := zip.NewWriter(&file)
		w, err := z.Create("images.npy")
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	header := func(text string) string {
		return "\x93NUMPY\x01\x00" + string([]byte{byte(len(text) + 1), 0}) + text + "\n"
	}
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "not an .npz archive"},
		{"cut", good[:len(good)/2], "not an .npz archive"},
		{"no images", archive(t, map[string]array{"dz": {[]int{1, 1}, []float32{1}}}), "an array images"},
		{"no dz", archive(t, map[string]array{"images": {[]int{1, 3, 1, 1}, []float32{1, 2, 3}}}), "an array dz"},
		{"not an array", raw("hello, hello, hello"), "not a NumPy array"},
		{"a huge shape",
			raw(header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000, 1000000, 1000000), }")),
			"doesn't fit"},
		{"a negative shape", raw(header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }")),
			"doesn't fit"},
		{"integers", raw(header("{'descr': '<i8', 'fortran_order': False, 'shape': (0,), }")), "must be float32"},
		{"no line end", raw("\x93NUMPY\x01\x00\x05\x00{'a':"), "damaged header"},
		{"a long header", raw("\x93NUMPY\x02\x00\xff\xff\xff\x7f{'descr': '<f4'"), "header is too long"},
		{"Fortran's order", raw(header("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 0), }")), "Fortran"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := verify.ReadReference(c.data); !errors.Is(err, fault.Data) ||
				!strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

func FuzzReadReference(f *testing.F) {
	good := archive(f, map[string]array{"images": {[]int{1, 3, 1, 1}, []float32{1, 2, 3}},
		"dz": {[]int{1, 1}, []float32{1}}})
	f.Add(good)
	f.Add(good[:40])
	for _, at := range []int{50, 80, 120, len(good) - 30} {
		bad := append([]byte{}, good...)
		bad[at] ^= 0x21
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := verify.ReadReference(data); err != nil && !errors.Is(err, fault.Data) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}

func ExampleReadReference() {
	data, err := os.ReadFile(filepath.Join(convnet, "forward.onnx"))
	if err != nil {
		panic(err)
	}
	_, err = verify.ReadReference(data)
	fmt.Println(err)
	// Output: not a reference file: not an .npz archive (zip: not a valid zip file)
}
