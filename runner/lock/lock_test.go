package lock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ordo/models/fault"
)

// signed is who wrote a lock's file.
func signed(t *testing.T, path string) Holder {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return read(file)
}

func TestLockIsOneHolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	if _, held := Held(path); held {
		t.Error("a lock without a file is held")
	}
	first, err := Take(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Take(path, 2*retry)
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() || held.Other {
		t.Fatalf("a held lock was taken, or its holder isn't named: %v", err)
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("process %d on %s", os.Getpid(), held.Holder.Host)) {
		t.Errorf("%v does not name the process and its machine", err)
	}
	if h, ok := Held(path); !ok || h.PID != os.Getpid() {
		t.Errorf("held by %v, %v", h, ok)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if _, ok := Held(path); ok || signed(t, path).PID != 0 {
		t.Error("a lock that was given back is held")
	}
	second, err := Take(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
}

// on is a system of which flock holds, or holds nothing, or is not there.
func on(boot string, flock error) system {
	lock := func(int, int) error { return flock }
	return system{lock, func() Holder { return Holder{Host: boot, PID: 7, Boot: boot} }, time.Hour}
}

func TestLockOfAnotherSystemLastsAsLongAsItsHeartbeat(t *testing.T) {
	for _, c := range []struct {
		name  string
		other system
		flock error // of the other system
		age   time.Duration
		held  bool
	}{
		{"flock holds within one system only", on("b", nil), nil, 0, true},
		{"its heart stopped", on("b", nil), nil, 2 * Patience, false},
		{"no flock at all", on("b", unix.ENOTSUP), unix.ENOTSUP, 0, true},
		{"no flock at all, its heart stopped", on("b", unix.ENOLCK), unix.ENOLCK, 2 * Patience, false},
		{"the same system, killed", on("a", nil), nil, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ".lock")
			first, err := on("a", c.flock).take(path, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = first.Release() })
			past := time.Now().Add(-c.age)
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
			second, err := c.other.take(path, time.Hour)
			if err == nil {
				t.Cleanup(func() { _ = second.Release() })
			}
			var held *HeldError
			if errors.As(err, &held) != c.held ||
				err != nil && (held.Holder.Host != "a" || !strings.Contains(held.Wait(), "90 s")) {
				t.Errorf("taken with %v, want held: %v", err, c.held)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".clock*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestHolderBeats(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	s := here
	s.beat = time.Millisecond
	l, err := s.take(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	for { // ends with the next beat
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().After(past.Add(time.Minute)) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if h := signed(t, path); h.PID != os.Getpid() {
		t.Errorf("the file says %v", h)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoLock(t *testing.T) {
	dir := t.TempDir()
	if _, err := Take(filepath.Join(dir, "nowhere", ".lock"), 0); fault.KindOf(err) != fault.Storage {
		t.Errorf("a lock in a folder that isn't there: %v", err)
	}
	// Earlier versions left an empty file; a damaged one says nothing.
	for _, text := range []string{"", "{", `{"pid": "x"}`, strings.Repeat("x", 5000)} {
		path := filepath.Join(dir, ".lock")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Take(path, 0)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
}
