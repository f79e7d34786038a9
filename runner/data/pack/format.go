package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
)

// The layout is described in the package documentation.
const (
	magic            = "ordopack"
	version          = 1
	headerSize       = 4096
	checkedHeader    = 116 // bytes that the header's checksum is over
	entrySize        = 40
	fingerprintBytes = 8
	rawRecords       = 0
	jpegRecords      = 1
	maxSide          = 1 << 16
)

// errDamaged is wrapped by the errors about a file that isn't what was written.
var errDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// header is the first page of a file.
type header struct {
	format      uint32
	key         [sha256.Size]byte
	fingerprint [fingerprintBytes]byte
	count       uint64
	skipped     uint64
	shortSide   uint32
	quality     uint32
	table       uint64
	names       uint64
	classes     uint64
	size        uint64
	indexSum    uint32 // of everything from the table on
}

// append appends the header's bytes.
func (h header) append(b []byte) []byte {
	le := binary.LittleEndian
	start := len(b)
	b = append(b, magic...)
	b = le.AppendUint32(b, version)
	b = le.AppendUint32(b, h.format)
	b = append(b, h.key[:]...)
	b = append(b, h.fingerprint[:]...)
	b = le.AppendUint64(b, h.count)
	b = le.AppendUint64(b, h.skipped)
	b = le.AppendUint32(b, h.shortSide)
	b = le.AppendUint32(b, h.quality)
	for _, at := range []uint64{h.table, h.names, h.classes, h.size} {
		b = le.AppendUint64(b, at)
	}
	b = le.AppendUint32(b, h.indexSum)
	b = le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	return append(b, make([]byte, headerSize-(len(b)-start))...)
}

// parseHeader reads the header of a file of the given size in bytes.
func parseHeader(b []byte, size int64) (header, error) {
	le := binary.LittleEndian
	var h header
	switch {
	case len(b) < headerSize:
		return h, damaged("only %d bytes long", len(b))
	case string(b[:8]) != magic:
		return h, damaged("begins with % x, which no packed file does", b[:8])
	case le.Uint32(b[8:]) != version:
		return h, damaged("of version %d, not %d", le.Uint32(b[8:]), version)
	case le.Uint32(b[checkedHeader:]) != crc32.Checksum(b[:checkedHeader], castagnoli):
		return h, damaged("its header's checksum is wrong")
	}
	h.format = le.Uint32(b[12:])
	copy(h.key[:], b[16:])
	copy(h.fingerprint[:], b[48:])
	h.count, h.skipped = le.Uint64(b[56:]), le.Uint64(b[64:])
	h.shortSide, h.quality = le.Uint32(b[72:]), le.Uint32(b[76:])
	h.table, h.names, h.classes, h.size = le.Uint64(b[80:]), le.Uint64(b[88:]), le.Uint64(b[96:]), le.Uint64(b[104:])
	h.indexSum = le.Uint32(b[112:])
	// A checksum can be right on nonsense; what follows must not be able to leave the file.
	switch {
	case h.size != uint64(size):
		return h, damaged("%d bytes long, not %d", size, h.size)
	case h.format > jpegRecords:
		return h, damaged("of the unknown format %d", h.format)
	case h.count < 1 || h.count > math.MaxInt32 || h.skipped > math.MaxInt32:
		return h, damaged("of %d images", h.count)
	case h.table < headerSize || h.table > h.names || h.names > h.classes || h.classes > h.size,
		h.names-h.table != h.count*entrySize:
		return h, damaged("its parts overlap")
	}
	return h, nil
}

// entry is a row of the table.
type entry struct {
	offset        uint64
	length        uint32
	width, height uint32
	label         int32
	index         uint32 // in the set
	sum           uint32
	nameEnd       uint64
}

func (e entry) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, e.offset)
	for _, v := range []uint32{e.length, e.width, e.height, uint32(e.label), e.index, e.sum} {
		b = le.AppendUint32(b, v)
	}
	return le.AppendUint64(b, e.nameEnd)
}

func parseEntry(b []byte) entry {
	le := binary.LittleEndian
	return entry{
		offset: le.Uint64(b), length: le.Uint32(b[8:]), width: le.Uint32(b[12:]), height: le.Uint32(b[16:]),
		label: int32(le.Uint32(b[20:])), index: le.Uint32(b[24:]), sum: le.Uint32(b[28:]), nameEnd: le.Uint64(b[32:]),
	}
}

// parse checks everything but the records of a file, whose bytes are b, and returns its header and its classes.
func parse(b []byte) (header, []string, error) {
	h, err := parseHeader(b, int64(len(b)))
	if err != nil {
		return h, nil, err
	}
	if crc32.Checksum(b[h.table:], castagnoli) != h.indexSum {
		return h, nil, damaged("its table's checksum is wrong")
	}
	var classes []string
	if text := b[h.classes:]; len(text) > 0 {
		if text[len(text)-1] != 0 {
			return h, nil, damaged("its last class has no end")
		}
		classes = strings.Split(string(text[:len(text)-1]), "\x00")
	}
	at, name := uint64(headerSize), uint64(0)
	for i := range int(h.count) {
		e := parseEntry(b[h.table+uint64(i)*entrySize:])
		switch {
		case e.offset != at || uint64(e.length) > h.table-at:
			return h, nil, damaged("record %d is not where it should be", i)
		case e.width < 1 || e.height < 1 || e.width > maxSide || e.height > maxSide,
			h.format == rawRecords && uint64(e.length) != 3*uint64(e.width)*uint64(e.height):
			return h, nil, damaged("record %d has %d bytes for %d x %d pixels", i, e.length, e.width, e.height)
		case e.label < -1 || int(e.label) >= len(classes):
			return h, nil, damaged("record %d has label %d of %d classes", i, e.label, len(classes))
		case e.nameEnd < name || e.nameEnd > h.classes-h.names:
			return h, nil, damaged("record %d has no id", i)
		}
		at, name = at+uint64(e.length), e.nameEnd
	}
	if at != h.table || name != h.classes-h.names {
		return h, nil, damaged("there are bytes that belong to no record")
	}
	return h, classes, nil
}

// appendClasses appends the names, each ended by a zero byte, which a name can't hold.
func appendClasses(b []byte, classes []string) []byte {
	for _, c := range classes {
		b = append(b, bytes.ReplaceAll([]byte(c), []byte{0}, []byte("?"))...)
		b = append(b, 0)
	}
	return b
}
