package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"ordo/augment"
	"ordo/models/fault"
)

// drawn is a set of textures of different sizes.
type drawn struct {
	n       int
	bad     map[int]error
	encoded map[int][]byte
	version string       // part of the key
	own     string       // its fingerprint
	asked   atomic.Int64 // calls of Image
	before  func(i int)  // called by Image
}

func (d *drawn) Len() int          { return d.n }
func (d *drawn) ID(i int) string   { return fmt.Sprintf("drawn/%d é", i) }
func (d *drawn) Label(i int) int   { return i%4 - 1 }
func (d *drawn) Classes() []string { return []string{"a", "", "c d"} }
func (d *drawn) Key() string       { return fmt.Sprintf("drawn %d %s", d.n, d.version) }
func (d *drawn) Encoded(i int) ([]byte, error) {
	return d.encoded[i], nil
}

func (d *drawn) Image(i int) (augment.Image, error) {
	d.asked.Add(1)
	if d.before != nil {
		d.before(i)
	}
	if err := d.bad[i]; err != nil {
		return augment.Image{}, err
	}
	m := texture(9+i%7, 12+i%5)
	m.Pix[0] = uint8(i)
	return m, nil
}

// named is a set that knows its own fingerprint.
type named struct{ *drawn }

func (n named) Fingerprint() string { return n.own }

func job(t testing.TB, d *drawn) Job {
	t.Helper()
	return Job{Set: d, Name: "drawn-train", Dir: filepath.Join(t.TempDir(), "packed"), Format: FormatRaw, Workers: 3}
}

