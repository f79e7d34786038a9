package style

import (
	"regexp"
	"strings"
	"testing"
)

// TestSheet: dark surroundings have every colour that bright ones have, where the system asks for them and where the
// reader does.
func TestSheet(t *testing.T) {
	sheet := string(Sheet())
	if n := strings.Count(sheet, dark); n != 2 {
		t.Errorf("the dark colours stand there %d times", n)
	}
	bright, _, _ := strings.Cut(sheet, "@media")
	colours := regexp.MustCompile(`--\w+:`).FindAllString(bright, -1)
	if len(colours) < 10 {
		t.Errorf("colours %q", colours)
	}
	for _, name := range colours {
		if !strings.Contains(dark, name) {
			t.Errorf("%s has no dark colour", name)
		}
	}
}
