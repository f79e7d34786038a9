package tensorboard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"ordo/models/fault"
)

// FileName is the event file of a run. TensorBoard takes files that have tfevents in their names.
const FileName = "events.out.tfevents.ordo"

// File is an event file that grows. A process that has the run has it alone.
type File struct {
	file  *os.File
	whole int64 // bytes that are whole records
}

// Open opens the event file of a folder below an existing one, or makes both, and gives the events that are there. What
// isn't whole at its end is cut off. A file whose records are damaged is a fault of kind Data.
func Open(dir string) (*File, []Event, error) {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, nil, fault.Writing(dir, err)
	}
	// A folder that somebody sent must not have another place written to by a link.
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return nil, nil, fault.New(fault.Storage, "%s is no folder", dir).Advise("remove it")
	}
	path := filepath.Join(dir, FileName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, nil, fault.Writing(path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, errors.Join(fault.Reading(fault.Storage, path, err), file.Close())
	}
	events, whole, err := Parse(text)
	if err != nil {
		err = fault.New(fault.Data, "%s is damaged: %w", path, err).Advise("remove it")
		return nil, nil, errors.Join(err, file.Close())
	}
	f := &File{file: file, whole: int64(whole)}
	if whole == 0 {
		err = f.write(Header(time.Now()))
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return f, events, nil
}

// Add appends events. After an error none of them is there.
func (f *File) Add(events []Event) error {
	var text []byte
	for _, e := range events {
		text = Append(text, e)
	}
	return f.write(text)
}

func (f *File) write(text []byte) error {
	err := f.file.Truncate(f.whole) // of an earlier write that failed
	if err == nil {
		_, err = f.file.WriteAt(text, f.whole)
	}
	if err != nil {
		return fault.Writing(f.file.Name(), err)
	}
	f.whole += int64(len(text))
	return nil
}

// Close puts the file on the disk.
func (f *File) Close() error {
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return fmt.Errorf("tensorboard: %w", fault.Writing(f.file.Name(), err))
	}
	return nil
}
