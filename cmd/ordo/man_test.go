package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMan: a page for every command that a person sees, with its flags and its examples as they are.
func TestMan(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	out := filepath.Join(t.TempDir(), "man1")
	ordo(t, "man", "--out", out).check(t, exitOK)
	for name, says := range map[string][]string{
		"ordo.1":              {"Environment:", "  ORDO_CACHE ", "ordo-run(1)"},
		"ordo-run.1":          {"fB--dry-run", "  ordo run experiments/demo.yaml --check\n", "fB-q", "ordo(1)"},
		"ordo-runs-diff.1":    {"ordo runs diff RUN RUN"},
		"ordo-sweep.1":        {"base: ../mnist-rotation.yaml"},
		"ordo-config-check.1": {"nothing"},
	} {
		page, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, s := range says {
			if !strings.Contains(string(page), s) {
				t.Errorf("%s does not say %q:\n%s", name, s, page)
			}
		}
	}
	for _, hidden := range []string{"ordo-man.1", "ordo-help.1", "ordo-bench-backbone-steps.1"} {
		if _, err := os.Stat(filepath.Join(out, hidden)); err == nil {
			t.Errorf("there is a page %s", hidden)
		}
	}
	ordo(t, "man").check(t, exitUsage, "--out is missing")
}
