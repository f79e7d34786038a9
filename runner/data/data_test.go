package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
	"ordo/runner/data/pack"
)

func TestValidate(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   []string // beginnings of the faults, in order; none: valid
	}{
		"idx":      {func(o *Options) { o.Source, o.Root = SourceIDX, "x" }, nil},
		"folder":   {func(o *Options) { o.Source, o.Root, o.TestFraction = SourceFolder, "x", 0.5 }, nil},
		"smallest": {func(o *Options) { o.ImageSize = 8 }, nil},
		"largest":  {func(o *Options) { o.ImageSize = 1024 }, nil},
		"unknown source": {func(o *Options) { o.Source = "mnist" },
			[]string{"source: must be one of orchard, idx, folder, fruits360, cub200, bloodcells, cifar10, cifar100, stl10, " +
				"list, got \"mnist\""}},
		"list": {func(o *Options) {
			o.Source, o.Root, o.LabelColumn, o.Background = SourceList, "x.csv", "y", "#A0b1c2"
		}, nil},
		"coarse":       {func(o *Options) { o.Source, o.Root, o.Labels = SourceCIFAR100, "x", "coarse" }, nil},
		"needs a file": {func(o *Options) { o.Source = SourceList }, []string{"root: list needs the CSV, Parquet"}},
		"of another": {
			func(o *Options) {
				o.Boxes, o.Labels, o.Unlabeled, o.PathColumn, o.SplitColumn = true, "fine", true, "a", "b"
			},
			[]string{"boxes: only cub200 has it, and source is orchard; leave it out", "labels: only cifar100",
				"unlabeled: only stl10",
				"path_column: only list", "split_column: only list"},
		},
		"background": {func(o *Options) { o.Background = "black" },
			[]string{"background: orchard has no transparent pixels"}},
		"colour": {func(o *Options) { o.Background = "#12345" },
			[]string{"background: must be white, black, grey or '#rrggbb'"}},
		"labels": {func(o *Options) { o.Source, o.Root, o.Labels = SourceCIFAR100, "x", "all" },
			[]string{"labels: must be fine or coarse, got \"all\""}},
		"needs root": {func(o *Options) { o.Source = SourceFolder }, []string{"root: folder needs"}},
		"needs none": {func(o *Options) { o.Root = "x" }, []string{"root: orchard is drawn"}},
		"all at once": {
			func(o *Options) { o.ImageSize, o.Images, o.TestImages, o.TestFraction = 7, -1, -2, 1 },
			[]string{"image_size: must be in [8, 1024], got 7", "images:", "test_images:", "test_fraction:"},
		},
		"per class":            {func(o *Options) { o.PerClass, o.TestPerClass = 5, 2 }, nil},
		"per class of a split": {func(o *Options) { o.PerClass, o.TestImages = 5, 200 }, nil},
		"per class and in all": {
			func(o *Options) { o.PerClass, o.Images, o.TestPerClass, o.TestImages = 5, 50, 2, 20 },
			[]string{"per_class: stands in place of images, which is 50", "test_per_class: stands in place of test_images"},
		},
		"negative per class": {func(o *Options) { o.PerClass, o.TestPerClass, o.Images = -1, -2, 5 },
			[]string{"per_class: must not be negative, got -1", "test_per_class: must not be negative"}},
		"cache": {
			func(o *Options) { o.Cache.Format, o.Cache.Quality, o.OnError = "png", 0, "stop" },
			[]string{"cache.format: must be one of raw, jpeg", "cache.quality: ", "on_error: must be fail or skip"},
		},
		"too large": {func(o *Options) { o.ImageSize = 1025 }, []string{"image_size:"}},
	} {
		o := DefaultOptions()
		c.change(&o)
		err := o.Validate()
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if !slices.EqualFunc(lines, c.want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", name, lines, c.want)
		}
	}
}

