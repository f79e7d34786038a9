package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"slices"

	"golang.org/x/image/tiff"
)

// Tags of TIFF.
const (
	tagBits        = 258
	tagCompression = 259
	tagPhotometric = 262
	tagOffsets     = 273 // of strips
	tagSamples     = 277 // a pixel
	tagCounts      = 279 // bytes of strips
	tagPlanar      = 284
	tagTileOffsets = 324
	tagTileCounts  = 325
	tagExtra       = 338 // what samples beyond the colours are
	tagXMP         = 700
)

const (
	blackIsZero  = 1 // of photometric
	rgbColours   = 2
	planes       = 2 // of planar
	straightMask = 2 // of extra: alpha
)

func tiffConfig(raw []byte) (image.Config, error) {
	if isPlanar(raw) {
		c, err := tiff.DecodeConfig(bytes.NewReader(plane(raw, 0)))
		c.ColorModel = nil // colour
		return c, err
	}
	raw, _ = maskedRGBX(raw)
	return tiff.DecodeConfig(bytes.NewReader(raw))
}

// decodeTIFF decodes the first page. Where a fax's two colours (CCITT) are stored with black as 0,
// golang.org/x/image/tiff takes the one for the other. It reads no planes, and no fourth sample of no meaning.
func decodeTIFF(raw []byte, _ image.Config) (still, error) {
	if isPlanar(raw) {
		return decodePlanes(raw)
	}
	raw, meaningless := maskedRGBX(raw)
	m, err := tiff.Decode(bytes.NewReader(raw))
	if err != nil {
		return still{}, err
	}
	if meaningless {
		switch m := m.(type) {
		case *image.NRGBA:
			for i := 3; i < len(m.Pix); i += 4 {
				m.Pix[i] = 255
			}
		case *image.NRGBA64:
			for i := 6; i < len(m.Pix); i += 8 {
				m.Pix[i], m.Pix[i+1] = 255, 255
			}
		}
	}
	const group3, group4 = 3, 4
	kind, _ := tiffNumber(raw, tagCompression)
	colours, _ := tiffNumber(raw, tagPhotometric)
	if grey, ok := m.(*image.Gray); ok && (kind == group3 || kind == group4) && colours == blackIsZero {
		for i, v := range grey.Pix {
			grey.Pix[i] = 255 - v
		}
	}
	return still{Image: m}, nil
}

// isPlanar says whether the samples of a colour are in planes of their own: all red ones, then all green ones.
func isPlanar(raw []byte) bool {
	how, _ := tiffNumber(raw, tagPlanar)
	colours, _ := tiffNumber(raw, tagPhotometric)
	samples, _ := tiffNumber(raw, tagSamples)
	return how == planes && colours == rgbColours && samples >= 3
}

// maskedRGBX returns a file whose fourth sample is called alpha where it is said to have no meaning, or nothing is said
// of it, and whether it is so.
func maskedRGBX(raw []byte) (file []byte, meaningless bool) {
	colours, _ := tiffNumber(raw, tagPhotometric)
	samples, _ := tiffNumber(raw, tagSamples)
	if colours != rgbColours || samples != 4 {
		return raw, false
	}
	extra, ok := tiffNumber(raw, tagExtra)
	switch {
	case !ok:
		return addTIFF(raw, tagExtra, straightMask), true
	case extra != 0:
		return raw, false
	}
	raw = bytes.Clone(raw)
	setTIFF(raw, tagExtra, straightMask)
	return raw, true
}

// addTIFF returns a file with one more tag in its first directory, of one value of 16 bits. The directory is written
// anew behind all else, as there is no room for it where it is.
func addTIFF(raw []byte, tag, value uint16) []byte {
	order, entries := tiffDirectory(raw)
	if entries == nil {
		return raw
	}
	each := slices.Collect(slices.Chunk(entries, tiffEntrySize))
	at := slices.IndexFunc(each, func(e []byte) bool { return order.Uint16(e) > tag })
	if at < 0 {
		at = len(each)
	}
	each = slices.Insert(each, at, make([]byte, tiffEntrySize))
	raw = append(bytes.Clone(raw), make([]byte, len(raw)%2)...) // directories begin at even bytes
	order.PutUint32(raw[4:], uint32(len(raw)))
	raw = append(raw, 0, 0)
	order.PutUint16(raw[len(raw)-2:], uint16(len(each)))
	raw = append(raw, slices.Concat(each...)...)
	entry := raw[len(raw)-(len(each)-at)*tiffEntrySize:]
	order.PutUint16(entry, tag)
	raw = append(raw, 0, 0, 0, 0) // no further directory
	setTIFF(raw, tag, value)
	return raw
}

