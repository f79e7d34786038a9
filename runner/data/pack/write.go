package pack

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	fileEnd    = ".ordopack"
	partialEnd = ".partial"
	skippedEnd = ".skipped.txt" // after the file's name without fileEnd
)

// lockInterval is how often a process that waits for another one's file looks whether it is there.
const lockInterval = 100 * time.Millisecond

// patience is how long packing takes before the user is told.
const patience = time.Second

// key identifies what is in the file, without reading pixels.
func (j Job) key() [sha256.Size]byte {
	text := fmt.Sprintf("ordopack %d\n%s\n%s %d", version, j.Set.Key(), j.Format, j.ShortSide)
	if j.Format == FormatJPEG {
		text += fmt.Sprintf(" %d", j.Quality)
	}
	return sha256.Sum256([]byte(text))
}

// Path returns the name of the job's packed file.
func (j Job) Path() string {
	key := j.key()
	return filepath.Join(j.Dir, j.Name+"-"+hex.EncodeToString(key[:8])+fileEnd)
}

// Pack opens the job's packed file, and makes it if there is none that is whole. Another process that is making it is
// waited for. Errors about the file are of kind fault.Storage, those about images are an [UnreadableError], and the
// context's error is returned when ctx is done. Only that leaves something behind, where packing has taken long: what
// is packed, and a journal, with which the next Pack goes on.
func (j Job) Pack(ctx context.Context) (*File, error) {
	if n := j.Set.Len(); n < 1 || n > math.MaxInt32 {
		return nil, fmt.Errorf("pack: %d images, want 1 to %d", n, math.MaxInt32)
	}
	path := j.Path()
	f, err := j.open(path)
	if err == nil {
		return f, nil
	}
	var notes []string
	if errors.Is(err, errDamaged) {
		notes = append(notes, fmt.Sprintf("warning: the packed images in %s are no good (%v), so they are packed anew", path,
			err))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, cacheFault(path, err)
	}
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		return nil, cacheFault(j.Dir, err)
	}
	partial, err := j.lock(ctx, path+partialEnd)
	if err != nil {
		return nil, err
	}
	defer partial.Close() // and with it the lock
	// While this process waited for the lock, another one may have made the file.
	if f, err = j.open(path); err != nil {
		f, err = j.write(ctx, partial, path)
	}
	if err != nil {
		if _, none := os.Stat(partial.Name() + journalEnd); ctx.Err() == nil || none != nil {
			_ = removePartial(partial.Name()) // the error itself goes on
		}
		return nil, err
	}
	if err := removePartial(partial.Name()); err != nil {
		return nil, cacheFault(path, err)
	}
	f.notes = append(notes, f.notes...)
	return f, nil
}

// open opens the file of this name if it is whole and the job's.
func (j Job) open(path string) (*File, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	switch {
	case f.header.key != j.key():
		err = damaged("it holds something else")
	case f.header.skipped > 0 && !j.Skip:
		err = fmt.Errorf("%d images are missing in it: %w", f.header.skipped, fs.ErrNotExist)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if n := f.header.skipped; n > 0 {
		const text = "warning: %d of %d images can't be read and are left out; they are listed in %s"
		f.notes = append(f.notes, fmt.Sprintf(text, n, n+f.header.count, skippedList(path)))
	}
	f.job = j
	f.job.Note, f.job.Progress = nil, nil // Pack's caller may be gone
	return f, nil
}

func skippedList(path string) string { return strings.TrimSuffix(path, fileEnd) + skippedEnd }

// lock opens the partial file and locks it.
func (j Job) lock(ctx context.Context, path string) (*os.File, error) {
	waiting := false
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, cacheFault(j.Path(), err)
		}
		locked, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(cacheFault(j.Path(), err), f.Close())
		}
		// Whoever had the lock before may have renamed or deleted what was opened here.
		if locked && sameFile(f, path) {
			return f, nil
		}
		_ = f.Close() // nothing was written
		if locked {
			continue
		}
		if !waiting {
			j.note("another process is packing the images into %s; waiting for it", strings.TrimSuffix(path, partialEnd))
			waiting = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockInterval):
		}
	}
}

