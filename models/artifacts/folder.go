package artifacts

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ordo/models/autodiff"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// Folder is what a folder of artifacts holds.
type Folder struct {
	ort.Artifacts
	Description
	// Manifest is nil if the folder has none: ordo didn't build it, or only as part of a run.
	Manifest *Manifest
	// Adapted says in sentences what Read has changed of artifacts that are not ordo's.
	Adapted []string

	forwardFile []byte // what ForwardFile holds; nil where there is none
	forward     func() (*onnxgraph.Model, error)
}

// ErrInvalid is wrapped by the error for a folder that is not what it should be: incomplete, altered, or not artifacts that
// ordo can train.
var ErrInvalid = errors.New("artifacts: not a folder of usable training artifacts")

// maxFile bounds a file of artifacts: protobuf and the checkpoint's format end there.
const maxFile = 1<<31 - 1

// files lists what ONNX Runtime runs, with the place for each.
func (f *Folder) files() []struct {
	name string
	data *[]byte
} {
	return []struct {
		name string
		data *[]byte
	}{
		{autodiff.TrainingFile, &f.Training},
		{autodiff.EvalFile, &f.Eval},
		{autodiff.OptimizerFile, &f.Optimizer},
		{autodiff.CheckpointFile, &f.Checkpoint},
	}
}

// Write makes the folder dir with the artifacts and their manifest in it. It appears whole or not at all: everything is
// written into another folder beside it, which is renamed at last. dir must not exist, or be an empty folder.
func Write(dir string, f *Folder, source Source, version string) (err error) {
	if err := CheckFree(dir); err != nil {
		return err
	}
	m := *f.Manifest
	m.Source, m.Ordo, m.Files = source, version, map[string]string{}
	for _, file := range f.files() {
		m.Files[file.name] = sum(*file.data)
	}
	m.Files[ForwardFile] = sum(f.forwardFile)
	text, err := m.encode()
	if err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-*")
	if err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("artifacts: write %s: %w", dir, err), os.RemoveAll(temp))
		}
	}()
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for _, file := range f.files() {
		if err := writeFile(filepath.Join(temp, file.name), *file.data); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(temp, ForwardFile), f.forwardFile); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(temp, ManifestFile), text); err != nil {
		return err
	}
	if err := ort.SyncDir(temp); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		return err
	}
	return ort.SyncDir(parent)
}

// CheckFree says whether Write could make the folder: it isn't there, or it is empty.
func CheckFree(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("artifacts: %s is there already and not empty: name another folder, or remove it", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("artifacts: %w", err)
	}
	return nil
}

func writeFile(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// Read reads a folder of artifacts and checks all that can be checked without ONNX Runtime: the manifest's checksums, the
// contract between the graphs, the parameters of the checkpoint against those of the graphs. Faults wrap [ErrInvalid]; a folder
// that can't be read wraps the cause.
//
// Artifacts of ONNX Runtime's own generator are adapted:
//
//   - each graph input dz whose product with an output z makes the loss becomes what the operator ordo::Loss gives for z;
//   - a single z becomes `features`, with `embedding` its copy; of several, those that are called so are required;
//   - the output grad_norm is added;
//   - the evaluation graph gives those outputs, without the loss, and its batch norms have one output as they must;
//   - the optimizer graph is replaced by ordo's.
func Read(dir string) (*Folder, error) {
	f := &Folder{}
	for _, file := range f.files() {
		var err error
		if *file.data, err = readFile(filepath.Join(dir, file.name)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w: %s has no file %s", ErrInvalid, dir, file.name)
			}
			return nil, fmt.Errorf("artifacts: %w", err)
		}
	}
	text, err := readFile(filepath.Join(dir, ManifestFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("artifacts: %w", err)
	default:
		if f.Manifest, err = ParseManifest(text); err == nil {
			err = f.readForward(dir)
		}
		if err == nil {
			err = f.checkSums()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, dir, err)
		}
	}
	if err := f.finish(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, dir, err)
	}
	return f, nil
}

