package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/ort/library"
)

func TestRuntimeInstallAndPath(t *testing.T) {
	lib := realLibrary(t)
	t.Setenv(library.EnvLibrary, "")
	cache := t.TempDir()
	t.Setenv(library.EnvCache, cache)

	ordo(t, "runtime", "path").check(t, exitLibrary, library.ErrNotFound.Error())
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

	t.Setenv(library.EnvLibrary, lib)
	ordo(t, "runtime", "install", "--from", lib).check(t, exitOK, "ORDO_ONNXRUNTIME is set")
	if where := ordo(t, "runtime", "path"); where.stdout != lib+"\n" {
		t.Errorf("path %q, want %s", where.stdout, lib)
	}
}

func TestRuntimeInstallRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "libonnxruntime.so.1")
	if err := os.WriteFile(text, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Setenv(library.EnvCache, cache)
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
	t.Setenv(library.EnvCache, cache)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := os.Stat(started); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(syscall.SIGTERM)
		}
		if err != nil {
			t.Error(err)
		}
	}()
	ordo(t, "runtime", "install").check(t, exitInterrupted, "interrupted")
	<-done
	checkNoFiles(t, cache)
}
