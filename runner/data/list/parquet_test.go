package list

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

// colour is the first pixel of image n of the test data.
func colour(n int) []uint8 { return []uint8{uint8(10 * n), 20, uint8(200 - n)} }

// hasColours makes sure that the images of a set are those of these numbers.
func hasColours(t *testing.T, name string, s source.Set, numbers ...int) {
	t.Helper()
	if s.Len() != len(numbers) {
		t.Errorf("%s: %d images, want %d", name, s.Len(), len(numbers))
		return
	}
	for i, n := range numbers {
		if m, err := s.Image(i); err != nil || !slices.Equal(m.Pix[:3], colour(n)) {
			t.Errorf("%s: image %d is not image %d: %v", name, i, n, err)
		}
	}
}

// TestCodecs: every compression that pyarrow writes, of pages that hardly can be compressed.
func TestCodecs(t *testing.T) {
	files, err := filepath.Glob("testdata/codecs/*.parquet")
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		train, test, err := Read(t.Context(), Options{File: file, TestFraction: 0.5, Bounds: source.Bounds{Seed: 1}})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		sourcetest.Check(t, train, test)
		for _, s := range []source.Set{train, test} {
			var numbers []int
			for _, id := range sourcetest.IDs(s) {
				numbers = append(numbers, int(id[5]-'0'))
			}
			hasColours(t, file, s, numbers...)
		}
	}
}

// TestShards: a folder of Parquet files as data sets of Hugging Face are published, each split in files of its own.
func TestShards(t *testing.T) {
	train, test, err := Read(t.Context(), Options{File: "testdata/hub"})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Check(t, train, test)
	hasColours(t, "train", train, 0, 1, 2, 3, 4, 5, 6)
	hasColours(t, "test", test, 9, 10, 11) // beside test, validation is passed over
	if !slices.Equal(train.Classes(), []string{"ant", "bee", "cow"}) ||
		train.ID(4) != "data/train-00001-of-00002/000000" || train.Label(4) != 1 {
		t.Errorf("%q, classes %q", show(train), train.Classes())
	}
	train, test, err = Read(t.Context(), Options{File: "testdata/converted"})
	if err != nil {
		t.Fatal(err)
	}
	hasColours(t, "train folder", train, 0, 1, 2)
	hasColours(t, "test folder", test, 0, 1)
	if show(test) != "default/test/0000/000000=a default/test/0000/000001=b" {
		t.Errorf("%q", show(test))
	}
}

func TestShardsRefuse(t *testing.T) {
	read := func(name string) []byte {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	hub, other := read("hub/data/train-00001-of-00002.parquet"), read("bytes.parquet")
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"other columns": {map[string][]byte{"train-0.parquet": hub, "train-1.parquet": other},
			"train-1.parquet: its columns"},
		"no split": {map[string][]byte{"train-0.parquet": hub, "x.parquet": hub}, "x.parquet names no split"},
		"damaged":  {map[string][]byte{"train-0.parquet": hub[:99]}, "train-0.parquet: a damaged Parquet file"},
		"nothing":  {map[string][]byte{"readme.md": nil}, "holds no .parquet or .arrow file"},
	} {
		_, _, err := Read(t.Context(), Options{File: sourcetest.Write(t, c.files)})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// Without any split in the names, a share is put aside.
	files := map[string][]byte{"a.parquet": hub, "b.parquet": hub, ".hidden.parquet": nil, "in/c.parquet": hub}
	train, test, err := Read(t.Context(), Options{File: sourcetest.Write(t, files), TestFraction: 0.3})
	if err != nil || train.Len()+test.Len() != 9 {
		t.Errorf("%v", err)
	}
}

// TestImageColumns: byte strings, groups without a path, and groups of paths only, found by name or content.
func TestImageColumns(t *testing.T) {
	for name, c := range map[string]struct {
		images int
		change func(*Options)
	}{"bytes.parquet": {6, nil}, "content.parquet": {6, nil}} {
		train, test, err := Read(t.Context(), Options{File: "testdata/" + name, TestFraction: 0.4})
		if err != nil || train.Len()+test.Len() != c.images || !slices.Equal(train.Classes(), []string{"a", "b"}) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range []source.Set{train, test} {
			for i, id := range sourcetest.IDs(s) {
				n := int(id[5] - '0')
				m, err := s.Image(i)
				if n == 0 && name == "content.parquet" {
					if err == nil || !strings.Contains(err.Error(), "row 000000: the row holds no image") {
						t.Errorf("%s: %v", name, err)
					}
				} else if err != nil || !slices.Equal(m.Pix[:3], colour(n)) {
					t.Errorf("%s, row %d: %v", name, n, err)
				}
			}
		}
	}
	raw, err := os.ReadFile("testdata/path_only.parquet")
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := Read(t.Context(), Options{File: write(t, "path_only.parquet", string(raw))})
	if err != nil || show(train) != "a/0.png=- a/1.png=- b/2.png=-" || show(test) != "b/3.png=-" {
		t.Fatalf("paths only: %v", err)
	}
	sourcetest.Check(t, train, test)
}

// TestSomePaths: a row without bytes is the file that it names.
func TestSomePaths(t *testing.T) {
	raw, err := os.ReadFile("testdata/some_paths.parquet")
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := Read(t.Context(), Options{File: write(t, "x.parquet", string(raw)), TestFraction: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []source.Set{train, test} {
		for i, id := range sourcetest.IDs(s) {
			_, err := s.Image(i)
			switch id {
			case "000001":
				if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "gone/1.png") {
					t.Errorf("a path that leads nowhere: %v", err)
				}
			case "000002":
				if err == nil || !strings.Contains(err.Error(), "holds no image") {
					t.Errorf("nothing: %v", err)
				}
			default:
				if err != nil {
					t.Errorf("row %s: %v", id, err)
				}
			}
		}
	}
}

// TestColumnsAreNamed: all columns are named where none can be taken.
func TestColumnsAreNamed(t *testing.T) {
	for _, o := range []Options{
		{File: "testdata/no_image.parquet"}, {File: "testdata/no_image.parquet", PathColumn: "bild"},
		{File: "testdata/no_image.parquet", PathColumn: "caption", LabelColumn: "kind"},
	} {
		_, _, err := Read(t.Context(), o)
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "caption, width, tags") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	_, _, err := Read(t.Context(), Options{File: "testdata/no_image.parquet", PathColumn: "tags"})
	if !errors.Is(err, fault.Data) || !strings.Contains(fmt.Sprint(err), "neither images nor paths") {
		t.Errorf("a list: %v", err)
	}
}
