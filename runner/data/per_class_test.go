package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/pack"
	"ordo/runner/data/source"
)

// digits makes a folder of IDX files with these labels; image i is filled with i. No labels: there is no such file.
func digits(t *testing.T, train, test []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, labels := range map[string][]byte{"train": train, "t10k": test} {
		n := max(len(labels), 6)
		images := []byte{0, 0, 8, 3}
		for _, d := range []uint32{uint32(n), 9, 9} {
			images = binary.BigEndian.AppendUint32(images, d)
		}
		for i := range n {
			images = append(images, slices.Repeat([]byte{byte(i)}, 81)...)
		}
		files := map[string][]byte{name + "-images-idx3-ubyte": images}
		if labels != nil {
			files[name+"-labels-idx1-ubyte"] = append(binary.BigEndian.AppendUint32([]byte{0, 0, 8, 1}, uint32(n)), labels...)
		}
		for file, raw := range files {
			if err := os.WriteFile(filepath.Join(dir, file), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// ids are the names of a set's images.
func ids(s interface {
	Len() int
	ID(i int) string
}) []string {
	var all []string
	for i := range s.Len() {
		all = append(all, s.ID(i))
	}
	return all
}

// TestPerClassOfDigits: the first of each class, in the order of the file; the same file by itself when they are all.
func TestPerClassOfDigits(t *testing.T) {
	o := DefaultOptions()
	o.Source, o.Root = SourceIDX, digits(t, []byte{1, 1, 0, 2, 1, 0, 0, 2}, []byte{0, 1, 2, 0, 1, 2})
	all, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.PerClass, o.TestPerClass = 2, 1
	for _, kind := range []string{pack.KindMemory, pack.KindPacked} {
		o.Cache.Kind, o.Cache.Dir = kind, t.TempDir()
		some, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(some.Train); !slices.Equal(got, []string{
			"train/000000", "train/000001", "train/000002", "train/000003", "train/000005", "train/000007",
		}) {
			t.Errorf("%s: train %q", kind, got)
		}
		if got := ids(some.Test); !slices.Equal(got, []string{"test/000000", "test/000001", "test/000002"}) {
			t.Errorf("%s: test %q", kind, got)
		}
		m, err := some.Train.Image(5)
		if err != nil || m.Pix[0] != 7 || some.Train.Label(5) != 2 {
			t.Errorf("%s: the last image is %d of class %d, %v", kind, m.Pix[0], some.Train.Label(5), err)
		}
		if some.Train.Fingerprint() == all.Train.Fingerprint() || len(some.Train.Fingerprint()) != 16 {
			t.Errorf("%s: fingerprint %q", kind, some.Train.Fingerprint())
		}
	}
	o.PerClass, o.TestPerClass, o.Cache = 3, 2, DefaultOptions().Cache
	same, err := Open(t.Context(), o)
	if err != nil || same.Train.Fingerprint() != all.Train.Fingerprint() ||
		same.Test.Fingerprint() != all.Test.Fingerprint() {
		t.Errorf("all that there are: %v", err)
	}
}

func TestPerClassNotes(t *testing.T) {
	o := DefaultOptions()
	o.Source, o.Root = SourceIDX, digits(t, []byte{1, 1, 0, 2, 1, 0}, []byte{0, 0, 2, 0, 0, 2})
	o.PerClass, o.TestPerClass = 2, 2
	var notes []string
	splits, err := OpenWatched(t.Context(), o, Watch{Note: func(text string) { notes = append(notes, text) }})
	if err != nil || splits.Train.Len() != 5 || splits.Test.Len() != 4 {
		t.Fatalf("%d and %d images, %v", splits.Train.Len(), splits.Test.Len(), err)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "data.per_class: 1 of 3") || !strings.Contains(notes[0], "2 (1)") ||
		!strings.Contains(notes[0], "data.test_per_class: 1 of 3") || !strings.Contains(notes[0], "1 (0)") {
		t.Errorf("notes %q", notes)
	}
}

func TestPerClassNeedsClasses(t *testing.T) {
	o := DefaultOptions()
	o.Source, o.Root = SourceIDX, digits(t, []byte{1, 1, 0, 2, 1, 0}, nil)
	o.PerClass = 2
	if _, err := Open(t.Context(), o); err != nil {
		t.Errorf("the other split: %v", err)
	}
	o.TestPerClass = 1
	_, err := Open(t.Context(), o)
	if fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), "data.test_per_class") {
		t.Errorf("%v", err)
	}
}

// TestPerClassOfFiles: those whose ids hash lowest in each class, so more images of another class move none, and
// another data.seed takes others.
func TestPerClassOfFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(split, class string, n int) {
		for i := range n {
			m := image.NewGray(image.Rect(0, 0, 10, 10))
			m.SetGray(0, 0, color.Gray{uint8(i)})
			path := filepath.Join(dir, split, class, fmt.Sprintf("%02d.png", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("train", "a", 20)
	write("train", "b", 7)
	write("test", "a", 3)
	write("test", "b", 3)
	o := DefaultOptions()
	o.Source, o.Root, o.PerClass = SourceFolder, dir, 5
	take := func(o Options) (source.Set, []string) {
		sets, err := List(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return sets.Train, ids(sets.Train)
	}
	set, some := take(o)
	if set.Len() != 10 || set.Label(4) != 0 || set.Label(5) != 1 || !slices.IsSorted(some) {
		t.Errorf("took %q", some)
	}
	if some[4] == "train/a/04.png" {
		t.Errorf("took the first of a sorted class: %q", some)
	}
	write("train", "b", 12)
	_, more := take(o)
	if !slices.Equal(more[:5], some[:5]) {
		t.Errorf("more of b made %q of %q", more[:5], some[:5])
	}
	o.Seed = 1
	if _, others := take(o); slices.Equal(others, more) {
		t.Error("data.seed takes no others")
	}
	header, err := set.(source.Inspector).Inspect(0)
	if err != nil || header.Format != "PNG" || header.Width != 10 {
		t.Errorf("header %+v, %v", header, err)
	}
	digest, err := set.(source.Inspector).Digest(1)
	if err != nil || digest == "" {
		t.Errorf("digest %q, %v", digest, err)
	}
}

func TestPerClassOfOrchard(t *testing.T) {
	o := DefaultOptions()
	o.Images, o.TestImages = 60, 24
	want, err := List(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Images, o.TestImages, o.PerClass, o.TestPerClass = 0, 0, 5, 2
	got, err := List(t.Context(), o)
	if err != nil || got.Train.Key() != want.Train.Key() || got.Test.Key() != want.Test.Key() {
		t.Errorf("%d and %d pictures, %v", got.Train.Len(), got.Test.Len(), err)
	}
}
