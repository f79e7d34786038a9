//go:build unix

package pack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

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

// half is the image at which a child stops until its standard input ends, and what it says then.
const half = 20

// childSet is what children pack. Each image that they decode is a line in the file log.
func childSet(log string) *drawn {
	return &drawn{n: 60, before: func(i int) {
		if i == half {
			fmt.Println("half")
			if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
				panic(err)
			}
		}
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

// process is a child at work.
type process struct {
	*exec.Cmd
	hold   io.Closer // its standard input: closed, it goes on at half
	says   *bufio.Reader
	errors bytes.Buffer
}

func start(t *testing.T, mode, dir string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &process{Cmd: exec.Command(exe)}
	c.Env = append(os.Environ(), childVariable+"="+mode+" "+dir)
	c.Stderr = &c.errors
	stdin, err1 := c.StdinPipe()
	stdout, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	c.hold, c.says = stdin, bufio.NewReader(stdout)
	return c
}

// hears waits until the child says a line with one of these texts.
func (c *process) hears(t *testing.T, texts ...string) {
	t.Helper()
	for {
		line, err := c.says.ReadString('\n')
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(line, text) }) {
			return
		}
		if err != nil {
			t.Fatalf("a child ended without a word of %q: %v\n%s", texts, err, &c.errors)
		}
	}
}

// end lets the child go on and gives what it says until it ends, and its error.
func (c *process) end(t *testing.T) (string, error) {
	t.Helper()
	_ = c.hold.Close() // it may be closed already
	text, err := io.ReadAll(c.says)
	if err != nil {
		t.Error(err)
	}
	err = c.Wait()
	return string(text) + c.errors.String(), err
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
	var children []*process
	for range 3 {
		children = append(children, start(t, "pack", dir))
	}
	for _, c := range children {
		c.hears(t, "half", "another process is packing")
	}
	for _, c := range children {
		_ = c.hold.Close() // a pipe
	}
	for _, c := range children {
		if text, err := c.end(t); err != nil {
			t.Errorf("child: %v\n%s", err, text)
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
		c := start(t, "pack", dir)
		c.hears(t, "half")
		waiter := start(t, "pack", dir) // it comes to nothing if it takes over from a dead one
		waiter.hears(t, "another process is packing")
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // killed
		if got := files(t, dir); len(got) != 1 || !strings.HasSuffix(got[0], partialEnd) {
			t.Errorf("a killed process left %q", got)
		}
		if text, err := waiter.end(t); err != nil {
			t.Errorf("the one that waited: %v\n%s", err, text)
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
	c := start(t, "small-disk", dir)
	text, _ := c.end(t) // the status is looked at
	if c.ProcessState.ExitCode() != 6 || !strings.Contains(text, dir) {
		t.Errorf("status %d: %s", c.ProcessState.ExitCode(), text)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("it left %q", got)
	}
}
