package install

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"ordo/models/fault"
)

const manifestName = "manifest.json"

// manifest describes an installed library. It lies beside the library and is written before the folder gets its name,
// so a folder without one, or with one that doesn't fit, is not an installation.
type manifest struct {
	Source       string `json:"source"`                  // the artifact's coordinates, or the path that the user gave
	SourceSHA256 string `json:"source_sha256,omitempty"` // of the jar; empty if the source is a library
	Library      string `json:"library"`                 // file name, in the same folder
	SHA256       string `json:"sha256"`                  // of the library, in hex
	Size         int64  `json:"size"`                    // of the library, bytes
	// Companions are the files that the library loads from its own folder.
	Companions []companion `json:"companions,omitempty"`
}

// companion is another file of an installation.
type companion struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// files lists the library and its companions.
func (m manifest) files() []companion {
	return append([]companion{{m.Library, m.SHA256, m.Size}}, m.Companions...)
}

var hexSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parseManifest reads a manifest and refuses one that this package cannot have written.
func parseManifest(text []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return manifest{}, err
	}
	for _, f := range m.files() {
		switch {
		case f.Name == "" || f.Name == "." || f.Name == ".." || f.Name != filepath.Base(f.Name):
			return manifest{}, fmt.Errorf("%q is not a file name", f.Name)
		case !hexSHA256.MatchString(f.SHA256):
			return manifest{}, fmt.Errorf("%s: %q is not a SHA-256 in hex", f.Name, f.SHA256)
		case f.Size <= 0:
			return manifest{}, fmt.Errorf("%s: the size must be positive, got %d", f.Name, f.Size)
		}
	}
	return m, nil
}

// readManifest reads the manifest of the installation in slot. The error is an os.ErrNotExist if there is no slot.
func readManifest(slot string) (manifest, error) {
	path := filepath.Join(slot, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		if _, serr := os.Stat(slot); serr != nil {
			return manifest{}, serr
		}
		return manifest{}, damaged(slot, err.Error())
	}
	m, err := parseManifest(text)
	if err != nil {
		return manifest{}, damaged(slot, fmt.Sprintf("%s: %v", manifestName, err))
	}
	return m, nil
}

// installed returns the library in slot after the cheap check of its files' sizes. The error is an os.ErrNotExist if
// there is no slot, a fault of the kind Library if what is there is damaged.
func installed(slot string) (Location, error) {
	m, err := readManifest(slot)
	if err != nil {
		return Location{}, err
	}
	for _, f := range m.files() {
		info, err := os.Stat(filepath.Join(slot, f.Name))
		if err != nil {
			return Location{}, damaged(slot, err.Error())
		}
		if info.Size() != f.Size {
			return Location{}, damaged(slot, fmt.Sprintf("%s has %d bytes, not %d", f.Name, info.Size(), f.Size))
		}
	}
	return Location{Path: filepath.Join(slot, m.Library), Source: m.Source, SHA256: m.SHA256}, nil
}

// damaged is the fault of an installation that is there but not as it was written. It does not wrap what is wrong,
// which may be that a file does not exist: the installation as a whole does.
func damaged(slot, what string) error {
	return fault.New(fault.Library, "the library installed in %s is damaged (%s)", slot, what)
}