// setTIFF gives a tag that is there one value of 16 bits.
func setTIFF(raw []byte, tag uint16, value uint16) {
	if order, at := tiffEntry(raw, tag); at >= 0 {
		order.PutUint16(raw[at+2:], tiffShort)
		order.PutUint32(raw[at+4:], 1)
		order.PutUint32(raw[at+8:], 0)
		order.PutUint16(raw[at+8:], value)
	}
}

// plane returns a grey file that is plane i of a planar one: its directory names the strips or tiles of this plane
// only.
func plane(raw []byte, i int) []byte {
	samples, _ := tiffNumber(raw, tagSamples)
	bits := uint16(8)
	if order, entry := tiffEntry(raw, tagBits); entry >= 0 {
		if at, size := tiffValues(order, raw, entry); size == 2 {
			bits = order.Uint16(raw[at:])
		}
	}
	raw = bytes.Clone(raw)
	setTIFF(raw, tagSamples, 1)
	setTIFF(raw, tagBits, bits)
	setTIFF(raw, tagPhotometric, blackIsZero)
	setTIFF(raw, tagPlanar, 1)
	if _, entry := tiffEntry(raw, tagExtra); entry >= 0 {
		copy(raw[entry:], "\xff\xff") // a tag that nobody knows
	}
	for _, tag := range []uint16{tagOffsets, tagCounts, tagTileOffsets, tagTileCounts} {
		order, entry := tiffEntry(raw, tag)
		if entry < 0 {
			continue
		}
		at, size := tiffValues(order, raw, entry)
		each := int(order.Uint32(raw[entry+4:])) / max(samples, 1)
		if size == 0 || each == 0 {
			continue // the decoder says what is wrong with it
		}
		from := at + i*each*size
		var value [4]byte // what doesn't fill it is 0
		if each*size > len(value) {
			order.PutUint32(value[:], uint32(from))
		} else {
			copy(value[:], raw[from:from+each*size])
		}
		order.PutUint32(raw[entry+4:], uint32(each))
		copy(raw[entry+8:], value[:])
	}
	return raw
}

// tiffValues says where the values of an entry begin and how many bytes each has; 0: they are not there, or no numbers
// of 16 or 32 bits.
func tiffValues(order binary.ByteOrder, raw []byte, entry int) (at, size int) {
	switch order.Uint16(raw[entry+2:]) {
	case tiffShort:
		size = 2
	case tiffLong:
		size = 4
	default:
		return 0, 0
	}
	all := int(order.Uint32(raw[entry+4:])) * size
	at = entry + 8 // where they fit
	if all > 4 {
		at = int(order.Uint32(raw[entry+8:]))
	}
	if at+all > len(raw) {
		return 0, 0
	}
	return at, size
}

// decodePlanes decodes the three colours by themselves.
func decodePlanes(raw []byte) (still, error) {
	var out *image.NRGBA
	for i := range 3 {
		m, err := tiff.Decode(bytes.NewReader(plane(raw, i)))
		if err != nil {
			return still{}, err
		}
		b := m.Bounds()
		if out == nil {
			out = image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		}
		if b.Size() != out.Rect.Size() {
			return still{}, errors.New("planes of several sizes")
		}
		row := rows(still{Image: m}, [3]uint8{})
		line := make([]uint8, 3*b.Dx())
		for y := range b.Dy() {
			row(line, y)
			for x := range b.Dx() {
				at := out.PixOffset(x, y)
				out.Pix[at+i], out.Pix[at+3] = line[3*x], 255
			}
		}
	}
	return still{Image: out}, nil
}
