package pack

import (
	"bufio"
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
// context's error is returned when ctx is done; none of them leaves a file behind.
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
		_ = os.Remove(partial.Name()) // the error itself goes on
		return nil, err
	}
	if err := os.Remove(partial.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
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

// sweep deletes what writers that were killed have left in the folder: partial files without a lock.
func sweep(dir string, keep string) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+fileEnd+partialEnd))
	if err != nil {
		return
	}
	for _, path := range found {
		if path == keep {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if locked, err := tryLock(f); err == nil && locked && sameFile(f, path) {
			_ = os.Remove(path) // the next writer tries again
		}
		_ = f.Close() // nothing was written
	}
}

// write packs into the locked partial file and gives it its name.
func (j Job) write(ctx context.Context, partial *os.File, path string) (*File, error) {
	sweep(j.Dir, partial.Name())
	if err := j.checkRoom(); err != nil {
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
	failures, err := j.writeTo(ctx, partial)
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
	io.Seeker
	Truncate(size int64) error
	Sync() error
}

// writeTo writes the whole file and brings it to disk. It returns what was left out.
func (j Job) writeTo(ctx context.Context, f storage) ([]Failure, error) {
	cache := func(err error) error { return cacheFault(j.Path(), err) }
	if err := f.Truncate(0); err != nil { // a killed writer may have left something
		return nil, cache(err)
	}
	if _, err := f.Seek(headerSize, io.SeekStart); err != nil {
		return nil, cache(err)
	}
	h := header{key: j.key(), shortSide: uint32(j.ShortSide)}
	if j.Format == FormatJPEG {
		h.format, h.quality = jpegRecords, uint32(j.Quality)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	var table, names []byte
	at := uint64(headerSize)
	sum := j.newContent()
	failures, err := j.gather(ctx, func(it item) error {
		id, label := j.Set.ID(it.index), j.Set.Label(it.index)
		sum.add(it, id, label)
		names = append(names, id...)
		table = entry{
			offset: at, length: uint32(len(it.record)), width: uint32(it.width), height: uint32(it.height), label: int32(label),
			index: uint32(it.index), sum: it.sum, nameEnd: uint64(len(names)),
		}.append(table)
		at += uint64(len(it.record))
		h.count++
		if _, err := w.Write(it.record); err != nil {
			return cache(err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for range failures {
		sum.skip()
	}
	h.skipped = uint64(len(failures))
	h.table = at
	h.names = h.table + uint64(len(table))
	h.classes = h.names + uint64(len(names))
	index := appendClasses(append(table, names...), j.Set.Classes())
	h.size = h.table + uint64(len(index))
	h.indexSum = crc32.Checksum(index, castagnoli)
	if _, err := hex.Decode(h.fingerprint[:], []byte(sum.fingerprint())); err != nil {
		return nil, fmt.Errorf("the set's fingerprint: %w", err)
	}
	if _, err := w.Write(index); err != nil {
		return nil, cache(err)
	}
	if err := w.Flush(); err != nil {
		return nil, cache(err)
	}
	if _, err := f.WriteAt(h.append(nil), 0); err != nil {
		return nil, cache(err)
	}
	if err := f.Sync(); err != nil {
		return nil, cache(err)
	}
	return failures, nil
}
