package models_test

import (
	"path/filepath"
	"strings"
	"testing"

	"ordo/models"
)

// open opens a model.
func open(t testing.TB, o models.Options, imageSize int) *models.Model {
	t.Helper()
	m, err := models.Open(o, imageSize)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// build opens a model and builds its artifacts.
func build(t testing.TB, o models.Options, imageSize int, b models.BuildOptions) (models.Artifacts, []string, error) {
	t.Helper()
	return open(t, o, imageSize).Build(b)
}

// TestKeysBesideAFolderThatIsntThere: what is missing is the folder, not the key.
func TestKeysBesideAFolderThatIsntThere(t *testing.T) {
	o := models.DefaultOptions()
	o.Artifacts, o.Projector = filepath.Join(t.TempDir(), "none"), []int{8}
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "no such file or folder") ||
		strings.Contains(err.Error(), "leave out") {
		t.Error(err)
	}
	o.Artifacts = t.TempDir()
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "leave out") {
		t.Error(err)
	}
}
