package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"ordo/models/ort/install"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/pack"
)

func TestCache(t *testing.T) {
	t.Setenv(install.EnvCache, t.TempDir())
	file := experiment(t, tiny+"\nname: packed\n")
	empty := ordo(t, "cache", "list")
	if empty.check(t, exitOK); !strings.HasPrefix(empty.stdout, "no packed images in ") {
		t.Errorf("stdout %q", empty.stdout)
	}
	e, err := config.Load(file, []string{"data.cache.kind=packed"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	splits, err := data.Open(t.Context(), e.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.KeepAlive(splits) // and with it the files open
	list := func() (all []pack.Kept) {
		t.Helper()
		if err := json.Unmarshal([]byte(ordo(t, "cache", "list", "--json").stdout), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := list()
	if len(all) != 2 || all[0].Images != 24 || all[0].Bytes < 24*3*16*16 || !all[0].InUse || !all[1].InUse {
		t.Fatalf("%+v", all)
	}
	stays := ordo(t, "cache", "prune", "--max-size", "0B")
	if stays.check(t, exitOK); !strings.HasPrefix(stays.stdout, "removed nothing") || len(list()) != 2 {
		t.Errorf("files in use: stdout %q", stays.stdout)
	}
	// Copies that no process has open.
	for i, k := range all {
		data, err := os.ReadFile(k.File)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(filepath.Dir(k.File), "copy-"+string(rune('a'+i))+"-0123456789abcdef.ordopack")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Now().AddDate(0, 0, -20*(i+1)), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	dry := ordo(t, "cache", "prune", "--older-than", "30d", "--dry-run")
	if dry.check(t, exitOK); !strings.Contains(dry.stdout, "copy-b-") || !strings.Contains(dry.stdout, "would remove") ||
		strings.Contains(dry.stdout, "copy-a") || len(list()) != 4 {
		t.Errorf("stdout %q", dry.stdout)
	}
	old := ordo(t, "cache", "prune", "--older-than", "30d")
	if old.check(t, exitOK); !strings.Contains(old.stdout, "copy-b") || len(list()) != 3 {
		t.Errorf("stdout %q", old.stdout)
	}
	ordo(t, "cache", "prune", "copy-x").check(t, exitFailure, "no packed images called copy-x")
	ordo(t, "cache", "prune", "copy-a").check(t, exitOK)
	if left := list(); len(left) != 2 {
		t.Errorf("left %+v", left)
	}
	text := ordo(t, "cache", "list")
	if text.check(t, exitOK); strings.Count(text.stdout, "in use") != 2 {
		t.Errorf("stdout %q", text.stdout)
	}
}

func TestCacheErrors(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"prune", "say what goes"},
		{"prune --older-than soon", "--older-than must be a time"},
		{"prune --older-than -3d", "--older-than must be a time"},
		{"prune --max-size 10", "--max-size must be a size"},
		{"prune --max-size GB", "--max-size must be a size"},
		{"prune --max-size -1GB", "--max-size must be a size"},
		{"list x", "unexpected argument"},
	} {
		ordo(t, append([]string{"cache"}, strings.Fields(c.args)...)...).check(t, exitUsage, c.says)
	}
	for text, want := range map[string]int64{"10GB": 1e10, "1.5 KiB": 1536, "0B": 0, "2TiB": 2 << 40, "3kB": 3000} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "1.5d": 36 * time.Hour, "1h": time.Hour} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
