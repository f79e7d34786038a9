package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	"google.golang.org/protobuf/proto"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// CanUseKernels says whether a folder of artifacts has what UseKernels needs, or why it has not.
func CanUseKernels(dir string) error {
	for _, name := range []string{graph.ForwardFile, graph.ManifestFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return noForward(dir)
		}
	}
	return nil
}

func noForward(dir string) error {
	return fault.New(fault.Config, "%s has no file %s, as another program or an older ordo made it", dir,
		graph.ForwardFile).
		With(fault.BuildArtifacts{})
}

// UseKernels replaces the training graph by one with ordo's own operators, see autodiff.Kernels, made of the forward
// graph that the folder dir was built from. Nothing else changes.
func (f *Folder) UseKernels(dir string, k *autodiff.Kernels) error {
	if f.forward == nil {
		return noForward(dir)
	}
	m, err := onnxgraph.DecodeWith(f.forward, f.Files())
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, graph.ForwardFile), err)
	}
	o := autodiff.Options{DropoutSeed: f.Manifest.DropoutSeed, Optimizer: f.Manifest.Optimizer, Kernels: k}
	for _, output := range f.Outputs {
		o.Outputs = append(o.Outputs, output.Name)
	}
	for _, p := range f.Parameters {
		o.Parameters = append(o.Parameters, p.Name)
		if !p.Trainable {
			o.Frozen = append(o.Frozen, p.Name)
		}
	}
	built, err := autodiff.Build(m, o)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, graph.ForwardFile), err)
	}
	was := f.Description
	if f.Artifacts, err = f.WithTraining(built.Training); err == nil {
		err = f.describe()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if !reflect.DeepEqual(f.Description, was) {
		return misfit("ordo %s made a training graph of other inputs and outputs of %s in %s than this one does",
			f.Manifest.Ordo,
			graph.ForwardFile, dir).With(fault.BuildArtifacts{})
	}
	return nil
}

// encodeForward writes a forward graph whose parameters refer to the checkpoint's file.
func encodeForward(m *onnxgraph.Model, parameters []byte) ([]byte, error) {
	c, err := checkpoint.Decode(parameters)
	if err != nil {
		return nil, err
	}
	stored := map[string]checkpoint.Tensor{}
	for _, t := range append(c.Trainable, c.Frozen...) {
		stored[t.Name] = t
	}
	g := m.GetGraph()
	all := g.Initializer
	g.Initializer = nil // not to be cloned
	light := proto.CloneOf(m)
	g.Initializer = all
	for _, t := range all {
		if s, ok := stored[t.GetName()]; ok {
			t = &onnxgraph.Tensor{Name: s.Name, Dims: s.Dims, DataType: s.Elem, DataLocation: onnxgraph.Tensor_EXTERNAL}
			for _, e := range [][2]string{
				{"location", graph.CheckpointFile}, {"offset", strconv.FormatInt(s.Offset, 10)},
				{"length", strconv.Itoa(len(s.Data))},
			} {
				t.ExternalData = append(t.ExternalData, &onnxgraph.StringEntry{Key: e[0], Value: e[1]})
			}
		}
		light.Graph.Initializer = append(light.Graph.Initializer, t)
	}
	return light.Encode()
}

// readForward reads the forward graph that the manifest names. Its weights are read when they are needed.
