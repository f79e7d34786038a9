//go:build unix

package source_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ordo/runner/data/source"
)

// TestPipe: a named pipe among the images is an item that can't be read, and nothing waits for its other end: this test
// would.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.png")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	s, err := source.NewFiles(
		t.Context(),
		[]source.File{{ID: "pipe.png", Path: path, Label: -1}},
		source.FileOptions{Settings: "test"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"image":   func() error { _, err := s.Image(0); return err },
		"encoded": func() error { _, err := s.Encoded(0); return err },
		"header":  func() error { _, err := s.Inspect(0); return err },
		"digest":  func() error { _, err := s.Digest(0); return err },
		"blob":    func() error { _, err := source.OpenBlob(path); return err },
	} {
		if err := read(); err == nil || !strings.Contains(err.Error(), "pipe.png: not a file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
