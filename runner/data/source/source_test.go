package source_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ordo/runner/data/picture"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

func TestSample(t *testing.T) {
	items := make([]string, 1000)
	for i := range items {
		items[i] = fmt.Sprint(i)
	}
	same := func(s string) string { return s }
	for _, n := range []int{1, 10, 999} {
		got := source.Sample(items, n, 3, same)
		if len(got) != n ||
			!slices.IsSortedFunc(got, func(a, b string) int { return slices.Index(items, a) - slices.Index(items, b) }) {
			t.Errorf("%d of 1000: %d, or not in order", n, len(got))
		}
		// A larger sample holds the smaller one, and another item moves at most one.
		if more := source.Sample(
			items,
			n+1,
			3,
			same,
		); len(
			slices.DeleteFunc(slices.Clone(got), func(s string) bool { return slices.Contains(more, s) }),
		) > 0 {
			t.Errorf("%d items are not among %d", n, n+1)
		}
	}
	for _, n := range []int{0, 1000, 2000} {
		if got := source.Sample(items, n, 3, same); len(got) != 1000 {
			t.Errorf("%d of 1000: %d", n, len(got))
		}
	}
	if slices.Equal(source.Sample(items, 10, 3, same), source.Sample(items, 10, 4, same)) {
		t.Error("the seed doesn't matter")
	}
	train, test := source.Split(items, 0.3, 3, same)
	if len(train)+len(test) != 1000 || len(test) < 250 || len(test) > 350 {
		t.Errorf("%d and %d", len(train), len(test))
	}
}

func TestFindFolder(t *testing.T) {
	root := sourcetest.Write(t, map[string][]byte{
		"a/b/x.txt":       nil,
		"a/b/y/1.png":     nil,
		"c/x.txt":         nil,
		".hidden/x.txt":   nil,
		".hidden/y/2.png": nil,
		"d/e/f/g/x.txt":   nil,
		"d/e/f/g/y/":      nil,
	})
	if got, err := source.FindFolder(root, 2, "x.txt", "y"); err != nil || got != filepath.Join(root, "a", "b") {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := source.FindFolder(root, 1, "x.txt", "y"); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "holds no folder with x.txt, y in it") {
		t.Errorf("too deep: %v", err)
	}
	if _, err := source.FindFolder(root, 2, "x.txt"); err != nil {
		t.Errorf("the nearest: %v", err)
	}
	sourcetest.Add(t, root, map[string][]byte{"h/b/x.txt": nil, "h/b/y/": nil})
	if _, err := source.FindFolder(root, 2, "x.txt", "y"); err == nil || errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "holds several: ") {
		t.Errorf("several: %v", err)
	}
}

func TestFiles(t *testing.T) {
	gradient := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	for y := range 10 {
		for x := range 20 {
			gradient.Set(x, y, color.NRGBA{uint8(10 * x), uint8(20 * y), 0, 255})
		}
	}
	raw := sourcetest.Encode(t, gradient)
	root := sourcetest.Write(t, map[string][]byte{
		"a.png":     raw,
		"b.jpg":     sourcetest.JPEG(t, 30, 20, color.White),
		"clear.png": sourcetest.PNG(t, 2, 2, color.NRGBA{}),
		"dir.png/":  nil,
		"cut.png":   raw[:len(raw)/2],
	})
	var files []source.File
	for _, name := range []string{"a.png", "b.jpg", "clear.png", "cut.png", "dir.png", "gone.png"} {
		files = append(files, source.File{ID: name, Path: filepath.Join(root, name), Label: -1})
	}
	boxed := files[0]
	boxed.ID, boxed.Box = "box", image.Rect(-5, 3, 4, 50)
	outside := files[0]
	outside.ID, outside.Box = "outside", image.Rect(30, 0, 40, 10)
	files = append(files, boxed, outside)
	s, err := source.NewFiles(
		t.Context(),
		files,
		source.FileOptions{Settings: "test", Picture: picture.Options{Background: [3]uint8{1, 2, 3}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"20x10", "30x20", "2x2", "cut off: remove or replace it", "not a file", "no such file",
		"4x7", "its box (30,0)-(40,10) lies outside of its 20 x 10 pixels"} {
		m, err := s.Image(i)
		if got := fmt.Sprintf("%dx%d", m.Width, m.Height); err == nil && got != want || err != nil &&
			(!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), root)) {
			t.Errorf("%s: %s, %v, want %s", s.ID(i), got, err, want)
		}
	}
	if m, err := s.Image(2); err != nil || !slices.Equal(m.Pix[:3], []uint8{1, 2, 3}) {
		t.Errorf("background %v, %v", m.Pix, err)
	}
	if m, err := s.Image(6); err != nil || m.Pix[1] != 60 || m.Pix[3] != 10 {
		t.Errorf("box begins with %v, %v", m.Pix[:6], err)
	}
	if jpg, err := s.Encoded(1); err != nil || !bytes.HasPrefix(jpg, []byte("\xff\xd8")) {
		t.Errorf("%d bytes of JPEG, %v", len(jpg), err)
	}
	if h, err := s.Inspect(6); err != nil || h.Width != 4 || h.Height != 7 || h.Format != "PNG" ||
		h.Bytes != int64(len(raw)) {
		t.Errorf("header %+v, %v", h, err)
	}
	for i := range s.Len() {
		if _, err := s.Inspect(i); (err == nil) != slices.Contains([]int{0, 1, 2, 3, 6, 7}, i) {
			t.Errorf("header of %s: %v", s.ID(i), err)
		}
	}
}

