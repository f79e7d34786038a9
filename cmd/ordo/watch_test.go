package main

import (
	"os"
	"strings"
	"testing"
)

// TestWatch: ctrl-C is how it ends, and no failure.
func TestWatch(t *testing.T) {
	r := ordoInterrupted(t, os.Interrupt, "ctrl-C", "watch", t.TempDir())
	r.check(t, exitOK)
	if !strings.HasPrefix(r.stdout, "http://127.0.0.1:") {
		t.Errorf("stdout %q", r.stdout)
	}
	ordo(t, "watch", "none").check(t, exitData, "none")
	ordo(t, "watch", "--port", "70000").check(t, exitUsage, "--port")
	ordo(t, "watch", "a", "b").check(t, exitUsage)
}
