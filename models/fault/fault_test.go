package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ordo/models/fault"
)

func TestKindOf(t *testing.T) {
	born := fault.New(fault.Data, "x.png: is cut off")
	for _, c := range []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"nil", nil, fault.Other},
		{"plain", errors.New("x"), fault.Other},
		{"born", born, fault.Data},
		{"wrapped", fmt.Errorf("in y: %w", born), fault.Data},
		{"joined", errors.Join(errors.New("x"), born), fault.Data},
		{"outermost", fault.New(fault.Config, "data.root: %w", born), fault.Config},
		{"other outside", fault.New(fault.Other, "data.root: %w", born), fault.Data},
		{"kept", fault.Wrap(fault.Config, born), fault.Data},
		{"given", fault.Wrap(fault.Config, errors.New("x")), fault.Config},
		{"bare kind", fmt.Errorf("%w: x", fault.Numeric), fault.Numeric},
		{"no space", fmt.Errorf("write: %w", syscall.ENOSPC), fault.Storage},
		{"no space in data", fault.New(fault.Data, "x: %w", syscall.ENOSPC), fault.Data},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), fault.Interrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.KindOf(c.err); got != c.want {
				t.Errorf("KindOf = %q, want %q", got, c.want)
			}
		})
	}
}

func TestIsAsksForKind(t *testing.T) {
	err := fmt.Errorf("in y: %w", fault.New(fault.Config, "data.root: %w", fault.New(fault.Data, "x")))
	if !errors.Is(err, fault.Config) || !errors.Is(err, fault.Data) || errors.Is(err, fault.Numeric) ||
		errors.Is(err, fault.Other) {
		t.Errorf("errors.Is of %v is wrong", err)
	}
	if fault.Wrap(fault.Data, nil) != nil {
		t.Error("Wrap makes an error of nil")
	}
}

func TestFileSaysPathOnce(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none.safetensors")
	_, open := os.Open(none)
	deep := filepath.Join(dir, "nowhere", "x.png")
	temporary := &fs.PathError{Op: "open", Path: filepath.Join(dir, "nowhere", ".x.png150648"), Err: syscall.ENOENT}
	for _, c := range []struct {
		name  string
		err   error
		kind  fault.Kind
		cause error
		words []string
	}{
		{"no file", fault.Reading(fault.Data, none, open), fault.Data, fs.ErrNotExist,
			[]string{none, "no such file", "check the path"}},
		{"no folder", fault.Writing(deep, temporary), fault.Storage, fs.ErrNotExist,
			[]string{deep, "no folder", "make the folder"}},
		{"full", fault.Writing(deep, &os.LinkError{Op: "rename", Old: "a", New: deep, Err: syscall.ENOSPC}), fault.Storage,
			syscall.ENOSPC, []string{deep, "no space", "free some space"}},
		{"folder", fault.Reading(fault.Config, dir, &fs.PathError{Op: "read", Path: dir, Err: syscall.EISDIR}), fault.Config,
			syscall.EISDIR, []string{dir, "is a folder", "name a file"}},
		{"other", fault.Reading(fault.Data, none, errors.New("is cut off")), fault.Data, nil, []string{none, "is cut off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.err.Error()
			for _, w := range c.words {
				if !strings.Contains(text, w) {
					t.Errorf("%q lacks %q", text, w)
				}
			}
			if strings.Count(text, c.words[0]) != 1 || strings.Contains(text, "150648") || strings.Contains(text, "open ") {
				t.Errorf("%q names a path twice, a temporary file or an operation", text)
			}
			if fault.KindOf(c.err) != c.kind || c.cause != nil && !errors.Is(c.err, c.cause) {
				t.Errorf("%v has kind %q or lost its cause", c.err, fault.KindOf(c.err))
			}
		})
	}
	inner := fault.New(fault.Config, "x")
	if got := fault.Reading(fault.Data, "y", inner); got != error(inner) { //nolint:errorlint // the very same
		t.Errorf("Reading wraps a fault again: %v", got)
	}
	if fault.Writing("y", nil) != nil {
		t.Error("Writing makes an error of nil")
	}
}

func ExampleNew() {
	err := fault.New(fault.Config, "data.root: %s holds no images", "pictures").
		Advise("name a folder with one folder a class").With(fault.OtherFolder{})
	fmt.Println(err)
	fmt.Println(fault.KindOf(err), len(fault.Hints(fmt.Errorf("run: %w", err))))
	// Output:
	// data.root: pictures holds no images: name a folder with one folder a class
	// bad settings 1
}
