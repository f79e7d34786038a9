package cub200

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

	"ordo/models/fault"
	"ordo/runner/data/source/sourcetest"
)

// tree is the published layout with six birds of two kinds.
func tree(t testing.TB) map[string][]byte {
	t.Helper()
	photo := sourcetest.JPEG(t, 50, 40, color.NRGBA{200, 100, 50, 255})
	grey := sourcetest.JPEG(t, 30, 20, color.Gray{90})
	files := map[string][]byte{
		"classes.txt":            []byte("1 001.Black_footed_Albatross\n2 002.Laysan_Albatross\n"),
		"images.txt":             nil,
		"image_class_labels.txt": []byte("1 1\n2 1\n3 1\n4 2\n5 2\n6 2\n"),
		"train_test_split.txt":   []byte("1 0\n2 1\n3 0\n4 1\n5 1\n6 0\n"),
		"bounding_boxes.txt": []byte(
			"1 60.0 27.0 325.0 304.0\n2 10.0 5.0 20.0 30.0\n3 0.0 0.0 50.0 40.0\n4 1.4 2.6 3.0 4.0\n5 0.0 0.0 30.0 20.0\n" +
				"6 -5.0 -5.0 15.0 15.0\n",
		),
		"README":                     nil,
		"attributes/certainties.txt": nil,
		"parts/parts.txt":            nil,
	}
	lines := ""
	for i, name := range []string{
		"001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg",
		"001.Black_footed_Albatross/Black_Footed_Albatross_0009_34.jpg",
		"001.Black_footed_Albatross/Black_Footed_Albatross_0002_55.jpg", "002.Laysan_Albatross/Laysan_Albatross_0001_545.jpg",
		"002.Laysan_Albatross/Laysan_Albatross_0002_1027.jpg", "002.Laysan_Albatross/Laysan_Albatross_0003_1033.jpg",
	} {
		lines += fmt.Sprintf("%d %s\n", i+1, name)
		files["images/"+name] = photo
		if i == 4 {
			files["images/"+name] = grey
		}
	}
	files["images.txt"] = []byte(lines)
	return files
}

func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	below := map[string][]byte{"segmentations/x.png": nil}
	for name, raw := range files {
		below["CUB_200_2011/"+name] = raw
	}
	return sourcetest.Write(t, below)
}

