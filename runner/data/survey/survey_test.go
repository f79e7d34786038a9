package survey

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"log"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/runner/data"
	"ordo/runner/data/folder"
	"ordo/runner/data/orchard"
	"ordo/runner/data/source"
	"ordo/runner/data/source/sourcetest"
)

// photos is a set with everything in it: duplicates, damage, grey and large images.
func photos(t testing.TB) (train, test source.Set) {
	t.Helper()
	png := func(w, h int, v uint8) []byte { return sourcetest.PNG(t, w, h, color.NRGBA{v, 0, 9, 255}) }
	same := png(20, 10, 1)
	good := png(40, 30, 2)
	root := sourcetest.Write(t, map[string][]byte{
		"train/cat/1.png": same,
		"train/cat/2.png": png(20, 10, 3),
		"train/cat/3.jpg": sourcetest.JPEG(t, 30, 60, color.Gray{7}),
		"train/dog/4.png": same,
		"train/dog/5.png": nil,
		"train/dog/6.png": good[:len(good)-20],
		"test/cat/7.png":  same,
		"test/dog/8.png":  good,
		"test/dog/9.png":  good,
	})
	train, test, err := folder.Read(t.Context(), folder.Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

func TestTake(t *testing.T) {
	train, test := photos(t)
	calls := 0
	s, err := Take(t.Context(), train, test, func(done, total int) {
		if calls++; done != calls || total != 9 {
			t.Errorf("call %d: %d of %d", calls, done, total)
		}
	})
	if err != nil || calls != 9 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	if want := []Class{{"cat", 3, 1}, {"dog", 3, 2}}; !slices.Equal(s.Classes, want) {
		t.Errorf("classes %v", s.Classes)
	}
	if s.Train.Images != 6 || s.Train.Unlabelled != 0 || s.Train.Width != (Range{20, 20, 40}) ||
		s.Train.Height != (Range{10, 10, 60}) ||
		s.Train.Key != train.Key() || s.Train.Bytes == 0 {
		t.Errorf("training split %+v", s.Train)
	}
	if want := []Count{{"PNG", 4}, {"JPEG", 1}}; !slices.Equal(s.Train.Formats, want) {
		t.Errorf("formats %v", s.Train.Formats)
	}
	if len(s.Train.Unreadable) != 1 || s.Train.Unreadable[0].ID != "train/dog/5.png" ||
		!strings.Contains(s.Train.Unreadable[0].Cause, "an empty file") {
		t.Errorf("unreadable %v", s.Train.Unreadable)
	}
	want := Duplicates{
		2,
		5,
		1,
		[][]source.Name{{"train/cat/1.png", "train/dog/4.png", "test/cat/7.png"}, {"test/dog/8.png", "test/dog/9.png"}},
	}
	if !reflect.DeepEqual(s.Duplicates, want) {
		t.Errorf("duplicates %+v", s.Duplicates)
	}
}

func TestTakeUnlabelled(t *testing.T) {
	raw := sourcetest.PNG(t, 4, 4, color.White)
	root := sourcetest.Write(t, map[string][]byte{"train/1.png": raw, "test/2.png": sourcetest.PNG(t, 4, 5, color.White)})
	train, test, err := folder.Read(t.Context(), folder.Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Take(t.Context(), train, test, nil)
	if err != nil || len(s.Classes) != 0 || s.Train.Unlabelled != 1 || s.Duplicates.Groups != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	sheet, err := Sheet(t.Context(), train, "x")
	if err != nil || len(sheet.Groups) != 1 || len(sheet.Groups[0].Rows[0].Cells) != 1 {
		t.Errorf("%+v, %v", sheet, err)
	}
}

func TestVerify(t *testing.T) {
	train, test := photos(t)
	failures, err := Verify(t.Context(), train, test, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range failures {
		got = append(got, f.Split+" "+string(f.ID))
	}
	if want := []string{"train train/dog/5.png", "train train/dog/6.png"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, train, test, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Take(ctx, train, test, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSheet(t *testing.T) {
	train, _ := photos(t)
	s, err := Sheet(t.Context(), train, "photos")
	if err != nil || s.Title != "photos" || len(s.Groups) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	for i, want := range []int{3, 1} { // what can be read
		if r := s.Groups[0].Rows[i]; len(r.Cells) != want || r.Label != []string{"cat", "dog"}[i] {
			t.Errorf("row %d: %s with %d pictures", i, r.Label, len(r.Cells))
		}
	}
	if _, err := s.Draw(); err != nil {
		t.Error(err)
	}
	// A hundred classes have a picture each.
	files := map[string][]byte{}
	for i := range 100 {
		files[fmt.Sprintf("train/class %02d/1.png", i)] = sourcetest.PNG(t, 2, 2, color.Gray{uint8(i)})
	}
	files["test/class 00/1.png"] = sourcetest.PNG(t, 2, 2, color.White)
	train, _, err = folder.Read(t.Context(), folder.Options{Root: sourcetest.Write(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Sheet(t.Context(), train, "many"); err != nil || len(s.Groups[0].Rows) != 1 ||
		len(s.Groups[0].Rows[0].Cells) != 100 ||
		s.Groups[0].Rows[0].Cells[7].Label != "class 07" {
		t.Errorf("%d rows, %v", len(s.Groups[0].Rows), err)
	}
}

func ExampleTake() {
	train, err := orchard.New(orchard.Options{ImageSize: 32, Images: 24})
	if err != nil {
		log.Fatal(err)
	}
	test, err := orchard.New(orchard.Options{ImageSize: 32, Images: 12, Split: orchard.Test})
	if err != nil {
		log.Fatal(err)
	}
	s, err := Take(context.Background(), train, test, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Train.Images, s.Train.Width.Median, s.Classes[9])
	// Output:
	// 24 32 {banana 2 1}
}

// TestBytesOfBoxes: a photograph with several boxes is on the disk once.
func TestBytesOfBoxes(t *testing.T) {
	raw := sourcetest.PNG(t, 9, 9, color.White)
	path := filepath.Join(sourcetest.Write(t, map[string][]byte{"1.png": raw}), "1.png")
	var files []source.File
	for i := range 3 {
		files = append(files, source.File{ID: fmt.Sprint(i), Path: path, Label: -1, Box: image.Rect(i, 0, i+2, 5)})
	}
	set, err := source.NewFiles(t.Context(), files, source.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, train := range []source.Set{set, data.First(set, 2)} {
		if s, err := Take(t.Context(), train, set, nil); err != nil || s.Train.Bytes != int64(len(raw)) {
			t.Errorf("%d bytes, want %d, %v", s.Train.Bytes, len(raw), err)
		}
	}
}
