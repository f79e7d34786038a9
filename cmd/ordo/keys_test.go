package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"ordo/runner/config"
)

func TestKeys(t *testing.T) {
	for path, says := range map[string][]string{
		"train.epochs": {"train.epochs\n", "a whole number", "[1, 100000]", "default 15",
			"Passes over", "ORDO_TRAIN_EPOCHS"},
		"data.cache":               {"data.cache.kind\n", "data.cache.dir\n"},
		"augment.ordered.0.levels": {"augment.ordered.INDEX.levels\n", "default 3"},
	} {
		r := ordo(t, "keys", path)
		r.check(t, exitOK)
		for _, s := range says {
			if !strings.Contains(r.stdout, s) {
				t.Errorf("%s: %q does not say %q", path, r.stdout, s)
			}
		}
	}
	ordo(t, "keys", "train.epoch").check(t, exitUsage, "train.epoch", "train.epochs")
	ordo(t, "keys", "evl").check(t, exitUsage, "did you mean eval?")
	ordo(t, "keys", "train", "--markdown").check(t, exitUsage, "--markdown")
	ordo(t, "keys", "--json", "--markdown").check(t, exitUsage, "exclude each other")

	page, err := os.ReadFile("../../docs/experiment.md")
	if r := ordo(t, "keys", "--markdown"); err != nil || r.stdout != string(page) {
		t.Errorf("--markdown prints another page than docs/experiment.md, %v", err)
	}
	var list []config.Key
	err = json.Unmarshal([]byte(ordo(t, "keys", "--json").stdout), &list)
	if err != nil || len(list) != len(config.Keys()) {
		t.Errorf("--json prints %d keys, %v", len(list), err)
	}
}

// TestComplete asks as the scripts for the shells do.
func TestComplete(t *testing.T) {
	demo := "../../experiments/demo.yaml"
	folder := t.TempDir()
	for _, name := range []string{"experiment.yaml", "photos/a/1.png"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte("seed: 1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const nothing = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	for _, c := range []struct {
		args string
		want string // separated by spaces, without their descriptions
		how  cobra.ShellCompDirective
	}{
		{"run exp", "yaml yml", cobra.ShellCompDirectiveFilterFileExt},
		{"select exp", "yaml yml", cobra.ShellCompDirectiveFilterFileExt},
		{"select --data photos loss.order.kind=so", "loss.order.kind=soft_spearman", nothing},
		{"sweep exp", "yaml yml", cobra.ShellCompDirectiveFilterFileExt},
		{"run " + demo + " train.sched", "train.schedule=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"run " + demo + " train.schedule=", "train.schedule=cosine train.schedule=constant", nothing},
		{"run " + demo + " seed=2 augment.roles.r", "augment.roles.rotate=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"run none.yaml model.backbone=vit", "model.backbone=vit_tiny model.backbone=vit_small", nothing},
		{"sweep " + demo + " loss.order.kind=so", "loss.order.kind=soft_spearman", nothing},
		{"views " + demo + " augment.ordered.0.sampling=g", "augment.ordered.0.sampling=grid", nothing},
		{"bench step " + demo + " train.nesterov=", "train.nesterov=true train.nesterov=false", nothing},
		{"bench pipeline " + demo + " data.source=st", "data.source=stl10", nothing},
		{"data info exp", "yaml yml", cobra.ShellCompDirectiveFilterFileExt},
		{"data info data.source=fol", "data.source=folder", nothing},
		{"data verify data.source=folder data.ro", "data.root=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"data export " + demo + " data.cache.k", "data.cache.kind=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"data info data.source=folder data.root=" + folder + "/p", "data.root=" + folder + "/photos/",
			cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace},
		{"embed runs/d", "", cobra.ShellCompDirectiveDefault},
		{"embed " + folder + " data.on", "data.on_error=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"embed " + folder + " data.on_error=f", "data.on_error=fail", nothing},
		{"embed " + folder + " train.", "yaml yml", cobra.ShellCompDirectiveFilterFileExt},
		{"eval runs/d", "", cobra.ShellCompDirectiveDefault},
		{"eval " + folder + " exp", "yaml yml", cobra.ShellCompDirectiveFilterFileExt},
		{"eval " + folder + " eval.knn.", "eval.knn.k= eval.knn.temperature=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"eval encoder.onnx " + demo + " data.on", "data.on_error=", nothing | cobra.ShellCompDirectiveNoSpace},
		{"keys tr", "train track", cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace},
	} {
		r := ordo(t, append([]string{"__complete"}, strings.Fields(c.args)...)...)
		lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
		last := len(lines) - 1
		var got []string
		for _, line := range lines[:last] {
			text, _, _ := strings.Cut(line, "\t")
			got = append(got, text)
		}
		if text := strings.Join(got, " "); text != c.want || lines[last] != fmt.Sprintf(":%d", c.how) {
			t.Errorf("%s: %q %s, want %q :%d", c.args, text, lines[last], c.want, c.how)
		}
	}
}

// TestOverridesAreCompleted: no command takes overrides that the shell knows nothing of.
func TestOverridesAreCompleted(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if strings.Contains(c.Use, "KEY=VALUE") && c.ValidArgsFunction == nil {
			t.Errorf("%s takes overrides and completes none", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRootCommand(&global{}))
	for _, key := range pathKeys {
		if list, _ := config.KeysOf(key); len(list) != 1 {
			t.Errorf("pathKeys lists %s, which is no key", key)
		}
	}
}
