package artifacts_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

// written builds a small folder.
func written(t *testing.T) (dir string, f *artifacts.Folder) {
	t.Helper()
	f, err := artifacts.Build(network(t, oneOutput),
		parse(t, "{freeze: ['stem.bias'], heads: [{name: projector, layers: [2]}], seed: 7}"))
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "a", "model")
	if err := artifacts.Write(dir, f, artifacts.Source{File: "net.onnx", SHA256: "12"}, "v1"); err != nil {
		t.Fatal(err)
	}
	return dir, f
}

func TestWriteAndRead(t *testing.T) {
	dir, built := written(t)
	f, err := artifacts.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Files(), built.Files()) || !reflect.DeepEqual(f.Description, built.Description) {
		t.Error("what is read is not what was written")
	}
	m := f.Manifest
	if m.Ordo != "v1" || m.Source.File != "net.onnx" || m.Seed != 7 || m.Freeze[0] != "stem.bias" ||
		m.Heads[0].Output != "embedding" ||
		len(m.Files) != 5 || len(m.Parameters) != 4 {
		t.Errorf("manifest %+v", m)
	}
	if f.Fingerprint() != built.Fingerprint() || f.Adapted != nil {
		t.Errorf("fingerprint %s, want %s; adapted %v", f.Fingerprint(), built.Fingerprint(), f.Adapted)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if err := artifacts.Write(dir, built, artifacts.Source{}, ""); err == nil ||
		!strings.Contains(err.Error(), "not empty") {
		t.Errorf("writing over a folder: %v", err)
	}
}

// A folder that can't be made leaves nothing behind.
func TestWriteNothing(t *testing.T) {
	_, f := written(t)
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := artifacts.Write(file, f, artifacts.Source{}, ""); err == nil {
		t.Error("a folder was written over a file")
	}
	if err := artifacts.Write(filepath.Join(file, "below"), f, artifacts.Source{}, ""); err == nil {
		t.Error("a folder was written below a file")
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v (%v), want the file alone", entries, err)
	}
	empty := filepath.Join(parent, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := artifacts.Write(empty, f, artifacts.Source{}, ""); err != nil {
		t.Errorf("writing into an empty folder: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		says  string
	}{
		{"a missing file", func(dir string) error { return os.Remove(filepath.Join(dir, graph.EvalFile)) },
			"has no file eval_model.onnx"},
		{"a flipped bit", func(dir string) error {
			file := filepath.Join(dir, graph.CheckpointFile)
			data, err := os.ReadFile(file)
			data[len(data)/2] ^= 4
			return errors.Join(err, os.WriteFile(file, data, 0o600))
		}, "checkpoint is not the file that was built"},
		{"no manifest and a cut graph", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, graph.ManifestFile)),
				os.Truncate(filepath.Join(dir, graph.TrainingFile), 100))
		}, "training graph"},
		{"no manifest and a cut checkpoint", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, graph.ManifestFile)),
				os.Truncate(filepath.Join(dir, graph.CheckpointFile), 100))
		}, "checkpoint"},
		{"a manifest that is no JSON", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, graph.ManifestFile), []byte("hello"), 0o600)
		}, "not JSON"},
		{"a later manifest", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, graph.ManifestFile), []byte(`{"format": 2, "x": 3}`), 0o600)
		}, "format 2, this ordo reads 1"},
		{"a folder in place of a file", func(dir string) error {
			file := filepath.Join(dir, graph.OptimizerFile)
			return errors.Join(os.Remove(file), os.Mkdir(file, 0o755))
		}, "is not a file"},
		{"another checkpoint", func(dir string) error {
			c := checkpoint.Parameters{}
			data, err := c.Encode()
			return errors.Join(err, os.Remove(filepath.Join(dir, graph.ManifestFile)),
				os.WriteFile(filepath.Join(dir, graph.CheckpointFile), data, 0o600))
		}, "is not in the checkpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, _ := written(t)
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := artifacts.Read(dir)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
	if _, err := artifacts.Read(t.TempDir()); !errors.Is(err, fault.Data) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := artifacts.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fault.Data) {
		t.Errorf("no folder: %v", err)
	}
}

