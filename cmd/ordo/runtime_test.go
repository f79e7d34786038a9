package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/ort/install"
)

func TestRuntimeInstallAndPath(t *testing.T) {
	lib := realLibrary(t)
	t.Setenv(install.EnvLibrary, "")
	cache := t.TempDir()
	t.Setenv(install.EnvCache, cache)

	ordo(t, "runtime", "path").check(t, exitLibrary, "ONNX Runtime", "not found", "run `ordo runtime install`")
	first := ordo(t, "runtime", "install", "--from", lib)
	first.check(t, exitOK, "installed")
	path := strings.TrimSpace(first.stdout)
	if !strings.HasPrefix(path, cache) {
		t.Errorf("installed %q, want a path below %s", path, cache)
	}
	second := ordo(t, "runtime", "install", "--from", lib)
	second.check(t, exitOK, "already installed")
	where := ordo(t, "runtime", "path")
	where.check(t, exitOK)
	if second.stdout != first.stdout || where.stdout != first.stdout {
		t.Errorf("paths %q, %q, %q", first.stdout, second.stdout, where.stdout)
	}

	t.Setenv(install.EnvLibrary, lib)
	ordo(t, "runtime", "install", "--from", lib).check(t, exitOK, "ORDO_ONNXRUNTIME is set")
	if where := ordo(t, "runtime", "path"); where.stdout != lib+"\n" {
		t.Errorf("path %q, want %s", where.stdout, lib)
	}
}

func TestRuntimeInstallsOneDNN(t *testing.T) {
	lib := realLibrary(t)
	cache, from := t.TempDir(), t.TempDir()
	t.Setenv(install.EnvLibrary, "")
	t.Setenv(install.EnvOneDNN, "")
	t.Setenv(install.EnvCache, cache)
	fakeMaven(t, "echo '[ERROR] no route to host'; exit 1")
	ordo(t, "runtime", "install", "--from", lib).check(t, exitOK)
	ordo(t, "runtime", "path", "--kernels").check(t, exitLibrary, "oneDNN", "not found", "run `ordo runtime install`")
	own := filepath.Join(from, "libdnnl.so.3")
	if err := os.WriteFile(own, []byte("hello"), 0o755); err != nil {
		t.Fatal(err)
	}
	ordo(t, "runtime", "install", "--from", lib, "--kernels-from", filepath.Join(from, "no.jar")).
		check(t, exitLibrary, "does not exist")
	ordo(t, "runtime", "install", "--from", lib, "--kernels-from", own).check(t, exitOK, "installed")
	path := ordo(t, "runtime", "path", "--kernels")
	path.check(t, exitOK)
	if !strings.HasPrefix(path.stdout, filepath.Join(cache, "dnnl")) {
		t.Errorf("path %q", path.stdout)
	}
	// What is there and cannot be loaded is told, and stops nothing.
	d := doctorJSON(t, exitOK)
	if d.Kernels.Path+"\n" != path.stdout || d.Kernels.Problem == "" ||
		!strings.Contains(strings.Join(d.Advice, "\n"), "without fast kernels") {
		t.Errorf("found %+v, advice %q", d.Kernels, d.Advice)
	}
}

func TestRuntimeWithCUDA(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("published for Linux on x86-64 only")
	}
	cpu := realLibrary(t)
	t.Setenv(install.EnvLibrary, "")
	t.Setenv(install.EnvCache, t.TempDir())
	experiment := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(experiment, []byte("model: {execution: {provider: cuda}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "run")
	ordo(t, "runtime", "install", "--from", cpu).check(t, exitOK)
	for _, args := range [][]string{{"runtime", "path", "--gpu"}, {"run", experiment, "--out", out}} {
		ordo(t, args...).check(t, exitLibrary, "run `ordo runtime install --gpu`")
	}
	ordo(t, "runtime", "install", "--gpu", "--from", cpu).
		check(t, exitLibrary, "libonnxruntime_providers_cuda.so", "is not beside")

	// Beside the usual library stand two files that are not what they should be: installing takes them, CUDA would not.
	from := t.TempDir()
	content, err := os.ReadFile(cpu)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"libonnxruntime.so.1": content,
		"libonnxruntime_providers_cuda.so":   []byte("x"),
		"libonnxruntime_providers_shared.so": []byte("x")} {
		if err := os.WriteFile(filepath.Join(from, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	installed := ordo(t, "runtime", "install", "--gpu", "--from", from)
	installed.check(t, exitOK, "CUDA would not work")
	if path := ordo(t, "runtime", "path", "--gpu"); path.stdout != installed.stdout {
		t.Errorf("path %q, installed %q", path.stdout, installed.stdout)
	}
	if path := ordo(t, "runtime", "path"); path.stdout == installed.stdout {
		t.Errorf("the library with CUDA took the place of the other")
	}
	d := doctorJSON(t, exitOK)
	if d.CUDA == nil || d.CUDA.Path+"\n" != installed.stdout ||
		d.CUDA.Problem == "" || !strings.Contains(strings.Join(d.Advice, "\n"), "CUDA would not work") {
		t.Errorf("found %+v, advice %q", d.CUDA, d.Advice)
	}
	if r := ordo(t, "doctor"); !strings.Contains(r.stdout, "not all found") {
		t.Errorf("doctor says %s", r.stdout)
	}
	ordo(t, "run", experiment, "--out", out).check(t, exitLibrary, "has no CUDAExecutionProvider")
}

func TestRuntimeInstallRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "libonnxruntime.so.1")
	if err := os.WriteFile(text, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Setenv(install.EnvCache, cache)
	ordo(t, "runtime", "install", "--from", text).check(t, exitLibrary, text, "give another library")
	ordo(t, "runtime", "install", "--from", filepath.Join(dir, "no.jar")).check(t, exitLibrary, "does not exist")
	fakeMaven(t, "echo '[ERROR] no route to host'; exit 1")
	ordo(t, "runtime", "install").check(t, exitLibrary, "no route to host", "--from JAR")
	t.Setenv("PATH", t.TempDir())
	ordo(t, "runtime", "install").check(t, exitLibrary, "install Maven")
	checkNoFiles(t, cache)
}

func checkNoFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A real signal stops a command that waits for mvn.
func TestInterrupt(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	fakeMaven(t, "touch '"+started+"'; sleep 60")
	cache := t.TempDir()
	t.Setenv(install.EnvCache, cache)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := os.Stat(started); err == nil {
				break
			}
			select {
			case <-ctx.Done(): // the command has ended without mvn
				return
			case <-time.After(time.Millisecond):
			}
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGTERM)
		}
		if err != nil {
			t.Error(err)
		}
	}()
	r := ordo(t, "runtime", "install")
	cancel()
	<-done
	r.check(t, exitStopped, "interrupted")
	checkNoFiles(t, cache)
}
