package whole

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ordo/models/fault"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestSweep: what a killed writer of this output left goes, and nothing else.
func TestSweep(t *testing.T) {
	for _, c := range []struct {
		name   string // of what lies there; a slash at the end: a folder
		locked bool
		goes   bool
	}{
		{".x.npz1234567890123456", false, true},
		{".x.npz123456789", false, true},
		{".x.npz1234567890123456", true, false},
		{".x.npz.ordo-123/", false, true},
		{".x.npz.ordo-123/", true, false},
		{".x.npz12345678", false, false}, // too short for one of ours
		{".x.npz1234567890123456789012", false, false},
		{".x.npz1234567890x", false, false},
		{".y.npz1234567890123456", false, false},
		{".x_npz1234567890123456", false, false},
		{"x.npz1234567890123456", false, false},
		{".x.npz1234567890123456/", false, false}, // a folder by a file's name
		{".x.npz.ordo-123", false, false},
		{".x.npz.ordo-/", false, false},
		{"x.npz", false, false},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, c.name)
		var err error
		if strings.HasSuffix(c.name, "/") {
			err = errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "inside"), nil, 0o600))
		} else {
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.locked {
			held, err := hold(path)
			if err != nil || held == nil {
				t.Fatalf("%s can't be locked: %v", c.name, err)
			}
			t.Cleanup(func() { _ = held.Close() })
		}
		Sweep(filepath.Join(dir, "x.npz"))
		if _, err := os.Stat(path); os.IsNotExist(err) != c.goes {
			t.Errorf("%s, locked %t: goes %t, want %t", c.name, c.locked, os.IsNotExist(err), c.goes)
		}
	}
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(target), ".x.npz1234567890123456")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	Sweep(filepath.Join(filepath.Dir(target), "x.npz"))
	if _, err := os.Stat(link); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.txt")
	if err := os.WriteFile(filepath.Join(dir, ".x.txt1234567890123456"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Several at once: each is whole, and the last one stays.
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				if err := WriteFile(path, []byte(strings.Repeat(string(rune('a'+i)), 1000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	data, err := os.ReadFile(path)
	if err != nil || len(data) != 1000 || strings.Trim(string(data), string(data[:1])) != "" {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"x.txt"}) {
		t.Errorf("left %v", got)
	}
	if err := WriteFile(filepath.Join(dir, "none", "x"), nil); !errors.Is(err, fault.Storage) {
		t.Errorf("without a folder: %v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "sub", "out")
	left := filepath.Join(dir, "sub", ".out.ordo-17")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	fails := errors.New("fails")
	if err := Folder(out, func(string) error { return fails }); !errors.Is(err, fails) {
		t.Errorf("error %v", err)
	}
	if got := names(t, filepath.Dir(out)); len(got) > 0 {
		t.Errorf("left %v", got)
	}
	if err := os.Mkdir(out, 0o755); err != nil { // an empty one is taken
		t.Fatal(err)
	}
	err := Folder(out, func(temp string) error {
		Sweep(out) // another writer at the same time
		return os.WriteFile(filepath.Join(temp, "file"), nil, 0o600)
	})
	if got := names(t, filepath.Dir(out)); err != nil || !slices.Equal(got, []string{"out"}) ||
		!slices.Equal(names(t, out), []string{"file"}) {
		t.Errorf("%v, there are %v", err, got)
	}
	err = Folder(out, func(string) error { return nil })
	if !errors.Is(err, fault.Storage) && fault.KindOf(err) == fault.Other && err == nil {
		t.Errorf("over a folder that holds something: %v", err)
	}
	if got := names(t, out); !slices.Equal(got, []string{"file"}) {
		t.Errorf("it holds %v now", got)
	}
}
