package ort_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"ordo/models/fault"
	"ordo/models/ort"
)

func TestMissingCUDA(t *testing.T) {
	dir := t.TempDir()
	runtime := filepath.Join(dir, "libonnxruntime.so.1")
	if _, err := ort.MissingCUDA(runtime); !errors.Is(err, fault.Library) {
		t.Errorf("no provider: error %v", err)
	}
	provider := filepath.Join(dir, "libonnxruntime_providers_cuda.so")
	if err := os.WriteFile(provider, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ort.MissingCUDA(runtime); !errors.Is(err, fault.Library) {
		t.Errorf("no ELF file: error %v", err)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip(err)
	}
	build := func(args ...string) {
		t.Helper()
		cmd := exec.Command(cc, append([]string{"-shared", "-x", "c", "/dev/null"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
	}
	build("-Wl,-soname,libordo_absent.so.7", "-o", "libordo_absent.so")
	build("-Wl,-soname,libordo_beside.so", "-o", "libordo_beside.so")
	build("-o", provider, "-Wl,--no-as-needed", "-x", "none", "-L.", "-lordo_absent", "-lordo_beside", "-lm")
	missing, err := ort.MissingCUDA(runtime)
	if err != nil {
		t.Fatal(err)
	}
	missing = slices.DeleteFunc(
		missing,
		func(name string) bool { return name == "libcuda.so.1" },
	) // this machine may have a driver
	if !slices.Equal(missing, []string{"libordo_absent.so.7"}) {
		t.Errorf("missing %q", missing)
	}
}