// TestKeys holds the names in a file against those in the documentation.
func TestKeys(t *testing.T) {
	d := yaml.NewDecoder(strings.NewReader(
		"{source: idx, root: d, image_size: 28, images: 5, test_images: 6, per_class: 3, test_per_class: 4, seed: 7, " +
			"test_fraction: 0.1, background: black, boxes: true, " +
			"labels: coarse, unlabeled: true, path_column: p, label_column: l, split_column: s}",
	))
	d.KnownFields(true)
	var got Options
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := Options{
		Source:       SourceIDX,
		Root:         "d",
		ImageSize:    28,
		Images:       5,
		TestImages:   6,
		PerClass:     3,
		TestPerClass: 4,
		Seed:         7,
		TestFraction: 0.1,
		Background:   "black",
		Boxes:        true,
		Labels:       "coarse",
		Unlabeled:    true,
		PathColumn:   "p",
		LabelColumn:  "l",
		SplitColumn:  "s",
	}
	if got != want {
		t.Errorf("got %+v", got)
	}
}

// roots makes one readable folder for every source.
func roots(t *testing.T) map[string]string {
	t.Helper()
	files, photos := t.TempDir(), t.TempDir()
	write := func(path string, raw []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, split := range []string{"train", "t10k"} {
		images := []byte{0, 0, 8, 3}
		for _, d := range []uint32{2, 9, 9} {
			images = binary.BigEndian.AppendUint32(images, d)
		}
		write(filepath.Join(files, split+"-images-idx3-ubyte"), append(images, make([]byte, 2*9*9)...))
		write(filepath.Join(files, split+"-labels-idx1-ubyte"), []byte{0, 0, 8, 1, 0, 0, 0, 2, 0, 1})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"train", "test"} {
		write(filepath.Join(photos, split, "a", "1.png"), b.Bytes())
	}
	return map[string]string{SourceOrchard: "", SourceIDX: files, SourceFolder: photos}
}

// TestDatasets holds every source to what Dataset promises.
func TestDatasets(t *testing.T) {
	for source, root := range roots(t) {
		o := DefaultOptions()
		o.Source, o.Root = source, root
		splits, err := Open(context.Background(), o)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		ids := map[string]bool{}
		for _, d := range []Dataset{splits.Train, splits.Test} {
			if d.Len() < 1 || len(d.Fingerprint()) != 16 || !slices.Equal(d.Classes(), splits.Train.Classes()) {
				t.Errorf("%s: %d images, fingerprint %q, classes %q", source, d.Len(), d.Fingerprint(), d.Classes())
			}
			for i := range min(d.Len(), 20) {
				m, err := d.Image(i)
				if err != nil || m.Width < 1 || m.Height < 1 || len(m.Pix) != 3*m.Width*m.Height {
					t.Errorf("%s: image %d: %d x %d, %d bytes, %v", source, i, m.Width, m.Height, len(m.Pix), err)
				}
				if l := d.Label(i); l < 0 || l >= len(d.Classes()) {
					t.Errorf("%s: image %d has label %d", source, i, l)
				}
				if ids[d.ID(i)] {
					t.Errorf("%s: two images are %s", source, d.ID(i))
				}
				ids[d.ID(i)] = true
			}
			for _, i := range []int{-1, d.Len()} {
				if _, err := d.Image(i); err == nil {
					t.Errorf("%s: image %d of %d", source, i, d.Len())
				}
			}
		}
		if splits.Train.Fingerprint() == splits.Test.Fingerprint() {
			t.Errorf("%s: both splits have one fingerprint", source)
		}
		again, err := Open(context.Background(), o)
		if err != nil || again.Train.Fingerprint() != splits.Train.Fingerprint() {
			t.Errorf("%s: opened again it is another: %v", source, err)
		}
	}
}

func TestSizes(t *testing.T) {
	o := DefaultOptions()
	splits, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if splits.Train.Len() != orchardImages || splits.Test.Len() != orchardTestImages {
		t.Errorf("%d and %d images", splits.Train.Len(), splits.Test.Len())
	}
	o.Images, o.TestImages, o.ImageSize = 24, 12, 48
	splits, err = Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := splits.Test.Image(11)
	if err != nil || splits.Train.Len() != 24 || splits.Test.Len() != 12 || m.Width != 48 {
		t.Errorf("%d and %d images of %d px: %v", splits.Train.Len(), splits.Test.Len(), m.Width, err)
	}
	o = DefaultOptions()
	o.Source, o.Root = SourceFolder, roots(t)[SourceFolder]
	splits, err = Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := splits.Train.Image(0); err != nil || m.Height != 64 || m.Width != 96 {
		t.Errorf("a photo of 300 x 200 became %d x %d: %v", m.Width, m.Height, err)
	}
}

func TestOpenErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for source, root := range roots(t) {
		o := DefaultOptions()
		o.Source, o.Root = source, root
		if _, err := Open(cancelled, o); !errors.Is(err, context.Canceled) || errors.Is(err, fault.Data) {
			t.Errorf("%s, cancelled: %v", source, err)
		}
		if source == SourceOrchard {
			continue
		}
		o.Root = filepath.Join(t.TempDir(), "missing")
		_, err := Open(context.Background(), o)
		if !errors.Is(err, fault.Data) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s, missing: %v", source, err)
		}
	}
	if _, err := Open(context.Background(), Options{}); err == nil || errors.Is(err, fault.Data) {
		t.Errorf("options without anything: %v", err)
	}
}

