package artifacts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/models/artifacts"
	"ordo/models/autodiff"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// TestUseKernels: a folder that was read gives the training graph that a folder that was just built gives, and nothing
// else of it changes.
func TestUseKernels(t *testing.T) {
	dir, built := written(t)
	read, err := artifacts.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := *read
	for _, f := range []*artifacts.Folder{built, read} {
		if err := f.UseKernels(dir, &autodiff.Kernels{}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(read.Training, built.Training) {
		t.Error("the graphs of a folder and of what it was written from differ")
	}
	if c, err := read.Contract(); err != nil || !c.Kernels {
		t.Errorf("the training graph has no kernels (%v)", err)
	}
	if !reflect.DeepEqual(read.Description, before.Description) || !bytes.Equal(read.Checkpoint, before.Checkpoint) ||
		!bytes.Equal(read.Eval, before.Eval) {
		t.Error("more than the training graph has changed")
	}
}

// TestForwardFileIsONNX: the forward graph is a file as others read it, whose weights are those of the checkpoint, once
// on the disk.
func TestForwardFileIsONNX(t *testing.T) {
	dir, _ := written(t)
	m, err := onnxgraph.ReadFile(filepath.Join(dir, graph.ForwardFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range roles.Parameters(m) {
		if p.GetName() != "stem.bias" {
			continue
		}
		if values, err := p.Floats(); err != nil || !reflect.DeepEqual(values, []float32{1, 2, 3, 4}) {
			t.Errorf("stem.bias is %v, %v", values, err)
		}
		return
	}
	t.Error("there is no stem.bias")
}

func TestNoForward(t *testing.T) {
	f, dir := official(t, "vit")
	if err := f.UseKernels(dir, &autodiff.Kernels{}); !errors.Is(err, fault.Config) {
		t.Error(err)
	}
	if err := artifacts.CanUseKernels(dir); !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), dir) {
		t.Error(err)
	}
	file := func(dir string) string { return filepath.Join(dir, graph.ForwardFile) }
	for _, c := range []struct {
		name, says string
		spoil      func(dir string) error
	}{
		{"removed", "there is no file forward_model.onnx", func(dir string) error { return os.Remove(file(dir)) }},
		{"altered", "checksum differs", func(dir string) error {
			return os.WriteFile(file(dir), []byte("hello"),
				0o600)
		}},
	} {
		dir, _ := written(t)
		if err := artifacts.CanUseKernels(dir); err != nil {
			t.Error(err)
		}
		if err := c.spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := artifacts.Read(dir); !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestFolderOfAnOlderOrdo: a folder whose manifest names no forward graph is read, and trains with stock kernels.
func TestFolderOfAnOlderOrdo(t *testing.T) {
	dir, built := written(t)
	manifest := filepath.Join(dir, graph.ManifestFile)
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	delete(all["files"].(map[string]any), graph.ForwardFile)
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(manifest, text, 0o600), os.Remove(filepath.Join(dir,
		graph.ForwardFile))); err != nil {
		t.Fatal(err)
	}
	f, err := artifacts.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Fingerprint() != built.Fingerprint() {
		t.Error("it is another model")
	}
	if err := f.UseKernels(dir, &autodiff.Kernels{}); !errors.Is(err, fault.Config) {
		t.Error(err)
	}
}