func mustPack(t testing.TB, j Job) *File {
	t.Helper()
	f, err := j.Pack(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// files are the names in the folder of packed files.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// set is what both File and Memory are.
type set interface {
	Len() int
	Image(i int) (augment.Image, error)
	Label(i int) int
	ID(i int) string
	Classes() []string
	Fingerprint() string
}

// checkSame wants the images of d that are left, reduced as the job says.
func checkSame(t testing.TB, got set, d *drawn, shortSide int) {
	t.Helper()
	j := Job{Set: d, Format: FormatRaw, ShortSide: shortSide}
	at := 0
	for i := range d.n {
		if d.bad[i] != nil {
			continue
		}
		_, want, err := j.prepare(i)
		if err != nil {
			t.Fatal(err)
		}
		m, err := got.Image(at)
		if err != nil || m.Width != want.Width || m.Height != want.Height || !bytes.Equal(m.Pix, want.Pix) {
			t.Fatalf(
				"image %d is not item %d: %d x %d, want %d x %d, %v",
				at,
				i,
				m.Width,
				m.Height,
				want.Width,
				want.Height,
				err,
			)
		}
		if got.ID(at) != d.ID(i) || got.Label(at) != d.Label(i) {
			t.Fatalf("image %d is %s of class %d", at, got.ID(at), got.Label(at))
		}
		at++
	}
	if got.Len() != at || !slices.Equal(got.Classes(), d.Classes()) {
		t.Errorf("%d images of classes %q, want %d", got.Len(), got.Classes(), at)
	}
	for _, i := range []int{-1, at} {
		if _, err := got.Image(i); err == nil {
			t.Errorf("image %d of %d", i, at)
		}
	}
}

func TestPackedIsTheSet(t *testing.T) {
	for _, short := range []int{0, 10} {
		d := &drawn{n: 50}
		j := job(t, d)
		j.ShortSide = short
		done := 0
		j.Progress = func(n, total int) {
			if done++; n != (done-1)%50+1 || total != 50 {
				t.Errorf("progress %d of %d after %d", n, total, done-1)
			}
		}
		f := mustPack(t, j)
		checkSame(t, f, d, short)
		memory, err := j.Memory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, memory, d, short)
		if len(f.Fingerprint()) != 16 || f.Fingerprint() != memory.Fingerprint() {
			t.Errorf("fingerprint %s packed, %s in memory", f.Fingerprint(), memory.Fingerprint())
		}
		if done != 100 || len(f.TakeNotes()) != 0 || len(memory.TakeNotes()) != 0 {
			t.Errorf("%d images of two times 50", done)
		}
		if got := files(t, j.Dir); !slices.Equal(got, []string{filepath.Base(f.Path())}) {
			t.Errorf("files %q", got)
		}
	}
}

func TestPackedOnce(t *testing.T) {
	d := &drawn{n: 30}
	j := job(t, d)
	first := mustPack(t, j)
	d.asked.Store(0)
	j.Note = func(text string) { t.Errorf("note %q", text) }
	again := mustPack(t, j)
	checked, err := again.Verify(t.Context())
	if d.asked.Load() != 0 || again.Fingerprint() != first.Fingerprint() || len(checked) != 0 || err != nil {
		t.Errorf("opening it again decoded %d images; damaged %q, %v", d.asked.Load(), checked, err)
	}
	before, err := os.ReadFile(first.Path())
	if err != nil {
		t.Fatal(err)
	}
	if again.Size() != int64(len(before)) {
		t.Errorf("size %d of %d", again.Size(), len(before))
	}
	// The file is the same whatever the number of workers.
	j = job(t, d)
	j.Workers = 7
	after, err := os.ReadFile(mustPack(t, j).Path())
	if err != nil || !bytes.Equal(after, before) {
		t.Errorf("another number of workers made another file: %v", err)
	}
}

func TestOtherContentIsAnotherFile(t *testing.T) {
	base := job(t, &drawn{n: 5})
	paths := map[string]bool{base.Path(): true}
	for name, change := range map[string]func(j *Job){
		"set":     func(j *Job) { j.Set = &drawn{n: 5, version: "2"} },
		"format":  func(j *Job) { j.Format = FormatJPEG },
		"quality": func(j *Job) { j.Format, j.Quality = FormatJPEG, 50 },
		"short":   func(j *Job) { j.ShortSide = 8 },
		"name":    func(j *Job) { j.Name = "drawn-test" },
	} {
		j := base
		change(&j)
		if paths[j.Path()] {
			t.Errorf("with another %s the file is still %s", name, j.Path())
		}
		paths[j.Path()] = true
	}
	for _, change := range []func(j *Job){
		func(j *Job) { j.Quality = 50 }, func(j *Job) { j.Skip = true }, func(j *Job) { j.Workers = 1 },
	} {
		j := base
		change(&j)
		if j.Path() != base.Path() {
			t.Errorf("%+v is another file", j)
		}
	}
}

func TestFingerprintOfTheSetItself(t *testing.T) {
	d := &drawn{n: 6, own: "0123456789abcdef"}
	j := job(t, d)
	j.Set = named{d}
	if got := mustPack(t, j).Fingerprint(); got != d.own {
		t.Errorf("fingerprint %s", got)
	}
	d.asked.Store(0)
	m, err := j.Memory(t.Context())
	if err != nil || m.Fingerprint() != d.own || d.asked.Load() != 0 {
		t.Fatalf("in memory: %v, %d images decoded before they are asked for", err, d.asked.Load())
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { checkSame(t, m, d, 0) })
	}
	wg.Wait()
	if once := d.asked.Load(); once > 36 { // checkSame asks too
		t.Errorf("%d images decoded", once)
	}
	d.asked.Store(0)
	if _, err := m.Image(3); err != nil || d.asked.Load() != 0 {
		t.Errorf("an image that is there was decoded again: %v", err)
	}
	// Where pixels are reduced, or images left out, it is the fingerprint of something else.
	for name, change := range map[string]func(){
		"reduced": func() { j.ShortSide = 10 },
		"skipped": func() { j.ShortSide, j.Skip, d.bad = 0, true, map[int]error{2: errors.New("bad")} },
		"jpeg":    func() { j.Format, j.Quality, d.bad = FormatJPEG, 80, nil },
	} {
		d.version = name
		change()
		if got := mustPack(t, j).Fingerprint(); got == d.own || len(got) != 16 {
			t.Errorf("%s: fingerprint %s", name, got)
		}
	}
}

