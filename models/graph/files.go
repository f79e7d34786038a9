package graph

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
)

// The names of files in a folder of artifacts. The first four are ONNX Runtime's names; a run's folder of graphs has
// the graphs alone.
const (
	TrainingFile   = "training_model.onnx"
	EvalFile       = "eval_model.onnx"
	OptimizerFile  = "optimizer_model.onnx"
	CheckpointFile = "checkpoint"
	// ForwardFile is the forward graph that the others were built from. Its weights are in CheckpointFile, as external
	// data of ONNX. ONNX Runtime doesn't need it.
	ForwardFile = "forward_model.onnx"
	// ManifestFile says what the folder is.
	ManifestFile = "ordo.json"
)

// maxFile bounds a file: protobuf and the checkpoint's format end there.
const maxFile = math.MaxInt32

// Files are the contents of files of artifacts, by name.
type Files map[string][]byte

func names() []string {
	return []string{TrainingFile, EvalFile, OptimizerFile, CheckpointFile, ForwardFile, ManifestFile}
}

// ReadFiles reads what a folder has of the files of artifacts, each once. A folder that isn't there, or a file that
// can't be read, is a fault of kind Data.
func ReadFiles(dir string) (Files, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, fault.Reading(fault.Data, dir, err)
	} else if !info.IsDir() {
		return nil, fault.New(fault.Data, "%s is a file, not a folder of artifacts", dir).Advise("name the folder")
	}
	files := Files{}
	for _, name := range names() {
		data, err := readFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fault.Reading(fault.Data, filepath.Join(dir, name), err)
		default:
			files[name] = data
		}
	}
	return files, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	if info.Size() > maxFile {
		return nil, errors.New("it is larger than 2 GiB, the limit of the format")
	}
	return os.ReadFile(path)
}

// Missing gives the first of the named files that isn't there, or "".
func (f Files) Missing(names ...string) string {
	i := slices.IndexFunc(names, func(name string) bool { return f[name] == nil })
	if i < 0 {
		return ""
	}
	return names[i]
}

// Artifacts are the files that ONNX Runtime runs.
func (f Files) Artifacts() Artifacts {
	return Artifacts{Training: f[TrainingFile], Eval: f[EvalFile], Optimizer: f[OptimizerFile],
		Checkpoint: f[CheckpointFile]}
}

// Files are those that there are of the artifacts.
func (a Artifacts) Files() Files {
	files := Files{}
	for name, data := range map[string][]byte{
		TrainingFile: a.Training, EvalFile: a.Eval, OptimizerFile: a.Optimizer, CheckpointFile: a.Checkpoint,
	} {
		if data != nil {
			files[name] = data
		}
	}
	return files
}

// Write writes the files into a folder that exists, each whole or not at all. What is there survives a power cut.
func (f Files) Write(dir string) error {
	for name, data := range f {
		if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fault.Writing(filepath.Join(dir, name), err)
		}
	}
	return SyncDir(dir)
}

// SyncDir makes what was created or renamed in a folder survive a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fault.Writing(dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fault.Writing(dir, fmt.Errorf("sync: %w", err))
	}
	return nil
}
