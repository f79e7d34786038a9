package pack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// cacheFault is the fault of an error that came of the folder or the file of packed images: no space, no permission.
func cacheFault(path string, err error) error {
	do := cmp.Or(fault.Remedy(err), "choose another folder") + " with data.cache.dir, or set data.cache.kind to memory"
	return fmt.Errorf("packed images: %w", source.Advise(fault.Writing(path, err), do))
}

// Job says what is packed, how and where.
type Job struct {
	Set source.Set
	// Name is the first part of the file's name, such as folder-train.
	Name string
	// Dir is the folder of packed files; it is made if it is missing. [Job.Memory] needs none.
	Dir string

	Format    string // FormatRaw or FormatJPEG
	ShortSide int    // larger images are reduced to it; 0: none is
	Quality   int    // of JPEG files that are encoded anew

	// Skip leaves unreadable images out. Without it they are an [UnreadableError].
	Skip bool

	// Workers is how many goroutines decode; 0 is one a processor.
	Workers int

	// Free tells how many bytes can be written below a folder, 0: unknown; nil: the file system says.
	Free func(dir string) int64

	// Note hears what the user should know while he waits, in sentences; Progress hears of every image. Both are called by
	// the goroutine that called Pack or Memory, and may be nil.
	Note     func(text string)
	Progress func(done, total int)

	ahead   int64         // bytes of images that may be ready before their turn; 0: aheadBytes
	journal time.Duration // between blocks of the journal; 0: journalInterval
}

func (j Job) note(format string, args ...any) {
	if j.Note != nil {
		j.Note(fmt.Sprintf(format, args...))
	}
}

// Failure is an image that can't be read, and why.
type Failure struct {
	ID  string
	Err error
}

func (f Failure) String() string {
	text := f.Err.Error()
	if strings.Contains(text, f.ID) { // it names the file
		return text
	}
	return f.ID + ": " + text
}

// UnreadableError lists the images of a set that can't be read.
type UnreadableError struct {
	Failures []Failure // in the set's order
	Total    int       // images of the set
}

func (e *UnreadableError) Error() string {
	if len(e.Failures) == e.Total {
		return fmt.Sprintf("no image of %d can be read:%s", e.Total, listed(e.Failures))
	}
	if len(e.Failures) == 1 {
		return fmt.Sprintf("1 of %d images can't be read: %v; with data.on_error=skip it is left out", e.Total, e.Failures[0])
	}
	return fmt.Sprintf("%d of %d images can't be read:%s\nwith data.on_error=skip they are left out",
		len(e.Failures), e.Total, listed(e.Failures))
}

// Unwrap returns the reasons.
func (e *UnreadableError) Unwrap() []error {
	out := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		out[i] = f.Err
	}
	return out
}

// listed is the first few failures, a line each, or a line for many that have one reason.
func listed(failures []Failure) string {
	const few, alike = 5, 3
	var b strings.Builder
	lines, shown := 0, 0
	byID := map[string]Failure{}
	groups := source.GroupAlike(len(failures), func(i int) (id, cause string) {
		byID[failures[i].ID] = failures[i]
		return failures[i].ID, failures[i].Err.Error()
	})
	for _, g := range groups {
		if len(g.IDs) >= alike && lines < few {
			fmt.Fprintf(&b, "\n%d images: %s (%s)", len(g.IDs), g.Reason, source.List(g.IDs))
			lines, shown = lines+1, shown+len(g.IDs)
			continue
		}
		for _, id := range g.IDs[:min(len(g.IDs), few-lines)] {
			b.WriteString("\n" + byID[id].String())
			lines, shown = lines+1, shown+1
		}
	}
	if more := len(failures) - shown; more > 0 {
		fmt.Fprintf(&b, "\n…and %d more", more)
	}
	return b.String()
}

