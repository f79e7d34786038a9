package picture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"math"

	"golang.org/x/image/webp"
)

// Markers of JPEG.
const (
	markerSOF0  = 0xc0 // and the following, but for three
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerSOF2  = 0xc2 // progressive
	markerSOF15 = 0xcf
	markerSOS   = 0xda
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// jpegSegment returns the content of the first segment with the marker that begins so, before the first scan; or nil.
func jpegSegment(raw []byte, marker byte, begin string) []byte {
	from, end := findSegment(raw, marker, begin)
	if end == 0 {
		return nil
	}
	return raw[from:end]
}

// findSegment says where that content is; 0, 0: there is none.
func findSegment(raw []byte, marker byte, begin string) (from, end int) {
	for at := 2; at+4 <= len(raw) && raw[at] == 0xff; {
		m := raw[at+1]
		if m == 0xff { // a fill byte
			at++
			continue
		}
		if m == markerSOS {
			break
		}
		end := at + 2 + int(binary.BigEndian.Uint16(raw[at+2:]))
		if end < at+4 || end > len(raw) {
			break
		}
		if m == marker && bytes.HasPrefix(raw[at+4:end], []byte(begin)) {
			return at + 4, end
		}
		at = end
	}
	return 0, 0
}

// jpegOrientation reads EXIF data, and XMP where these say nothing, as Pillow does.
func jpegOrientation(raw []byte) int {
	return cmp.Or(exifOrientation(jpegSegment(raw, markerAPP1, "Exif\x00\x00")),
		xmpOrientation(jpegSegment(raw, markerAPP1, "http://ns.adobe.com/xap/1.0/\x00")), 1)
}

// gifConfig is gif.DecodeConfig of a canvas that holds the first frame.
func gifConfig(raw []byte) (image.Config, error) {
	return gif.DecodeConfig(bytes.NewReader(gifCanvas(raw)))
}

func decodeGIF(raw []byte, _ image.Config) (still, error) {
	m, err := gif.Decode(bytes.NewReader(gifCanvas(raw))) // the first frame only
	if err != nil {
		return still{}, err
	}
	return still{Image: m, at: m.Bounds().Min}, nil
}

// gifCanvas returns a file whose canvas is at least as large as the first frame, as browsers and Pillow take it. Some
// programs write a smaller one, or none.
func gifCanvas(raw []byte) []byte {
	const head = 13
	if len(raw) < head {
		return raw
	}
	table := func(flags byte) int { // bytes of a table of colours
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (1 + flags&7)
	}
	at := head + table(raw[10])
	for at < len(raw) && raw[at] == '!' { // extensions: a kind, then blocks with their lengths, up to an empty one
		for at += 2; at < len(raw) && raw[at] != 0; at += 1 + int(raw[at]) {
		}
		at++
	}
	if at+9 > len(raw) || raw[at] != ',' {
		return raw
	}
	number := func(at int) int { return int(binary.LittleEndian.Uint16(raw[at:])) }
	width, height := number(at+1)+number(at+5), number(at+3)+number(at+7)
	if width <= number(6) && height <= number(8) || width > math.MaxUint16 || height > math.MaxUint16 {
		return raw
	}
	larger := bytes.Clone(raw)
	binary.LittleEndian.PutUint16(larger[6:], uint16(max(width, number(6))))
	binary.LittleEndian.PutUint16(larger[8:], uint16(max(height, number(8))))
	return larger
}

// pngOrientation looks for an eXIf chunk before the pixels, and else for XMP.
func pngOrientation(raw []byte) int {
	xmp := 0
	for at := 8; at+8 <= len(raw); {
		n := uint64(binary.BigEndian.Uint32(raw[at:]))
		kind := string(raw[at+4 : at+8])
		end := uint64(at) + 8 + n
		if kind == "IDAT" || end+4 > uint64(len(raw)) {
			break
		}
		content := raw[at+8 : end]
		switch {
		case kind == "eXIf":
			if o := exifOrientation(content); o > 0 {
				return o
			}
		case kind == "iTXt" && bytes.HasPrefix(content, []byte("XML:com.adobe.xmp\x00")):
			xmp = xmpOrientation(content)
		}
		at = int(end) + 4
	}
	return max(1, xmp)
}

// riffChunks calls visit for each chunk of a RIFF file's content, until visit returns false.
func riffChunks(content []byte, visit func(kind string, chunk []byte) bool) {
	for len(content) >= 8 {
		n := uint64(binary.LittleEndian.Uint32(content[4:]))
		if 8+n > uint64(len(content)) {
			return
		}
		if !visit(string(content[:4]), content[8:8+n]) {
			return
		}
		content = content[min(8+n+n%2, uint64(len(content))):]
	}
}

func webpOrientation(raw []byte) int {
	exif, xmp := 0, 0
	riffChunks(raw[12:], func(kind string, chunk []byte) bool {
		switch kind {
		case "EXIF":
			exif = exifOrientation(chunk)
		case "XMP ":
			xmp = xmpOrientation(chunk)
		}
		return exif == 0
	})
	return cmp.Or(exif, xmp, 1)
}

// webpWithoutAlpha returns a file whose header promises no channel of alpha if there is none, for which
// golang.org/x/image/webp asks otherwise; an image that is stored without loss has its own.
func webpWithoutAlpha(raw []byte) []byte {
	const flags, alphaBit = 20, 1 << 4
	if len(raw) <= flags || string(raw[12:16]) != "VP8X" || raw[flags]&alphaBit == 0 {
		return raw
	}
	alpha := false
	riffChunks(raw[12:], func(kind string, _ []byte) bool {
		alpha = kind == "ALPH"
		return !alpha
	})
	if alpha {
		return raw
	}
	raw = bytes.Clone(raw)
	raw[flags] &^= alphaBit
	return raw
}

var errFrame = errors.New("an animation without a frame that fits its canvas")

// decodeWebP decodes a still WebP, or the first frame of an animation, which golang.org/x/image/webp can't: the frame
// is put into a file of its own.
func decodeWebP(raw []byte, c image.Config) (still, error) {
	var frame []byte
	riffChunks(raw[12:], func(kind string, chunk []byte) bool {
		if kind == "ANMF" {
			frame = chunk
		}
		return frame == nil
	})
	if frame == nil {
		m, err := webp.Decode(bytes.NewReader(webpWithoutAlpha(raw)))
		return still{Image: m, video: true}, err
	}
	if len(frame) < 16 {
		return still{}, errFrame
	}
	x, y := 2*int(uint24(frame)), 2*int(uint24(frame[3:]))
	size := frame[6:12] // width and height, less one each
	width, height := int(uint24(size))+1, int(uint24(size[3:]))+1
	if x+width > c.Width || y+height > c.Height {
		return still{}, errFrame
	}
	alpha := false
	riffChunks(frame[16:], func(kind string, _ []byte) bool {
		alpha = alpha || kind == "ALPH"
		return true
	})
	content := []byte("WEBP")
	if alpha {
		const alphaBit = 1 << 4
		content = append(content, "VP8X\x0a\x00\x00\x00"...)
		content = append(content, alphaBit, 0, 0, 0)
		content = append(content, size...)
	}
	content = append(content, frame[16:]...)
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(content)))
	file = append(file, content...)
	inner, err := webp.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return still{}, err
	}
	if inner.Width != width || inner.Height != height {
		return still{}, errFrame
	}
	m, err := webp.Decode(bytes.NewReader(file))
	return still{Image: m, at: image.Pt(x, y), video: true}, err
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