// sameFile reports whether the open file is the one of this name.
func sameFile(f *os.File, path string) bool {
	opened, err1 := f.Stat()
	named, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(opened, named)
}

// sweep deletes what writers that were killed have left in the folder: partial files without a lock. Those with a
// journal may be gone on with for a week.
func sweep(dir string, keep string) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+fileEnd+partialEnd))
	if err != nil {
		return
	}
	for _, path := range found {
		if path == keep {
			continue
		}
		if j, err := os.Stat(path + journalEnd); err == nil && time.Since(j.ModTime()) < leftoverAge {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if locked, err := tryLock(f); err == nil && locked && sameFile(f, path) {
			_ = removePartial(path) // the next writer tries again
		}
		_ = f.Close() // nothing was written
	}
}

// write packs into the locked partial file and gives it its name.
func (j Job) write(ctx context.Context, partial *os.File, path string) (*File, error) {
	sweep(j.Dir, partial.Name())
	info, err := partial.Stat()
	if err != nil {
		return nil, cacheFault(path, err)
	}
	if err := j.checkRoom(info.Size()); err != nil {
		return nil, err
	}
	begun, progress := time.Now(), j.Progress
	noted := false
	j.Progress = func(done, total int) {
		if !noted && time.Since(begun) > patience {
			j.note("packing %d images into %s", total, path)
			noted = true
		}
		if progress != nil {
			progress(done, total)
		}
	}
	failures, err := j.writeTo(ctx, partial, partial.Name()+journalEnd)
	if err != nil {
		return nil, err
	}
	list := skippedList(path)
	if len(failures) > 0 {
		var b strings.Builder
		for _, f := range failures {
			fmt.Fprintf(&b, "%s\t%s\n", f.ID, strings.ReplaceAll(f.Err.Error(), "\n", " "))
		}
		err = os.WriteFile(list, []byte(b.String()), 0o644)
	} else if err = os.Remove(list); errors.Is(err, fs.ErrNotExist) { // of an earlier file
		err = nil
	}
	if err == nil {
		err = os.Rename(partial.Name(), path)
	}
	if err != nil {
		return nil, cacheFault(path, err)
	}
	share(partial) // which is this file now
	f, err := j.open(path)
	if err != nil {
		return nil, cacheFault(path, fmt.Errorf("what was just written can't be read: %w", err))
	}
	if len(failures) > 0 {
		f.notes = []string{skipped(failures, j.Set.Len(), list)}
	}
	return f, nil
}

// storage is a file that is written from its beginning; only the header comes last.
type storage interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	io.Seeker
	Truncate(size int64) error
	Sync() error
}

// index is what follows the records, as far as they are written.
type index struct {
	job          Job
	table, names []byte
	end          uint64 // of the records
	next         int    // item of the set
	sum          *content
	failures     []Failure // of the items before next
}

func (j Job) newIndex() *index {
	return &index{job: j, table: make([]byte, 0, entrySize*j.Set.Len()), end: headerSize, sum: j.newContent()}
}

// add adds the record of an item, which has so many bytes.
func (x *index) add(it item, length int) {
	id, label := x.job.Set.ID(it.index), x.job.Set.Label(it.index)
	x.sum.add(it, id, label)
	x.names = append(x.names, id...)
	x.table = entry{
		offset: x.end, length: uint32(length), width: uint32(it.width), height: uint32(it.height), label: int32(label),
		index: uint32(it.index), sum: it.sum, nameEnd: uint64(len(x.names)),
	}.append(x.table)
	x.end += uint64(length)
	x.next = it.index + 1
}

// count is how many records there are.
func (x *index) count() int { return len(x.table) / entrySize }

