package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"
)

// A journal lies beside a partial file and says which of its records are on the disk, so that packing goes on behind
// them. After its beginning come blocks: the number of rows, uint32; the rows; and the CRC-32C of both.
const (
	journalMagic = "ordojrnl"
	journalEnd   = ".journal" // after the partial file's name
	rowSize      = entrySize + sha256.Size + 1
)

// journalInterval is how much work may be lost when packing is killed; what takes less has no journal.
const journalInterval = 20 * time.Second

// leftoverAge is how long what a killed writer has left waits for one that goes on.
const leftoverAge = 7 * 24 * time.Hour

// journal is that of a partial file, while it is written.
type journal struct {
	path  string
	key   [sha256.Size]byte
	every time.Duration

	file *os.File // nil: not begun
	last time.Time
	rows []byte // since the last block
}

// row is what a journal knows of a packed item.
func row(it item) []byte {
	b := entry{
		length: uint32(len(it.record)), width: uint32(it.width), height: uint32(it.height), index: uint32(it.index),
		sum: it.sum,
	}.append(make([]byte, 0, rowSize))
	b = append(b, it.pixels[:]...)
	if it.reduced {
		return append(b, 1)
	}
	return append(b, 0)
}

// parseRow is the item of a row, without its record, and that one's length.
func parseRow(b []byte) (item, int) {
	e := parseEntry(b)
	it := item{index: int(e.index), width: int(e.width), height: int(e.height), sum: e.sum, reduced: b[rowSize-1] != 0}
	copy(it.pixels[:], b[entrySize:])
	return it, int(e.length)
}

// read gives the rows of a journal with the key, up to the first block that isn't whole, and opens it to go on
// behind them. Without one, or with another key, it gives none.
func (j *journal) read() []byte {
	raw, err := os.ReadFile(j.path)
	begin := append([]byte(journalMagic), j.key[:]...)
	if err != nil || !bytes.HasPrefix(raw, begin) {
		return nil
	}
	var rows []byte
	good := len(begin)
	for {
		block := raw[good:]
		if len(block) < 4 {
			break
		}
		n := int64(binary.LittleEndian.Uint32(block))*rowSize + 4
		if int64(len(block)) < n+4 || binary.LittleEndian.Uint32(block[n:]) != crc32.Checksum(block[:n], castagnoli) {
			break
		}
		rows = append(rows, block[4:n]...)
		good += int(n) + 4
	}
	if len(rows) == 0 {
		return nil
	}
	f, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	_, seekErr := f.Seek(int64(good), io.SeekStart)
	if err := errors.Join(seekErr, f.Truncate(int64(good))); err != nil {
		_ = f.Close() // nothing was written
		return nil
	}
	j.file = f
	return rows
}

// add notes an item, and says whether it is time for a block.
func (j *journal) add(it item) bool {
	j.rows = append(j.rows, row(it)...)
	return time.Since(j.last) >= j.every
}

// write brings the rows since the last block to the disk, where their records must be already.
func (j *journal) write() (err error) {
	if j.file == nil {
		if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644); err != nil {
			return err
		}
		if _, err := j.file.Write(append([]byte(journalMagic), j.key[:]...)); err != nil {
			return err
		}
	}
	block := binary.LittleEndian.AppendUint32(nil, uint32(len(j.rows)/rowSize))
	block = append(block, j.rows...)
	block = binary.LittleEndian.AppendUint32(block, crc32.Checksum(block, castagnoli))
	if _, err := j.file.Write(block); err != nil {
		return err
	}
	j.rows, j.last = j.rows[:0], time.Now()
	return j.file.Sync()
}

// close ends the journal, which stays.
func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close() // every block was brought to the disk
	}
}

// begun says whether there is something that packing can go on from.
func (j *journal) begun() bool { return j.file != nil }

// removePartial removes a partial file and its journal, as far as they are there.
func removePartial(partial string) error {
	err := os.Remove(partial)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if gone := os.Remove(partial + journalEnd); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
