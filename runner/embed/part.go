package embed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"ordo/models/fault"
	"ordo/models/whole"
)

// partMagic begins a part file, with the version of its layout; the SHA-256 follows of all that its rows depend on.
const partMagic = "ordoemb1"

const partHeader = int64(len(partMagic) + sha256.Size)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// part is a file of what is encoded so far: the rows of each page, float32 and little-endian, and their CRC-32C. It is
// locked while it is open.
type part struct {
	file    *os.File
	path    string
	offsets []int64 // of each page, and of the end
	done    int     // pages that are there
}

// openPart opens the part file of an embedding, and finds how many pages are in it already. note hears of it.
func openPart(path string, key [sha256.Size]byte, r *rows, note func(string)) (*part, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fault.Writing(path, err)
	}
	p := &part{file: f, path: path, offsets: []int64{partHeader}}
	for _, page := range r.pages {
		bytes := int64(4*page.n*r.perImage*r.width() + crc32.Size)
		p.offsets = append(p.offsets, p.offsets[len(p.offsets)-1]+bytes)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fault.New(fault.Other, "another ordo writes %s", path).Advise("wait for it, or write another file")
	}
	out := strings.TrimSuffix(path, ".part")
	for _, file := range []string{out, RowsFile(out)} {
		whole.Sweep(file)
	}
	if err := p.begin(key, note); err != nil {
		p.close()
		return nil, err
	}
	if p.done > 0 && note != nil {
		note(fmt.Sprintf("%s holds %d of %d images already: they are not encoded again", path, r.before(p.done), r.images()))
	}
	return p, nil
}

// begin counts the whole pages of a file that has the key, and begins others anew.
func (p *part) begin(key [sha256.Size]byte, note func(string)) error {
	head := make([]byte, partHeader)
	n, err := p.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fault.Reading(fault.Storage, p.path, err)
	}
	want := append([]byte(partMagic), key[:]...)
	if bytes.Equal(head, want) {
		for p.done+1 < len(p.offsets) {
			if _, err := p.read(p.done, nil); err != nil {
				break // what was written when it ended
			}
			p.done++
		}
		return nil
	}
	if n > 0 && note != nil {
		note(p.path + " is of another embedding, or damaged: it is begun anew")
	}
	if err := p.file.Truncate(0); err != nil {
		return fault.Writing(p.path, err)
	}
	if _, err := p.file.WriteAt(want, 0); err != nil {
		return fault.Writing(p.path, err)
	}
	return nil
}

// add writes the next page.
func (p *part) add(values []float32) error {
	raw := make([]byte, 0, 4*len(values)+crc32.Size)
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	raw = binary.LittleEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	if _, err := p.file.WriteAt(raw, p.offsets[p.done]); err != nil {
		return fault.Writing(p.path, err)
	}
	p.done++
	return nil
}

// read appends the rows of a page to dst.
func (p *part) read(page int, dst []float32) ([]float32, error) {
	raw := make([]byte, p.offsets[page+1]-p.offsets[page])
	if _, err := p.file.ReadAt(raw, p.offsets[page]); err != nil {
		return dst, fault.Reading(fault.Storage, p.path, err)
	}
	raw, sum := raw[:len(raw)-crc32.Size], binary.LittleEndian.Uint32(raw[len(raw)-crc32.Size:])
	if crc32.Checksum(raw, castagnoli) != sum {
		return dst, fault.New(fault.Storage, "%s is damaged", p.path).Advise("remove it")
	}
	for ; len(raw) > 0; raw = raw[4:] {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	return dst, nil
}

// close closes the file, and removes it if nothing is in it.
func (p *part) close() {
	if p.done == 0 {
		_ = os.Remove(p.path) // an empty one is of no use, and of no harm
	}
	_ = p.file.Close() // everything is written
}

// remove removes the file when it isn't needed any more.
func (p *part) remove() error { return removed(p.path) }
