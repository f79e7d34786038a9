package config

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("experiment.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("experiment.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// valid says what a validator has against a YAML text.
func valid(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// TestSchemaOfShipped: a validator accepts all shipped experiments, and what ordo writes of each.
func TestSchemaOfShipped(t *testing.T) {
	s := compiled(t)
	files := 0
	err := filepath.WalkDir("../../experiments", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" || strings.Contains(path, "sweeps") {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		e, err := Load(path, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		whole, err := e.YAML()
		if err == nil {
			err = valid(t, s, whole)
		}
		if err != nil {
			t.Errorf("%s, resolved: %v", path, err)
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct{ text, says string }{
		{"seeds: 1", "seeds"},
		{"train: {epoch: 1}", "epoch"},
		{"train: {epochs: many}", "epochs"},
		{"train: {epochs: 1.5}", "epochs"},
		{"model: {backbone: resnet19}", "backbone"},
		{"model: {projector: 64}", "projector"},
		{"augment: {roles: {hue: kept}}", "hue"},
		{"augment: {ordered: [{famly: hue}]}", "famly"},
		{"augment: {invariant: [horizontal_flap]}", "invariant"},
		{"augment: {invariant: [{horizontal_flip: {q: 1}}]}", "invariant"},
		{"augment: {mean: [0.5, 0.5]}", "mean"},
		{"loss: {order: {families: {hue: {wait: 1}}}}", "wait"},
		{"loss: {terms: [{kinds: care}]}", "kinds"},
	} {
		if err := valid(t, s, []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	good := "augment: {invariant: [horizontal_flip, {random_resized_crop: {scale: [0.5, 1]}}, {family: hue, max: 0.2}, " +
		"{grayscale: }], ordered: [{family: rotate, with: [{family: blur, max: 1}]}], roles: {rotate+blur: invariant}}\n" +
		"loss: {order: {families: {hue: {weight: 2}}}, terms: [{kind: augself, weight: 0.5}]}\n"
	if err := valid(t, s, []byte(good)); err != nil {
		t.Error(err)
	}
}