func TestJPEG(t *testing.T) {
	d := &drawn{n: 12}
	m, err := d.Image(3)
	if err != nil {
		t.Fatal(err)
	}
	original, err := encodeJPEG(m, 97)
	if err != nil {
		t.Fatal(err)
	}
	d.encoded = map[int][]byte{3: original}
	j := job(t, d)
	j.Format, j.Quality = FormatJPEG, 95
	f := mustPack(t, j)
	raw, err := os.ReadFile(f.Path())
	if err != nil || !bytes.Contains(raw, original) {
		t.Errorf("the file's own JPEG was not kept: %v", err)
	}
	for i := range f.Len() {
		got, err := f.Image(i)
		want, _ := d.Image(i)
		if err != nil || got.Width != want.Width || got.Height != want.Height {
			t.Fatalf("image %d: %d x %d, %v", i, got.Width, got.Height, err)
		}
		sum := 0
		for k, v := range got.Pix {
			sum += max(int(v), int(want.Pix[k])) - min(int(v), int(want.Pix[k]))
		}
		if mean := float64(sum) / float64(len(got.Pix)); mean > 16 { // colour noise, at half the resolution
			t.Errorf("image %d is off by %.1f", i, mean)
		}
	}
	// One that is reduced is encoded anew.
	j.ShortSide = 8
	raw, err = os.ReadFile(mustPack(t, j).Path())
	if err != nil || bytes.Contains(raw, original) {
		t.Errorf("a larger JPEG was kept: %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	d := &drawn{n: 40, bad: map[int]error{}}
	for i := range 7 {
		d.bad[5*i] = fmt.Errorf("broken\nin %d", i)
	}
	j := job(t, d)
	_, err := j.Pack(t.Context())
	var unreadable *UnreadableError
	if !errors.As(err, &unreadable) || len(unreadable.Failures) != 7 || unreadable.Total != 40 ||
		!errors.Is(err, d.bad[30]) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"7 of 40", d.ID(0) + ": broken", d.ID(20) + ": broken", "and 2 more", "on_error"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	if got := files(t, j.Dir); len(got) != 0 {
		t.Errorf("it left %q", got)
	}
	if _, err = j.Memory(t.Context()); !errors.As(err, &unreadable) {
		t.Errorf("in memory: %v", err)
	}

	j.Skip = true
	f := mustPack(t, j)
	checkSame(t, f, d, 0)
	list := strings.TrimSuffix(f.Path(), fileEnd) + skippedEnd
	text, err := os.ReadFile(list)
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); err != nil || len(lines) != 7 ||
		lines[1] != d.ID(5)+"\tbroken in 1" {
		t.Errorf("the list holds %q, %v", text, err)
	}
	notes := f.TakeNotes()
	if len(notes) != 1 || !strings.Contains(notes[0], "7 of 40") || !strings.Contains(notes[0], list) || f.Skipped() != 7 {
		t.Errorf("notes %q", notes)
	}
	notes = mustPack(t, j).TakeNotes()
	if len(notes) != 1 || !strings.Contains(notes[0], "7 of 40") || !strings.Contains(notes[0], list) {
		t.Errorf("opened again: notes %q", notes)
	}
	memory, err := j.Memory(t.Context())
	if err != nil || memory.Fingerprint() != f.Fingerprint() || len(memory.TakeNotes()) != 1 {
		t.Errorf("in memory: %v", err)
	}
	checkSame(t, memory, d, 0)

	// A file with gaps doesn't do for one who wants them all.
	j.Skip = false
	if _, err := j.Pack(t.Context()); !errors.As(err, &unreadable) {
		t.Errorf("a file with gaps was taken: %v", err)
	}
	// Once they can be read, it is made anew, and the list goes.
	d.bad = nil
	checkSame(t, mustPack(t, j), d, 0)
	if got := files(t, j.Dir); len(got) != 1 {
		t.Errorf("files %q", got)
	}

	d.bad = map[int]error{}
	for i := range d.n {
		d.bad[i] = errors.New("broken")
	}
	d.version, j.Skip = "all bad", true
	if _, err := j.Pack(t.Context()); !errors.As(err, &unreadable) || strings.Contains(err.Error(), "on_error") {
		t.Errorf("nothing readable: %v", err)
	}
	if _, err := (Job{Set: &drawn{}, Dir: j.Dir}).Pack(t.Context()); err == nil {
		t.Error("an empty set was packed")
	}
}

func TestInterrupted(t *testing.T) {
	d := &drawn{n: 200}
	j := job(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	j.Progress = func(done, total int) {
		if done == 20 {
			cancel()
		}
	}
	if _, err := j.Pack(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, fault.Storage) {
		t.Errorf("error %v", err)
	}
	if got := files(t, j.Dir); len(got) != 0 || d.asked.Load() > 100 {
		t.Errorf("it left %q after %d of 200 images", got, d.asked.Load())
	}
	if _, err := j.Memory(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("in memory: %v", err)
	}
}

// full is a disk with room for some writes.
type full struct {
	*os.File
	room int
}

func (f *full) take() error {
	if f.room--; f.room < 0 {
		return syscall.ENOSPC
	}
	return nil
}

func (f *full) Write(p []byte) (int, error) {
	if err := f.take(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *full) WriteAt(p []byte, at int64) (int, error) {
	if err := f.take(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, at)
}

func (f *full) Sync() error { return f.take() }

func TestFullDisk(t *testing.T) {
	d := &drawn{n: 4000} // more than the write buffer holds
	j := job(t, d)
	for room := range 10 {
		file, err := os.Create(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = j.writeTo(t.Context(), &full{file, room}, file.Name()+journalEnd)
		_ = file.Close() // a temporary file
		if err == nil {
			if room < 4 {
				t.Errorf("%d writes were enough", room)
			}
			return
		}
		if !errors.Is(err, fault.Storage) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), j.Path()) {
			t.Errorf("room for %d writes: %v", room, err)
		}
	}
	t.Error("a disk with room for 9 writes was still full")
}

func TestUnwritableFolder(t *testing.T) {
	j := job(t, &drawn{n: 3})
	if err := os.WriteFile(j.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Pack(t.Context()); !errors.Is(err, fault.Storage) || !strings.Contains(err.Error(), j.Dir) ||
		!strings.Contains(err.Error(), "data.cache.dir") {
		t.Errorf("a file as folder: %v", err)
	}
}

// TestDamage changes a file in every way that a disk can, and wants the right pixels all the same.
func TestDamage(t *testing.T) {
	d := &drawn{n: 20}
	j := job(t, d)
	path := mustPack(t, j).Path()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	changes := map[string]func(b []byte) []byte{
		"emptied":    func(b []byte) []byte { return nil },
		"cut in two": func(b []byte) []byte { return b[:len(b)/2] },
		"one less":   func(b []byte) []byte { return b[:len(b)-1] },
		"one more":   func(b []byte) []byte { return append(b, 0) },
		"a hole":     func(b []byte) []byte { clear(b[headerSize : headerSize+4096]); return b },
		"zeros":      func(b []byte) []byte { clear(b); return b },
		"text":       func(b []byte) []byte { return []byte(strings.Repeat("not this\n", 1000)) },
	}
	for range 150 {
		at, bit := r.IntN(len(whole)), r.IntN(8)
		changes[fmt.Sprintf("bit %d of byte %d", bit, at)] = func(b []byte) []byte { b[at] ^= 1 << bit; return b }
	}
	for name, change := range changes {
		if err := os.WriteFile(path, change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		asked := d.asked.Load()
		j.Note = func(text string) { t.Errorf("%s: told twice: %q", name, text) } // TakeNotes says it
		f, err := j.Pack(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		repacked := d.asked.Load() > asked
		checkSame(t, f, d, 0)
		damage, err := f.Verify(t.Context())
		notes := f.TakeNotes()
		if err != nil || len(notes) > 1 || repacked != (len(notes) == 1 && strings.Contains(notes[0], "anew")) &&
			len(damage) == 0 {
			t.Errorf("%s: packed anew: %v, damage %q, notes %q, %v", name, repacked, damage, notes, err)
		}
		// What is there now is whole, or nothing is.
		now, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && len(damage) > 0:
		case err != nil || !bytes.Equal(now, whole) && len(damage) > 0:
			t.Errorf("%s: left as it is, %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		checkSame(t, mustPack(t, j), d, 0)
	}
}

func TestMending(t *testing.T) {
	d := &drawn{n: 20}
	j := job(t, d)
	path := mustPack(t, j).Path()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[headerSize+10] ^= 1 // in the first record
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	f := mustPack(t, j)
	other := mustPack(t, j)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { checkSame(t, f, d, 0) })
	}
	wg.Wait()
	if notes := f.TakeNotes(); len(notes) != 1 || !strings.Contains(notes[0], "first met: "+f.ID(0)) ||
		!strings.Contains(notes[0], path) {
		t.Errorf("notes %q", notes)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the damaged file is still there: %v", err)
	}
	// A whole file that has taken its place stays.
	whole := mustPack(t, j)
	checkSame(t, other, d, 0)
	if _, err := os.Stat(whole.Path()); err != nil {
		t.Error(err)
	}
	// Without the source, or with another, there is an error and no image.
	for name, change := range map[string]func(){
		"unreadable": func() { d.bad = map[int]error{0: errors.New("gone")} },
		"changed":    func() { d.bad, other.job.ShortSide = nil, 8 },
		"shorter":    func() { other.job.Set = &drawn{} },
	} {
		change()
		if m, err := other.Image(0); err == nil || !strings.Contains(err.Error(), "start again") {
			t.Errorf("%s: %d x %d, %v", name, m.Width, m.Height, err)
		}
	}
}

// TestCutOffWhileMapped takes the disk away from under an open file: touching its pages is an error, not the process's
// end.
func TestCutOffWhileMapped(t *testing.T) {
	f := mustPack(t, job(t, &drawn{n: 200}))
	if err := os.Truncate(f.Path(), headerSize); err != nil {
		t.Fatal(err)
	}
	err := catchFault(func() error {
		_, err := f.Image(0)
		return err
	})
	if !errors.Is(err, errDamaged) {
		t.Errorf("error %v", err)
	}
	if _, err := openFile(f.Path()); !errors.Is(err, errDamaged) {
		t.Errorf("opened: %v", err)
	}
}

func TestOptions(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	o := Options{Kind: "disk", Format: "png", ShortSide: 7, Quality: 101}
	err := o.Validate()
	for _, want := range []string{"kind: must be one of", "format: must be one of", "short_side: must be in",
		"quality: must be in"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	o = DefaultOptions()
	o.Kind, o.Format = KindMemory, FormatJPEG
	if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), "format: ") {
		t.Errorf("jpeg in memory: %v", err)
	}

	t.Setenv("ORDO_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/var/user")
	t.Setenv("HOME", "/var/user")
	if dir, err := o.Folder(); err != nil || !strings.HasPrefix(dir, "/var/user") ||
		!strings.HasSuffix(dir, "/ordo/packed") {
		t.Errorf("folder %s, %v", dir, err)
	}
	t.Setenv("ORDO_CACHE", "/var/ordo")
	if dir, err := o.Folder(); err != nil || dir != "/var/ordo/packed" {
		t.Errorf("folder %s, %v", dir, err)
	}
	o.Dir = "/var/here"
	if dir, err := o.Folder(); err != nil || dir != "/var/here" {
		t.Errorf("folder %s, %v", dir, err)
	}
}

// TestManyAlike: images that can't be read for one reason are told once, with their number.
func TestManyAlike(t *testing.T) {
	e := &UnreadableError{Total: 5000}
	for i := range 4000 {
		id := fmt.Sprintf("a/%d.jpg", i)
		e.Failures = append(e.Failures, Failure{id, fmt.Errorf("/photos/%s: a pointer of Git LFS", id)})
	}
	e.Failures = append(e.Failures, Failure{"b.jpg", errors.New("/photos/b.jpg: cut off")})
	text := e.Error()
	if strings.Count(text, "Git LFS") != 1 || !strings.Contains(text, "4000 images: a pointer of Git LFS (a/0.jpg, ") ||
		!strings.Contains(text, "\n/photos/b.jpg: cut off") || strings.Contains(text, "more") {
		t.Error(text)
	}
}
