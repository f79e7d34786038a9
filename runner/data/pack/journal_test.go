package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// interrupted packs until some images are done, and gives the names of the partial file and its journal.
func interrupted(t *testing.T, j Job, at int) (partial, log string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j.journal = 1 // a block for every image
	j.Progress = func(done, _ int) {
		if done == at {
			cancel()
		}
	}
	if _, err := j.Pack(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	partial = j.Path() + partialEnd
	return partial, partial + journalEnd
}

// TestGoesOn: what was packed before an interruption is not decoded again, and the file is the same. Where the journal
// doesn't tell the truth, all are.
func TestGoesOn(t *testing.T) {
	broken := map[int]error{3: errors.New("broken"), 11: errors.New("broken")}
	cut := func(t *testing.T, name string, by int64) {
		info, err := os.Stat(name)
		if err == nil {
			err = os.Truncate(name, info.Size()-by)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		bad    map[int]error
		format string
		damage func(t *testing.T, d *drawn, partial, log string)
		anew   int64 // how many images of 60 are decoded; 0: those that the journal doesn't know
	}{
		{"whole", nil, FormatRaw, nil, 0},
		{"JPEG", nil, FormatJPEG, nil, 0},
		{"with images left out", broken, FormatRaw, nil, 0},
		{"with more records than the journal knows", nil, FormatRaw, func(t *testing.T, _ *drawn, _, log string) {
			cut(t, log, 1)
		}, 0},
		{"without the last records", nil, FormatRaw, func(t *testing.T, _ *drawn, partial, _ string) {
			cut(t, partial, 1)
		}, 60},
		{"with other records", nil, FormatRaw, func(t *testing.T, _ *drawn, partial, _ string) {
			info, err := os.Stat(partial)
			if err == nil {
				err = os.WriteFile(partial, make([]byte, info.Size()), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, 60},
		{"with a journal of something else", nil, FormatRaw, func(t *testing.T, _ *drawn, _, log string) {
			if err := os.WriteFile(log, []byte("ordojrnl, but not of this file, and long enough to be one"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 60},
		{"with an image that can be read now", broken, FormatRaw, func(_ *testing.T, d *drawn, _, _ string) {
			d.bad = nil
		}, 61},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &drawn{n: 60, bad: c.bad}
			j := job(t, d)
			j.Format, j.Quality, j.Skip = c.format, 90, true
			partial, log := interrupted(t, j, 20)
			if c.damage != nil {
				c.damage(t, d, partial, log)
			}
			want := c.anew
			if want == 0 {
				known := journal{path: log, key: j.key()}
				want = 60 - int64(len(known.read())/rowSize)
				known.close()
			}
			d.asked.Store(0)
			var notes []string
			j.Note = func(text string) { notes = append(notes, text) }
			f := mustPack(t, j)
			if n := d.asked.Load(); n != want || want == 60 && c.anew == 0 {
				t.Errorf("%d images of 60 were decoded, want %d", n, want)
			}
			if said := strings.Contains(fmt.Sprint(notes), "going on"); said != (c.anew == 0) {
				t.Errorf("notes %q", notes)
			}
			if c.format == FormatRaw {
				checkSame(t, f, d, 0)
			}
			if left := files(t, j.Dir); len(left) > 2 || strings.Contains(fmt.Sprint(left), partialEnd) {
				t.Errorf("left %q", left)
			}
			j.Dir = t.TempDir()
			got, err1 := os.ReadFile(f.Path())
			whole, err2 := os.ReadFile(mustPack(t, j).Path())
			if !bytes.Equal(got, whole) || err1 != nil || err2 != nil {
				t.Errorf("the file is not the one of a job without an end: %v, %v", err1, err2)
			}
		})
	}
}

// TestUnreadableAfterAll: who wants no image left out learns of those that the interrupted job did without.
func TestUnreadableAfterAll(t *testing.T) {
	d := &drawn{n: 60, bad: map[int]error{3: errors.New("broken"), 50: errors.New("broken")}}
	j := job(t, d)
	j.Skip = true
	interrupted(t, j, 20)
	j.Skip = false
	var unreadable *UnreadableError
	if _, err := j.Pack(t.Context()); !errors.As(err, &unreadable) || len(unreadable.Failures) != 2 {
		t.Errorf("error %v", err)
	}
	if left := files(t, j.Dir); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// TestLeftovers: what an ended job left goes after a week, if another one packs into its folder.
func TestLeftovers(t *testing.T) {
	j := job(t, &drawn{n: 60})
	partial, log := interrupted(t, j, 20)
	other := job(t, &drawn{n: 5})
	other.Dir = j.Dir
	mustPack(t, other)
	for _, name := range []string{partial, log} {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("gone at once: %v", err)
		}
	}
	old := time.Now().Add(-leftoverAge - time.Hour)
	if err := os.Chtimes(log, old, old); err != nil {
		t.Fatal(err)
	}
	other.ShortSide = 8
	mustPack(t, other)
	if left, err := filepath.Glob(filepath.Join(j.Dir, "*"+partialEnd+"*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}
