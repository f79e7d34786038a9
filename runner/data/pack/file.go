package pack

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/data/picture"
)

// resident bounds how much of a mapping is in the process's resident memory: giveBack is called whenever this many
// bytes may have been mapped. An access maps more than it reads: the kernel adds the pages around that it has in its
// cache.
const (
	resident = 128 << 20
	around   = 512 << 10
)

// aheadSize is the size from which a record is read ahead as a whole: the kernel itself reads 128 KiB.
const aheadSize = 128 << 10

// File is a packed file, opened. All methods but Close may be called by any number of goroutines at once.
type File struct {
	path    string
	file    *os.File // open as long as it is mapped, with a shared lock: it is in use
	info    os.FileInfo
	bytes   []byte // the mapping
	header  header
	classes []string
	job     Job // what it was made of, to mend it

	checked []atomic.Uint32 // a bit for each record: its checksum was right
	asked   atomic.Int64    // bytes since the last giveBack

	mu    sync.Mutex
	notes []string
	bad   bool // a damaged record was met, and the file is deleted
}

// openFile maps a file and checks all of it but the records. Errors about what it holds wrap errDamaged.
func openFile(path string) (f *File, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close() // nothing was written
		}
	}()
	share(file)
	f = &File{path: path, file: file}
	if f.info, err = file.Stat(); err != nil {
		return nil, err
	}
	if size := f.info.Size(); size < headerSize || int64(int(size)) != size {
		return nil, damaged("%d bytes long", size)
	}
	if f.bytes, err = mapFile(file, int(f.info.Size())); err != nil {
		return nil, err
	}
	err = catchFault(func() (err error) {
		f.header, f.classes, err = parse(f.bytes)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, unmapFile(f.bytes))
	}
	f.checked = make([]atomic.Uint32, (f.header.count+31)/32)
	_ = os.Chtimes(path, time.Now(), time.Time{}) // for those who look what is out of use
	return f, nil
}

// catchFault makes an error of a page that can't be read: the disk fails, or the file was cut off.
func catchFault(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			page, ok := r.(interface {
				error
				Addr() uintptr
			})
			if !ok {
				panic(r)
			}
			err = damaged("a page can't be read (%v)", page)
		}
	}()
	return do()
}

// Close unmaps the file. The images that it gave must not be looked at afterwards.
func (f *File) Close() error { return errors.Join(unmapFile(f.bytes), f.file.Close()) }

// Path returns the file's name.
func (f *File) Path() string { return f.path }

// Size returns the bytes that the file takes.
func (f *File) Size() int64 { return int64(f.header.size) }

// Skipped returns how many images of the set were left out as unreadable.
func (f *File) Skipped() int { return int(f.header.skipped) }

// TakeNotes returns, in sentences, what happened to the file since the last call: what was left out of it, whether it
// was damaged.
func (f *File) TakeNotes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	notes := f.notes
	f.notes = nil
	return notes
}

// Len returns the number of images.
func (f *File) Len() int { return int(f.header.count) }

// Classes returns the names of the classes.
func (f *File) Classes() []string { return slices.Clone(f.classes) }

// Fingerprint identifies the content: ids, labels and decoded pixels, or what the set itself says of them.
func (f *File) Fingerprint() string { return hex.EncodeToString(f.header.fingerprint[:]) }

// Label returns the class of image i, -1 for none.
func (f *File) Label(i int) int { return int(f.entry(i).label) }

// ID returns the name of image i.
func (f *File) ID(i int) string {
	from := uint64(0)
	if i > 0 {
		from = f.entry(i - 1).nameEnd
	}
	return string(f.bytes[f.header.names:f.header.classes][from:f.entry(i).nameEnd])
}

func (f *File) entry(i int) entry {
	at := f.header.table + uint64(i)*entrySize
	return parseEntry(f.bytes[at : at+entrySize])
}