// TestOneClass: a folder too high has one class, and that is asked.
func TestOneClass(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"images/a/1.png": "", "images/b/2.png": "", "images/b/3.png": ""} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	o := DefaultOptions()
	o.Source, o.TestFraction = SourceFolder, 0.5
	for root, want := range map[string]int{dir: 1, filepath.Join(dir, "images"): 0} {
		o.Root = root
		sets, err := List(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if notes := sets.Notes(); len(notes) != want || want > 0 && !strings.Contains(notes[0], "are the classes in "+
			filepath.Join(dir, "images")+"?") {
			t.Errorf("%s: notes %q", root, notes)
		}
	}
}

// TestMissingRoot: it is said what a relative root is relative to.
func TestMissingRoot(t *testing.T) {
	wd := t.TempDir()
	t.Chdir(wd)
	for _, source := range []string{SourceFolder, SourceIDX, SourceList, SourceCUB200} {
		o := DefaultOptions()
		o.Source, o.Root = source, "none/at/all"
		_, err := List(t.Context(), o)
		if !errors.Is(err, fault.Data) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), wd) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func ExampleOpen() {
	o := DefaultOptions()
	o.Images, o.TestImages = 1200, 240
	splits, err := Open(context.Background(), o)
	if err != nil {
		log.Fatal(err)
	}
	m, err := splits.Train.Image(7)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(splits.Train.Len(), splits.Test.Len(), len(splits.Train.Classes()))
	fmt.Println(splits.Train.ID(7), m.Width, m.Height)
	// Output:
	// 1200 240 12
	// train/000007 32 32
}

