//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/track"
)

// mounted is a file system of its own, in memory.
func mounted(t *testing.T, size int64) (dir string, remount func(readOnly bool, size int64)) {
	t.Helper()
	dir = t.TempDir()
	mount := func(flags uintptr, size int64) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", flags, fmt.Sprintf("size=%d", size)); err != nil {
			t.Fatalf("mount a file system: %v", err)
		}
	}
	mount(0, size)
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, func(readOnly bool, size int64) {
		flags := uintptr(unix.MS_REMOUNT)
		if readOnly {
			flags |= unix.MS_RDONLY
		}
		// Files that are open for writing are in the way of read-only, and there are some most of the time.
		for unix.Mount("tmpfs", dir, "tmpfs", flags, fmt.Sprintf("size=%d", size)) != nil {
			time.Sleep(time.Millisecond)
		}
	}
}

// TestTortureByDisks: a disk that is full, or can't be written to any more, ends a run with a sentence and the status
// of storage; once there is room, the same command ends in the same bits.
func TestTortureByDisks(t *testing.T) {
	if !*tortureDisks {
		t.Skip("mounts file systems: -torture.disks, as root")
	}
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	random := rand.New(rand.NewPCG(*tortureSeed, 3))
	file, whole := experiment(t, tiny), filepath.Join(t.TempDir(), "whole")
	args := []string{"run", file, "train.epochs=6", "--json"}
	want := ordoProcess(t, append(args, "--out", whole)...)
	want.check(t, exitOK)
	var size int64
	err := filepath.WalkDir(whole, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			size += (info.Size() + 4095) / 4096 * 4096
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	for i := range 20 {
		dir, remount := mounted(t, size*int64(1+i)/20+random.Int64N(size/20))
		out := filepath.Join(dir, "run")
		if r := ordoProcess(t, append(args, "--out", out)...); r.code != exitOK {
			full++
			r.check(t, exitStorage, "no space left")
		}
		remount(false, 10*size)
		sameRun(t, want, ordoProcess(t, append(args, "--out", out)...), whole, out)
	}
	stopped := 0
	for range 5 {
		dir, remount := mounted(t, 10*size)
		out := filepath.Join(dir, "run")
		ordoInterrupted(t, os.Interrupt, ": step 2", append(args, "--out", out)...)
		remount(true, 10*size)
		ordoProcess(t, append(args, "--out", out)...).check(t, exitStorage, "read-only")
		stopped++
		remount(false, 10*size)
		sameRun(t, want, ordoProcess(t, append(args, "--out", out)...), whole, out)
	}
	t.Logf("%d of 20 disks were full, %d read-only: the same bits afterwards", full, stopped)
}

func sameRun(t *testing.T, want, got result, whole, out string) {
	t.Helper()
	got.check(t, exitOK)
	var a, b track.Result
	if json.Unmarshal([]byte(want.stdout), &a) != nil || json.Unmarshal([]byte(got.stdout), &b) != nil ||
		a.ParametersHash != b.ParametersHash ||
		read(t, filepath.Join(whole, "metrics.jsonl")) != read(t, filepath.Join(out, "metrics.jsonl")) {
		t.Errorf("another run: %s", got.stderr)
	}
}