// Image returns image i. The pixels are read-only: those of raw records are the file's own pages, and writing to them
// ends the process.
func (f *File) Image(i int) (augment.Image, error) {
	if i < 0 || i >= f.Len() {
		return augment.Image{}, fmt.Errorf("pack: image %d of %d", i, f.Len())
	}
	e := f.entry(i)
	f.count(e)
	record := f.bytes[e.offset : e.offset+uint64(e.length) : e.offset+uint64(e.length)]
	if mask := uint32(1) << (i % 32); f.checked[i/32].Load()&mask == 0 {
		if e.length > aheadSize {
			readAhead(f.bytes, e.offset, uint64(e.length))
		}
		if err := check(e, record); err != nil {
			return f.mend(i, e)
		}
		f.checked[i/32].Or(mask)
	}
	if f.header.format == rawRecords {
		return augment.Image{Width: int(e.width), Height: int(e.height), Pix: record}, nil
	}
	return decode(e, record)
}

func check(e entry, record []byte) error {
	return catchFault(func() error {
		if crc32.Checksum(record, castagnoli) != e.sum {
			return damaged("the checksum is wrong")
		}
		return nil
	})
}

// decode decodes a JPEG record.
func decode(e entry, record []byte) (augment.Image, error) {
	m, err := picture.Decode(record, picture.Options{})
	if err == nil && (m.Width != int(e.width) || m.Height != int(e.height)) {
		err = fmt.Errorf("%d x %d pixels, not %d x %d", m.Width, m.Height, e.width, e.height)
	}
	if err != nil {
		return augment.Image{}, fmt.Errorf("pack: a record: %w", err)
	}
	return m, nil
}

// count gives pages back once enough were asked for.
func (f *File) count(e entry) {
	if len(f.bytes) <= resident {
		return
	}
	cost := int64(e.length) + around
	if now := f.asked.Add(cost); now >= resident && now-cost < resident {
		f.asked.Store(0)
		giveBack(f.bytes)
	}
}

// mend makes the image of a damaged record from its source again, and sees to it that the next run has a whole file.
func (f *File) mend(i int, e entry) (augment.Image, error) {
	f.mu.Lock()
	if !f.bad {
		f.bad = true
		text := fmt.Sprintf("warning: the packed images in %s are damaged (first met: %s); "+
			"damaged ones are read from their source again", f.path, f.ID(i))
		// Another process may have put a whole file in its place.
		if named, err := os.Stat(f.path); err == nil && os.SameFile(named, f.info) {
			if err := os.Remove(f.path); err != nil {
				text += fmt.Sprintf("; delete the file: %v", err)
			} else {
				text += ", and the next run packs all of them anew"
			}
		}
		f.notes = append(f.notes, text)
	}
	f.mu.Unlock()
	fail := func(err error) (augment.Image, error) {
		return augment.Image{}, fault.New(fault.Data, "%s is damaged in %s, and its source no longer gives it: %w",
			f.ID(i), f.path, err).Advise("start again, so that the images are packed anew")
	}
	if f.job.Set == nil || int(e.index) >= f.job.Set.Len() {
		return fail(errors.New("it isn't known"))
	}
	it, _, err := f.job.prepare(int(e.index))
	if err != nil {
		return fail(err)
	}
	if crc32.Checksum(it.record, castagnoli) != e.sum {
		return fail(errors.New("it has changed"))
	}
	if f.header.format == rawRecords {
		return augment.Image{Width: it.width, Height: it.height, Pix: it.record}, nil
	}
	return decode(e, it.record)
}

// Verify checks every record and returns the ids of the damaged ones.
func (f *File) Verify(ctx context.Context) ([]string, error) {
	var ids []string
	for i := range f.Len() {
		if err := ctx.Err(); err != nil {
			return ids, err
		}
		e := f.entry(i)
		f.count(e)
		if check(e, f.bytes[e.offset:e.offset+uint64(e.length)]) != nil {
			ids = append(ids, f.ID(i))
		}
	}
	return ids, nil
}
