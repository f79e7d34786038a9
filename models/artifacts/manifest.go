package artifacts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"ordo/models/autodiff"
	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/roles"
)

// manifestFormat is raised when an older ordo would misread the file.
const manifestFormat = 1

// Manifest says what a folder of artifacts is and where it comes from.
type Manifest struct {
	Format int    `json:"format"`
	Ordo   string `json:"ordo"` // version of the program that built it
	Source Source `json:"source"`
	Description
	Heads    []heads.Head   `json:"heads"`
	Train    []string       `json:"train_patterns,omitempty"`
	Freeze   []string       `json:"frozen_patterns"`
	KeepTied []string       `json:"keep_tied_patterns,omitempty"`
	Mean     []float64      `json:"mean,omitempty"`
	Std      []float64      `json:"std,omitempty"`
	Dropped  []string       `json:"dropped_outputs,omitempty"` // of the forward graph
	Tensors  []Tensor       `json:"tensors,omitempty"`         // of the forward graph
	Untied   []roles.Untied `json:"untied,omitempty"`
	// Lost is what the exporter had taken out of the forward graph.
	Lost        roles.Lost                `json:"lost,omitzero"`
	Seed        uint64                    `json:"seed"`
	DropoutSeed int64                     `json:"dropout_seed,omitempty"`
	Optimizer   autodiff.OptimizerOptions `json:"optimizer"`
	Files       map[string]string         `json:"files"` // name → SHA-256, hexadecimal
}

// Source is the forward graph that artifacts were built from.
type Source struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// Description is what a model takes and gives.
type Description struct {
	Input   Input          `json:"input"`
	Outputs []graph.Output `json:"outputs"` // in the order in which the loss gets them
	// what heads that look at several views of an image ask of a batch
	Batch      heads.Batch       `json:"batch,omitzero"`
	Parameters []graph.Parameter `json:"parameters"`
}

// Input are the images, float32 [Batch, Channels, Height, Width].
type Input struct {
	Name     string `json:"name"`
	Batch    int64  `json:"batch"` // 0: free
	Channels int64  `json:"channels"`
	Height   int64  `json:"height"`
	Width    int64  `json:"width"`
}

func newManifest(o Options, d Description) *Manifest {
	m := &Manifest{
		Format: manifestFormat, Description: d, Heads: []heads.Head{}, Train: o.Train,
		Freeze: append([]string{}, o.Freeze...), KeepTied: o.KeepTied, Mean: o.Mean, Std: o.Std,
		Seed: o.Seed, DropoutSeed: o.DropoutSeed, Optimizer: o.Optimizer,
	}
	for _, h := range o.Heads {
		m.Heads = append(m.Heads, h.Resolved())
	}
	return m
}

// readManifest reads a manifest. Keys that it doesn't know are errors: a newer ordo has written them.
func readManifest(text []byte) (*Manifest, error) {
	m, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", graph.ManifestFile, err)
	}
	return m, nil
}

func parseManifest(text []byte) (*Manifest, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if version.Format != manifestFormat {
		return nil, fmt.Errorf("format %d, this ordo reads %d: take the ordo that built the folder, or build it anew",
			version.Format, manifestFormat)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	m := &Manifest{}
	if err := d.Decode(m); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	for name := range m.Files {
		if !filepath.IsLocal(name) || filepath.Base(name) != name {
			return nil, fmt.Errorf("%q is not a file of the folder", name)
		}
	}
	return m, nil
}

// encode writes the manifest as people read it.
func (m *Manifest) encode() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("artifacts: encode %s: %w", graph.ManifestFile, err)
	}
	return text.Bytes(), nil
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
