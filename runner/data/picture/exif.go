package picture

import (
	"bytes"
	"encoding/binary"
	"regexp"

	"ordo/augment"
)

// orientationTag is the number of TIFF's and EXIF's Orientation.
const orientationTag = 0x0112

// tiffOrientation reads the orientation of a TIFF file, in its own tag or in XMP. It is 1, upright, where there is none
// that makes sense.
func tiffOrientation(raw []byte) int {
	if o := exifOrientation(raw); o > 0 {
		return o
	}
	order, entry := tiffEntry(raw, tagXMP)
	if entry < 0 {
		return 1
	}
	from, size := uint64(order.Uint32(raw[entry+8:])), uint64(order.Uint32(raw[entry+4:]))
	if from+size > uint64(len(raw)) {
		return 1
	}
	return max(1, xmpOrientation(raw[from:from+size]))
}

// tiffNumber reads the tag of the first directory of TIFF data that is a number of 16 or 32 bits, or the first of
// several that fit in the entry.
func tiffNumber(raw []byte, tag uint16) (value int, ok bool) {
	order, at := tiffEntry(raw, tag)
	if at < 0 {
		return 0, false
	}
	switch order.Uint16(raw[at+2:]) {
	case tiffShort:
		return int(order.Uint16(raw[at+8:])), true
	case tiffLong:
		return int(order.Uint32(raw[at+8:])), true
	}
	return 0, false
}

// Types of TIFF's values.
const (
	tiffShort = 3 // 16 bits
	tiffLong  = 4 // 32 bits
)

// tiffEntrySize is what an entry of a directory takes: tag, type, count, and the value or where it is.
const tiffEntrySize = 12

// tiffDirectory returns the entries of the first directory of TIFF data, as many as are there; nil: there is none.
func tiffDirectory(raw []byte) (order binary.ByteOrder, entries []byte) {
	if len(raw) < 8 {
		return nil, nil
	}
	switch string(raw[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, nil
	}
	at := int(order.Uint32(raw[4:]))
	if at+2 > len(raw) {
		return nil, nil
	}
	entries = raw[at+2:]
	return order, entries[:tiffEntrySize*min(int(order.Uint16(raw[at:])), len(entries)/tiffEntrySize)]
}

// tiffEntry says where the entry of a tag of the first directory of TIFF data begins; -1: it isn't there.
func tiffEntry(raw []byte, tag uint16) (order binary.ByteOrder, at int) {
	order, entries := tiffDirectory(raw)
	for i := 0; i < len(entries); i += tiffEntrySize {
		if order.Uint16(entries[i:]) == tag {
			return order, int(order.Uint32(raw[4:])) + 2 + i
		}
	}
	return nil, -1
}

// exifOrientation reads the orientation of EXIF data, which have the form of TIFF, with or without the mark that
// precedes them in a JPEG. It is 0 where there is none that makes sense.
func exifOrientation(raw []byte) int {
	if o, ok := tiffNumber(bytes.TrimPrefix(raw, []byte("Exif\x00\x00")), orientationTag); ok && o >= 1 && o <= 8 {
		return o
	}
	return 0
}

// inXMP is an orientation in a packet of XMP, as an attribute or as an element.
var inXMP = regexp.MustCompile(`tiff:Orientation\s*(?:=\s*["']|>\s*)([1-8])\s*["'<]`)

// xmpOrientation reads the orientation of XMP data, or 0.
func xmpOrientation(raw []byte) int {
	if found := inXMP.FindSubmatch(raw); found != nil {
		return int(found[1][0] - '0')
	}
	return 0
}

// upright turns and mirrors an image that was stored with the given EXIF orientation.
func upright(m augment.Image, orientation int) augment.Image {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	out := augment.Image{Width: m.Width, Height: m.Height, Pix: make([]uint8, len(m.Pix))}
	if orientation >= 5 {
		out.Width, out.Height = m.Height, m.Width
	}
	right, bottom := m.Width-1, m.Height-1
	for y := range out.Height {
		for x := range out.Width {
			var fromX, fromY int
			switch orientation {
			case 2: // mirrored
				fromX, fromY = right-x, y
			case 3: // upside down
				fromX, fromY = right-x, bottom-y
			case 4: // mirrored, upside down
				fromX, fromY = x, bottom-y
			case 5: // mirrored along the diagonal
				fromX, fromY = y, x
			case 6: // to be turned clockwise
				fromX, fromY = y, bottom-x
			case 7: // mirrored along the other diagonal
				fromX, fromY = right-y, bottom-x
			case 8: // to be turned counter-clockwise
				fromX, fromY = right-y, x
			}
			copy(out.Pix[3*(y*out.Width+x):][:3], m.Pix[3*(fromY*m.Width+fromX):])
		}
	}
	return out
}
