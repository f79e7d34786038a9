package target

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/runner/config"
	"ordo/runner/track"
)

// Run is the training that an encoder is of.
type Run struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
	Seed uint64 `json:"seed"`
}

// Target is where an encoder is, or what it made of images.
type Target struct {
	Path       string // of the run folder, the ONNX file or the embeddings file
	Encoder    string // the ONNX file; "": there are embeddings
	Run        *Run   // nil: it is no run's
	Data       string // fingerprint of the data that the run was trained on
	Embeddings bool   // Path is an embeddings file
	Train      string // another embeddings file, of the training images; "": Path has those
}

// others are files that people have of encoders and embeddings and that are none here, and what to do with them.
var others = map[string]string{
	".npy": saveTogether, ".csv": saveTogether, ".tsv": saveTogether, ".parquet": saveTogether,
	".pt": exportIt, ".pth": exportIt, ".safetensors": exportIt,
}

const (
	saveTogether = "save outputs and labels together, with numpy.savez(\"x.npz\", features=…, labels=…, split=…)"
	exportIt     = "export the network to ONNX"
)

// Find finds what a path names: a finished run by its folder, an ONNX file, or an embeddings file by its ending .npz.
func Find(path string) (Target, error) {
	t := Target{Path: path, Encoder: path}
	info, err := os.Stat(path)
	if err != nil {
		return t, fault.Reading(fault.Data, path, err)
	}
	if !info.IsDir() {
		end := strings.ToLower(filepath.Ext(path))
		if do := others[end]; do != "" {
			return t, fault.New(fault.Data, "%s is neither a run folder nor an ONNX file nor an embeddings file, .npz", path).
				Advise("%s", do)
		}
		if end == ".npz" {
			t.Encoder, t.Embeddings = "", true
		}
		return t, nil
	}
	if _, err := track.ReadResult(path); errors.Is(err, fs.ErrNotExist) {
		return t, fault.New(fault.Data, "there is no finished run in %s", path).With(fault.Finish{Folder: path})
	} else if err != nil {
		return t, err
	}
	if _, err := track.CheckEncoder(path); err != nil {
		return t, err
	}
	record, err := track.ReadRecord(path)
	if err != nil {
		return t, err
	}
	t.Encoder, t.Data = track.EncoderFile(path), record.Data
	t.Run = &Run{Name: record.Name, Hash: record.Hash, Seed: record.Seed}
	return t, nil
}

// Load reads the experiment that says what to show a target: the run's own, or that of a file. An encoder that is no
// run's needs the file, or overrides that say where its images are: then it is an image folder unless they say more.
// An embeddings file needs none, and of a file only the eval section counts. The overrides, KEY=VALUE, change the
// experiment.
func Load(t Target, file string, overrides, environ []string) (config.Experiment, error) {
	sets := func(prefix string) bool {
		return slices.ContainsFunc(overrides, func(text string) bool { return strings.HasPrefix(text, prefix) })
	}
	switch {
	case t.Embeddings && sets("data."):
		return config.Experiment{}, fault.New(fault.Config, "%s is an embeddings file: there are no images that keys of "+
			"data could be about", t.Path).Advise("leave them out")
	case t.Embeddings && file == "":
		return config.Parse("embeddings", []byte("seed: 1"), overrides, nil)
	case file != "":
		return config.Load(file, overrides, environ)
	case t.Run != nil:
		return config.LoadRun(t.Path, overrides)
	case sets("data.root=") || sets("data.source="):
		e, err := config.Parse("folder", []byte("data: {source: folder}"), overrides, environ)
		if err != nil {
			return e, err
		}
		if !sets("data.image_size=") {
			e.Data.ImageSize = 0 // the encoder says it
		}
		if slices.Contains(e.Eval.FamilyList(), "rotate") {
			e.Augment.Framing = augment.FramingCircle // as in an experiment that lists it
		}
		return e, nil
	}
	return config.Experiment{}, fault.New(fault.Config, "%s is no run folder, which says what to show an encoder", t.Path).
		Advise("name a folder of images, or an experiment file whose data and augment sections say it").
		With(fault.Option{Name: "data"})
}

// Opening says how an encoder is opened.
type Opening struct {
	Library   string              // the file of ONNX Runtime's library
	OneDNN    string              // oneDNN's, for ordo's operators, unless the experiment has stock kernels; "": none
	Precision string              // of these, as models.Options.Precision; "": float32
	Threads   int                 // ONNX Runtime's; 0 is one a core
	Outputs   []string            // that are wanted; nil: features and embedding, or where there are no features all
	Input     models.InputOptions // what the user says of how it takes images, before what its file says
}

// OneDNN is the library file that an experiment's encoders are opened with: none where it has stock kernels.
func OneDNN(e config.Experiment, file string) string {
	if e.Model.Kernels == models.StockKernels {
		return ""
	}
	return file
}

// Open opens a target's encoder and gives the names of the outputs that are wanted. The experiment's image size becomes
// the encoder's, and its framing, where it leaves that open, what the encoder's file says.
func (t Target) Open(e *config.Experiment, o Opening) (*models.Encoder, []string, error) {
	encoder, err := models.OpenEncoder(o.Library, t.Encoder, models.EncoderOptions{
		OneDNN: OneDNN(*e, o.OneDNN), Precision: o.Precision,
		Threads: o.Threads, Outputs: o.Outputs, Images: Normalisation(e.Augment), Given: o.Input,
		Unsaid: models.InputOptions{Size: e.Data.ImageSize},
	})
	if err != nil {
		return nil, nil, err
	}
	in := encoder.Input()
	e.Data.ImageSize = in.Size
	if e.Augment.Framing == augment.FramingAuto && in.Framing != "" {
		e.Augment.Framing = in.Framing
	}
	outputs := encoder.Outputs()
	if o.Outputs == nil && slices.Contains(outputs, models.Features) {
		outputs = slices.DeleteFunc([]string{models.Features, models.Embedding}, func(name string) bool {
			return !slices.Contains(outputs, name)
		})
	}
	return encoder, outputs, nil
}

// LeftOut says which outputs of an encoder are left out because they are no rows; "": none, or none that matters beside
// features.
func LeftOut(e *models.Encoder) string {
	if left := e.Left(); len(left) > 0 && !slices.Contains(e.Outputs(), models.Features) {
		return "outputs that are no row of numbers an image are left out: " + strings.Join(left, "; ")
	}
	return ""
}

// Normalisation is how views are normalised.
func Normalisation(o augment.Options) models.Normalisation {
	return models.Normalisation{Mean: o.Mean, Std: o.Std, Range: 1}
}

// SumEncoder is the SHA-256 of an ONNX file and, after it, the files beside it in which it keeps tensors.
func SumEncoder(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fault.Reading(fault.Data, path, err)
	}
	m, err := onnxgraph.Decode(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	var files []string
	for _, name := range m.ExternalFiles() {
		files = append(files, filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
	}
	return Sum(data, files...)
}

// Sum is the SHA-256 of what was read already, followed by files, one after the other.
func Sum(first []byte, paths ...string) (string, error) {
	h := sha256.New()
	h.Write(first) // a hash takes everything
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return "", fault.Reading(fault.Data, path, err)
		}
		_, err = io.Copy(h, f)
		_ = f.Close()
		if err != nil {
			return "", fault.Reading(fault.Data, path, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
