package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/onnxgraph"
	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
)

const (
	convnet  = "../../models/autodiff/testdata/convnet"
	official = "../../models/artifacts/testdata/official/vit"
)

func TestArtifactsBuildAndCheck(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	forward, dir := filepath.Join(convnet, "forward.onnx"), filepath.Join(t.TempDir(), "model")
	config := filepath.Join(t.TempDir(), "heads.yaml")
	if err := os.WriteFile(config, []byte("heads: [{name: projector, layers: [16, 8]}]\nseed: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ordo(t, "artifacts", "build", forward, "--out", dir, "--config", config, "--predictor", "8,8",
		"--head", "{name: order, layers: [4], bias: false}", "--freeze", "c1.*", "--freeze", "b1.*", "--seed", "4", "--json")
	r.check(t, exitOK)
	var m artifacts.Manifest
	if err := json.Unmarshal([]byte(r.stdout), &m); err != nil {
		t.Fatal(err)
	}
	if m.Seed != 4 || len(m.Heads) != 3 || m.Heads[1].Input != "embedding" ||
		len(m.Outputs) != 4 || len(m.Source.SHA256) != 64 ||
		m.Source.File != "forward.onnx" || m.Ordo != thisBuild().Version {
		t.Errorf("manifest %+v", m)
	}
	ordo(t, "artifacts", "build", forward, "--out", dir).check(t, exitFailure, "not empty")
	table := ordo(t, "artifacts", "build", forward, "--out", filepath.Join(t.TempDir(), "table"), "--freeze", "*",
		"--train", "c2.*", "--keep-tied")
	table.check(t, exitOK)
	for _, s := range []string{"weight (Conv): c2.weight; named by train", "scale (BatchNormalization): b1.weight",
		"running mean", "kept"} {
		if !strings.Contains(table.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, table.stdout)
		}
	}

	c := ordo(t, "artifacts", "check", dir)
	c.check(t, exitOK)
	for _, s := range []string{"projector.0.weight", "largest relative errors", "b1.running_mean"} {
		if !strings.Contains(c.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, c.stdout)
		}
	}
	ordo(t, "artifacts", "check", dir, "--kernels", "quick").check(t, exitUsage, "--kernels: must be auto, stock or fast")
	c = ordo(t, "artifacts", "check", dir, "--kernels", "stock", "--no-differences")
	if !strings.Contains(c.stdout, "kernels: stock\n") {
		t.Error(c.stdout)
	}
	i := ordo(t, "artifacts", "inspect", dir)
	i.check(t, exitOK)
	for _, s := range []string{"input: images float[batch,3,16,16]", "output: order float[batch,4]",
		"multiply-adds", "ordo::Loss", "256"} {
		if !strings.Contains(i.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, i.stdout)
		}
	}
}

// TestArtifactsCheckKernels: what a folder trains with the fast kernels is checked as well.
func TestArtifactsCheckKernels(t *testing.T) {
	lib := orttest.OpenWithKernels(t)
	t.Setenv(install.EnvLibrary, lib.Path())
	t.Setenv(install.EnvOneDNN, lib.Kernels().Path())
	dir := filepath.Join(t.TempDir(), "model")
	ordo(t, "artifacts", "build", filepath.Join(convnet, "forward.onnx"), "--out", dir).check(t, exitOK)
	for _, which := range []string{"auto", "fast"} {
		r := ordo(t, "artifacts", "check", dir, "--kernels", which)
		r.check(t, exitOK)
		if !strings.Contains(r.stdout, "kernels: fast\n") || !strings.Contains(r.stdout, "b1.running_mean") {
			t.Errorf("--kernels %s: %s", which, r.stdout)
		}
	}
	ordo(t, "artifacts", "check", official, "--kernels", "fast").check(t, exitConfig, "no file forward_model.onnx")
	r := ordo(t, "artifacts", "check", official, "--no-differences")
	r.check(t, exitOK)
	if !strings.Contains(r.stdout, "kernels: stock, without the fast kernels") {
		t.Error(r.stdout)
	}
}