// finish adapts what isn't ordo's and checks what is there then.
func (f *Folder) finish() error {
	if err := f.adapt(); err != nil {
		return err
	}
	if err := ort.CheckArtifacts(f.Artifacts); err != nil {
		return err
	}
	if err := f.describe(); err != nil {
		return err
	}
	if err := f.checkCheckpoint(); err != nil {
		return err
	}
	if f.Manifest == nil {
		return nil
	}
	if !slices.Equal(f.Manifest.Outputs, f.Outputs) || f.Manifest.Input != f.Input || f.Manifest.Batch != f.Batch {
		return fmt.Errorf("%s says other inputs and outputs than the training graph has", ManifestFile)
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than 2 GiB, the limit of the format", path)
	}
	return os.ReadFile(path)
}

func (f *Folder) checkSums() error {
	for _, file := range f.files() {
		if want := f.Manifest.Files[file.name]; want != sum(*file.data) {
			return altered(file.name)
		}
	}
	if want, ok := f.Manifest.Files[ForwardFile]; ok && want != sum(f.forwardFile) {
		return altered(ForwardFile)
	}
	return nil
}

func altered(name string) error {
	return fmt.Errorf("%s is not the file that was built: its checksum differs from that in %s", name, ManifestFile)
}

// describe reads the description off the training graph.
func (f *Folder) describe() error {
	m, err := onnxgraph.Decode(f.Training)
	if err != nil {
		return fmt.Errorf("training graph: %w", err)
	}
	g := m.GetGraph()
	types := declared(g)
	var d Description
	buffers := map[string]bool{}
	for _, v := range g.GetInput() {
		if name, ok := strings.CutSuffix(v.GetName(), bufferSuffix); ok {
			buffers[name] = true
		}
	}
	for _, v := range g.GetInput() {
		name := v.GetName()
		shape := types[name].Shape
		switch {
		case name == Images:
			if len(shape) != 4 {
				return fmt.Errorf("training graph: input %s is %v, it must be [batch,%d,height,width]", name, types[name], channels)
			}
			sizes := make([]int64, len(shape))
			for i, dim := range shape {
				if dim.Static() {
					sizes[i] = dim.Size
				}
			}
			d.Input = Input{Name: name, Batch: sizes[0], Channels: sizes[1], Height: sizes[2], Width: sizes[3]}
		case name == heads.Draws && len(shape) == 2:
			d.Batch.Draws = int(shape[1].Size)
		case name != resetName && !strings.HasSuffix(name, bufferSuffix):
			sizes, _ := shape.Sizes()
			d.Parameters = append(d.Parameters, Parameter{Name: name, Shape: sizes, Trainable: buffers[name]})
		}
	}
	for _, e := range m.GetMetadataProps() {
		at := map[string]*int{heads.MetaViews: &d.Batch.Views, heads.MetaBaseViews: &d.Batch.BaseViews, heads.MetaPlainView: &d.Batch.PlainView}[e.GetKey()]
		if at == nil {
			continue
		}
		if *at, err = strconv.Atoi(e.GetValue()); err != nil {
			return fmt.Errorf("training graph: %s is %q among its metadata", e.GetKey(), e.GetValue())
		}
	}
	for _, n := range g.GetNode() {
		if n.GetDomain() != autodiff.LossDomain || n.GetOpType() != autodiff.LossOperator {
			continue
		}
		for _, name := range n.GetInput() {
			s := types[name].Shape
			if len(s) != 2 || !s[1].Static() {
				return fmt.Errorf("training graph: output %s is %v, it must be [batch,n]", name, types[name])
			}
			d.Outputs = append(d.Outputs, Output{Name: name, Dim: s[1].Size})
		}
	}
	f.Description = d
	return nil
}

