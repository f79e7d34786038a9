package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/models/golden"
)

// TestStoredHashes: an experiment file has the same hash in every version. A change of these is a change of every run
// folder's name: a new key belongs into laterKeys instead.
func TestStoredHashes(t *testing.T) {
	var got strings.Builder
	for _, text := range []string{
		"seed: 1", "loss: {order: {kind: none}}", "loss: {order: {temperature: 0.3}}",
		"train: {optimizer: lars}", "loss: {terms: [{kind: care}]}", "loss: {terms: [{kind: ntxent, output: features}]}",
		"augment: {preset: simclr, local_views: {count: 2}}",
		"data: {source: cub200, root: birds, boxes: true, image_size: 64}",
	} {
		e, err := Parse("x.yaml", []byte(text), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %s\n", e.Hash(), text)
	}
	golden.Compare(t, filepath.Join("testdata", "hashes.txt"), got.String())
}

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
		{"set", []any{0.9, 0.99},
			map[string]any{"seed": 1, "train": map[string]any{"epochs": 15, "betas": []any{0.9, 0.99}}}},
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
