package golden

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files that the tests compare with")

// Compare fails the test where a text is not what the file, a path from the package's folder, holds: it names the first
// line that differs. With -update it writes the file.
func Compare(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(text) {
		return
	}
	have, want := strings.Split(got, "\n"), strings.Split(string(text), "\n")
	line := 0
	for line < len(have) && line < len(want) && have[line] == want[line] {
		line++
	}
	t.Errorf("line %d of %s is %q, and the test made %q; if that is meant: go test -update", line+1, file,
		at(want, line), at(have, line))
}

// at is a line, or nothing past the end.
func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
