package fault

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Reading makes a fault of the kind k of an error that came of reading the file or folder path. The sentence has the
// path once. An error that is a fault already, and nil, stay as they are.
func Reading(k Kind, path string, err error) error {
	return file(k, path, err, "check the path")
}

// Writing makes a fault of kind Storage of an error that came of writing the file or folder path. Temporary files that
// err names are not mentioned. An error that is a fault already, and nil, stay as they are.
func Writing(path string, err error) error {
	return file(Storage, path, err, "make the folder first or choose another")
}

func file(k Kind, path string, err error, missing string) error {
	var f *Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	e := &Error{Kind: k, what: &fileError{path, err}, Do: Remedy(err)}
	if errors.Is(err, fs.ErrNotExist) {
		e.Do = missing
	}
	return e
}

// Remedy is what to do about an error of the operating system that came of a file: a clause, or "" if it isn't known.
func Remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "change the permissions there or choose another place"
	case errors.Is(err, syscall.EROFS):
		return "choose another folder"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space there or choose another folder"
	case isFolder(err):
		return "name a file"
	}
	return ""
}

// fileError says the path once and keeps the cause.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	if isFolder(e.err) {
		return e.path + " is a folder"
	}
	return e.path + ": " + e.reason()
}

// isFolder says whether a file could not be read or replaced because a folder has its name.
func isFolder(err error) bool {
	return errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EEXIST)
}

func (e *fileError) Unwrap() error { return e.err }

// reason is what the operating system says, without the operation and the path that Go puts before it.
func (e *fileError) reason() string {
	var number syscall.Errno
	switch {
	case !errors.Is(e.err, fs.ErrNotExist):
	case filepath.Dir(e.path) != "." && !exists(filepath.Dir(e.path)):
		return "there is no folder " + filepath.Dir(e.path)
	default:
		return "there is no such file or folder"
	}
	if errors.As(e.err, &number) {
		return number.Error()
	}
	err := e.err
	for {
		inner := errors.Unwrap(err)
		switch err.(type) { //nolint:errorlint // each layer is looked at
		case *fs.PathError, *os.LinkError, *os.SyscallError:
			err = inner
			continue
		}
		return err.Error()
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