func TestArtifactsCheckAgainstReference(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	r := ordo(t, "artifacts", "check", official, "--reference", official+".npz", "--json")
	r.check(t, exitOK)
	var report struct {
		OK         bool
		Adapted    []string
		Parameters []struct {
			Error *float64 `json:"reference_error"`
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if !report.OK || len(report.Adapted) == 0 || len(report.Parameters) != 20 || report.Parameters[0].Error == nil {
		t.Errorf("report %+v", report)
	}
	bad := ordo(t, "artifacts", "check", official, "--reference", official+".npz", "--tolerance", "1e-9",
		"--no-differences")
	bad.check(t, exitFailure, "do not pass", "more")
	if !strings.Contains(bad.stdout, "wrong: the gradient of cls") {
		t.Errorf("stdout %s", bad.stdout)
	}
	ordo(t, "artifacts", "check", official, "--reference", filepath.Join(convnet, "reference.npz")).
		check(t, exitData, "not a reference file")
	ordo(t, "artifacts", "check", official, "--reference", filepath.Join(convnet, "forward.onnx")).
		check(t, exitData, "not an .npz archive")
	ordo(t, "artifacts", "check", official, "--reference", "none.npz").check(t, exitData, "none.npz")
	ordo(t, "artifacts", "check", t.TempDir()).check(t, exitData, "has no file training_model.onnx")
	t.Setenv(install.EnvLibrary, "")
	t.Setenv(install.EnvCache, t.TempDir())
	ordo(t, "artifacts", "check", official).check(t, exitLibrary, "run `ordo runtime install`")
}

// withoutData is a model whose weight is in a file that isn't there.
func withoutData(file string) *onnxgraph.Model {
	b := onnxgraph.NewBuilder("net", 17)
	b.Input("images", onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	w := &onnxgraph.Tensor{Name: "w", Dims: []int64{3, 1, 1}, DataType: onnxgraph.Float32,
		DataLocation: onnxgraph.Tensor_EXTERNAL, ExternalData: []*onnxgraph.StringEntry{{Key: "location", Value: file}}}
	b.Output(b.Op("Mul", "y", []string{"images", b.Initializer(w)}), onnxgraph.FloatType(onnxgraph.Batch(3, 8, 8)))
	return b.Model()
}

// What can't be built leaves nothing behind, and says why.
func TestArtifactsRefuse(t *testing.T) {
	forward := filepath.Join(convnet, "forward.onnx")
	text := filepath.Join(t.TempDir(), "text.onnx")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "net.onnx")
	if err := withoutData("net.onnx.data").WriteFile(outside); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(config, []byte("haeds: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"build"}, exitUsage, "an ONNX file is missing"},
		{[]string{"build", forward}, exitUsage, "--out is missing"},
		{[]string{"build", forward, "--out", "OUT", "more"}, exitUsage, `unexpected argument "more"`},
		{[]string{"build", forward, "--out", "OUT", "--projector", "0"}, exitUsage,
			"heads[0].layers[0]: must be in [1, 65536]"},
		{[]string{"build", forward, "--out", "OUT", "--head", "name: x, layer: 3"}, exitUsage, `no key "layer"`},
		{[]string{"build", forward, "--out", "OUT", "--mean", "1,2"}, exitUsage, "mean and std must have 3 numbers each"},
		{[]string{"build", forward, "--out", "OUT", "--features", "w"}, exitConfig,
			`the graph has no output "w", it has: z`},
		{[]string{"build", forward, "--out", "OUT", "--freeze", "w*"}, exitConfig, `"w*" matches no parameter`},
		{[]string{"build", forward, "--out", "OUT", "--train", "cl.*"}, exitConfig, "did you mean c1.weight"},
		{[]string{"build", forward, "--out", "OUT", "--keep-tied", "c1.weight"}, exitUsage, "unexpected argument"},
		{[]string{"build", forward, "--out", "OUT", "--keep-tied=q7"}, exitConfig, "keep_tied[0]"},
		{[]string{"build", forward, "--out", "OUT", "--config", config}, exitConfig, "field haeds not found"},
		{[]string{"build", forward, "--out", "OUT", "--config", "none.yaml"}, exitConfig, "none.yaml"},
		{[]string{"build", text, "--out", "OUT"}, exitData, "not an ONNX model"},
		{[]string{"build", "none.onnx", "--out", "OUT"}, exitData, "none.onnx"},
		{[]string{"build", outside, "--out", "OUT"}, exitData, "net.onnx.data"},
		{[]string{"inspect"}, exitUsage, "a folder of artifacts or an ONNX file is missing"},
		{[]string{"inspect", text}, exitData, "not an ONNX model"},
		{[]string{"inspect", "none.onnx"}, exitData, "none.onnx"},
		{[]string{"check", official, "--tolerance", "2"}, exitUsage, "--tolerance: must be in (0, 1]"},
		{[]string{"check"}, exitUsage, "a folder of artifacts is missing"},
		{[]string{"list", "more"}, exitUsage, `unexpected argument "more"`},
		{[]string{"chek"}, exitUsage, "did you mean check?"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			parent := t.TempDir()
			args := []string{"artifacts"}
			for _, a := range c.args {
				if a == "OUT" {
					a = filepath.Join(parent, "out")
				}
				args = append(args, a)
			}
			ordo(t, args...).check(t, c.code, c.says)
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
}

// TestArtifactsOpsets: the help says the opsets that are taken.
func TestArtifactsOpsets(t *testing.T) {
	want := fmt.Sprintf("%d to %d", artifacts.MinOpset, artifacts.MaxOpset)
	if r := ordo(t, "artifacts", "build", "--help"); !strings.Contains(r.stdout, want) {
		t.Errorf("%s is missing in\n%s", want, r.stdout)
	}
}

func TestArtifactsInspectFile(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "x.svg")
	r := ordo(t, "artifacts", "inspect", filepath.Join(convnet, "forward.onnx"), "--svg", svg, "--json")
	r.check(t, exitOK)
	var report struct {
		Parameters   int64
		MultiplyAdds int64 `json:"multiply_adds_per_image"`
		Memory       []struct{ Batch int }
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	// The convolutions: 16²·8·27 and 4²·16·72; the linear layers: 16·24 and 24·12.
	if want := int64(16*16*8*27 + 4*4*16*72 + 16*24 + 24*12); report.MultiplyAdds != want ||
		report.Parameters != 2140 || len(report.Memory) == 0 {
		t.Errorf("report %+v, want %d multiply-adds", report, want)
	}
	if data, err := os.ReadFile(svg); err != nil || !strings.HasPrefix(string(data), "<svg ") {
		t.Errorf("picture %.20q, error %v", data, err)
	}
	none := filepath.Join(t.TempDir(), "no", "x.svg")
	ordo(t, "artifacts", "inspect", filepath.Join(convnet, "forward.onnx"), "--svg", none).
		check(t, exitStorage, "there is no folder")
}

func TestArtifactsList(t *testing.T) {
	r := ordo(t, "artifacts", "list")
	r.check(t, exitOK)
	for _, s := range []string{"backbone", "resnet18", "11176512", "512", "convnet"} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
	var list []listed
	if err := json.Unmarshal([]byte(ordo(t, "artifacts", "list", "--json").stdout), &list); err != nil || len(list) < 2 {
		t.Errorf("%v (%v)", list, err)
	}
}

// An experiment trains a folder of artifacts, also one of the official generator's; the folder must fit it.
func TestRunArtifacts(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	const text = `
data: {image_size: 16, images: 24, test_images: 24}
augment: {ordered: [{family: rotate, levels: 2}]}
train: {epochs: 1, batch_size: 12}
eval: {knn: {k: 3}, order: {levels: 4}}
`
	dir, file := filepath.Join(t.TempDir(), "model"), experiment(t, text)
	ordo(t, "artifacts", "build", filepath.Join(convnet, "forward.onnx"), "--out", dir, "--projector", "8").
		check(t, exitOK)
	out := filepath.Join(t.TempDir(), "run")
	ordo(t, "run", file, "model.artifacts="+dir, "--out", out).check(t, exitOK, "step 2 of 2")
	ordo(t, "run", file, "model.artifacts="+dir, "train.optimizer=sgd", "--out", filepath.Join(t.TempDir(), "sgd")).
		check(t, exitOK)
	ordo(t, "run", file, "model.artifacts="+official, "data.image_size=32",
		"--out", filepath.Join(t.TempDir(), "official")).
		check(t, exitOK, "output z is called features")

	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"data.image_size=32"}, exitConfig, "takes images of 16×16 pixels, data.image_size is 32"},
		{[]string{"model.backbone=resnet18"}, exitConfig, "leave out backbone"},
		{[]string{"model.weights=x.onnx"}, exitConfig, "model.weights"},
		{[]string{"model.artifacts=" + t.TempDir()}, exitData, "has no file training_model.onnx"},
	} {
		args := append([]string{"run", file, "model.artifacts=" + dir, "--out", none}, c.args...)
		ordo(t, args...).check(t, c.code, c.says)
		if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: the run folder is there: %v", c.args, err)
		}
	}
	// Other artifacts in the same place are another run.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	ordo(t, "artifacts", "build", filepath.Join(convnet, "forward.onnx"), "--out", dir, "--projector", "4").
		check(t, exitOK)
	ordo(t, "run", file, "model.artifacts="+dir, "--out", out).check(t, exitFailure,
		"the artifacts of the run in", "have changed")
}
