package artifacts

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/whole"
)

// Folder is what a folder of artifacts holds.
type Folder struct {
	graph.Artifacts
	Description
	// Manifest is nil if the folder has none: ordo didn't build it, or only as part of a run.
	Manifest *Manifest
	// Adapted says in sentences what Read has changed of artifacts that are not ordo's.
	Adapted []string

	forward []byte // the forward graph's file; nil where there is none
}

// files are those of the folder but the manifest.
func (f *Folder) files() graph.Files {
	files := f.Files()
	if f.forward != nil {
		files[graph.ForwardFile] = f.forward
	}
	return files
}

// required are the files that ONNX Runtime runs, in the order of a fingerprint.
func required() []string {
	return []string{graph.TrainingFile, graph.EvalFile, graph.OptimizerFile, graph.CheckpointFile}
}

// Write makes the folder dir with the artifacts and their manifest in it. It appears whole or not at all: everything is
// written into another folder beside it, which is renamed at last. dir must not exist, or be an empty folder.
func Write(dir string, f *Folder, source Source, version string) (err error) {
	if err := CheckFree(dir); err != nil {
		return err
	}
	m := *f.Manifest
	m.Source, m.Ordo, m.Files = source, version, map[string]string{}
	files := f.files()
	for name, data := range files {
		m.Files[name] = sum(data)
	}
	if files[graph.ManifestFile], err = m.encode(); err != nil {
		return err
	}
	if err := whole.Folder(dir, files.Write); err != nil {
		return fault.Writing(dir, err)
	}
	return graph.SyncDir(filepath.Dir(filepath.Clean(dir)))
}

// CheckFree says whether Write could make the folder: it isn't there, or it is empty.
func CheckFree(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return fault.New(fault.Other, "%s is there already and not empty", dir).
			Advise("remove it").With(fault.OtherFolder{})
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fault.Writing(dir, err)
	}
	return nil
}

// Read reads a folder of artifacts, each file once, and checks all that can be checked without ONNX Runtime: the
// manifest's checksums, the contract between the graphs, the parameters of the checkpoint against those of the graphs.
// Its error is of kind fault.Data.
//
// Artifacts of ONNX Runtime's own generator are adapted:
//
//   - each graph input dz whose product with an output z makes the loss becomes what the operator ordo::Loss gives for
//     z;
//   - a single z becomes `features`, with `embedding` its copy; of several, those that are called so are required;
//   - the output grad_norm is added;
//   - the evaluation graph gives those outputs, without the loss, and its batch norms have one output as they must;
//   - the optimizer graph is replaced by ordo's.
func Read(dir string) (*Folder, error) {
	files, err := graph.ReadFiles(dir)
	if err != nil {
		return nil, err
	}
	if missing := files.Missing(required()...); missing != "" {
		return nil, fault.New(fault.Data, "%s is no folder of training artifacts: it has no file %s", dir, missing).
			Advise("name one that has")
	}
	f := &Folder{Artifacts: files.Artifacts()}
	if err := f.read(files); err != nil {
		return nil, fault.New(fault.Data, "%s: %w", dir, err).With(fault.BuildArtifacts{})
	}
	return f, nil
}

// read checks what was read, and adapts what isn't ordo's.
func (f *Folder) read(files graph.Files) (err error) {
	if text := files[graph.ManifestFile]; text != nil {
		if f.Manifest, err = readManifest(text); err != nil {
			return err
		}
		if err := f.checkSums(files); err != nil {
			return err
		}
		if f.Manifest.Files[graph.ForwardFile] != "" {
			f.forward = files[graph.ForwardFile]
		}
	}
	if err := f.adapt(); err != nil {
		return err
	}
	if err := f.describe(); err != nil {
		return err
	}
	if err := f.checkCheckpoint(); err != nil {
		return err
	}
	if m := f.Manifest; m != nil && (!slices.Equal(m.Outputs, f.Outputs) || m.Input != f.Input || m.Batch != f.Batch) {
		return fmt.Errorf("%s says other inputs and outputs than the training graph has", graph.ManifestFile)
	}
	return nil
}

