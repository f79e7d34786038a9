package list

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

// write puts a table, and the images that the tests' tables name, into a folder.
func write(t testing.TB, name, text string) string {
	t.Helper()
	files := map[string][]byte{name: []byte(text)}
	for i, at := range []string{"a/0.png", "a/1.png", "b/2.png", "b/3.png", "c, d/4.png"} {
		files[at] = sourcetest.PNG(t, 4+i, 3, color.White)
	}
	return filepath.Join(sourcetest.Write(t, files), name)
}

// show is a set in one line.
func show(s source.Set) string {
	var parts []string
	for i, l := range sourcetest.Labels(s) {
		parts = append(parts, s.ID(i)+"="+l)
	}
	return strings.Join(parts, " ")
}

func TestCSV(t *testing.T) {
	for name, c := range map[string]struct {
		text        string
		change      func(*Options)
		train, test string
		classes     []string
	}{
		"plain": {
			"path,label,split\na/0.png,cat,train\na/1.png,dog,training\nb/2.png,cat,test\n", nil,
			"a/0.png=cat a/1.png=dog", "b/2.png=cat", []string{"cat", "dog"},
		},
		"mark, quotes, spaces, other columns, Windows": {
			"\xef\xbb\xbfwidth, split ,file,class\r\n1,train,\"c, d/4.png\",\"the \"\"cat\"\"\"\r\n2,Test,a/0.png,\r\n\r\n", nil,
			"c, d/4.png=the \"cat\"", "a/0.png=-", []string{"the \"cat\""},
		},
		"tabs": {"path\tlabel\tsplit\na/0.png\tx, y\ttrain\nb/2.png\tz\tvalidation\n", nil, "a/0.png=x, y", "b/2.png=z",
			[]string{"x, y", "z"}},
		"columns without a name": {
			",path,label,,\n0,a/0.png,cat,,\n1,b/2.png,dog,,\n2,b/3.png,cat,,\n", func(o *Options) { o.TestFraction = 0.5 },
			"b/2.png=dog", "a/0.png=cat b/3.png=cat", []string{"cat", "dog"},
		},
		"semicolons": {
			"path;label;split\na/0.png;10;train\na/1.png;9;train\nb/2.png;-1;val\n", nil,
			"a/0.png=10 a/1.png=9", "b/2.png=-1", []string{"-1", "9", "10"},
		},
		"upper case": {
			"Image,Label,SPLIT\na/0.png,cat,train\nb/2.png,dog,test\n", nil, "a/0.png=cat", "b/2.png=dog",
			[]string{"cat", "dog"},
		},
		"test before val": {
			"path,split\na/0.png,train\na/1.png,val\nb/2.png,test\n", nil, "a/0.png=-", "b/2.png=-", nil,
		},
		"own names": {
			"x,y,z,label\na/0.png,1,train,no\nb/2.png,2,test,no\n",
			func(o *Options) { o.PathColumn, o.LabelColumn, o.SplitColumn = "x", "y", "z" },
			"a/0.png=1", "b/2.png=2", []string{"1", "2"},
		},
	} {
		o := Options{File: write(t, "list.csv", c.text), TestFraction: 0.2}
		if c.change != nil {
			c.change(&o)
		}
		train, test, err := Read(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sourcetest.Check(t, train, test)
		if show(train) != c.train || show(test) != c.test || !slices.Equal(train.Classes(), c.classes) {
			t.Errorf("%s: %q, %q, classes %q", name, show(train), show(test), train.Classes())
		}
	}
}

func TestSplit(t *testing.T) {
	text := "path\n"
	for i := range 200 {
		text += fmt.Sprintf("%d.png\n", i)
	}
	o := Options{File: write(t, "list.csv", text), TestFraction: 0.25, Bounds: source.Bounds{Images: 50}}
	train, test, err := Read(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 50 || test.Len() < 30 || test.Len() > 70 || train.Classes() != nil || train.Label(0) != -1 {
		t.Errorf("%d and %d images, classes %q", train.Len(), test.Len(), train.Classes())
	}
	if _, err := train.Image(0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an image that is missing: %v", err)
	}
	// An absolute path is taken as it is.
	dir := filepath.Dir(o.File)
	o = Options{
		File:         write(t, "list.csv", "path,split\n"+filepath.Join(dir, "a/0.png")+",train\nb/2.png,test\n"),
		TestFraction: 0.2,
	}
	if train, test, err = Read(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	sourcetest.Check(t, train, test)
}

func TestParquetOfPaths(t *testing.T) {
	raw, err := os.ReadFile("testdata/paths.parquet")
	if err != nil {
		t.Fatal(err)
	}
	upper := strings.NewReplacer("label", "Label", "split", "SPLIT").Replace(string(raw)) // the names of columns
	for _, text := range []string{string(raw), upper} {
		train, test, err := Read(t.Context(), Options{File: write(t, "paths.parquet", text), TestFraction: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, train, test)
		if show(train) != "a/0.png=cat a/1.png=cat b/2.png=dog" || show(test) != "b/3.png=-" {
			t.Errorf("%q, %q", show(train), show(test))
		}
	}
}

func TestParquetOfImages(t *testing.T) {
	train, test, err := Read(t.Context(), Options{File: "testdata/images.parquet", TestFraction: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len()+test.Len() != 23 || !slices.Equal(train.Classes(), []string{"zero", "one", "two"}) {
		t.Fatalf("%q, %q, classes %q", show(train), show(test), train.Classes())
	}
	check := func(s source.Set, i int) {
		var n int
		if _, err := fmt.Sscan(strings.TrimLeft(s.ID(i), "0")+" 0", &n); err != nil {
			t.Error(err)
		}
		if n == 9 {
			if _, err := s.Image(i); err == nil ||
				!strings.Contains(err.Error(), "images.parquet: row 000009: the row holds no image") {
				t.Errorf("row 9: %v", err)
			}
			return
		}
		want := n % 3
		if n == 4 {
			want = -1
		}
		m, err := s.Image(i)
		if err != nil || m.Width != 4+n%3 || m.Height != 3 || s.Label(i) != want {
			t.Errorf("row %d: %d x %d, label %d, %v", n, m.Width, m.Height, s.Label(i), err)
			return
		}
		if d := int(m.Pix[0]) - 10*n; d < -2 || d > 2 {
			t.Errorf("row %d: colour %v", n, m.Pix[:3])
		}
		raw, err := s.Encoded(i)
		if err != nil || (raw != nil) != (n == 5) {
			t.Errorf("row %d: %d bytes of JPEG, %v", n, len(raw), err)
		}
		if h, err := s.(source.Inspector).Inspect(i); err != nil || h.Width != m.Width || h.Bytes == 0 {
			t.Errorf("row %d: %+v, %v", n, h, err)
		}
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for _, s := range []source.Set{train, test} {
				for i := range s.Len() {
					check(s, i)
				}
				for i := s.Len() - 1; i >= 0; i-- {
					check(s, i)
				}
			}
		})
	}
	wg.Wait()
	for _, i := range []int{-1, train.Len()} {
		if _, err := train.Image(i); err == nil {
			t.Errorf("image %d of %d", i, train.Len())
		}
	}
}

func TestErrors(t *testing.T) {
	parquet, err := os.ReadFile("testdata/images.parquet")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Clone(parquet)
	footer := len(spoilt) - 8 - int(binary.LittleEndian.Uint32(spoilt[len(spoilt)-8:]))
	copy(spoilt[footer:], bytes.Repeat([]byte{0xff}, 40))
	for name, c := range map[string]struct {
		text   string
		change func(*Options)
		want   string
	}{
		"empty":   {"", nil, "line 1: must name the columns, such as path,label,split"},
		"no rows": {"path,label\n", nil, "it names columns, but no image"},
		"no path": {"scan,label\nx,y\n", nil,
			"; there are scan, label: set data.path_column"},
		"wrong name": {"path,label\nx,y\n", func(o *Options) { o.LabelColumn = "Label" },
			"no column is called Label; there are path, label: change data.label_column"},
		"two columns":   {"path,path\nx,y\n", nil, "line 1: two columns are called \"path\""},
		"ragged":        {"path,label\nx,y\nz\n", nil, "record on line 3: wrong number of fields"},
		"quote":         {"path,label\nx,\"y\n", nil, "line 2"},
		"twice":         {"path\nx\ny\nx\n", nil, "line 4: \"x\" again, after line 2; remove one of them"},
		"no value":      {"path,label\nx,1\n,2\n", nil, "line 3: column path is empty"},
		"split":         {"path,split\nx,train\ny,holdout\n", nil, "line 3: split \"holdout\" must be train, test or val"},
		"test only":     {"path,split\nx,test\n", nil, "no image is for training"},
		"train only":    {"path,split\nx,train\n", nil, "splitting its 1 images leaves"},
		"binary":        {"\x89PNG\r\n\x1a\n", nil, "no column is called path"},
		"zeros":         {"\x00\x00\n", nil, "neither CSV nor Parquet"},
		"cut Parquet":   {string(parquet[:len(parquet)-50]), nil, "a damaged Parquet file"},
		"spoilt footer": {string(spoilt), nil, "a damaged Parquet file"},
	} {
		o := Options{File: write(t, "list.csv", c.text), TestFraction: 0.2}
		if c.change != nil {
			c.change(&o)
		}
		_, _, err := Read(t.Context(), o)
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "list.csv") ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, _, err := Read(t.Context(), Options{File: t.TempDir()}); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "holds no .parquet or .arrow file") {
		t.Errorf("a folder: %v", err)
	}
	if _, _, err := Read(t.Context(), Options{File: "testdata/none.csv"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Read(
		ctx,
		Options{File: "testdata/images.parquet", TestFraction: 0.2},
	); !errors.Is(
		err,
		context.Canceled,
	) {
		t.Errorf("cancelled: %v", err)
	}
}

// FuzzRead: whatever a table holds, reading it ends in an error or in sets that can be asked.
func FuzzRead(f *testing.F) {
	for _, name := range []string{
		"testdata/paths.parquet", "testdata/images.parquet", "testdata/codecs/lz41.parquet", "testdata/codecs/lz42.parquet",
		"testdata/bytes.parquet", "testdata/content.parquet", "testdata/path_only.parquet",
	} {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("path,label,split\na,b,train\nc,\"d\ne\",test\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		train, test, err := Read(t.Context(), Options{File: file, TestFraction: 0.5})
		if err != nil {
			return
		}
		for _, s := range []source.Set{train, test} {
			for i := range min(s.Len(), 30) {
				_, _ = s.Image(i)
				if l := s.Label(i); l < -1 || l >= len(s.Classes()) {
					t.Errorf("label %d of %d", l, len(s.Classes()))
				}
			}
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "list")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "images.csv")
	if err := os.WriteFile(
		file,
		[]byte("path,label,split\n1.jpg,cat,train\n2.jpg,dog,train\n3.jpg,dog,test\n"),
		0o600,
	); err != nil {
		panic(err)
	}
	train, test, err := Read(context.Background(), Options{File: file})
	if err != nil {
		panic(err)
	}
	fmt.Println(train.Len(), test.Len(), train.Classes())
	// Output:
	// 2 1 [cat dog]
}