func TestRead(t *testing.T) {
	root := write(t, tree(t))
	for _, root := range []string{root, filepath.Join(root, "CUB_200_2011")} {
		train, test, err := Read(t.Context(), Options{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		sourcetest.Check(t, train, test)
		if want := []string{"Black_footed_Albatross", "Laysan_Albatross"}; !slices.Equal(train.Classes(), want) {
			t.Errorf("classes %q", train.Classes())
		}
		if train.Len() != 3 || test.Len() != 3 ||
			train.ID(0) != "001.Black_footed_Albatross/Black_Footed_Albatross_0009_34.jpg" {
			t.Errorf("%q and %q", sourcetest.IDs(train), sourcetest.IDs(test))
		}
		if want := []string{
			"Black_footed_Albatross",
			"Laysan_Albatross",
			"Laysan_Albatross",
		}; !slices.Equal(
			sourcetest.Labels(train),
			want,
		) {
			t.Errorf("labels %q", sourcetest.Labels(train))
		}
		if raw, err := train.Encoded(0); err != nil || len(raw) == 0 {
			t.Errorf("%d bytes of JPEG, %v", len(raw), err)
		}
	}
}

func TestBoxes(t *testing.T) {
	root := write(t, tree(t))
	train, test, err := Read(t.Context(), Options{Root: root, Boxes: true})
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := Read(t.Context(), Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	if whole.Key() == train.Key() {
		t.Error("boxes don't change the key")
	}
	for i, want := range [][2]int{{20, 30}, {3, 4}, {30, 20}} {
		if m, err := train.Image(i); err != nil || [2]int{m.Width, m.Height} != want {
			t.Errorf("%s: %d x %d, %v, want %v", train.ID(i), m.Width, m.Height, err, want)
		}
		if raw, err := train.Encoded(i); raw != nil || err != nil {
			t.Errorf("%s: %d bytes of JPEG, %v", train.ID(i), len(raw), err)
		}
	}
	if m, err := test.Image(2); err != nil || m.Width != 10 || m.Height != 10 {
		t.Errorf("a box that begins outside: %d x %d, %v", m.Width, m.Height, err)
	}
	// The first box lies outside of this small photograph, and so can't be read.
	if _, err := test.Image(0); err == nil || !strings.Contains(err.Error(), "0046_18.jpg: its box") {
		t.Errorf("a box outside: %v", err)
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       string
	}{
		"class": {"image_class_labels.txt", "1 1\n2 1\n3 1\n4 2\n5 7\n6 2\n",
			"image_class_labels.txt: line 5: class \"7\" is not in classes.txt"},
		"cut": {"image_class_labels.txt", "1 1\n2 1\n3",
			"image_class_labels.txt: line 3: must be an id and 1 more, found 1 words"},
		"commas": {"image_class_labels.txt", "1,1\n2,1\n",
			"image_class_labels.txt: line 1: its values are separated by commas"},
		"short": {"image_class_labels.txt", "1 1\n2 1\n",
			"images.txt: line 3: image 3 has no line in image_class_labels.txt"},
		"split": {"train_test_split.txt", "1 0\n2 1\n3 2\n4 1\n5 1\n6 0\n",
			"train_test_split.txt: line 3: must be 1 for training or 0 for testing"},
		"one split": {"train_test_split.txt", "1 0\n2 0\n3 0\n4 0\n5 0\n6 0\n", "0 images for training and 6 for testing"},
		"no split":  {"train_test_split.txt", "1 0\n", "image 2 has no line in train_test_split.txt"},
		"twice":     {"images.txt", "1 a.jpg\n1 b.jpg\n", "images.txt: line 2: id 1 again, after line 1"},
		"escape":    {"images.txt", "1 ../../secret.jpg\n", "isn't a path below images"},
		"empty":     {"classes.txt", "", "classes.txt: an empty file"},
		"box": {"bounding_boxes.txt", "1 60.0 27.0 nan 304.0\n",
			"bounding_boxes.txt: line 1: \"nan\" is no coordinate"},
		"no area": {"bounding_boxes.txt", "1 60.0 27.0 0.0 304.0\n",
			"bounding_boxes.txt: line 1: the box 0 x 304 pixels is empty"},
		"no box": {"bounding_boxes.txt", "2 10.0 5.0 20.0 30.0\n", "image 1 has no line in bounding_boxes.txt"},
	} {
		files := tree(t)
		files[c.file] = []byte(c.text)
		_, _, err := Read(t.Context(), Options{Root: write(t, files), Boxes: true})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) ||
			!strings.HasSuffix(err.Error(), "fetch the data set again") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	files := tree(t)
	delete(files, "train_test_split.txt")
	if _, _, err := Read(t.Context(), Options{Root: write(t, files)}); err == nil ||
		!strings.Contains(err.Error(), "train_test_split.txt") {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzTable(f *testing.F) {
	f.Add("1 60.0 27.0 325.0 304.0\n2 1 1 1 1\n")
	f.Add("1 nan 1e99 -0 0x1p4\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "t.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		lines, order, err := table(dir, "t.txt", 4)
		if err != nil {
			return
		}
		for _, id := range order {
			if box, err := lines[id].rectangle(); err == nil && box.Empty() {
				t.Errorf("%v is an empty box", box)
			}
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "cub")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"images.txt":             "1 001.Auk/a.jpg\n2 001.Auk/b.jpg\n",
		"image_class_labels.txt": "1 1\n2 1\n",
		"train_test_split.txt":   "1 1\n2 0\n",
		"classes.txt":            "1 001.Auk\n",
		"images/README":          "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	train, test, err := Read(context.Background(), Options{Root: dir})
	if err != nil {
		panic(err)
	}
	fmt.Println(train.Classes(), train.ID(0), test.ID(0))
	// Output:
	// [Auk] 001.Auk/a.jpg 001.Auk/b.jpg
}
