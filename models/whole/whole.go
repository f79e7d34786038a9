package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"ordo/models/fault"
)

// WriteFile writes a file. What can't be written is a fault of kind Storage.
func WriteFile(path string, data []byte) error {
	Sweep(path)
	for {
		f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
		if err != nil {
			return fault.Writing(path, err)
		}
		held, err := hold(f.Name())
		if err == nil && held == nil {
			_ = f.Cleanup() // another writer took it for left behind, before there was a lock
			continue
		}
		if err == nil {
			_, err = f.Write(data)
		}
		if err == nil {
			err = f.CloseAtomicallyReplace()
		}
		if err != nil {
			err = errors.Join(err, f.Cleanup())
		}
		if held != nil {
			_ = held.Close() // and with it the lock; nothing was written through it
		}
		return fault.Writing(path, err)
	}
}

// Folder makes a folder from what fill puts into another one beside it. The folder must not be there, or be empty; its
// parent is made. An error of fill is given back as it is.
func Folder(dir string, fill func(temp string) error) (err error) {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fault.Writing(dir, err)
	}
	Sweep(dir)
	var temp string
	var held *os.File
	for held == nil {
		if temp, err = os.MkdirTemp(parent, "."+filepath.Base(dir)+folderMark+"*"); err != nil {
			return fault.Writing(dir, err)
		}
		if held, err = hold(temp); err != nil {
			return errors.Join(fault.Writing(dir, err), os.RemoveAll(temp))
		}
	}
	defer held.Close() // and with it the lock
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := os.Chmod(temp, 0o755); err != nil {
		return fault.Writing(dir, err)
	}
	if err := fill(temp); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder
		return fault.Writing(dir, err)
	}
	return fault.Writing(dir, os.Rename(temp, dir))
}

// folderMark is in the names of folders that are not whole yet.
const folderMark = ".ordo-"

// Sweep removes what killed writers of a file or folder left beside it. It only tidies: what can't be removed stays.
func Sweep(path string) {
	dir, base := filepath.Dir(path), regexp.QuoteMeta(filepath.Base(path))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	file := regexp.MustCompile(`^\.` + base + `\d{9,19}$`)
	folder := regexp.MustCompile(`^\.` + base + regexp.QuoteMeta(folderMark) + `\d+$`)
	for _, e := range entries {
		if !(e.Type().IsRegular() && file.MatchString(e.Name()) || e.IsDir() && folder.MatchString(e.Name())) {
			continue
		}
		left := filepath.Join(dir, e.Name())
		held, err := hold(left)
		if err == nil && held != nil {
			_ = os.RemoveAll(left)
			_ = held.Close() // nothing was written
		}
	}
}

// hold locks a file or folder by its name, until what it gives is closed. It is nil if another process has the lock, or
// has removed or renamed it.
func hold(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // it is gone
	}
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		opened, err1 := f.Stat()
		named, err2 := os.Lstat(path)
		if err1 == nil && err2 == nil && os.SameFile(opened, named) {
			return f, nil
		}
	}
	_ = f.Close() // nothing was written
	if err == nil || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil //nolint:nilnil // another one's
	}
	return nil, err
}