func (f *Folder) checkSums(files graph.Files) error {
	for _, name := range append(required(), graph.ForwardFile) {
		want, ok := f.Manifest.Files[name]
		switch {
		case !ok && name == graph.ForwardFile: // of an older ordo
		case files[name] == nil:
			return fmt.Errorf("there is no file %s", name)
		case want != sum(files[name]):
			return fmt.Errorf("%s is not the file that was built: its checksum differs from that in %s", name,
				graph.ManifestFile)
		}
	}
	return nil
}

// describe reads the description off the contract.
func (f *Folder) describe() error {
	c, err := f.Contract()
	if err != nil {
		return err
	}
	for _, o := range c.Outputs {
		if o.Columns == 0 {
			return fmt.Errorf("training graph: output %s must be [batch, n]", o.Name)
		}
	}
	f.Description = Description{
		Input: Input{Name: graph.Images, Batch: c.Images[0], Channels: c.Images[1], Height: c.Images[2],
			Width: c.Images[3]},
		Outputs: c.Outputs, Parameters: c.Parameters,
		Batch: heads.Batch{Views: c.Views, BaseViews: c.BaseViews, PlainView: c.PlainView},
	}
	if c.Draws != nil {
		f.Batch.Draws = int(c.Draws[1])
	}
	return nil
}

// checkCheckpoint holds the stored parameters against those that the graphs take.
func (f *Folder) checkCheckpoint() error {
	c, err := checkpoint.Decode(f.Checkpoint)
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
			return fmt.Errorf("parameter %s has shape %v in the checkpoint, %v in the training graph", p.Name, s.dims,
				p.Shape)
		case s.trainable != p.Trainable:
			return fmt.Errorf("parameter %s is trained in one of training graph and checkpoint, and frozen in the "+
				"other", p.Name)
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

// Fingerprint is the SHA-256 over all files that ONNX Runtime runs, hexadecimal: the same for the same model, whatever
// its folder.
func (f *Folder) Fingerprint() string {
	var all bytes.Buffer
	files := f.Files()
	for _, name := range required() {
		all.WriteString(sum(files[name]))
	}
	return sum(all.Bytes())
}

// Require returns an error of kind fault.Config that says what is missing for training on square images of a size with
// what the given heads, whose Batch is the experiment's, give; dir names the artifacts in it.
func (d Description) Require(dir string, imageSize int, list []heads.Head) error {
	if in := d.Input; in.Height != int64(imageSize) || in.Width != int64(imageSize) || in.Channels != channels {
		return misfit("%s takes images of %d×%d pixels, data.image_size is %d", dir, in.Width, in.Height, imageSize)
	}
	if d.Input.Batch != 0 {
		return misfit("%s takes batches of %d images only", dir, d.Input.Batch).
			Advise("build it from a graph with a free batch")
	}
	var names []string
	for _, o := range d.Outputs {
		names = append(names, o.Name)
	}
	for _, name := range []string{graph.Features, graph.Embedding} {
		if !slices.Contains(names, name) {
			return misfit("%s has no output %s, it has: %s", dir, name, strings.Join(names, ", "))
		}
	}
	var missing, build []string
	for _, h := range list {
		switch h = h.Resolved(); {
		case !slices.Contains(names, h.Output):
			missing = append(missing, h.Output)
			build = append(build, h.String())
		case h.Kind == heads.Pair && d.Batch.Views != h.Views, h.Kind == heads.Conditioned && d.Batch != h.Batch:
			return misfit("%s has the output %s for batches of %s, the experiment's have %s", dir, h.Output, d.Batch,
				h.Batch).
				With(fault.BuildArtifacts{Heads: []string{h.String()}})
		}
	}
	if len(missing) > 0 {
		return misfit("%s has no output %s, which the loss looks at; it has: %s", dir, strings.Join(missing, ", "),
			strings.Join(names, ", ")).
			With(fault.BuildArtifacts{Heads: build})
	}
	return nil
}

func misfit(format string, args ...any) *fault.Error {
	return fault.New(fault.Config, "model.artifacts: "+format, args...)
}
