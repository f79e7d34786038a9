package fruits360

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/source/sourcetest"
)

// version is the published layout below a folder.
func version(t testing.TB, below string) map[string][]byte {
	t.Helper()
	raw := sourcetest.JPEG(t, 100, 100, color.White)
	files := map[string][]byte{
		"LICENSE": nil, "readme.md": nil, "papers/fruits.pdf": nil, "test-multiple_fruits/apple_banana.jpg": raw,
		"Validation/Apple Braeburn 1/5_100.jpg": raw,
	}
	for _, class := range []string{"Apple Braeburn 1", "Apple 10", "apple_6", "Tomato 1"} {
		for _, name := range []string{"0_100.jpg", "r_321_100.jpg", "r2_57_100.jpg"} {
			files["Training/"+class+"/"+name] = raw
		}
		files["Test/"+class+"/3_100.jpg"] = raw
	}
	out := map[string][]byte{}
	for name, raw := range files {
		out[below+name] = raw
	}
	return out
}

func TestVersions(t *testing.T) {
	for _, below := range []string{
		"", "fruits-360/", "fruits-360_dataset/fruits-360/", "fruits-360_100x100/fruits-360/",
		"archive/fruits-360_original-size/fruits-360-original-size/",
	} {
		train, test, err := Read(t.Context(), Options{Root: sourcetest.Write(t, version(t, below))})
		if err != nil {
			t.Errorf("%q: %v", below, err)
			continue
		}
		sourcetest.Check(t, train, test)
		if want := []string{"Apple 10", "Apple Braeburn 1", "Tomato 1", "apple_6"}; !slices.Equal(train.Classes(), want) {
			t.Errorf("%q: classes %q", below, train.Classes())
		}
		if train.Len() != 12 || test.Len() != 4 || train.ID(5) != "Training/Apple Braeburn 1/r_321_100.jpg" ||
			test.ID(3) != "Test/apple_6/3_100.jpg" {
			t.Errorf("%q: %q and %q", below, sourcetest.IDs(train), sourcetest.IDs(test))
		}
	}
}

// TestTestFolders: copies call the test split otherwise; beside Test, others are passed over.
func TestTestFolders(t *testing.T) {
	raw := sourcetest.JPEG(t, 10, 10, color.White)
	for _, name := range []string{"Testing", "Validation"} {
		files := map[string][]byte{"x/Training/a/1.jpg": raw, "x/" + name + "/a/2.jpg": raw}
		_, test, err := Read(t.Context(), Options{Root: sourcetest.Write(t, files)})
		if err != nil || test.Len() != 1 || test.ID(0) != name+"/a/2.jpg" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	several := version(t, "fruits-360_100x100/")
	for name, raw := range version(t, "fruits-360_original-size/") {
		several[name] = raw
	}
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"empty":   {nil, "holds no folder with Training and one of Test, Testing, Validation in it: unpack"},
		"half":    {map[string][]byte{"Training/a/1.jpg": nil}, "holds no folder with Training and one of"},
		"several": {several, "fruits-360_original-size: give one of them"},
		"class":   {map[string][]byte{"Training/a/1.jpg": nil, "Test/b/1.jpg": nil}, "a class without training images"},
	} {
		_, _, err := Read(t.Context(), Options{Root: sourcetest.Write(t, c.files)})
		if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, _, err := Read(t.Context(), Options{Root: filepath.Join(t.TempDir(), "no")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing root: %v", err)
	}
}

func Example() {
	root, err := os.MkdirTemp("", "fruits")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	for _, name := range []string{"Training/Apple Braeburn 1/r_321_100.jpg", "Test/Apple Braeburn 1/0_100.jpg"} {
		path := filepath.Join(root, "fruits-360_100x100", "fruits-360", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			panic(err)
		}
	}
	train, test, err := Read(context.Background(), Options{Root: root})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%q %s %s\n", train.Classes(), train.ID(0), test.ID(0))
	// Output:
	// ["Apple Braeburn 1"] Training/Apple Braeburn 1/r_321_100.jpg Test/Apple Braeburn 1/0_100.jpg
}
