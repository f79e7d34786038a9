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
		s.Train.Unreadable = append(s.Train.Unreadable, survey.Failure{ID: fmt.Sprint("bad", i), Cause: "is cut off"})
	}
	for i := range maxClasses + 3 {
		s.Classes = append(s.Classes, survey.Class{Name: fmt.Sprint(strings.Repeat("ü", 50), i), Train: 1})
	}
	s.Duplicates = survey.Duplicates{Images: 2, Groups: 1, Across: 1, Examples: [][]string{{"a", "b"}}}
	text := ImageSet("folder", "x", source.About{Folder: "x/in", LeftOut: source.Kinds{".npy": 2, ".txt": 3}}, s)
	for _, want := range []string{
		"source          folder in x\n", "x/in", "3 .txt, 2 .npy", "1 – 2 – 3", "PNG 2, JPEG 1", "RGB", "1 MiB", strings.Repeat("k", 16) + " ", "a = b",
		"1 of them across the splits", "\n  bad9: is cut off\n  and 2 more\n", "class (203)",
		strings.Repeat("ü", 42) + "…", "\nand 3 more\n",
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
