package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test that keeps what failed.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, values ...any) { r.said += fmt.Sprintf(format, values...) }

func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "text.txt")
	defer func(is bool) { *update = is }(*update)
	*update = true
	Compare(t, file, "one\ntwo\n")
	if text, err := os.ReadFile(file); err != nil || string(text) != "one\ntwo\n" {
		t.Fatalf("wrote %q, %v", text, err)
	}
	*update = false
	for got, says := range map[string]string{
		"one\ntwo\n":      "",
		"one\nthree\n":    `line 2 of ` + file + ` is "two", and the test made "three"`,
		"one\n":           `line 2 of ` + file + ` is "two", and the test made ""`,
		"one\ntwo":        `line 3 of ` + file + ` is "", and the test made ""`,
		"one\ntwo\nthree": `line 3 of ` + file + ` is "", and the test made "three"`,
	} {
		r := &recorder{TB: t}
		Compare(r, file, got)
		if (r.said == "") != (says == "") || !strings.HasPrefix(r.said, says) {
			t.Errorf("of %q: %s", got, r.said)
		}
	}
}
