package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"slices"

	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Markers of JPEG.
const (
	markerSOS   = 0xda
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// jpegSegment returns the content of the first segment with the marker that begins so, before the first scan; or nil.
func jpegSegment(raw []byte, marker byte, begin string) []byte {
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
		if content := raw[at+4 : end]; m == marker && bytes.HasPrefix(content, []byte(begin)) {
			return content
		}
		at = end
	}
	return nil
}

func jpegOrientation(raw []byte) int {
	return exifOrientation(jpegSegment(raw, markerAPP1, "Exif\x00\x00"))
}

// plainCMYK is Adobe's marker, saying that no transformation was applied to the channels.
var plainCMYK = []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")

func decodeJPEG(raw []byte, c image.Config) (still, error) {
	if channels(c.ColorModel) == 4 && jpegSegment(raw, markerAPP14, "Adobe") == nil {
		raw = slices.Concat(raw[:2], plainCMYK, raw[2:]) // the decoder asks for the marker
	}
	m, err := jpeg.Decode(bytes.NewReader(raw))
	return still{Image: m}, err
}

func decodeGIF(raw []byte, _ image.Config) (still, error) {
	m, err := gif.Decode(bytes.NewReader(raw)) // the first frame only
	if err != nil {
		return still{}, err
	}
	return still{Image: m, at: m.Bounds().Min}, nil
}

// decodeTIFF decodes the first page. Where a fax's two colours (CCITT) are stored with black as 0,
// golang.org/x/image/tiff takes the one for the other.
func decodeTIFF(raw []byte, _ image.Config) (still, error) {
	m, err := tiff.Decode(bytes.NewReader(raw))
	if err != nil {
		return still{}, err
	}
	const compression, group3, group4 = 259, 3, 4
	const photometric, blackIsZero = 262, 1
	kind, _ := tiffShort(raw, compression)
	colours, _ := tiffShort(raw, photometric)
	if grey, ok := m.(*image.Gray); ok && (kind == group3 || kind == group4) && colours == blackIsZero {
		for i, v := range grey.Pix {
			grey.Pix[i] = 255 - v
		}
	}
	return still{Image: m}, nil
}

// pngOrientation looks for an eXIf chunk before the pixels.
func pngOrientation(raw []byte) int {
	for at := 8; at+8 <= len(raw); {
		n := uint64(binary.BigEndian.Uint32(raw[at:]))
		kind := string(raw[at+4 : at+8])
		end := uint64(at) + 8 + n
		if kind == "IDAT" || end+4 > uint64(len(raw)) {
			break
		}
		if kind == "eXIf" {
			return exifOrientation(raw[at+8 : end])
		}
		at = int(end) + 4
	}
	return 1
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
	orientation := 1
	riffChunks(raw[12:], func(kind string, chunk []byte) bool {
		if kind == "EXIF" {
			orientation = exifOrientation(chunk)
		}
		return kind != "EXIF"
	})
	return orientation
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
		m, err := webp.Decode(bytes.NewReader(raw))
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
