package folder

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ordo/models/fault"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

func at(root string) Options { return Options{Root: root, TestFraction: 0.2} }

func read(t *testing.T, o Options) (train, test source.Set) {
	t.Helper()
	train, test, err := Read(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

// many is a root without train and test folders: 60 images of two classes.
func many(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for i := range 60 {
		class := []string{"cat", "dog"}[i%2]
		files[fmt.Sprintf("%s/%02d.png", class, i)] = sourcetest.PNG(t, 4, 4, color.Gray{uint8(i)})
	}
	return files
}

func TestLayouts(t *testing.T) {
	raw := sourcetest.PNG(t, 8, 6, color.White)
	for name, c := range map[string]struct {
		files       []string
		train, test []string // ids and, after an =, classes
		classes     []string
	}{
		"train and test": {
			[]string{"train/b/2.JPG", "train/b/10.png", "train/a/x.jpeg", "train/a/.hidden.jpg", "train/a/notes.txt",
				"train/.git/x.png",
				"train/__MACOSX/y.png", "readme.md", "test/b/1.Png", "val/a/3.png", "annotations/a.png"},
			[]string{"train/a/x.jpeg=a", "train/b/10.png=b", "train/b/2.JPG=b"}, []string{"test/b/1.Png=b"}, []string{"a", "b"},
		},
		"validation": {
			[]string{"Training/a/1.png", "Validation/a/2.webp"}, []string{"Training/a/1.png=a"},
			[]string{"Validation/a/2.webp=a"}, []string{"a"},
		},
		"nested": {
			[]string{"train/a/deep/er/1.png", "train/a/2.tif", "train/b/3.gif", "test/b/in/4.bmp"},
			[]string{"train/a/2.tif=a", "train/a/deep/er/1.png=a", "train/b/3.gif=b"}, []string{"test/b/in/4.bmp=b"},
			[]string{"a", "b"},
		},
		"of a camera or a network storage": {
			[]string{"train/a/1.ppm", "train/a/2.PGM", "train/a/@eaDir/1.ppm/SYNOPHOTO_THUMB_M.jpg", "train/@eaDir/x.jpg",
				"train/.thumbnails/1.jpg", "train/$RECYCLE.BIN/1.jpg", "train/$Recycle.Bin/1.jpg", "train/#recycle/1.jpg",
				"train/System Volume Information/1.jpg", "train/a/._1.png", "train/a/Thumbs.db", "test/@EADIR/1.jpg",
				"test/a/3.pbm", "@eaDir/a/1.png"},
			[]string{"train/a/1.ppm=a", "train/a/2.PGM=a"}, []string{"test/a/3.pbm=a"}, []string{"a"},
		},
		"unlabelled": {
			[]string{"train/2.png", "train/1.png", "test/3.png", "test/notes.txt"},
			[]string{"train/1.png=-", "train/2.png=-"}, []string{"test/3.png=-"}, nil,
		},
		"unlabelled training": {
			[]string{"train/1.png", "test/b/2.png", "test/a/3.png"},
			[]string{"train/1.png=-"}, []string{"test/a/3.png=a", "test/b/2.png=b"}, []string{"a", "b"},
		},
		"unlabelled testing": {
			[]string{"train/a/1.png", "test/2.png"}, []string{"train/a/1.png=a"}, []string{"test/2.png=-"}, []string{"a"},
		},
	} {
		files := map[string][]byte{}
		for _, f := range c.files {
			files[f] = raw
		}
		train, test := read(t, at(sourcetest.Write(t, files)))
		sourcetest.Check(t, train, test)
		for _, s := range []struct {
			set  source.Set
			want []string
		}{{train, c.train}, {test, c.test}} {
			got := sourcetest.IDs(s.set)
			for i, l := range sourcetest.Labels(s.set) {
				got[i] += "=" + l
			}
			if !slices.Equal(got, s.want) || !slices.Equal(s.set.Classes(), c.classes) {
				t.Errorf("%s: %v of %v, want %v of %v", name, got, s.set.Classes(), s.want, c.classes)
			}
		}
	}
}

// TestLeftOut: what isn't read is counted by its extension.
func TestLeftOut(t *testing.T) {
	raw := sourcetest.PNG(t, 4, 4, color.White)
	two := map[string][]byte{"train/labels.csv": nil, "readme.md": nil}
	one := map[string][]byte{"readme.md": nil}
	for i := range 20 {
		two[fmt.Sprintf("train/a/%d.png", i)], two[fmt.Sprintf("test/a/in/%d.NPY", i)] = raw, nil
		one[fmt.Sprintf("a/%d.png", i)] = raw
	}
	two["test/a/1.png"], two["train/a/.hidden"], two["train/a/plain"] = raw, nil, nil
	for _, c := range []struct {
		files       map[string][]byte
		want        string
		train, test int
	}{
		{two, "20 .npy, 1 without an extension, 1 .csv", 20, 1},
		{one, "1 .md", 16, 4},
	} {
		o := at(sourcetest.Write(t, c.files))
		o.Bounds = source.Bounds{Images: 2, TestImages: 1}
		train, test := read(t, o)
		for _, s := range []source.Set{train, test} {
			about := s.(source.Described).About()
			if about.LeftOut.String() != c.want || about.Folder != o.Root || about.Train+about.Test != c.train+c.test {
				t.Errorf("%+v, want %s and %d images", about, c.want, c.train+c.test)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	files := many(t)
	root := sourcetest.Write(t, files)
	train, test := read(t, at(root))
	if train.Len()+test.Len() != 60 || test.Len() < 5 || test.Len() > 20 {
		t.Fatalf("%d and %d images", train.Len(), test.Len())
	}
	for _, s := range []source.Set{train, test} {
		if !slices.IsSorted(sourcetest.IDs(s)) {
			t.Errorf("not sorted: %v", sourcetest.IDs(s))
		}
	}
	// Removing one image moves no other.
	gone := train.ID(3)
	if err := os.Remove(filepath.Join(root, filepath.FromSlash(gone))); err != nil {
		t.Fatal(err)
	}
	fewer, sameTest := read(t, at(root))
	if want := slices.Delete(sourcetest.IDs(train), 3, 4); !slices.Equal(sourcetest.IDs(fewer), want) ||
		!slices.Equal(sourcetest.IDs(sameTest), sourcetest.IDs(test)) {
		t.Errorf("removing %s moved others", gone)
	}
	if fewer.Key() == train.Key() || sameTest.Key() != test.Key() {
		t.Error("the keys don't tell what changed")
	}
	o := at(sourcetest.Write(t, many(t)))
	o.Bounds.Seed = 1
	if _, other := read(t, o); slices.Equal(sourcetest.IDs(other), sourcetest.IDs(test)) {
		t.Error("the seed doesn't matter")
	}
	// A train folder alone is split, too; a class may be called test when there is no train.
	raw := sourcetest.PNG(t, 4, 4, color.White)
	half := map[string][]byte{}
	for i := range 20 {
		half[fmt.Sprintf("train/a/%d.png", i)] = raw
	}
	o = at(sourcetest.Write(t, half))
	o.TestFraction = 0.5
	train, test = read(t, o)
	if train.Len()+test.Len() != 20 || !strings.HasPrefix(test.ID(0), "train/a/") {
		t.Errorf("%d and %d images", train.Len(), test.Len())
	}
	for name := range half {
		half[strings.Replace(name, "train/a", "test", 1)] = half[name]
		delete(half, name)
	}
	o.Root = sourcetest.Write(t, half)
	if train, _ = read(t, o); !slices.Equal(train.Classes(), []string{"test"}) {
		t.Errorf("classes %v", train.Classes())
	}
}

func TestBounds(t *testing.T) {
	o := at(sourcetest.Write(t, many(t)))
	all, _ := read(t, o)
	o.Bounds = source.Bounds{Images: 20, TestImages: 3}
	train, test := read(t, o)
	if train.Len() != 20 || test.Len() != 3 {
		t.Fatalf("%d and %d images", train.Len(), test.Len())
	}
	cats := 0
	for i, id := range sourcetest.IDs(train) {
		if !slices.Contains(sourcetest.IDs(all), id) {
			t.Errorf("%s is none of the training images", id)
		}
		if train.Label(i) == 0 {
			cats++
		}
	}
	if !slices.IsSorted(sourcetest.IDs(train)) || cats == 0 || cats == 20 {
		t.Errorf("%d cats among 20, ids %v", cats, sourcetest.IDs(train))
	}
}

func TestKey(t *testing.T) {
	root := sourcetest.Write(t, many(t))
	train, _ := read(t, at(root))
	if again, _ := read(t, at(root)); again.Key() != train.Key() {
		t.Error("read again it is another")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Skip(err)
	}
	if again, _ := read(t, at(link)); again.Key() != train.Key() {
		t.Error("it depends on where the folder is")
	}
	file := filepath.Join(root, filepath.FromSlash(train.ID(0)))
	if err := os.Chtimes(file, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	touched, _ := read(t, at(root))
	o := at(root)
	o.Picture.Background = [3]uint8{255, 255, 255}
	white, _ := read(t, o)
	if touched.Key() == train.Key() || white.Key() == touched.Key() {
		t.Error("the modification time or the background doesn't matter")
	}
}

func TestSymbolicLinks(t *testing.T) {
	root := sourcetest.Write(t, many(t))
	link := t.TempDir()
	for _, class := range []string{"cat", "dog"} {
		if err := os.Symlink(filepath.Join(root, class), filepath.Join(link, class)); err != nil {
			t.Skip(err)
		}
	}
	a, _ := read(t, at(root))
	b, _ := read(t, at(link))
	if a.Key() != b.Key() {
		t.Error("links to folders are read otherwise")
	}
	// A link to a file that is gone is an item that can't be read.
	if err := os.Symlink("gone.png", filepath.Join(root, "cat", "x.png")); err != nil {
		t.Fatal(err)
	}
	a, b = read(t, at(root))
	missing := 0
	for _, s := range []source.Set{a, b} {
		for i := range s.Len() {
			if _, err := s.Image(i); err != nil {
				if missing++; !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "x.png") {
					t.Error(err)
				}
			}
		}
	}
	if missing != 1 {
		t.Errorf("%d images are missing", missing)
	}
	// One that leads back to its parent ends.
	if err := os.Symlink(root, filepath.Join(root, "cat", "loop")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(t.Context(), at(root)); err == nil || !strings.Contains(err.Error(), "link") {
		t.Errorf("a link that leads back: %v", err)
	}
}

func TestErrors(t *testing.T) {
	good := sourcetest.PNG(t, 4, 4, color.White)
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"empty":         {nil, "holds neither images nor folders: put the images of each class"},
		"mixed":         {[]string{"a/1.png", "2.png"}, "holds images (2.png) beside folders of images: move them"},
		"empty class":   {[]string{"a/1.png", "b/"}, "b: a class without images: add some"},
		"one image":     {[]string{"a/1.png"}, "splitting its 1 images leaves"},
		"unknown class": {[]string{"train/a/1.png", "test/b/1.png"}, "b is a class without training images"},
		"empty split":   {[]string{"train/a/1.png", "test/"}, "test holds neither images nor folders"},
		"other files": {[]string{"a/1.npy", "a/2.NPY", "a/in/3.dcm", "b/1.png"},
			"a: a class without images, only files that aren't read (2 .npy, 1 .dcm)"},
		"other loose files": {[]string{"1.npy", "LICENSE"}, "(1 without an extension, 1 .npy)"},
	} {
		files := map[string][]byte{}
		for _, f := range c.files {
			files[f] = good
		}
		_, _, err := Read(t.Context(), at(sourcetest.Write(t, files)))
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, _, err := Read(t.Context(), at(filepath.Join(t.TempDir(), "missing"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing root: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Read(ctx, at(sourcetest.Write(t, many(t)))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestUnreadable: readers list what can't be decoded; the error of Image says which file and why.
func TestUnreadable(t *testing.T) {
	good := sourcetest.PNG(t, 40, 40, color.White)
	train, _ := read(t, at(sourcetest.Write(t, map[string][]byte{
		"train/a/1.png":  good[:len(good)-14],
		"train/a/2.heic": []byte("\x00\x00\x00\x18ftypheic\x00\x00"),
		"train/a/3.png":  nil,
		"test/a/4.png":   good,
	})))
	for i, want := range []string{"1.png: a PNG image that is cut off: remove or replace it", "2.heic: a HEIC image",
		"3.png: an empty file"} {
		if _, err := train.Image(i); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", train.ID(i), err, want)
		}
		if raw, err := train.Encoded(i); raw != nil || err != nil {
			t.Errorf("%s: %d bytes of JPEG, %v", train.ID(i), len(raw), err)
		}
	}
}

func Example() {
	root, err := os.MkdirTemp("", "folder")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	for _, name := range []string{"train/cat/1.png", "train/dog/2.png", "test/dog/3.png"} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			fmt.Println(err)
			return
		}
	}
	train, test, err := Read(context.Background(), Options{Root: root})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train.Len(), test.Len(), train.Classes(), train.ID(1))
	// Output:
	// 2 1 [cat dog] train/dog/2.png
}