// TestFilesKey: the key of a set names packed files and runs, and so it stays what it was.
func TestFilesKey(t *testing.T) {
	root := sourcetest.Write(t, map[string][]byte{"a.png": []byte("abc")})
	files := []source.File{
		{ID: "a.png", Path: filepath.Join(root, "a.png"), Label: 3},
		{ID: "b/\"quoted\" é\x00\xff\u2028.png", Path: filepath.Join(root, "gone.png"), Label: -1},
		{ID: "box", Path: filepath.Join(root, "a.png"), Box: image.Rect(-1, 2, 3, 4)},
	}
	when := time.Unix(1700000000, 123456789)
	if err := os.Chtimes(files[0].Path, when, when); err != nil {
		t.Fatal(err)
	}
	o := source.FileOptions{
		Settings: "test", Classes: []string{"x", "y"}, Picture: picture.Options{Background: [3]uint8{1, 2, 3}},
	}
	s, err := source.NewFiles(t.Context(), files, o)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "files %q %v %q\n", o.Settings, o.Picture.Background, o.Classes)
	for i, stat := range [][2]int64{{3, when.UnixNano()}, {-1, 0}, {3, when.UnixNano()}} {
		fmt.Fprintf(h, "%q %d %v %d %d\n", files[i].ID, files[i].Label, files[i].Box, stat[0], stat[1])
	}
	if want := fmt.Sprintf("%x", h.Sum(nil)[:16]); s.Key() != want {
		t.Errorf("key %s, want %s", s.Key(), want)
	}
}

func TestBlobs(t *testing.T) {
	root := sourcetest.Write(t, map[string][]byte{"x.bin": []byte("0123456789ab")})
	b, err := source.OpenBlob(filepath.Join(root, "x.bin"))
	if err != nil {
		t.Fatal(err)
	}
	set := func(change func(*source.RecordOptions)) *source.Records {
		o := source.RecordOptions{
			Settings: "test", Bytes: 3, Width: 1, Height: 1, Channels: 3, Blobs: []source.Blob{b}, Decode: source.Planes,
			Records: []source.Record{{ID: "a", Label: -1}, {ID: "b", Label: -1, Offset: 9}, {ID: "c", Label: -1, Offset: 10}},
		}
		change(&o)
		s, err := source.NewRecords(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := set(func(*source.RecordOptions) {})
	if m, err := s.Image(1); err != nil || string(m.Pix) != "9ab" {
		t.Errorf("%q, %v", m.Pix, err)
	}
	if _, err := s.Image(2); err == nil || !strings.Contains(err.Error(), "x.bin: image 2: EOF") {
		t.Errorf("beyond the end: %v", err)
	}
	for name, change := range map[string]func(*source.RecordOptions){
		"settings": func(o *source.RecordOptions) { o.Settings = "other" },
		"label":    func(o *source.RecordOptions) { o.Classes, o.Records[0].Label = []string{"x"}, 0 },
		"id":       func(o *source.RecordOptions) { o.Records[0].ID = "z" },
		"time":     func(o *source.RecordOptions) { o.Blobs = []source.Blob{b}; o.Blobs[0].Stamp++ },
	} {
		if set(change).Key() == s.Key() {
			t.Errorf("%s: the key is the same", name)
		}
	}
	if _, err := source.OpenBlob(root); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a folder: %v", err)
	}
}

func ExampleNewFiles() {
	dir, err := os.MkdirTemp("", "files")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	files := []source.File{{ID: "gone", Path: filepath.Join(dir, "gone.png"), Label: 0}}
	s, err := source.NewFiles(
		context.Background(),
		files,
		source.FileOptions{Settings: "example", Classes: []string{"cat"}},
	)
	if err != nil {
		panic(err)
	}
	_, err = s.Image(0)
	fmt.Println(s.Len(), s.Classes(), errors.Is(err, fs.ErrNotExist))
	// Output:
	// 1 [cat] true
}
