package idx

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file builds an IDX file of unsigned bytes.
func file(values []uint8, dims ...uint32) []byte {
	out := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, values...)
}

func zipped(raw []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func sequence(n int) []uint8 {
	v := make([]uint8, n)
	for i := range v {
		v[i] = uint8(i)
	}
	return v
}

// good is a folder of 5 training and 2 test images, 3 high and 4 wide, the training images compressed.
func good() map[string][]byte {
	return map[string][]byte{
		"train-images-idx3-ubyte.gz": zipped(file(sequence(60), 5, 3, 4)),
		"train-labels-idx1-ubyte":    file([]uint8{0, 2, 1, 2, 0}, 5),
		"t10k-images.idx3-ubyte":     file(sequence(24), 2, 3, 4),
		"t10k-labels-idx1-ubyte.gz":  zipped(file([]uint8{3, 0}, 2)),
	}
}

func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, raw := range files {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	train, test, err := Read(context.Background(), write(t, good()), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 5 || test.Len() != 2 {
		t.Fatalf("%d and %d images", train.Len(), test.Len())
	}
	m, err := train.Image(1)
	if err != nil {
		t.Fatal(err)
	}
	if m.Width != 4 || m.Height != 3 || len(m.Pix) != 36 || !slices.Equal(m.Pix[:6], []uint8{12, 12, 12, 13, 13, 13}) {
		t.Errorf("image 1: %+v", m)
	}
	if train.Label(1) != 2 || test.Label(0) != 3 || train.ID(1) != "train/000001" || test.ID(0) != "test/000000" {
		t.Error("labels or ids are wrong")
	}
	if want := []string{"0", "1", "2", "3"}; !slices.Equal(train.Classes(), want) || !slices.Equal(test.Classes(), want) {
		t.Errorf("classes %v and %v", train.Classes(), test.Classes())
	}
	for _, i := range []int{-1, 5} {
		if _, err := train.Image(i); err == nil {
			t.Errorf("image %d of 5", i)
		}
	}
}

func TestLimits(t *testing.T) {
	dir := write(t, good())
	all, _, err := Read(context.Background(), dir, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := Read(context.Background(), dir, Limits{Train: 3, Test: 99})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 3 || test.Len() != 2 || train.Label(2) != 1 {
		t.Errorf("%d and %d images", train.Len(), test.Len())
	}
	if train.Fingerprint() == all.Fingerprint() {
		t.Error("the fingerprint ignores the limit")
	}
}

// TestFingerprint: compression makes no difference, a pixel and a label do.
func TestFingerprint(t *testing.T) {
	fingerprint := func(change func(map[string][]byte)) string {
		files := good()
		change(files)
		train, _, err := Read(context.Background(), write(t, files), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return train.Fingerprint()
	}
	const images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
	want := fingerprint(func(map[string][]byte) {})
	if got := fingerprint(
		func(f map[string][]byte) { f[labels+".gz"] = zipped(f[labels]); delete(f, labels) },
	); got != want {
		t.Error("compression changes the fingerprint")
	}
	pixel := sequence(60)
	pixel[59]++
	for name, change := range map[string]func(map[string][]byte){
		"pixel":     func(f map[string][]byte) { f[images] = file(pixel, 5, 3, 4) },
		"label":     func(f map[string][]byte) { f[labels] = file([]uint8{0, 2, 1, 2, 1}, 5) },
		"no labels": func(f map[string][]byte) { delete(f, labels) },
		"size":      func(f map[string][]byte) { f[images] = file(sequence(60), 5, 4, 3) },
	} {
		if fingerprint(change) == want {
			t.Errorf("%s: the fingerprint is the same", name)
		}
	}
}

func TestWithoutLabels(t *testing.T) {
	files := good()
	delete(files, "train-labels-idx1-ubyte")
	delete(files, "t10k-labels-idx1-ubyte.gz")
	train, test, err := Read(context.Background(), write(t, files), Limits{Train: 2})
	if err != nil {
		t.Fatal(err)
	}
	if train.Label(0) != -1 || test.Label(1) != -1 || train.Classes() != nil {
		t.Errorf("labels %d, %d, classes %v", train.Label(0), test.Label(1), train.Classes())
	}
}

func TestErrors(t *testing.T) {
	const images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
	packed := good()[images+".gz"]
	for name, c := range map[string]struct {
		file string
		raw  []byte // nil: removed
		want string
	}{
		"no images":         {images + ".gz", nil, "holds no train-images-idx3-ubyte"},
		"no test images":    {"t10k-images.idx3-ubyte", nil, "holds no t10k-images-idx3-ubyte"},
		"empty":             {images, []byte{}, "cut off in its header"},
		"cut":               {images, file(sequence(60), 5, 3, 4)[:40], "cut off after 24 of 60 values"},
		"cut gzip":          {images + ".gz", packed[:len(packed)-12], "cut off after"},
		"cut gzip checksum": {images + ".gz", packed[:len(packed)-3], "cut off after its values"},
		"damaged gzip": {images + ".gz", append(slices.Clone(packed[:len(packed)-8]), 1, 2, 3, 4, 60, 0, 0, 0),
			"damaged after"},
		"gzip header":      {images + ".gz", []byte{0x1f, 0x8b, 0}, "damaged gzip header"},
		"too long":         {images, file(sequence(61), 5, 3, 4), "goes on after the 60 values"},
		"labels as images": {images, file(sequence(5), 5), "begins with 00 00 08 01"},
		"floats": {images, []byte{0, 0, 0x0d, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0},
			"begins with 00 00 0d 03"},
		"none":        {images, file(nil, 0, 28, 28), "0 x 28 x 28 values: empty"},
		"giant":       {images, file(sequence(60), 0xffffffff, 28, 28), "4294967295 x 28 x 28 values, the limit is"},
		"giant side":  {images, file(sequence(60), 1, 0xffffffff, 1), "side of 4294967295"},
		"label count": {labels, file([]uint8{1, 2}, 2), "2 labels for 5 images"},
	} {
		t.Run(name, func(t *testing.T) {
			files := good()
			if c.raw == nil {
				delete(files, c.file)
			} else {
				files[c.file] = c.raw
			}
			_, _, err := Read(context.Background(), write(t, files), Limits{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestBadFolder(t *testing.T) {
	dir := write(t, good())
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"):                 "give the folder",
		filepath.Join(dir, "train-labels-idx1-ubyte"): "is a file",
	} {
		if _, _, err := Read(context.Background(), path, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Read(ctx, write(t, good()), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDecodeDimensions(t *testing.T) {
	for _, dims := range []int{0, 4} {
		if _, _, err := decode(bytes.NewReader(nil), dims); err == nil {
			t.Errorf("%d dimensions were accepted", dims)
		}
	}
}

// FuzzDecode: nothing panics; what is accepted is what the header claims, and writes back to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, raw := range good() {
		f.Add(raw, 3)
		f.Add(raw, 1)
	}
	f.Add(file(sequence(60), 0xffffffff, 0xfff, 0xfff), 3)
	f.Add(file(nil, 0, 1, 1), 3)
	f.Fuzz(func(t *testing.T, raw []byte, dims int) {
		shape, values, err := decode(io.LimitReader(bytes.NewReader(raw), 1<<20), dims)
		if err != nil {
			return
		}
		want := 1
		claimed := make([]uint32, len(shape))
		for i, d := range shape {
			want *= d
			claimed[i] = uint32(d)
		}
		if len(shape) != dims || len(values) != want {
			t.Fatalf("%d values of shape %v", len(values), shape)
		}
		if raw[0] == 0 && !bytes.Equal(file(values, claimed...), raw) {
			t.Fatal("another file")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := zipped(file(sequence(1000*28*28), 1000, 28, 28))
	n := 0
	for b.Loop() {
		if _, _, err := decode(bytes.NewReader(raw), 3); err != nil {
			b.Fatal(err)
		}
		n += 1000
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
}

func ExampleDecode() {
	raw := []byte{0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4} // three labels
	shape, values, err := decode(bytes.NewReader(raw), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(shape, values)
	// Output: [3] [5 0 4]
}
