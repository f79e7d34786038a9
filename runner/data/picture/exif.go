package picture

import (
	"bytes"
	"encoding/binary"

	"ordo/augment"
)

// orientationTag is the number of TIFF's and EXIF's Orientation.
const orientationTag = 0x0112

// tiffOrientation reads the orientation of TIFF data, which is the form that EXIF has, too. It is 1, upright, where
// there is none that makes sense.
func tiffOrientation(raw []byte) int {
	if o, ok := tiffShort(raw, orientationTag); ok && o >= 1 && o <= 8 {
		return o
	}
	return 1
}

// tiffShort reads the tag of the first directory of TIFF data that is one 16-bit number.
func tiffShort(raw []byte, tag uint16) (value int, ok bool) {
	if len(raw) < 8 {
		return 0, false
	}
	var order binary.ByteOrder
	switch string(raw[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0, false
	}
	at := uint64(order.Uint32(raw[4:]))
	if at+2 > uint64(len(raw)) {
		return 0, false
	}
	entries := raw[at+2:]
	for range order.Uint16(raw[at:]) {
		if len(entries) < 12 {
			break
		}
		const short = 3 // the tag's type
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short {
			return int(order.Uint16(entries[8:])), true
		}
		entries = entries[12:]
	}
	return 0, false
}

// exifOrientation reads the orientation of EXIF data, with or without the mark that precedes them in a JPEG.
func exifOrientation(raw []byte) int {
	return tiffOrientation(bytes.TrimPrefix(raw, []byte("Exif\x00\x00")))
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
