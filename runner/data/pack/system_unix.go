//go:build unix

package pack

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// mapFile maps a file, read-only.
func mapFile(f *os.File, size int) ([]byte, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", f.Name(), err)
	}
	return b, nil
}

func unmapFile(b []byte) error { return unix.Munmap(b) }

// giveBack takes a mapping's pages out of the process's resident memory. They stay in the kernel's cache as long as it
// has room.
func giveBack(b []byte) {
	_ = unix.Madvise(b, unix.MADV_DONTNEED) // advice
}

// readAhead asks the kernel to read the part of a mapping from offset on.
func readAhead(b []byte, offset, length uint64) {
	page := uint64(os.Getpagesize())
	from := offset / page * page
	_ = unix.Madvise(b[from:offset+length], unix.MADV_WILLNEED) // advice
}

// share locks a file together with others who do, until it is closed; a lock that is exclusive becomes one of these.
// Where that can't be done, nobody can tell that the file is in use, and nothing else is wrong.
func share(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) }

// accessed is when a file was opened last.
func accessed(path string) time.Time {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return time.Time{}
	}
	return time.Unix(s.Atim.Unix())
}

// tryLock locks a file until it is closed or its process ends, and reports whether it could: another may have the lock.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return true, nil
}
