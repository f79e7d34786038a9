package kernels_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/ort/kernels"
)

func TestOpenRefusesWhatIsNoLibrary(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libdnnl.so.3")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{text, filepath.Join(t.TempDir(), "missing.so")} {
		if _, err := kernels.Open(
			file,
		); !errors.Is(err, fault.Library) || strings.Count(err.Error(), file) != 1 ||
			len(fault.Hints(err)) != 1 {
			t.Errorf("%s: error %v", file, err)
		}
	}
}
