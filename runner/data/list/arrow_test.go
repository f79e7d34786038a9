package list

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"ordo/models/fault"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

const savedTrain = "testdata/saved/train/data-00000-of-00002.arrow"

func readFileOf(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestSaved: a folder that save_to_disk of Hugging Face's datasets wrote, each split in a folder, and one split of it.
func TestSaved(t *testing.T) {
	train, test, err := Read(t.Context(), Options{File: "testdata/saved"})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Check(t, train, test)
	hasColours(t, "train", train, 0, 1, 2, 3, 4, 5, 6)
	hasColours(t, "test", test, 7, 8, 9)
	if !slices.Equal(train.Classes(), []string{"zebra", "ant"}) || train.ID(4) != "train/data-00001-of-00002/000000" ||
		train.Label(4) != 0 || train.Label(1) != 1 {
		t.Errorf("%q, classes %q", show(train), train.Classes())
	}
	train, test, err = Read(t.Context(), Options{File: "testdata/saved/train", TestFraction: 0.3})
	if err != nil || train.Len() != 6 || test.Len() != 1 {
		t.Fatalf("one split: %v", err)
	}
}

// arrowOf writes a stream, or a file, of columns.
func arrowOf(t testing.TB, asFile bool, names []string, batches ...[]arrow.Array) []byte {
	t.Helper()
	var fields []arrow.Field
	for i, name := range names {
		fields = append(fields, arrow.Field{Name: name, Type: batches[0][i].DataType(), Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	var w interface {
		Write(arrow.RecordBatch) error
		Close() error
	}
	w = ipc.NewWriter(&out, ipc.WithSchema(schema))
	if asFile {
		var err error
		if w, err = ipc.NewFileWriter(&out, ipc.WithSchema(schema)); err != nil {
			t.Fatal(err)
		}
	}
	for _, columns := range batches {
		if err := w.Write(array.NewRecordBatch(schema, columns, int64(columns[0].Len()))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func texts(values ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func blobs(values ...[]byte) arrow.Array {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.LargeBinary)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func numbers(values ...int64) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

// TestArrowColumns: byte strings in several batches, paths, and both of Arrow's forms.
func TestArrowColumns(t *testing.T) {
	var pngs [][]byte
	train, _, err := Read(t.Context(), Options{File: "testdata/saved"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range train.Len() {
		raw, err := train.(*rows).raw(i)
		if err != nil {
			t.Fatal(err)
		}
		pngs = append(pngs, raw)
	}
	splits := func(n int) arrow.Array { return texts([]string{"train", "train", "train", "test"}[:n]...) }
	held := [][]arrow.Array{{blobs(pngs[0:4]...), numbers(3, 10, 3, 10), splits(4)},
		{blobs(pngs[4:7]...), numbers(3, 3, 10), splits(3)}}
	named := [][]arrow.Array{{texts("0.png", "1.png", "2.png", "3.png"), texts("b", "a", "b", "a"), splits(4)}}
	files := map[string][]byte{
		"stream.arrow": arrowOf(t, false, []string{"scan", "label", "split"}, held...),
		"file.arrow":   arrowOf(t, true, []string{"scan", "label", "split"}, held...),
		"paths.arrow":  arrowOf(t, false, []string{"path", "label", "split"}, named...),
	}
	for i, raw := range pngs {
		files[string(rune('0'+i))+".png"] = raw
	}
	dir := sourcetest.Write(t, files)
	for name, want := range map[string][2][]int{
		"stream.arrow": {{0, 1, 2, 4, 5, 6}, {3}}, "file.arrow": {{0, 1, 2, 4, 5, 6}, {3}}, "paths.arrow": {{0, 1, 2}, {3}},
	} {
		train, test, err := Read(t.Context(), Options{File: filepath.Join(dir, name)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sourcetest.Check(t, train, test)
		hasColours(t, name, train, want[0]...)
		hasColours(t, name, test, want[1]...)
		classes := []string{"3", "10"}
		if name == "paths.arrow" {
			classes = []string{"a", "b"}
		}
		if !slices.Equal(train.Classes(), classes) || train.Label(1) == train.Label(0) {
			t.Errorf("%s: classes %q, %q", name, train.Classes(), show(train))
		}
	}
}

// TestLeftOver: Arrow files that datasets left beside those of the set are not of it, and neither are folders.
func TestLeftOver(t *testing.T) {
	raw, other := readFileOf(t, savedTrain), readFileOf(t, "testdata/saved/test/data-00000-of-00001.arrow")
	dir := sourcetest.Write(t, map[string][]byte{
		"dataset_dict.json": []byte(`{"splits": ["train", "test"]}`), "old/data-00000-of-00001.arrow": raw,
		"train/state.json":                []byte(`{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}`),
		"train/cache-1f2e.arrow":          other,
		"train/data-00000-of-00001.arrow": raw, "test/data-00000-of-00001.arrow": other,
	})
	train, test, err := Read(t.Context(), Options{File: dir})
	if err != nil {
		t.Fatal(err)
	}
	hasColours(t, "train", train, 0, 1, 2, 3)
	hasColours(t, "test", test, 7, 8, 9)
}

// TestArrowErrors: damage and what can't be read is told.
func TestArrowErrors(t *testing.T) {
	raw := readFileOf(t, savedTrain)
	var squeezed bytes.Buffer
	column := texts(strings.Repeat("x", 1000))
	schema := arrow.NewSchema([]arrow.Field{{Name: "path", Type: column.DataType()}}, nil)
	w := ipc.NewWriter(&squeezed, ipc.WithSchema(schema), ipc.WithZstd())
	if err := errors.Join(w.Write(array.NewRecordBatch(schema, []arrow.Array{column}, 1)), w.Close()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"cut":         {raw[:len(raw)/2], "a damaged Arrow file (a message is cut off)"},
		"empty":       {arrowStream, "a damaged Arrow file"},
		"huge schema": {readFileOf(t, "testdata/huge_schema.arrow"), "its schema claims more than it holds"},
		"compressed":  {squeezed.Bytes(), "its rows are compressed: write it without compression"},
		"no picture":  {arrowOf(t, false, []string{"a", "b"}, []arrow.Array{numbers(1), numbers(2)}), "there are a, b"},
		"not a path":  {arrowOf(t, false, []string{"path"}, []arrow.Array{numbers(1)}), "neither images nor paths"},
		"end of it":   {append(bytes.Clone(arrowStream), 0, 0, 0, 0), "it has columns, but no row"},
		"long header": {append(bytes.Clone(arrowStream), 0xff, 0xff, 0xff, 0x7f), "a damaged Arrow file"},
	} {
		dir := sourcetest.Write(t, map[string][]byte{"x.arrow": c.raw})
		_, _, err := Read(t.Context(), Options{File: filepath.Join(dir, "x.arrow"), TestFraction: 0.5})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), "x.arrow") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzArrow: whatever is in a file, there is a table or an error.
func FuzzArrow(f *testing.F) {
	raw := readFileOf(f, savedTrain)
	f.Add(raw)
	f.Add(arrowOf(f, true, []string{"path", "label"}, []arrow.Array{texts("a", "b"), numbers(1, 2)}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		name := filepath.Join(dir, "x.arrow")
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		train, test, err := Read(t.Context(), Options{File: name, TestFraction: 0.5})
		if err != nil {
			return
		}
		for _, s := range []source.Set{train, test} {
			for i := range min(s.Len(), 20) {
				_, _ = s.Image(i)
			}
		}
	})
}
