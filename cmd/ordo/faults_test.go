package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
)

// TestFaultsReadWell: what a user can mend is told in one sentence: what, where once, and what to do.
func TestFaultsReadWell(t *testing.T) {
	demo, role := "../../experiments/demo.yaml", "../../experiments/sweeps/mnist-role.yaml"
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		code int
		says []string // once each
		not  []string
	}{
		{
			name: "no folder of artifacts", args: []string{"run", demo, "model.artifacts=/nonexistent"},
			code: exitConfig, says: []string{"override model.artifacts=/nonexistent", "no such", "check the path"},
			not: []string{"projector", "leave out"},
		},
		{
			name: "no weights", args: []string{"run", demo, "model.weights=/none.safetensors"},
			code: exitData, says: []string{"/none.safetensors", "no such file", "check the path"},
		},
		{
			name: "no sweep file", args: []string{"sweep", "/none.yaml"},
			code: exitConfig, says: []string{"/none.yaml", "no such file"}, not: []string{"file does not exist"},
		},
		{
			name: "no experiment file", args: []string{"run", "/none.yaml"},
			code: exitConfig, says: []string{"/none.yaml", "no such file"}, not: []string{"file does not exist"},
		},
		{
			name: "no folder for a picture", args: []string{"views", demo, "--out", "/nonexistent/x.png"},
			code: exitStorage, says: []string{"/nonexistent/x.png", "no folder /nonexistent", "make the folder"},
			not: []string{".x.png"},
		},
		{
			name: "a sweep file given to run", args: []string{"run", role},
			code: exitConfig, says: []string{"`ordo sweep " + role + "`"}, not: []string{"no key"},
		},
		{
			name: "an experiment given to sweep", args: []string{"sweep", demo},
			code: exitConfig, says: []string{"`ordo run " + demo + "`"}, not: []string{"no key"},
		},
		{
			name: "not a library", args: []string{"run", demo}, env: map[string]string{install.EnvLibrary: "/bin/ls"},
			code: exitLibrary, says: []string{"/bin/ls", "ORDO_ONNXRUNTIME", "`ordo runtime install`"},
		},
		{
			name: "no library", args: []string{"run", demo}, env: map[string]string{install.EnvLibrary: "/none.so"},
			code: exitLibrary, says: []string{"/none.so", "does not exist", "ORDO_ONNXRUNTIME", "unset"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(install.EnvLibrary, orttest.Path(t))
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			r := ordo(t, append(c.args, outOf(t, c.args[0])...)...)
			r.check(t, c.code, c.says...)
			_, text, _ := strings.Cut("\n"+r.stderr, "\nordo: ") // notes may come before
			for _, s := range c.says {
				if n := strings.Count(text, s); n > 1 {
					t.Errorf("%q is said %d times in %q", s, n, text)
				}
			}
			for _, s := range c.not {
				if strings.Contains(text, s) {
					t.Errorf("%q says %q", text, s)
				}
			}
			for _, name := range packages(t) {
				if strings.HasPrefix(text, name+": ") {
					t.Errorf("%q begins with a package", text)
				}
			}
			if strings.Count(text, "\n") != 1 {
				t.Errorf("%q is more than one sentence", text)
			}
		})
	}
}

// outOf keeps what a command writes out of this folder.
func outOf(t *testing.T, command string) []string {
	t.Helper()
	if command != "run" && command != "sweep" {
		return nil
	}
	return []string{"--out", filepath.Join(t.TempDir(), "out")}
}

// packages are the names that errors of bugs begin with.
func packages(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, dir := range []string{"../../models", "../../runner"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, filepath.Base(dir))
		for _, e := range entries {
			if e.IsDir() {
				list = append(list, e.Name())
			}
		}
	}
	return list
}
