package stl10

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/source/sourcetest"
)

// images makes n images: value of channel c at column x and row y of image i is i + 50c + 2x + y.
func images(n int) []byte {
	var out []byte
	for i := range n {
		for c := range 3 {
			for x := range side {
				for y := range side {
					out = append(out, byte(i+50*c+2*x+y))
				}
			}
		}
	}
	return out
}

// tree is the published layout with three, two and four images.
func tree() map[string][]byte {
	return map[string][]byte{
		"train_X.bin": images(3), "train_y.bin": {1, 10, 2}, "test_X.bin": images(2), "test_y.bin": {3, 1},
		"unlabeled_X.bin":  images(4),
		"class_names.txt":  []byte("airplane\nbird\ncar\ncat\ndeer\ndog\nhorse\nmonkey\nship\ntruck\n"),
		"fold_indices.txt": []byte("1 2 0\n"),
	}
}

func TestRead(t *testing.T) {
	below := map[string][]byte{}
	for name, raw := range tree() {
		below["stl10_binary/"+name] = raw
	}
	root := sourcetest.Write(t, below)
	for _, root := range []string{root, filepath.Join(root, "stl10_binary")} {
		train, test, err := Read(t.Context(), Options{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, train, test)
		if got := fmt.Sprint(sourcetest.IDs(train), sourcetest.Labels(train), sourcetest.Labels(test)); got !=
			"[train/00000 train/00001 train/00002] [airplane truck bird] [car airplane]" {
			t.Error(got)
		}
		m, err := train.Image(2)
		if err != nil {
			t.Fatal(err)
		}
		for y := range side {
			for x := range side {
				for c := range 3 {
					if got, want := m.Pix[3*(y*side+x)+c], uint8(2+50*c+2*x+y); got != want {
						t.Fatalf("channel %d at column %d, row %d is %d, want %d", c, x, y, got, want)
					}
				}
			}
		}
		more, _, err := Read(t.Context(), Options{Root: root, Unlabeled: true})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, more, test)
		if got := fmt.Sprint(sourcetest.Labels(more), more.ID(6)); got != "[airplane truck bird - - - -]unlabeled/00003" ||
			more.Key() == train.Key() {
			t.Error(got)
		}
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		raw  []byte
		want string
	}{
		"cut": {"train_X.bin", images(2)[:50000],
			"train_X.bin: 50000 bytes are no whole number of images of 27648: fetch the file again"},
		"labels":    {"test_y.bin", []byte{1}, "test_y.bin: 1 labels for the 2 images of"},
		"zero":      {"train_y.bin", []byte{1, 0, 2}, "train_y.bin: image 1 has label 0, want 1 to 10"},
		"no names":  {"class_names.txt", nil, "class_names.txt: 0 names"},
		"missing":   {"test_y.bin", nil, "test_y.bin: there is no such file"},
		"unlabeled": {"unlabeled_X.bin", nil, "no such file or folder: fetch it, or set data.unlabeled to false"},
		"nothing":   {"train_X.bin", nil, "holds no folder with train_X.bin, test_X.bin in it"},
	} {
		files := tree()
		files[c.file] = bytes.Clone(c.raw)
		if c.raw == nil && c.file != "class_names.txt" {
			delete(files, c.file)
		}
		_, _, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files), Unlabeled: true})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func Example() {
	root, err := os.MkdirTemp("", "stl10")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	for name, raw := range tree() {
		if err := os.WriteFile(filepath.Join(root, name), raw, 0o600); err != nil {
			panic(err)
		}
	}
	train, test, err := Read(context.Background(), Options{Root: root, Unlabeled: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(train.Len(), test.Len(), train.Label(1), train.Label(3))
	// Output:
	// 7 2 9 -1
}
