package cifar

import (
	"bytes"
	"context"
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

// record is an image whose pixel n has the values seed+n, seed+2n and seed+3n, after its labels.
func record(seed int, labels ...byte) []byte {
	out := bytes.Clone(labels)
	for c := range 3 {
		for n := range side * side {
			out = append(out, byte(seed+(c+1)*n))
		}
	}
	return out
}

// ten is the layout of CIFAR-10, with two images a batch.
func ten() map[string][]byte {
	files := map[string][]byte{
		"batches.meta.txt": []byte("airplane\nautomobile\nbird\n\n"), "readme.html": nil,
		"test_batch.bin": append(record(50, 2), record(51, 0)...),
	}
	for i := range 5 {
		files[fmt.Sprintf("data_batch_%d.bin", i+1)] = append(record(2*i, byte(i%3)), record(2*i+1, 1)...)
	}
	return files
}

// hundred is the layout of CIFAR-100.
func hundred() map[string][]byte {
	return map[string][]byte{
		"coarse_label_names.txt": []byte("fish\nflowers\n"), "fine_label_names.txt": []byte("flatfish\norchid\nray\nrose\n"),
		"train.bin": slices.Concat(record(0, 0, 0), record(1, 1, 1), record(2, 0, 2)), "test.bin": record(9, 1, 3),
	}
}

func under(below string, files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, raw := range files {
		out[below+name] = raw
	}
	return out
}

func TestTen(t *testing.T) {
	for _, below := range []string{"", "cifar-10-batches-bin/"} {
		train, test, err := Read(t.Context(), Options{Root: sourcetest.Write(t, under(below, ten())), Classes: 10})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, train, test)
		if train.Len() != 10 || test.Len() != 2 || train.ID(3) != "data_batch_2/00001" || test.ID(1) != "test_batch/00001" {
			t.Errorf("%q and %q", sourcetest.IDs(train), sourcetest.IDs(test))
		}
		if got := fmt.Sprint(
			sourcetest.Labels(train),
		); got != "[airplane automobile automobile automobile bird automobile airplane automobile automobile automobile]" {
			t.Error(got)
		}
		m, err := train.Image(7)
		if err != nil {
			t.Fatal(err)
		}
		for n := range side * side {
			if want := []uint8{uint8(7 + n), uint8(7 + 2*n), uint8(7 + 3*n)}; !slices.Equal(m.Pix[3*n:3*n+3], want) {
				t.Fatalf("pixel %d is %v, want %v", n, m.Pix[3*n:3*n+3], want)
			}
		}
	}
}

func TestHundred(t *testing.T) {
	root := sourcetest.Write(t, under("cifar-100-binary/", hundred()))
	var keys []string
	for labels, want := range map[string]string{
		Fine:   "[flatfish orchid ray] [rose] [flatfish orchid ray rose]",
		Coarse: "[fish flowers fish] [flowers] [fish flowers]",
	} {
		train, test, err := Read(t.Context(), Options{Root: root, Classes: 100, Labels: labels})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, train, test)
		if got := fmt.Sprint(sourcetest.Labels(train), sourcetest.Labels(test), train.Classes()); got != want {
			t.Errorf("%s: %s", labels, got)
		}
		if m, err := train.Image(2); err != nil || m.Pix[0] != 2 || m.Pix[3] != 3 || m.Pix[4] != 4 {
			t.Errorf("%v, %v", m.Pix[:6], err)
		}
		keys = append(keys, train.Key())
	}
	if keys[0] == keys[1] {
		t.Error("fine and coarse have one key")
	}
}

func TestBounds(t *testing.T) {
	o := Options{Root: sourcetest.Write(t, ten()), Classes: 10, Bounds: source.Bounds{Images: 4, TestImages: 1}}
	train, test, err := Read(t.Context(), o)
	if err != nil || train.Len() != 4 || test.Len() != 1 || !slices.IsSorted(sourcetest.IDs(train)) {
		t.Errorf("%v", err)
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		classes int
		change  func(map[string][]byte)
		want    string
	}{
		"cut": {10, func(f map[string][]byte) { f["data_batch_3.bin"] = f["data_batch_3.bin"][:4000] },
			"data_batch_3.bin: 4000 bytes are no whole number of records of 3073: fetch the file again"},
		"empty": {10, func(f map[string][]byte) { f["test_batch.bin"] = nil }, "test_batch.bin: 0 bytes"},
		"missing": {10, func(f map[string][]byte) { delete(f, "data_batch_4.bin") },
			"data_batch_4.bin: there is no such file"},
		"label": {10, func(f map[string][]byte) { f["test_batch.bin"] = record(0, 3) },
			"test_batch.bin: image 0 has label 3, but batches.meta.txt has 3 names"},
		"no names": {10, func(f map[string][]byte) { f["batches.meta.txt"] = []byte("\n\n") },
			"batches.meta.txt: 0 names of classes"},
		"Python": {10, func(f map[string][]byte) { clear(f); f["cifar-10-batches-py/data_batch_1"] = nil },
			"cifar-10-batches-py holds the version for Python: fetch the binary version (data_batch_1.bin"},
		"Python 100": {100, func(f map[string][]byte) {
			clear(f)
			f["cifar-100-python/train"], f["cifar-100-python/test"], f["cifar-100-python/meta"] = nil, nil, nil
		}, "cifar-100-python holds the version for Python"},
		"folders": {100, func(f map[string][]byte) {
			clear(f)
			f["train/a/1.png"], f["test/a/1.png"] = nil, nil
		}, "holds no folder with train.bin, fine_label_names.txt in it"},
		"other": {100, func(map[string][]byte) {}, "holds no folder with train.bin, fine_label_names.txt in it"},
	} {
		files := ten()
		c.change(files)
		_, _, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files), Classes: c.classes, Labels: Fine})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, _, err := Read(
		t.Context(),
		Options{Root: filepath.Join(t.TempDir(), "no"), Classes: 10},
	); !errors.Is(
		err,
		fs.ErrNotExist,
	) {
		t.Errorf("missing root: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Read(ctx, Options{Root: sourcetest.Write(t, ten()), Classes: 10}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// A file that shrinks later is an error of the image.
	root := sourcetest.Write(t, ten())
	train, _, err := Read(t.Context(), Options{Root: root, Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(root, "data_batch_1.bin"), 3073); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Image(1); err == nil ||
		!strings.Contains(err.Error(), "data_batch_1.bin: image 1: EOF: fetch the file again") {
		t.Errorf("shrunk: %v", err)
	}
}

func Example() {
	root, err := os.MkdirTemp("", "cifar")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	for name, raw := range hundred() {
		if err := os.WriteFile(filepath.Join(root, name), raw, 0o600); err != nil {
			panic(err)
		}
	}
	train, test, err := Read(context.Background(), Options{Root: root, Classes: 100, Labels: Coarse})
	if err != nil {
		panic(err)
	}
	fmt.Println(train.Len(), test.Len(), train.Classes(), train.ID(2))
	// Output:
	// 3 1 [fish flowers] train/00002
}
