package sweep_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/sweep"
)

// expectNothing are the shipped experiments that say why they have no section `expect`.
var expectNothing = map[string]bool{
	"folder.yaml":                     true, // on images of the reader's own
	"fruits360.yaml":                  true, // too large to have been run often
	"cub200.yaml":                     true,
	"bloodcells.yaml":                 true,
	"compare/mnist-rotation-e2e.yaml": true, // is about speed
	"sweeps/demo-search.yaml":         true, // which rows it has depends on the last bits of those before
	"select/digits.yaml":              true, // what others have in common, and a set whose answer isn't clear
	"select/photos.yaml":              true, // on any images
}

// TestShippedExperiments reads every file below experiments: what people are told to run must be valid, and say what to
// expect of it.
func TestShippedExperiments(t *testing.T) {
	root := "../../experiments"
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		n++
		want, err := shipped(path)
		name, _ := filepath.Rel(root, path) // both are relative to the same folder
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case (want == nil) != expectNothing[name]:
			t.Errorf("%s: has a section `expect`: %t, want %t", name, want != nil, !expectNothing[name])
		case want != nil && (want.Minutes == 0 || want.Seeds == 0):
			t.Errorf("%s: expect: says no minutes or no seeds", name)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d files, %v", n, err)
	}
}

// shipped reads a file as --check does, and returns what it expects; nil: nothing.
func shipped(path string) (*config.Expect, error) {
	e, err := config.Load(path, nil, nil)
	var other fault.OtherCommand
	for _, h := range fault.Hints(err) {
		if o, ok := h.(fault.OtherCommand); ok {
			other = o
		}
	}
	if other.Sweep {
		plan, err := sweep.NewPlan(path, nil, nil)
		if err != nil || plan.Expect == nil {
			return nil, err
		}
		return plan.Expect, plan.CheckExpect()
	}
	if err != nil {
		return nil, err
	}
	want, err := config.LoadExpect(path)
	if err != nil || want == nil {
		return nil, err
	}
	families, err := e.FamilyNames()
	if err != nil {
		return nil, err
	}
	return want, errors.Join(config.CheckFamilies(want.Ranges, families), config.CheckVerdicts(want.Verdicts, families))
}