// item is an image on its way from its source into a pack.
type item struct {
	index         int // in the set
	record        []byte
	width, height int
	sum           uint32            // CRC-32C of the record
	pixels        [sha256.Size]byte // SHA-256 of the decoded record
	reduced       bool
	err           error
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// prepare makes the record of image i, without its sums. Equal jobs make equal records.
func (j Job) prepare(i int) (it item, img augment.Image, err error) {
	it.index = i
	img, err = j.Set.Image(i)
	if err != nil {
		return it, img, err
	}
	if img.Width < 1 || img.Height < 1 || len(img.Pix) != 3*img.Width*img.Height {
		return it, img, fmt.Errorf("an image of %d x %d with %d bytes", img.Width, img.Height, len(img.Pix))
	}
	if img.Width > maxSide || img.Height > maxSide || len(img.Pix) > math.MaxUint32 {
		return it, img, fmt.Errorf("%d x %d pixels are more than can be packed", img.Width, img.Height)
	}
	if short := min(img.Width, img.Height); j.ShortSide > 0 && short > j.ShortSide {
		// Rounded to nearest, in integers.
		img = reduce(img, (2*img.Width*j.ShortSide+short)/(2*short), (2*img.Height*j.ShortSide+short)/(2*short))
		it.reduced = true
	}
	it.width, it.height = img.Width, img.Height
	if j.Format == FormatRaw {
		it.record = img.Pix
		return it, img, nil
	}
	if !it.reduced {
		if it.record, err = j.Set.Encoded(i); err != nil {
			return it, img, err
		}
	}
	if it.record == nil {
		if it.record, err = encodeJPEG(img, j.Quality); err != nil {
			return it, img, err
		}
		img, err = picture.Decode(it.record, picture.Options{})
	}
	return it, img, err
}

// gather prepares every image from number `from` on, on all workers, and gives them to emit in the set's order, from
// the calling goroutine. It returns the images that could not be read, behind those that are known already; after the
// first of them, emit hears of no more unless unreadable images are skipped. An error of emit or the end of ctx stops
// it.
func (j Job) gather(ctx context.Context, from int, failures []Failure, emit func(item) error) ([]Failure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type task struct {
		index int
		done  chan item
	}
	n := j.Set.Len()
	workers := max(1, min(cmp.Or(j.Workers, runtime.GOMAXPROCS(0)), n-from))
	tasks := make(chan task)
	ordered := make(chan chan item, 4*workers) // bounds how far the workers are ahead of emit
	gate := newAhead(cmp.Or(j.ahead, aheadBytes), from)
	defer context.AfterFunc(ctx, gate.wake)()
	var failed atomic.Bool // no record is wanted any more, only whether the others can be read
	failed.Store(len(failures) > 0 && !j.Skip)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer close(ordered)
		defer close(tasks)
		for i := from; i < n; i++ {
			t := task{i, make(chan item, 1)}
			select {
			case ordered <- t.done:
			case <-ctx.Done():
				return
			}
			select {
			case tasks <- t:
			case <-ctx.Done():
				return
			}
		}
	})
	for range workers {
		wg.Go(func() {
			for t := range tasks {
				gate.wait(ctx, t.index)
				it, img, err := j.prepare(t.index)
				if it.err = err; err == nil && !failed.Load() {
					it.sum = crc32.Checksum(it.record, castagnoli)
					it.pixels = sha256.Sum256(img.Pix)
				}
				gate.made(len(it.record))
				t.done <- it
			}
		})
	}
	done := from
	for c := range ordered {
		var it item
		select {
		case it = <-c:
		case <-ctx.Done():
			return failures, ctx.Err()
		}
		gate.took(len(it.record))
		switch {
		case it.err != nil:
			failures = append(failures, Failure{j.Set.ID(it.index), it.err})
			failed.Store(!j.Skip)
		case !failed.Load():
			if err := emit(it); err != nil {
				return failures, err
			}
		}
		done++
		if j.Progress != nil {
			j.Progress(done, n)
		}
	}
	if err := ctx.Err(); err != nil {
		return failures, err
	}
	if len(failures) > 0 && (!j.Skip || len(failures) == n) {
		return failures, &UnreadableError{failures, n}
	}
	return failures, nil
}

// skipped is the note about images that were left out. list is the file that has them all, or "".
func skipped(failures []Failure, total int, list string) string {
	text := fmt.Sprintf("warning: %d of %d images can't be read and are left out", len(failures), total)
	if list != "" {
		text += " (all of them are listed in " + list + ")"
	}
	return text + ":" + listed(failures)
}

// content hashes what is in a set into its fingerprint.
type content struct {
	hash.Hash
	own string // the fingerprint that the set gives itself, which holds as long as its pixels are unchanged
}

func (j Job) newContent() *content {
	c := &content{Hash: sha256.New()}
	if s, ok := j.Set.(interface{ Fingerprint() string }); ok && j.Format == FormatRaw {
		c.own = s.Fingerprint()
	}
	fmt.Fprintf(c, "images %q\n", j.Set.Classes())
	return c
}

// add adds an image.
func (c *content) add(it item, id string, label int) {
	if it.reduced {
		c.own = ""
	}
	fmt.Fprintf(c, "%q %d %d %d %x\n", id, label, it.width, it.height, it.pixels)
}

// skip notes that an image of the set is missing.
func (c *content) skip() { c.own = "" }

// fingerprint returns 16 hexadecimal digits.
func (c *content) fingerprint() string {
	if len(c.own) == 2*fingerprintBytes {
		return c.own
	}
	return fmt.Sprintf("%x", c.Sum(nil)[:fingerprintBytes])
}
