package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/runner/data"
	"ordo/runner/data/export"
	"ordo/runner/data/source"
)

// orchard is a small set without files.
func orchard(t testing.TB) data.Sets {
	t.Helper()
	o := data.DefaultOptions()
	o.ImageSize, o.Images, o.TestImages = 16, 24, 12
	sets, err := data.List(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// read lists an image folder.
func read(t testing.TB, root string) data.Sets {
	t.Helper()
	o := data.DefaultOptions()
	o.Source, o.Root = data.SourceFolder, root
	sets, err := data.List(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// TestWrite: what is written is read as the same classes and nearly the same pixels; written once more, as the same
// files.
func TestWrite(t *testing.T) {
	sets := orchard(t)
	dir := filepath.Join(t.TempDir(), "a", "jpegs")
	if err := export.Write(t.Context(), dir, sets.Train, sets.Test, 100); err != nil {
		t.Fatal(err)
	}
	got := read(t, dir)
	for name, pair := range map[string][2]source.Set{"train": {sets.Train, got.Train}, "test": {sets.Test, got.Test}} {
		want, have := pair[0], pair[1]
		if have.Len() != want.Len() {
			t.Fatalf("%s: %d images, want %d", name, have.Len(), want.Len())
		}
		for i := range have.Len() {
			var k int
			base := filepath.Base(have.ID(i))
			if _, err := fmt.Sscanf(base, "%06d.jpg", &k); err != nil {
				t.Fatal(base, err)
			}
			if a, b := have.Classes()[have.Label(i)], want.Classes()[want.Label(k)]; a != b {
				t.Errorf("%s is of class %s, want %s", have.ID(i), a, b)
			}
			a, err1 := have.Image(i)
			b, err2 := want.Image(k)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			off := 0.0
			for j := range a.Pix {
				off += max(float64(a.Pix[j])-float64(b.Pix[j]), float64(b.Pix[j])-float64(a.Pix[j]))
			}
			if off /= float64(len(a.Pix)); a.Width != b.Width || off > 8 {
				t.Errorf("%s: its pixels are off by %v on average", have.ID(i), off)
			}
		}
	}
	again := filepath.Join(t.TempDir(), "again")
	if err := export.Write(t.Context(), again, got.Train, got.Test, 1); err != nil {
		t.Fatal(err)
	}
	first := read(t, again).Train
	for i := range first.Len() {
		a, err1 := os.ReadFile(filepath.Join(dir, filepath.FromSlash(got.Train.ID(i))))
		b, err2 := first.Encoded(i)
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
			t.Fatalf("%s is another file: %v", got.Train.ID(i), err)
		}
	}
}

// list is a set of grey images.
type list struct {
	source.Set
	classes []string
	labels  []int
}

func (l list) Len() int                    { return len(l.labels) }
func (l list) ID(i int) string             { return fmt.Sprintf("item %d", i) }
func (l list) Label(i int) int             { return l.labels[i] }
func (l list) Classes() []string           { return l.classes }
func (l list) Encoded(int) ([]byte, error) { return nil, nil }
func (l list) Image(int) (augment.Image, error) {
	return augment.Image{Width: 8, Height: 8, Pix: slices.Repeat([]uint8{100}, 192)}, nil
}

func TestWriteWithoutLabels(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "jpegs")
	if err := export.Write(t.Context(), dir, list{labels: []int{-1, -1}}, list{labels: []int{-1}}, 90); err != nil {
		t.Fatal(err)
	}
	if s := read(t, dir); s.Train.Len() != 2 || s.Test.Len() != 1 || len(s.Train.Classes()) > 0 {
		t.Errorf("%d and %d images of %v", s.Train.Len(), s.Test.Len(), s.Train.Classes())
	}
}

// TestWriteRefuses: what can't be written leaves nothing behind.
func TestWriteRefuses(t *testing.T) {
	fine := list{classes: []string{"a"}, labels: []int{0}}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx     context.Context
		set     list
		quality int
		says    string
	}{
		{t.Context(), fine, 0, "quality: must be in [1, 100], got 0"},
		{t.Context(), list{classes: []string{"a/b"}}, 90, `class 0 is called "a/b"`},
		{t.Context(), list{classes: []string{"a"}, labels: []int{-1}}, 90, "item 0 has no label, and others have"},
		{ended, fine, 90, "canceled"},
	} {
		parent := t.TempDir()
		err := export.Write(c.ctx, filepath.Join(parent, "out"), c.set, c.set, c.quality)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error %v, want one that says %q", err, c.says)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	}
	if err := export.Write(t.Context(), ".", fine, fine, 90); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a folder: %v", err)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "export")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	apples := list{classes: []string{"apple", "pear"}, labels: []int{0, 1}}
	if err := export.Write(context.Background(), dir, apples, apples, export.DefaultQuality); err != nil {
		fmt.Println(err)
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	for _, f := range files {
		rel, _ := filepath.Rel(dir, f)
		fmt.Println(filepath.ToSlash(rel))
	}
	fmt.Println(err)
	// Output:
	// test/apple/000000.jpg
	// test/pear/000001.jpg
	// train/apple/000000.jpg
	// train/pear/000001.jpg
	// <nil>
}
