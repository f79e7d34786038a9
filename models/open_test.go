package models_test

import (
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
