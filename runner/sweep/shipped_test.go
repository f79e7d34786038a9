package sweep_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/sweep"
)

// TestShippedExperiments reads every file below experiments: what people are told to run must be valid.
func TestShippedExperiments(t *testing.T) {
	n := 0
	err := filepath.WalkDir("../../experiments", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		n++
		_, err = config.Load(path, nil, nil)
		var other fault.OtherCommand
		for _, h := range fault.Hints(err) {
			if o, ok := h.(fault.OtherCommand); ok {
				other = o
			}
		}
		if other.Sweep {
			_, err = sweep.NewPlan(path, nil, nil)
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d files, %v", n, err)
	}
}
