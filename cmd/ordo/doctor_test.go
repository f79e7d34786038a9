package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/ort/install"
)

func doctorJSON(t *testing.T, code int, says ...string) diagnosis {
	t.Helper()
	r := ordo(t, "doctor", "--json")
	r.check(t, code, says...)
	var d diagnosis
	dec := json.NewDecoder(strings.NewReader(r.stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	return d
}

func TestDoctor(t *testing.T) {
	lib := realLibrary(t)
	d := doctorJSON(t, exitOK)
	if !d.OK || d.Problem != "" || d.Library.Path != lib || d.Library.Source != install.EnvLibrary ||
		!d.Library.Training ||
		!slices.Contains(d.Library.Providers, "CPUExecutionProvider") || !strings.Contains(d.Library.Version, ".") {
		t.Errorf("found %+v, want a usable library at %s", d, lib)
	}
	if d.CPU.Cores < 1 || d.CPU.Model == "" || d.Cache.Dir == "" {
		t.Errorf("found %+v", d)
	}
	r := ordo(t, "doctor")
	r.check(t, exitOK)
	for _, s := range []string{lib, "training    yes", "CPUExecutionProvider", "cores",
		"memory", "cache", "Training would work."} {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, r.stdout)
		}
	}
}

func TestDoctorProblems(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "libonnxruntime.so.1")
	if err := os.WriteFile(text, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, override, says string }{
		{"nothing installed", "", "run `ordo runtime install`"},
		{"missing file", filepath.Join(dir, "no.so"), "does not exist"},
		{"not a library", text, "let ORDO_ONNXRUNTIME name another library"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(install.EnvCache, t.TempDir()) // whatever the user's is
			t.Setenv(install.EnvLibrary, c.override)
			t.Setenv("PATH", t.TempDir())
			d := doctorJSON(t, exitLibrary, c.says)
			if d.OK || !strings.Contains(d.Problem, c.says) || d.Maven != "" ||
				!strings.Contains(strings.Join(d.Advice, "\n"), "install Maven") {
				t.Errorf("found %+v, want the problem %q and advice about mvn", d, c.says)
			}
			r := ordo(t, "doctor")
			r.check(t, exitLibrary, c.says)
			if !strings.Contains(r.stdout, "Training would not work") {
				t.Errorf("stdout %q", r.stdout)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	r := ordo(t, "version")
	r.check(t, exitOK)
	if !strings.HasPrefix(r.stdout, "ordo "+thisBuild().Version+", go1.") || r.stdout != ordo(t, "--version").stdout {
		t.Errorf("version %q, --version %q", r.stdout, ordo(t, "--version").stdout)
	}
	var b build
	if err := json.Unmarshal([]byte(ordo(t, "version", "--json").stdout), &b); err != nil {
		t.Fatal(err)
	}
	if b != thisBuild() || b.ONNXRuntime != install.Version {
		t.Errorf("build %+v", b)
	}
}
