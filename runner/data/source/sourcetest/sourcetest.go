package sourcetest

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/runner/data/source"
)

// Write makes a folder of these files; a name that ends in a slash is an empty folder.
func Write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	Add(t, root, files)
	return root
}

// Add puts files into a folder.
func Add(t testing.TB, root string, files map[string][]byte) {
	t.Helper()
	for name, raw := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir == path {
			continue
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// plain is an image of one colour.
func plain(width, height int, c color.Color) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, c)
		}
	}
	return m
}

// PNG is a file of one colour.
func PNG(t testing.TB, width, height int, c color.Color) []byte {
	t.Helper()
	return Encode(t, plain(width, height, c))
}

// Encode writes a PNG.
func Encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// JPEG is a file of one colour.
func JPEG(t testing.TB, width, height int, c color.Color) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, plain(width, height, c), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// IDs returns the ids of a set.
func IDs(s source.Set) []string {
	out := make([]string, s.Len())
	for i := range out {
		out[i] = s.ID(i)
	}
	return out
}

// Labels returns the classes of a set's items by name, "-" for none.
func Labels(s source.Set) []string {
	classes := s.Classes()
	out := make([]string, s.Len())
	for i := range out {
		out[i] = "-"
		if l := s.Label(i); l >= 0 {
			out[i] = classes[l]
		}
	}
	return out
}

// Check holds two sets to what readers promise. All their items must be readable.
func Check(t testing.TB, train, test source.Set) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range []source.Set{train, test} {
		if s.Len() < 1 || len(s.Key()) != 32 || !slices.Equal(s.Classes(), train.Classes()) {
			t.Errorf("%d items, key %q, classes %q", s.Len(), s.Key(), s.Classes())
		}
		for i := range s.Len() {
			if seen[s.ID(i)] {
				t.Errorf("two items are %s", s.ID(i))
			}
			seen[s.ID(i)] = true
			if l := s.Label(i); l < -1 || l >= len(s.Classes()) {
				t.Errorf("%s: label %d of %d classes", s.ID(i), l, len(s.Classes()))
			}
			m, err := s.Image(i)
			if err != nil || m.Width < 1 || m.Height < 1 || len(m.Pix) != 3*m.Width*m.Height {
				t.Errorf("%s: %d x %d, %d bytes, %v", s.ID(i), m.Width, m.Height, len(m.Pix), err)
			}
			if _, err := s.Encoded(i); err != nil {
				t.Errorf("%s: %v", s.ID(i), err)
			}
			h, err := s.(source.Inspector).Inspect(i)
			if err != nil || h.Width != m.Width || h.Height != m.Height || h.Format == "" {
				t.Errorf("%s: header %+v, %v, image %d x %d", s.ID(i), h, err, m.Width, m.Height)
			}
		}
		for _, i := range []int{-1, s.Len()} {
			if _, err := s.Image(i); err == nil {
				t.Errorf("image %d of %d", i, s.Len())
			}
		}
	}
	if train.Key() == test.Key() {
		t.Error("both splits have one key")
	}
}