// writeTo writes the whole file and brings it to disk, from where an earlier writer was ended if the journal of this
// name tells it. It returns what was left out.
func (j Job) writeTo(ctx context.Context, f storage, name string) ([]Failure, error) {
	cache := func(err error) error { return cacheFault(j.Path(), err) }
	log := &journal{path: name, key: j.key(), every: cmp.Or(j.journal, journalInterval), last: time.Now()}
	defer log.close()
	x := j.goOn(f, log)
	if n := x.count(); n > 0 {
		j.note("going on with %s: %d of %d images are in it", j.Path(), n, j.Set.Len())
	}
	if err := f.Truncate(int64(x.end)); err != nil { // an ended writer may have left something
		return nil, cache(err)
	}
	if _, err := f.Seek(int64(x.end), io.SeekStart); err != nil {
		return nil, cache(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	block := func() error {
		if err := cmp.Or(w.Flush(), f.Sync()); err != nil {
			return err
		}
		return log.write()
	}
	failures, err := j.gather(ctx, x.next, x.failures, func(it item) error {
		x.add(it, len(it.record))
		if _, err := w.Write(it.record); err != nil {
			return cache(err)
		}
		if log.add(it) {
			if err := block(); err != nil {
				return cache(err)
			}
		}
		return nil
	})
	if err != nil {
		if ctx.Err() != nil && log.begun() {
			_ = block() // what fails is packed again
		}
		return nil, err
	}
	for range failures {
		x.sum.skip()
	}
	h := header{key: log.key, shortSide: uint32(j.ShortSide), skipped: uint64(len(failures))}
	if _, err := hex.Decode(h.fingerprint[:], []byte(x.sum.fingerprint())); err != nil {
		return nil, fmt.Errorf("the set's fingerprint: %w", err)
	}
	if err := x.write(f, w, h); err != nil {
		return nil, cache(err)
	}
	return failures, nil
}

// goOn gives the index of the records that the journal knows, or an empty one: with no journal, one that doesn't belong
// to the file, or one from when an image could not be read that now can.
func (j Job) goOn(f storage, log *journal) *index {
	rows := log.read()
	x := j.newIndex()
	for ; len(rows) >= rowSize; rows = rows[rowSize:] {
		it, length := parseRow(rows)
		if it.index < x.next || it.index >= j.Set.Len() {
			return j.beginAnew(log)
		}
		for i := x.next; i < it.index; i++ {
			_, _, err := j.prepare(i)
			if err == nil {
				return j.beginAnew(log)
			}
			x.failures = append(x.failures, Failure{j.Set.ID(i), err})
		}
		x.add(it, length)
	}
	if x.count() == 0 {
		return x
	}
	// The disk had all of them before the journal said so; the last one tells whether it is the same file.
	last := parseEntry(x.table[len(x.table)-entrySize:])
	record := make([]byte, last.length)
	if _, err := f.ReadAt(record, int64(last.offset)); err != nil || crc32.Checksum(record, castagnoli) != last.sum {
		return j.beginAnew(log)
	}
	return x
}

func (j Job) beginAnew(log *journal) *index {
	log.close()
	log.file = nil
	return j.newIndex()
}

// write writes what follows the records, and the header, which says the rest, and brings all to the disk.
func (x *index) write(f storage, w *bufio.Writer, h header) error {
	classes := appendClasses(nil, x.job.Set.Classes())
	if x.job.Format == FormatJPEG {
		h.format, h.quality = jpegRecords, uint32(x.job.Quality)
	}
	h.count, h.table = uint64(x.count()), x.end
	h.names = h.table + uint64(len(x.table))
	h.classes = h.names + uint64(len(x.names))
	h.size = h.classes + uint64(len(classes))
	for _, part := range [][]byte{x.table, x.names, classes} {
		h.indexSum = crc32.Update(h.indexSum, castagnoli, part)
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if _, err := f.WriteAt(h.append(nil), 0); err != nil {
		return err
	}
	return f.Sync()
}
