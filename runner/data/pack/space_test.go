package pack

import (
	"errors"
	"os"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data/source"
)

// headed is a set that tells its images' sizes.
type headed struct {
	*drawn
	format string
}

func (h headed) Digest(i int) (string, error) { return h.ID(i), nil }

func (h headed) Inspect(i int) (source.Header, error) {
	m, err := h.Image(i)
	return source.Header{Format: h.format, Width: m.Width, Height: m.Height, Bytes: 1000}, err
}

// TestSize: the estimate is that of the file which is then written.
func TestSize(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(j *Job)
		known  bool
	}{
		{"raw", func(j *Job) {}, true},
		{"reduced", func(j *Job) { j.ShortSide = 8 }, true},
		{"files that stay", func(j *Job) { j.Format = FormatJPEG; j.Set = headed{j.Set.(headed).drawn, "JPEG"} }, true},
		{"files that are encoded", func(j *Job) { j.Format = FormatJPEG }, false},
		{"no headers", func(j *Job) { j.Set = j.Set.(headed).drawn }, false},
	} {
		j := job(t, &drawn{n: 140})
		j.Set = headed{&drawn{n: 140}, "PNG"}
		c.change(&j)
		size, ok := j.Size()
		if ok != c.known {
			t.Errorf("%s: known %t, want %t", c.name, ok, c.known)
		}
		if !ok || j.Format == FormatJPEG {
			continue
		}
		f := mustPack(t, j)
		info, err := os.Stat(j.Path())
		if err != nil {
			t.Fatal(err)
		}
		if off := float64(size)/float64(info.Size()) - 1; off < -0.05 || off > 0.05 {
			t.Errorf("%s: %d estimated, %d written for %d images", c.name, size, info.Size(), f.Len())
		}
		if !j.Packed() {
			t.Errorf("%s: not there", c.name)
		}
	}
}

// TestRoom: what can't fit is not begun, and leaves nothing.
func TestRoom(t *testing.T) {
	j := job(t, &drawn{n: 140})
	j.Set = headed{&drawn{n: 140}, "PNG"}
	size, _ := j.Size()
	for _, c := range []struct {
		name string
		free int64
		fits bool
	}{
		{"much", 1 << 40, true}, {"unknown", 0, true}, {"with the margin", size*21/20 + 1, true},
		{"without the margin", size, false}, {"little", 10, false},
	} {
		j := j
		j.Dir = t.TempDir()
		j.Free = func(string) int64 { return c.free }
		f, err := j.Pack(t.Context())
		if c.fits {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			} else if err := f.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, fault.Storage) || !strings.Contains(err.Error(), j.Dir) ||
			!strings.Contains(err.Error(), "ORDO_CACHE") {
			t.Errorf("%s: %v", c.name, err)
		}
		if left, err := os.ReadDir(j.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", c.name, left, err)
		}
	}
}
