package track

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"ordo/models/fault"
)

// Extent is the beginning of a file that grows: how long it is, and the SHA-256 of it in hexadecimal digits.
type Extent struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// lines is a file that grows line by line, and knows the checksum of what is in it.
type lines struct {
	file  *os.File
	hash  hash.Hash
	bytes int64
}

// openLines opens a file to go on behind what it holds.
func openLines(path string) (*lines, error) {
	// A folder that somebody sent must not have another file written to by a link.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, fault.Writing(path, err)
	}
	l := &lines{file: file}
	if err := l.read(-1); err != nil {
		_ = file.Close()
		return nil, fault.Reading(fault.Storage, path, err)
	}
	return l, nil
}

// read takes the checksum of the first bytes of the file, or with -1 of all, and goes on behind them.
func (l *lines) read(bytes int64) (err error) {
	if _, err = l.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	l.hash = sha256.New()
	if bytes < 0 {
		l.bytes, err = io.Copy(l.hash, l.file)
		return err
	}
	l.bytes = bytes
	_, err = io.CopyN(l.hash, l.file, bytes)
	return err
}

// Write appends; it is one call a line, so that a crash cuts at most the last.
func (l *lines) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	l.hash.Write(p[:n]) // a hash takes everything
	l.bytes += int64(n)
	return n, err
}

// append appends a value as a line of JSON.
func (l *lines) append(v any) error {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("track: write %s: %w", filepath.Base(l.file.Name()), err)
	}
	_, err := l.Write(b.Bytes())
	return fault.Writing(l.file.Name(), err)
}

// extent is all that was read and written.
func (l *lines) extent() Extent { return Extent{l.bytes, hex.EncodeToString(l.hash.Sum(nil))} }

// begins says whether the file begins as it did once.
func (l *lines) begins(was Extent) bool {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(l.file, 0, was.Bytes))
	return err == nil && n == was.Bytes && hex.EncodeToString(h.Sum(nil)) == was.SHA256
}

// rewind drops what lies behind the first bytes.
func (l *lines) rewind(bytes int64) error {
	if err := l.file.Truncate(bytes); err != nil {
		return fault.Writing(l.file.Name(), err)
	}
	if err := l.read(bytes); err != nil {
		return fault.Reading(fault.Storage, l.file.Name(), err)
	}
	return nil
}