// TestList: every source is read by its own reader, whose errors come back as fault.Data.
func TestList(t *testing.T) {
	for _, source := range sources() {
		o := DefaultOptions()
		if o.Source = source; source != SourceOrchard {
			o.Root = filepath.Join(t.TempDir(), "missing")
		}
		sets, err := List(context.Background(), o)
		if source == SourceOrchard {
			if err != nil || sets.Train.Len() != orchardImages || sets.Test.Key() == sets.Train.Key() {
				t.Errorf("orchard: %v", err)
			}
			continue
		}
		if !errors.Is(err, fault.Data) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestMain keeps what tests pack out of the user's cache.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ordo-data-test-")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Setenv("ORDO_CACHE", dir); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary folder
	os.Exit(code)
}

// TestKinds holds that a set is the same wherever it is kept.
func TestKinds(t *testing.T) {
	for source, root := range roots(t) {
		o := DefaultOptions()
		o.Source, o.Root = source, root
		if source == SourceOrchard {
			o.Images, o.TestImages = 24, 12
		}
		var sets []Dataset
		for _, kind := range []string{pack.KindMemory, pack.KindPacked} {
			o.Cache.Kind = kind
			splits, err := Open(t.Context(), o)
			if err != nil {
				t.Fatalf("%s, %s: %v", source, kind, err)
			}
			sets = append(sets, splits.Train)
		}
		a, b := sets[0], sets[1]
		if _, ok := b.(*pack.File); !ok || a.Fingerprint() != b.Fingerprint() || a.Len() != b.Len() {
			t.Errorf("%s: %T with fingerprint %s, and %T with %s", source, a, a.Fingerprint(), b, b.Fingerprint())
		}
		for i := range a.Len() {
			m, err1 := a.Image(i)
			n, err2 := b.Image(i)
			if err1 != nil || err2 != nil || !bytes.Equal(m.Pix, n.Pix) || a.ID(i) != b.ID(i) || a.Label(i) != b.Label(i) {
				t.Fatalf("%s: image %d differs: %v, %v", source, i, err1, err2)
			}
		}
	}
}

// TestAutoKind holds what is packed unless the user says otherwise.
func TestAutoKind(t *testing.T) {
	o := DefaultOptions()
	sets, err := List(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(o *Options)
		want   bool
	}{
		"small Orchard":     {func(o *Options) {}, false},
		"JPEG":              {func(o *Options) { o.Cache.Format = pack.FormatJPEG }, true},
		"packed":            {func(o *Options) { o.Cache.Kind = pack.KindPacked }, true},
		"files":             {func(o *Options) { o.Source = SourceFolder }, true},
		"files in memory":   {func(o *Options) { o.Source, o.Cache.Kind = SourceFolder, pack.KindMemory }, false},
		"174 762 drawn":     {func(o *Options) { o.Images = 174_762 }, false},
		"174 763 drawn":     {func(o *Options) { o.Images = 174_763 }, true},
		"200 000 in memory": {func(o *Options) { o.Images, o.Cache.Kind = 200_000, pack.KindMemory }, false},
	} {
		o := DefaultOptions()
		c.change(&o)
		set := sets.Train
		if o.Source == SourceOrchard {
			all, err := List(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			set = all.Train
		}
		if got, err := o.packed(set); err != nil || got != c.want {
			t.Errorf("%s: packed %v, %v", name, got, err)
		}
	}
}

func TestOnError(t *testing.T) {
	root := roots(t)[SourceFolder]
	bad := filepath.Join(root, "train", "a", "2.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Source, o.Root = SourceFolder, root
	for _, kind := range []string{pack.KindMemory, pack.KindPacked} {
		o.Cache.Kind, o.OnError = kind, OnErrorFail
		if _, err := Open(t.Context(), o); !errors.Is(err, fault.Data) ||
			!strings.Contains(err.Error(), "1 of 2 images can't be read") ||
			!strings.Contains(err.Error(), "train/a/2.png") {
			t.Errorf("%s: %v", kind, err)
		}
		o.OnError = OnErrorSkip
		splits, err := Open(t.Context(), o)
		if err != nil || splits.Train.Len() != 1 {
			t.Fatalf("%s: %v", kind, err)
		}
		if notes := splits.TakeNotes(); len(notes) != 1 || !strings.Contains(notes[0], "1 of 2") {
			t.Errorf("%s: notes %q", kind, notes)
		}
		if notes := splits.TakeNotes(); len(notes) != 0 {
			t.Errorf("%s: noted twice: %q", kind, notes)
		}
	}
}

// TestUnwritableCache holds that a fault of the folder of packed images isn't one of the images.
func TestUnwritableCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Images, o.TestImages, o.Cache.Kind, o.Cache.Dir = 12, 12, pack.KindPacked, filepath.Join(file, "below")
	if _, err := Open(t.Context(), o); !errors.Is(err, fault.Storage) || errors.Is(err, fault.Data) {
		t.Errorf("error %v", err)
	}
}
