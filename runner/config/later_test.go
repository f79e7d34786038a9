package config

import (
	"reflect"
	"testing"
)

// TestLaterKeys: a key that came later is left out of the hash where it has its default, and only there.
func TestLaterKeys(t *testing.T) {
	unset := map[string]any{"seed": 1, "train": map[string]any{"epochs": 15, "betas": []any{0.9, 0.999}}}
	later := []string{"train.betas", "train.absent"}
	for _, c := range []struct {
		name  string
		betas []any
		want  map[string]any
	}{
		{"at its default", []any{0.9, 0.999}, map[string]any{"seed": 1, "train": map[string]any{"epochs": 15}}},
		{"set", []any{0.9, 0.99}, map[string]any{"seed": 1, "train": map[string]any{"epochs": 15, "betas": []any{0.9, 0.99}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := map[string]any{"seed": 1, "train": map[string]any{"epochs": 15, "betas": c.betas}}
			dropUnset(tree, unset, later)
			if !reflect.DeepEqual(tree, c.want) {
				t.Errorf("left %v, want %v", tree, c.want)
			}
		})
	}
	for _, key := range laterKeys {
		tree := Default().tree()
		if at(tree, key, false) == nil {
			t.Errorf("laterKeys lists %s, which is no key", key)
		}
	}
}
