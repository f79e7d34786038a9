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
	"ordo/models/onnxgraph"
)

// ForwardFile is the name of the forward graph in a folder of artifacts: the one that Build was given, prepared. Its weights are
// in the checkpoint's file, as external data of ONNX. ONNX Runtime doesn't need it; UseKernels does.
const ForwardFile = "forward_model.onnx"

// ErrNoForward is wrapped by the error for a folder that has no forward graph.
var ErrNoForward = errors.New("no file " + ForwardFile + ", as another program or an older ordo made it: build it anew with ordo artifacts build")

// HasForward says whether a folder of artifacts has what UseKernels needs. An error wraps [ErrNoForward].
func HasForward(dir string) error {
	for _, name := range []string{ForwardFile, ManifestFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("artifacts: %s: %w", dir, ErrNoForward)
		}
	}
	return nil
}

// UseKernels replaces the training graph by one with ordo's own operators, see autodiff.Kernels, made of the forward graph that the
// folder was built from. Nothing else changes.
func (f *Folder) UseKernels(k *autodiff.Kernels) error {
	if f.forward == nil {
		return fmt.Errorf("artifacts: %w", ErrNoForward)
	}
	m, err := f.forward()
	if err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	o := autodiff.Options{DropoutSeed: f.Manifest.DropoutSeed, Optimizer: f.Manifest.Optimizer, Kernels: k}
	for _, output := range f.Outputs {
		o.Outputs = append(o.Outputs, output.Name)
	}
	for _, p := range f.Parameters {
		if !p.Trainable {
			o.Frozen = append(o.Frozen, p.Name)
		}
	}
	built, err := autodiff.Build(m, o)
	if err != nil {
		return fmt.Errorf("artifacts: %s: %w", ForwardFile, err)
	}
	was := f.Description
	if f.Training, err = built.Training.Encode(); err == nil {
		err = f.describe()
	}
	if err == nil && !reflect.DeepEqual(f.Description, was) {
		err = fmt.Errorf("%w: ordo %s made a training graph of other inputs and outputs of %s than this one does: build the folder anew",
			ErrMismatch, f.Manifest.Ordo, ForwardFile)
	}
	if err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	return nil
}

// encodeForward writes a forward graph whose parameters refer to the checkpoint's file.
func encodeForward(m *onnxgraph.Model, checkpoint []byte) ([]byte, error) {
	c, err := autodiff.ReadCheckpoint(checkpoint)
	if err != nil {
		return nil, err
	}
	stored := map[string]autodiff.CheckpointTensor{}
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
				{"location", autodiff.CheckpointFile}, {"offset", strconv.FormatInt(s.Offset, 10)}, {"length", strconv.Itoa(len(s.Data))},
			} {
				t.ExternalData = append(t.ExternalData, &onnxgraph.StringEntry{Key: e[0], Value: e[1]})
			}
		}
		light.Graph.Initializer = append(light.Graph.Initializer, t)
	}
	return light.Encode()
}

// readForward reads the forward graph that the manifest names. Its weights are read when they are needed.
func (f *Folder) readForward(dir string) error {
	if f.Manifest.Files[ForwardFile] == "" {
		return nil
	}
	path := filepath.Join(dir, ForwardFile)
	var err error
	if f.forwardFile, err = readFile(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no file %s", ForwardFile)
		}
		return err
	}
	f.forward = func() (*onnxgraph.Model, error) { return onnxgraph.ReadFile(path) }
	return nil
}