func TestRequire(t *testing.T) {
	_, f := written(t)
	if err := f.Require("d", 8, nil); err != nil {
		t.Error(err)
	}
	if err := f.Require("d", 32, nil); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "8×8 pixels, data.image_size is 32") {
		t.Errorf("another image size: %v", err)
	}
	order := heads.Default()
	order.Name, order.Layers = "order", []int{4}
	if err := f.Require("d", 8, []heads.Head{order}); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "no output order, which the loss looks at; it has: features, embedding") ||
		!reflect.DeepEqual(fault.Hints(err),
			[]fault.Hint{fault.BuildArtifacts{Heads: []string{"{name: order, layers: [4]}"}}}) {
		t.Errorf("another output: %v", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(
		[]byte(
			`{"format": 1, "input": {"name": "images"}, "outputs": [{"name": "features", "dim": 3}], ` +
				`"files": {"checkpoint": "00"}}`,
		),
	)
	f.Add([]byte(`{"format": 1, "files": {"../x": ""}}`))
	f.Add([]byte(`{"format": 1} {}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := artifacts.ParseManifest(text)
		if err != nil {
			return
		}
		for name := range m.Files {
			if filepath.Base(name) != name || name == ".." {
				t.Errorf("%q leads out of the folder", name)
			}
		}
		if again, err := json.Marshal(m); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}

// official reads a folder of the official generator's, and gives a copy of it in a temporary folder.
func official(t *testing.T, name string) (f *artifacts.Folder, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "official", name))); err != nil {
		t.Fatal(err)
	}
	f, err := artifacts.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f, dir
}

func TestOfficialArtifacts(t *testing.T) {
	for _, name := range []string{"resnet_tiny", "vit"} {
		t.Run(name, func(t *testing.T) {
			f, _ := official(t, name)
			said := strings.Join(f.Adapted, "\n")
			for _, s := range []string{"output z is called features", "input dz", "grad_norm",
				"the optimizer graph is replaced"} {
				if !strings.Contains(said, s) {
					t.Errorf("it is not said that %s, only:\n%s", s, said)
				}
			}
			if got := strings.Contains(said, "11 batch norms"); got != (name == "resnet_tiny") {
				t.Errorf("repaired batch norms: %v", got)
			}
			if want := []graph.Output{{Name: "features", Columns: 10},
				{Name: "embedding", Columns: 10}}; !reflect.DeepEqual(f.Outputs, want) {
				t.Errorf("outputs %v, want %v", f.Outputs, want)
			}
			lib := orttest.Open(t)
			tr, err := lib.NewTrainer(f.Artifacts, func(outputs []ort.Output) error {
				for _, o := range outputs {
					for i := range o.Grad {
						o.Grad[i] = 1
					}
				}
				return nil
			}, ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: 1}})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			images, err := lib.NewTensor(3, 3, 32, 32)
			if err != nil {
				t.Fatal(err)
			}
			defer images.Close()
			for i := range images.Data() {
				images.Data()[i] = float32(i%13) / 13
			}
			if norm, err := tr.Step(images, 1e-3); err != nil || !(norm > 0) {
				t.Errorf("gradient norm %v, error %v", norm, err)
			}
			if out, err := tr.Eval(nil, images); err != nil || len(out) != 2 || !reflect.DeepEqual(out[0], out[1]) {
				t.Errorf("evaluation: %d outputs that should be the same, error %v", len(out), err)
			}
		})
	}
}

func TestOfficialRefuses(t *testing.T) {
	edit := func(file string, change func(g *onnxgraph.Graph)) func(dir string) error {
		return func(dir string) error {
			path := filepath.Join(dir, file)
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			m, err := onnxgraph.Decode(data)
			if err != nil {
				return err
			}
			change(m.GetGraph())
			if data, err = m.Encode(); err != nil {
				return err
			}
			return os.WriteFile(path, data, 0o600)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		says  string
	}{
		{"a loss inside", edit(graph.TrainingFile, func(g *onnxgraph.Graph) {
			g.Input = append(g.Input[:1], g.Input[2:]...)
		}), "the loss is inside the graph"},
		{"dz used otherwise", edit(graph.TrainingFile, func(g *onnxgraph.Graph) {
			for _, n := range g.Node {
				if n.In(1) == "dz" {
					n.OpType = "Add"
				}
			}
		}), "input dz is not multiplied by an output"},
		{"two inputs like images", edit(graph.TrainingFile, func(g *onnxgraph.Graph) {
			g.Input = append(g.Input, onnxgraph.NewValueInfo("more", onnxgraph.FloatType(onnxgraph.Batch(3, 32, 32))))
		}), "are like images"},
		{"no accumulation", edit(graph.TrainingFile, func(g *onnxgraph.Graph) {
			for _, n := range g.Node {
				if n.OpType == "InPlaceAccumulatorV2" {
					n.OpType = "Identity"
				}
			}
		}), "accumulates no gradient"},
		{"an evaluation graph without the output", edit(graph.EvalFile,
			func(g *onnxgraph.Graph) { g.Output = g.Output[:1] }), "it must have the outputs z"},
		{"an evaluation graph without images", edit(graph.EvalFile, func(g *onnxgraph.Graph) { g.Input = g.Input[1:] }),
			"input images is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, dir := official(t, "vit")
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := artifacts.Read(dir); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}

// FuzzOfficial: damaged training graphs are refused or adapted, and never more than that.
func FuzzOfficial(f *testing.F) {
	dir := filepath.Join("testdata", "official", "vit")
	data, err := os.ReadFile(filepath.Join(dir, graph.TrainingFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(len(data)/2, byte(1), len(data))
	f.Add(100, byte(0x80), 1000)
	f.Fuzz(func(t *testing.T, at int, flip byte, size int) {
		if at < 0 || at >= len(data) || size < 0 || size > len(data) {
			t.Skip()
		}
		folder := filepath.Join(t.TempDir(), "x")
		if err := os.CopyFS(folder, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		bad := append([]byte{}, data...)
		bad[at] ^= flip
		if err := os.WriteFile(filepath.Join(folder, graph.TrainingFile), bad[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := artifacts.Read(folder); err != nil && !errors.Is(err, fault.Data) &&
			!errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}

// TestSetOptimizer: an optimizer in Go sees all gradients, in the order and of the number of the trained parameters.
func TestSetOptimizer(t *testing.T) {
	for _, name := range []string{"built", "official"} {
		t.Run(name, func(t *testing.T) {
			var f *artifacts.Folder
			if name == "built" {
				_, f = written(t)
			} else {
				f, _ = official(t, "vit")
			}
			if err := f.SetOptimizer(autodiff.DefaultOptions().Optimizer, true); err != nil {
				t.Fatal(err)
			}
			if f.Optimizer != nil {
				t.Error("there still is an optimizer graph")
			}
			if _, err := f.Contract(); err != nil {
				t.Error(err)
			}
			if err := f.SetOptimizer(autodiff.DefaultOptions().Optimizer, true); err != nil {
				t.Errorf("a second time: %v", err)
			}
			if err := f.SetOptimizer(autodiff.DefaultOptions().Optimizer, false); err != nil || f.Optimizer == nil {
				t.Errorf("and back: %v", err)
			}
		})
	}
}
