package evaluation

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
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/runner/config"
	"ordo/runner/embed"
	"ordo/runner/track"
)

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

// Load reads the experiment that says how to evaluate a target: the run's own, or that of a file. An encoder that is no
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

// read reads an embeddings file.
func (t Target) read(outputs []string) (*embed.Table, error) {
	test, err := embed.Read(t.Path, outputs)
	if err != nil || t.Train == "" {
		return test, err
	}
	train, err := embed.Read(t.Train, outputs)
	if err != nil {
		return nil, err
	}
	both, err := embed.Join(train, test)
	if err != nil {
		return nil, fmt.Errorf("%s beside %s: %w", t.Path, t.Train, err)
	}
	return both, nil
}

// sums is the SHA-256 of the encoder's file, with the files in which it keeps tensors, or of the files of embeddings.
func (t Target) sums() (encoder string, embeddings []Source, err error) {
	if !t.Embeddings {
		encoder, err = sumEncoder(t.Encoder)
		return encoder, nil, err
	}
	for _, path := range []string{t.Train, t.Path} {
		if path == "" {
			continue
		}
		sum, err := sum(nil, path)
		if err != nil {
			return "", nil, err
		}
		embeddings = append(embeddings, Source{path, sum})
	}
	return "", embeddings, nil
}

// sumEncoder is the SHA-256 of an ONNX file, followed by those of the files beside it in which it keeps tensors.
func sumEncoder(path string) (string, error) {
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
	return sum(data, files...)
}

// sum is the SHA-256 of what was read already, followed by files, one after the other.
func sum(first []byte, paths ...string) (string, error) {
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
