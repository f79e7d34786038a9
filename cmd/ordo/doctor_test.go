package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

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
		{"not a library", text, "unset ORDO_ONNXRUNTIME"},
	} {
		t.Run(c.name, func(t *testing.T) {
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

func TestCgroupLimits(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want limits
	}{
		{"no cgroups", fstest.MapFS{}, limits{}},
		{"version 1", fstest.MapFS{"proc/self/cgroup": file("4:memory:/x\n")}, limits{}},
		{"no limit", fstest.MapFS{
			"proc/self/cgroup":          file("0::/\n"),
			"sys/fs/cgroup/cpu.max":     file("max 100000\n"),
			"sys/fs/cgroup/memory.max":  file("max\n"),
			"sys/fs/cgroup/a/cpu.max":   file("100000 100000\n"),
			"sys/fs/other/a/memory.max": file("1\n"),
		}, limits{}},
		{"container", fstest.MapFS{
			"proc/self/cgroup":         file("0::/\n"),
			"sys/fs/cgroup/cpu.max":    file("150000 100000\n"),
			"sys/fs/cgroup/memory.max": file("1073741824\n"),
		}, limits{1.5, 1 << 30}},
		{"the tightest counts", fstest.MapFS{
			"proc/self/cgroup":             file("1:name=systemd:/\n0::/a/b\n"),
			"sys/fs/cgroup/a/cpu.max":      file("200000 100000\n"),
			"sys/fs/cgroup/a/b/cpu.max":    file("400000 100000\n"),
			"sys/fs/cgroup/a/memory.max":   file("max\n"),
			"sys/fs/cgroup/a/b/memory.max": file("4096\n"),
		}, limits{2, 4096}},
		{"nonsense", fstest.MapFS{
			"proc/self/cgroup":         file("0::/../..\n"),
			"sys/fs/cgroup/cpu.max":    file("0 0\n"),
			"sys/fs/cgroup/memory.max": file("many\n"),
		}, limits{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cgroupLimits(c.root); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestMemInfo(t *testing.T) {
	const text = "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\nX: y\n\n"
	root := fstest.MapFS{"proc/meminfo": {Data: []byte(text)}}
	if total, available := memInfo(root); total != 2<<20 || available != 1<<20 {
		t.Errorf("%d, %d", total, available)
	}
	if total, available := memInfo(fstest.MapFS{}); total != 0 || available != 0 {
		t.Errorf("%d, %d of nothing", total, available)
	}
}

func TestFreeSpace(t *testing.T) {
	dir := t.TempDir()
	if _, ok := statFree(dir); !ok {
		t.Skip("unknown on this system")
	}
	if n := freeSpace(filepath.Join(dir, "not", "yet", "there")); n <= 0 {
		t.Errorf("%d bytes", n)
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "unknown", 999: "999 B", 1000: "0.977 KiB", 1 << 20: "1 MiB",
		25276502016: "23.5 GiB", 5 << 50: "5.12e+03 TiB"} {
		if got := formatBytes(n); got != want {
			t.Errorf("formatBytes(%d) = %q, want %q", n, got, want)
		}
	}
}