// declared are the types that a graph declares, of inputs, outputs and inner values.
func declared(g *onnxgraph.Graph) map[string]onnxgraph.TensorType {
	types := map[string]onnxgraph.TensorType{}
	for _, list := range [][]*onnxgraph.ValueInfo{g.GetInput(), g.GetValueInfo(), g.GetOutput()} {
		for _, v := range list {
			if t, err := v.TensorType(); err == nil {
				types[v.GetName()] = t
			}
		}
	}
	return types
}

// checkCheckpoint holds the stored parameters against those that the graphs take.
func (f *Folder) checkCheckpoint() error {
	c, err := autodiff.ReadCheckpoint(f.Checkpoint)
	if err != nil {
		return err
	}
	type stored struct {
		dims      []int64
		trainable bool
	}
	found := map[string]stored{}
	for _, t := range c.Trainable {
		found[t.Name] = stored{t.Dims, true}
	}
	for _, t := range c.Frozen {
		found[t.Name] = stored{t.Dims, false}
	}
	for _, p := range f.Parameters {
		s, ok := found[p.Name]
		switch {
		case !ok:
			return fmt.Errorf("parameter %s is not in the checkpoint", p.Name)
		case !slices.Equal(s.dims, p.Shape):
			return fmt.Errorf("parameter %s has shape %v in the checkpoint, %v in the training graph", p.Name, s.dims, p.Shape)
		case s.trainable != p.Trainable:
			return fmt.Errorf("parameter %s is trained in one of training graph and checkpoint, and frozen in the other", p.Name)
		}
		delete(found, p.Name)
	}
	for name, s := range found {
		if s.trainable {
			return fmt.Errorf("the checkpoint holds a trained parameter %s that the training graph doesn't have", name)
		}
	}
	return nil
}

// Fingerprint is the SHA-256 over all files that ONNX Runtime runs, hexadecimal: the same for the same model, whatever its folder.
func (f *Folder) Fingerprint() string {
	var all bytes.Buffer
	for _, file := range f.files() {
		all.WriteString(sum(*file.data))
	}
	return sum(all.Bytes())
}

// ErrMismatch is wrapped by Require's error.
var ErrMismatch = errors.New("the artifacts don't fit the experiment")

// Require returns an error that says what is missing for training on square images of a size with what the given heads, whose
// Batch is the experiment's, give; dir names the artifacts in it.
func (d Description) Require(dir string, imageSize int, list []heads.Head) error {
	if in := d.Input; in.Height != int64(imageSize) || in.Width != int64(imageSize) || in.Channels != channels {
		return fmt.Errorf("%w: %s takes images of %d×%d pixels, data.image_size is %d", ErrMismatch, dir, in.Width, in.Height, imageSize)
	}
	if d.Input.Batch != 0 {
		return fmt.Errorf("%w: %s takes batches of %d images only; build it from a graph with a free batch", ErrMismatch, dir, d.Input.Batch)
	}
	var names []string
	for _, o := range d.Outputs {
		names = append(names, o.Name)
	}
	for _, name := range []string{Features, Embedding} {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%w: %s has no output %s, it has: %s", ErrMismatch, dir, name, strings.Join(names, ", "))
		}
	}
	var missing, flags []string
	for _, h := range list {
		switch h = h.Resolved(); {
		case !slices.Contains(names, h.Output):
			missing = append(missing, h.Output)
			flags = append(flags, fmt.Sprintf("--head '%v'", h))
		case h.Kind == heads.Pair && d.Batch.Views != h.Views, h.Kind == heads.Conditioned && d.Batch != h.Batch:
			return fmt.Errorf("%w: %s has the output %s for batches of %s, the experiment's have %s: build it anew, with --head '%v'",
				ErrMismatch, dir, h.Output, d.Batch, h.Batch, h)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s has no output %s, which the loss looks at; it has: %s. Build it anew: ordo artifacts build FORWARD.onnx "+
			"--out DIR %s, beside the flags that it was built with", ErrMismatch, dir, strings.Join(missing, ", "), strings.Join(names, ", "), strings.Join(flags, " "))
	}
	return nil
}
