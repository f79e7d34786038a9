//go:build unix

package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/fault"
)

// childVariable makes this test binary pack a set and end: MODE DIR.
const childVariable = "ORDO_PACK_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		mode, dir, _ := strings.Cut(what, " ")
		os.Exit(child(mode, dir))
	}
	os.Exit(m.Run())
}

// childSet is what children pack, slowly. Each image that they decode is a line in the file log.
func childSet(log string) *drawn {
	return &drawn{n: 60, before: func(i int) {
		time.Sleep(5 * time.Millisecond)
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		defer f.Close()
		fmt.Fprintln(f, i)
	}}
}

func child(mode, dir string) int {
	d := childSet(dir + ".log")
	j := Job{Set: d, Name: "child", Dir: dir, Format: FormatRaw, Workers: 1, Note: func(text string) { fmt.Println(text) }}
	if mode == "small-disk" {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: 10_000}); err != nil {
			fmt.Println(err)
			return 1
		}
		d.before = nil
	}
	f, err := j.Pack(context.Background())
	if err != nil {
		fmt.Println(err)
		if errors.Is(err, fault.Storage) {
			return 6
		}
		return 1
	}
	d.before = nil
	for i := range f.Len() {
		m, err := f.Image(i)
		want, _ := d.Image(i)
		if err != nil || !bytes.Equal(m.Pix, want.Pix) {
			fmt.Println("wrong pixels", i, err)
			return 1
		}
	}
	return 0
}

func start(t *testing.T, mode, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childVariable+"="+mode+" "+dir)
	out := new(bytes.Buffer)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, out
}

// decoded is how many images children have decoded.
func decoded(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(dir + ".log")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}

func TestTwoProcessesPackOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "packed")
	var children []*exec.Cmd
	var outputs []*bytes.Buffer
	for range 3 {
		c, out := start(t, "pack", dir)
		children, outputs = append(children, c), append(outputs, out)
	}
	for i, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("child: %v\n%s", err, outputs[i])
		}
	}
	if n := decoded(t, dir); n != 60 {
		t.Errorf("three processes decoded %d images of 60", n)
	}
	if got := files(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], fileEnd) {
		t.Errorf("files %q", got)
	}
}

// TestWaiting holds the lock of a file, as another process would.
func TestWaiting(t *testing.T) {
	d := &drawn{n: 10}
	j := job(t, d)
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	hold := func() *os.File {
		f, err := os.Create(j.Path() + partialEnd)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := tryLock(f); !ok || err != nil {
			t.Fatalf("lock: %v, %v", ok, err)
		}
		return f
	}
	f := hold()
	var notes []string
	j.Note = func(text string) {
		notes = append(notes, text)
		if err := f.Close(); err != nil { // the other process ends
			t.Error(err)
		}
	}
	checkSame(t, mustPack(t, j), d, 0)
	if len(notes) != 1 || !strings.Contains(notes[0], "another process is packing") ||
		!strings.Contains(notes[0], j.Path()) {
		t.Errorf("notes %q", notes)
	}

	d.version = "2"
	f = hold()
	ctx, cancel := context.WithCancel(t.Context())
	j.Note = func(string) { cancel() }
	if _, err := j.Pack(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted while it waited: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestKilled kills a process that packs. The next one takes over, whatever set it packs.
func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "packed")
	killed := func() {
		before := decoded(t, dir)
		c, out := start(t, "pack", dir)
		for decoded(t, dir) < before+20 {
			if c.ProcessState != nil {
				t.Fatalf("the child ended: %s", out)
			}
			time.Sleep(time.Millisecond)
		}
		waiter, waiterOut := start(t, "pack", dir) // it comes to nothing if it takes over from a dead one
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // killed
		if got := files(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], partialEnd) {
			t.Errorf("a killed process left %q", got)
		}
		if err := waiter.Wait(); err != nil {
			t.Errorf("the one that waited: %v\n%s", err, waiterOut)
		}
		if got := files(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], fileEnd) {
			t.Errorf("in the end there are %q", got)
		}
	}
	killed()

	// What a killed process left, with nobody waiting for it, goes when anything is packed.
	stale := filepath.Join(dir, "other-0123"+fileEnd+partialEnd)
	if err := os.WriteFile(stale, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	busy := filepath.Join(dir, "busy-0123"+fileEnd+partialEnd)
	f, err := os.Create(busy)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if ok, err := tryLock(f); !ok || err != nil {
		t.Fatalf("lock: %v, %v", ok, err)
	}
	d := &drawn{n: 5}
	checkSame(t, mustPack(t, Job{Set: d, Name: "x", Dir: dir, Format: FormatRaw}), d, 0)
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", stale, err)
	}
	if _, err := os.Stat(busy); err != nil {
		t.Errorf("the file of a process that is at work is gone: %v", err)
	}
}

func TestFileSizeLimit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "packed")
	c, out := start(t, "small-disk", dir)
	_ = c.Wait() // the status is looked at
	if c.ProcessState.ExitCode() != 6 || !strings.Contains(out.String(), dir) {
		t.Errorf("status %d: %s", c.ProcessState.ExitCode(), out)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("it left %q", got)
	}
}
