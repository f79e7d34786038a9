package report

import (
	"fmt"
	"strings"
	"testing"

	"ordo/runner/data/source"
	"ordo/runner/data/survey"
)

func TestImageSet(t *testing.T) {
	split := survey.Split{
		Images: 3, Width: survey.Range{Min: 1, Median: 2, Max: 3}, Key: strings.Repeat("k", 32), Bytes: 1 << 20,
		Formats:  []survey.Count{{Name: "PNG", Images: 2}, {Name: "JPEG", Images: 1}},
		Channels: []survey.Count{{Name: "RGB", Images: 3}},
	}
	s := survey.Survey{Train: split, Test: split}
	for i := range maxUnreadable + 2 {
		f := survey.Failure{ID: source.Name(fmt.Sprint("bad", i)), Cause: fmt.Sprintf("x/bad%d: is cut off at %d", i, i)}
		s.Train.Unreadable = append(s.Train.Unreadable, f)
	}
	for i := range maxClasses + 3 {
		s.Classes = append(s.Classes, survey.Class{Name: fmt.Sprint(strings.Repeat("ü", 50), i), Train: 1})
	}
	s.Duplicates = survey.Duplicates{Images: 2, Groups: 1, Across: 1, Examples: [][]source.Name{{"a", "b"}}}
	text := ImageSet("folder", "x", source.About{Folder: "x/in", LeftOut: source.Kinds{".npy": 2, ".txt": 3}}, s)
	for _, want := range []string{
		"source          folder in x\n", "x/in", "3 .txt, 2 .npy", "1 – 2 – 3", "PNG 2, JPEG 1", "RGB", "1 MiB",
		strings.Repeat("k", 16) + " ", "a = b",
		"1 of them across the splits", "\n  bad9: is cut off at 9\n  and 2 more\n", "class (203)",
		strings.Repeat("ü", 21) + "…" + strings.Repeat("ü", 20), "\nand 3 more\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	empty := survey.Split{Key: strings.Repeat("k", 32)}
	text = ImageSet("orchard", "", source.About{}, survey.Survey{Train: empty, Test: empty})
	if strings.Contains(text, "class") || !strings.Contains(text, "nothing") {
		t.Error(text)
	}
}

// TestUnreadable: a path once, many alike in one line, a cap.
func TestUnreadable(t *testing.T) {
	var all []survey.Failure
	add := func(id, cause string) {
		all = append(all, survey.Failure{ID: source.Name(id), Cause: "/photos/" + id + ": " + cause})
	}
	add("a/x\xe8.png", "is cut off")
	for i := range 400 {
		add(fmt.Sprintf("b/%d.png", i), "a pointer of Git LFS")
	}
	for i := range 20 {
		add(fmt.Sprintf("c/%d.png", i), fmt.Sprintf("%d x 0 pixels", i))
	}
	text := Unreadable(all)
	for _, want := range []string{
		"  a/x\\xe8.png: is cut off\n", "  400 images: a pointer of Git LFS (b/0.png, b/1.png, ", "…)\n",
		"  c/7.png: 7 x 0 pixels\n  and 12 more\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "/photos/") || strings.Count(text, "\n") != maxUnreadable+1 {
		t.Errorf("got\n%s", text)
	}
}

// TestSplitTable: columns never run together.
func TestSplitTable(t *testing.T) {
	formats := []survey.Count{{Name: "JPEG", Images: 123456}, {Name: "PNG", Images: 12345}, {Name: "TIFF", Images: 1234}}
	split := survey.Split{Key: strings.Repeat("k", 32), Formats: formats}
	text := splitTable(survey.Survey{Train: split, Test: split})
	const both = "format            JPEG 123456, PNG 12345, TIFF 1234  JPEG 123456, PNG 12345, TIFF 1234\n"
	if !strings.Contains(text, both) {
		t.Errorf("got\n%s", text)
	}
}
